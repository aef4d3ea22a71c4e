"""Faults that the sandbox plays on its clients: bad answers, planned or at random, and spoiled records."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from sandbox.http import Response, encode

Mutator = Callable[[dict[str, Any]], object]
Rewriter = Callable[[bytes], bytes]
Replacer = Callable[[Response], Response]
KINDS = (
    "500",
    "502",
    "503",
    "429",
    "429_without_retry_after",
    "reset",
    "truncated",
    "slow",
    "html",
    "empty",
    "stall",
)


@dataclass
class Fault:
    """One planned fault.

    Args:
        kind: one of KINDS.
        path: only requests whose path contains this text.
        times: how many requests to spoil, None for ever.
        probability: of spoiling each request that fits.
        retry_after: the header's seconds for `429`.
        skip: let so many fitting requests pass first.
    """

    kind: str
    path: str = ""
    times: int | None = 1
    probability: float = 1.0
    retry_after: int = 1
    skip: int = 0


class Faults:
    """What goes wrong, in what order; safe to use while the server runs."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = Random(seed)
        self._lock = threading.Lock()
        self._planned: list[Fault] = []
        self._mutators: list[tuple[str, str, Mutator]] = []
        self._rewriters: list[tuple[str, Rewriter]] = []
        self._replacers: list[tuple[re.Pattern[str], Replacer]] = []
        self.stop = threading.Event()  # ends stalls
        self.met = 0

    def add(
        self,
        kind: str,
        path: str = "",
        times: int | None = 1,
        probability: float = 1.0,
        retry_after: int = 1,
        skip: int = 0,
    ) -> None:
        """Plan a fault, see `Fault`; raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}, known are {', '.join(KINDS)}")
        with self._lock:
            self._planned.append(Fault(kind, path, times, probability, retry_after, skip))

    def mutate(self, path: str, field: str, change: Mutator) -> None:
        """Spoil records: `change` gets each record of the array `field` in answers from `path`.

        `""` is the answer itself, where that is the array. `change` alters the record in place:
        `lambda record: record.pop("id")` makes ids go missing.
        """
        with self._lock:
            self._mutators.append((path, field, change))

    def rewrite(self, path: str, change: Rewriter) -> None:
        """Spoil answers from `path` as bytes: what no writer of JSON would write."""
        with self._lock:
            self._rewriters.append((path, change))

    def replace(self, path: str, change: Replacer) -> None:
        """Give another answer wherever the regular expression is found in the path."""
        with self._lock:
            self._replacers.append((re.compile(path), change))

    def clear(self) -> None:
        """Forget everything planned."""
        with self._lock:
            self._planned.clear()
            self._mutators.clear()
            self._rewriters.clear()
            self._replacers.clear()

    def next_for(self, path: str) -> Fault | None:
        """The fault to play on a request to `path`, if any."""
        with self._lock:
            for fault in self._planned:
                if fault.path not in path or fault.times == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if self._rng.random() < fault.probability:
                    if fault.times is not None:
                        fault.times -= 1
                    self.met += 1
                    return fault
        return None

    def spoil(self, path: str, response: Response) -> Response:
        """The response replaced, then its records mutated, then its bytes rewritten, as planned."""
        with self._lock:
            wanted = [(field, change) for part, field, change in self._mutators if part in path]
            rewriters = [change for part, change in self._rewriters if part in path]
            replacers = [change for pattern, change in self._replacers if pattern.search(path)]
        for replace in replacers:
            response = replace(response)
        if not (wanted or rewriters) or response.status != 200:
            return response
        body = response.body
        if wanted:
            answer = msgspec.json.decode(body)
            for field, change in wanted:
                for record in _records(answer, field):
                    change(record)
            body = encode(answer)
        for rewrite in rewriters:
            body = rewrite(body)
        return Response(response.status, body, response.headers)


def _records(answer: Any, field: str) -> list[dict[str, Any]]:
    if isinstance(answer, list):
        return answer if not field else []
    return list(answer.get(field, [])) if field else []


def error_response(fault: Fault) -> Response | None:
    """The answer of a fault that is a plain response; None where it spoils a good one or the connection."""
    if fault.kind.startswith("429"):
        headers = (
            {} if fault.kind.endswith("without_retry_after") else {"Retry-After": str(fault.retry_after)}
        )
        return Response(429, encode({"error": "TooManyRequests", "description": "slow down"}), headers)
    if fault.kind in ("500", "502", "503"):
        page = b"<html><head><title>Error</title></head><body><h1>Bad gateway</h1></body></html>"
        return Response(int(fault.kind), page, {}, "text/html")
    if fault.kind == "html":
        page = b"<!DOCTYPE html><html><body><h1>We are down for maintenance</h1></body></html>"
        return Response(200, page, {}, "text/html; charset=utf-8")
    if fault.kind == "empty":
        return Response(200, b"")
    return None
