"""Why ratings are bad, as customers chose it, and answers to questions that a form no longer has."""

from __future__ import annotations

from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import Account, Record, status

SLOW, WRONG = "The issue took too long to resolve", "The issue was not resolved"
MARTS = ("+kpi_distribution", "+kpi_nps", "+metric_members", "+unmapped_questions")


def chosen(*options: str) -> list[Record]:
    """The answer to the survey's closed question."""
    return [
        {
            "type": "closed_ended",
            "question": {"id": "Q2", "type": "closed_ended"},
            "selections": [{"option_id": option, "type": "predefined"} for option in options],
            "created_at": "2024-06-05T10:00:00Z",
            "updated_at": "2024-06-05T10:00:00Z",
        }
    ]


def rated() -> Account:
    account = Account("acme")
    for ticket in range(1, 9):
        account.ticket(
            ticket, "2024-06-04T10:00", status("2024-06-04T12:00", "solved"), requester_id=20 + ticket
        )
    at = "2024-06-05T10:00"
    account.rating(1, "bad", at, reason=SLOW, reason_id=7)
    account.rating(2, "bad_with_comment", at, reason=SLOW, reason_id=7, comment="He was rude")
    account.rating(3, "bad", at, reason="No reason provided", reason_id=6)
    account.rating(4, "bad", at, reason="Keine Angabe", reason_id=6, reason_code=0)
    account.rating(5, "good", at, reason=None, reason_id=None)

    # The surveys that took the place of ratings: 6 and 7 are bad, 8 was and is good now.
    account.survey(range(1, 6))
    account.streams["surveys"][-1]["questions"].append(
        {
            "id": "Q2",
            "type": "closed_ended",
            "headline": {"type": "static", "value": "Why?"},
            "options": [
                {"id": "O1", "label": {"type": "static", "value": SLOW}},
                {"id": "O2", "label": {"type": "static", "value": WRONG}},
            ],
        }
    )
    account.survey_response(6, "2024-06-05T09:00", 2, at)["answers"] += chosen("O2")
    account.survey_response(7, "2024-06-05T09:00", 1, at)
    account.survey_response(8, "2024-06-05T09:00", 5, at)["answers"] += chosen("O1")
    return account


def answer(number: int, field: Record, value: float, at: str = "2024-06-10T12:00:00Z") -> Record:
    return {
        "_record_id": f"loyal/r{number}",
        "response_id": f"r{number}",
        "submitted_at": at,
        "hidden": {},
        "answers": [{"field": field, "type": "number", "number": value}],
    }


def land_forms(warehouse: Warehouse) -> None:
    """`new` since June 1, before it `edited`; `old` was replaced before the form was first fetched."""

    def version(at: str, name: str) -> Record:
        question = {
            "id": name,
            "ref": f"{name}_ref",
            "title": "Would you recommend us?",
            "type": "nps",
            "properties": {},
        }
        return {"id": "loyal", "title": "Loyalty", "fields": [question], "last_updated_at": at}

    warehouse.land(
        "typeform", "forms", [version("2024-05-01T00:00:00Z", "edited")], changed="last_updated_at"
    )
    warehouse.land("typeform", "forms", [version("2024-06-01T00:00:00Z", "new")], changed="last_updated_at")
    answers = [
        answer(1, {"id": "new", "type": "nps"}, 9),
        # Begun before the question was replaced, sent after.
        answer(2, {"id": "edited", "type": "nps"}, 10, "2024-06-01T00:10:00Z"),
        answer(3, {"id": "old", "type": "nps", "ref": "old_ref"}, 10, "2024-04-10T12:00:00Z"),
        answer(4, {"id": "old", "type": "nps", "ref": "old_ref"}, 3, "2024-04-11T12:00:00Z"),
        answer(5, {"id": "older", "type": "opinion_scale", "ref": "older_ref"}, 4, "2024-04-12T12:00:00Z"),
        answer(6, {"id": "oldest", "type": "number", "ref": "oldest_ref"}, 44, "2024-04-12T12:00:00Z"),
    ]
    warehouse.land("typeform", "responses", answers, changed="submitted_at")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("reasons"))
    rated().land(warehouse)
    land_forms(warehouse)
    warehouse.build("2024-06-30T00:00:00Z", select=MARTS)
    return warehouse


def test_a_bad_rating_says_why_and_no_other(built: Warehouse) -> None:
    assert built.query(
        "select ticket_id, is_positive, reason from marts.survey_answers where source = 'acme' order by ticket_id"
    ) == [
        ("1", False, SLOW),
        ("2", False, SLOW),
        ("3", False, None),
        ("4", False, None),
        ("5", True, None),
        ("6", False, WRONG),
        ("7", False, None),
        ("8", True, None),
    ]


def test_bad_ratings_are_counted_by_reason_with_those_that_gave_none(built: Warehouse) -> None:
    """Of four by the helpdesk's old way two were slow; each cell opens."""
    cells: list[tuple[Any, ...]] = built.query(
        """select question_id, member, sum(n), max(answers), sum(share_pct) from marts.kpi_distribution
        where dimension = 'reason' and period_grain = 'all' group by 1, 2 order by 1, 2"""
    )
    assert cells == [
        ("Q1", "(none)", 1, 2, 50),
        ("Q1", WRONG, 1, 2, 50),
        ("rating", "(none)", 2, 4, 50),
        ("rating", SLOW, 2, 4, 50),
    ]
    opened = built.query(
        f"""select ticket_id from marts.metric_members
        where kpi = 'kpi_distribution' and list_contains(own_dimensions, 'reason={SLOW}') order by 1"""
    )
    assert opened == [("1",), ("2",)]


def test_answers_to_a_replaced_question_count_or_are_listed(built: Warehouse) -> None:
    """NPS is 0 to 10 by definition; of another scale nobody knows the ends; a number is no rating."""
    assert built.query(
        "select response_id, kind, nps_class, scale_max from marts.survey_answers where source = 'typeform' order by 1"
    ) == [
        ("r1", "nps", "promoter", 10),
        ("r2", "nps", "promoter", 10),
        ("r3", "nps", "promoter", 10),
        ("r4", "nps", "detractor", 10),
    ]
    assert built.query("select survey, question_id, answers from marts.unmapped_questions") == [
        ("loyal", "older", 1)
    ]
