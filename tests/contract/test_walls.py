"""Who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"ingestion", "quality", "orchestration", "sandbox"}
FORBIDDEN = {
    "ingestion": {
        "dagster",
        "dagster_dbt",
        "dbt",
        "duckdb",
        "great_expectations",
        "quality",
        "orchestration",
        "sandbox",
    },
    "quality": {"dagster", "dagster_dbt", "dbt", "ingestion", "orchestration", "sandbox"},
    "sandbox": {"dagster", "dagster_dbt", "dbt", "duckdb", *OURS - {"sandbox"}},
}


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_walls(room: str) -> None:
    modules = list((ROOT / room).rglob("*.py"))
    assert len(modules) > 3
    assert {
        str(path.relative_to(ROOT)): wrong for path in modules if (wrong := imported(path) & FORBIDDEN[room])
    } == {}


def test_no_business_rule_in_python() -> None:
    """The rooms around dbt do not know the business zone's arithmetic or what a KPI is."""
    known = [
        str(path.relative_to(ROOT))
        for room in ("ingestion", "orchestration")
        for path in (ROOT / room).rglob("*.py")
        if "promoter" in path.read_text() or "business_seconds" in path.read_text()
    ]
    assert known == []
