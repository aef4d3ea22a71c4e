"""Real exports through mappings into the marts; the figures stand in ../shared/README.md, worked out there by other routes."""

from __future__ import annotations

import csv
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
    """All exports in one warehouse, as one company would have them."""
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


def test_helpdesk_log_as_exported(exports: Warehouse) -> None:
    """No column tells the creation: it is the first event. Taking in charge is the first assignment."""
    [(n, resolved, first_resolve, assigned, taken)] = exports.query(
        "select count(*), count(first_resolution_seconds), median(first_resolution_seconds) / 86400, "
        "count(first_assignment_seconds), median(first_assignment_seconds) / 3600 "
        "from marts.tickets where source = 'helpdesk_italian'"
    )
    assert (n, resolved, round(first_resolve, 4)) == (2290, 2282, 6.0125)
    assert (assigned, round(taken, 4)) == (2139, 17.7039)
    [(duration,)] = exports.query(
        "select median(epoch(last_at - created_at)) / 86400 from marts.tickets inner join ("
        "select ticket_id, max(event_at) as last_at from staging.stg_files__ticket_events "
        "where source = 'helpdesk_italian' group by 1) using (ticket_id)"
    )
    assert round(duration, 4) == 39.9881


def test_problem_log_as_exported(exports: Warehouse) -> None:
    """Medians of the first and the last closing since the first event, counted in plain Python."""
    [(n, first, last)] = exports.query(
        "select count(last_solved_at), median(first_resolution_seconds) / 86400, "
        "median(full_resolution_seconds) / 86400 from marts.tickets where source = 'volvo_problems'"
    )
    assert (n, round(first, 4), round(last, 4)) == (1487, 79.9746, 81.9805)


def test_technical_support_targets_judged_by_their_times(exports: Warehouse) -> None:
    """Two first responses lie before the creation of their ticket: such a target is neither met nor breached."""
    assert exports.query("select count(*) from marts.tickets where source = 'technical_support'") == [(1181,)]
    rows = exports.query(
        "select metric, outcome, ended_at is not null, count(*) from marts.sla_targets where source = 'technical_support' group by all"
    )
    assert {row[:3]: row[3] for row in rows} == {
        ("first_reply", "met", True): 1007,
        ("first_reply", "unknown", False): 2,
        ("first_reply", "breached", True): 1176 - 1009,
        ("first_reply", "breached", False): 5,
        ("total_resolution", "met", True): 834,
        ("total_resolution", "breached", True): 950 - 834,
        ("total_resolution", "breached", False): 231,
    }


def test_technical_support_times_and_csat(exports: Warehouse) -> None:
    [(n, median)] = exports.query(
        "select n, median_seconds / 60 from marts.kpi_response_times where period_grain = 'all' and dimension = 'source' "
        "and member = 'technical_support' and measure = 'first_reply' and clock = 'calendar'"
    )
    assert (n, round(median, 4)) == (1174, 5.683)
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


def test_worked_case_of_nps(exports: Warehouse) -> None:
    """The classes that the case's own answer gives each of its customers, by country."""
    with (DATA / "worked_cases" / "preppin_050" / "expected" / "output_01.csv").open(
        encoding="utf-8-sig"
    ) as file:
        answers = list(csv.DictReader(file))
    published = {
        country: tuple(
            sum(each["Country"] == country and each[name] == "1" for each in answers)
            for name in ("Promoter", "Passive", "Detractor")
        )
        for country in {each["Country"] for each in answers}
    }
    assert len(published) == 4
    rows = exports.query(
        "select segment, count(case when nps_class = 'promoter' then 1 end), count(case when nps_class = 'passive' then 1 end), "
        "count(case when nps_class = 'detractor' then 1 end) from marts.survey_answers where source = 'preppin_050' group by 1"
    )
    assert {country: tuple(counts) for country, *counts in rows} == published
    [(n, nps)] = exports.query(
        "select n, nps from marts.kpi_nps where period_grain = 'all' and dimension = 'segment' and member = 'England'"
    )
    assert (n, nps) == (16, -25)


def test_satisfaction_on_a_scale_with_labelled_ends(exports: Warehouse) -> None:
    """Answers without a date count for all time; 75 of 219 said 8 or more, 5 of them by the label."""
    [(n, positive)] = exports.query(
        "select n, positive from marts.kpi_csat where period_grain = 'all' and dimension = 'source' and member = 'limesurvey'"
    )
    assert (n, positive) == (219, 75)
    assert exports.query(
        "select count(*) from marts.survey_answers where original_answer = '10 - Completely satisfied' and score = 10"
    ) == [(5,)]


@pytest.mark.parametrize(
    ("source", "question", "counts"),
    [
        ("surveymonkey_weather", "surveymonkey_weather", {1: 208, 2: 73, 3: 274, 4: 362}),
        ("surveymonkey_comma", "surveymonkey_comma", {1: 5, 2: 7, 3: 26, 4: 333, 5: 688}),
        ("limesurvey", "rse3", {0: 7, 1: 34, 2: 31, 3: 38, 4: 60, 5: 76}),
    ],
)
def test_other_ratings_as_a_distribution(
    exports: Warehouse, source: str, question: str, counts: dict[int, int]
) -> None:
    """Counted in the exports with a few lines of plain Python."""
    rows = exports.query(
        f"select score, n, answers from marts.kpi_distribution where {ALL} and source = '{source}' and question_id = '{question}'"
    )
    assert {score: n for score, n, _ in rows} == counts
    assert {answers for *_, answers in rows} == {sum(counts.values())}
