"""dbt's unit tests of the published marts' formulas, run on an empty warehouse."""

from __future__ import annotations

import pytest
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from .warehouse import Warehouse


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Status and message of each unit test."""
    warehouse = Warehouse(tmp_path_factory.mktemp("unit_tests"))
    warehouse.build("2024-06-30T00:00:00Z")
    folder = str(warehouse.project)
    command = [
        "--quiet",
        "test",
        "--select",
        "test_type:unit",
        "--project-dir",
        folder,
        "--profiles-dir",
        folder,
    ]
    try:
        result = dbtRunner().invoke(command)
    finally:
        DuckDBConnectionManager.close_all_connections()
    return {
        row.node.name: (str(row.status), row.message)
        for row in result.result.results
        if row.node.resource_type == "unit_test"
    }


def test_dbt_unit_tests_pass(results: dict[str, tuple[str, str]]) -> None:
    assert {name: message for name, (status, message) in results.items() if status != "pass"} == {}
    assert len(results) > 20
