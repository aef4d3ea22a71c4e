"""DuckDB's plans of the models: which of them join data row against row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from .warehouse import Warehouse

ROW_BY_ROW = {"NESTED_LOOP_JOIN", "CROSS_PRODUCT", "BLOCKWISE_NL_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}
#: Schemas whose tables grow with the company's data; rules, the run's own book-keeping and constants do not.
DATA = ("staging.", "vendors.", "core.", "marts.", "parse.")
#: Calendars are days by schedules, definitions are rules, forms are settings: none grows with tickets.
SMALL = {"core.int_business_calendar", "marts.kpi_definitions", "staging.stg_typeform__forms"}
#: A KPI counts each fact once for every dimension: as many as the rule file has.
BY_DIMENSION = "grain_no = grain_no"

Plan = dict[str, Any]


def plans(warehouse: Warehouse, *, run: bool = False) -> dict[str, Plan]:
    """Plans of what dbt ran in the last build, by `build/model`; `run`: with the rows that each operator gave."""
    found = {}
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        for folder in ("vendors", "core", "marts", "kpis", "books"):
            for path in (warehouse.target / "compiled/cxmarts/models" / folder).rglob("*.sql"):
                if not path.name.startswith(("new_", "stg_")):
                    found[f"{warehouse.builds}/{path.stem}"] = explained(
                        connection, path.read_text(), run=run
                    )
    return found


def explained(connection: duckdb.DuckDBPyConnection, sql: str, *, run: bool = False) -> Plan:
    [(_, text)] = connection.execute(f"explain ({'analyze, ' if run else ''}format json) {sql}").fetchall()
    plan: Any = json.loads(text)
    return plan if run else {"name": "ROOT", "children": plan}


def multiplied(plan: Plan, floor: int) -> Iterator[tuple[str, int, int]]:
    """Joins on equal values that give many times the rows of all that they read, where those are many: of a plan that ran."""
    for node in nodes(plan):
        given = node.get("operator_cardinality") or 0
        if node.get("operator_name", "").strip() == "HASH_JOIN" and given > floor:
            read = max(each.get("operator_cardinality") or 0 for each in nodes(node) if each is not node)
            if given > 10 * read and node["extra_info"].get("Conditions") != BY_DIMENSION:
                yield str(node["extra_info"]), read, given


def nodes(plan: Plan) -> Iterator[Plan]:
    """A plan's operators, from the top."""
    yield plan
    for child in plan["children"]:
        yield from nodes(child)


def tables(plan: Plan, shared: Mapping[str, Plan]) -> Iterator[str]:
    """Data tables that a branch reads row by row, also through what is computed once (`shared`, by its number); one
    that ends in a single row reads none."""
    if plan["name"].strip() == "UNGROUPED_AGGREGATE":
        return
    told = plan.get("extra_info", {})
    table = ".".join(str(told.get("Table", "")).replace('"', "").split(".")[-2:])
    if table.startswith(DATA) and table not in SMALL:
        yield table
    read = [shared[told["CTE Index"]]] if told.get("CTE Index") in shared else []
    for child in (*read, *plan["children"]):
        yield from tables(child, shared)


def row_by_row(plan: Plan) -> Iterator[tuple[str, list[str], list[str]]]:
    """Joins of two branches that both hold data, compared pair by pair."""
    shared = {
        n["extra_info"]["Table Index"]: n["children"][0] for n in nodes(plan) if n["name"].strip() == "CTE"
    }
    for node in nodes(plan):
        if node["name"].strip() in ROW_BY_ROW:
            # Of what is computed once, who multiplies it means it: periods by keys.
            seen = {} if node["name"].strip() == "CROSS_PRODUCT" else shared
            left, right = (sorted(set(tables(child, seen))) for child in node["children"])
            if left and right:
                yield node["name"].strip(), left, right
