"""Exports of ../shared/cases/surveys that came out wrong, from the file to the scorecard."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .warehouse import Warehouse

CASES = Path(__file__).parents[4] / "shared" / "cases" / "surveys"
BEGUN, CERTAIN = CASES / "first_period_not_whole", CASES / "significance_near_100"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs ../shared/cases")

TICKETS = """
file: tickets.csv
format: csv
entity: tickets
source: desk
mode: snapshot
id: id
columns: {created_at: created, status: status}
date_format: iso8601
"""


@pytest.fixture(scope="module")
def scorecard(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("cases")
    for case in (BEGUN, CERTAIN):
        for path in case.iterdir():
            shutil.copy(path, folder)
    (folder / "tickets.yml").write_text(TICKETS)
    warehouse = Warehouse(
        folder / "warehouse", rules={"kpi_targets.csv": (CERTAIN / "kpi_targets.csv").read_text()}
    )
    result = fetch(files.sources(folder), warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []
    warehouse.build("2026-03-01T12:00:00Z", select=["+kpi_scorecard"])
    return warehouse


def test_all_content_after_nearly_all_is_no_change_and_no_gap(scorecard: Warehouse) -> None:
    """CSAT 194 of 200, then 30 of 30; NPS 190 promoters and 10 passives, then 30 promoters; target 95."""
    rows = scorecard.query(
        "select kpi, cast(period_start as varchar), round(value, 1), n, is_significant_change, is_significant_corrected, is_significant_gap,"
        " ci_low < ci_high and ci_high - ci_low < 30 from marts.kpi_scorecard"
        " where dimension = 'source' and member = 'sig' and period_grain = 'month' and kpi in ('csat', 'nps') order by 1, 2"
    )
    assert rows == [
        ("csat", "2026-01-01", 97.0, 200, None, None, None, True),
        ("csat", "2026-02-01", 100.0, 30, False, False, None, True),
        ("nps", "2026-01-01", 95.0, 200, None, None, False, True),
        ("nps", "2026-02-01", 100.0, 30, False, False, False, True),
    ]


def test_a_history_that_begins_on_an_evening_has_limits_of_whole_weeks(scorecard: Warehouse) -> None:
    """Counted from the file by another route. Weeks after the export's end have none, and are not asked."""
    with (BEGUN / "tickets.csv").open() as file:
        days = [datetime.fromisoformat(row["created"]).date() for row in csv.DictReader(file)]
    weeks = Counter(day - timedelta(days=day.weekday()) for day in days)
    starts = sorted(weeks)[1:]
    whole = np.array([weeks[start] for start in starts])
    found: dict[date, tuple[float, ...]] = {
        start: tuple(rest)
        for start, *rest in scorecard.query(
            "select period_start, center, lower_limit, upper_limit from marts.kpi_scorecard where kpi = 'tickets_created'"
            " and dimension = 'all' and period_grain = 'week' and signal is not null"
        )
        if start in weeks
    }
    expected = {}
    for t in range(19, len(whole)):
        told = whole[max(0, t - 31) : t - 7]
        width = 2.66 * np.abs(np.diff(told)).mean()
        expected[starts[t]] = (told.mean(), told.mean() - width, told.mean() + width)
    assert found.keys() == expected.keys()
    for start, limits in found.items():
        assert limits == pytest.approx(expected[start], abs=1e-5)
