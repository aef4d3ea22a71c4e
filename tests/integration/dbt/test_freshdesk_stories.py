"""Freshdesk's records as tickets, replies, targets and answers, worked out by hand; times in UTC, June 4th 2024 is a Tuesday.

The office is open from 8 am to 5 pm in New York: from 12:00 to 21:00 UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .freshdesk_records import (
    AGENT,
    CLOSED,
    CUSTOMER,
    FEEDBACK,
    FIRST_LEVEL,
    FORWARD,
    HIGH,
    NOTE,
    OTHER_AGENT,
    PHONE,
    RESOLVED,
    SECOND_LEVEL,
    Account,
)
from .warehouse import Warehouse

AS_OF = "2024-06-30T12:00:00Z"
MARTS = (
    "+completeness",
    "+excluded_tickets",
    "+kpi_bottlenecks",
    "+kpi_csat",
    "+kpi_effort",
    "+kpi_team",
    "+kpi_volume",
    "+reconciliation_summary",
    "+rejected_values",
    "+sla_targets",
    "+ticket_links",
    "+ticket_replies",
    "+ticket_states",
    "+unmapped_questions",
    "+publication",
)
DEMOTED, DELETED_AGENT, COLLEAGUE = 23, 24, 12
HOUR = 3600


def at(clock: str, day: int = 4) -> str:
    return f"2024-06-{day:02}T{clock}"


def account() -> Account:
    account = Account()
    office = {
        day: {"start_time": "8:00 am", "end_time": "5:00 pm"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    }
    account.add(
        "business_hours", 51, name="Default", is_default=True, business_hours=office,
        time_zone="Eastern Time (US & Canada)", holidays=[{"date": "2024-06-19", "name": "Juneteenth"}],
    )  # fmt: skip
    # Open around the clock.
    account.add("business_hours", 52, name="Always", is_default=False, business_hours=None, time_zone="UTC")
    account.add("groups", FIRST_LEVEL, name="First level", business_hour_id=None)
    account.add("groups", SECOND_LEVEL, name="Second level", business_hour_id=52)
    account.add("products", 61, name="Phone")
    account.add("companies", 41, name="Acme", custom_fields={"cf_segment": "enterprise"})
    account.add("ticket_fields", 71, name="cf_service_area", label="Service area", type="custom_dropdown")
    account.add(
        "ticket_fields", 72, name="status", label="Status", type="default_status",
        choices={"2": ["Open", "Being Processed"], "6": ["Waiting on Customer", "Awaiting your Reply"],
                 "8": ["Bei Lieferant (third party)", "In Arbeit"], "9": ["Geparkt", "In Arbeit"]},
    )  # fmt: skip
    account.add("contacts", COLLEAGUE, company_id=41)
    account.add("contacts", DEMOTED, at("00:00", 20))
    account.add("agents", DEMOTED, at("00:00", 1))
    # Gone before the first fetch: the notes that they left show what they were.
    account.add("contacts", DELETED_AGENT, deleted=True)

    # 1: a note and a forward are no replies; three quarters and one and a half hours were booked.
    account.ticket(
        1, at("13:00"), at("15:00"), RESOLVED, due_by="2024-06-04T16:00:00Z", fr_due_by="2024-06-04T14:00:00Z",
        company_id=41, product_id=61, custom_fields={"cf_service_area": "billing"},
        stats={"first_responded_at": at("13:30"), "resolved_at": at("15:00"), "status_updated_at": at("15:00")},
    )  # fmt: skip
    account.says(1, at("13:10"), source=NOTE, private=True)
    account.says(1, at("13:20"), source=FORWARD)
    account.says(1, at("13:30"))
    account.says(1, at("15:30"), CUSTOMER, FEEDBACK)
    account.add("time_entries", None, at("15:00"), ticket_id=1, agent_id=AGENT, time_spent="00:45")
    account.add("time_entries", None, at("15:00"), ticket_id=1, agent_id=AGENT, time_spent="01:30")

    # 2: nobody answered, and the vendor says that this is too late.
    account.ticket(
        2, at("13:00"), at("17:30"), fr_escalated=True, is_escalated=True,
        due_by="2024-06-04T17:00:00Z", fr_due_by="2024-06-04T14:00:00Z",
    )  # fmt: skip

    # 3: reopened before the first fetch: nobody knows when it was first resolved.
    account.ticket(
        3, at("13:00", 3), at("18:00"), RESOLVED, group_id=SECOND_LEVEL,
        stats={"resolved_at": at("18:00"), "reopened_at": at("10:00"), "status_updated_at": at("18:00")},
    )  # fmt: skip

    # 4: four nights of a ticket: passed on, resolved, reopened, resolved by closing it.
    history: list[tuple[str, int, dict[str, Any], dict[str, str | None]]] = [
        (at("14:00"), 2, {}, {"status_updated_at": at("13:00")}),
        (
            at("20:10"),
            RESOLVED,
            {"responder_id": OTHER_AGENT, "group_id": SECOND_LEVEL, "priority": HIGH},
            {"status_updated_at": at("20:00"), "resolved_at": at("20:00")},
        ),
        (
            at("12:00", 5),
            2,
            {"responder_id": OTHER_AGENT, "group_id": SECOND_LEVEL, "priority": HIGH},
            {"status_updated_at": at("12:00", 5), "reopened_at": at("12:00", 5)},
        ),
        (
            at("16:00", 5),
            CLOSED,
            {"responder_id": OTHER_AGENT, "group_id": SECOND_LEVEL, "priority": HIGH},
            {
                "status_updated_at": at("16:00", 5),
                "reopened_at": at("12:00", 5),
                "resolved_at": at("16:00", 5),
                "closed_at": at("16:00", 5),
            },
        ),
    ]
    for updated, status, fields, stats in history:
        account.ticket(4, at("13:00"), updated, status, stats=stats, **fields)

    # 5: an agent writes first; what answers the customer's answer is the first reply.
    account.ticket(5, at("13:00"), at("14:45"), CLOSED, source=10, stats={"closed_at": at("13:00")})
    account.says(5, at("14:00"), CUSTOMER)
    account.says(5, at("14:45"))
    # 6: a call; a public note counts as a reply. Codes and ids as texts.
    account.ticket(
        6, at("13:00"), at("13:40"), "3", source="3", priority="3", requester_id=str(CUSTOMER), responder_id=str(AGENT),
        stats={"first_responded_at": at("13:40"), "pending_since": at("13:40"), "status_updated_at": at("13:40")},
    )  # fmt: skip
    account.says(6, at("13:00"), source=PHONE, private=True)
    account.says(6, at("13:40"), source=NOTE)
    # 7 to 9: the account's own statuses; the clock of one that waits for somebody else stands still.
    account.ticket(
        7,
        at("13:00"),
        at("14:00"),
        6,
        due_by="2024-06-05T13:00:00Z",
        stats={"status_updated_at": at("14:00")},
    )
    account.ticket(8, at("13:00"), at("14:00"), 8, stats={"status_updated_at": at("14:00")})
    account.ticket(
        9,
        at("13:00"),
        at("14:00"),
        9,
        due_by="2024-06-05T13:00:00Z",
        stats={"status_updated_at": at("14:00")},
    )
    # 10: its conversations were not read yet: the vendor tells of a reply.
    account.ticket(10, at("13:00"), at("13:50"), stats={"first_responded_at": at("13:50")})
    # 11: replies of somebody who was an agent then, and of somebody whose notes say so; another contact's message is none.
    account.ticket(11, at("13:00"), at("15:00"))
    account.says(11, at("13:05"), COLLEAGUE)
    account.says(11, at("13:15"), DEMOTED)
    account.says(11, at("13:20"), DELETED_AGENT, NOTE, private=True)
    account.says(11, at("13:25"), DELETED_AGENT)

    # 21 to 25 do not count; 26 was taken back.
    account.ticket(21, at("13:00"), at("14:00"), stream="deleted_tickets", deleted=True, _deleted=True)
    account.ticket(22, at("13:00"), at("14:00"), stream="spam_tickets", spam=True)
    account.ticket(23, at("13:00"), at("14:00"), CLOSED, stats={"closed_at": at("14:00")})
    account.says(
        23, at("14:00"), source=NOTE, private=True, body_text="This ticket is closed and merged into ticket 1"
    )
    account.ticket(24, at("13:00"), at("14:00"))
    account.streams["tickets"].append({"id": 24, "updated_at": "2024-06-06T00:00:00Z", "_deleted": True})
    account.ticket(25, at("13:00"), at("14:00"), tags=["closed_by_merge"])
    account.ticket(26, at("13:00"), at("14:00"), stream="deleted_tickets", deleted=True, _deleted=True)
    account.ticket(26, at("13:00"), at("10:00", 6), association_type=2, associated_tickets_list=[1])
    account.says(1, at("14:00"), source=NOTE, private=True, body_text="Reply split to new ticket 27")
    account.ticket(27, at("14:00"), at("14:00"), association_type=4, associated_tickets_list=["2"])

    # Seven values, three of five are positive. Who was rated had the ticket then.
    for ticket, value in {1: 103, 2: 102, 3: "101", 4: 100, 6: -103}.items():
        account.rating(
            ticket, at("22:00", 5), {"default_question": value}, agent_id=AGENT, group_id=FIRST_LEVEL
        )
    account.rating(7, at("22:00", 5), {"default_question": 5}, agent_id=None, group_id=None)
    account.rating(8, at("22:00", 5), {"question_2": -102, "3": 103}, agent_id=AGENT, group_id=None)
    account.rating(21, at("22:00", 5), {"default_question": 103}, agent_id=AGENT, group_id=None)
    account.add(
        "surveys", 7, title="After a solve",
        questions=[{"id": "default_question", "label": "How was it?", "default": True},
                   {"id": 2, "label": "How easy was it?"}, {"id": "question_3", "label": "How fast?"}],
    )  # fmt: skip
    account.add("sla_policies", 81, name="Default", position="1")
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("stories"))
    account().land(warehouse)
    warehouse.build(AS_OF, select=MARTS)
    return warehouse


def test_every_record_is_staged(warehouse: Warehouse) -> None:
    assert warehouse.query("select stream from marts.publication where landed_rows <> staged_rows") == []
    assert warehouse.query("select field, value_shape, reason from marts.rejected_values") == [
        ("ratings", "aaaaaaa_aaaaaaaa: 9", "is unknown")
    ]


def test_what_counts(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select cast(ticket_id as integer), reason from marts.excluded_tickets order by 1"
    ) == [
        (21, "deleted"),
        (22, "spam"),
        (23, "merged"),
        (24, "deleted"),
        (25, "merged"),
    ]
    assert warehouse.query(
        "select created, solved from marts.kpi_volume where period_grain = 'all' and dimension = 'all'"
    ) == [(13, 4)]


@pytest.mark.parametrize(
    ("ticket", "first_reply", "origin", "replies"),
    [
        (1, HOUR / 2, "events", 1),
        (2, None, None, 0),
        (5, 1.75 * HOUR, "events", 1),
        (6, 2 / 3 * HOUR, "events", 1),
        (10, 5 / 6 * HOUR, "vendor", 1),
        (11, HOUR / 4, "events", 2),
    ],
)
def test_replies(
    warehouse: Warehouse, ticket: int, first_reply: float | None, origin: str | None, replies: int
) -> None:
    columns = "first_reply_seconds, first_reply_business_seconds, first_reply_origin, public_agent_replies"
    # All within the hours.
    assert warehouse.query(f"select {columns} from marts.tickets where ticket_id = '{ticket}'") == [
        (first_reply, first_reply, origin, replies)
    ]


@pytest.mark.parametrize(
    ("ticket", "first", "full", "business", "reopens"),
    [
        (1, 2, 2, 2, 0),
        # Of the second level, which is always open.
        (3, None, 29, 29, 1),
        (4, 7, 27, 27, 1),
    ],
)
def test_resolution(
    warehouse: Warehouse, ticket: int, first: float | None, full: float, business: float, reopens: int
) -> None:
    assert warehouse.query(
        "select first_resolution_seconds / 3600, full_resolution_seconds / 3600, full_resolution_business_seconds / 3600, reopens"
        f" from marts.tickets where ticket_id = '{ticket}'"
    ) == [(first, full, business, reopens)]


def test_what_nobody_tells_is_null(warehouse: Warehouse) -> None:
    """Between two versions more may have happened: no waits, no stages, no hand-overs."""
    columns = (
        "requester_wait_seconds", "agent_wait_seconds", "on_hold_seconds", "agent_work_seconds", "group_hops", "assignee_hops",
        "unassigned_seconds", "first_assignment_seconds",
    )  # fmt: skip
    counted = ", ".join(f"count({column})" for column in columns)
    assert warehouse.query(f"select {counted} from marts.tickets") == [(0,) * len(columns)]
    assert warehouse.query("select count(seconds) from marts.ticket_states") == [(0,)]
    assert warehouse.query("select count(*) from marts.kpi_bottlenecks where median_seconds is not null") == [
        (0,)
    ]


def test_states_are_those_of_the_versions(warehouse: Warehouse) -> None:
    """The status when the vendor dates it; who held it as of the version that shows it first, nobody knows since when."""
    rows = warehouse.query(
        "select strftime(started_at, '%d %H:%M'), is_start_known, status, priority, group_id, assignee_id"
        " from marts.ticket_states where ticket_id = '4' order by state_no"
    )
    before, after = ("normal", str(FIRST_LEVEL), str(AGENT)), ("high", str(SECOND_LEVEL), str(OTHER_AGENT))
    assert rows == [
        ("04 13:00", True, "open", None, None, None),
        ("04 13:00", False, "open", *before),
        ("04 20:00", True, "solved", *before),
        ("04 20:10", False, "solved", *after),
        ("05 12:00", True, "open", *after),
        ("05 16:00", True, "solved", *after),
        ("05 16:00", True, "closed", *after),
    ]


def test_own_statuses(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select ticket_id, status from marts.tickets where ticket_id in ('6', '7', '8', '9') order by ticket_id"
    ) == [("6", "pending"), ("7", "pending"), ("8", "hold"), ("9", "open")]


def test_targets(warehouse: Warehouse) -> None:
    """What is escalated is a breach, also where no reply is there to be late."""
    rows = warehouse.query(
        "select ticket_id, metric, outcome, due_at is null, ended_at is null, time_conflict from marts.sla_targets order by 1, 2"
    )
    assert rows == [
        ("1", "first_reply", "met", False, False, None),
        ("1", "total_resolution", "met", False, False, None),
        ("2", "first_reply", "breached", False, True, None),
        ("2", "total_resolution", "breached", False, True, None),
        ("7", "total_resolution", "active", True, True, None),
        ("9", "total_resolution", "breached", False, True, None),
    ]


def test_csat(warehouse: Warehouse) -> None:
    """Of the default question, three of five; the neutral one counts among all. Of a deleted ticket none does."""
    assert warehouse.query(
        "select n, positive, csat_pct from marts.kpi_csat where period_grain = 'all' and dimension = 'all'"
    ) == [(5, 3, 60)]
    assert warehouse.query(
        "select question_title, scale_min, scale_max, answers from marts.unmapped_questions order by 1"
    ) == [("How easy was it?", -103, 103, 1), ("How fast?", -103, 103, 1)]
    assert warehouse.query("select agent_id, group_id from marts.survey_answers where ticket_id = '4'") == [
        (str(AGENT), str(FIRST_LEVEL))
    ]


def test_attributes(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select segment, product, service_area, handle_seconds, channel from marts.tickets where ticket_id = '1'"
    ) == [("enterprise", "Phone", "billing", 2.25 * HOUR, "email")]


def test_links(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select ticket_id, relation, other_ticket_id from marts.ticket_links order by 1, 2"
    ) == [
        ("23", "merged_into", "1"),
        ("26", "split_from", "1"),
        ("27", "incident", "2"),
        ("27", "split_from", "1"),
    ]


def test_vendors_own_numbers_agree(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select measure, compared, rounding, unexplained from marts.reconciliation_summary order by measure"
    )
    assert {measure: counts for measure, *counts in rows} == {
        "first_reply": [3, 3, 0],
        "first_resolution": [2, 2, 0],
        "full_resolution": [4, 4, 0],
        "reopens": [5, 5, 0],
    }


def test_days_off_are_read_in_every_form_and_what_cannot_be_is_listed(tmp_path: Path) -> None:
    """A list, days by their names, pairs; one without a year is one of every year."""
    told: list[tuple[dict[str, Any], list[str]]] = [
        ({"holidays": [{"date": "2024-06-19", "name": "Juneteenth"}, {"date": "19 June"}, {}]}, ["2024-06-19"]),
        ({"holidays": {"Juneteenth": "2024-06-19", "Leap day": "--02-29", "Never": "--02-30"}}, ["2024-02-29", "2024-06-19"]),
        ({"holidays": [], "list_of_holidays": [{"holiday_date": "--12-25"}]}, ["2024-12-25"]),
        ({"holiday_data": [["2024-01-01", "New Year"], ["16 Jan", "MLK"]]}, ["2024-01-01"]),
        ({"holidays": "none"}, []),
        ({}, []),
    ]  # fmt: skip
    account = Account()
    for number, (form, _) in enumerate(told):
        account.add("business_hours", 50 + number, name="x", time_zone="UTC", business_hours={}, **form)
    warehouse = Warehouse(tmp_path / "days_off")
    account.land(warehouse)
    warehouse.build(AS_OF, select=["+int_schedules", "+rejected_values"])
    rows = warehouse.query(
        "select s.schedule_id, list_sort(list(h.start_date) filter (h.start_date = h.end_date and h.start_date like '2024%'))"
        " from (select schedule_id, unnest(holidays) as h from core.int_schedules) as s group by 1 order by 1"
    )
    assert rows == [(str(50 + number), days) for number, (_, days) in enumerate(told) if days]
    years = (
        "select len(holidays) from core.int_schedules where schedule_id in ('51', '52') order by schedule_id"
    )
    assert warehouse.query(years) == [(13 + 1,), (51,)]
    assert warehouse.query("select record_id, field, reason from marts.rejected_values order by 1") == [
        (str(number), "holidays", "is no day") for number in (50, 51, 53)
    ]


def test_one_time_of_two_statuses_is_the_firsts(tmp_path: Path) -> None:
    """The other came by the version that tells it, nobody knows when, in whatever order they landed."""
    account = Account()
    changed = {"status_updated_at": at("15:00"), "resolved_at": at("15:00")}
    account.ticket(1, at("13:00"), at("17:00"), stats=changed)
    account.ticket(1, at("13:00"), at("15:00"), RESOLVED, stats=changed)
    warehouse = Warehouse(tmp_path / "times")
    account.land(warehouse)
    warehouse.build(AS_OF, select=["+int_ticket_events"])
    assert warehouse.query(
        "select strftime(event_at, '%H:%M'), value, is_time_known from core.int_ticket_events where kind = 'status' order by event_no"
    ) == [("13:00", "open", True), ("15:00", "solved", True), ("17:00", "open", False)]


def test_nobody_dates_a_tag_that_the_first_fetch_found(tmp_path: Path) -> None:
    """Whether a customer was called in time is known of answers since; nobody who has a tag is on the list of whom to call."""
    account, called, unhappy = Account(), ["followed_up"], {"default_question": -103}
    account.ticket(1, at("13:00"), at("10:00", 8), tags=called)
    account.ticket(2, at("13:00"), at("10:00", 8))
    account.ticket(3, at("13:00"), at("10:00", 9))
    for ticket in (1, 2):
        account.rating(ticket, at("22:00", 5), unhappy)
    warehouse = Warehouse(tmp_path / "tags")
    account.land(warehouse, "2024-06-10T02:00:00Z")
    account.ticket(3, at("13:00"), at("09:00", 11), tags=called)
    account.ticket(4, at("12:00", 10), at("20:00", 11), tags=called)
    account.rating(3, at("10:00", 10), unhappy)
    account.rating(4, at("10:00", 11), unhappy)
    account.land(warehouse, "2024-06-12T02:00:00Z")
    warehouse.build(AS_OF, select=["+kpi_follow_up", "+worklist"])
    assert warehouse.query(
        "select ticket_id, outcome, hours_to_contact, is_told from marts.follow_ups order by ticket_id"
    ) == [
        ("1", "contacted_undated", None, False),
        ("2", "overdue", None, False),
        ("3", "contacted_in_time", 23, True),
        ("4", "contacted_in_time", 10, True),
    ]
    kpi = "select flagged, due, in_time_pct from marts.kpi_follow_up where period_grain = 'all' and dimension = 'all'"
    assert warehouse.query(kpi) == [(2, 2, 100)]
    assert warehouse.query("select ticket_id from marts.worklist where what = 'not_satisfied'") == [("2",)]
