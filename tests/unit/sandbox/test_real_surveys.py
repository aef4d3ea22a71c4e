"""The real company's forms over HTTP: what is asked, what comes back, and what is declared of it."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from sandbox.catalog import CSAT_FORM, NPS_FORM
from sandbox.lifecycle import SYSTEM
from sandbox.real import forms, survey_truth
from sandbox.real.company import RealCompany
from sandbox.real.forms import FACES_FORM
from sandbox.real.mailings import export
from sandbox.real.surveys import is_forgotten
from sandbox.server import RULES, Sandbox

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture
def company() -> RealCompany:
    return RealCompany(7, 900, NOW)


@pytest.fixture
def client(company: RealCompany) -> Iterator[httpx2.Client]:
    with Sandbox(company=company) as running:
        env = running.env()
        headers = {"Authorization": f"Bearer {env['TYPEFORM_TOKEN']}"}
        with httpx2.Client(base_url=env["TYPEFORM_URL"], headers=headers, timeout=5) as client:
            yield client


def responses(client: httpx2.Client, form: str, **parameters: Any) -> list[Record]:
    answer = client.get(f"/forms/{form}/responses", params={"page_size": 1000, **parameters}).json()
    assert answer["total_items"] == len(answer["items"])
    found: list[Record] = answer["items"]
    return found


def asked(client: httpx2.Client, form: str) -> set[str]:
    fields = client.get(f"/forms/{form}").json()["fields"]
    return {inner["id"] for field in fields for inner in field["properties"].get("fields", [field])}


def answered(client: httpx2.Client, form: str) -> set[str]:
    return {answer["field"]["id"] for response in responses(client, form) for answer in response["answers"]}


def test_same_seed_same_answers(company: RealCompany) -> None:
    again = RealCompany(7, 900, NOW)
    assert again.answers == company.answers
    assert again.mailings == company.mailings


def test_former_questions_are_answered_and_in_no_definition(
    company: RealCompany, client: httpx2.Client
) -> None:
    first = {form: client.get(f"/forms/{form}").json()["last_updated_at"] for form in (CSAT_FORM, NPS_FORM)}
    assert answered(client, CSAT_FORM) - asked(client, CSAT_FORM) == {
        forms.RATING_BEFORE.id, forms.EFFORT_BEFORE.id,
    }  # fmt: skip
    assert answered(client, NPS_FORM) - asked(client, NPS_FORM) == {forms.RECOMMEND_BEFORE.id}
    company.advance(days=4)
    assert forms.RECOMMEND.id not in asked(client, NPS_FORM)
    assert {forms.RECOMMEND.id, forms.RECOMMEND_AFTER.id} <= answered(client, NPS_FORM)
    for form, before in first.items():
        assert client.get(f"/forms/{form}").json()["last_updated_at"] > before


def test_a_choice_has_a_label_in_every_language(company: RealCompany, client: httpx2.Client) -> None:
    company.advance(days=25)
    labels = defaultdict(set)
    for response in responses(client, FACES_FORM):
        for answer in response["answers"]:
            if answer["type"] == "choice":
                labels[answer["choice"]["id"]].add(answer["choice"]["label"])
    assert labels[forms.HAPPY.id] == {"Happy", "Very happy", "Zufrieden", "Content"}
    assert len(labels[forms.NO_FACE.id]) > 1
    [choices] = [
        [choice["label"] for choice in field["properties"]["choices"]]
        for field in client.get(f"/forms/{FACES_FORM}").json()["fields"]
        if field["id"] == forms.FACE.id
    ]
    assert choices == ["Unhappy", "So-so", "Very happy", "No opinion"]


def test_links_that_were_not_filled_in(company: RealCompany, client: httpx2.Client) -> None:
    hidden = [response["hidden"] for response in responses(client, CSAT_FORM)]
    named = [values["ticket_id"] for values in hidden]
    assert {"{{ticket.id}}", "xxxxx", ""} < set(named)
    assert (
        1 <= sum(name.isdigit() and int(name) > company.ticket_count() for name in named) < 0.03 * len(named)
    )
    assert {"{{ticket.requester.id}}", "xxxxx"} < {values["customer_id"] for values in hidden}


def test_responses_of_who_asked_for_it_are_deleted(company: RealCompany, client: httpx2.Client) -> None:
    company.advance(days=2, hours=1)
    before = {response["token"]: response for response in responses(client, NPS_FORM)}
    company.advance(days=0, hours=2)
    after = {response["token"] for response in responses(client, NPS_FORM)}
    gone = before.keys() - after
    customers = {int(before[token]["hidden"]["customer_id"]) for token in gone}
    assert len(gone) > 5
    assert all(is_forgotten((customer - 28_835_750_000_000) // 128) for customer in customers)
    some = [*gone][:3] + [*after][:2]
    alive = responses(client, NPS_FORM, included_response_ids=",".join(some))
    assert {response["token"] for response in alive} == {*some} & after


def test_what_counts_is_declared_and_nothing_else() -> None:
    declared = {}
    for name in ("questions", "surveys"):
        with (RULES / f"{name}.csv").open(newline="") as file:
            declared[name] = list(csv.DictReader(file))
    left = {row["survey"] for row in declared["surveys"] if row["is_taken"] == "false"}
    rules = {(row["survey"], row["question_id"]): row["kind"] for row in declared["questions"]}
    for question in forms.QUESTIONS:
        kinds = {rules.get((question.form, name)) for name in (question.id, question.ref)} - {None}
        counts = question not in survey_truth.UNDECLARED and question.form != forms.MAILED
        assert bool(kinds) == (counts and question.type != "nps") or question is forms.RECOMMEND
        assert (question.form in left) == (survey_truth.UNDECLARED.get(question) == "form left out")


def test_nobody_holds_some_tickets_when_their_customers_answer(company: RealCompany) -> None:
    found = survey_truth.judged(company, survey_truth.served(company))
    held = [(one.answer, survey_truth.holder(company, one.answer)) for one in found if one.answer.ticket >= 0]
    unheld = [(answer, group) for answer, (agent, group) in held if agent is None]
    later = [
        answer for answer, _ in unheld
        if [u for u in company.life(answer.ticket) if u.kind != SYSTEM][-1].assignee >= 0
    ]  # fmt: skip
    assert len(later) > 5
    assert {group is None for _, group in unheld} == {True, False}


def test_the_mailer_exports_what_it_sent_by_now(company: RealCompany, tmp_path: Any) -> None:
    export(company, company.mailings, tmp_path)
    with (tmp_path / "mails.csv").open(newline="") as file:
        mails = list(csv.DictReader(file))
    sends = survey_truth.sends(company)["all"]
    assert len(mails) == sends["sent"] + sends["reminders"]
    assert max(mail["Sent"] for mail in mails) <= NOW.isoformat()
    company.advance(days=3)
    assert survey_truth.sends(company)["all"]["sent"] > sends["sent"]
    assert company.now - NOW == timedelta(days=3)
