"""Ten small companies in one warehouse: what customers said and lived through of each agrees with its own truth."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.extract import fetch
from ingestion.sources import typeform, zendesk
from sandbox import journeys
from sandbox.catalog import CSAT_FORM
from sandbox.server import Sandbox
from sandbox.truth import truth

from .warehouse import Warehouse

pytestmark = pytest.mark.campaign

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SEEDS = range(101, 111)
MARTS = (
    "+experience",
    "+kpi_csat",
    "+kpi_effort",
    "+kpi_first_contact",
    "+kpi_nps",
    "+kpi_retention",
    "+kpi_survey_response",
    "+kpi_team",
    "+follow_ups",
)

Companies = tuple[Warehouse, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Companies:
    """The warehouse, and the truth by source. A company's helpdesk and forms are one source: ticket ids repeat."""
    warehouse = Warehouse(tmp_path_factory.mktemp("companies"), time_zone="America/New_York")
    expected = {}
    for seed in SEEDS:
        source = f"company_{seed}"
        with Sandbox(tickets=250, seed=seed, now=NOW, profile="clean") as sandbox:
            env = sandbox.env()
            login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
            for vendor in (
                zendesk.source(source, env["ZENDESK_URL"], **login),
                typeform.source(source, env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
            ):
                result = fetch([vendor], warehouse.landing)
                assert [each.error for each in result.streams if each.error] == []
            found = journeys.journeys(sandbox.company)
            expected[source] = truth(sandbox.company) | {
                "first_contact": journeys.first_contact(found),
                "effort": journeys.effort(found),
                "experience": journeys.experiences(sandbox.company, found),
                "follow_ups": journeys.follow_ups(sandbox.company, found, 48 * 3600, 90 * 86_400),
                "team": journeys.team(found, sandbox.company.team.ids),
                "comebacks": journeys.comebacks(sandbox.company, found, 90),
            }
    warehouse.build(NOW.isoformat(), select=MARTS)
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


def test_first_contact_and_effort(companies: Companies) -> None:
    """By source: customers' and tickets' ids repeat from company to company."""
    warehouse, expected = companies
    where = "where period_grain = 'all' and dimension = 'source'"
    rows = warehouse.query(
        f"select member, convention, numerator, denominator, immature from marts.kpi_first_contact {where}"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        (source, convention): counts
        for source, truths in expected.items()
        for convention, counts in truths["first_contact"].items()
    }
    names = ("n", "affected", "total", "median_per_ticket", "p90_per_ticket")
    rows = warehouse.query(f"select member, measure, {', '.join(names)} from marts.kpi_effort {where}")
    assert {row[:2]: dict(zip(names, row[2:], strict=True)) for row in rows} == {
        (source, measure): pytest.approx(numbers)
        for source, truths in expected.items()
        for measure, numbers in truths["effort"].items()
    }


def test_experience_behind_each_answer(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select source, ticket_id, points = 100, reopens, group_hops, first_reply_seconds::bigint, "
        f"resolution_seconds::bigint from marts.experience where survey = '{CSAT_FORM}'"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        (source, ticket): experience
        for source, truths in expected.items()
        for ticket, experience in truths["experience"].items()
    }


def test_what_was_done_about_bad_ratings(companies: Companies) -> None:
    warehouse, expected = companies
    rows = warehouse.query(
        "select f.source, f.ticket_id, f.score::integer, epoch(f.flagged_at)::bigint, "
        "epoch(f.contacted_at)::bigint, f.outcome from marts.follow_ups as f "
        f"inner join marts.tickets as t on f.source = t.source and f.ticket_id = t.ticket_id where survey = '{CSAT_FORM}'"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        (source, ticket): done
        for source, truths in expected.items()
        for ticket, done in truths["follow_ups"].items()
    }


def test_what_groups_and_agents_did(companies: Companies) -> None:
    """Of all companies together: groups and agents have the same ids in each."""
    warehouse, expected = companies
    rows = warehouse.query(
        "select period_start, dimension, member, solved, reopened, replies from marts.kpi_team "
        "where period_grain = 'month' and dimension <> 'all' and solved + replies > 0"
    )
    together: dict[Any, Counter[str]] = {}
    for truths in expected.values():
        for key, counts in truths["team"].items():
            together.setdefault(key, Counter()).update(counts)
    assert {row[:3]: row[3:] for row in rows} == {
        key: (counts["solved"], counts["reopened"], counts["replies"]) for key, counts in together.items()
    }


def test_who_came_back(companies: Companies) -> None:
    """Of all companies together: a customer's id stands for one person in each."""
    warehouse, expected = companies
    rows = warehouse.query(
        "select factor, exposure, n, retained from marts.kpi_retention where window_days = 90 "
        "and unit = 'customer' and outcome = 'came_back' and factor in ('reopened', 'contacts')"
    )
    together: dict[Any, list[int]] = {}
    for truths in expected.values():
        for key, counts in truths["comebacks"].items():
            together[key] = [a + b for a, b in zip(together.get(key, [0, 0]), counts, strict=True)]
    assert {row[:2]: list(row[2:]) for row in rows} == together
