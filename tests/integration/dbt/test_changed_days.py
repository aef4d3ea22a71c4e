"""Which periods a night rebuilds: those of a row that differs, whatever column of whatever fact it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from sandbox.server import Sandbox
from tests import parsed

from .conftest import fetch_sandbox
from .warehouse import Warehouse

START = datetime(2026, 11, 17, 14, tzinfo=UTC)
AS_OF = START + timedelta(hours=1)
#: Another value of a column by its type; also none at all.
OTHERS = {
    "VARCHAR": "'another'",
    "BOOLEAN": "NOT coalesce({0}, false)",
    "TIMESTAMP": "coalesce({0}, TIMESTAMP '2026-11-10 12:00:00') - INTERVAL 3 DAY",
    "DOUBLE": "coalesce({0}, 0) + 1000",
    "BIGINT": "coalesce({0}, 0) + 1",
    "INTEGER": "coalesce({0}, 0) + 1",
    "SMALLINT": "coalesce({0}, 0) + 1",
}
MODELS = {
    node["name"]: node
    for node in parsed.project().manifest["nodes"].values()
    if node["resource_type"] == "model" and node["config"].get("incremental_strategy") == "replace_periods"
}
SCHEMAS = {
    node["name"]: node["schema"]
    for node in parsed.project().manifest["nodes"].values()
    if node["resource_type"] == "model"
}


@dataclass
class Built:
    """A warehouse after a second build; per KPI the SQL of a full build and that of the second one."""

    con: duckdb.DuckDBPyConnection
    full: dict[str, str]
    delta: dict[str, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    warehouse = Warehouse(tmp_path_factory.mktemp("changed_days"))
    with Sandbox(tickets=60, seed=11, now=START) as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
    full = _compiled(warehouse.build(AS_OF.isoformat(), select=[f"+{name}" for name in MODELS]))
    delta = _compiled(
        warehouse.build(AS_OF.isoformat(), select=[f"+{name}" for name in MODELS], cuts_off=False)
    )
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield Built(con, full, delta)


def _compiled(results: list[Any]) -> dict[str, str]:
    return {r.node.name: r.node.compiled_code for r in results if r.node.name in MODELS}


@pytest.mark.parametrize("kpi", [name for name in MODELS if name != "kpi_backlog"])
def test_no_column_changes_without_its_periods(built: Built, kpi: str) -> None:
    """One column of two tickets' rows at a time, of those that the formula's SQL names: it names the rows' days, or nothing is to be rebuilt.

    kpi_backlog adds what changes to what was; it knows no days.
    """
    card, named = MODELS[kpi]["config"]["meta"], set()
    facts = (card["facts"], *card.get("reads", ()))
    changed = f"SELECT DISTINCT period_start FROM ({_changed_periods(built.delta[kpi])}) WHERE grain_no = 1"
    before = _rows(built, built.full[kpi])
    for fact in facts:
        at = card["time"].replace(":as_of", f"TIMESTAMP '{AS_OF:%Y-%m-%d %H:%M}'")
        days = f"SELECT ({at})::DATE FROM {SCHEMAS[fact]}.{fact} WHERE {_chosen(fact)}"
        for column, other in _mutations(built, kpi, fact):
            built.con.execute("BEGIN")
            try:
                _touch(built, facts)
                moved = set(built.con.execute(days).fetchall())
                [(rows,)] = built.con.execute(
                    f"UPDATE {SCHEMAS[fact]}.{fact} SET {column} = {other}"
                    f" WHERE {_chosen(fact)} AND {column} IS DISTINCT FROM {other}"
                ).fetchall()
                moved |= set(built.con.execute(days).fetchall())
                found = set(built.con.execute(changed).fetchall())
                if found:
                    named.add((fact, column))
                    assert found == {day for day in moved if day != (None,)}, f"{fact}.{column}"
                elif rows:
                    assert _rows(built, built.full[kpi]) == before, f"{fact}.{column}"
            finally:
                built.con.execute("ROLLBACK")
    assert len(named) >= 5


def _changed_periods(sql: str) -> str:
    """The query of the CTE `changed_periods`."""
    text = sql.partition("changed_periods as (")[2]
    depth = itertools.accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in text)
    return text[: next(place for place, open_ in enumerate(depth) if open_ < 0)]


def _mutations(built: Built, kpi: str, fact: str) -> Iterator[tuple[str, str]]:
    """Column and SQL of another value, of each column that the formula names, itself or in a view that it reads."""
    views = built.con.execute("SELECT sql FROM duckdb_views() WHERE schema_name = 'marts'").fetchall()
    text = built.full[kpi] + "".join(
        sql for (sql,) in views if sql.split(" ")[2].split(".")[-1] in built.full[kpi]
    )
    columns = built.con.execute(f"DESCRIBE {SCHEMAS[fact]}.{fact}").fetchall()
    for column, kind, *_ in columns:
        if column not in ("source", "ticket_id") and re.search(rf"\b{column}\b", text):
            yield column, OTHERS[kind].format(column)
            yield column, "NULL"


def _chosen(fact: str) -> str:
    """Of the two tickets with most turns, one solved and one not, some rows: neither the first nor the last."""
    where = "(source, ticket_id) IN (SELECT (source, ticket_id) FROM chosen)"
    return {
        "int_ticket_states": f"{where} AND state_no = 2",
        "sla_targets": f"{where} AND outcome IN ('met', 'active')",
        "ticket_replies": f"{where} AND reply_no = 2",
    }.get(fact, where)


def _touch(built: Built, facts: Iterable[str]) -> None:
    """The two tickets are touched, and what they had is known."""
    built.con.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS SELECT source, ticket_id FROM marts.tickets QUALIFY row_number() OVER ("
        "PARTITION BY full_resolution_seconds IS NULL ORDER BY (source, ticket_id) IN"
        " (SELECT (source, ticket_id) FROM marts.sla_targets WHERE outcome = 'met') DESC, customer_turns DESC, ticket_id) = 1"
    )
    built.con.execute("DELETE FROM vendors.touched_tickets")
    built.con.execute("INSERT INTO vendors.touched_tickets BY NAME SELECT * FROM chosen")
    for fact in facts:
        built.con.execute(f"DELETE FROM core.before_{fact}")
        built.con.execute(
            f"INSERT INTO core.before_{fact} SELECT f.* FROM {SCHEMAS[fact]}.{fact} AS f"
            " INNER JOIN chosen AS c ON f.source = c.source AND f.ticket_id = c.ticket_id"
        )


def _rows(built: Built, sql: str) -> tuple[int, int]:
    """How many rows a query has, and a number that stands for all of them whatever their order."""
    [row] = built.con.execute(f"SELECT count(*), sum(hash(q)::HUGEINT) FROM ({sql}) AS q").fetchall()
    return row
