"""What is imported is declared, and what is declared is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Collection
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"ingestion", "quality", "orchestration", "sandbox", "bench", "tests"}
#: Declared and never imported: programs, plugins, type stubs.
NOT_IMPORTED = {
    "dagster-dg-cli",
    "mypy",
    "pandas-stubs",
    "pytest-xdist",
    "ruff",
    "types-pyyaml",
}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> set[str]:
    lines = [
        *PROJECT["dependencies"],
        *(line for e in extras for line in PROJECT["optional-dependencies"][e]),
    ]
    return {plain(re.match(r"[\w.-]+", line)[0]) for line in lines}


def imported(folders: Collection[str]) -> set[str]:
    """Top-level modules of other people that the Python files of these folders import."""
    found = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found |= {name.split(".")[0] for name in names}
    # Folders of tests are on the path: their files import each other by name.
    return found - OURS - sys.stdlib_module_names - {path.stem for path in (ROOT / "tests").rglob("*.py")}


@pytest.mark.parametrize(
    ("folders", "extras"),
    [(("ingestion", "quality", "orchestration", "sandbox"), ()), (("bench", "tests"), ("dev",))],
)
def test_what_is_imported_is_declared(folders: Collection[str], extras: Collection[str]) -> None:
    owners = packages_distributions()
    undeclared = {
        module
        for module in imported(folders)
        if not {plain(owner) for owner in owners.get(module, [])} & declared(*extras)
    }
    assert undeclared == set()


def test_what_is_declared_is_used() -> None:
    owners = packages_distributions()
    used = {plain(owner) for module in imported(OURS) for owner in owners.get(module, [])}
    assert declared("dev") - used == NOT_IMPORTED
