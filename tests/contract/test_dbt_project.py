"""Rules of the dbt project that no single model's test can see."""

from __future__ import annotations

import ast
import csv
import re
from typing import Any

import pytest

from orchestration.commands import cards as cards_macro
from orchestration.warehouse.contracts import contracts
from orchestration.warehouse.dbt import JUDGED_AT_GATE_3
from quality.suites.marts import DECLARED, suite
from tests.parsed import ROOT

Node = dict[str, Any]

#: Marts without a key, and why.
NO_KEY = {
    "rejected_rows": "one record may be rejected more than once, for each version that landed",
    "rejected_values": "as for rejected_rows, of each version each value",
}
DBT = ROOT / "dbt_project"
#: The vendors are the folders of models/vendors; the other names are of those that may come.
VENDORS = sorted(path.name for path in (DBT / "models" / "vendors").iterdir() if path.is_dir())
#: "files" is a word too, so that it counts only where it names the vendor.
NAMED = re.compile(
    "|".join(
        {rf"{vendor}__|raw_{vendor}\b|'{vendor}'" if vendor == "files" else vendor for vendor in VENDORS}
        | {"freshdesk", "intercom", "qualtrics", "surveymonkey", "servicenow"}
    ),
    re.IGNORECASE,
)
#: Every model reads of its own layer and of those before it.
LAYERS = ("parsed", "staged", "vendors", "core", "marts", "kpis", "books")
#: Words that one engine lacks, that round differently, or that read the wall clock.
FORBIDDEN = {
    "qualify": r"\bqualify\b",
    "as-of joins": r"\basof\b",
    "dbt's own date macros": r"\bdbt\.\w+|\bdate_?diff\b",
    "the wall clock": r"\bnow\s*\(|\bcurrent_(timestamp|date|time)\b|\bget_current_timestamp\b|\btoday\s*\(",
    "quoted identifiers": r'"',
    "lateral joins": r"\blateral\b",
}


#: Where an engine's own words may stand, book-keeping, and what is no SQL.
OUTSIDE = ("macros/engine/", "macros/control.sql", "macros/generated/")


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


def test_macros_and_their_arguments_are_described(manifest: Node) -> None:
    """dbt holds the arguments against the SQL; what an engine says differently is told at its dispatch."""
    macros = {
        name: macro
        for name, macro in own_macros(manifest).items()
        if not name.startswith(("default__", "materialization_"))
    }
    assert [name for name, macro in macros.items() if not macro["description"]] == []
    assert [
        (name, argument["name"])
        for name, macro in macros.items()
        for argument in macro["arguments"]
        if not (argument["type"] and argument["description"])
    ] == []


def test_marts_have_an_enforced_contract_with_types(marts: dict[str, Node]) -> None:
    assert [name for name, node in marts.items() if not node["config"]["contract"]["enforced"]] == []
    assert [
        (name, c["name"])
        for name, node in marts.items()
        for c in node["columns"].values()
        if not c["data_type"]
    ] == []


def test_columns_of_marts_are_described(marts: dict[str, Node]) -> None:
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
    # Views are as unique as the marts that they read, and nobody reads them whole: millions of rows.
    views = {name for name, node in marts.items() if node["config"]["materialized"] == "view"}
    assert set(marts) - tested - views == set(NO_KEY)


def test_every_staged_stream_is_counted(models: dict[str, Node]) -> None:
    """By records where staging keeps versions, by rows where it does not."""
    for vendor in VENDORS:
        code = models[f"{vendor}__staged_streams"]["raw_code"]
        versions, _, newest = code.partition("without_versions=")
        kept = {
            name.removeprefix(f"stg_{vendor}__"): "keep='newest'" in node["raw_code"]
            for name, node in models.items()
            if name.startswith(f"stg_{vendor}__")
        }
        assert set(re.findall(r"'(\w+)'", newest)) == {name for name, is_newest in kept.items() if is_newest}
        assert set(re.findall(r"'(\w+)'", versions)) - {vendor} == {
            name for name, is_newest in kept.items() if not is_newest
        }


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


def test_marts_have_a_unit_test(manifest: Node, marts: dict[str, Node]) -> None:
    assert set(marts) - {test["model"] for test in manifest["unit_tests"].values()} == set()


def cards(marts: dict[str, Node]) -> dict[str, Node]:
    """KPI table to its card."""
    return {name: node["config"]["meta"] for name, node in marts.items() if name.startswith("kpi_")}


def test_the_macro_of_the_cards_is_in_step() -> None:
    assert cards_macro.TARGET.read_text() == cards_macro.render(), "run `make docs`"


def test_kpis_by_period_are_journalled_when_restated(marts: dict[str, Node]) -> None:
    """The scorecard repeats numbers of the others. What a KPI counts says when its rows are settled."""
    by_period = {name for name in cards(marts) if "period_grain" in marts[name]["columns"]} - {
        "kpi_scorecard"
    }
    journalled = {name for name, card in cards(marts).items() if card.get("journalled", True)}
    assert by_period == journalled
    facts = {cards(marts)[name]["facts"] for name in by_period}
    assert [name for name in facts if "settled_at" not in marts[name]["config"]["meta"]] == []


#: The metrics of service targets, of which a vendor may have more.
SLA_METRICS = [
    row["kpi"].removeprefix("sla_")
    for row in csv.DictReader((ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv").open(newline=""))
    if row["kpi"].startswith("sla_")
]


def defined(node: Node, manifest: Node) -> set[str]:
    """The definitions that the rows of a KPI table look up, as its card says."""
    definition = node["config"]["meta"].get("definition")
    if isinstance(definition, dict):
        [names] = definition.values()
        return set(names.values())
    if not definition:
        return set()
    for column in re.findall(r"{(\w+)}", definition):
        values = SLA_METRICS if column == "metric" else known_values(manifest, node, column)
        return {definition.replace("{" + column + "}", value) for value in values}
    return {definition}


def known_values(manifest: Node, node: Node, column: str) -> list[str]:
    [test] = [
        test["test_metadata"]["kwargs"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test["attached_node"] == node["unique_id"]
        and test["test_metadata"]["name"] == "accepted_values"
        and test["column_name"] == column
    ]
    return list(test["values"])


def test_published_rule_files_have_described_columns_with_types(published: dict[str, Node]) -> None:
    seeds = [node for node in published.values() if node["resource_type"] == "seed"]
    assert [node["name"] for node in seeds] == ["kpi_definitions"]
    for node in seeds:
        declared = {name: column["data_type"] for name, column in node["columns"].items()}
        assert declared == node["config"]["column_types"]
        assert [name for name, column in node["columns"].items() if not column["description"]] == []


def test_every_kpi_has_one_definition_and_every_definition_its_kpi(
    manifest: Node, marts: dict[str, Node]
) -> None:
    """Also: it says rightly where the KPI's value is. The gate refuses rows without a version."""
    with (ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv").open(newline="") as file:
        definitions = list(csv.DictReader(file))
    looked_up = {(kpi, name) for name in cards(marts) for kpi in defined(marts[name], manifest)}
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


def layer(node: Node) -> str:
    """By folder; a vendor's models by their prefix."""
    folder, name = node["path"].split("/")[0], node["name"]
    if folder == "vendors":
        return {"new": "parsed", "stg": "staged"}.get(name.split("_")[0], "vendors")
    return {"restricted": "marts"}.get(folder, folder)


def test_names_say_where_a_model_stands(models: dict[str, Node]) -> None:
    vendor = rf"({'|'.join(VENDORS)})__[a-z_]+"
    patterns = {
        "parsed": ("parse", rf"new_{vendor}"),
        "staged": ("staging", rf"stg_{vendor}"),
        "vendors": ("vendors", rf"{vendor}|touched_tickets"),
        "core": ("core", r"int_[a-z_]+"),
        "marts": ("marts", r"(?!kpi_|int_|stg_|new_)[a-z_]+"),
        "restricted": ("restricted", r"[a-z_]+_restricted"),
        "kpis": ("marts", r"kpi_[a-z_]+"),
        "books": ("marts", r"(?!kpi_|int_|stg_|new_)[a-z_]+"),
    }
    wrong = []
    for name, node in models.items():
        schema, pattern = patterns["restricted" if node["path"].startswith("restricted/") else layer(node)]
        if node["schema"] != schema or not re.fullmatch(pattern, name):
            wrong.append(name)
    assert wrong == []


def test_arrows_go_one_way(models: dict[str, Node]) -> None:
    """No model reads what stands above it."""
    up = [
        (name, parent)
        for name, node in models.items()
        for parent in (each.split(".")[2] for each in node["depends_on"]["nodes"])
        if parent in models and LAYERS.index(layer(models[parent])) > LAYERS.index(layer(node))
    ]
    assert up == []


def test_no_model_is_ephemeral(models: dict[str, Node]) -> None:
    """Each has a name in the warehouse and a place in the lineage; dbt takes long to splice them in."""
    assert [name for name, node in models.items() if node["config"]["materialized"] == "ephemeral"] == []


def test_the_exposure_of_the_report_names_all_that_it_reads(
    manifest: Node, published: dict[str, Node]
) -> None:
    queries = [path.read_text() for path in (ROOT / "orchestration/report/queries").glob("*.sql")]
    words = {name for sql in queries for name in re.findall(r"(?i)\b(?:from|join)\s+(\w+)", sql)}
    [report] = [each for each in manifest["exposures"].values() if each["name"] == "report"]
    named = {node.rpartition(".")[2] for node in report["depends_on"]["nodes"]}
    # Behind the function that leads from a cell to its tickets.
    assert named == (words & published.keys()) | {"metric_members"}


def test_every_model_is_described(models: dict[str, Node]) -> None:
    assert [name for name, node in models.items() if not node["description"]] == []


def test_a_vendor_is_named_in_its_folder_alone() -> None:
    """And in the one list of vendors, and in rows of rule files."""
    named = []
    for path in sorted(p for p in DBT.rglob("*") if p.suffix in (".sql", ".yml")):
        inside = path.relative_to(DBT).parts
        own = inside[:2] in (("models", "vendors"), ("macros", "vendors")) and len(inside) > 2
        if inside[0] != "target" and not own and inside != ("macros", "vendors.sql"):
            text = path.read_text().splitlines()
            named += [f"{path.name}:{no}: {line}" for no, line in enumerate(text, 1) if NAMED.search(line)]
    assert named == []


def test_a_vendor_reads_no_other(models: dict[str, Node]) -> None:
    def vendor(name: str) -> str:
        parts = models[name]["path"].split("/")
        return parts[1] if parts[0] == "vendors" and len(parts) > 2 else ""

    across = [
        (name, parent)
        for name, node in models.items()
        for parent in (each.split(".")[2] for each in node["depends_on"]["nodes"])
        if parent in models and vendor(name) and vendor(parent) not in ("", vendor(name))
    ]
    assert across == []


def test_the_list_of_vendors_is_that_of_their_folders(manifest: Node, models: dict[str, Node]) -> None:
    """What a vendor gives is united in core, but for what only its own models read."""
    code = own_macros(manifest)["vendors"]["macro_sql"]
    listed = {
        f"{vendor}__{entity}"
        for vendor, entities in ast.literal_eval(
            code[code.index("{{ return(") + 10 : code.rindex(") }}")]
        ).items()
        for entity in entities
    }
    given = {name for name, node in models.items() if layer(node) == "vendors"} - {"touched_tickets"}
    read_by = {
        name: {
            layer(node)
            for node in models.values()
            if models[name]["unique_id"] in node["depends_on"]["nodes"]
        }
        for name in given
    }
    assert listed - given == set()
    assert {name for name in given - listed if read_by[name] != {"vendors"}} == set()
    assert {name for name in listed if not read_by[name]} == set()


def test_core_alone_unites_the_vendors(models: dict[str, Node]) -> None:
    uniting = [node for node in models.values() if "united(" in node["raw_code"]]
    assert {layer(node) for node in uniting if node["name"] != "touched_tickets"} == {"core"}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_portable_sql(manifest: Node, models: dict[str, Node], what: str) -> None:
    texts = {name: node["raw_code"] for name, node in models.items()}
    texts |= {
        name: macro["macro_sql"]
        for name, macro in own_macros(manifest).items()
        if not macro["original_file_path"].startswith(OUTSIDE)
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
