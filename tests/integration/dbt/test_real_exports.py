"""Real exports through mappings into the marts; the figures stand in ../shared/README.md, worked out there by other routes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .warehouse import Warehouse

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "sandbox" / "examples" / "servicenow"
MAPPINGS = ROOT / "tests" / "integration" / "files" / "mappings"
ALL = "period_grain = 'all' and dimension = 'all'"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The three exports in one warehouse, as one company would have them."""
    folder = tmp_path_factory.mktemp("exports")
    warehouse = Warehouse(folder)
    result = fetch([*files.sources(EXAMPLES), *files.sources(MAPPINGS)], warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []
    warehouse.build("2024-01-01T00:00:00Z")
    return warehouse


def test_servicenow_incidents(exports: Warehouse) -> None:
    assert exports.query("select count(*) from marts.tickets where source = 'servicenow'") == [(20769,)]
    [(n, median)] = exports.query(
        "select n, median_seconds / 3600 from marts.kpi_response_times where period_grain = 'all' and dimension = 'source' "
        "and member = 'servicenow' and measure = 'full_resolution' and clock = 'calendar'"
    )
    assert n == 19351
    assert round(median, 1) == 24.6


def test_servicenow_own_sla_flag(exports: Warehouse) -> None:
    [(attainment,)] = exports.query(
        "select attainment_pct from marts.kpi_sla_compliance where period_grain = 'all' and dimension = 'source' "
        "and member = 'servicenow' and metric = 'vendor'"
    )
    assert round(attainment, 2) == 60.64


def test_technical_support_targets_judged_by_their_times(exports: Warehouse) -> None:
    assert exports.query("select count(*) from marts.tickets where source = 'technical_support'") == [(1181,)]
    rows = exports.query(
        "select metric, outcome, ended_at is not null, count(*) from marts.sla_targets where source = 'technical_support' group by all"
    )
    assert {row[:3]: row[3] for row in rows} == {
        ("first_reply", "met", True): 1009,
        ("first_reply", "breached", True): 1176 - 1009,
        ("first_reply", "breached", False): 5,
        ("total_resolution", "met", True): 834,
        ("total_resolution", "breached", True): 950 - 834,
        ("total_resolution", "breached", False): 231,
    }


def test_technical_support_times_and_csat(exports: Warehouse) -> None:
    [(median,)] = exports.query(
        "select median_seconds / 60 from marts.kpi_response_times where period_grain = 'all' and dimension = 'source' "
        "and member = 'technical_support' and measure = 'first_reply' and clock = 'calendar'"
    )
    assert round(median, 3) == 5.667
    [(n, csat)] = exports.query(
        "select n, csat_pct from marts.kpi_csat where period_grain = 'all' and dimension = 'source' and member = 'technical_support'"
    )
    assert (n, round(csat, 4)) == (560, 55.7143)


def test_bank_nps_by_market(exports: Warehouse) -> None:
    rows = exports.query(
        "select member, n, nps from marts.kpi_nps where period_grain = 'all' "
        "and ((dimension = 'source' and member = 'nps_bank') or (dimension = 'segment' and member in ('MEX', 'UK', 'US')))"
    )
    assert {member: round(nps, 4) for member, _, nps in rows} == {
        "nps_bank": 12.8195,
        "MEX": 13.2121,
        "UK": 9.697,
        "US": 15.5828,
    }
    assert {member: n for member, n, _ in rows}["nps_bank"] == 2465
