"""The dbt project, parsed once for all tests: a parse costs as much as a build."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from orchestration.ground.home import Home
from orchestration.warehouse.dbt import Project

ROOT = Path(__file__).parents[1]


@functools.cache
def project() -> Project:
    """The packaged project as a refresh prepares it, kept for other workers and later runs. Read only."""
    return Project(Home(ROOT / ".pytest_cache" / "cxmarts")).prepare()


def kpis() -> dict[str, dict[str, Any]]:
    """The KPI tables as parsed, by name; their cards stand in `config`, `meta`."""
    nodes = project().manifest["nodes"].values()
    return {node["name"]: node for node in nodes if "facts" in (node["config"]["meta"] or {})}


def kpis_of(dimensions: str) -> list[str]:
    """The KPI tables whose cards offer the dimensions of `tickets` or of `answers`."""
    return [name for name, node in kpis().items() if node["config"]["meta"].get("dimensions") == dimensions]
