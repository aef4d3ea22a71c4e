"""What dbt is told about batches: which there are, which may merge, which wait."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.publication import marts_file
from orchestration.warehouse import control_tables

STAGING = {"stg_zendesk__tickets": ("zendesk", "tickets"), "stg_zendesk__users": ("zendesk", "users")}


def batch(stream: str, batch_id: str, verdict: str = "passed") -> control_tables.BatchRow:
    path = f"/it's/{batch_id}.parquet"
    return control_tables.BatchRow("emea", "zendesk", stream, batch_id, path, 3, verdict)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both staging tables exist; tickets applied batch t1."""
    with control_tables.connect(tmp_path / "warehouse.duckdb") as con:
        control_tables.register_batches(con, [batch("tickets", "t1"), batch("users", "u1", "held")])
        con.execute("CREATE SCHEMA staging")
        for name in STAGING:
            con.execute(f"CREATE TABLE staging.{name} (record_id VARCHAR)")
        con.execute("INSERT INTO control.applied_batches VALUES ('stg_zendesk__tickets', 't1')")
        yield con


def verdicts(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT batch_id, verdict FROM control.batches").fetchall())


def test_the_list_is_replaced(con: duckdb.DuckDBPyConnection) -> None:
    control_tables.register_batches(con, [batch("tickets", "t2")])
    assert con.execute("SELECT batch_id, path, rows FROM control.batches").fetchall() == [
        ("t2", "/it's/t2.parquet", 3)
    ]
    control_tables.register_batches(con, [])
    assert verdicts(con) == {}


def test_nothing_waits_when_all_is_applied_or_held(con: duckdb.DuckDBPyConnection) -> None:
    assert control_tables.pending(con, STAGING) == set()


@pytest.mark.parametrize("verdict", ["passed", "waived"])
def test_a_new_batch_waits(con: duckdb.DuckDBPyConnection, verdict: str) -> None:
    control_tables.register_batches(con, [batch("tickets", "t1"), batch("tickets", "t0", verdict)])
    assert control_tables.pending(con, STAGING) == {
        "stg_zendesk__tickets"
    }  # also one that sorts before the last


def test_a_table_that_is_gone_waits(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DROP TABLE staging.stg_zendesk__users")
    assert control_tables.pending(con, STAGING) == {"stg_zendesk__users"}


def test_what_the_staged_gate_has_not_seen_may_not_merge(con: duckdb.DuckDBPyConnection) -> None:
    new = [batch("tickets", "t1"), batch("tickets", "t2"), batch("users", "u2", "waived")]
    control_tables.register_batches(con, new)
    control_tables.save_judged(con, "new_zendesk__users", "zendesk", "users")
    control_tables.hold_unjudged(con, STAGING)
    assert verdicts(con) == {"t1": "passed", "t2": "held", "u2": "waived"}


def test_rows_parsed_anew_are_unseen_again(con: duckdb.DuckDBPyConnection) -> None:
    control_tables.register_batches(con, [batch("tickets", "t1"), batch("tickets", "t2")])
    control_tables.save_judged(con, "new_zendesk__tickets", "zendesk", "tickets")
    control_tables.forget_judged(con, ["new_zendesk__tickets"])
    control_tables.hold_unjudged(con, STAGING)
    assert verdicts(con)["t2"] == "held"


def test_status_comes_back_as_saved(con: duckdb.DuckDBPyConnection) -> None:
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    saved = [
        control_tables.StreamStatus("emea", "zendesk", "tickets", True, False, at, 5, 4, 1, 0, 0, "b1"),
        control_tables.StreamStatus("old", "zendesk", "users", False, True, None, 0, 0, 0, 0, 0, None),
    ]
    assert control_tables.status(con) == []
    control_tables.save_status(con, saved)
    assert control_tables.status(con) == saved


def test_a_warehouse_of_a_release_with_other_columns_is_told(tmp_path: Path) -> None:
    with control_tables.connect(tmp_path / "warehouse.duckdb") as con:
        assert control_tables.are_current(con)
        con.execute("ALTER TABLE control.source_status DROP COLUMN build_id")
        assert not control_tables.are_current(con)


def test_a_forgotten_model_is_gone_from_all_that_tells_of_models(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO control.staged_rows VALUES ('stg_zendesk__tickets', 'emea', 3)")
    con.execute("INSERT INTO control.model_builds (model) VALUES ('stg_zendesk__tickets'), ('tickets')")
    control_tables.forget(con, ["stg_zendesk__tickets"])
    assert control_tables.applied(con) == set()
    assert con.execute("SELECT * FROM control.staged_rows").fetchall() == []
    assert con.execute("SELECT model FROM control.model_builds").fetchall() == [("tickets",)]


def test_a_mart_is_judged_once_while_its_rows_and_questions_are_the_same(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute(
        "INSERT INTO control.contents VALUES ('tickets', 3, 10, 20, 10, 20), ('agents', 1, 5, 5, 5, 5)"
    )
    asked = {"tickets": "suite 1", "agents": "suite 1", "kpi_definitions": "suite 1"}
    subjects = control_tables.subjects(con, asked)
    assert control_tables.judged_before(con, subjects) == {}
    control_tables.save_judged_marts(con, subjects, "night 1")
    # Of a seed nobody recorded the content.
    assert control_tables.judged_before(con, subjects) == {"tickets": "night 1", "agents": "night 1"}
    con.execute("UPDATE control.contents SET sum_2 = 21 WHERE model = 'tickets'")
    moved = control_tables.subjects(con, asked)
    assert control_tables.judged_before(con, moved) == {"agents": "night 1"}
    others = control_tables.subjects(con, asked | {"agents": "suite 2"})
    assert control_tables.judged_before(con, others) == {}


def test_no_connection_takes_more_memory_than_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXMARTS_MEMORY_LIMIT", "500MiB")
    with control_tables.connect(tmp_path / "warehouse.duckdb") as warehouse, marts_file.connect() as marts:
        for con in (warehouse, marts):
            assert con.execute("SELECT current_setting('memory_limit')").fetchall() == [("500.0 MiB",)]
