"""What can be expected of parsed rows: the pieces that a vendor's expectations are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from quality.suites.landing import HELD, KEPT
from quality.verdicts import Expectation

ROW_TOLERANCE: Final = 0.01
EARLIEST: Final = "1990-01-01"
CLOCK_SLACK_SECONDS: Final = 86_400

ACCEPTED: Final[dict[str, Any]] = {"reject_reason": None}
#: Deleted rows have lost what they refer to.
LIVE: Final[dict[str, Any]] = {"reject_reason": None, "deleted": False}

STATUSES: Final = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES: Final = ("low", "normal", "high", "urgent")


def known(column: str, values: Sequence[str], *, critical: bool = False) -> Expectation:
    """A column holds known values, or nothing. Critical: many others hold the batch."""
    return Expectation(
        name=f"{column}_is_known",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": list(values)},
        severity="critical" if critical else "warning",
        tolerance=ROW_TOLERANCE if critical else 0.0,
        where=ACCEPTED,
        fault=f"with an unknown {column}",
        why="Models group and filter by the known values; another one is counted under no heading.",
        what_to_do=f"If the source has a new {column}, teach the staging model about it."
        + (f" {HELD}" if critical else ""),
        if_few=KEPT,
    )


def present(*columns: str) -> Expectation:
    """Live rows hold what ties them to others."""
    return Expectation(
        name="references_are_present",
        kind="is_present",
        kwargs={"columns": list(columns)},
        tolerance=ROW_TOLERANCE,
        where=LIVE,
        fault="without a reference that they need",
        why="The row cannot be tied to what it belongs to.",
        what_to_do=HELD,
        if_few=KEPT,
    )


def plausible(*columns: str) -> tuple[Expectation, ...]:
    """Dates are neither before 1990 nor after the fetch."""
    return (
        Expectation(
            name="dates_are_not_before_1990",
            kind="not_before",
            kwargs={"columns": list(columns), "earliest": EARLIEST},
            tolerance=ROW_TOLERANCE,
            where=ACCEPTED,
            fault="with a date before 1990",
            why="A date before the help desk existed is a default or a swapped format.",
            what_to_do=f"Check the date format of the source. {HELD}",
            if_few=KEPT,
        ),
        Expectation(
            name="dates_are_not_after_the_fetch",
            kind="not_later_than",
            kwargs={"columns": list(columns), "other": "fetched_at", "slack_seconds": CLOCK_SLACK_SECONDS},
            tolerance=ROW_TOLERANCE,
            where=ACCEPTED,
            fault="with a date more than a day after the fetch",
            why="Nothing can have happened after it was fetched: a swapped date format or a wrong zone.",
            what_to_do=f"Check the date format and zone of the source. {HELD}",
            if_few=KEPT,
        ),
    )
