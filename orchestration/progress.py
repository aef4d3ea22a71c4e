"""Telling whoever watches how far a refresh is. Silent unless the command line sets a reporter."""

from __future__ import annotations

import time
from typing import Any


class Progress:
    """Takes what a refresh reports; this one keeps the facts and shows nothing.

    `facts["phases"]` holds the wall and CPU seconds of each phase that has ended.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A refresh begins: what an earlier one told is forgotten."""
        self.facts: dict[str, Any] = {"phases": {}}
        self._phase, self._wall, self._cpu = "", 0.0, 0.0

    def phase(self, name: str, text: str = "") -> None:
        """A phase begins, and the one before it ends."""
        wall, cpu = time.monotonic(), time.process_time()
        if self._phase:
            self.facts["phases"][self._phase] = {
                "seconds": round(wall - self._wall, 2),
                "cpu_seconds": round(cpu - self._cpu, 2),
            }
        self._phase, self._wall, self._cpu = name, wall, cpu

    def update(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Something happened in the present phase. Called from any thread."""

    def close(self) -> None:
        """Nothing more comes."""
        Progress.phase(self, "")


current: Progress = Progress()


def use(reporter: Progress) -> None:
    """Send what follows to this reporter."""
    global current
    current = reporter
