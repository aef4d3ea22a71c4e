"""Whatever a source sends, the marts are published without it, or refused with the source's own rows in the text; a model is never blamed.

More of it: `DIRT_CASES=20000 DIRT_SEEDS=1,2,3 pytest tests/integration/dbt/test_dirt.py`.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass

import duckdb
import pytest

from ingestion.landing import Landing

from . import dirt
from .gates import Judged, judge
from .test_incremental import rows_that_differ
from .warehouse import Warehouse

CASES = int(os.environ.get("DIRT_CASES", "2000"))
SEEDS = [int(seed) for seed in os.environ.get("DIRT_SEEDS", "1").split(",")]
BLAME = "a model counts wrongly"
#: Counts of what landed and was read, and the vendors' numbers by account; the rest is compared.
NOT_COMPARED = {"publication", "restatements", "kpi_definitions", "rejected_rows", "held_batches"}
#: Places among all rows, dirty ones too.
RANKS = {"urgency_rank", "work_rank"}
#: What the dirt has in common with the clean company: cells of these members count both.
SHARED = ("(none)", "all", *dirt.PRIORITIES, "helpdesk rating")


@dataclass
class Nights:
    """The clean company, and the same after a night full of dirt; that landing built at once; what the gates say."""

    clean: Warehouse
    nightly: Warehouse
    at_once: Warehouse
    judged: Judged


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("clean"), rules=dirt.RULES)
    dirt.clean_company(warehouse)
    warehouse.build(dirt.AS_OF)
    return warehouse


@pytest.fixture(scope="module", params=SEEDS)
def nights(
    request: pytest.FixtureRequest, clean: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Nights:
    folder = tmp_path_factory.mktemp("dirt")
    shutil.copytree(clean.path.parent / "landing", folder / "landing")
    nightly = clean.copy(folder / "nightly")
    nightly.landing = Landing(folder / "landing")
    dirt.Dirt(request.param).cases(nightly, CASES)
    nightly.build(dirt.AS_OF)
    at_once = Warehouse(folder / "at_once", rules=dirt.RULES)
    at_once.landing = nightly.landing
    at_once.build(dirt.AS_OF)
    return Nights(clean, nightly, at_once, judge(nightly, dirt.AS_OF, folder))


def test_no_model_is_blamed(nights: Nights) -> None:
    assert [verdict.message for verdict in nights.judged.marts if BLAME in verdict.message] == []
    assert [verdict for verdict in nights.judged.marts if verdict.outcome == "error"] == []


def test_it_is_published_or_refused_with_its_rows(nights: Nights) -> None:
    """A gate that holds a batch names a row of it. What was let through is published."""
    held = nights.judged.held
    assert {batch.source for batch in held}.isdisjoint(dirt.CLEAN)
    assert [b.reason for b in held if not re.search(r"(row [\d,]+|record_id )", b.reason)] == []
    assert nights.judged.blocking == []


def test_what_it_does_not_touch_is_unchanged(nights: Nights) -> None:
    """Record marts row for row, KPI cells of members that are the clean company's alone."""
    clean_only = "source in ('{}')".format("', '".join(dirt.CLEAN))
    differing = {}
    with duckdb.connect() as con:
        con.execute(f"attach '{nights.clean.path}' as before (read_only)")
        con.execute(f"attach '{nights.nightly.path}' as after (read_only)")
        tables = con.execute(
            "select t.table_name, list(c.column_name) from duckdb_tables() as t "
            "join duckdb_columns() as c on t.database_name = c.database_name and t.table_oid = c.table_oid "
            "where t.database_name = 'before' and t.schema_name = 'marts' group by 1"
        ).fetchall()
        compared = 0
        for mart, columns in tables:
            if "dimension" in columns and "member" in columns:
                kept = f"dimension <> 'all' and member not in {SHARED} and (dimension, member) in (select (dimension, member) from before.marts.{mart})"
                kept += f" and {clean_only}" if "source" in columns else ""
            elif "source" in columns:
                kept = clean_only
            else:
                continue
            if mart in NOT_COMPARED or mart == "metric_members":
                continue
            ranks = ", ".join(RANKS.intersection(columns))
            shown = f"select *{f' exclude ({ranks})' if ranks else ''} from"
            [before], [after] = (
                con.execute(
                    f"select count(*) from ({shown} {a}.marts.{mart} where {kept}"
                    f" except all {shown} {b}.marts.{mart} where {kept})"
                ).fetchall()
                for a, b in (("before", "after"), ("after", "before"))
            )
            compared += con.execute(f"select count(*) from before.marts.{mart} where {kept}").fetchall()[0][0]
            if before[0] or after[0]:
                differing[mart] = (before[0], after[0])
    assert differing == {}
    assert compared > 5000


def test_a_night_of_dirt_equals_a_full_build(nights: Nights) -> None:
    assert rows_that_differ(nights.nightly.path, nights.at_once.path) == {}


def test_the_dirt_reaches_the_marts(nights: Nights) -> None:
    """Most of the cases are counted, with what holds of them."""
    [(tickets, values, rows)] = nights.nightly.query(
        "select (select count(*) from marts.tickets), (select count(*) from marts.rejected_values), "
        "(select count(*) from marts.rejected_rows)"
    )
    assert tickets > CASES / 3
    assert values > CASES / 5
    assert rows > CASES / 10
