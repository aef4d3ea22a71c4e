"""`cxmarts sql`: what a query on a publication in miniature prints."""

import csv
import io
from pathlib import Path

import duckdb
import pytest

from orchestration.commands.query import SHOWN, QueryError, run


@pytest.fixture
def published(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute(
            "CREATE TABLE tickets AS SELECT 1 AS ticket_id, 'a,\"b\"\nc' AS channel, NULL::INT AS reopens"
        )
    return tmp_path


def asked(published: Path, sql: str, *, is_csv: bool = False) -> str:
    out = io.StringIO()
    run(published, sql, out, is_csv=is_csv)
    return out.getvalue()


def test_csv_holds_every_row_as_it_is(published: Path) -> None:
    text = asked(published, "FROM tickets", is_csv=True)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["ticket_id", "channel", "reopens"],
        ["1", 'a,"b"\nc', ""],
    ]
    assert asked(published, "FROM range(25000)", is_csv=True).count("\n") == 25_001


def test_a_table_shows_the_first_rows_and_says_so(published: Path) -> None:
    assert "channel" in asked(published, "FROM tickets")
    long = asked(published, "SELECT 'row ' || range AS r FROM range(1000)")
    assert f"row {SHOWN - 1} " in long
    assert f"row {SHOWN} " not in long
    assert f"The first {SHOWN} rows" in long


def test_the_last_of_several_statements_answers(published: Path) -> None:
    assert "2" in asked(published, "CREATE TEMP TABLE t AS SELECT 2 AS b; FROM t")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT price FROM tickets", "price"),
        ("DROP TABLE tickets", "read-only"),
        ("SELECT error('stop') FROM tickets", "stop"),
        ("", "gives nothing"),
    ],
)
def test_what_cannot_be_run_is_an_error_of_one_message(published: Path, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        asked(published, sql)
    assert "1" in asked(published, "FROM tickets")
