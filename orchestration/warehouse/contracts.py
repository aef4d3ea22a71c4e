"""What the dbt project declares of its marts, in words that the gates take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from quality.contracts import Contract

Node = Mapping[str, Any]
GRAINS = ("day", "week", "month", "quarter", "all")


def contracts(manifest: Mapping[str, Any]) -> dict[str, Contract]:
    """By mart, its contract and card as the parsed project has them; of views none."""
    return {
        node["name"]: _contract(node, list(_tests(manifest, node)))
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["schema"] == "marts"
        and node["config"]["materialized"] != "view"
    }


def with_dimensions(contract: Contract, dimensions: Sequence[str]) -> Contract:
    """The contract of a table of cells with the dimensions that it may have; any other as it is."""
    if not {"period_grain", "dimension"} <= set(contract.key):
        return contract
    known = ["all", *dimensions, *contract.card.get("extra_dimensions", [])]
    return replace(contract, values={**contract.values, "dimension": known})


def _tests(manifest: Mapping[str, Any], node: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and arguments of the generic tests that stand at a node."""
    for test in manifest["nodes"].values():
        if test["resource_type"] == "test" and test.get("attached_node") == node["unique_id"]:
            yield test["test_metadata"]["name"], test["test_metadata"]["kwargs"]


def _contract(node: Node, tests: list[tuple[str, Mapping[str, Any]]]) -> Contract:
    key = next((tuple(given["columns"]) for name, given in tests if name == "unique_key"), ())
    values = {given["column_name"]: given["values"] for name, given in tests if name == "accepted_values"}
    card = node["config"]["meta"]
    grains = {"period_grain": card.get("grains", GRAINS)} if "period_grain" in key else {}
    return Contract(
        mart=node["name"],
        types={name: column["data_type"] for name, column in node["columns"].items()},
        key=key,
        required=tuple(given["column_name"] for name, given in tests if name == "not_null"),
        values=grains | values,
        columns={name: column["config"]["meta"] for name, column in node["columns"].items()},
        card=card,
        rule_file=node["name"] if node["resource_type"] == "seed" else "",
    )
