"""Detractors and bad ratings from landing to follow-up: due, contacted, recovered, and who and what apart."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import duckdb
import pytest

from .test_worked_examples_surveys import field, form, land_scores, response
from .warehouse import Warehouse
from .zendesk_records import AGENT, NEW_YORK, OFFICE, OTHER_AGENT, SYSTEM, Account, change, comment, status

AS_OF = "2024-06-30T12:00:00Z"
CREATED, SOLVED = "2024-06-03T12:00", "2024-06-04T08:00"
SEEDS = {
    "follow_up_policies.csv": (
        "kind,segment,hours,is_business_hours,valid_from,valid_to,horizon_days\n"
        ",,48,false,2024-01-01,,\n,,24,false,,2024-01-01,\n,Enterprise,4,true,,,\n"
    ),
    "follow_up_tags.csv": "source,tag\ndesk,called\n",
    "segments.csv": (
        "source,organization_id,customer_id,segment,product,service_area,complexity\ndesk,,12,Enterprise,,,\n"
    ),
}


def tagged(at: str, *, now: list[str], added: list[str]) -> object:
    return change(at, OTHER_AGENT, tags=now, added_tags=added, removed_tags=[])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Each ticket's customer is ten more than the ticket."""
    warehouse = Warehouse(tmp_path_factory.mktemp("follow_ups"), rules=SEEDS)
    desk = Account("desk")
    desk.schedule(1, NEW_YORK, OFFICE)

    def rated(ticket_id: int, at: str, *happenings: object, score: str = "bad", **fields: object) -> None:
        customer = ticket_id + 10
        desk.user(customer, "end-user", name=f"Customer {customer}", email=f"c{customer}@example.com")
        desk.ticket(
            ticket_id,
            CREATED,
            comment("2024-06-03T13:00"),
            status(SOLVED, "solved"),
            *happenings,  # type: ignore[arg-type]
            requester_id=customer,
            opened_by=customer,
            changed="2024-06-29T12:00",
            satisfaction_rating={"score": score},
        )
        desk.rating(ticket_id, score, at, customer=customer, **fields)

    # A private note, the customer and a trigger are no contact; the reply ten hours after the answer is.
    rated(
        1,
        "2024-06-04T10:00",
        comment("2024-06-04T11:00", public=False),
        comment("2024-06-04T12:00", 11),
        comment("2024-06-04T13:00", SYSTEM, channel="rule"),
        comment("2024-06-04T20:00", OTHER_AGENT),
        comment("2024-06-05T20:00", AGENT),
        comment="Never got an answer, O'Neill",
    )
    # Friday 16:00 in New York: one hour that day, three on Monday, so until 16:00 UTC. An agent wrote a minute before.
    rated(2, "2024-06-07T20:00")
    desk.ticket(50, "2024-06-10T15:59", requester_id=12, opened_by=AGENT, changed="2024-06-29T12:00")
    # The customer's own next ticket is none of ours; the tag comes after 72 hours.
    rated(4, "2024-06-04T10:00", tagged("2024-06-07T10:00", now=["vip", "called"], added=["called"]))
    desk.ticket(51, "2024-06-05T10:00", requester_id=14, opened_by=14, changed="2024-06-29T12:00")
    # Another tag, and the right one before the answer, say nothing.
    rated(
        5,
        "2024-06-04T10:00",
        tagged("2024-06-04T09:00", now=["called"], added=["called"]),
        tagged("2024-06-05T09:00", now=["called", "vip"], added=["vip"]),
    )
    rated(6, "2024-06-29T12:00")
    rated(7, "2024-06-04T10:00", score="good")
    # A tag that only the audits tell.
    rated(8, "2024-06-04T10:00")
    for audit, at, before, after in (
        (9001, "2024-06-05T10:00", [], ["vip"]),
        (9002, "2024-06-06T09:00", ["vip"], ["vip", "called"]),
    ):
        desk.add(
            "ticket_audits",
            {
                "id": audit,
                "ticket_id": 8,
                "created_at": f"{at}:00Z",
                "updated_at": f"{at}:00Z",
                "author_id": AGENT,
                "events": [
                    {
                        "id": audit * 10,
                        "type": "Change",
                        "field_name": "tags",
                        "value": after,
                        "previous_value": before,
                    }
                ],
            },
        )
    # A survey of the newer kind, in words, about ticket 9.
    desk.user(19, "end-user", name="Customer 19", email="c19@example.com")
    desk.ticket(9, CREATED, status(SOLVED, "solved"), requester_id=19, opened_by=19)
    desk.survey([1, 2, 3, 4, 5])
    desk.survey_response(9, "2024-06-04T10:00", 1, "2024-06-04T11:00", customer=19)
    desk.land(warehouse)

    # NPS by form: 3, later 6 (still a detractor), later 9; a promoter; a detractor of whom an address is known, in 2023.
    warehouse.land(
        "typeform", "forms", [form("loyal", field("l", "nps", "Recommend?"))], changed="last_updated_at"
    )
    answers = [
        response("loyal", {"l": 3}, "2024-04-01T10:00", customer_id="11"),
        response("loyal", {"l": 6}, "2024-05-01T10:00", customer_id="11"),
        response("loyal", {"l": 9}, "2024-06-01T10:00", customer_id="11"),
        response("loyal", {"l": 10}, "2024-06-01T10:00", customer_id="12"),
        response("loyal", {"l": 0}, "2023-06-01T10:00"),
    ]
    answers[-1]["answers"] += [
        {"field": {"id": "why"}, "type": "text", "text": "Too slow"},
        {"field": {"id": "mail"}, "type": "email", "email": "left@example.com"},
        {"field": {"id": "else"}, "type": "text", "text": "and too dear"},
    ]
    # A response that comes twice in a batch is one, the later.
    earlier = copy.deepcopy(answers[-1])
    earlier["answers"][1]["text"] = "Slow"
    warehouse.land("typeform", "responses", [earlier, *answers], changed="submitted_at")
    # A file: satisfaction without a date cannot be due.
    undated = {"answered_at": None, "comment": "in the file"}
    land_scores(warehouse, "filed", "csat", (1, 5, None), [1, 5], stated=[undated, undated])
    warehouse.build(AS_OF, restricted=True)
    yield warehouse


def test_when_contact_is_due_and_how_it_was_made(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select ticket_id, segment, strftime(due_at, '%m-%d %H:%M'), contact_kind, strftime(contacted_at, '%m-%d %H:%M'), "
        "contact_ticket_id, contact_agent_id, round(hours_to_contact, 2), outcome from marts.follow_ups "
        "where source = 'desk' order by ticket_id"
    )
    assert rows == [
        ("1", None, "06-06 10:00", "reply", "06-04 20:00", "1", str(OTHER_AGENT), 10, "contacted_in_time"),
        ("2", "Enterprise", "06-10 16:00", "outbound_ticket", "06-10 15:59", "50", str(AGENT), 67.98, "contacted_in_time"),
        ("4", None, "06-06 10:00", "tag", "06-07 10:00", "4", str(OTHER_AGENT), 72, "contacted_late"),
        ("5", None, "06-06 10:00", None, None, None, None, None, "overdue"),
        ("6", None, "07-01 12:00", None, None, None, None, None, "open"),
        ("8", None, "06-06 10:00", "tag", "06-06 09:00", "8", str(AGENT), 47, "contacted_in_time"),
        ("9", None, "06-06 11:00", None, None, None, None, None, "overdue"),
    ]  # fmt: skip


def test_who_and_why(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select kind, reason, score, customer_id, agent_id, promised_hours, is_business_hours "
        "from marts.follow_ups where ticket_id = '2'"
    ) == [("csat", "not_satisfied", 0, "12", str(AGENT), 4, True)]
    assert warehouse.query(
        "select source, reason, score, strftime(due_at, '%Y-%m-%d'), outcome from marts.follow_ups "
        "where source <> 'desk' order by 1, flagged_at"
    ) == [
        ("filed", "not_satisfied", 1, None, "unreachable"),
        ("typeform", "detractor", 0, "2023-06-02", "overdue"),
        ("typeform", "detractor", 3, "2024-04-03", "overdue"),
        ("typeform", "detractor", 6, "2024-05-03", "overdue"),
    ]


def test_recovery_is_the_next_score(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select score, next_score, score_change, is_recovered, strftime(next_answered_at, '%Y-%m') from marts.follow_ups "
        "where kind = 'nps' order by flagged_at"
    ) == [(0, None, None, None, None), (3, 6, 3, False, "2024-05"), (6, 9, 3, True, "2024-06")]


def test_the_kpi_counts_the_rows(warehouse: Warehouse) -> None:
    columns = (
        "kind, flagged, due, contacted_in_time, contacted_late, overdue, round(in_time_pct, 2), contacted, "
        "round(median_hours_to_contact, 2), scored_again, recovered, recovered_pct, is_small_n"
    )
    where = "period_grain = '{}' and dimension = '{}' and member = '{}'".format
    rows = warehouse.query(
        f"select {columns} from marts.kpi_follow_up where {where('all', 'all', 'all')} order by kind"
    )
    # Of eight bad ratings 6 is open and the file's is by nobody; hours 10, 47, 67.98 and 72.
    assert rows == [
        ("csat", 8, 6, 3, 1, 2, 50, 4, 57.49, 0, 0, None, True),
        ("nps", 3, 3, 0, 0, 3, 0, 0, None, 2, 1, 50, True),
    ]
    assert warehouse.query(
        f"select {columns} from marts.kpi_follow_up where {where('day', 'segment', 'Enterprise')}"
    ) == [("csat", 1, 1, 1, 0, 0, 100, 1, 67.98, 0, 0, None, True)]
    assert warehouse.query(
        "select sum(flagged) from marts.kpi_follow_up where period_grain = 'month' and dimension = 'all'"
    ) == [(10,)]
    assert warehouse.query(
        "select (select sum(detractors) from marts.kpi_nps where period_grain = 'all' and dimension = 'all'), "
        "(select sum(n - positive) from marts.kpi_csat where period_grain = 'all' and dimension = 'all')"
    ) == [(3, 8)]


def test_names_and_comments_stand_apart(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select source, ticket_id, customer_name, customer_email, comment from restricted.follow_ups_restricted "
        "where ticket_id in ('1', '5', '9') or source = 'filed' or (source = 'typeform' and customer_id is null) "
        "order by source, ticket_id"
    )
    assert rows == [
        ("desk", "1", "Customer 11", "c11@example.com", "Never got an answer, O'Neill"),
        ("desk", "5", "Customer 15", "c15@example.com", None),
        ("desk", "9", "Customer 19", "c19@example.com", "free text"),
        ("filed", None, None, None, "in the file"),
        ("typeform", None, None, "left@example.com", "Too slow\nand too dear"),
    ]
    # A form's customer is named by the helpdesk that knows the id.
    assert warehouse.query(
        "select distinct customer_name from restricted.follow_ups_restricted where source = 'typeform' "
        "and customer_id = '11'"
    ) == [("Customer 11",)]


def test_nothing_but_the_restricted_schema_holds_them(warehouse: Warehouse) -> None:
    """Neither staging nor core nor a mart keeps a name, an address or a comment."""
    texts = ("O'Neill", "Customer 1", "@example.com", "Too slow", "in the file", "free text")
    sought = " or ".join(f"contains(text, '{text.replace(chr(39), chr(39) * 2)}')" for text in texts)
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        names = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name not in ('restricted', 'control', 'rules')"
        ).fetchall()
        assert len(names) > 50
        found = [
            (schema, table)
            for schema, table in names
            if connection.execute(
                f'select 1 from (select cast(t as varchar) as text from {schema}."{table}" as t) where {sought} limit 1'
            ).fetchall()
        ]
    assert found == []
