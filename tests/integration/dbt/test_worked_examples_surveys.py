"""CSAT and NPS against examples worked out by hand, from forms, helpdesk ratings and exported files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .warehouse import Warehouse, questions
from .zendesk_records import AGENT, OTHER_AGENT, Account, change, comment, status, utc

COUNT = itertools.count(1)
RULES = Path(__file__).parents[3] / "dbt_project" / "seeds"
ANSWERED = "2024-06-10T12:00"
#: What the forms below ask, of whatever account.
DECLARED = (
    "*,stars,five,csat",
    "*,zero_to_four,scale,csat",
    "*,yes_no,yes,csat",
    "*,both,happy,csat",
    "*,scale_nps,likely,nps",
    "*,grouped,inner,csat",
    "*,changing,mark,csat",
    "*,by_ticket,happy,csat",
)
SEEDS = {
    "segments.csv": (
        "source,organization_id,customer_id,segment,product,service_area,complexity\ndesk,6,,seeded,,,\n"
    ),
    "questions.csv": questions(
        *DECLARED,
        "typeform,stars,hard,csat,1,10,8,higher_is_better,true",
        "typeform,stars,effort,ces,,,,lower_is_better",
        "typeform,stars,aside,csat,,,,,false",
        "typeform,efforts,seven,ces,,,,higher_is_better",
        "typeform,efforts_low,five,ces,,,,lower_is_better",
        "typeform,efforts,silent,ces",
        "typeform,one_to_five,loyal,nps,0,10",
        "*,faces,mood_ref,csat",
        "*,faces,colour,other,1,3",
        "seeded_freshdesk,,q,csat,-103,103,101,higher_is_better",
    ),
    "answer_scores.csv": (
        "source,survey,question_id,answer,score\n"
        "*,faces,mood_ref,\N{GRINNING FACE},3\n"
        "*,faces,mood_ref,\N{NEUTRAL FACE},2\n"
        "*,faces,mood_ref,\N{WHITE FROWNING FACE},1\n"
        "typeform,faces,mood_ref,\N{WHITE FROWNING FACE},1\n"
    ),
    "dimensions.csv": (RULES / "dimensions.csv").read_text() + "region,,,,\n",
    "ticket_field_map.csv": "source,field,attribute\n*,Segment,segment\ndesk,Where,region\n",
    "segment_sizes.csv": (
        "segment,customers,valid_from,valid_to\nSMB,9000,,2024-01-01\nENT,1000,,2024-01-01\nSMB,1,2024-01-01,\n"
    ),
    "survey_policies.csv": (
        "source,survey,answer_window_days,min_days_between,reminder_days\n*,,28,90,\nmail,relationship,28,180,\n"
    ),
}
MARTS = (
    "+answer_dimensions",
    "+kpi_ces",
    "+kpi_csat",
    "+kpi_distribution",
    "+kpi_nps",
    "+kpi_survey_response",
    "+metric_members",
    "+rejected_rows",
    "+send_dimensions",
    "+ticket_dimensions",
    "+tickets",
    "+unmapped_questions",
)
# files' scores: kind, lowest, highest, positive from, scores, expected CSAT in percent
SCALES = {
    "ten_from_9": ("csat", 1, 10, 9, [10, 9, 8, 7, 6], 40),
    "ten_from_8": ("csat", 1, 10, 8, [10, 9, 8, 7, 6], 60),
    "ten_from_7": ("csat", 1, 10, 7, [10, 9, 8, 7, 6], 80),
    "freshdesk": ("csat", -103, 103, 101, [103, 102, 101, 100, -103], 60),
    "seeded_freshdesk": ("other", -103, 103, None, [103, 102, 101, 100, -103], 60),
}
# promoters, passives, detractors: NPS, margin (with z rounded to 1.96)
NPS = {
    "nps_100": ((50, 30, 20), 30, 15.31),
    "nps_1000": ((500, 300, 200), 30, 4.84),
    "nps_4": ((3, 1, 0), 75, 42.44),
    "nps_5": ((5, 0, 0), 100, 0),
}
# positive of n: Wilson bounds
WILSON = {
    "wilson_45_50": (45, 50, 78.64, 95.65),
    "wilson_9_10": (9, 10, 59.58, 98.21),
    "wilson_10_10": (10, 10, 72.25, 100),
    "wilson_0_5": (0, 5, 0, 43.45),
}


def field(name: str, kind: str, title: str = "How was it?", **properties: Any) -> dict[str, Any]:
    return {"id": name, "ref": f"{name}_ref", "title": title, "type": kind, "properties": properties}


def form(form_id: str, *fields: dict[str, Any], at: str = "2024-01-01T00:00") -> dict[str, Any]:
    return {"id": form_id, "title": f"Form {form_id}", "fields": list(fields), "last_updated_at": utc(at)}


def response(
    form_id: str, answers: Mapping[str, float | bool | str], at: str = ANSWERED, **hidden: str
) -> dict[str, Any]:
    number = next(COUNT)
    return {
        "_record_id": f"{form_id}/r{number}",
        "response_id": f"r{number}",
        "submitted_at": utc(at),
        "hidden": hidden,
        "answers": [
            {"field": {"id": name}, "type": "boolean", "boolean": value}
            if isinstance(value, bool)
            else {"field": {"id": name}, "type": "choice", "choice": {"label": value}}
            if isinstance(value, str)
            else {"field": {"id": name}, "type": "number", "number": value}
            for name, value in answers.items()
        ],
    }


def land_scores(
    warehouse: Warehouse,
    source: str,
    kind: str,
    scale: tuple[float, float, float | None],
    scores: Iterable[float],
    *,
    survey: str = "",
    stated: Iterable[Mapping[str, Any]] = itertools.repeat({}),
) -> None:
    """Answers of an exported file, as its mapping lands them; `stated` are more of our columns per answer."""
    question = {
        "kind": kind,
        "id": "q",
        "survey": survey or source,
        "scale_min": scale[0],
        "scale_max": scale[1],
        "positive_from": scale[2],
    }
    records = [
        {
            "_record_id": f"{n}/q",
            "values": {"response_id": str(n), "answered_at": utc(ANSWERED), "score": score, **more},
            "errors": [],
            "reject": None,
            "mapping": {"name": source, "ticket": False, "declares": [], "question": question},
            "raw": {},
        }
        for n, (score, more) in enumerate(zip(scores, stated, strict=False))
    ]
    warehouse.land("files", "survey_answers", records, source=source, changed=None)


def land_weighted(warehouse: Warehouse) -> None:
    """Two segments of unlike size on one day of 2023, CSAT and NPS; on the next day only one of them answers."""
    at = {"answered_at": "2023-03-15T12:00:00Z"}
    smb, ent = at | {"segment": "SMB"}, at | {"segment": "ENT"}
    scores = [1] * 810 + [0] * 90 + [1] * 10 + [0] * 10
    west = [each | {"dimension_region": "west"} for each in [smb] * 900 + [ent] * 20]
    land_scores(warehouse, "weighed_csat", "csat", (0, 1, 1), scores, stated=west)
    scores = [10] * 50 + [8] * 30 + [0] * 20 + [10] + [0] * 3
    land_scores(warehouse, "weighed_nps", "nps", (0, 10, None), scores, stated=[smb] * 100 + [ent] * 4)
    alone = {"answered_at": "2023-03-16T12:00:00Z", "segment": "SMB"}
    land_scores(warehouse, "weighed_alone", "csat", (0, 1, 1), [1, 1], stated=[alone] * 2)


def land_mailing(warehouse: Warehouse) -> None:
    """Worked example 22 a month earlier, so that its answer windows are over.

    Of 200 invitations of May 5 bounced and 40 were answered, 6 of these in June; in May came 3 answers to April.
    Answers know their invitation (the first 20), or only their customer.
    """

    def invited(number: int, sent: str, **more: str) -> dict[str, Any]:
        values = {
            "invitation_id": f"i{number}",
            "sent_at": sent,
            "delivery": "delivered",
            "customer_id": f"c{number}",
        }
        return {
            "_record_id": f"i{number}",
            "values": values | more,
            "errors": [],
            "reject": None,
            "mapping": {"name": "mail", "survey": "relationship"},
            "raw": {},
        }

    invitations = [
        *(invited(n, f"2024-05-{1 + n % 28:02}T08:00:00Z") for n in range(195)),
        *(invited(n, "2024-05-03T08:00:00Z", delivery="bounced") for n in range(195, 200)),
        *(invited(n, "2024-04-30T08:00:00Z") for n in range(200, 203)),
        # To two customers of May again, one 170 days after the first and one 190 days after it; delivery unknown.
        invited(203, "2024-06-20T08:00:00Z", customer_id="c0", delivery=""),
        invited(204, "2023-10-20T08:00:00Z", customer_id="c1"),
        # Asked twice, and the first one answered after the second; an answer without a date.
        invited(205, "2023-11-01T08:00:00Z"),
        invited(206, "2023-11-10T08:00:00Z", customer_id="c205"),
        invited(207, "2023-11-01T08:00:00Z"),
    ]
    del invitations[203]["values"]["delivery"]
    warehouse.land("files", "survey_invitations", invitations, source="mail", changed=None)
    answered = [
        *(f"2024-05-{2 + n % 28:02}T08:00:00Z" for n in range(34)),
        *(["2024-06-02T08:00:00Z"] * 6),
        *(["2024-05-02T08:00:00Z"] * 3),
    ]
    numbers = [*range(40), *range(200, 203)]
    stated = [
        {"answered_at": at, **({"response_id": f"i{n}"} if n < 20 else {"customer_id": f"c{n}"})}
        for n, at in zip(numbers, answered, strict=True)
    ]
    stated += [
        {"answered_at": "2023-11-12T08:00:00Z", "response_id": "i205", "customer_id": "c205"},
        {"answered_at": None, "response_id": "i207"},
    ]
    land_scores(warehouse, "mail", "nps", (0, 10, None), [9] * 45, survey="relationship", stated=stated)


FORMS = [
    form(
        "stars",
        field("five", "rating", steps=5),
        field("hard", "rating", steps=10),
        field("effort", "opinion_scale", steps=7),
        field("aside", "rating", steps=5),
    ),
    form("zero_to_four", field("scale", "opinion_scale", steps=5, start_at_one=False)),
    form("yes_no", field("yes", "yes_no")),
    form("both", field("happy", "rating", steps=5), field("recommend", "nps", "Would you recommend us?")),
    form("scale_nps", field("likely", "opinion_scale", "How likely are you to RECOMMEND us?", steps=11)),
    form("unknown", field("eleven", "opinion_scale", "How was it?", steps=11), field("three", "rating")),
    form("grouped", field("page", "group", fields=[field("inner", "rating", steps=5)])),
    form("changing", field("mark", "rating", steps=5)),
    form("changing", field("mark", "opinion_scale", steps=5, start_at_one=False), at="2024-06-01T00:00"),
    form("by_ticket", field("happy", "rating", steps=5)),
    form(
        "efforts",
        field("seven", "opinion_scale", steps=7, start_at_one=True),
        field("silent", "opinion_scale", steps=7),
    ),
    form("efforts_low", field("five", "opinion_scale", steps=5, start_at_one=True)),
    form("one_to_five", field("loyal", "rating", "Would you recommend us?", steps=5)),
    form("faces", field("mood", "picture_choice"), field("colour", "rating", steps=3)),
]

RESPONSES = [
    *(response("stars", {"five": score}) for score in (5, 5, 4, 3, 2)),
    response("stars", {"five": 6}),
    *(response("stars", {"hard": score}) for score in (10, 8, 7, 6)),
    *(response("stars", {"effort": score, "aside": 1}) for score in (0, 6)),
    *(response("zero_to_four", {"scale": score}) for score in (4, 3, 2)),
    *(response("yes_no", {"yes": answer}) for answer in (True, True, True, True, False)),
    *(response("efforts", {"seven": score, "silent": 5}) for score in (7, 6, 5, 4, 1)),
    *(response("efforts_low", {"five": score}) for score in (1, 2, 3, 5)),
    *(response("one_to_five", {"loyal": 5}) for _ in range(3)),
    *(
        response("faces", {"mood": face})
        for face in "\N{GRINNING FACE}\N{NEUTRAL FACE}\N{WHITE FROWNING FACE}"
    ),
    response("faces", {"mood": "a face that nobody declared"}),
    *(response("faces", {"colour": score}) for score in (1, 3, 3)),
    response("both", {"happy": 5, "recommend": 9}) | {"response_type": "partial", "submitted_at": None},
    response("both", {"happy": 5, "recommend": 10}),
    response("both", {"happy": 5, "recommend": 6}),
    response("both", {"happy": 1, "recommend": 8}),
    *(response("scale_nps", {"likely": score}) for score in (0, 6, 7, 8, 9, 10)),
    response("unknown", {"eleven": 10, "three": 3}),
    *(response("grouped", {"inner": score}) for score in (5, 1)),
    *(response("changing", {"mark": 4}, at=day) for day in ("2024-05-31T23:59", "2024-06-01T00:00")),
    *(response("changing", {"mark": 3}, at=day) for day in ("2024-05-31T23:59", "2024-06-01T00:00")),
    response("by_ticket", {"happy": 5}, at="2024-06-10T09:00", ticket_id="1"),
    response("by_ticket", {"happy": 1}, at="2024-06-10T10:00", ticket_id="1"),
    response("by_ticket", {"happy": 9}, at="2024-06-10T11:00", ticket_id="1"),
    response("by_ticket", {"happy": 5}, ticket_id="6", segment="hidden", region="north"),
    response("by_ticket", {"happy": 5}, ticket_id="7", segment=""),
    response("by_ticket", {"happy": 5}, ticket_id="8"),
    response("by_ticket", {"happy": 5}, ticket_id="9"),
    response("by_ticket", {"happy": 5}, ticket_id="10"),
    response("by_ticket", {"happy": 5}, at="2024-07-02T00:00", ticket_id="2"),
]


def desk() -> Account:
    desk = Account("desk")
    day = "2024-06-04T{}".format
    solved = [comment(day("10:30")), status(day("11:00"), "solved")]
    desk.add("ticket_fields", {"id": 77, "title": "segment", "updated_at": "2024-01-01T00:00:00Z"})
    for moment, segment in (
        ("2024-01-01T00:00", "small"),
        ("2024-06-05T00:00", "large"),
        ("2024-06-20T00:00", "huge"),
    ):
        desk.add(
            "organizations",
            {
                "id": 5,
                "updated_at": utc(moment),
                "organization_fields": {"segment": segment, "region": f"of the {segment}"},
            },
        )
    good = {"satisfaction_rating": {"id": 1, "score": "good"}, "changed": "2024-06-06T00:00"}

    # Offered, bad, then good: one rating.
    desk.ticket(1, day("10:00"), *solved, **good)
    for score, at in (("offered", day("12:00")), ("bad", day("13:00")), ("good", "2024-06-05T13:00")):
        desk.rating(1, score, at)
    # Rated while the first agent held it, then reassigned.
    desk.ticket(
        2,
        day("10:00"),
        *solved,
        change("2024-06-07T00:00", assignee_id=OTHER_AGENT),
        assignee_id=AGENT,
        group_id=7,
        satisfaction_rating={"id": 2, "score": "bad"},
    )
    desk.rating(2, "bad", "2024-06-05T13:00", agent=AGENT)
    desk.ticket(3, day("10:00"), *solved, satisfaction_rating={"id": 3, "score": "offered"})
    desk.rating(3, "offered", day("12:00"))
    # Good only after the as-of time.
    desk.ticket(
        4, day("10:00"), *solved, satisfaction_rating={"id": 4, "score": "good"}, changed="2024-08-02T00:00"
    )
    desk.rating(4, "bad", "2024-06-05T13:00")
    desk.rating(4, "good", "2024-08-01T00:00")
    # Excluded: the helpdesk's rating does not count, the form's answer does.
    desk.ticket(5, day("10:00"), *solved, tags=["spam"], **good)
    desk.rating(5, "good", "2024-06-05T13:00")
    # Where a segment comes from: hidden field, ticket's field, organization when answered, seed, nobody.
    desk.add("ticket_fields", {"id": 78, "title": "where", "updated_at": "2024-01-01T00:00:00Z"})
    field_value = {"custom_fields": [{"id": 77, "value": "field"}, {"id": 78, "value": "south"}]}
    desk.ticket(6, day("10:00"), *solved, organization_id=5, **field_value)
    desk.ticket(7, day("10:00"), *solved, organization_id=5, **field_value)
    desk.ticket(8, day("10:00"), *solved, organization_id=5)
    desk.ticket(9, day("10:00"), *solved, organization_id=6)
    desk.ticket(10, day("10:00"), *solved, organization_id=7)
    return desk


def surveyed() -> Account:
    """An account that went over from ratings to surveys in June."""
    desk = Account("surveyed")
    day = "2024-06-04T{}".format
    solved = [comment(day("10:30")), status(day("11:00"), "solved")]
    for number in range(21, 33):
        handed = [change("2024-06-07T00:00", assignee_id=OTHER_AGENT)] if number == 29 else []
        tags = ["spam"] if number == 26 else []
        collapsed = (
            {"id": number, "score": "bad"}
            if number == 21
            else {"id": 10, "score": "good"}
            if number == 30
            else None
        )
        desk.ticket(
            number, day("10:00"), *solved, *handed, assignee_id=AGENT, tags=tags, satisfaction_rating=collapsed,
            changed="2024-06-08T00:00", requester_id=100 + number,
        )  # fmt: skip
        desk.user(100 + number, "end-user")
    desk.survey(range(1, 6))
    desk.survey(range(1, 4), version=2, at="2024-06-06T00:00")

    def sent(ticket: int | None, *given: Any, **more: Any) -> None:
        desk.survey_response(ticket, day("12:00"), *given, **{"customer": 100 + (ticket or 0)} | more)

    # Worked example 18: the vendor collapses a 3 of 5 into a bad rating of the old kind.
    sent(21, 3, day("13:30"))
    desk.rating(21, "offered", day("12:00"))
    desk.rating(21, "bad", day("13:30"))
    sent(22, 5, day("13:30"), edited="2024-06-05T13:30")
    sent(23)
    sent(24, 5, "2024-08-01T00:00")
    sent(25, 1, day("13:30"), name="5555")
    sent(25, 5, day("13:30"), edited="2024-08-01T00:00", name="5555")
    sent(26, 5, day("13:30"))
    sent(27, 3, "2024-06-06T13:30", version=2, answer={"rating_category": "good"})
    sent(None, 4, day("13:30"))
    sent(29, 2, "2024-06-06T00:00")
    desk.rating(30, "offered", "2024-05-30T12:00")
    desk.rating(30, "good", "2024-06-05T12:00")
    aside = {"question": {"id": "Q2", "type": "rating_scale_numeric", "sub_type": "other"}}
    sent(31, 5, day("13:30"), answer=aside)
    skipped = {"type": "skipped", "rating": None, "rating_category": None}
    sent(32, 5, day("13:30"), answer=skipped)
    return desk


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("surveys"), rules=SEEDS)
    warehouse.land("typeform", "forms", FORMS, changed="last_updated_at")
    warehouse.land("typeform", "responses", RESPONSES, changed="submitted_at")
    for source, (kind, low, high, positive_from, scores, _) in SCALES.items():
        land_scores(warehouse, source, kind, (low, high, positive_from), scores)
    for source, ((promoters, passives, detractors), *_) in NPS.items():
        scores = [9, 10] * (promoters // 2) + [10] * (promoters % 2) + [8] * passives + [6] * detractors
        land_scores(warehouse, source, "nps", (0, 10, None), scores)
    for source, (positive, n, *_) in WILSON.items():
        land_scores(warehouse, source, "csat", (0, 1, 1), [1] * positive + [0] * (n - positive))
    desk().land(warehouse)
    surveyed().land(warehouse)
    land_weighted(warehouse)
    land_mailing(warehouse)
    warehouse.build("2024-07-01T00:00:00Z", select=MARTS)
    return warehouse


def csat(
    warehouse: Warehouse, dimension: str, member: str, columns: str = "n, csat_pct"
) -> list[tuple[Any, ...]]:
    return warehouse.query(
        f"select {columns} from marts.kpi_csat where period_grain = 'all' and dimension = '{dimension}' "
        f"and member = '{member}'"
    )


@pytest.mark.parametrize("source", SCALES)
def test_declared_scales(warehouse: Warehouse, source: str) -> None:
    assert csat(warehouse, "source", source) == [(5, SCALES[source][-1])]


@pytest.mark.parametrize(
    ("survey", "n", "percent"),
    [
        ("zero_to_four", 3, 200 / 3),
        ("yes_no", 5, 80),
        ("grouped", 2, 50),
        ("both", 3, 200 / 3),
        ("changing", 4, 75),
    ],
)
def test_scales_of_forms(warehouse: Warehouse, survey: str, n: int, percent: float) -> None:
    assert csat(warehouse, "survey", survey) == [(n, pytest.approx(percent))]


def test_top_two_of_five_and_a_seeded_scale(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select question_id, kind, is_headline, count(*), count(case when is_positive then 1 end) from "
        "marts.survey_answers "
        "where survey = 'stars' group by all order by 1"
    )
    assert rows == [
        ("aside", "csat", False, 2, 0),
        ("effort", "ces", True, 2, 0),
        ("five", "csat", True, 5, 3),
        ("hard", "csat", True, 4, 2),
    ]
    assert csat(warehouse, "survey", "stars") == [(9, pytest.approx(500 / 9))]


def test_a_score_outside_its_scale_is_a_rejected_row(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select source, stream, reason from marts.rejected_rows where reason like '%scale%' order by reason"
    )
    assert [(source, stream, reason.split(" is ")[0]) for source, stream, reason in rows] == [
        ("typeform", "survey_answers", "score 6.0"),
        ("typeform", "survey_answers", "score 9.0"),
    ]


def test_csat_in_a_form_is_no_nps(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select member, n, promoters, passives, detractors from marts.kpi_nps "
        "where period_grain = 'all' and dimension = 'survey' and member in ('both', 'scale_nps') order by 1"
    ) == [("both", 3, 1, 1, 1), ("scale_nps", 6, 2, 2, 2)]


def test_undeclared_questions_wait(warehouse: Warehouse) -> None:
    """Nor does a declaration that lacks something count, or one that the form's own scale contradicts."""
    assert warehouse.query(
        "select question_id, scale_min, scale_max, reason, answers from marts.unmapped_questions order by 1"
    ) == [
        ("Q2", None, None, "its kind is not declared", 1),
        ("eleven", 0, 10, "its kind is not declared", 1),
        ("loyal", 0, 10, "NPS needs a scale of 0 to 10", 3),
        # One of its answers, a face without a score.
        ("mood", 1, 3, "its answers have no scores", 1),
        ("silent", 0, 6, "CES needs a declared direction", 5),
        ("three", None, None, "its kind is not declared, its scale is not declared", 1),
    ]
    assert warehouse.query("select count(*) from marts.kpi_nps where member = 'one_to_five'") == [(0,)]


@pytest.mark.parametrize("source", NPS)
def test_nps_and_its_margin(warehouse: Warehouse, source: str) -> None:
    (promoters, passives, detractors), nps, margin = NPS[source]
    n = promoters + passives + detractors
    [row] = warehouse.query(
        "select n, promoters, passives, detractors, nps, margin, is_small_n from marts.kpi_nps "
        f"where period_grain = 'all' and dimension = 'source' and member = '{source}'"
    )
    assert row == (n, promoters, passives, detractors, nps, pytest.approx(margin, abs=0.01), n < 30)


@pytest.mark.parametrize("source", WILSON)
def test_wilson_bounds(warehouse: Warehouse, source: str) -> None:
    positive, n, low, high = WILSON[source]
    columns = "n, positive, round(ci_low_pct, 2), round(ci_high_pct, 2), is_small_n"
    assert csat(warehouse, "source", source, columns) == [(n, positive, low, high, n < 30)]


def test_helpdesk_ratings(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select ticket_id, is_positive, agent_id, strftime(sent_at, '%H:%M') from marts.survey_answers "
        "where source = 'desk' order by ticket_id"
    ) == [("1", True, str(AGENT), "12:00"), ("2", False, str(AGENT), None), ("4", False, str(AGENT), None)]
    assert csat(warehouse, "source", "desk") == [(3, pytest.approx(100 / 3))]


def test_ratings_and_surveys_of_a_helpdesk_that_changed_over(warehouse: Warehouse) -> None:
    """One rating per ticket, the survey's where there is one, as it stood at the as-of time."""
    rows = warehouse.query(
        "select ticket_id, score, scale_max, original_answer, is_positive, is_changed, agent_id, strftime(answered_at, '%d %H:%M') "
        "from marts.survey_answers where source = 'surveyed' and survey = 'helpdesk rating' "
        "order by try_cast(ticket_id as int) nulls last"
    )
    agent = str(AGENT)
    assert rows == [
        ("21", 3, 5, "3", False, False, agent, "04 13:30"),
        ("22", 5, 5, "5", True, True, agent, "05 13:30"),
        ("25", 1, 5, "1", False, False, agent, "04 13:30"),
        ("27", 3, 3, "3", True, False, agent, "06 13:30"),
        ("29", 2, 5, "2", False, False, agent, "06 00:00"),
        ("30", 1, 1, "good", True, False, agent, "05 12:00"),
        (None, 4, 5, "4", True, False, None, "04 13:30"),
    ]
    assert csat(warehouse, "source", "surveyed") == [(7, pytest.approx(400 / 7))]
    texts = "select count(*) from staging.stg_zendesk__survey_responses where cast(answers as varchar) like '%free text%'"
    assert warehouse.query(texts) == [(0,)]


def test_a_changed_rating_is_flagged(warehouse: Warehouse) -> None:
    """Worked example 18: offered, bad, good is one good rating that was changed; so is a form answered twice."""
    assert warehouse.query(
        "select source, ticket_id, is_changed from marts.survey_answers where source in ('desk', 'typeform') "
        "and ticket_id in ('1', '2', '6') and survey in ('helpdesk rating', 'by_ticket') order by 1, 2"
    ) == [("desk", "1", True), ("desk", "2", False), ("typeform", "1", True), ("typeform", "6", False)]


def test_the_answer_is_kept_as_it_was_given_and_the_rule_is_named(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select distinct survey, original_answer, score, rule, is_positive from marts.survey_answers "
        "where survey in ('yes_no', 'faces', 'zero_to_four', 'ten_from_8') and kind = 'csat' order by 1, 3"
    )
    assert rows == [
        ("faces", "\N{WHITE FROWNING FACE}", 1, "positive from 3", False),
        ("faces", "\N{NEUTRAL FACE}", 2, "positive from 3", False),
        ("faces", "\N{GRINNING FACE}", 3, "positive from 3", True),
        *(("ten_from_8", str(n), n, "positive from 8", n >= 8) for n in (6, 7, 8, 9, 10)),
        ("yes_no", "no", 0, "positive from 1", False),
        ("yes_no", "yes", 1, "positive from 1", True),
        *(("zero_to_four", str(n), n, "positive from 3", n >= 3) for n in (2, 3, 4)),
    ]
    assert csat(warehouse, "survey", "faces") == [(3, pytest.approx(100 / 3))]


def test_totals_weighed_by_the_segments_shares(warehouse: Warehouse) -> None:
    """Worked example 21: 90 % of 900 small customers and 50 % of 20 large ones, who are 9,000 and 1,000."""
    day = "period_grain = '{}' and dimension = 'all' and period_start = '{}'".format
    columns = "n, csat_pct, weighted_csat_pct, weighted_margin"
    rows = [
        warehouse.query(f"select {columns} from marts.kpi_csat where {day(*period)}")
        for period in (("day", "2023-03-15"), ("day", "2023-03-16"), ("month", "2024-06-01"))
    ]
    assert rows[0] == [(920, pytest.approx(89.13, abs=0.005), 86.0, pytest.approx(2.8131, abs=1e-4))]
    assert rows[1] == [(2, 100, None, None)]
    assert rows[2][0][2:] == (
        None,
        None,
    )  # since 2024 only SMB has customers, and none of them answered in June
    assert warehouse.query(
        f"select nps, weighted_nps, weighted_margin from marts.kpi_nps where {day('day', '2023-03-15')}"
    ) == [(pytest.approx(26.9231, abs=1e-4), pytest.approx(22), pytest.approx(16.1812, abs=1e-4))]
    assert warehouse.query(
        "select count(weighted_csat_pct) from marts.kpi_csat where dimension <> 'all'"
    ) == [(0,)]


def test_effort_has_a_direction(warehouse: Warehouse) -> None:
    columns = "n, easy, ces_pct, scale_max, direction, mean_score, median_score"
    where = "period_grain = 'all' and dimension = 'survey' and member = '{}'".format
    assert warehouse.query(f"select {columns} from marts.kpi_ces where {where('efforts')}") == [
        (5, 3, 60, 7, "higher_is_better", 4.6, 5)
    ]
    assert warehouse.query(f"select {columns} from marts.kpi_ces where {where('efforts_low')}") == [
        (4, 2, 50, 5, "lower_is_better", 2.75, 2.5)
    ]
    assert warehouse.query(
        "select n, easy, mean_score, scale_max from marts.kpi_ces where period_grain = 'all' and dimension = 'all'"
    ) == [(11, 6, None, None)]


def test_other_ratings_are_a_distribution(warehouse: Warehouse) -> None:
    where = "period_grain = 'month' and dimension = 'all' and survey = 'faces' and kind = '{}'".format
    rows = warehouse.query(
        f"select score, n, answers, share_pct from marts.kpi_distribution where {where('other')} order by 1"
    )
    assert rows == [(1, 1, 3, pytest.approx(100 / 3)), (3, 2, 3, pytest.approx(200 / 3))]
    assert warehouse.query(f"select count(*) from marts.kpi_distribution where {where('csat')}") == [(3,)]


RESPONSE = "sent, delivered, bounced, answered, round(response_rate_pct, 2), round(response_rate_sent_pct, 2), is_provisional"


def test_response_rate_by_the_month_of_sending(warehouse: Warehouse) -> None:
    """Worked example 22: 40 of 195 delivered and of 200 sent, though only 37 answers came in that month."""
    rows = warehouse.query(
        f"select period_start::text, {RESPONSE} from marts.kpi_survey_response where period_grain = 'month' "
        "and dimension = 'source' and member = 'mail' order by 1"
    )
    assert rows == [
        ("2023-10-01", 1, 1, 0, 0, 0.0, 0.0, False),
        ("2023-11-01", 3, 3, 0, 2, 66.67, 66.67, False),
        ("2024-04-01", 3, 3, 0, 3, 100.0, 100.0, False),
        ("2024-05-01", 200, 195, 5, 40, 20.51, 20.0, False),
        ("2024-06-01", 1, None, None, 0, None, 0.0, True),
    ]


def test_customers_asked_too_often(warehouse: Warehouse) -> None:
    """180 days should lie between two: 1 May to 20 June is too soon, 20 October to 2 May is not."""
    assert warehouse.query(
        "select invitation_id, is_too_soon from marts.survey_sends where source = 'mail' and previous_sent_at is not null "
        "order by 1"
    ) == [("i1", False), ("i203", True), ("i206", True)]
    assert warehouse.query(
        "select customers, sends_per_customer, too_soon from marts.kpi_survey_response where period_grain = 'all' "
        "and dimension = 'source' and member = 'mail'"
    ) == [(205, pytest.approx(208 / 205), 2)]


def test_what_a_helpdesk_asked(warehouse: Warehouse) -> None:
    """Offers and surveys are sends; an excluded ticket's is none, a skipped rating is no answer."""
    rows = warehouse.query(
        "select ticket_id, is_answered, is_delivered, hours from (select *, date_diff('minute', solved_at, sent_at) / 60 as hours "
        "from marts.survey_sends where source = 'surveyed') order by try_cast(ticket_id as int) nulls last"
    )
    assert rows == [
        *((str(n), n in (21, 22, 25, 27, 29), None, 1) for n in (21, 22, 23, 24, 25, 27, 29)),
        ("30", True, None, None),
        ("31", False, None, 1),
        ("32", False, None, 1),
        (None, True, None, None),
    ]
    [row] = warehouse.query(
        f"select {RESPONSE}, solve_to_send_median_hours, send_to_answer_median_hours from marts.kpi_survey_response "
        "where period_grain = 'day' and dimension = 'source' and member = 'surveyed' and period_start = '2024-06-04'"
    )
    # Answered after 1.5 (four of them), 36 and 49.5 hours.
    assert row == (10, None, None, 6, None, 60.0, True, 1, 1.5)
    assert warehouse.query("select count(*) from marts.survey_sends where source = 'typeform'") == [(0,)]


def test_the_latest_answer_of_a_ticket_counts(warehouse: Warehouse) -> None:
    """A later score outside the scale takes nothing away; what comes after the as-of time is not there."""
    assert warehouse.query(
        "select ticket_id, score from marts.survey_answers where survey = 'by_ticket' and ticket_id in "
        "('1', '2')"
    ) == [("1", 1.0)]


def test_where_a_segment_comes_from(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select ticket_id, segment from marts.survey_answers where survey = 'by_ticket' and score = 5"
    )
    assert dict(rows) == {"6": "hidden", "7": "field", "8": "large", "9": "seeded", "10": None}
    rows = warehouse.query(
        "select ticket_id, segment from marts.tickets where source = 'desk' and ticket_id::int > 5"
    )
    assert dict(rows) == {"6": "field", "7": "field", "8": "small", "9": "seeded", "10": None}


def test_a_dimension_of_ones_own(warehouse: Warehouse) -> None:
    """Region: the hidden field, the ticket's field, the organization when answered, nobody; a file's column."""
    rows = warehouse.query(
        "select a.ticket_id, d.member from marts.survey_answers as a inner join marts.answer_dimensions as d "
        "using (source, response_id, question_id) where a.survey = 'by_ticket' and score = 5"
    )
    assert dict(rows) == {"6": "north", "7": "south", "8": "of the large", "9": "(none)", "10": "(none)"}
    assert csat(warehouse, "region", "west") == [(920, pytest.approx(89.13, abs=0.005))]
    [(split, whole)] = warehouse.query(
        "select sum(case when dimension = 'region' then n end), sum(case when dimension = 'all' then n end) "
        "from marts.kpi_csat where period_grain = 'month'"
    )
    assert split == whole > 1000
    assert warehouse.query(
        "select count(*), sum(in_numerator::int) from marts.metric_members where kpi = 'kpi_csat' and "
        "list_contains(own_dimensions, 'region=west')"
    ) == [(920, 820)]
    assert warehouse.query(
        "select member, n from marts.kpi_nps where period_grain = 'quarter' and dimension = 'region' and "
        "period_start = '2023-01-01'"
    ) == [("(none)", 104)]


def test_a_tickets_dimension_of_ones_own(warehouse: Warehouse) -> None:
    """Region: the ticket's field, the organization when it was created, nobody; one row for each ticket."""
    rows = warehouse.query(
        "select ticket_id, member from marts.ticket_dimensions where source = 'desk' and ticket_id::int > 5"
    )
    assert dict(rows) == {"6": "south", "7": "south", "8": "of the small", "9": "(none)", "10": "(none)"}
    for bridge, records in {"ticket_dimensions": "tickets", "send_dimensions": "survey_sends"}.items():
        assert warehouse.query(
            f"select count(*) = (select count(*) from marts.{records}) from marts.{bridge}"
        ) == [(True,)]


def test_no_answer_is_null_and_not_zero(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select n, csat_pct, ci_low_pct, ci_high_pct, is_partial_period from marts.kpi_csat "
        "where period_grain = 'day' and dimension = 'all' and period_start = '2024-06-15'"
    ) == [(0, None, None, None, False)]
