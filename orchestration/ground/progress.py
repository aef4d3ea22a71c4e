"""Telling whoever watches how far a refresh is. Silent unless the command line sets a reporter."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: Seconds between two lines about one phase, in a step's log and on a console that is no terminal.
EVERY = 15.0
Log = Callable[[str], None]


def told(text: str, done: int | None = None, total: int | None = None) -> str:
    """What is happening, with how far it is."""
    return f"{done} of {total}: {text}" if total else text


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
        self._log: Log | None = None
        self._logged = 0.0

    def phase(self, name: str, text: str = "", log: Log | None = None) -> None:
        """A phase begins, and the one before it ends.

        Args:
            name: the phase.
            text: what it is about.
            log: the log of the phase's step, which the UI shows: it is told now, and then from time to time.
        """
        wall, cpu = time.monotonic(), time.process_time()
        if self._phase:
            self.facts["phases"][self._phase] = {
                "seconds": round(wall - self._wall, 2),
                "cpu_seconds": round(cpu - self._cpu, 2),
            }
        self._phase, self._wall, self._cpu = name, wall, cpu
        self._log = log
        self.tell(text)

    def tell(self, text: str) -> None:
        """A line for the log of the present phase's step."""
        self._logged = time.monotonic()
        if self._log:
            self._log(text)

    def update(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Something happened in the present phase. Called from any thread."""
        if time.monotonic() - self._logged >= EVERY:
            self.tell(told(text, done, total))

    def close(self) -> None:
        """Nothing more comes."""
        Progress.phase(self, "")


current: Progress = Progress()


def use(reporter: Progress) -> None:
    """Send what follows to this reporter."""
    global current
    current = reporter
