"""The dbt project as dbt understands it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import parsed

Node = dict[str, Any]


@pytest.fixture(scope="session")
def manifest() -> Node:
    """dbt's manifest of the project."""
    return parsed.project().manifest


@pytest.fixture(scope="session")
def models(manifest: Node) -> dict[str, Node]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def marts(models: dict[str, Node]) -> dict[str, Node]:
    """The published ones."""
    published = {name: node for name, node in models.items() if node["schema"] == "marts"}
    assert len(published) > 15
    return published


@pytest.fixture(scope="session")
def published(manifest: Node, marts: dict[str, Node]) -> dict[str, Node]:
    """Whatever readers find: the marts, and the rule files that are published as they are."""
    seeds = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "seed"}
    return marts | {name: node for name, node in seeds.items() if node["schema"] == "marts"}
