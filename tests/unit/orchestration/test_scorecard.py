"""The scorecard's lines, from the cards of the KPIs and a publication in miniature."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.commands.scorecard import (
    Line,
    ScorecardError,
    gaps,
    judged,
    of_period,
    read,
    shifts,
    show,
    show_interval,
)

TODAY = date(2026, 1, 20)
KEY = "'all' AS period_grain, NULL::DATE AS period_start"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A publication from before there were response times."""
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute(
            "CREATE TABLE kpi_definitions AS FROM (VALUES ('csat', 'percent'), ('nps', 'points'),"
            " ('sla_next_reply', 'percent')) AS d (kpi, unit)"
        )
        con.execute(
            f"CREATE TABLE kpi_csat AS SELECT {KEY}, 'all' AS dimension, 'all' AS member, 0 AS n,"
            " NULL::DOUBLE AS csat_pct, NULL::DOUBLE AS ci_low_pct, NULL::DOUBLE AS ci_high_pct"
        )
        con.execute(
            f"CREATE TABLE kpi_nps AS SELECT {KEY}, * FROM (VALUES ('all', 'all', 4, 90e0, 70e0, 100e0),"
            " ('segment', 'SMB', 3, -40e0, -100e0, 40e0), ('channel', 'web', 4, 90e0, 70e0, 100e0))"
            " AS n (dimension, member, n, nps, ci_low, ci_high)"
        )
        con.execute(
            f"CREATE TABLE kpi_sla_compliance AS SELECT {KEY}, 'all' AS dimension, 'all' AS member, * FROM"
            " (VALUES ('next_reply', 3, 1, 75e0, 30e0, 95e0), ('agent_work', 0, 0, NULL, NULL, NULL))"
            " AS s (metric, met, breached, attainment_pct, ci_low_pct, ci_high_pct)"
        )
        con.execute(
            f"CREATE TABLE kpi_scorecard AS SELECT {KEY}, * FROM (VALUES ('nps', 'all', 'all', 50e0, 40e0),"
            " ('nps', 'segment', 'SMB', 30e0, -70e0)) AS s (kpi, dimension, member, target, target_gap)"
        )
    return tmp_path


def test_lines_come_from_the_cards_and_what_an_older_publication_lacks_is_left_out(published: Path) -> None:
    """A promise of which nothing is known has no line."""
    assert read(published) == [
        Line("CSAT", None, "percent", 0, None, None, None, None, "csat"),
        Line("NPS", 90.0, "points", 4, 70.0, 100.0, 50.0, 40.0, "nps"),
        Line("NPS, segment SMB", -40.0, "points", 3, -100.0, 40.0, 30.0, -70.0, "nps"),
        Line("SLA met, next reply", 75.0, "percent", 4, 30.0, 95.0, None, None, "sla_next_reply"),
    ]


def test_an_older_publication_without_an_interval_shows_none(published: Path) -> None:
    with duckdb.connect(str(published / "marts.duckdb")) as con:
        con.execute("ALTER TABLE kpi_nps DROP ci_low")
    [line] = [line for line in read(published) if line.name == "NPS"]
    assert (line.value, line.low, line.high) == (90.0, None, None)


def test_both_lines_of_a_duration_are_of_its_kpi(published: Path) -> None:
    with duckdb.connect(str(published / "marts.duckdb")) as con:
        con.execute(
            f"CREATE TABLE kpi_response_times AS SELECT {KEY}, 'all' AS dimension, 'all' AS member,"
            " 'first_reply' AS measure, clock, 60e0 AS median_seconds, 1 AS n"
            " FROM (VALUES ('calendar'), ('business')) AS t (clock)"
        )
    lines = {line.name: line.kpi for line in read(published) if line.name.startswith("First")}
    assert lines == {
        "First reply, median, business time": "first_reply_time",
        "First reply, median": "first_reply_time",
    }


def test_it_says_of_how_many_tickets_a_number_is_known(published: Path) -> None:
    """Channels without a gap count as well, a source without numbers of its own does not."""
    assert gaps(published) == []
    with duckdb.connect(str(published / "marts.duckdb")) as con:
        con.execute(
            "CREATE TABLE completeness_summary AS FROM (VALUES"
            " ('desk', 'messaging', 'first_reply', 'first_reply_time', true, 40, 12, 0, 0, 'warning'),"
            " ('desk', 'email', 'first_reply', 'first_reply_time', true, 100, 0, 0, 0, NULL),"
            " ('desk', 'api', 'reopens', 'reopen_rate', true, 200, 0, 5, 1, 'warning'),"
            " ('desk', 'web', 'reopens', 'reopen_rate', true, 200, 1, 0, 20, 'unknown'),"
            " ('shop', 'form', 'reopens', 'reopen_rate', false, 900, 0, 0, 900, NULL)"
            ") AS c (source, channel, measure, kpis, has_vendor_numbers,"
            " expected, missing, unexplained, unknown, gap)"
        )
    found = gaps(published)
    assert [str(gap) for gap in found] == [
        "first reply: 128 of 140 tickets known, messaging missing",
        "reopens: 373 of 400 tickets known, api unexplained, web unknown",
    ]
    assert [gap.kpis for gap in found] == [("first_reply_time",), ("reopen_rate",)]


def test_an_interval_is_shown_with_its_width() -> None:
    assert show_interval(70.04, 100.0, "percent") == "70.0 % to 100.0 %"
    assert show_interval(99.996, 100.0, "percent") == "99.996 % to 100.000 %"
    assert show_interval(-3.2, 4.0, "points") == "-3.2 to 4.0"
    assert show_interval(None, 4.0, "points") == ""


def test_it_says_how_many_signals_are_expected_by_chance(published: Path) -> None:
    """Of the newest week and month of each KPI over all, if new; an older publication does not say."""
    assert judged(published, TODAY) is None
    with duckdb.connect(str(published / "marts.duckdb")) as con:
        con.execute(
            "CREATE OR REPLACE TABLE kpi_scorecard AS FROM (VALUES"
            " ('csat', 'all', 'week', DATE '2026-01-05', 'none', 0.01),"
            " ('csat', 'all', 'week', DATE '2026-01-12', 'run', 0.02),"
            " ('csat', 'all', 'month', DATE '2026-01-01', 'none', 0.03),"
            " ('ces', 'all', 'week', DATE '2025-11-17', 'run', 0.05),"
            " ('ces', 'all', 'month', DATE '2025-04-01', 'run', 0.05),"
            " ('csat', 'group', 'month', DATE '2026-01-01', 'none', 0.5),"
            " ('nps', 'all', 'week', DATE '2026-01-12', NULL, NULL)"
            ") AS s (kpi, dimension, period_grain, period_start, signal, false_signal_rate)"
        )
    assert judged(published, TODAY) == (2, pytest.approx(0.05))


def test_what_ended_long_ago_is_no_news(published: Path) -> None:
    """As in the report: within eight weeks or months."""
    with duckdb.connect(str(published / "marts.duckdb")) as con:
        con.execute(
            "CREATE OR REPLACE TABLE kpi_scorecard AS SELECT 'all' AS dimension, 1e0 AS value, 2e0 AS center,"
            " 1e0 AS lower_limit, 3e0 AS upper_limit, 'run' AS signal, 'lower' AS shift, * FROM (VALUES"
            " ('old', 'week', DATE '2025-11-17'), ('edge', 'week', DATE '2025-11-24'),"
            " ('old', 'month', DATE '2025-04-01'), ('edge', 'month', DATE '2025-05-01')"
            ") AS s (kpi, period_grain, period_start)"
        )
    assert [(shift.kpi, shift.grain) for shift in shifts(published, TODAY)] == [
        ("edge", "month"),
        ("edge", "week"),
    ]


def test_counts_are_whole_and_means_are_not() -> None:
    assert [show(56.0, "tickets"), show(2604.0, "tickets"), show(56.25, "tickets")] == ["56", "2,604", "56.2"]
    assert [show(56.0, "percent"), show(-3.0, "points"), show(2.0, "replies")] == ["56.0 %", "-3.0", "2.0"]


@pytest.fixture
def weeks(tmp_path: Path) -> Path:
    """Two whole weeks and one that is not over, of three KPIs."""
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute(
            "CREATE TABLE kpi_definitions AS FROM (VALUES ('csat', 'percent', 'higher'),"
            " ('reply', 'seconds', 'lower'), ('created', 'tickets', NULL)) AS d (kpi, unit, better)"
        )
        con.execute(
            "CREATE TABLE kpi_scorecard AS SELECT 'week' AS period_grain, NULL AS ci_low, NULL AS ci_high, *"
            " FROM (VALUES"
            " (DATE '2026-11-02', 'csat', 'all', 'all', NULL, 70e0, 50, NULL, 80e0, false, NULL, false),"
            " (DATE '2026-11-09', 'csat', 'all', 'all', NULL, 90e0, 60, 70e0, 80e0, false, true, false),"
            " (DATE '2026-11-09', 'csat', 'group', '7', 'Second', 50e0, 4, 60e0, NULL, true, NULL, false),"
            " (DATE '2026-11-09', 'reply', 'all', 'all', NULL, 9e0, 60, 5e0, NULL, false, true, false),"
            " (DATE '2026-11-09', 'created', 'all', 'all', NULL, 9e0, 60, 5e0, NULL, false, true, false),"
            " (DATE '2026-11-09', 'created', 'group', '7', NULL, 9e0, 60, 9e0, NULL, false, false, false),"
            " (DATE '2026-11-16', 'csat', 'all', 'all', NULL, 10e0, 60, 90e0, NULL, false, true, true)"
            ") AS s (period_start, kpi, dimension, member, member_label, value, n, previous_value, target,"
            " is_small_n, is_significant_change, is_partial_period)"
        )
    return tmp_path


def test_the_last_whole_period_says_what_became_of_each_figure(weeks: Path) -> None:
    """Better and worse by the KPI's direction; few answers say nothing; the week that runs is not shown."""
    shown = [
        (
            str(c.period_start),
            c.kpi,
            c.member_label or c.member,
            c.value,
            c.previous_value,
            c.target,
            c.verdict,
        )
        for c in of_period(weeks, "week", "group")
    ]
    assert shown == [
        ("2026-11-09", "created", "all", 9.0, 5.0, None, "higher"),
        ("2026-11-09", "created", "7", 9.0, 9.0, None, "unchanged"),
        ("2026-11-09", "csat", "all", 90.0, 70.0, 80.0, "better"),
        ("2026-11-09", "csat", "Second", 50.0, 60.0, None, "too few"),
        ("2026-11-09", "reply", "all", 9.0, 5.0, None, "worse"),
    ]
    assert [cell.kpi for cell in of_period(weeks, "week")] == ["created", "csat", "reply"]


def test_a_dimension_that_the_scorecard_lacks_is_named_with_those_it_has(weeks: Path) -> None:
    with pytest.raises(ScorecardError, match="no colour by week; there are group"):
        of_period(weeks, "week", "colour")
