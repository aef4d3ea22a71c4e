"""The marts agree with the real company's truth on its surveys, which have the faces of those of real accounts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.extract import fetch, refetch
from ingestion.sources import files, typeform
from sandbox import truth as plain
from sandbox.lifecycle import Update
from sandbox.real import forms, survey_truth
from sandbox.real.company import RealCompany
from sandbox.real.mailings import export
from sandbox.real.survey_truth import Judged
from sandbox.server import Sandbox
from sandbox.surveys import Answer
from sandbox.vendors.typeform.api import token

from .conftest import fetch_sandbox
from .warehouse import Warehouse

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
#: Questions were replaced and reworded since, and responses deleted.
LATER = NOW + timedelta(days=4)
MARTS = (
    "+kpi_ces", "+kpi_csat", "+kpi_follow_up", "+kpi_nps", "+kpi_survey_response", "+survey_answers_left_out",
    "+survey_balance", "+unmapped_questions",
)  # fmt: skip
ALL = "period_grain = 'all' and dimension in ('all', '{}')"


@dataclass
class Told:
    """What the marts say, and what is right of the responses that should be in them."""

    warehouse: Warehouse
    company: RealCompany
    helpdesk: list[tuple[bool, Update]]
    found: list[Judged]

    def cells(
        self, kpi: str, dimension: str, numbers: str, where: str = "true"
    ) -> dict[str, tuple[int, ...]]:
        rows = self.warehouse.query(
            f"select case when dimension = 'all' then 'all' else member end, {numbers} from marts.{kpi} "
            f"where {ALL.format(dimension)} and {where}"
        )
        return {member: tuple(values) for member, *values in rows}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Fetched on two nights, the later one without reading again what had landed: what was deleted still counts."""
    folder = tmp_path_factory.mktemp("surveys")
    warehouse = Warehouse(folder / "warehouse", time_zone="America/New_York")
    company = RealCompany(7, 1500, NOW)
    landed: dict[tuple[str, int], Answer] = {}
    with Sandbox(company=company) as sandbox:
        for moment in (NOW, LATER):
            company.at(moment)
            fetch_sandbox(sandbox, warehouse.landing)
            landed |= {(answer.form, answer.number): answer for answer in survey_truth.served(company)}
    export(company, company.mailings, folder / "mailer")
    result = fetch(files.sources(folder / "mailer"), warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []
    warehouse.build(LATER.isoformat(), select=MARTS)
    counted = [ticket for ticket in plain.tickets(company) if ticket.excluded is None]
    found = survey_truth.judged(company, [*landed.values(), *survey_truth.mailed(company)])
    return Told(warehouse, company, survey_truth.ratings(company, counted), found)


def test_csat_by_survey(told: Told) -> None:
    """Faces in any language, a former question, no permission, no answer of the staff."""
    right = survey_truth.csat(told.found, told.helpdesk)
    found = told.cells("kpi_csat", "survey", "n, positive")
    assert found == {survey.replace("helpdesk", "helpdesk rating"): cell for survey, cell in right.items()}
    asked = Counter(one.question.id for one in survey_truth.counting(told.found, "csat"))
    assert (
        min(asked[q.id] for q in (forms.RATING_BEFORE, forms.RATING, forms.FACE, forms.SPEED, forms.STARS))
        > 50
    )


@pytest.mark.parametrize("dimension", ["agent", "group"])
def test_csat_by_who_held_the_ticket_then(told: Told, dimension: str) -> None:
    right = survey_truth.csat_by_holder(told.company, told.found, told.helpdesk)[dimension]
    found = told.cells("kpi_csat", dimension, "n, positive", "dimension <> 'all'")
    assert found == right
    assert right["(none)"][0] > 50


def test_nps_by_segment(told: Told) -> None:
    """Of a question that was replaced twice, once before anybody fetched the form."""
    assert told.cells("kpi_nps", "segment", "n, promoters, detractors") == survey_truth.nps(
        told.company, told.found
    )
    asked = Counter(one.question.id for one in survey_truth.counting(told.found, "nps"))
    assert len(asked) == 3


def test_ces_of_a_number_in_a_group(told: Told) -> None:
    easy = [one.is_good for one in survey_truth.counting(told.found, "ces")]
    assert told.cells("kpi_ces", "survey", "n, easy")["all"] == (len(easy), sum(easy))


def test_answers_that_count_for_nothing(told: Told) -> None:
    rows = told.warehouse.query(
        "select survey, left_out, count(*) from marts.survey_answers_left_out "
        "where survey <> 'helpdesk rating' group by all"
    )
    right = survey_truth.left_out(told.found)
    assert {(survey, reason): n for survey, reason, n in rows} == right
    assert {reason for _, reason in right} == {
        "form left out", "label not scored", "not declared", "off scale", "question not in the definition", "superseded",
    }  # fmt: skip


def test_answers_about_tickets_that_nobody_knows(told: Told) -> None:
    """Each counts by itself."""
    rows = told.warehouse.query(
        "select response_id, question_id, is_ticket_known from marts.survey_answers where is_ticket_known = false"
    )
    unknown = [one for one in told.found if one.left_out is None and one.answer.names]
    assert {row[:2] for row in rows} == {(token(one.answer), one.question.id) for one in unknown}
    assert {one.answer.names for one in unknown} >= {"{{ticket.id}}", "xxxxx"}
    rows = told.warehouse.query(
        "select survey, naming_an_unknown_ticket from marts.survey_balance where naming_an_unknown_ticket > 0"
    )
    assert dict(rows) == survey_truth.unknown_tickets(told.found)


def test_who_should_hear_from_us(told: Told) -> None:
    rows = told.warehouse.query(
        f"select kind, flagged, unreachable from marts.kpi_follow_up where {ALL.format('all')}"
    )
    right = survey_truth.follow_ups(told.found, told.helpdesk)
    assert {kind: tuple(numbers) for kind, *numbers in rows} == right
    assert right["csat"][1] > 0


def test_a_reminder_is_no_second_survey(told: Told) -> None:
    rows = told.warehouse.query(
        "select coalesce(strftime(period_start, '%Y-%m'), 'all'), sent, bounced, answered from marts.kpi_survey_response "
        f"where period_grain in ('month', 'all') and dimension = 'survey' and member = '{forms.MAILED}'"
    )
    right = survey_truth.sends(told.company)
    names = ("sent", "bounced", "answered")
    assert {month: tuple(numbers) for month, *numbers in rows} == {
        month: tuple(counts[name] for name in names) for month, counts in right.items()
    }
    [(reminders,)] = told.warehouse.query(
        f"select sum(reminders) from marts.survey_sends where survey = '{forms.MAILED}'"
    )
    assert reminders == right["all"]["reminders"] > 100


def test_deleted_responses_leave_when_all_is_read_again(told: Told, tmp_path: Path) -> None:
    """`cxmarts refetch typeform/responses` and the next refresh; until then they counted."""
    answers = [*survey_truth.served(told.company), *survey_truth.mailed(told.company)]
    found = survey_truth.judged(told.company, answers)
    before, right = (survey_truth.nps(told.company, ones)["all"] for ones in (told.found, found))
    assert before[0] - right[0] > 5
    warehouse = told.warehouse.copy(tmp_path / "warehouse")
    with Sandbox(company=told.company) as sandbox:
        env = sandbox.env()
        forms_of = typeform.source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"])
        refetch(warehouse.landing, forms_of, "responses")
        result = fetch([forms_of], warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []
    warehouse.build(LATER.isoformat(), select=MARTS)
    after = Told(warehouse, told.company, told.helpdesk, found)
    test_csat_by_survey(after)
    test_csat_by_who_held_the_ticket_then(after, "agent")
    test_nps_by_segment(after)
    test_who_should_hear_from_us(after)
    [(deleted,)] = warehouse.query(
        "select count(distinct response_id) from marts.survey_answers_left_out where left_out = 'deleted'"
    )
    assert deleted == len({(one.answer.form, one.answer.number) for one in told.found}) - len(
        {(one.answer.form, one.answer.number) for one in found}
    )
