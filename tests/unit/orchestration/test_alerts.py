"""A failure is told once per window, to a real server, without a secret."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestration.alerts import WINDOW_SECONDS, AlertError, Alerts
from orchestration.settings import Settings, Source


class Webhook:
    """A loopback server that takes messages as Slack does."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert list(body) == ["text"]
                if outer.status == 200:
                    outer.texts.append(body["text"])
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook/T0-secret"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.server.shutdown()
    server.server.server_close()


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def alerts(tmp_path: Path, webhook: Webhook, clock: Clock) -> Alerts:
    source = Source("zendesk", "zendesk", "https://x.example", token="top-secret")
    settings = Settings(home=tmp_path, webhook_url=webhook.url, sources=(source,))
    return Alerts(tmp_path / "alerts.json", settings, clock)


def test_one_message_per_failure_and_window(tmp_path: Path, webhook: Webhook) -> None:
    clock = Clock()
    sender = alerts(tmp_path, webhook, clock)
    assert sender.send("nightly: 3 rows without id", "first")
    assert not sender.send("nightly: 5 rows without id", "again, other count")
    assert sender.send("nightly: disk full", "another failure")
    clock.now += WINDOW_SECONDS + 1
    assert alerts(tmp_path, webhook, clock).send("nightly: 7 rows without id", "later")
    assert webhook.texts == [
        "first",
        "another failure",
        "later\n(1 further failures of this kind were not told)",
    ]


def test_a_refused_message_counts_as_not_sent(tmp_path: Path, webhook: Webhook) -> None:
    sender = alerts(tmp_path, webhook, Clock())
    webhook.status = 500
    with pytest.raises(AlertError, match="answered 500") as caught:
        sender.send("x", "text")
    assert "secret" not in str(caught.value)
    webhook.status = 200
    assert sender.send("x", "text")


def test_an_absent_server_is_a_clear_error_without_the_address(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, webhook_url="http://127.0.0.1:9/T0-secret")
    with pytest.raises(AlertError, match="could not be reached") as caught:
        Alerts(tmp_path / "alerts.json", settings).send("x", "text")
    assert "secret" not in str(caught.value)


def test_no_secret_leaves(tmp_path: Path, webhook: Webhook) -> None:
    sender = alerts(tmp_path, webhook, Clock())
    sender.send("x", f"token top-secret was refused, see {webhook.url}")
    assert webhook.texts == ["token *** was refused, see ***"]


def test_a_long_message_is_cut(tmp_path: Path, webhook: Webhook) -> None:
    alerts(tmp_path, webhook, Clock()).send("x", "a" * 100_000)
    assert len(webhook.texts[0]) == 3500


def test_without_a_webhook_nothing_happens(tmp_path: Path) -> None:
    assert not Alerts(tmp_path / "alerts.json", Settings(home=tmp_path)).send("x", "text")
    assert list(tmp_path.iterdir()) == []
