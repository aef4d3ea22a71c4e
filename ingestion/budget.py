"""What is left of a vendor's limit, as its answers tell it, and a share of it that is left to others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

#: Seconds after which a vendor counts anew.
MINUTE = 60.0
_NUMBER = re.compile(r"\d+")


@dataclass
class _Count:
    """One limit: since when it is counted, at the latest, and what was left last."""

    since: float
    left: int


class Budget:
    """Holds requests back before a limit is reached, so that other tools of the account can go on.

    The vendor tells the whole of a minute, what is left of it and what a request took (`X-RateLimit-Total`,
    `-Remaining`, `-Used-CurrentRequest`), but not when the minute ends: that is a minute after the first
    answer of it at the latest. Kinds of requests may have limits of their own: each path is counted alone.

    Args:
        share: Of the whole, what is left to others.
        clock: Monotonic seconds.
    """

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self._share, self._clock = share, clock
        self._counts: dict[str, _Count] = {}
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def until(self, path: str) -> float:
        """When the next request to a path may be sent."""
        return self._until.get(_kind(path), 0.0)

    def note(self, path: str, headers: Mapping[str, str]) -> None:
        """Hear what an answer tells."""
        told = [_integer(headers.get(f"x-ratelimit-{name}")) for name in ("total", "remaining")]
        total, left = told
        if not self._share or total is None or left is None:
            return
        used = _integer(headers.get("x-ratelimit-used-currentrequest")) or 1
        kind, now = _kind(path), self._clock()
        with self._lock:
            count = self._counts.get(kind)
            if count is None or left >= count.left or now >= count.since + MINUTE:
                count = self._counts[kind] = _Count(now, left)
            count.left = left
            if left - used < total * self._share:
                self._until[kind] = count.since + MINUTE
                del self._counts[kind]


def _kind(path: str) -> str:
    return _NUMBER.sub("#", path)


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
