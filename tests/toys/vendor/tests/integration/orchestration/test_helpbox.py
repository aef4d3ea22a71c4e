"""Helpbox from its API to the publication; the numbers of its three tickets by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.ground.settings import Settings
from orchestration.publication import publish
from orchestration.refresh import Outcome

HOUR = 3600
ALL = "period_grain = 'all' and dimension = 'source' and member = 'helpbox'"


@pytest.fixture(scope="module")
def marts(refreshed: tuple[Settings, Outcome]) -> Path:
    current = publish.current(refreshed[0].home / "published")
    assert current is not None
    return current.path / "marts.duckdb"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        # Created 9:00, answered 9:30, solved 11:00; 10:00, 12:00 and 10:00 of the next day; neither.
        (
            "select ticket_id, first_reply_seconds, first_resolution_seconds, status from tickets"
            " where source = 'helpbox' order by ticket_id",
            [
                ("1", HOUR / 2, 2 * HOUR, "solved"),
                ("2", 2 * HOUR, 24 * HOUR, "solved"),
                ("3", None, None, "open"),
            ],
        ),
        (
            "select ticket_id, kind, score, is_positive from survey_answers"
            " where source = 'helpbox' order by ticket_id",
            [("1", "csat", 5, True), ("2", "csat", 2, False)],
        ),
        (f"select n, positive, csat_pct from kpi_csat where {ALL}", [(2, 1, 50)]),
        (
            "select measure, n, median_seconds from kpi_response_times where clock = 'calendar'"
            f" and measure in ('first_reply', 'first_resolution') and {ALL} order by measure",
            [("first_reply", 2, 1.25 * HOUR), ("first_resolution", 2, 13 * HOUR)],
        ),
        (f"select created, solved, customers from kpi_volume where {ALL}", [(3, 2, 3)]),
        # Every cell opens.
        (
            "select ticket_id, value from kpi_cell('kpi_response_times', 'all', null, 'source', 'helpbox',"
            " key := 'first_reply/calendar') order by ticket_id",
            [("1", HOUR / 2), ("2", 2 * HOUR)],
        ),
    ],
    ids=["tickets", "answers", "csat", "times", "volume", "members"],
)
def test_three_tickets_are_published(marts: Path, question: str, answer: list[tuple[object, ...]]) -> None:
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute(question).fetchall() == answer
