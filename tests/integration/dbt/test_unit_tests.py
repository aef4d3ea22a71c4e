"""dbt's unit tests of the published marts' formulas, run on an empty warehouse."""

from __future__ import annotations

from pathlib import Path

from tests import parsed

from .warehouse import Warehouse


def test_dbt_unit_tests_pass(tmp_path: Path) -> None:
    """Each runs before its model is built; a failure is an error of the build that names it."""
    results = Warehouse(tmp_path).build("2024-06-30T00:00:00Z", resource_types=("model", "seed", "unit_test"))
    declared = [test["name"] for test in parsed.project().manifest["unit_tests"].values()]
    passed = [r.node.name for r in results if r.node.resource_type == "unit_test" and r.status == "pass"]
    assert sorted(passed) == sorted(declared)
