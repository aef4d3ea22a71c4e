"""What the marts gate is told: how many rows of each batch are rejected."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.checks import _rejections
from orchestration.warehouse import control_tables
from quality.gates import judge_marts
from quality.store import Store

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with control_tables.connect(tmp_path / "warehouse.duckdb") as con:
        yield con


def batch(con: duckdb.DuckDBPyConnection, batch_id: str, rows: int, rejected: int) -> None:
    control_tables.register_batches(
        con, [control_tables.BatchRow("desk", "zendesk", "tickets", batch_id, "a file", rows, "passed")]
    )
    con.execute(
        "INSERT INTO control.rejected_rows BY NAME"
        " SELECT 'stg_zendesk__tickets' AS model, 'desk' AS source, $1 AS batch_id, n AS record_id,"
        " 'is no date' AS reason FROM range($2) AS r (n)",
        [batch_id, rejected],
    )


@pytest.mark.parametrize(("rejected", "verdict"), [(1, "passed"), (2, "held")])
def test_rejected_rows_count_per_batch(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, rejected: int, verdict: str
) -> None:
    """1 of 100 is a warning, 2 are critical."""
    batch(con, "b1", 100, rejected)
    with Store(tmp_path / "control.sqlite") as store:
        report = judge_marts(store, "b", AS_OF, {}, {}, rejections=_rejections(con, []))
    assert report.build.verdict == verdict
    failed = {v.expectation: v for v in report.verdicts if not v.success}
    assert failed["no_row_is_rejected"].severity == "warning"
    assert ("few_rows_are_rejected" in failed) == (verdict == "held")


def test_without_rejected_rows_there_is_nothing_to_say(con: duckdb.DuckDBPyConnection) -> None:
    batch(con, "b1", 100, 0)
    assert _rejections(con, []).empty
