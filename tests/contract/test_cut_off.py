"""A model that asks for the instant says when its rows change with it: else a night would leave it out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration.warehouse.cutoff import ALWAYS, RUN_COLUMNS, CutOff
from tests import parsed
from tests.integration.dbt.warehouse import Warehouse

AS_OF = "2031-03-07T11:13:17.191923Z"
LITERAL = "2031-03-07"
#: What a view may say of the instant without telling: which records have come into force by it.
IN_FORCE = re.compile(r"(<=|>)\s*control\.as_of\(\)|case when [\w.]+ > control\.as_of\(\)")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Model -> the SQL that a night runs."""
    warehouse = Warehouse(tmp_path_factory.mktemp("compiled"))
    warehouse.build("2031-03-05T10:00:00Z")
    warehouse.build(AS_OF, cuts_off=False)
    return {path.stem: path.read_text() for path in warehouse.target.rglob("compiled/**/*.sql")}


def models() -> dict[str, dict[str, Any]]:
    nodes = parsed.project().manifest["nodes"].values()
    return {
        node["name"]: node
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] not in ("parse", "staging")
    }


def declared(node: dict[str, Any]) -> object:
    return node["config"]["meta"].get("next_at")


def test_who_reads_the_instant_says_when_its_rows_change(compiled: dict[str, str]) -> None:
    silent = {name for name, node in models().items() if LITERAL in compiled[name] and not declared(node)}
    assert silent == set()
    assert sum(LITERAL in compiled[name] for name in models()) > 20


def test_views_ask_for_what_is_in_force_alone_or_say_so(compiled: dict[str, str]) -> None:
    views = {
        name: compiled[name]
        for name, node in models().items()
        if node["schema"] == "vendors" or node["config"]["materialized"] == "view"
    }
    odd = {
        name
        for name, sql in views.items()
        if "control.as_of()" in IN_FORCE.sub("", sql) and not declared(models()[name])
    }
    assert odd == set()
    assert sum("control.as_of()" in sql for sql in views.values()) > 20


def test_who_reads_the_book_keeping_is_built_every_night(compiled: dict[str, str]) -> None:
    names = {
        name for name in models() if re.search(r"\bcontrol\.(?!as_of\b)", compiled[name].replace('"', ""))
    }
    sources = {
        name
        for name, node in models().items()
        if any(key.startswith("source.cxmarts.control.") for key in node["depends_on"]["nodes"])
    }
    told = {name for name in names if declared(models()[name]) in (ALWAYS, "touched")}
    assert names - sources - told == set()
    assert sources


def test_who_reads_a_relation_names_it(compiled: dict[str, str]) -> None:
    """What is read without `ref` has no version: only what is built every night may."""
    known = {node["name"] for node in parsed.project().manifest["nodes"].values()}
    relation = re.compile(r"\b(?:core|marts|vendors|rules|staging|restricted)\.(\w+)")
    silent = {}
    for name, node in models().items():
        named = {key.split(".")[-1] for key in node["depends_on"]["nodes"]}
        read = set(relation.findall(compiled[name].replace('"', ""))) & known
        if unnamed := read - named - {name}:
            silent[name] = unnamed
        # The strategy that replaces periods gives the rest its newest names.
        assert "member_label" not in node["columns"] or "int_member_labels" in named, name
    assert silent.keys() == {"touched_tickets"}
    assert declared(models()["touched_tickets"]) == ALWAYS


def test_who_compares_with_what_readers_see_is_built_every_night() -> None:
    macros = parsed.project().manifest["macros"]

    def called(names: list[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            if (name := waiting.pop()) in macros and name not in found:
                found.add(name)
                waiting += macros[name]["depends_on"]["macros"]
        return found

    readers = {
        name
        for name, node in models().items()
        if "macro.cxmarts.published_marts" in called(node["depends_on"]["macros"])
    }
    assert readers == {"restatements", "unmapped_questions"}
    assert all(declared(models()[name]) == ALWAYS for name in readers)


def test_who_reads_what_runs_on_with_the_clock_is_built_every_night(compiled: dict[str, str]) -> None:
    """Others are not built again for it: see `counted` of the cut-off."""
    running = {
        (name, column["name"])
        for name, node in models().items()
        for column in node["columns"].values()
        if column["config"]["meta"].get("runs")
    }
    assert {mart for mart, _ in running} >= {"tickets", "sla_targets"}
    cut_off = CutOff(parsed.project().manifest, "b", datetime.now(UTC))
    readers = {
        (name, column)
        for name, node in models().items()
        for mart, column in running
        if declared(node) not in (ALWAYS, "touched")
        and mart in cut_off.read_by(name)
        and (column in node["columns"] or re.search(rf"\b{column}\b", compiled[name]))
    }
    assert readers == set()


def test_who_counts_what_matures_names_it(compiled: dict[str, str]) -> None:
    """Other KPIs build no period anew for it: a macro that names it for them would go unnoticed."""
    columns = [column for node in models().values() for column in node["columns"].values()]
    maturing = {column["name"] for column in columns if column["config"]["meta"].get("matures")}
    counted = {
        (name, column)
        for name, node in parsed.kpis().items()
        if node["config"].get("incremental_strategy") == "replace_periods"
        for column in maturing
        if re.search(rf"\b{column}\b", compiled[name])
    }
    assert {name for name, _ in counted} == {"kpi_first_contact"}
    for name, column in counted:
        node = parsed.kpis()[name]
        assert column in json.dumps(node["config"]["meta"]) + node["raw_code"], (name, column)


def test_what_differs_from_run_to_run_is_told_once() -> None:
    macro = parsed.project().manifest["macros"]["macro.cxmarts.run_columns"]["macro_sql"]
    assert set(re.findall(r"'(\w+)'", macro)) == RUN_COLUMNS
