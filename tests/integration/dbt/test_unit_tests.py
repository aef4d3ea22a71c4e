"""dbt's unit tests of the published marts' formulas, run on an empty warehouse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dbt.compilation
import pytest

from tests import parsed

from .warehouse import Warehouse


def with_given_rows(sql: str, ctes: list[Any]) -> str:
    """As dbt does: the given rows as the query's first CTEs. It reads the query word by word, half of a test's time."""
    if not ctes:
        return sql
    begun = re.match(r"\s*with\s+(recursive\s+)?", sql)
    given = ", ".join(cte.sql for cte in ctes)
    return f"{begun[0]}{given}, {sql[begun.end() :]}" if begun else f"with {given} {sql}"


@pytest.fixture
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt.compilation, "inject_ctes_into_sql", with_given_rows)


def test_dbt_unit_tests_pass(tmp_path: Path, read_at_once: None) -> None:
    """Each runs before its model is built; a failure is an error of the build that names it."""
    results = Warehouse(tmp_path).build("2024-06-30T00:00:00Z", resource_types=("model", "seed", "unit_test"))
    declared = [test["name"] for test in parsed.project().manifest["unit_tests"].values()]
    passed = [r.node.name for r in results if r.node.resource_type == "unit_test" and r.status == "pass"]
    assert sorted(passed) == sorted(declared)
