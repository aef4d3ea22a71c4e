"""Messages to a webhook (Slack-compatible), each distinct failure once per window."""

from __future__ import annotations

import hashlib
import html
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from ingestion.errors import ExpectedError
from orchestration.ground import locking
from orchestration.ground.files import replace_text
from orchestration.ground.settings import Settings

WINDOW_SECONDS = 6 * 3600
LIMIT = 3500
SHOWN = 10


class AlertError(ExpectedError):
    """The webhook did not take the message. The text never holds its URL, which is a secret."""


class Alerts:
    """Sends messages and remembers what it sent, in a small file that several processes may use.

    Args:
        path: the file that remembers.
        settings: holds the webhook, and the secrets that no message may show.
        clock: seconds since the epoch.
    """

    def __init__(self, path: Path, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._path, self._settings, self._clock = path, settings, clock

    def failed(self, job: str, run_id: str, causes: Sequence[str], version: str = "") -> bool:
        """Tell why a run failed, as `send` does; `version` is the one that it had published before."""
        state = f" after it published {version}" if version else "; the published marts stay as they were"
        text = f":red_circle: *{job}* failed{state}.\n{_listed(causes)}"
        return self.send(f"{job}: {causes[0]}", f"{text}\nrun {run_id}", run_id)

    def warned(self, job: str, run_id: str, warnings: Sequence[str]) -> bool:
        """Tell what a run that succeeded warned of, each warning as `send` does; whether any was sent."""
        return any([self.send(text, f":warning: *{job}*: {text}\nrun {run_id}", run_id) for text in warnings])

    def published(self, text: str) -> None:
        """Tell what a publication says.

        Args:
            text: its lines; nothing in them is markup, whatever members are called.

        Raises:
            AlertError: the webhook did not take it.
        """
        self._post(html.escape(redact(text, secrets(self._settings)), quote=False))

    def send(self, failure: str, text: str, run_id: str = "") -> bool:
        """Send a message unless the same failure was told within the window.

        Args:
            failure: what makes the failure distinct; digits are ignored, so that counts and ids are not.
            text: the message.
            run_id: the run that failed: told of once more, it is no further failure.

        Returns:
            Whether it was sent. What was suppressed is counted and told with the next one.

        Raises:
            AlertError: the webhook did not take it; it counts as not sent.
        """
        if self._settings.webhook_url is None:
            return False
        hidden = secrets(self._settings)
        failure, text = redact(failure, hidden), redact(text, hidden)
        key = hashlib.sha256(re.sub(r"[0-9a-f]{8,}|\d+", "#", failure).encode()).hexdigest()[:24]
        with locking.exclusive(self._path.with_suffix(".lock"), "sending an alert", wait=True):
            now, sent = self._clock(), self._read()
            last = sent.get(key)
            if last and now - last["at"] < WINDOW_SECONDS:
                last["suppressed"] += not run_id or last.get("run_id") != run_id
                self._write(sent)
                return False
            if last and last["suppressed"]:
                text += f"\n({last['suppressed']} further failures of this kind were not told)"
            self._post(text)
            fresh = {k: v for k, v in sent.items() if now - v["at"] < 10 * WINDOW_SECONDS}
            self._write({**fresh, key: {"at": now, "suppressed": 0, "run_id": run_id}})
        return True

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return {}

    def _write(self, sent: dict[str, dict[str, Any]]) -> None:
        with suppress(OSError):  # a full disk is to be told of; at worst it is told twice
            replace_text(self._path, json.dumps(sent))

    def _post(self, text: str) -> None:
        if len(text) > LIMIT:
            text = text[: LIMIT - 1] + "…"
        try:
            answer = httpx2.post(self._settings.webhook_url or "", json={"text": text}, timeout=15)
        except httpx2.HTTPError as error:
            raise AlertError(f"the webhook could not be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise AlertError(f"the webhook answered {answer.status_code}")


def secrets(settings: Settings) -> list[str]:
    """Every text that must not leave this process."""
    found = [secret for account in settings.sources for secret in account.secrets]
    database = urlsplit(settings.postgres_url or "")
    passwords = [database.password or "", *parse_qs(database.query).get("password", [])]
    found += [settings.postgres_url or "", *passwords, *map(unquote, passwords)]
    return [text for text in [*found, settings.webhook_url, settings.follow_up_url] if text]


def redact(text: str, hidden: Iterable[str]) -> str:
    """The text with every secret blanked out."""
    for secret in hidden:
        text = text.replace(secret, "***")
    return text


def _listed(texts: Sequence[str]) -> str:
    more = f"\n• and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "\n".join(f"• {text}" for text in texts[:SHOWN]) + more
