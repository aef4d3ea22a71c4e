"""Names, types and keys of the published marts that others rely on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.promises import PROMISED, interfaces, renewed

NOTHING: dict[str, Any] = {"key": [], "columns": {}}

#: What holds names, addresses or free text may not be published here.
PERSONAL = ("name", "email", "mail", "phone", "comment", "body", "subject", "description", "text", "remark")


@pytest.mark.parametrize("mart", PROMISED)
def test_what_was_promised_is_still_there(manifest: dict[str, Any], mart: str) -> None:
    """What goes, changes its type or is told apart by another key breaks what others built: `promises.py`."""
    now, promised = interfaces(manifest).get(mart, NOTHING), PROMISED[mart]
    assert promised["columns"].items() - now["columns"].items() == set()
    assert promised["key"] == now["key"]


def test_renewing_adds_to_the_promises_and_takes_nothing_back() -> None:
    old = {"gone": {"key": ["a"], "columns": {"a": "date"}}, "kept": {"key": ["a"], "columns": {"a": "date"}}}
    now = {"kept": {"key": ["b"], "columns": {"b": "date"}}, "new": {"key": [], "columns": {"c": "date"}}}
    assert renewed(old, now) == {
        "gone": old["gone"],
        "kept": {"key": ["a"], "columns": {"a": "date", "b": "date"}},
        "new": now["new"],
    }


def test_types_follow_from_names(published: dict[str, Any]) -> None:
    endings = {"_seconds": "double", "_pct": "double", "_at": "timestamp", "_date": "date", "_id": "varchar"}
    wrong = [
        (mart, column["name"], column["data_type"])
        for mart, node in published.items()
        for column in node["columns"].values()
        for ending, kind in endings.items()
        if column["name"].endswith(ending) and column["data_type"] != kind
    ]
    wrong += [
        (mart, column["name"], column["data_type"])
        for mart, node in published.items()
        for column in node["columns"].values()
        if column["name"].startswith(("is_", "has_", "in_numerator", "in_denominator"))
        != (column["data_type"] == "boolean")
    ]
    assert wrong == []


def test_nothing_personal_is_published(published: dict[str, Any]) -> None:
    columns = {(mart, column) for mart, node in published.items() for column in node["columns"]}
    found = {(mart, column) for mart, column in columns if set(column.split("_")) & set(PERSONAL)}
    # A group is a team, an organization a company, not a person; a column's name is none either.
    assert found == {
        ("groups", "group_name"),
        ("organizations", "organization_name"),
        ("restatements", "column_name"),
        ("worklist", "group_name"),
        ("worklist", "organization_name"),
    }
