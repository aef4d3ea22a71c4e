"""Ten small companies in one warehouse: what customers said of each agrees with its own truth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.extract import fetch
from ingestion.sources import typeform, zendesk
from sandbox.catalog import CSAT_FORM
from sandbox.server import Sandbox
from sandbox.truth import truth

from .warehouse import Warehouse

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SEEDS = range(101, 111)

Companies = tuple[Warehouse, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Companies:
    """The warehouse, and the truth by source. A company's helpdesk and forms are one source: ticket ids repeat."""
    warehouse = Warehouse(tmp_path_factory.mktemp("companies"), time_zone="America/New_York")
    expected = {}
    for seed in SEEDS:
        source = f"company_{seed}"
        with Sandbox(tickets=250, seed=seed, now=NOW) as sandbox:
            env = sandbox.env()
            login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
            for vendor in (
                zendesk.source(source, env["ZENDESK_URL"], **login),
                typeform.source(source, env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
            ):
                result = fetch([vendor], warehouse.landing)
                assert [each.error for each in result.streams if each.error] == []
            expected[source] = truth(sandbox.company)
    warehouse.build(NOW.isoformat())
    return warehouse, expected


def test_csat(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select source, survey, count(*), count(case when is_positive then 1 end) from marts.survey_answers "
        "where kind = 'csat' group by all"
    )
    names = {"helpdesk rating": "helpdesk"}
    assert {(source, names.get(survey, survey)): counts for source, survey, *counts in rows} == {
        (source, survey): [cell["n"], cell["positive"]]
        for source, truths in expected.items()
        for survey, cell in truths["csat"].items()
        if survey in ("helpdesk", CSAT_FORM) and cell["n"]
    }
    published = warehouse.query(
        "select member, n, csat_pct from marts.kpi_csat where period_grain = 'all' and dimension = 'source'"
    )
    assert {source: (n, value) for source, n, value in published} == {
        source: (truths["csat"]["all"]["n"], pytest.approx(truths["csat"]["all"]["csat_pct"]))
        for source, truths in expected.items()
    }


def test_nps_by_segment(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select source, coalesce(segment, '(none)'), count(case when nps_class = 'promoter' then 1 end), "
        "count(case when nps_class = 'passive' then 1 end), count(case when nps_class = 'detractor' then 1 end) "
        "from marts.survey_answers where kind = 'nps' group by all"
    )
    assert {(source, segment): counts for source, segment, *counts in rows} == {
        (source, segment): [cell["promoters"], cell["passives"], cell["detractors"]]
        for source, truths in expected.items()
        for segment, cell in truths["nps"].items()
        if segment != "all"
    }
    published = warehouse.query(
        "select member, n, nps from marts.kpi_nps where period_grain = 'all' and dimension = 'source'"
    )
    assert {source: (n, value) for source, n, value in published} == {
        source: (truths["nps"]["all"]["n"], pytest.approx(truths["nps"]["all"]["nps"]))
        for source, truths in expected.items()
    }


def test_ratings_of_the_helpdesks_surveys(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select source, score, count(*) from marts.survey_answers where survey = 'helpdesk rating' and scale_max = 5 group by all"
    )
    assert {(source, score): n for source, score, n in rows} == {
        (source, rating): n
        for source, truths in expected.items()
        for rating, n in truths["survey_ratings"].items()
    }


def test_what_was_sent_and_answered_by_month(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select source, strftime(sent_at at time zone 'UTC' at time zone 'America/New_York', '%Y-%m'), count(*), "
        "count(answered_at) from marts.survey_sends group by all"
    )
    assert {(source, month): (sent, answered) for source, month, sent, answered in rows} == {
        (source, month): (cell["sent"], cell["answered"])
        for source, truths in expected.items()
        for month, cell in truths["survey_sends"].items()
        if month != "all"
    }
    published = warehouse.query(
        "select strftime(period_start, '%Y-%m'), sent, answered from marts.kpi_survey_response "
        "where period_grain = 'month' and dimension = 'all' and sent > 0"
    )
    months = {month for truths in expected.values() for month in truths["survey_sends"] if month != "all"}
    assert {month: counts for month, *counts in published} == {
        month: [
            sum(truths["survey_sends"].get(month, {}).get(name, 0) for truths in expected.values())
            for name in ("sent", "answered")
        ]
        for month in months
    }


def test_the_companies_differ(companies: Companies) -> None:
    """Ten times the same company would prove little."""
    _, expected = companies
    assert len({truths["csat"]["all"]["csat_pct"] for truths in expected.values()}) == len(SEEDS)
