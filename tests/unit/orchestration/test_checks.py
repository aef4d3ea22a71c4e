"""What the marts gate is told: how many rows of each batch, and answers of each source, are rejected."""

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
        con.execute("CREATE SCHEMA core")
        con.execute("CREATE TABLE core.int_answers (source VARCHAR, is_in_scale BOOLEAN)")
        yield con


def answers(con: duckdb.DuckDBPyConnection, source: str, total: int, outside: int) -> None:
    con.execute(
        "INSERT INTO core.int_answers SELECT $1, n >= $2 FROM range($3) AS r (n)", [source, outside, total]
    )


@pytest.mark.parametrize(("outside", "verdict"), [(1, "passed"), (2, "held")])
def test_answers_outside_their_scale_count_per_source(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, outside: int, verdict: str
) -> None:
    """1 of 100 is a warning, 2 are critical, however many good answers another source has."""
    answers(con, "survey", 100, outside)
    answers(con, "other", 10_000, 0)
    with Store(tmp_path / "control.sqlite") as store:
        report = judge_marts(store, "b", AS_OF, {}, {}, rejections=_rejections(con, []))
    assert report.build.verdict == verdict
    failed = {v.expectation: v for v in report.verdicts if not v.success}
    assert {v.subject for v in failed.values()} == {"survey/survey_answers"}
    assert failed["no_row_is_rejected"].severity == "warning"
    assert ("few_rows_are_rejected" in failed) == (verdict == "held")


def test_without_rejected_rows_there_is_nothing_to_say(con: duckdb.DuckDBPyConnection) -> None:
    answers(con, "survey", 5, 0)
    assert _rejections(con, []).empty
