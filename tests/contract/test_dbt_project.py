"""Rules of the dbt project that no single model's test can see."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest

from orchestration.warehouse.contracts import contracts
from orchestration.warehouse.dbt import JUDGED_AT_GATE_3
from quality.suites.marts import DECLARED, suite
from tests.parsed import ROOT

Node = dict[str, Any]

#: Marts without a key, and why.
NO_KEY = {
    "rejected_rows": "one record may be rejected more than once, for each version that landed",
    "rejected_values": "as for rejected_rows, of each version each value",
    "metric_members": "a view of millions of rows; tests/integration/orchestration/test_members.py",
}
VENDORS = re.compile(r"zendesk|typeform|freshdesk|intercom|qualtrics|surveymonkey|servicenow", re.IGNORECASE)
#: Where vendors' records come together; only these may read staging.
MEETING_PLACES = {
    "int_answers",
    "int_business_calendar",
    "int_declared_targets",
    "int_late_tickets",
    "int_organizations",
    "int_rejected_values",
    "int_sla_applied",
    "int_sla_clocks",
    "int_survey_sends",
    "int_own_sla_metrics",
    "int_ticket_events",
    "int_ticket_schedules",
    "int_tickets",
    "int_touched_tickets",
    "int_users",
    "int_vendor_numbers",
    "follow_ups",
    "groups",
    "publication",
}
#: Words that one engine lacks, that round differently, or that read the wall clock.
FORBIDDEN = {
    "qualify": r"\bqualify\b",
    "as-of joins": r"\basof\b",
    "dbt's own date macros": r"\bdbt\.\w+|\bdate_?diff\b",
    "the wall clock": r"\bnow\s*\(|\bcurrent_(timestamp|date|time)\b|\bget_current_timestamp\b|\btoday\s*\(",
    "quoted identifiers": r'"',
    "lateral joins": r"\blateral\b",
}


def bare_sql(text: str) -> str:
    """SQL without Jinja and without string literals."""
    text = re.sub(r"^\{\{ config\(.*?\) \}\}$", " ", text, flags=re.MULTILINE | re.DOTALL)
    for pattern in (r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}", r"'(?:[^']|'')*'"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return text


def own_macros(manifest: Node) -> dict[str, Node]:
    return {
        macro["name"]: macro for macro in manifest["macros"].values() if macro["package_name"] == "cxmarts"
    }


def test_marts_have_an_enforced_contract_with_types(marts: dict[str, Node]) -> None:
    assert [name for name, node in marts.items() if not node["config"]["contract"]["enforced"]] == []
    assert [
        (name, c["name"])
        for name, node in marts.items()
        for c in node["columns"].values()
        if not c["data_type"]
    ] == []


def test_marts_and_their_columns_are_described(marts: dict[str, Node]) -> None:
    assert [name for name, node in marts.items() if not node["description"]] == []
    assert [
        (name, c["name"])
        for name, node in marts.items()
        for c in node["columns"].values()
        if not c["description"]
    ] == []


def test_marts_have_a_key_test(manifest: Node, marts: dict[str, Node]) -> None:
    tested = {
        manifest["nodes"][node["attached_node"]]["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("attached_node")
        and node["test_metadata"]["name"] in ("unique_key", "unique")
    }
    assert set(marts) - tested == set(NO_KEY)


def test_streams_without_versions_are_those_merged_so(manifest: Node, models: dict[str, Node]) -> None:
    declared = own_macros(manifest)["streams_without_versions"]["macro_sql"]
    merged = {name for name, node in models.items() if "keep='newest'" in node["raw_code"]}
    assert {f"stg_{stream}" for stream in re.findall(r"'(\w+)'", declared)} == merged


def test_gate_3_asks_what_dbt_leaves_to_it(manifest: Node) -> None:
    """A night runs no test of dbt on the candidates: each must be of a kind that contracts are read from."""
    tests = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and JUDGED_AT_GATE_3 in node["config"]["tags"]
    ]
    kinds = {node["test_metadata"]["name"] for node in tests}
    assert kinds == {"unique_key", "not_null", "accepted_values"}
    assert [n["name"] for n in tests if n["config"]["where"] or n["config"]["severity"] != "error"] == []
    assert {manifest["nodes"][node["attached_node"]]["schema"] for node in tests} == {"marts"}


def test_gate_3_expects_of_a_mart_only_what_it_has(manifest: Node) -> None:
    declared = contracts(manifest)
    assert DECLARED.keys() - declared.keys() == set()
    for contract in declared.values():
        held = suite(contract)
        names = [expectation.name for expectation in held.expectations]
        assert len(names) == len(set(names))
        assert set(held.columns) - contract.types.keys() - {"as_of"} == set()


def test_marts_have_an_owner(manifest: Node, marts: dict[str, Node]) -> None:
    owners = {group["name"]: group["owner"] for group in manifest["groups"].values()}
    assert [name for name, node in marts.items() if not owners.get(node["group"], {}).get("email")] == []


def test_every_model_belongs_to_a_group(models: dict[str, Node]) -> None:
    assert [name for name, node in models.items() if not node["group"]] == []


def test_marts_are_used_by_somebody(manifest: Node, marts: dict[str, Node]) -> None:
    used = {each for exposure in manifest["exposures"].values() for each in exposure["depends_on"]["nodes"]}
    assert [name for name, node in marts.items() if node["unique_id"] not in used] == []


def test_marts_have_a_unit_test(manifest: Node, marts: dict[str, Node]) -> None:
    assert set(marts) - {test["model"] for test in manifest["unit_tests"].values()} == set()


def test_kpis_by_period_are_journalled_when_restated(manifest: Node, marts: dict[str, Node]) -> None:
    """The scorecard repeats numbers of the others. A KPI names the core mart that it counts."""
    by_period = {
        name for name, node in marts.items() if {"period_grain", "period_start"} <= node["columns"].keys()
    } - {"kpi_scorecard", "restatements"}
    journalled = {parent.split(".")[2] for parent in marts["restatements"]["depends_on"]["nodes"]}
    assert by_period - journalled == set()
    facts = {name: marts[name]["config"]["meta"].get("facts") for name in by_period}
    assert set(facts.values()) <= journalled
    assert [name for name in set(facts.values()) if "settled_at" not in marts[name]["config"]["meta"]] == []


MEASURES = (
    "first_reply", "next_reply", "first_resolution", "full_resolution", "requester_wait", "agent_wait",
    "on_hold", "agent_work",
)  # fmt: skip
CONVENTIONS = (
    "first_contact_resolution", "no_repeat_contact", "not_reopened", "one_touch", "one_touch_explore",
)  # fmt: skip
#: The KPIs of a table that looks up its definition by a column.
BY_COLUMN = {
    "c.measure || '_time'": {f"{measure}_time" for measure in MEASURES},
    "c.convention || '_rate'": {f"{convention}_rate" for convention in CONVENTIONS},
    "'sla_' || c.metric": {
        "sla_first_reply", "sla_next_reply", "sla_periodic_update", "sla_pausable_update", "sla_agent_work",
        "sla_requester_wait", "sla_total_resolution", "sla_group_ownership",
    },
    "m.kpi": {
        "reopen_rate", "transfer_rate", "agent_transfer_rate", "escalation_rate", "agent_replies",
        "customer_turns", "handle_time",
    },
}  # fmt: skip


def test_published_rule_files_have_described_columns_with_types(published: dict[str, Node]) -> None:
    seeds = [node for node in published.values() if node["resource_type"] == "seed"]
    assert [node["name"] for node in seeds] == ["kpi_definitions"]
    for node in seeds:
        declared = {name: column["data_type"] for name, column in node["columns"].items()}
        assert declared == node["config"]["column_types"]
        assert [name for name, column in node["columns"].items() if not column["description"]] == []


def test_every_kpi_has_one_definition_and_every_definition_its_kpi(marts: dict[str, Node]) -> None:
    """Also: it says rightly where the KPI's value is. The gate refuses rows without a version."""
    with (ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv").open(newline="") as file:
        definitions = list(csv.DictReader(file))
    looked_up = {
        (kpi, name)
        for name, node in marts.items()
        for by in re.findall(r"join_definition\(\"(.*?)\"\)", node["raw_code"])
        for kpi in BY_COLUMN.get(by, {by.strip("'")})
    }
    # Beside cost_per_ticket, in the same rows.
    looked_up.add(("service_roi", "kpi_cost"))
    assert sorted((row["kpi"], row["mart"]) for row in definitions) == sorted(looked_up)
    places = [(row["mart"], row["value_column"]) for row in definitions if row["value_column"]]
    assert [place for place in places if place[1] not in marts[place[0]]["columns"]] == []
    carries = {name for name, node in marts.items() if "definition_version" in node["columns"]}
    assert carries == {mart for _, mart in looked_up} | {"kpi_scorecard"}


def test_seeds_and_sources_are_described(manifest: Node) -> None:
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    assert [node["name"] for node in [*seeds, *manifest["sources"].values()] if not node["description"]] == []
    assert [node["name"] for node in seeds if not node["config"]["column_types"]] == []


def test_names_say_where_a_model_stands(models: dict[str, Node]) -> None:
    patterns = {
        "parse": r"new_[a-z]+__[a-z_]+",
        "staging": r"(stg_)?[a-z]+__[a-z_]+",
        "core": r"int_[a-z_]+",
        "marts": r"kpi_[a-z_]+|(?!kpi_|int_|stg_|new_)[a-z_]+",
        "restricted": r"[a-z_]+_restricted",
    }
    assert [name for name, node in models.items() if not re.fullmatch(patterns[node["schema"]], name)] == []
    in_kpis = {name for name, node in models.items() if node["path"].startswith("kpis/")}
    assert in_kpis == {name for name in models if name.startswith("kpi_")}


def test_only_views_of_staging_go_without_a_prefix(models: dict[str, Node]) -> None:
    bare = {
        name for name, node in models.items() if node["schema"] == "staging" and not name.startswith("stg_")
    }
    assert {models[name]["config"]["materialized"] for name in bare} == {"ephemeral"}


def test_vendors_end_with_staging(models: dict[str, Node]) -> None:
    downstream = {name: node for name, node in models.items() if node["schema"] in ("core", "marts")}
    assert [name for name in downstream if VENDORS.search(name)] == []
    assert [
        (name, c) for name, node in downstream.items() for c in node["columns"] if VENDORS.search(c)
    ] == []
    readers = {
        name
        for name, node in downstream.items()
        if any(
            parent.split(".")[2] in models and models[parent.split(".")[2]]["schema"] in ("staging", "parse")
            for parent in node["depends_on"]["nodes"]
        )
    }
    assert readers - MEETING_PLACES == set()


def test_no_vendor_in_the_sql_after_staging(models: dict[str, Node]) -> None:
    named = []
    for name, node in models.items():
        if node["schema"] in ("core", "marts"):
            text = re.sub(r"\{#.*?#\}", "", node["raw_code"], flags=re.DOTALL)
            text = re.sub(r"\b(ref|source)\(.*?\)", "", text)
            named += [(name, line.strip()) for line in text.splitlines() if VENDORS.search(line)]
    # The one list of streams in the models; the rest of the names stand in ref().
    assert [(name, line) for name, line in named if name != "int_touched_tickets"] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_portable_sql(manifest: Node, models: dict[str, Node], what: str) -> None:
    """Any engine's words stand in macros/engine, book-keeping in macros/control.sql."""
    texts = {name: node["raw_code"] for name, node in models.items()}
    texts |= {
        name: macro["macro_sql"]
        for name, macro in own_macros(manifest).items()
        if not macro["original_file_path"].startswith(("macros/engine/", "macros/control.sql"))
    }
    found = []
    for name, text in texts.items():
        kept = (
            re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
            if what == "dbt's own date macros"
            else bare_sql(text)
        )
        found += [name for _ in re.finditer(FORBIDDEN[what], kept, re.IGNORECASE)]
    assert found == []


def test_control_macros_alone_read_the_wall_clock(manifest: Node) -> None:
    readers = {
        name
        for name, macro in own_macros(manifest).items()
        if re.search(FORBIDDEN["the wall clock"], bare_sql(macro["macro_sql"]))
    }
    assert readers <= {"record_build", "start_build", "close_build"}
