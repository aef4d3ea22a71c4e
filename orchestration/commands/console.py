"""Progress at a terminal: one line per phase, a moving one while it runs."""

from __future__ import annotations

import sys
import threading
import time

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from orchestration.ground.progress import EVERY, Log, Progress, told

TITLES = {
    "start": "Starting",
    "landing": "Landing",
    "landing_gate": "Gate 1: what landed",
    "staging_parse": "Parsing",
    "staged_gate": "Gate 2: what was parsed",
    "dbt": "Building the marts",
    "marts_gate": "Gate 3: the candidate marts",
    "publish": "Publishing",
}


class ConsoleProgress(Progress):
    """Writes to stderr, so that stdout stays for results.

    Without a terminal it writes a line per phase, and one from time to time.

    Args:
        console: where to; by default stderr.
        every: seconds between two lines without a terminal.
    """

    def __init__(self, console: Console | None = None, every: float = EVERY) -> None:
        super().__init__()
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._lock, self._over = threading.Lock(), threading.Event()
        self._title, self._text, self._now = "", "", ""
        self._every, self._started, self._due = every, 0.0, time.monotonic() + every
        if not self._console.is_terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    def phase(self, name: str, text: str = "", log: Log | None = None) -> None:
        """Close the line of the last phase and open the next."""
        super().phase(name, text, log)
        with self._lock:
            self._finish("green", "✓")
            self._title, self._text, self._now = TITLES.get(name, name), text, text
            self._started = time.monotonic()
            self._due = self._started + self._every
            if self._console.is_terminal:
                self._status = self._console.status(f"{self._title} {text}")
                self._status.start()

    def update(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show what is happening now."""
        super().update(text, done, total)
        with self._lock:
            self._now = told(text, done, total)
            self._text = f"{total} in all" if total else text
            if self._status:
                self._status.update(f"{self._title} [dim]{escape(self._now)}[/dim]")

    def close(self, failed: bool = False) -> None:
        """Close the last line."""
        super().close()
        self._over.set()
        with self._lock:
            self._finish(*(("red", "✗") if failed else ("green", "✓")))
            self._title = ""

    def _tick(self) -> None:
        while not self._over.wait(self._due - time.monotonic()):
            with self._lock:
                if time.monotonic() < self._due:
                    continue  # a phase has begun since
                if self._title:
                    self._line("dim", "…", self._now)
                self._due = time.monotonic() + self._every

    def _finish(self, colour: str, mark: str) -> None:
        if self._status:
            self._status.stop()
            self._status = None
        if self._title:
            self._line(colour, mark, self._text)

    def _line(self, colour: str, mark: str, text: str) -> None:
        seconds = time.monotonic() - self._started
        self._console.print(
            f"[{colour}]{mark}[/] {self._title:<28} [dim]{seconds:6.1f} s  {escape(text)}[/dim]"
        )
