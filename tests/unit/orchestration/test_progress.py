"""What people see while a refresh goes on."""

import io
import re
import threading

import pytest
from rich.console import Console

from ingestion.streams import StreamResult
from orchestration.assets.landing import line
from orchestration.commands.console import ConsoleProgress
from orchestration.ground import progress


class Lines(io.StringIO):
    """Takes what is written, and says when a line with a mark has come so many times."""

    def __init__(self, mark: str, times: int) -> None:
        super().__init__()
        self._mark, self._times, self.came = mark, times, threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.getvalue().count(self._mark) >= self._times:
            self.came.set()
        return written


def test_without_a_terminal_a_long_phase_says_from_time_to_time_where_it_is() -> None:
    written = Lines("…", 2)
    console = ConsoleProgress(Console(file=written, width=200), every=0.01)
    console.phase("dbt", "81 models")
    console.update("sla_targets [x]", 37, 81)
    assert written.came.wait(30)
    console.close()
    lines = [re.sub(r" +", " ", line) for line in written.getvalue().splitlines()]
    assert re.fullmatch(r"… Building the marts \d+\.\d s 37 of 81: sla_targets \[x\]", lines[1])
    assert re.fullmatch(r"✓ Building the marts \d+\.\d s 81 in all", lines[-1])


def test_what_is_quick_says_one_line() -> None:
    written = Lines("", 0)
    console = ConsoleProgress(Console(file=written, width=200))
    console.phase("landing", "fetching")
    console.phase("landing_gate", "judging")
    console.update("zendesk/tickets")
    console.close(failed=True)
    assert [line[:9] for line in written.getvalue().splitlines()] == ["✓ Landing", "✗ Gate 1:"]


def test_a_steps_log_is_told_at_its_start_and_then_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    log: list[str] = []
    reporter = progress.Progress()
    reporter.phase("landing", "fetching what is new", log.append)
    for seconds in (1, 10, 3.9, 0.1, 14, 2):
        now += seconds
        reporter.update(f"zendesk/tickets: {now:.0f}")
    reporter.phase("dbt", "81 models", log.append)
    now += 20
    reporter.update("tickets", 3, 81)
    reporter.close()
    reporter.update("nobody hears it")
    assert log == [
        "fetching what is new",
        "zendesk/tickets: 115",
        "zendesk/tickets: 131",
        "81 models",
        "3 of 81: tickets",
    ]


@pytest.mark.parametrize(
    ("parts", "of_parts", "seconds", "told"),
    [
        (0, 0, 5.0, ""),
        (250, 1000, 75.0, ", 250 of 1,000 parts, 200 a minute, 4 minutes left"),
        (1000, 60_000, 300.0, ", 1,000 of 60,000 parts, 200 a minute, 4.9 hours left"),
        (1000, 1000, 300.0, ""),
    ],
)
def test_a_long_load_tells_its_rate_and_what_is_left(
    parts: int, of_parts: int, seconds: float, told: str
) -> None:
    result = StreamResult("desk", "freshdesk", "conversations", landed=7)
    result.parts, result.of_parts, result.seconds = parts, of_parts, seconds
    assert line(result) == f"desk/conversations: 7 records{told}"
