"""A night's incremental build gives the same rows as a build from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox.server import Sandbox

from .conftest import fetch_sandbox
from .plans import multiplied, plans, row_by_row
from .warehouse import BuildError, Warehouse

START = datetime(2026, 11, 17, 14, tzinfo=UTC)
#: Larger tables of tickets are written anew in these nights.
PATCHED_ROWS = 1_000
# Journals of the run itself, not of the data.
NOT_COMPARED = {"publication"}
#: The KPI tables of which a night builds only some periods again, and what they read.
BY_PERIOD = ("+config.incremental_strategy:replace_periods",)


def rows_that_differ(one: Path, other: Path) -> dict[str, tuple[int, int]]:
    """Marts whose rows differ: (only in one, only in other)."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        marts = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = 'one' and schema_name = 'marts'"
            ).fetchall()
            if name not in NOT_COMPARED
        ]
        assert len(marts) >= 10
        differences = {}
        for mart in marts:
            counts = tuple(
                connection.execute(
                    f"select count(*) from (from {a}.marts.{mart} except all from {b}.marts.{mart})"
                ).fetchone()[0]
                for a, b in (("one", "other"), ("other", "one"))
            )
            if any(counts):
                differences[mart] = counts
        return differences


@dataclass
class Nights:
    """Three nights built one after the other, in slices of tickets; the same landing built at once; and as it stood before the last night."""

    nightly: Warehouse
    at_once: Warehouse
    before: Warehouse
    as_of: str


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nightly = Warehouse(tmp_path_factory.mktemp("nightly"), time_zone="America/New_York")
    with Sandbox(tickets=300, seed=11, now=START, profile="clean") as sandbox:
        for night in range(3):
            if night:
                before = nightly.copy(tmp_path_factory.mktemp("before"))
                sandbox.advance(days=1)
            fetch_sandbox(sandbox, nightly.landing)
            as_of = (START + timedelta(days=night)).isoformat()
            nightly.build(as_of, slice_tickets=20, patched_rows=PATCHED_ROWS)
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"), time_zone="America/New_York")
    at_once.landing = nightly.landing
    at_once.build(as_of)
    return Nights(nightly, at_once, before, as_of)


def test_nightly_builds_equal_one_full_build(nights: Nights) -> None:
    assert rows_that_differ(nights.nightly.path, nights.at_once.path) == {}


def test_the_last_night_rebuilt_only_what_it_touched(nights: Nights) -> None:
    [(touched, tickets)] = nights.nightly.query(
        "select (select count(*) from vendors.touched_tickets), (select count(*) from core.int_tickets)"
    )
    assert 0 < touched < tickets / 4


def test_the_first_night_was_built_in_slices(nights: Nights) -> None:
    """Of 300 tickets; the last night's are fewer than three slices."""
    [(slices, largest)] = nights.nightly.query(
        "select count(distinct slice), max(n) from (select slice, count(*) as n from vendors.touched_tickets group by slice)"
    )
    assert largest == 20
    assert slices > 1


def test_work_grows_with_the_company_and_not_with_its_square(nights: Nights) -> None:
    """At 300 tickets a join of all with all gives 90,000 rows."""
    found = plans(nights.at_once, run=True)
    assert len(found) > 100
    assert {name: joins for name, plan in found.items() if (joins := list(multiplied(plan, 50_000)))} == {}
    found = plans(nights.at_once)
    assert {name: joins for name, plan in found.items() if (joins := list(row_by_row(plan)))} == {}


def test_a_second_build_on_a_day_counts_what_came_since(nights: Nights, tmp_path: Path) -> None:
    """From 9 a.m. to 6 p.m. in New York: no new day, so nothing but what changed names a period."""
    again = nights.before.copy(tmp_path / "again")
    at_once = Warehouse(tmp_path / "at_once", time_zone="America/New_York")
    at_once.landing = again.landing
    as_of = (START + timedelta(days=1, hours=9)).isoformat()
    for warehouse in (again, at_once):
        warehouse.build(as_of, select=BY_PERIOD)
    assert rows_that_differ(at_once.path, again.path) == {}
    since = f"event_at > timestamp '{START + timedelta(days=1):%Y-%m-%d %H:%M}'"
    assert again.query(f"select count(*) > 0 from core.int_ticket_events where {since}") == [(True,)]


def test_a_build_that_breaks_off_is_made_up_for(nights: Nights) -> None:
    """The night dies after the tickets are rebuilt and before the KPIs are; the next one must not miss the change."""
    broken = nights.before
    with pytest.raises(BuildError, match="kpi_volume"):
        broken.build(
            nights.as_of,
            select=BY_PERIOD,
            appended={"kpi_volume": "\nwhere cast('dies' as integer) = 1\n"},
        )
    broken.build(nights.as_of, select=BY_PERIOD)
    rows = broken.query("select model from control.model_builds where build_id = 'build-4'")
    built = {model for (model,) in rows}
    assert len(built) >= 10
    assert not rows_that_differ(broken.path, nights.at_once.path).keys() & built
