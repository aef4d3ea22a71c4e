"""The days on which a source's service desk is closed, from what landed and from the rule files."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from ingestion.landing import Landing
from ingestion.sources import VENDORS
from orchestration.ground.settings import SettingsError

# A longer closure is a fault of the data, not a holiday.
LONGEST = timedelta(days=366)
EVERY = "*"


def days_off(landing: Landing, seeds: Path) -> dict[str, set[date]]:
    """Days off by source: holidays of at least half of its schedules, local dates.

    Read where they come from, not from the warehouse: nothing is built while a batch is held, and a holiday
    must free the batch that is held for its volume.

    Args:
        landing: the landing; vendors whose schedules have holidays are asked.
        seeds: folder of `schedules.csv` and `holidays.csv`, the analyst's own where there are.

    Raises:
        SettingsError: a date of `holidays.csv` is none.
    """
    schedules: dict[str, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    for source, stream in landing.streams():
        latest = landing.latest(source, stream) if stream == "schedules" else None
        vendor = VENDORS.get(latest.vendor) if latest else None
        if vendor and vendor.holidays:
            for schedule, periods in vendor.holidays(landing, source).items():
                schedules[source][schedule] |= {day for first, last in periods for day in _days(first, last)}
    for row in _rows(seeds / "schedules.csv"):
        schedules[row["source"] or EVERY][row["schedule_id"]] |= set()
    for number, row in enumerate(_rows(seeds / "holidays.csv"), start=2):
        schedules[row["source"] or EVERY][row["schedule_id"]] |= set(_days(*_period(row, number)))
    # Those of every source are those of whom has none of its own.
    every = schedules.pop(EVERY, {})
    for source in {source for source, _ in landing.streams()} - schedules.keys() if every else ():
        schedules[source] = every
    return {source: _of_half(list(found.values())) for source, found in schedules.items()}


def _of_half(schedules: list[set[date]]) -> set[date]:
    closed = Counter(day for days in schedules for day in days)
    return {day for day, count in closed.items() if 2 * count >= len(schedules)}


def _days(first: date, last: date) -> Iterator[date]:
    if last - first < LONGEST:
        yield from (first + timedelta(days=n) for n in range((last - first).days + 1))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _period(row: Mapping[str, str], line: int) -> tuple[date, date]:
    try:
        return date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"])
    except ValueError as error:
        raise SettingsError([f"CXMARTS_RULES: holidays.csv line {line}: {error}"]) from None
