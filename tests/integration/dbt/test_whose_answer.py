"""Whose answer it is, which question it is to, and that none vanishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from .warehouse import Warehouse, questions
from .zendesk_records import AGENT, OTHER_AGENT, Account, change, comment, status, utc

AS_OF = "2024-06-30T12:00:00Z"
MARTS = ("+survey_answers", "+survey_answers_left_out", "+survey_balance", "+unmapped_questions", "+kpi_csat", "+kpi_nps",
         "+follow_ups", "+survey_sends", "+kpi_survey_response")  # fmt: skip
RULES = {
    "questions.csv": questions(
        "typeform,words,mood,csat,0,1,1",
        "typeform,numbers,typed,csat,0,10,8",
        "typeform,deep,inner,csat,1,5,4",
        "asked,consent,c1,csat",
        "scaled,vague,stars,csat,1,5",
        "asked,vague,stars,csat",
        "typeform,dirty,said,csat,1,5,4",
        "typeform,dirty,agreed,csat",
        "typeform,rescaled,score,nps",
        "*,faces,face,csat",
    ),
    "hidden_fields.csv": (
        "source,survey,hidden_field,attribute\n"
        "typeform,named,Ticket-No,ticket_id\n*,named,kunde,customer_id\n*,,tier,segment\n*,,Ticket_ID,ticket_id\n"
    ),
    "surveys.csv": "source,survey,is_taken\nstaff,,false\nstaff,vague,true\n",
    "answer_scores.csv": (
        "source,survey,question_id,answer,score\ntypeform,words,mood,Good,1\ntypeform,words,mood,no-good,0\n"
        "twofaces,faces,face,bad,0\ntwofaces,faces,face,good,1\n"
        "fivefaces,faces,face,bad,1\nfivefaces,faces,face,good,5\n"
    ),
}


def form(name: str, *fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "title": name, "last_updated_at": utc("2024-01-01T00:00"), "fields": list(fields)}


def field(name: str, kind: str, **properties: Any) -> dict[str, Any]:
    return {"id": name, "ref": f"{name}_ref", "title": name, "type": kind, "properties": properties}


def response(
    form_id: str,
    number: int | str,
    answers: Iterable[Mapping[str, Any]],
    at: str = "2024-06-10T10:00",
    **more: Any,
) -> dict[str, Any]:
    return {
        "_record_id": f"{form_id}/{number}",
        "response_id": f"{form_id}-{number}",
        "submitted_at": utc(at),
        "answers": list(answers),
        **more,
    }


def said(question: str, value: float, kind: str | None = None) -> dict[str, Any]:
    return {"field": {"id": question, "type": kind}, "type": "number", "number": value}


def chose(question: str, **choice: str) -> dict[str, Any]:
    return {"field": {"id": question}, "type": "choice", "choice": choice}


def filed(
    warehouse: Warehouse, stream: str, source: str, rows: Iterable[Mapping[str, Any]], **about: Any
) -> None:
    """Rows of an exported file, as its mapping lands them."""
    records = [
        {
            "_record_id": str(row.get("response_id") or row.get("invitation_id") or row.get("ticket_id")),
            "values": row,
            "errors": [],
            "reject": None,
            "mapping": {"name": source, "ticket": False, "declares": [], **about},
            "raw": {},
        }
        for row in rows
    ]
    warehouse.land("files", stream, records, source=source, changed=None)


def answers_of_file(warehouse: Warehouse, source: str, kind: str, rows: Iterable[Mapping[str, Any]]) -> None:
    scale = (0, 10) if kind == "nps" else (1, 5)
    question = {"kind": kind, "id": "q", "survey": source, "scale_min": scale[0], "scale_max": scale[1]}
    filed(warehouse, "survey_answers", source, rows, question=question)


def tickets_of_file(warehouse: Warehouse, source: str, **more: str) -> None:
    row = {"ticket_id": "77", "created_at": "2024-06-01T08:00:00Z", "status": "solved", **more}
    filed(warehouse, "tickets", source, [row])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("whose"), rules=RULES)
    held_by_nobody(warehouse)
    words_and_numbers(warehouse)
    placeholders(warehouse)
    two_accounts(warehouse)
    at_one_instant(warehouse)
    invitations(warehouse)
    days_and_addresses(warehouse)
    hidden_fields(warehouse)
    undeclared(warehouse)
    dirty(warehouse)
    warehouse.build(AS_OF, select=MARTS)
    return warehouse


def held_by_nobody(warehouse: Warehouse) -> None:
    """Solved, unassigned, answered on 4 June at 13:00; on 7 June another agent and group take the tickets."""
    desk = Account("desk")
    for agent in (AGENT, OTHER_AGENT):
        desk.user(agent, "agent")
    for ticket in (1, 2, 3):
        desk.user(100 + ticket, "end-user")
        held = ticket != 3
        desk.ticket(
            ticket,
            "2024-06-04T10:00",
            *([change("2024-06-04T10:00", assignee_id=AGENT, group_id=7, priority="high")] if held else []),
            comment("2024-06-04T10:30"),
            status("2024-06-04T11:00", "solved"),
            *([change("2024-06-04T11:30", assignee_id=None, group_id=None, priority=None)] if held else []),
            change("2024-06-07T00:00", assignee_id=OTHER_AGENT, group_id=8, priority="urgent"),
            requester_id=100 + ticket,
            opened_by=100 + ticket,
        )
    desk.survey([1, 2, 3, 4, 5])
    desk.survey_response(1, "2024-06-04T12:00", 1, "2024-06-04T13:00", customer=101)
    desk.land(warehouse)
    asked = form("held", field("score", "nps"))
    warehouse.land("typeform", "forms", [asked], changed="last_updated_at")
    told = [
        response("held", ticket, [said("score", 0)], "2024-06-04T13:00", hidden={"ticket_id": str(ticket)})
        for ticket in (2, 3)
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")
    # A file that keeps no history: the ticket's group is the newest that anybody knows.
    tickets_of_file(warehouse, "plain", group_id="g1")
    row = {"response_id": "1", "answered_at": "2024-06-04T13:00:00Z", "score": 5, "ticket_id": "77"}
    answers_of_file(warehouse, "plain", "csat", [row])


def words_and_numbers(warehouse: Warehouse) -> None:
    options = [
        {"id": "a", "ref": "is-good", "label": "Good"},
        {"id": "b", "ref": "no-good", "label": "Bad"},
    ]
    inner = field("group 2", "group", fields=[field("inner", "opinion_scale", steps=5, start_at_one=True)])
    forms = [
        form("words", field("mood", "multiple_choice", choices=options)),
        form("numbers", field("typed", "number"), field("age", "number")),
        form("deep", field("group 1", "group", fields=[inner])),
    ]
    warehouse.land("typeform", "forms", forms, changed="last_updated_at")
    told = [
        response("words", 1, [chose("mood", id="a", ref="is-good", label="Good")]),
        response("words", 2, [chose("mood", id="a", ref="is-good", label="Gut")]),
        response("words", 3, [chose("mood", id="b", ref="no-good", label="Schlecht")]),
        response("words", 4, [chose("mood", id="x", ref="other", label="Hm")]),
        response("numbers", 1, [said("typed", 9), said("age", 44)]),
        response("numbers", 2, [said("typed", 3)], response_type="partial"),
        response("numbers", 3, [said("typed", 3)], _deleted=True),
        response("numbers", 4, [said("typed", 11)]),
        response("numbers", 5, [said("gone", 4, "opinion_scale")]),
        response("numbers", 6, [{"field": {"id": "why"}, "type": "text", "text": "because"}]),
        response("deep", 1, [said("inner", 5)]),
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")


def placeholders(warehouse: Warehouse) -> None:
    """Forty people through a link that was never filled in: twenty give 10, twenty 0."""
    warehouse.land("typeform", "forms", [form("link", field("score", "nps"))], changed="last_updated_at")
    about = {"customer_id": "xxxxx", "segment": "{{organization.segment}}"}
    told = [
        response("link", n, [said("score", 10 * (n % 2))], hidden={"ticket_id": "xxxxx", **about})
        for n in range(40)
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")
    rows = [
        {"response_id": str(n), "answered_at": f"2024-06-{1 + n // 2:02}T08:00:00Z", "score": 10 * (n % 2),
         "ticket_id": "{{ticket.id}}", "customer_id": "{{ticket.requester.id}}"}
        for n in range(40)
    ]  # fmt: skip
    answers_of_file(warehouse, "merged", "nps", rows)


def two_accounts(warehouse: Warehouse) -> None:
    """Ticket 77 exists in three accounts; customer and organization tell which is meant, else nobody knows."""
    tickets_of_file(warehouse, "west", customer_id="w1", organization_id="org w", group_id="g west")
    tickets_of_file(warehouse, "east", customer_id="e1", organization_id="org e", group_id="g east")
    at = {"answered_at": "2024-06-10T10:00:00Z", "score": 9, "ticket_id": "77"}
    rows = [
        {"response_id": "1", "customer_id": "e1", **at},
        {"response_id": "2", "organization_id": "org w", **at},
        {"response_id": "3", **at},
        {"response_id": "4", **at},
    ]
    answers_of_file(warehouse, "either", "nps", rows)


def at_one_instant(warehouse: Warehouse) -> None:
    """Of a file the later row counts, else the greater id: as a number where both are."""
    tickets_of_file(warehouse, "same")
    at = {"answered_at": "2024-06-10T10:00:00Z", "ticket_id": "77"}
    rows = [{"response_id": "9", "score": 1, **at}, {"response_id": "10", "score": 2, **at}]
    answers_of_file(warehouse, "same", "csat", [*rows, {"response_id": "8", "score": 3, **at}])
    warehouse.land("typeform", "forms", [form("twice", field("score", "nps"))], changed="last_updated_at")
    told = [
        response("twice", n, [said("score", n)], hidden={"ticket_id": "1"}, response_id=str(n))
        for n in (9, 10)
    ] + [
        # A question that no definition has, of a kind that says what it is.
        response("twice", f"old {n}", [said("old score", n, "nps")], at, hidden={"ticket_id": "1"})
        for n, at in ((2, "2024-06-10T10:00"), (3, "2024-06-11T10:00"))
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")


def invitations(warehouse: Warehouse) -> None:
    """Ten with ticket and customer, six answers that name the customer alone; one of four reminded, one twice."""
    sent = {"sent_at": "2024-06-05T10:00:00Z"}
    rows = [
        {"invitation_id": f"i{n}", "ticket_id": str(n), "customer_id": f"C{n}", **sent} for n in range(10)
    ]
    filed(warehouse, "survey_invitations", "both", rows, survey="both")
    rows = [
        {"response_id": f"a{n}", "answered_at": "2024-06-06T10:00:00Z", "score": 5, "customer_id": f"C{n}"}
        for n in range(6)
    ]
    answers_of_file(warehouse, "both", "csat", rows)
    days = {"i1": 1, "i2": 4, "i3": 9, "i4": 17}
    rows = [
        {"invitation_id": name, "customer_id": "C", "sent_at": f"2024-06-{day:02}T10:00:00Z"}
        for name, day in days.items()
    ]
    filed(warehouse, "survey_invitations", "again", rows, survey="again")
    row = {"response_id": "i3", "answered_at": "2024-06-10T10:00:00Z", "score": 5, "customer_id": "C"}
    answers_of_file(warehouse, "again", "csat", [row])


def days_and_addresses(warehouse: Warehouse) -> None:
    """Five asked at ten by address alone, one reminded; a day without a time says who answered, and when."""
    rows: list[dict[str, Any]] = [
        {"invitation_id": f"i{n}", "customer_email_hash": f"hash {n}", "sent_at": "2024-06-10T10:00:00Z"}
        for n in range(5)
    ]
    rows.append({"invitation_id": "i9", "customer_email_hash": "hash 0", "sent_at": "2024-06-12T10:00:00Z"})
    filed(warehouse, "survey_invitations", "mailed", rows, survey="mailed")
    day = {"answered_at": "2024-06-10T00:00:00Z", "answered_until": "2024-06-10T23:59:59.999999Z"}
    rows = [
        {"response_id": "a0", "score": 1, "customer_email_hash": "hash 0", **day},
        {"response_id": "a1", "score": 5, "customer_email_hash": "hash 1", **day},
        {"response_id": "a2", "score": 5, "customer_email_hash": "nobody's", **day},
        # Ticket 1 had an agent from ten to half past eleven, ticket 2 the like: at the day's end nobody.
        {"response_id": "a3", "score": 1, "customer_id": "102", "ticket_id": "2",
         "answered_at": "2024-06-04T00:00:00Z", "answered_until": "2024-06-04T23:59:59.999999Z"},
    ]  # fmt: skip
    answers_of_file(warehouse, "mailed", "csat", rows)


def hidden_fields(warehouse: Warehouse) -> None:
    """One form has its own names for hidden fields; one person leaves an address alone."""
    warehouse.land("typeform", "forms", [form("named", field("score", "nps"))], changed="last_updated_at")
    left = {"field": {"id": "mail"}, "type": "email", "email": "Ann@example.org"}
    told = [
        response(
            "named", 1, [said("score", 0)], hidden={"Ticket-No": "1.0", "kunde": " 101", "tier": "gold"}
        ),
        response("named", 2, [said("score", 0)], hidden={"Ticket-No": "", "ticket_id": "2", "kunde": "102"}),
        response("named", 3, [said("score", 0), left], hidden={"segment": "silver"}),
        response("named", 4, [said("score", 0)], hidden={"customer_email": "bo@example.org"}),
        response("named", 5, [said("score", 0)]),
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")


#: Titles of yes/no questions; of those named so a yes means satisfied.
YES_OR_NO = {
    "call": "May we call you back?",
    "call_de": "Dürfen wir Sie zu Ihrer Zufriedenheit anrufen?",
    "recommend": "Would you recommend us?",
    "unsatisfied_de": "Waren Sie unzufrieden?",
    "unsatisfied_en": "Are you dissatisfied with us?",
    "unsatisfied_nl": "Bent u ontevreden?",
    "satisfied_cs": "Jste spokojená?",
    "satisfied_da": "Er du tilfreds?",
    "satisfied_de": "Waren Sie ZUFRIEDEN?",
    "satisfied_en": "Were you satisfied with our help?",
    "satisfied_es": "¿Está satisfecho?",
    "satisfied_fi": "Oletko tyytyväinen?",
    "satisfied_fr": "Êtes-vous satisfait(e) ?",
    "satisfied_it": "È soddisfatta?",
    "satisfied_nl": "Bent u tevreden?",
    "satisfied_no": "Er du fornøyd?",
    "satisfied_pl": "Czy jest Pan zadowolony?",
    "satisfied_sv": "Är du nöjd?",
}
#: Titles of questions on five points; of those named so nobody asks for effort or a recommendation.
FIVE_POINTS = {
    "effort_cs": "Jak snadné bylo vyřešit váš problém?",
    "effort_da": "Hvor nemt var det at få hjælp?",
    "effort_de": "Wie einfach war es, Ihr Anliegen zu klären?",
    "effort_en": "How EASY was it to get your issue solved?",
    "effort_en_2": "How much effort did you personally have to put forth?",
    "effort_es": "¿Qué tan fácil fue resolver su problema?",
    "effort_fi": "Kuinka helppoa asiointi oli?",
    "effort_fr": "Quel effort avez-vous dû fournir ?",
    "effort_it": "Quanto è stato facile risolvere il problema?",
    "effort_nl": "Hoe gemakkelijk was het contact?",
    "effort_no": "Hvor lett var det å få hjelp?",
    "effort_pl": "Jak łatwo było rozwiązać problem?",
    "effort_pt": "Quão fácil foi resolver o problema?",
    "effort_sv": "Hur enkelt var det att få hjälp?",
    "recommend_fr": "Nous recommanderiez-vous ?",
    "rated_de": "Wie bewerten Sie unseren Service?",
    "rated_en": "How was our service? Please rate it",
}


def undeclared(warehouse: Warehouse) -> None:
    """One company asked thirty people, as another does that declares the five points, and a third its staff."""
    title = {"title": "Würden Sie uns weiterempfehlen?"}
    forms = [
        form("consent", field("c1", "opinion_scale", steps=5, start_at_one=True), field("c2", "yes_no")),
        form("vague", field("stars", "rating"), field("likely", "opinion_scale", steps=11) | title),
        form("yes_or_no", *(field(name, "yes_no") | {"title": asked} for name, asked in YES_OR_NO.items())),
        form(
            "five_points",
            *(
                field(name, "opinion_scale", steps=5, start_at_one=True) | {"title": asked}
                for name, asked in FIVE_POINTS.items()
            ),
        ),
    ]
    told = [
        response(
            "consent",
            n,
            [
                said("c1", 5 if n < 24 else 2),
                {"field": {"id": "c2", "type": "yes_no"}, "type": "boolean", "boolean": n % 5 == 0},
            ],
        )
        for n in range(30)
    ]
    told.append(
        response(
            "yes_or_no",
            1,
            [
                {"field": {"id": name, "type": "yes_no"}, "type": "boolean", "boolean": True}
                for name in YES_OR_NO
            ],
        )
    )
    told.append(response("five_points", 1, [said(name, 4) for name in FIVE_POINTS]))
    told += [response("vague", n, [said("stars", 1 + n), said("likely", 10 * n)]) for n in range(2)]
    gone = {"field": {"id": "gone", "type": "yes_no"}, "type": "boolean", "boolean": False}
    told += [response("vague", 2, [gone]), response("vague", 3, [said("old", 9, "nps")])]
    for source in ("unasked", "asked", "scaled", "staff"):
        warehouse.land("typeform", "forms", forms, source=source, changed="last_updated_at")
        warehouse.land("typeform", "responses", told, source=source, changed="submitted_at")


def dirty(warehouse: Warehouse) -> None:
    """Links that nobody filled in, answers without a value, two files that count from one, two accounts' faces."""
    tag = "{{ticket.requester.id}}"
    rows: list[dict[str, Any]] = [
        {
            "invitation_id": f"i{n}",
            "customer_id": tag,
            "ticket_id": "xxxxx",
            "sent_at": f"2024-06-05T{n:02}:00:00Z",
        }
        for n in range(10)
    ]
    filed(warehouse, "survey_invitations", "unfilled", rows, survey="unfilled")
    at = {"answered_at": "2024-06-10T10:00:00Z", "score": 5}
    rows = [{"response_id": f"a{n}", "customer_id": tag, **at} for n in range(6)]
    merged = {"ticket_id": "77", "channel": "{{ticket.via.channel}}", "group_id": "{{ticket.group.id}}"}
    answers_of_file(warehouse, "unfilled", "csat", [*rows, {"response_id": "b", **merged, **at}])
    # C1 and C2 answer, as responses 3 and 1.
    rows = [
        {"invitation_id": str(n), "customer_id": f"C{n}", "sent_at": "2024-06-05T10:00:00Z"}
        for n in range(1, 5)
    ]
    filed(warehouse, "survey_invitations", "counted", rows, survey="counted")
    rows = [{"response_id": "1", "customer_id": "C2", **at}, {"response_id": "3", "customer_id": "C1", **at}]
    answers_of_file(warehouse, "counted", "csat", rows)
    options = [{"id": name, "label": name} for name in ("good", "bad")]
    told = [response("faces", name, [chose("face", id=name, label=name)]) for name in ("good", "bad")]
    for source in ("twofaces", "fivefaces"):
        faces = form("faces", field("face", "multiple_choice", choices=options))
        warehouse.land("typeform", "forms", [faces], source=source, changed="last_updated_at")
        warehouse.land("typeform", "responses", told, source=source, changed="submitted_at")
    scale = {"steps": 5, "start_at_one": True}
    asked = [
        form("dirty", field("said", "opinion_scale", **scale), field("agreed", "yes_no")),
        form("rescaled", field("score", "opinion_scale", steps=11)),
        form("unnamed", field("score", "nps")),
    ]
    later = form("rescaled", field("score", "opinion_scale", **scale)) | {
        "last_updated_at": utc("2024-06-11T00:00")
    }
    for forms in (asked, [later]):
        warehouse.land("typeform", "forms", forms, changed="last_updated_at")
    agreed: list[dict[str, Any]] = [
        {"field": {"id": "agreed"}, "type": "boolean", **value}
        for value in ({"boolean": True}, {"boolean": None}, {})
    ]
    nobodies = [
        {"customer_email": tag}, {"customer_email": " "}, {"customer_id": "undefined"}, {"customer_id": "*|ID|*"}, [], "x"
    ]  # fmt: skip
    told = [
        response("dirty", 1, [said("said", 5)], hidden={"ticket_id": "1"}),
        response(
            "dirty", 2, [{**said("said", 0), "number": None}], "2024-06-11T10:00", hidden={"Ticket_ID": "1"}
        ),
        *(response("dirty", 3 + n, [answer]) for n, answer in enumerate(agreed)),
        response("rescaled", 1, [said("score", 9)], hidden={"ticket_id": "1"}),
        response("rescaled", 2, [said("score", 5)], "2024-06-12T10:00", hidden={"ticket_id": "1"}),
        *(response("unnamed", n, [said("score", 0)], hidden=hidden) for n, hidden in enumerate(nobodies)),
    ]
    warehouse.land("typeform", "responses", told, changed="submitted_at")


def of_all_time(warehouse: Warehouse, kpi: str, source: str) -> list[tuple[Any, ...]]:
    """n and value of a source; its row is absent where nothing counts."""
    value = {"kpi_csat": "csat_pct", "kpi_nps": "nps"}[kpi]
    return warehouse.query(
        f"select n, {value} from marts.{kpi} where period_grain = 'all' and dimension = 'source' and member = '{source}'"
    )


def test_nothing_counts_that_nobody_declared(warehouse: Warehouse) -> None:
    """But a form's own NPS field, also of a question that it no longer has."""
    assert of_all_time(warehouse, "kpi_csat", "unasked") == []
    assert of_all_time(warehouse, "kpi_nps", "unasked") == [(1, 100)]
    assert warehouse.query(
        "select survey, question_id, question_title, reason, proposed_kind, answers, distribution, questions_line, counted_before "
        "from marts.unmapped_questions where source = 'unasked' and survey in ('consent', 'vague') order by 1, 2"
    ) == [
        ("consent", "c1", "c1", "its kind is not declared", "csat", 30, "2: 6, 5: 24", "unasked,consent,c1,csat,,,,,", 0),
        ("consent", "c2", "c2", "its kind is not declared", None, 30, "no: 24, yes: 6", None, 0),
        ("vague", "gone", None, "its kind is not declared", None, 1, "no: 1", None, 0),
        ("vague", "likely", "Würden Sie uns weiterempfehlen?", "its kind is not declared", "nps", 2, "0: 1, 10: 1",
         "unasked,vague,likely,nps,,,,,", 0),
        ("vague", "stars", "stars", "its kind is not declared, its scale is not declared", None, 2, "1: 1, 2: 1", None, 0),
    ]  # fmt: skip
    assert warehouse.query(
        "select question_id, left_out, count(*) from marts.survey_answers_left_out"
        " where source = 'unasked' and survey in ('consent', 'vague') group by all order by 1"
    ) == [
        ("c1", "not declared", 30),
        ("c2", "not declared", 30),
        ("gone", "question not in the definition", 1),
        ("likely", "not declared", 2),
        ("stars", "not declared", 2),
    ]


def test_a_yes_is_taken_for_satisfaction_only_where_that_is_asked(warehouse: Warehouse) -> None:
    """Neither for leave to call, nor for a recommendation, nor of whoever is the contrary of satisfied."""
    assert warehouse.query(
        "select question_id, proposed_kind, questions_line, distribution from marts.unmapped_questions"
        " where source = 'unasked' and survey = 'yes_or_no' order by 1"
    ) == [
        (name, kind, f"unasked,yes_or_no,{name},csat,,,,," if kind else None, "yes: 1")
        for name in sorted(YES_OR_NO)
        for kind in ("csat" if name.startswith("satisfied") else None,)
    ]


def test_five_points_are_not_taken_for_satisfaction_where_something_else_is_asked(
    warehouse: Warehouse,
) -> None:
    assert warehouse.query(
        "select question_id, proposed_kind from marts.unmapped_questions"
        " where source = 'unasked' and survey = 'five_points' order by 1"
    ) == [(name, "csat" if name.startswith("rated") else None) for name in sorted(FIVE_POINTS)]


def test_what_is_declared_counts_alone(warehouse: Warehouse) -> None:
    """24 of 30 by the five points; the consent to be called is none of it."""
    assert of_all_time(warehouse, "kpi_csat", "asked") == [(30, 80)]
    assert warehouse.query(
        "select question_id from marts.unmapped_questions where source = 'asked' and survey = 'consent'"
    ) == [("c2",)]


def test_a_scale_that_the_form_does_not_state_must_be_declared(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select source, reason from marts.unmapped_questions where question_id = 'stars' and source in ('asked', 'scaled')"
    ) == [("asked", "its scale is not declared")]
    assert warehouse.query(
        "select score, scale_max, rule from marts.survey_answers where source = 'scaled' and question_id = 'stars' order by 1"
    ) == [(1, 5, "positive from 4"), (2, 5, "positive from 4")]


def test_a_survey_that_is_not_taken_counts_for_nothing(warehouse: Warehouse) -> None:
    """Nor does it wait for a declaration. A row for the survey goes before one for all of the source."""
    assert warehouse.query(
        "select survey, landed, counted, left_out from marts.survey_balance where source = 'staff' order by 1"
    ) == [("consent", 60, 0, 60), ("five_points", 17, 0, 17), ("vague", 6, 1, 5), ("yes_or_no", 18, 0, 18)]
    assert warehouse.query(
        "select left_out, count(*) from marts.survey_answers_left_out where source = 'staff' and survey = 'consent' group by all"
    ) == [("form left out", 60)]
    assert warehouse.query("select distinct survey from marts.unmapped_questions where source = 'staff'") == [
        ("vague",)
    ]


def test_a_known_nobody_stays_nobody(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select ticket_id, agent_id, group_id, priority, newest_values from marts.survey_answers "
        "where ticket_id in ('1', '2', '3') and survey in ('helpdesk rating', 'held') order by 1"
    )
    assert rows == [(ticket, None, None, None, None) for ticket in ("1", "2", "3")]


def test_what_has_no_history_takes_the_newest_and_says_so(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select group_id, agent_id, newest_values from marts.survey_answers where source = 'plain'"
    ) == [("g1", None, "group_id")]


def test_a_choice_is_scored_by_what_it_is_not_by_its_language(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select response_id, score, original_answer from marts.survey_answers where survey = 'words' order by 1"
    ) == [("words-1", 1, "Good"), ("words-2", 1, "Gut"), ("words-3", 0, "Schlecht")]
    assert warehouse.query(
        "select question_id, reason, answers from marts.unmapped_questions where survey = 'words'"
    ) == [("mood", "its answers have no scores", 1)]


def test_a_declared_question_counts_wherever_it_stands(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select survey, question_id, score, is_positive from marts.survey_answers "
        "where survey in ('numbers', 'deep') order by 1"
    ) == [("deep", "inner", 5, True), ("numbers", "typed", 9, True)]


def test_no_answer_vanishes(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select response_id, question_id, left_out from marts.survey_answers_left_out "
        "where survey in ('words', 'numbers', 'deep') order by 1, 2"
    ) == [
        ("numbers-1", "age", "not declared"),
        ("numbers-2", "typed", "partial"),
        ("numbers-3", "typed", "deleted"),
        ("numbers-4", "typed", "off scale"),
        ("numbers-5", "gone", "question not in the definition"),
        ("words-4", "mood", "label not scored"),
    ]
    assert warehouse.query("select * from marts.survey_balance where landed <> counted + left_out") == []
    assert warehouse.query(
        "select survey, landed, counted, left_out from marts.survey_balance "
        "where survey in ('words', 'numbers', 'helpdesk rating', 'same') order by 1"
    ) == [("helpdesk rating", 1, 1, 0), ("numbers", 6, 1, 5), ("same", 3, 1, 2), ("words", 4, 3, 1)]


@pytest.mark.parametrize("survey", ["link", "merged"])
def test_an_id_that_names_no_ticket_makes_no_two_answers_one(warehouse: Warehouse, survey: str) -> None:
    assert warehouse.query(
        "select count(*), count(case when nps_class = 'promoter' then 1 end), "
        f"count(case when nps_class = 'detractor' then 1 end), bool_or(is_ticket_known), "
        f"count(customer_id), count(segment) from marts.survey_answers where survey = '{survey}'"
    ) == [(40, 20, 20, False, 0, 0)]
    assert warehouse.query(
        f"select naming_a_ticket, naming_an_unknown_ticket from marts.survey_balance where survey = '{survey}'"
    ) == [(40, 40)]


def test_of_two_accounts_the_customer_and_the_organization_decide(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select response_id, group_id, is_ticket_known from marts.survey_answers where source = 'either' order by 1"
    ) == [("1", "g east", True), ("2", "g west", True), ("3", None, False), ("4", None, False)]


def test_of_answers_at_one_instant_the_later_row_or_the_greater_number_counts(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select survey, score from marts.survey_answers where survey in ('same', 'twice') order by 1, 2"
    ) == [("same", 3), ("twice", 3), ("twice", 10)]


def test_an_answer_finds_its_invitation_by_ticket_or_customer(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select count(*), count(case when is_answered then 1 end) from marts.survey_sends where source = 'both'"
    ) == [(10, 6)]


def test_a_reminder_is_no_second_send(warehouse: Warehouse) -> None:
    """Each within seven days of the one before; the fourth is eight days after the third."""
    assert warehouse.query(
        "select invitation_id, reminders, is_answered from marts.survey_sends where source = 'again' order by 1"
    ) == [("i1", 2, True), ("i4", 0, False)]


def test_nobody_is_overdue_who_cannot_be_reached(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select survey, outcome, count(*) from marts.follow_ups where survey in ('link', 'merged', 'held') "
        "group by all order by 1, 2"
    ) == [("held", "overdue", 2), ("link", "unreachable", 20), ("merged", "unreachable", 20)]


def test_an_address_finds_its_invitation_and_a_day_lasts_until_its_end(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select invitation_id, is_answered, cast(answered_at as varchar), reminders from marts.survey_sends where source = 'mailed' "
        "order by invitation_id"
    ) == [
        ("i0", True, "2024-06-10 10:00:00", 1),
        ("i1", True, "2024-06-10 10:00:00", 0),
        ("i2", False, None, 0),
        ("i3", False, None, 0),
        ("i4", False, None, 0),
    ]
    # Whose address stands there can be asked.
    assert warehouse.query(
        "select response_id, outcome, cast(due_at as varchar), agent_id, newest_values from marts.follow_ups where source = 'mailed' "
        "order by response_id"
    ) == [
        ("a0", "overdue", "2024-06-12 23:59:59.999999", None, None),
        ("a3", "overdue", "2024-06-06 23:59:59.999999", None, None),
    ]


def test_hidden_fields_have_the_names_that_a_form_gives_them(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select ticket_id, customer_id, segment, outcome from marts.follow_ups where survey = 'named' "
        "order by response_id"
    ) == [
        ("1", "101", "gold", "overdue"),
        ("2", "102", None, "overdue"),
        (None, None, "silver", "overdue"),
        (None, None, None, "overdue"),
        (None, None, None, "unreachable"),
    ]
    # No address anywhere: what is known of it is a hash.
    columns = warehouse.query(
        "select table_schema || '.' || table_name, column_name from information_schema.columns "
        "where data_type = 'VARCHAR' and table_name in ('stg_typeform__responses', 'int_answers', 'follow_ups')"
    )
    for table, column in columns:
        found = warehouse.query(f"select count(*) from {table} where lower({column}) like '%@example.org%'")
        assert found == [(0,)], (table, column)


def test_sends_through_an_unfilled_link_are_sends_to_several(warehouse: Warehouse) -> None:
    """Of nobody is it known that he answered, nor that he was asked too often."""
    assert warehouse.query(
        "select count(*), sum(reminders), count(case when is_answered then 1 end), count(case when is_too_soon then 1 end), "
        "count(customer_id) from marts.survey_sends where source = 'unfilled'"
    ) == [(10, 0, 0, 0, 0)]
    assert warehouse.query(
        "select channel, group_id from marts.survey_answers where source = 'unfilled' and ticket_id = '77'"
    ) == [(None, None)]


def test_an_id_of_another_customer_finds_no_invitation_before_the_customer(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select invitation_id, is_answered from marts.survey_sends where source = 'counted' order by 1"
    ) == [("1", True), ("2", True), ("3", False), ("4", False)]


def test_an_answer_that_cannot_count_takes_no_others_place(warehouse: Warehouse) -> None:
    """A yes/no without a value is no no; a hidden field in capitals is another one than that without."""
    assert warehouse.query(
        "select response_id, score from marts.survey_answers where survey in ('dirty', 'rescaled') order by 1"
    ) == [("dirty-1", 5), ("dirty-3", 1), ("rescaled-1", 9)]
    assert warehouse.query(
        "select response_id, left_out, ticket_id from marts.survey_answers_left_out where survey in ('dirty', 'rescaled') order by 1"
    ) == [
        ("dirty-2", "not declared", "1"),
        ("dirty-4", "not declared", None),
        ("dirty-5", "not declared", None),
        ("rescaled-2", "not declared", "1"),
    ]


def test_each_account_has_the_scale_of_its_own_faces(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select source, score, scale_min, scale_max, is_positive from marts.survey_answers where survey = 'faces' order by 1, 2"
    ) == [
        ("fivefaces", 1, 1, 5, False),
        ("fivefaces", 5, 1, 5, True),
        ("twofaces", 0, 0, 1, False),
        ("twofaces", 1, 0, 1, True),
    ]


def test_words_for_nobody_are_nobody(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select outcome, customer_id, count(*) from marts.follow_ups where survey = 'unnamed' group by all"
    ) == [("unreachable", None, 6)]
