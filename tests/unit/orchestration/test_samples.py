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


def test_a_preview_shows_hostile_words_as_text_and_no_ids(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE mart AS SELECT 7 AS ticket_id, 'a|b\n<b>' AS title, NULL AS nothing")
    assert preview(con, "mart", ["ticket_id", "title", "nothing"]).value.splitlines() == [
        "| title | nothing |",
        "| --- | --- |",
        r"| a\|b \<b\> |  |",
    ]
