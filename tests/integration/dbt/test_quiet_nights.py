"""On nights that bring nothing, what is left out of a build is what a build of everything would not change."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.server import Sandbox

from .conftest import fetch_sandbox
from .test_incremental import rows_that_differ
from .test_whose_answer import answers_of_file, filed, tickets_of_file
from .warehouse import Warehouse

ZONE = ZoneInfo("America/New_York")
# Two days before the clocks go back there.
START = datetime(2026, 10, 30, 14, tzinfo=UTC)
RULES = Path(__file__).parents[3] / "sandbox" / "rules"
Step = Callable[[Warehouse, datetime], datetime | None]


def after(**lengths: float) -> Step:
    return lambda _, now: now + timedelta(**lengths)


def midnight(_: Warehouse, now: datetime) -> datetime:
    day = now.astimezone(ZONE).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)


def reached(table: str, column: str, before: timedelta = timedelta(0)) -> Step:
    """The next instant that stands in a column, or so much before it."""

    def step(warehouse: Warehouse, now: datetime) -> datetime | None:
        sql = f"select min({column}) from {table} where {column} > timestamp '{now + before:%Y-%m-%d %H:%M:%S.%f}'"
        [(found,)] = warehouse.query(sql)
        return found.replace(tzinfo=UTC) - before if found else None

    return step


def older(warehouse: Warehouse, _: datetime) -> datetime | None:
    """As an unsolved ticket passes into the next age bucket."""
    [(found,)] = warehouse.query(
        "select min(created_at + to_days(from_days)) from marts.tickets, rules.age_buckets, control.completed_builds"
        " where unsolved_age_seconds is not null and created_at + to_days(from_days) > as_of"
    )
    return found.replace(tzinfo=UTC) if found else None


def by_chance(_: Warehouse, now: datetime) -> datetime:
    return now + timedelta(seconds=random.Random(now.isoformat()).expovariate(1 / 20_000))


A_MOMENT = timedelta(microseconds=1)
STEPS: dict[str, Step] = {
    "a minute": after(minutes=1),
    "as a ticket grows older": older,
    "a moment before a promise is due": reached("marts.follow_ups", "due_at", A_MOMENT),
    "as a promise is due": reached("marts.follow_ups", "due_at"),
    "as a target is due": reached("marts.sla_targets", "due_at"),
    "as an answer is awaited no longer": reached("core.int_survey_sends", "awaited_until"),
    "midnight": midnight,
    "over the change of clocks": after(days=3),
    "as a bad answer expires": reached("marts.follow_ups", "expires_at"),
    "a new year": after(days=75),
    **{f"by chance {n}": by_chance for n in range(3)},
}
SHORT = ("a minute", "as a ticket grows older", "as a promise is due", "midnight")


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    rules = {path.name: path.read_text() for path in RULES.glob("*.csv")}
    warehouse = Warehouse(tmp_path_factory.mktemp("first"), time_zone=ZONE.key, rules=rules)
    with Sandbox(tickets=60, seed=5, now=START) as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
    sent = [
        {
            "invitation_id": f"i{n}",
            "customer_id": f"c{n}",
            "sent_at": f"{START - timedelta(days=3 * n):%Y-%m-%dT%H:%M:%SZ}",
        }
        for n in range(12)
    ]
    filed(warehouse, "survey_invitations", "mails", sent, survey="mails")
    # Bad answers, promised a call within two days and given up after ninety.
    bad = [
        {
            "response_id": f"r{n}",
            "customer_id": f"c{n}",
            "score": 1,
            "answered_at": f"{START - timedelta(hours=17 * n * n):%Y-%m-%dT%H:%M:%SZ}",
        }
        for n in range(12)
    ]
    answers_of_file(warehouse, "bad", "csat", bad)
    created = START - timedelta(hours=20)
    tickets_of_file(warehouse, "book", created_at=f"{created:%Y-%m-%dT%H:%M:%SZ}", status="open")
    warehouse.build(START.isoformat())
    return warehouse


@pytest.mark.campaign
@pytest.mark.parametrize("chosen", [SHORT, tuple(STEPS)], ids=["short", "long"])
def test_what_is_left_out_is_as_a_full_build_makes_it(
    first_night: Warehouse, chosen: tuple[str, ...], tmp_path: Path
) -> None:
    nightly, now, left_out = first_night.copy(tmp_path / "nightly"), START, {}
    steps = [(name, STEPS[name]) for name in chosen]
    for number, (name, step) in enumerate(steps):
        found = step(nightly, now)
        assert found is not None and found > now, name
        now = found
        nightly.build(now.isoformat())
        left_out[name] = nightly.unchanged
        at_once = Warehouse(
            tmp_path / str(number),
            time_zone=ZONE.key,
            rules={path.name: path.read_text() for path in RULES.glob("*.csv")},
        )
        at_once.landing = nightly.landing
        at_once.build(now.isoformat())
        assert rows_that_differ(nightly.path, at_once.path) == {}, name
    # It is worth it: within a day nothing but running clocks moves.
    assert len(left_out["a minute"]) > 90
    assert {"kpi_backlog", "kpi_response_times", "kpi_scorecard", "metric_members"} <= left_out["a minute"]
    assert {"kpi_csat", "unsolved_stays"} <= left_out["as a ticket grows older"]
    assert "kpi_backlog" not in left_out["as a ticket grows older"]
    assert "kpi_scorecard" not in left_out["midnight"]
