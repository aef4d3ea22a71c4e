"""The scorecard's lines, from the cards of the KPIs and a publication in miniature."""

from pathlib import Path

import duckdb
import pytest

from orchestration.commands.scorecard import Line, read

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
            f"CREATE TABLE kpi_nps AS SELECT {KEY}, * FROM (VALUES ('all', 'all', 4, 90e0, 20e0),"
            " ('segment', 'SMB', 3, -40e0, 80e0), ('channel', 'web', 4, 90e0, 20e0))"
            " AS n (dimension, member, n, nps, margin)"
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
    """NPS keeps within -100 and 100; a promise of which nothing is known has no line."""
    assert read(published) == [
        Line("CSAT", None, "percent", 0, None, None, None, None),
        Line("NPS", 90.0, "points", 4, 70.0, 100.0, 50.0, 40.0),
        Line("NPS, segment SMB", -40.0, "points", 3, -100.0, 40.0, 30.0, -70.0),
        Line("SLA met, next reply", 75.0, "percent", 4, 30.0, 95.0, None, None),
    ]
