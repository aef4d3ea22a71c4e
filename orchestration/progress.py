"""Telling whoever watches how far a refresh is. Silent unless the command line sets a reporter."""

from __future__ import annotations

from typing import Any


class Progress:
    """Takes what a refresh reports; this one keeps the facts and shows nothing."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def phase(self, name: str, text: str = "") -> None:
        """A phase begins."""

    def update(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Something happened in the present phase. Called from any thread."""

    def close(self) -> None:
        """Nothing more comes."""


current: Progress = Progress()


def use(reporter: Progress) -> None:
    """Send what follows to this reporter."""
    global current
    current = reporter
