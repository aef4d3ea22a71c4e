"""The demo's company: what its story says is in what happened, and its rule files fit."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from sandbox import demo
from sandbox.catalog import ADMIN_ID, BAD, CLOSED, FOLLOWED_UP_TAG, NPS_FORM, SOLVED
from sandbox.demo.company import REGIONS, DemoCompany, improved_on
from sandbox.lifecycle import AGENT_REPLY, CREATE, Update
from sandbox.vendors.freshdesk import lists
from sandbox.vendors.freshdesk.records import REPLY, Records
from sandbox.vendors.zendesk import people

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
SEEDS = Path(demo.__file__).parents[2] / "dbt_project" / "seeds"


@pytest.fixture(scope="module")
def company() -> DemoCompany:
    return DemoCompany(7, 4000, NOW)


def lives(company: DemoCompany) -> list[list[Update]]:
    return [company.life(ticket, company.end) for ticket in range(len(company.created))]


def test_the_day_of_the_improvement_is_in_the_companys_zone() -> None:
    """Early on 1 January in UTC it is still December in New York: three months before is September."""
    assert improved_on(int(datetime(2027, 1, 1, 3, tzinfo=UTC).timestamp())).isoformat() == "2026-09-01"
    assert improved_on(int(datetime(2027, 1, 1, 6, tzinfo=UTC).timestamp())).isoformat() == "2026-10-01"


def test_new_tickets_are_answered_sooner_since(company: DemoCompany) -> None:
    waits: dict[bool, list[int]] = defaultdict(list)
    for life in lives(company):
        replies = [update.t for update in life[1:] if update.comment == AGENT_REPLY]
        if replies:
            waits[life[0].t >= company.improved].append(replies[0] - life[0].t)
    assert median(waits[True]) < median(waits[False]) / 2


def test_technical_questions_about_payroll_come_in_since(company: DemoCompany) -> None:
    is_about_it = (company.product == 1) & (company.area == 1)
    days = (company.first_now - company.shifted) / 86_400
    since = company.created[is_about_it & (company.created < company.first_now)] >= company.shifted
    per_day = since.sum() / days
    before = (~since).sum() / (765 - days)
    assert per_day > 4 * before


def test_whoever_looks_on_sees_something_happen(company: DemoCompany) -> None:
    """In every quarter of the hours after the first now a ticket comes in."""
    for start in range(company.first_now, company.first_now + 5 * 3600, 900):
        assert ((company.created >= start) & (company.created < start + 900)).any()


def test_unhappy_customers_are_called_after_they_answered_and_before_the_ticket_is_closed(
    company: DemoCompany,
) -> None:
    """Every call is one row, with the tag from there on; most of the unhappy are called."""
    unhappy = defaultdict(list)
    for answer in company.answers:
        if answer.form == NPS_FORM and answer.score is not None and answer.score < 7:
            unhappy[answer.ticket].append(answer.submitted)
    called = 0
    for life in lives(company):
        marks = [bool(update.tags & FOLLOWED_UP_TAG) for update in life]
        assert marks == sorted(marks)
        assert [update.t for update in life] == sorted(update.t for update in life)
        if any(marks):
            call, before = life[marks.index(True)], life[marks.index(True) - 1]
            assert (call.status, call.score) == (before.status, before.score) and call.status != CLOSED
            answered = [*unhappy[call.ticket], *(u.t for u in life if u.score == BAD)]
            assert not unhappy[call.ticket] or min(answered) < call.t
            called += call.ticket in unhappy and bool(unhappy[call.ticket])
    assert called > 0.7 * sum(map(bool, unhappy.values()))


def test_recommendations_are_asked_for_after_a_ticket(company: DemoCompany) -> None:
    found = [answer for answer in company.answers if answer.form == NPS_FORM and answer.ticket >= 0]
    assert len(found) > 300
    for answer in found:
        solved = next(
            update.t for update in company.life(answer.ticket, company.end) if update.status == SOLVED
        )
        assert (answer.sent, answer.customer) == (solved + 86_400, company.requester[answer.ticket])


def test_the_export_lacks_replies_of_the_web_form_alone(company: DemoCompany) -> None:
    told = set(company.event_rows.tolist())
    untold = (Update(*row) for place, row in enumerate(company.updates.tolist()) if place not in told)
    # Conversations in messages have no event of a reply anyway.
    lost = {
        update.ticket
        for update in untold
        if update.comment == AGENT_REPLY
        and update.kind != CREATE
        and company.facts[update.ticket].sessions is None
    }
    assert {company.facts[ticket].channel for ticket in lost} == {"web"}
    web = sum(facts.channel == "web" for facts in company.facts)
    assert 0.01 < len(lost) / web < 0.05


def test_what_a_program_says_is_no_agents_reply(company: DemoCompany) -> None:
    desk = Records(company)
    said = [each for ticket in range(len(company.created)) for each in desk.conversations(ticket)]
    by_programs = [each for each in said if each["user_id"] == ADMIN_ID and each["source"] == REPLY]
    assert by_programs and all(each["auto_response"] for each in by_programs)


def test_organizations_have_a_region_in_either_helpdesk(company: DemoCompany) -> None:
    desk = {record["id"]: record["custom_fields"]["region"] for record in lists.companies(company)}
    organizations = [people.organization(company, index)[1] for index in range(company.organizations)]
    assert {each["id"]: each["organization_fields"]["region"] for each in organizations} == desk
    assert set(desk.values()) == set(REGIONS)


def test_nobody_leaves_a_ticket_lying(company: DemoCompany) -> None:
    for life in lives(company):
        for before, update in pairwise(life):
            assert before.status >= SOLVED or update.t - before.t < 91 * 86_400


def test_its_rule_files_have_the_columns_of_those_that_ship(company: DemoCompany) -> None:
    for name, text in company.rules().items():
        head, *rows = csv.reader(io.StringIO(text))
        assert head == (SEEDS / name).read_text().splitlines()[0].split(",")
        assert rows and {len(row) for row in rows} == {len(head)}, name
    assert (
        "2026-08-01,New tickets are answered before old ones,sla_first_reply"
        in company.rules()["changes.csv"]
    )
    shipped = (SEEDS / "dimensions.csv").read_text()
    assert company.rules()["dimensions.csv"] == shipped + "region,,,,true\n"
    assert set((SEEDS / "benchmarks.csv").read_text().splitlines()) <= set(
        company.rules()["benchmarks.csv"].splitlines()
    )
