"""Tickets whose times contradict each other: what holds is counted, what does not is null and listed. All on one Tuesday, UTC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .gates import Judged, judge
from .warehouse import Warehouse
from .zendesk_records import AGENT, OTHER_AGENT, Account, change, comment, status

AS_OF = "2024-06-30T00:00:00+00:00"
BEFORE = "is before the ticket was created"
HOURS = "source,schedule_id,time_zone,weekday,opens,closes,is_default,valid_from,valid_to"
TARGETS = (
    "source,metric,policy,priority,complexity,segment,channel,group_id,"
    "target_minutes,is_business_hours,valid_from,valid_to\n"
    + "".join(f"{source},{metric},own,,,,,,60,false,,\n" for source in ("own", "declares") for metric in ("first_reply", "total_resolution"))
)  # fmt: skip

#: Four ordinary rows without opening hours: assigned from the start.
LOG = """ticket,at,n,opened,state,group,agent
1,2024-06-04 09:00,1,2024-06-04 09:00,New,A,Ann
1,2024-06-04 10:00,2,2024-06-04 09:00,Resolved,A,Ann
2,2024-06-04 09:00,1,2024-06-04 09:00,New,A,Bob
2,2024-06-04 11:00,2,2024-06-04 09:00,Resolved,A,Bob
3,2024-06-04 09:59,1,2024-06-04 09:41,New,A,Bob
3,2024-06-04 07:27,2,2024-06-04 09:41,New,B,Bob
3,2024-06-04 11:41,3,2024-06-04 09:41,Resolved,A,Bob
"""
LOG_MAPPING = """file: log.csv
format: csv
entity: ticket_events
mode: append
id: [ticket, n]
columns: {ticket_id: ticket, event_at: at, sequence: n, created_at: opened, status: state, group_id: group, assignee_id: agent}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
value_maps:
  status: {New: new, Resolved: solved}
"""
TICKETS = """id,created,status,replied,resolved,closed,due,ended,verdict
1,2024-06-04 10:00,Solved,2024-06-04 09:00,2024-06-04 09:30,2024-06-04 09:40,2024-06-04 11:00,2024-06-04 09:00,
2,2024-06-04 10:00,Open,,2024-06-04 09:30,,2024-06-04 11:00,2024-06-04 09:00,met
3,2024-06-04 10:00,Solved,2024-06-04 10:30,2024-06-04 11:00,,2024-06-04 09:00,2024-06-04 10:30,
4,2024-06-04 10:00,Solved,soon,2024-06-04 12:00,,2024-06-04 11:00,soon,
"""
TICKETS_MAPPING = """file: tickets.csv
format: csv
entity: tickets
mode: snapshot
id: id
columns:
  created_at: created
  status: status
  first_reply_at: replied
  resolved_at: resolved
  closed_at: closed
  promise_due_at: due
  promise_ended_at: ended
  promise_verdict: verdict
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
value_maps:
  status: {Solved: solved, Open: open}
"""


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def helpdesk() -> list[Account]:
    """Everything was created at 13:00."""
    dirt = Account("dirt")
    dirt.ticket(1, at("13:00"), status(at("12:00"), "solved"), comment(at("12:30"), AGENT))
    dirt.ticket(2, at("13:00"), comment(at("12:00"), AGENT), comment(at("14:00"), AGENT))
    dirt.ticket(3, at("13:00"), change(at("12:59:40"), status="solved", assignee_id=AGENT))
    dirt.ticket(
        4, at("13:00"), status(at("12:00"), "solved"), status(at("14:00"), "open"), status(at("15:00"), "solved")
    )  # fmt: skip
    for ticket, breached in ((5, False), (6, True)):
        dirt.ticket(ticket, at("13:00"), comment(at("13:30"), AGENT))
        dirt.clock(ticket, "reply_time", at("13:00"), "activate")
        dirt.apply_sla(ticket, "reply_time", at("13:00"), 20, policy="p")
        dirt.clock(ticket, "reply_time", at("11:00"), "fulfill")
        if breached:
            dirt.clock(ticket, "reply_time", at("13:25"), "breach")
    dirt.clock(7, "reply_time", at("13:00"), "activate")

    # A history that begins later than its ticket, and one without a status.
    partial = Account("partial")
    partial.ticket(1, at("13:00"), change(at("14:00"), group_id=9), status(at("15:00"), "pending"))
    partial.ticket(2, at("13:00"), change(at("14:00"), group_id=9), change(at("15:00"), group_id=8))
    partial.streams["ticket_events"] = [
        event
        for event in partial.streams["ticket_events"]
        if not any(child["event_type"] == "Create" for child in event["child_events"])
    ]

    own = Account("own")
    own.ticket(1, at("13:00"), status(at("12:00"), "solved"))
    own.ticket(2, at("13:00"), comment(at("13:30"), OTHER_AGENT), status(at("14:30"), "solved"))
    return [dirt, partial, own]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("contradictions")
    for name, table, mapping in (("log", LOG, LOG_MAPPING), ("declares", TICKETS, TICKETS_MAPPING)):
        (folder / name).mkdir()
        (folder / name / mapping.split("\n")[0].removeprefix("file: ")).write_text(table)
        (folder / name / f"{name}.yml").write_text(mapping)
    warehouse = Warehouse(folder / "warehouse", rules={"own_sla_targets.csv": TARGETS})
    for account in helpdesk():
        account.land(warehouse)
    found = fetch(
        [s for name in ("log", "declares") for s in files.sources(folder / name)], warehouse.landing
    )
    assert [each.error for each in found.streams if each.error] == []
    warehouse.build(AS_OF)
    return warehouse


@pytest.fixture(scope="module")
def judged(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(warehouse, AS_OF, tmp_path_factory.mktemp("gates"))


def ticket(warehouse: Warehouse, source: str, ticket_id: int, *columns: str) -> Any:
    [row] = warehouse.query(
        f"select {', '.join(columns)} from marts.tickets where source = '{source}' and ticket_id = '{ticket_id}'"
    )
    return row


def test_it_is_published(judged: Judged) -> None:
    assert (judged.held, judged.blocking) == ([], [])


def test_solved_before_it_was_created(warehouse: Warehouse) -> None:
    """Solved, nobody knows when: no time that ends with the solve, no reopening, no backlog."""
    assert ticket(
        warehouse, "dirt", 1, "status", "first_solved_at", "last_solved_at", "full_resolution_seconds",
        "requester_wait_seconds", "in_new_seconds", "unsolved_age_seconds", "reopens", "first_reply_at",
    ) == ("solved", None, None, None, None, None, None, 0, None)  # fmt: skip
    assert warehouse.query(
        "select status, started_at = timestamp '2024-06-04 13:00', is_start_known from marts.ticket_states "
        "where source = 'dirt' and ticket_id = '1' order by state_no"
    ) == [("new", True, True), ("solved", True, False)]


def test_what_happened_after_an_impossible_solve_is_counted(warehouse: Warehouse) -> None:
    assert ticket(
        warehouse, "dirt", 4, "status", "first_solved_at", "last_solved_at::varchar", "first_resolution_seconds",
        "full_resolution_seconds", "reopens",
    ) == ("solved", None, "2024-06-04 15:00:00", None, 7200.0, 1)  # fmt: skip


def test_an_answer_before_the_question_is_no_reply(warehouse: Warehouse) -> None:
    assert ticket(warehouse, "dirt", 2, "first_reply_seconds", "public_agent_replies") == (3600.0, 1)


def test_clocks_that_differ_by_seconds_are_no_fault(warehouse: Warehouse) -> None:
    assert ticket(
        warehouse, "dirt", 3, "status", "full_resolution_seconds", "first_assignment_seconds"
    ) == ("solved", 0.0, 0.0)  # fmt: skip


def test_a_target_that_ended_before_it_began_is_neither_met_nor_breached(warehouse: Warehouse) -> None:
    """Unless the source says which."""
    outcomes = "select ticket_id, outcome, ended_at, elapsed_seconds from marts.sla_targets where source = '{}' order by 1"
    assert warehouse.query(outcomes.format("dirt")) == [
        ("5", "unknown", None, None),
        ("6", "breached", None, None),
    ]
    declared = (
        "select ticket_id, outcome, ended_at::varchar from marts.sla_targets "
        "where source = 'declares' and metric = 'promise' order by 1"
    )
    # The third is due before its creation: that is no target. The fourth ended at no time.
    assert warehouse.query(declared) == [("1", "unknown", None), ("2", "met", None), ("4", "unknown", None)]


def test_our_own_clocks_do_not_run_on_what_nobody_knows(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select source, ticket_id, metric, outcome from marts.sla_targets where origin = 'own' order by all"
    )
    assert rows == [
        ("declares", "2", "first_reply", "breached"),
        ("declares", "2", "total_resolution", "breached"),
        ("declares", "3", "first_reply", "met"),
        ("declares", "3", "total_resolution", "met"),
        ("declares", "4", "total_resolution", "breached"),
        ("own", "2", "first_reply", "met"),
        ("own", "2", "total_resolution", "breached"),
    ]


def test_declared_times_before_the_creation(warehouse: Warehouse) -> None:
    """The status says whether it is solved at all."""
    columns = ("first_reply_at", "last_solved_at", "unsolved_age_seconds is not null")
    assert ticket(warehouse, "declares", 1, *columns) == (None, None, False)
    assert ticket(warehouse, "declares", 2, *columns) == (None, None, True)


def test_a_sequence_that_falls_back(warehouse: Warehouse) -> None:
    """Time decides; what is dated before the creation begins at it, with a status."""
    assert warehouse.query(
        "select started_at::varchar, is_start_known, status, group_id from marts.ticket_states "
        "where source = 'log' and ticket_id = '3' order by state_no"
    ) == [
        ("2024-06-04 09:41:00", False, "new", "B"),
        ("2024-06-04 09:59:00", True, "new", "A"),
        ("2024-06-04 11:41:00", True, "solved", "A"),
    ]
    assert ticket(
        warehouse, "log", 3, "first_assignment_seconds", "full_resolution_seconds"
    ) == (0.0, 7200.0)  # fmt: skip


def test_without_opening_hours_there_is_no_business_time(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select count(*) from marts.kpi_bottlenecks where dimension = 'source' and member = 'log' and clock = 'business'"
    ) == [(0,)]
    assert warehouse.query(
        "select sum_seconds, share_pct from marts.kpi_bottlenecks where dimension = 'source' and member = 'log' "
        "and clock = 'calendar' and stage = 'first_assignment' and period_grain = 'all'"
    ) == [(0.0, 0.0)]


def test_a_status_that_the_history_begins_without(warehouse: Warehouse) -> None:
    states = "select ticket_id, status, has_status_history from marts.ticket_states where source = 'partial' order by 1, state_no"
    assert warehouse.query(states) == [
        ("1", "open", True),
        ("1", "pending", True),
        ("2", None, False),
        ("2", None, False),
    ]
    assert ticket(
        warehouse, "partial", 2, "status", "in_new_seconds", "has_status_history", "group_hops"
    ) == ("new", None, False, 1)  # fmt: skip


def test_no_backlog_falls_below_nothing(warehouse: Warehouse) -> None:
    [(least, open_now)] = warehouse.query(
        "select min(least(open_at_start, arrivals, departures, open_at_end)), "
        "max(open_at_end) filter (dimension = 'all' and age_bucket = 'all' and period_grain = 'all') from marts.kpi_backlog"
    )
    # dirt 2, 5 and 6, both of partial, declares 2.
    assert (least, open_now) == (0, 6)
    [(created, solved)] = warehouse.query(
        "select created, solved from marts.kpi_volume where period_grain = 'all' and dimension = 'all'"
    )
    assert (created, solved) == (17, 11)


def test_every_value_left_out_is_listed(warehouse: Warehouse) -> None:
    rows = warehouse.query(
        "select source, ticket_id, stream, field, reason from core.int_rejected_values order by source, ticket_id, field"
    )
    assert rows == [
        ("declares", "1", "tickets", "closed_at", BEFORE),
        ("declares", "1", "tickets", "first_reply_at", BEFORE),
        ("declares", "1", "tickets", "promise_ended_at", BEFORE),
        ("declares", "1", "tickets", "resolved_at", BEFORE),
        ("declares", "2", "tickets", "promise_ended_at", BEFORE),
        ("declares", "2", "tickets", "resolved_at", BEFORE),
        ("declares", "3", "tickets", "promise_due_at", BEFORE),
        ("dirt", "1", "ticket_events", "event_at", BEFORE),
        ("dirt", "1", "ticket_events", "event_at", BEFORE),
        ("dirt", "2", "ticket_events", "event_at", BEFORE),
        ("dirt", "4", "ticket_events", "event_at", BEFORE),
        ("dirt", "5", "sla_clocks", "fulfill_at", BEFORE),
        ("dirt", "6", "sla_clocks", "fulfill_at", BEFORE),
        ("log", "3", "ticket_events", "event_at", BEFORE),
        ("own", "1", "ticket_events", "event_at", BEFORE),
    ]


@pytest.mark.parametrize("source", ["*", ""])
def test_opening_hours_for_every_source_without_its_own(tmp_path: Path, source: str) -> None:
    """09:00 to 17:00 for all, ten to eleven where a source has its own; a helpdesk's own schedule goes first."""
    rules = f"{HOURS}\n{source},1,UTC,2,9:00,17:00,true,,\nown,1,UTC,2,10:00,11:00,true,,\n"
    warehouse = Warehouse(tmp_path, rules={"schedules.csv": rules})
    for name in ("any", "own", "vendor"):
        account = Account(name)
        if name == "vendor":
            account.schedule(1, "UTC", [(2 * 1440 + 12 * 60, 2 * 1440 + 13 * 60)])
        account.ticket(1, at("08:00"), comment(at("18:00"), AGENT))
        account.land(warehouse)
    warehouse.build(AS_OF, select=["+tickets"])
    assert warehouse.query(
        "select source, first_reply_business_seconds / 3600 from marts.tickets order by 1"
    ) == [("any", 8.0), ("own", 1.0), ("vendor", 1.0)]
