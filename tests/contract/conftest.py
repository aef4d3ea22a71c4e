"""The dbt project as dbt understands it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[2]
Node = dict[str, Any]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """dbt's manifest of a copy of the project, parsed afresh."""
    project = tmp_path_factory.mktemp("contract") / "dbt"
    shutil.copytree(ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    result = dbtRunner().invoke(
        ["--quiet", "parse", "--project-dir", str(project), "--profiles-dir", str(project)]
    )
    assert result.success, result.exception
    return json.loads((project / "target" / "manifest.json").read_text())


@pytest.fixture(scope="session")
def models(manifest: Node) -> dict[str, Node]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def marts(models: dict[str, Node]) -> dict[str, Node]:
    """The published ones."""
    published = {name: node for name, node in models.items() if node["schema"] == "marts"}
    assert len(published) > 15
    return published
