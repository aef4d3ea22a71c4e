"""DuckDB's plans of the models: data joins data by hashing, never row against row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .test_worked_examples_later import JULY, RULES, TUESDAY_AFTERNOON, first_night, later_nights
from .warehouse import Warehouse

ROW_BY_ROW = {"NESTED_LOOP_JOIN", "CROSS_PRODUCT", "BLOCKWISE_NL_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}
#: Schemas whose tables grow with the company's data; rules, the run's own book-keeping and constants do not.
DATA = ("staging.", "core.", "marts.", "parse.")
#: Calendars are days by schedules, definitions are rules; neither grows with tickets.
SMALL = {"core.int_business_calendar", "marts.kpi_definitions"}

Plan = dict[str, Any]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """Plans of what dbt ran in a first and in a following build, by `build/model`."""
    warehouse = Warehouse(tmp_path_factory.mktemp("plans"), rules=RULES)
    accounts = first_night()
    found: dict[str, Plan] = {}
    for as_of in (TUESDAY_AFTERNOON, JULY):
        for account in accounts:
            account.land(warehouse)
        warehouse.build(as_of)
        with duckdb.connect(str(warehouse.path), read_only=True) as connection:
            for folder in ("core", "marts", "kpis"):
                for path in (warehouse.target / "compiled/cxmarts/models" / folder).glob("*.sql"):
                    found[f"{warehouse.builds}/{path.stem}"] = explained(connection, path)
        later_nights(accounts)
    return found


def explained(connection: duckdb.DuckDBPyConnection, path: Path) -> Plan:
    [(_, text)] = connection.execute(f"explain (format json) {path.read_text()}").fetchall()
    return {"name": "ROOT", "children": json.loads(text)}


def tables(plan: Plan) -> Iterator[str]:
    """Data tables that a branch reads row by row; one that ends in a single row reads none."""
    if plan["name"].strip() == "UNGROUPED_AGGREGATE":
        return
    name = str(plan.get("extra_info", {}).get("Table", ""))
    table = ".".join(name.replace('"', "").split(".")[-2:])
    if table.startswith(DATA) and table not in SMALL:
        yield table
    for child in plan["children"]:
        yield from tables(child)


def row_by_row(plan: Plan) -> Iterator[tuple[str, list[str], list[str]]]:
    """Joins of two branches that both hold data, compared pair by pair."""
    if plan["name"].strip() in ROW_BY_ROW:
        left, right = (sorted(set(tables(child))) for child in plan["children"])
        if left and right:
            yield plan["name"].strip(), left, right
    for child in plan["children"]:
        yield from row_by_row(child)


def test_no_model_compares_data_pair_by_pair(plans: dict[str, Plan]) -> None:
    assert len(plans) > 50
    assert {name: joins for name, plan in plans.items() if (joins := list(row_by_row(plan)))} == {}


def test_the_check_sees_such_a_join() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema staging; create table staging.a as from range(5000) t(x); create table "
            "staging.b as from staging.a"
        )
        text = "select count(*) from staging.a join staging.b on a.x < b.x + random()"
        [(_, plan)] = connection.execute(f"explain (format json) {text}").fetchall()
    [(_, left, right)] = row_by_row({"name": "ROOT", "children": json.loads(plan)})
    assert (left, right) == (["staging.a"], ["staging.b"])
