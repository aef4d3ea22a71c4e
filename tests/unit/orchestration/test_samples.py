"""What a night shows of a mart."""

from datetime import date

import duckdb
import pytest

from orchestration.assets.samples import last_whole, preview

PLOT = {"column": "score", "n": "yes + no", "where": {"kind": "a"}}


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE cells AS FROM (VALUES"
        " ('month', DATE '2026-02-01', 'all', 'a', 1.5, 2, 3),"
        " ('month', DATE '2026-02-01', 'all', 'b', 9, 9, 9),"
        " ('month', DATE '2026-03-01', 'all', 'a', 7, 7, 7),"
        " ('month', DATE '2026-01-01', 'all', 'a', 8, 8, 8),"
        " ('week', DATE '2026-03-02', 'all', 'a', 4.0, 1, 1), ('all', NULL, 'all', 'a', 6, 6, 6))"
        " AS t(period_grain, period_start, dimension, kind, score, yes, no)"
    )
    return con


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 3, 1), {"last_month_score": 1.5, "last_month_n": 5, "last_month": "2026-02-01"}),
        (date(2026, 3, 31), {"last_month_score": 1.5, "last_month_n": 5, "last_month": "2026-02-01"}),
        (date(2026, 5, 31), {}),
    ],
    ids=["first day", "last day", "nothing"],
)
def test_the_last_whole_month(
    con: duckdb.DuckDBPyConnection, today: date, expected: dict[str, object]
) -> None:
    assert last_whole(con, "cells", PLOT, today) == expected


def test_else_the_last_whole_week(con: duckdb.DuckDBPyConnection) -> None:
    """Monday 2 to Sunday 8 March is over on the 9th, and the last one until the 15th."""
    con.execute("DELETE FROM cells WHERE period_grain = 'month'")
    week = {"last_week_score": 4.0, "last_week_n": 2, "last_week": "2026-03-02"}
    shown = {day: last_whole(con, "cells", PLOT, date(2026, 3, day)) for day in (8, 9, 15, 16)}
    assert shown == {8: {}, 9: week, 15: week, 16: {}}


def test_the_plotted_number_can_be_read(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("ALTER TABLE cells ALTER score TYPE DOUBLE; UPDATE cells SET score = 200 / 3.0")
    assert last_whole(con, "cells", PLOT, date(2026, 3, 1))["last_month_score"] == 66.6667


def test_a_preview_shows_hostile_words_as_text_and_nothing_that_identifies(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute(
        "CREATE TABLE mart AS SELECT 7 AS id, 7 AS ticket_id, '7' AS item, 'https://x/7' AS link,"
        " 'a' AS email_hash, 'a|b\n<b>' AS title"
    )
    columns = ["id", "ticket_id", "item", "link", "email_hash", "title"]
    assert preview(con, "mart", columns).value.splitlines() == ["| title |", "| --- |", r"| a\|b \<b\> |"]


def test_a_preview_is_narrow(con: duckdb.DuckDBPyConnection) -> None:
    """Numbers of four decimals at most; no column that has no value in the shown rows."""
    con.execute(
        "CREATE TABLE mart AS FROM (VALUES (200 / 3.0::DOUBLE, NULL, true, 5), (-30940641.0, NULL, NULL, 50))"
        " AS t(pct, nothing, is_small, n)"
    )
    columns = ["pct", "nothing", "is_small", "n"]
    assert preview(con, "mart", columns).value.splitlines() == [
        "| pct | is_small | n |",
        "| --- | --- | --- |",
        "| 66.6667 | true | 5 |",
        "| -30940641 |  | 50 |",
    ]
    con.execute("DELETE FROM mart")
    assert preview(con, "mart", columns).value.splitlines()[0] == "| pct | nothing | is_small | n |"
