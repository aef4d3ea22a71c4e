"""Business time against a walk over UTC in quarter hours, for drawn schedules, zones and instants."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .warehouse import Warehouse
from .zendesk_records import ALWAYS, Account, assign_schedule, comment

CASES = 70
# Days on which one of the zones changed its clocks.
CHANGES = [
    (2018, 2, 17),
    (2018, 3, 11),
    (2018, 3, 25),
    (2018, 4, 1),
    (2018, 5, 4),
    (2018, 5, 13),
    (2018, 6, 17),
    (2018, 10, 7),
    (2018, 10, 28),
    (2018, 11, 4),
    (2018, 12, 31),
    (2019, 1, 1),
    (2019, 2, 17),
    (2019, 3, 31),
    (2019, 5, 5),
    (2019, 6, 9),
]
ZONES = [
    "Africa/Casablanca",
    "Africa/Sao_Tome",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Hong_Kong",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Volgograd",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
]
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Schedule:
    zone: str
    intervals: tuple[tuple[int, int], ...]
    holidays: frozenset[date]

    @property
    def is_always(self) -> bool:
        return not self.holidays and set(ALWAYS) <= set(self.intervals)


@dataclass(frozen=True)
class Case:
    """Two schedules and three instants in order."""

    first: Schedule
    second: Schedule
    instants: tuple[datetime, datetime, datetime]


@st.composite
def schedules(draw: st.DrawFn, near: date) -> Schedule:
    minute = st.integers(0, 288).map(lambda n: n * 5)
    opening = st.tuples(st.integers(0, 6), minute, minute)
    night = st.integers(0, 6).map(lambda day: [(day, 1320, 1440), ((day + 1) % 7, 0, 360)])
    office = st.just([(day, 540, 1020) for day in range(1, 6)])
    always = st.just([(day, 0, 1440) for day in range(7)])
    weekly = st.one_of(
        st.lists(opening, min_size=1, max_size=10),
        st.lists(night, max_size=3).map(lambda nights: [*itertools.chain(*nights)]),
        office,
        always,
    )
    intervals = tuple((day * 1440 + min(a, b), day * 1440 + max(a, b)) for day, a, b in draw(weekly)) or (
        (600, 700),
    )
    closed = draw(st.frozensets(st.integers(-2, 12), max_size=3))
    return Schedule(
        draw(st.sampled_from(ZONES)), intervals, frozenset(near + timedelta(days=n) for n in closed)
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    day = datetime(*draw(st.sampled_from(CHANGES)), tzinfo=UTC)
    start = day + timedelta(seconds=draw(st.integers(-5 * 86400, 2 * 86400)))
    steps = st.one_of(st.integers(0, 86400), st.integers(86400, 30 * 86400))
    middle = start + timedelta(seconds=1 + draw(steps))
    end = middle + timedelta(seconds=1 + draw(steps))
    return Case(draw(schedules(day.date())), draw(schedules(day.date())), (start, middle, end))


def drawn(strategy: st.SearchStrategy[Case], count: int) -> list[Case]:
    collected: list[Case] = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(strategy)
    def collect(case: Case) -> None:
        collected.append(case)

    collect()
    return collected


def walked(schedule: Schedule, start: datetime, end: datetime) -> float:
    """Open seconds, quarter hour by quarter hour: no offset changes and no local midnight lies inside one."""
    zone = ZoneInfo(schedule.zone)
    cell = start - timedelta(minutes=start.minute % 15, seconds=start.second)
    total = 0.0
    while cell < end:
        local = cell.astimezone(zone)
        if local.date() not in schedule.holidays:
            weekday = (local.weekday() + 1) % 7
            minute = weekday * 1440 + local.hour * 60 + local.minute
            low = max((start - cell).total_seconds(), 0)
            high = min((end - cell).total_seconds(), 900)
            spans = sorted(
                (max((opens - minute) * 60, low), min((closes - minute) * 60, high))
                for opens, closes in schedule.intervals
            )
            reached = low
            for opens, closes in spans:
                total += max(closes - max(opens, reached), 0)
                reached = max(reached, closes)
        cell += QUARTER
    return total


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, list[tuple[Any, ...]]]]:
    """Per case the seconds (sum, last schedule) of a to b, b to c, a to c, and a to c with a switch at b."""
    found = drawn(cases(), CASES)
    warehouse = Warehouse(tmp_path_factory.mktemp("properties"))
    account = Account("drawn")
    for n, case in enumerate(found):
        for key, schedule in ((2 * n, case.first), (2 * n + 1, case.second)):
            account.schedule(
                key, schedule.zone, list(schedule.intervals), holidays=sorted(map(str, schedule.holidays))
            )
        a, b, c = (instant.strftime("%Y-%m-%dT%H:%M:%S") for instant in case.instants)
        for m, (created, answered) in enumerate(((a, b), (b, c), (a, c))):
            account.ticket(4 * n + m, created, assign_schedule(created, 2 * n), comment(answered))
        account.ticket(4 * n + 3, a, assign_schedule(a, 2 * n), assign_schedule(b, 2 * n + 1), comment(c))
    account.land(warehouse)
    warehouse.build("2020-02-01T00:00:00Z", select=["+tickets"])
    rows = warehouse.query(
        "select first_reply_business_seconds, first_reply_business_seconds_last_schedule, "
        "first_reply_seconds "
        "from marts.tickets order by ticket_id::int"
    )
    assert len(found) >= CASES / 2
    assert len(rows) == 4 * len(found)
    return [(case, rows[4 * n : 4 * n + 4]) for n, case in enumerate(found)]


Measured = list[tuple[Case, list[tuple[Any, ...]]]]


def test_every_duration_equals_the_walk(measured: Measured) -> None:
    wrong = []
    for case, rows in measured:
        a, b, c = case.instants
        for (found, last, _), (start, end) in zip(rows, ((a, b), (b, c), (a, c)), strict=False):
            expected = walked(case.first, start, end)
            if (found, last) != (expected, expected):
                wrong.append((case.first, start, end, expected, found, last))
    assert wrong == []


def test_a_switch_sums_the_schedules_in_force(measured: Measured) -> None:
    wrong = []
    for case, rows in measured:
        a, b, c = case.instants
        expected = (walked(case.first, a, b) + walked(case.second, b, c), walked(case.second, a, c))
        if rows[3][:2] != expected:
            wrong.append((case, expected, rows[3]))
    assert wrong == []


def test_durations_add_up_and_are_never_negative(measured: Measured) -> None:
    for _, ((one, *_), (two, *_), (both, *_), _) in measured:
        assert one >= 0
        assert two >= 0
        assert one + two == both


def test_always_open_is_calendar_time(measured: Measured) -> None:
    always = [rows[:3] for case, rows in measured if case.first.is_always]
    assert always
    assert all(business == calendar for rows in always for business, _, calendar in rows)
