"""Progress at a terminal: one line per phase, a moving one while it runs."""

from __future__ import annotations

import sys
import threading
import time

from rich.console import Console
from rich.status import Status

from orchestration.progress import Progress

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
    """Writes to stderr, so that stdout stays for results. Without a terminal it writes one line per phase."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._lock = threading.Lock()
        self._title, self._text, self._started = "", "", 0.0
        self._last: dict[str, str] = {}

    def phase(self, name: str, text: str = "") -> None:
        """Close the line of the last phase and open the next."""
        super().phase(name, text)
        with self._lock:
            self._finish("green", "✓")
            self._title, self._text, self._started = TITLES.get(name, name), text, time.monotonic()
            self._last.clear()
            if self._console.is_terminal:
                self._status = self._console.status(f"{self._title} {text}")
                self._status.start()

    def update(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Show what is happening now."""
        with self._lock:
            share = f"{done}/{total} " if total else ""
            self._text = f"{total} in all" if total else text
            if self._status:
                self._status.update(f"{self._title} [dim]{share}{text}[/dim]")

    def close(self, failed: bool = False) -> None:
        """Close the last line."""
        super().close()
        with self._lock:
            self._finish(*(("red", "✗") if failed else ("green", "✓")))
            self._title = ""

    def _finish(self, colour: str, mark: str) -> None:
        if self._status:
            self._status.stop()
            self._status = None
        if self._title:
            seconds = time.monotonic() - self._started
            self._console.print(
                f"[{colour}]{mark}[/] {self._title:<28} [dim]{seconds:6.1f} s  {self._text}[/dim]"
            )
