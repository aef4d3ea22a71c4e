"""CSAT and NPS against examples worked out by hand, from forms, helpdesk ratings and exported files."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import AGENT, OTHER_AGENT, Account, change, comment, status, utc

COUNT = itertools.count(1)
ANSWERED = "2024-06-10T12:00"
SEEDS = {
    "segments.csv": (
        "source,organization_id,customer_id,segment,product,service_area,complexity\ndesk,6,,seeded,,,\n"
    ),
    "questions.csv": (
        "source,survey,question_id,kind,scale_min,scale_max,positive_from,direction,is_headline\n"
        "typeform,stars,hard,csat,1,10,8,higher_is_better,true\n"
        "typeform,stars,effort,ces,,,,lower_is_better,\n"
        "typeform,stars,aside,csat,,,,,false\n"
    ),
}
# files' scores: kind, lowest, highest, positive from, scores, expected CSAT in percent
SCALES = {
    "ten_from_9": ("csat", 1, 10, 9, [10, 9, 8, 7, 6], 40),
    "ten_from_8": ("csat", 1, 10, 8, [10, 9, 8, 7, 6], 60),
    "ten_from_7": ("csat", 1, 10, 7, [10, 9, 8, 7, 6], 80),
    "freshdesk": ("csat", -103, 103, 101, [103, 102, 101, 100, -103], 60),
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
    form_id: str, answers: Mapping[str, float | bool], at: str = ANSWERED, **hidden: str
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
) -> None:
    """Answers of an exported file, as its mapping lands them."""
    question = {
        "kind": kind,
        "id": "q",
        "survey": source,
        "scale_min": scale[0],
        "scale_max": scale[1],
        "positive_from": scale[2],
    }
    records = [
        {
            "_record_id": f"{n}/q",
            "values": {"response_id": str(n), "answered_at": utc(ANSWERED), "score": score},
            "errors": [],
            "reject": None,
            "mapping": {"name": source, "ticket": False, "declares": [], "question": question},
            "raw": {},
        }
        for n, score in enumerate(scores)
    ]
    warehouse.land("files", "survey_answers", records, source=source, changed=None)


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
]

RESPONSES = [
    *(response("stars", {"five": score}) for score in (5, 5, 4, 3, 2)),
    response("stars", {"five": 6}),
    *(response("stars", {"hard": score}) for score in (10, 8, 7, 6)),
    *(response("stars", {"effort": score, "aside": 1}) for score in (0, 6)),
    *(response("zero_to_four", {"scale": score}) for score in (4, 3, 2)),
    *(response("yes_no", {"yes": answer}) for answer in (True, True, True, True, False)),
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
    response("by_ticket", {"happy": 5}, ticket_id="6", segment="hidden"),
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
            "organizations", {"id": 5, "updated_at": utc(moment), "organization_fields": {"segment": segment}}
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
    field_value = {"custom_fields": [{"id": 77, "value": "field"}]}
    desk.ticket(6, day("10:00"), *solved, organization_id=5, **field_value)
    desk.ticket(7, day("10:00"), *solved, organization_id=5, **field_value)
    desk.ticket(8, day("10:00"), *solved, organization_id=5)
    desk.ticket(9, day("10:00"), *solved, organization_id=6)
    desk.ticket(10, day("10:00"), *solved, organization_id=7)
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
    warehouse.build("2024-07-01T00:00:00Z")
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
    assert warehouse.query(
        "select question_id, scale_min, scale_max, answers from marts.unmapped_questions order by 1"
    ) == [
        ("eleven", 0, 10, 1),
        ("three", 1, 3, 1),
    ]


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
    assert csat(warehouse, "survey", "helpdesk rating") == [(3, pytest.approx(100 / 3))]


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


def test_no_answer_is_null_and_not_zero(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select n, csat_pct, ci_low_pct, ci_high_pct, is_partial_period from marts.kpi_csat "
        "where period_grain = 'day' and dimension = 'all' and period_start = '2024-06-15'"
    ) == [(0, None, None, None, False)]
