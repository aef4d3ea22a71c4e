"""Tickets, replies and targets against examples worked out by hand, all on one Tuesday, times in UTC."""

from __future__ import annotations

from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import (
    AGENT,
    CUSTOMER,
    NEW_YORK,
    OFFICE,
    OTHER_AGENT,
    OWN_TARGET_COLUMNS,
    SYSTEM,
    Account,
    change,
    comment,
    status,
)

BOT, DEMOTED, DELETED, UNKNOWN, COPIED = 10, 11, 12, 13, 14

OWN_TARGETS = f"""{OWN_TARGET_COLUMNS}
raised,first_reply,normal,normal,,,,,480,true,,
raised,first_reply,urgent,urgent,,,,,60,true,,
pausing,agent_work,work,,,,,,200,false,,
pausing,requester_wait,wait,,,,,,200,false,,
pausing,total_resolution,full,,,,,,360,false,,
next_reply,next_reply,next,,,,,,60,false,,
unreplied,first_reply,reply,,,,,,180,false,,
no_priority,first_reply,normal,normal,,,,,60,false,,
mixed,total_resolution,own,,,,,,120,false,,
mixed,first_reply,own,,,,,,10,false,,
declared,first_reply,own,,,,,,10,false,,
declared,total_resolution,own,,,,,,120,false,,
exact,first_reply,any,,,,,,60,false,,
exact,first_reply,mail,,,,email,,30,false,,
exact,first_reply,old,,,,email,,10,false,,2024-06-04
"""
MARTS = (
    "+excluded_tickets",
    "+kpi_backlog",
    "+kpi_bottlenecks",
    "+kpi_effort",
    "+kpi_first_contact",
    "+kpi_response_times",
    "+kpi_sla_compliance",
    "+kpi_volume",
    "+ticket_replies",
)


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def raised(source: str) -> Account:
    """Normal at first, urgent from 15:00; 09:00 in New York is 13:00."""
    account = Account(source)
    account.schedule(1, NEW_YORK, OFFICE)
    account.ticket(
        1, at("13:00"), change(at("15:00"), priority="urgent"), comment(at("15:30")), priority="normal"
    )
    return account


def accounts() -> list[Account]:
    own = raised("raised")

    vendor = raised("raised_vendor")
    vendor.clock(1, "reply_time", at("13:00"), "activate")
    vendor.apply_sla(1, "reply_time", at("13:00"), 480, policy="normal", business=True)
    vendor.apply_sla(1, "reply_time", at("15:00"), 60, policy="urgent", business=True)
    vendor.clock(1, "reply_time", at("15:00"), "breach")
    vendor.clock(1, "reply_time", at("15:30"), "fulfill")

    withdrawn = Account("withdrawn")
    withdrawn.ticket(1, at("10:00"), comment(at("12:00")), priority="normal")
    withdrawn.clock(1, "reply_time", at("10:00"), "activate")
    withdrawn.apply_sla(1, "reply_time", at("10:00"), 180, policy="normal")
    withdrawn.clock(1, "reply_time", at("11:00"), "apply_sla", sla=None)
    withdrawn.clock(1, "reply_time", at("12:00"), "fulfill")
    # A deleted clock event is none.
    withdrawn.ticket(2, at("10:00"), comment(at("12:00")), priority="normal")
    withdrawn.clock(2, "reply_time", at("10:00"), "activate")
    withdrawn.apply_sla(2, "reply_time", at("10:00"), 180, policy="normal")
    withdrawn.clock(2, "reply_time", at("11:00"), "breach", deleted=True)
    withdrawn.clock(2, "reply_time", at("12:00"), "fulfill")

    note = Account("note_fulfils")
    note.ticket(1, at("10:00"), comment(at("10:05"), public=False), comment(at("10:30")), priority="normal")
    note.clock(1, "reply_time", at("10:00"), "activate")
    note.apply_sla(1, "reply_time", at("10:00"), 15, policy="notes count")
    note.clock(1, "reply_time", at("10:05"), "fulfill")

    pausing = Account("pausing")
    pausing.ticket(
        1,
        at("13:00"),
        status(at("13:30"), "open"),
        status(at("14:00"), "pending"),
        status(at("16:00"), "open"),
        status(at("17:00"), "hold"),
        status(at("18:00"), "open"),
        status(at("19:00"), "solved"),
        status("2024-06-08T19:00", "closed"),
    )

    next_reply = Account("next_reply")
    next_reply.ticket(
        1,
        at("10:00"),
        comment(at("10:30")),
        comment(at("11:00"), CUSTOMER),
        comment(at("11:40"), CUSTOMER),
        comment(at("12:10")),
        comment(at("12:20")),
    )

    replies = Account("replies")
    replies.user(BOT, "agent")
    replies.user(DEMOTED, "agent")
    replies.user(DEMOTED, "end-user", at="2024-06-10T00:00")
    replies.user(DELETED, "agent")
    replies.user(DELETED, "end-user", at="2024-06-10T00:00", active=False)
    replies.ticket(
        1,
        at("10:00"),
        comment(at("10:00:05"), SYSTEM),
        comment(at("10:05"), public=False),
        comment(at("10:30")),
    )
    replies.ticket(2, at("10:00"), comment(at("10:20"), CUSTOMER), comment(at("10:50")), opened_by=AGENT)
    replies.ticket(3, at("10:00"), comment(at("10:30"), DEMOTED), comment(at("11:00")))
    replies.ticket(4, at("10:00"), comment(at("10:30"), DELETED), comment(at("11:00")))
    replies.ticket(5, at("10:00"), comment(at("10:30"), UNKNOWN), comment(at("11:00")))
    replies.ticket(
        6, at("10:00"), comment(at("10:30"), COPIED), comment(at("11:00")), collaborator_ids=[COPIED]
    )
    replies.ticket(7, at("10:00"), comment(at("10:30"), BOT), comment(at("11:00")))
    replies.ticket(8, at("10:00"), comment(at("10:30"), channel="rule"), comment(at("11:00")))

    unreplied = Account("unreplied")
    unreplied.ticket(1, at("10:00"), comment(at("10:30")))
    unreplied.ticket(2, at("10:00"))
    unreplied.ticket(3, at("10:00"), status(at("12:00"), "solved"))

    reopened = Account("reopened")
    reopened.ticket(
        1,
        at("10:00"),
        status(at("12:00"), "solved"),
        status(at("14:00"), "open", CUSTOMER),
        status(at("17:00"), "solved"),
        status("2024-06-08T17:00", "closed"),
    )
    reopened.ticket(2, at("10:00"), status(at("11:00"), "closed"))

    population = Account("population")
    population.ticket(1, at("10:00"))
    population.ticket(
        2, at("10:00"), change(at("10:10"), tags=["closed_by_merge"]), status(at("10:10"), "closed")
    )
    population.ticket(3, at("10:00"), tags=["spam", "other"])
    population.ticket(4, at("10:00"), status(at("11:00"), "deleted"))
    population.ticket(5, at("10:00"), status(at("11:00"), "deleted"))
    restored = dict(population.streams["tickets"][-1])
    population.event(5, status(at("12:00"), "open"))
    population.add("tickets", restored | {"status": "open", "updated_at": f"{at('12:00')}:00Z"})

    population.ticket(6, at("10:00"), status(at("11:00"), "solved"), status(at("12:00"), "deleted"))
    restored = dict(population.streams["tickets"][-1])
    population.event(6, status(at("13:00"), "solved"))
    population.add("tickets", restored | {"status": "solved", "updated_at": f"{at('13:00')}:00Z"})

    touches = Account("touches")
    for replied in range(3):
        answers = [comment(at(f"10:{n + 1}0")) for n in range(replied)]
        touches.ticket(replied, at("10:00"), *answers, status(at("12:00"), "solved"))
    touches.ticket(9, at("10:00"), comment(at("10:30")))

    no_priority = Account("no_priority")
    no_priority.ticket(1, at("10:00"), comment(at("10:30")))
    no_priority.ticket(2, at("10:00"), comment(at("10:30")), priority="normal")
    # Given a priority late: the target stands from then on, on the clock that ran from the start.
    no_priority.ticket(3, at("10:00"), change(at("10:20"), priority="normal"), comment(at("10:30")))

    exact = Account("exact")
    exact.ticket(1, at("10:00"), comment(at("10:30")))
    exact.ticket(2, at("10:00"), comment(at("10:30:01")))
    exact.ticket(3, at("10:00"), comment(at("10:30")), via={"channel": "web"})

    # The vendor judges first replies only.
    mixed = Account("mixed")
    mixed.ticket(1, at("10:00"), comment(at("10:30")), status(at("12:00"), "solved"))
    mixed.clock(1, "reply_time", at("10:00"), "activate")
    mixed.apply_sla(1, "reply_time", at("10:00"), 60, policy="vendor's")
    mixed.clock(1, "reply_time", at("10:30"), "fulfill")

    spread = Account("spread")
    for seconds in (10, 20, 30, 40, 1000):
        spread.ticket(seconds, at("10:00"), comment(at(f"10:{seconds // 60:02}:{seconds % 60:02}")))

    handed_over = Account("handed_over")
    handed_over.ticket(
        1,
        at("10:00"),
        change(at("10:10"), assignee_id=OTHER_AGENT, group_id=8),
        status(at("12:00"), "solved"),
        assignee_id=AGENT,
        group_id=7,
    )
    handed_over.ticket(2, at("10:00"), change(at("10:10"), assignee_id=None), assignee_id=AGENT, group_id=7)

    queues = Account("queues")
    queues.schedule(1, "UTC", OFFICE)
    queues.ticket(
        1,
        at("08:00"),
        change(at("10:00"), status="open", assignee_id=AGENT),
        change(at("11:00"), group_id=8, assignee_id=None),
        change(at("12:30"), SYSTEM, assignee_id=OTHER_AGENT),
        comment(at("13:00"), OTHER_AGENT, public=False),
        change(at("14:00"), OTHER_AGENT, priority="high"),
        status(at("15:00"), "pending", OTHER_AGENT),
        status(at("16:00"), "open", CUSTOMER),
        change(at("16:30"), OTHER_AGENT, group_id=7, assignee_id=AGENT),
        comment(at("17:20"), public=True),
        status(at("17:30"), "solved"),
        priority="normal",
        group_id=7,
    )
    queues.ticket(2, at("10:00"))
    tracked = [{"id": 79, "value": "90"}, {"id": 78, "value": "12"}]
    queues.ticket(3, at("10:00"), status(at("12:00"), "solved"), custom_fields=tracked)
    tracker = {"id": 79, "title": "Total time spent (sec)", "updated_at": "2024-01-01T00:00:00Z"}
    queues.add("ticket_fields", tracker)

    piled = Account("piled")
    piled.ticket(
        1,
        "2024-06-01T10:00",
        status("2024-06-03T10:00", "solved"),
        status("2024-06-05T10:00", "open", CUSTOMER),
        status("2024-06-07T10:00", "closed"),
    )

    return [
        own,
        vendor,
        withdrawn,
        note,
        pausing,
        next_reply,
        replies,
        unreplied,
        reopened,
        population,
        touches,
        no_priority,
        exact,
        mixed,
        spread,
        handed_over,
        queues,
        piled,
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    bots = f"source,user_id,is_bot,within_seconds,min_tickets\nreplies,{BOT},,,\n"
    rules = {"own_sla_targets.csv": OWN_TARGETS, "bots.csv": bots}
    warehouse = Warehouse(tmp_path_factory.mktemp("tickets"), rules=rules)
    for account in accounts():
        account.land(warehouse)
    declared = {
        "values": {
            "ticket_id": "1",
            "created_at": f"{at('10:00')}:00Z",
            "first_reply_at": f"{at('10:30')}:00Z",
            "resolved_at": f"{at('12:00')}:00Z",
            "status": "solved",
            "handle_seconds": 120,
            "sla": [
                {
                    "metric": "first_reply",
                    "due_at": f"{at('11:00')}:00Z",
                    "ended_at": f"{at('10:30')}:00Z",
                    "verdict": None,
                }
            ],
        },
        "errors": [],
        "reject": None,
        "mapping": {
            "name": "declared",
            "ticket": True,
            "declares": ["first_reply_at", "resolved_at"],
            "question": None,
        },
        "raw": {},
    }
    warehouse.land("files", "tickets", [declared | {"_record_id": "1"}], source="declared", changed=None)
    warehouse.build("2024-06-30T00:00:00Z", select=MARTS)
    return warehouse


def tickets(warehouse: Warehouse, source: str, columns: str) -> list[tuple[Any, ...]]:
    return warehouse.query(
        f"select {columns} from marts.tickets where source = '{source}' order by ticket_id"
    )


def targets(warehouse: Warehouse, source: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows of sla_targets, times as hh:mm."""
    times = {
        name: f"strftime({name}, '%H:%M')" for name in ("applied_at", "due_at", "ended_at", "breached_at")
    }
    selected = ", ".join(times.get(column, column) for column in columns.split(", "))
    order = "order by metric, ticket_id, marts.sla_targets.applied_at"
    return warehouse.query(f"select {selected} from marts.sla_targets where source = '{source}' {order}")


@pytest.mark.parametrize("source", ["raised", "raised_vendor"])
def test_a_raised_priority_supersedes_and_breaches_when_it_is_applied(
    warehouse: Warehouse, source: str
) -> None:
    columns = "policy, priority, applied_at, due_at, ended_at, outcome, breached_at"
    normal, urgent = targets(warehouse, source, columns)
    assert normal == ("normal", "normal", "13:00", "21:00", "15:00", "superseded", None)
    assert urgent == ("urgent", "urgent", "15:00", "14:00", "15:30", "breached", "15:00")
    assert targets(warehouse, source, "elapsed_seconds / 60") == [(120,), (150,)]
    assert warehouse.query(
        "select met, breached, active, attainment_pct from marts.kpi_sla_compliance "
        f"where period_grain = 'all' and dimension = 'source' and member = '{source}'"
    ) == [(0, 1, 0, 0.0)]


def test_a_withdrawn_target_is_cancelled_and_a_deleted_breach_is_none(warehouse: Warehouse) -> None:
    assert targets(warehouse, "withdrawn", "ticket_id, outcome, ended_at") == [
        ("1", "cancelled", "11:00"),
        ("2", "met", "12:00"),
    ]


def test_a_note_may_fulfil_a_target_and_is_no_reply(warehouse: Warehouse) -> None:
    assert targets(warehouse, "note_fulfils", "elapsed_seconds / 60, outcome") == [(5, "met")]
    assert tickets(warehouse, "note_fulfils", "first_reply_seconds / 60") == [(30,)]


def test_pausing(warehouse: Warehouse) -> None:
    measures = ["agent_work", "requester_wait", "full_resolution", "agent_wait", "on_hold"]
    columns = ", ".join(f"{measure}_seconds / 60" for measure in measures)
    assert tickets(warehouse, "pausing", columns) == [(180, 240, 360, 120, 60)]


def test_pausing_clocks_of_our_own_targets(warehouse: Warehouse) -> None:
    columns = "metric, elapsed_seconds / 60, due_at, ended_at, outcome, breached_at"
    assert targets(warehouse, "pausing", columns) == [
        ("agent_work", 180, "19:20", "19:00", "met", None),
        ("requester_wait", 240, "18:20", "19:00", "breached", "18:20"),
        ("total_resolution", 360, "19:00", "19:00", "met", None),
    ]


def test_a_next_reply_counts_from_the_oldest_unanswered_message(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select measure, n, mean_seconds / 60 from marts.kpi_response_times where period_grain = 'all' "
        "and dimension = 'source' and member = 'next_reply' and clock = 'calendar' "
        "and measure in ('first_reply', 'next_reply') order by measure"
    ) == [("first_reply", 1, 30), ("next_reply", 1, 70)]
    assert targets(warehouse, "next_reply", "applied_at, due_at, ended_at, outcome, breached_at") == [
        ("11:00", "12:00", "12:10", "breached", "12:00")
    ]
    assert warehouse.query(
        "select reply_no, is_first_reply, strftime(waits_from, '%H:%M'), strftime(replied_at, '%H:%M'), "
        "seconds / 60 from marts.ticket_replies where source = 'next_reply' order by reply_no"
    ) == [
        (1, True, "10:00", "10:30", 30),
        (2, False, "11:00", "12:10", 70),
        (3, False, None, "12:20", None),
    ]


def test_what_a_reply_is(warehouse: Warehouse) -> None:
    assert tickets(warehouse, "replies", "ticket_id, first_reply_seconds / 60, public_agent_replies") == [
        ("1", 30, 1),
        ("2", 50, 1),
        ("3", 30, 2),
        ("4", 30, 2),
        ("5", 30, 2),
        ("6", 60, 1),
        ("7", 60, 1),
        ("8", 60, 1),
    ]


def test_an_unknown_author_is_kept_and_flagged(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select distinct actor_id, actor_role, is_role_assumed from core.int_ticket_events "
        f"where source = 'replies' and kind = 'comment' and actor_id in ('{UNKNOWN}', '{DEMOTED}', "
        f"'{COPIED}') order by 1"
    ) == [(str(DEMOTED), "agent", False), (str(UNKNOWN), "agent", True), (str(COPIED), "end_user", False)]


def test_an_assumed_agents_reply_says_so(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select ticket_id, agent_id from marts.ticket_replies where is_role_assumed and source = 'replies'"
    ) == [("5", str(UNKNOWN))]


def test_no_reply(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select count(*), count(case when unsolved_age_seconds > 0 then 1 end) from marts.tickets "
        "where source = 'unreplied' and public_agent_replies = 0"
    ) == [(2, 1)]
    assert tickets(warehouse, "unreplied", "first_reply_seconds / 60, public_agent_replies, status") == [
        (30, 1, "new"),
        (None, 0, "new"),
        (None, 0, "solved"),
    ]
    assert targets(warehouse, "unreplied", "ticket_id, outcome, ended_at, breached_at") == [
        ("1", "met", "10:30", None),
        ("2", "breached", None, "13:00"),
        ("3", "met", "12:00", None),
    ]
    assert warehouse.query(
        "select n, mean_seconds / 60 from marts.kpi_response_times where period_grain = 'all' "
        "and dimension = 'source' and member = 'unreplied' and measure = 'first_reply' and clock = 'calendar'"
    ) == [(1, 30)]


def test_mean_median_and_percentile(warehouse: Warehouse) -> None:
    [row] = warehouse.query(
        "select n, mean_seconds, median_seconds, p90_seconds from marts.kpi_response_times where "
        "period_grain = 'all' "
        "and dimension = 'source' and member = 'spread' and measure = 'first_reply' and clock = 'calendar'"
    )
    assert row == (5, 220, 30, pytest.approx(616))


def test_reopening_and_closing(warehouse: Warehouse) -> None:
    columns = "first_resolution_seconds / 60, full_resolution_seconds / 60, reopens, status"
    assert tickets(warehouse, "reopened", columns) == [(120, 420, 1, "closed"), (60, 60, 0, "closed")]


def test_population(warehouse: Warehouse) -> None:
    assert tickets(warehouse, "population", "ticket_id") == [("1",), ("5",), ("6",)]
    assert warehouse.query(
        "select ticket_id, reason from marts.excluded_tickets where source = 'population' order by ticket_id"
    ) == [("2", "merged"), ("3", "spam"), ("4", "deleted")]
    assert warehouse.query(
        "select created, solved from marts.kpi_volume where period_grain = 'all' and member = 'population'"
    ) == [(3, 1)]


def test_a_solved_ticket_that_is_restored_was_solved_once(warehouse: Warehouse) -> None:
    columns = "ticket_id, first_resolution_seconds / 60, full_resolution_seconds / 60, reopens"
    assert tickets(warehouse, "population", columns)[-1] == ("6", 60, 60, 0)


def test_one_touch_by_both_conventions(warehouse: Warehouse) -> None:
    assert tickets(warehouse, "touches", "ticket_id, is_one_touch, is_one_touch_explore") == [
        ("0", False, True),
        ("1", True, True),
        ("2", False, False),
        ("9", False, False),
    ]


def test_without_priority_no_target(warehouse: Warehouse) -> None:
    assert targets(warehouse, "no_priority", "ticket_id, applied_at, due_at, outcome") == [
        ("2", "10:00", "11:00", "met"),
        ("3", "10:20", "11:00", "met"),
    ]


def test_the_most_exact_own_target_wins_and_due_is_still_in_time(warehouse: Warehouse) -> None:
    assert targets(warehouse, "exact", "ticket_id, policy, target_seconds / 60, outcome, breached_at") == [
        ("1", "mail", 30, "met", None),
        ("2", "mail", 30, "breached", "10:30"),
        ("3", "any", 60, "met", None),
    ]


def test_own_targets_stand_beside_the_vendors_for_other_metrics(warehouse: Warehouse) -> None:
    assert targets(warehouse, "mixed", "metric, origin, due_at, outcome") == [
        ("first_reply", "vendor", "11:00", "met"),
        ("total_resolution", "own", "12:00", "met"),
    ]


def test_own_targets_stand_beside_declared_ones_for_other_metrics(warehouse: Warehouse) -> None:
    assert targets(warehouse, "declared", "metric, origin, due_at, outcome") == [
        ("first_reply", "declared", "11:00", "met"),
        ("total_resolution", "own", "12:00", "met"),
    ]


def test_who_holds_a_ticket(warehouse: Warehouse) -> None:
    assert tickets(warehouse, "handed_over", "group_id, assignee_id") == [
        ("8", str(OTHER_AGENT)),
        ("7", None),
    ]


def test_the_way_of_a_ticket_through_groups_and_agents(warehouse: Warehouse) -> None:
    counts = "group_hops, assignee_hops, priority_raises, escalations, strftime(first_assigned_at, '%H:%M')"
    assert tickets(warehouse, "queues", counts) == [
        (2, 2, 1, 3, "10:00"),
        (0, 0, 0, 0, None),
        (0, 0, 0, 0, None),
    ]
    assert tickets(warehouse, "handed_over", "group_hops, assignee_hops, priority_raises") == [
        (1, 1, 0),
        (0, 0, 0),
    ]


def test_where_the_time_of_a_ticket_goes(warehouse: Warehouse) -> None:
    """Open 09:00 to 17:00; the second ticket is unsolved, the third was solved by nobody in particular."""
    measures = ("first_assignment", "unassigned", "in_new", "in_open", "agent_wait", "full_resolution")
    for clock, expected in {
        "seconds": [(120, 210, 120, 390, 60, 570), (None,) * 6, (None, 120, 120, 0, 0, 120)],
        "business_seconds": [(60, 150, 60, 360, 60, 480), (None,) * 6, (None, 120, 120, 0, 0, 120)],
    }.items():
        columns = ", ".join(f"{measure}_{clock} / 60" for measure in measures)
        assert tickets(warehouse, "queues", columns) == expected


def test_the_age_of_an_unsolved_ticket(warehouse: Warehouse) -> None:
    """From Tuesday 4 June 10:00 to Sunday 30 June 00:00: 7 hours of the Tuesday, and 18 working days of 8."""
    assert tickets(warehouse, "queues", "unsolved_age_seconds / 60, unsolved_age_business_seconds / 60") == [
        (None, None),
        (25 * 1440 + 14 * 60, (7 + 18 * 8) * 60),
        (None, None),
    ]


def test_the_backlog_counts_the_days_at_whose_end_a_ticket_is_unsolved(warehouse: Warehouse) -> None:
    """Created on 1 June at 10:00, solved on the 3rd, reopened on the 5th, closed on the 7th."""
    rows = warehouse.query(
        "select day(period_start), age_bucket, arrivals, departures, open_at_end from marts.kpi_backlog "
        "where period_grain = 'day' and member = 'piled' and age_bucket = 'all' order by 1"
    )
    assert rows == [
        (1, "all", 1, 0, 1),
        (2, "all", 0, 0, 1),
        (3, "all", 0, 1, 0),
        (5, "all", 1, 0, 1),
        (6, "all", 0, 0, 1),
        (7, "all", 0, 1, 0),
    ]
    assert warehouse.query(
        "select day(period_start), age_bucket from marts.kpi_backlog where period_grain = 'day' "
        "and member = 'piled' and age_bucket <> 'all' and open_at_end > 0 order by 1"
    ) == [(1, "under 1 day"), (2, "1 to 3 days"), (5, "3 to 7 days"), (6, "3 to 7 days")]
    assert warehouse.query(
        "select period_grain, strftime(period_start, '%m-%d'), open_at_start, arrivals, departures, open_at_end "
        "from marts.kpi_backlog where period_grain in ('week', 'month') and member = 'piled' "
        "and age_bucket = 'all' order by 1, 2"
    ) == [("month", "06-01", 0, 2, 2, 0), ("week", "05-27", 0, 1, 0, 1), ("week", "06-03", 1, 1, 2, 0)]


def test_where_tickets_get_stuck(warehouse: Warehouse) -> None:
    """Minutes of the first and third ticket of `queues`; what counts is the group that held them."""
    cells = "from marts.kpi_bottlenecks where period_grain = 'all' and n > 0 and clock"
    rows = warehouse.query(
        f"select stage, n, sum_seconds / 60, round(share_pct, 9) {cells} = 'calendar' and member = 'queues'"
    )
    whole = 570 + 120
    assert {row[0]: row[1:] for row in rows} == {
        stage: (n, minutes, round(100 * minutes / whole, 9))
        for stage, n, minutes in [
            ("all", 3, whole),
            ("new", 2, 120 + 120),
            ("open", 2, 120 + 270),
            ("pending", 1, 60),
            ("first_assignment", 1, 120),
            ("unassigned", 3, 120 + 90 + 120),
            ("hand_over", 3, 90 + 30 + 50),
        ]
    }
    # Group 8 of handed_over too: from 10:10 to the solve at 12:00.
    assert warehouse.query(
        f"select member, n, sum_seconds / 60, median_seconds / 60 {cells} = 'calendar' "
        "and stage = 'hand_over' and dimension = 'group' order by 1"
    ) == [("7", 1, 50, 50), ("8", 3, 90 + 30 + 110, 90)]
    assert warehouse.query(
        f"select n, sum_seconds / 60 {cells} = 'business' and stage = 'hand_over' and member = 'queues'"
    ) == [(3, 90 + 30 + 30)]


def test_first_contact_by_both_touches(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select member, convention, numerator, denominator from marts.kpi_first_contact "
        "where period_grain = 'all' and dimension = 'source' and convention like 'one_touch%' "
        "and member in ('touches', 'reopened', 'queues')"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        ("touches", "one_touch"): (1, 3),
        ("touches", "one_touch_explore"): (2, 3),
        ("reopened", "one_touch"): (0, 2),
        ("reopened", "one_touch_explore"): (2, 2),
        ("queues", "one_touch"): (1, 2),
        ("queues", "one_touch_explore"): (2, 2),
    }


def test_effort(warehouse: Warehouse) -> None:
    """Tickets with at least one, and how many in all; the time tracker wrote on one ticket."""
    rows = warehouse.query(
        "select member, measure, affected, n, total from marts.kpi_effort where period_grain = 'all' "
        "and dimension = 'source' and member in ('touches', 'reopened', 'queues')"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        ("touches", "reopens"): (0, 3, 0),
        ("touches", "transfers"): (0, 3, 0),
        ("touches", "agent_transfers"): (0, 3, 0),
        ("touches", "escalations"): (0, 3, 0),
        ("touches", "agent_replies"): (2, 3, 3),
        ("touches", "customer_turns"): (3, 3, 3),
        ("reopened", "reopens"): (1, 2, 1),
        ("reopened", "transfers"): (0, 2, 0),
        ("reopened", "agent_transfers"): (0, 2, 0),
        ("reopened", "escalations"): (0, 2, 0),
        ("reopened", "agent_replies"): (0, 2, 0),
        ("reopened", "customer_turns"): (2, 2, 2),
        ("queues", "reopens"): (0, 2, 0),
        ("queues", "transfers"): (1, 2, 2),
        ("queues", "agent_transfers"): (1, 2, 2),
        ("queues", "escalations"): (1, 2, 3),
        ("queues", "agent_replies"): (1, 2, 1),
        ("queues", "customer_turns"): (2, 2, 2),
        ("queues", "handle_seconds"): (1, 1, 90),
    }
    assert tickets(warehouse, "next_reply", "customer_turns") == [(2,)]
    assert tickets(warehouse, "declared", "customer_turns, handle_seconds") == [(None, 120)]
