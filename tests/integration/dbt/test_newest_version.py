"""What changed without an event: the newest version says what a ticket is, the vendor's times when it became so. All on one Tuesday, UTC."""

from __future__ import annotations

from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import (
    AGENT,
    CUSTOMER,
    OTHER_AGENT,
    OWN_TARGET_COLUMNS,
    Account,
    Happening,
    Record,
    change,
    comment,
    status,
    utc,
)

AS_OF = "2024-06-30T00:00:00Z"
MARTS = ("+tickets", "+ticket_states", "+sla_targets", "+kpi_bottlenecks", "+kpi_volume", "+kpi_backlog", "+kpi_first_contact",
         "+kpi_effort")  # fmt: skip
OWN_TARGETS = f"""{OWN_TARGET_COLUMNS}
silent,total_resolution,full,,,,,,300,false,,
ours,agent_work,work,,,,,,120,false,,
ours,requester_wait,wait,,,,,,120,false,,
ours,group_ownership,stay,,,,,,120,false,,
"""


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def minutes(calendar: int) -> Record:
    return {"calendar": calendar, "business": None}


def metric_set(first: int | None = None, full: int | None = None, **times: str) -> Record:
    """As a metric set tells it: minutes to the first and the last solve, and times."""
    told: Record = {name: utc(time) for name, time in times.items()}
    return told | {
        "reopens": 0,
        "first_resolution_time_in_minutes": minutes(first) if first is not None else None,
        "full_resolution_time_in_minutes": minutes(full) if full is not None else None,
    }


def helpdesk() -> Account:
    """Every ticket was created at 10:00."""
    account = Account("silent")

    def silent(
        ticket: int, *happenings: Happening, now: Record, changed: str = at("14:00"), **told: Any
    ) -> None:
        """A ticket whose newest version differs from what its events leave."""
        account.ticket(ticket, at("10:00"), *happenings, changed=changed).update(now, **told)

    pending = comment(at("10:30")), status(at("10:30"), "pending")
    solved = metric_set(240, 240, solved_at=at("14:00"), status_updated_at=at("14:00"))
    silent(1, *pending, now={"status": "solved"}, metric_set=solved)
    silent(2, *pending, now={"status": "solved"})
    silent(3, *pending, now={"status": "solved"}, metric_set=metric_set(15, 15, solved_at=at("10:15")))
    silent(4, *pending, now={"status": "solved"})
    account.clock(4, "resolution_time", at("10:00"), "activate")
    account.clock(4, "resolution_time", at("13:00"), "fulfill")
    closed = solved | {"status_updated_at": "2024-06-08T14:00:00Z"}
    silent(5, *pending, now={"status": "closed"}, changed="2024-06-08T14:00", metric_set=closed)
    reopened = metric_set(120, solved_at=at("12:00"), status_updated_at=at("13:00"))
    silent(6, status(at("12:00"), "solved"), now={"status": "open"}, metric_set=reopened)
    silent(7, status(at("12:00"), "solved"), now={"status": "open"})
    silent(
        8,
        change(at("10:30"), group_id=8, assignee_id=AGENT, priority="normal"),
        now={"group_id": 9, "assignee_id": OTHER_AGENT, "priority": "urgent"},
        metric_set=metric_set(assignee_updated_at=at("11:00")),
    )
    silent(
        9,
        now={"assignee_id": AGENT},
        metric_set=metric_set(assignee_updated_at=at("11:00"), initially_assigned_at=at("11:00")),
    )
    silent(10, status(at("11:00"), "solved"), now={"status": "open"}, changed=at("10:20"))
    again = metric_set(120, 360, solved_at=at("16:00"))
    silent(11, *pending, now={"status": "solved"}, changed=at("16:00"), metric_set=again)
    silent(12, now={"status": "solved"}, metric_set=solved)
    account.streams["ticket_events"] = [e for e in account.streams["ticket_events"] if e["ticket_id"] != 12]
    silent(13, now={"status": "pending"}, metric_set=metric_set(custom_status_updated_at=at("11:00")))
    late = metric_set(solved_at="2024-07-05T10:00", status_updated_at="2024-07-05T10:00")
    silent(14, *pending, now={"status": "solved"}, changed="2024-07-05T10:00", metric_set=late)
    silent(15, change(at("10:30"), assignee_id=AGENT), now={"assignee_id": None})
    silent(
        16,
        comment(at("11:00"), CUSTOMER),
        now={"status": "closed"},
        metric_set=metric_set(status_updated_at=at("14:00")),
    )
    return account


def vendor_clocks() -> Account:
    """Silently solved at 12:00; the vendor's clocks say nothing of it."""
    account = Account("clocks")
    told = metric_set(120, 120, solved_at=at("12:00"))
    for ticket, breached in ((1, False), (2, True)):
        account.ticket(ticket, at("10:00"), changed=at("12:00"), status="solved", metric_set=told)
        account.clock(ticket, "resolution_time", at("10:00"), "activate")
        account.apply_sla(ticket, "resolution_time", at("10:00"), 60, policy="p")
        if breached:
            account.clock(ticket, "resolution_time", at("11:00"), "breach")
    return account


def our_clocks() -> Account:
    """Created at 10:00; the newest version, of 14:00, says another status or group; that of 3 when."""
    account = Account("ours")
    dated = metric_set(status_updated_at=at("11:00"))
    in_group_8 = change(at("10:30"), group_id=8)
    for ticket, happenings, now, told in (
        (1, (), {"status": "pending"}, None),
        (2, (), {"status": "hold"}, None),
        (3, (), {"status": "pending"}, dated),
        (4, (in_group_8,), {"group_id": 9}, None),
        (5, (), {"status": "open"}, None),
    ):
        record = account.ticket(ticket, at("10:00"), *happenings, changed=at("14:00"))
        record.update(now, metric_set=told)
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("silent") / "w", rules={"own_sla_targets.csv": OWN_TARGETS})
    for account in (helpdesk(), vendor_clocks(), our_clocks()):
        account.land(warehouse)
    warehouse.build(AS_OF, select=MARTS)
    return warehouse


def tickets(warehouse: Warehouse, columns: str, source: str = "silent") -> dict[int, Any]:
    rows = warehouse.query(f"select ticket_id::int, {columns} from marts.tickets where source = '{source}'")
    return {number: values[0] if len(values) == 1 else values for number, *values in map(tuple, rows)}


def test_a_ticket_is_what_its_newest_version_says(warehouse: Warehouse) -> None:
    """But for the version that is older than the last event, and for the one made after the as-of time."""
    assert tickets(warehouse, "status") == {
        1: "solved", 2: "solved", 3: "solved", 4: "solved", 5: "closed", 6: "open", 7: "open", 8: "new",
        9: "new", 10: "solved", 11: "solved", 12: "solved", 13: "pending", 14: "pending", 15: "new", 16: "closed",
    }  # fmt: skip
    held = tickets(warehouse, "priority, group_id, assignee_id")
    assert (held[8], held[9], held[15]) == (
        ["urgent", "9", str(OTHER_AGENT)],
        [None, None, str(AGENT)],
        [None, None, None],
    )


def test_it_was_solved_when_the_vendor_says_so(warehouse: Warehouse) -> None:
    """3: told as before the last event. 4: by the vendor's clocks. 11: the first solve in its minutes. 16: a close is dated, no solve."""
    told = tickets(
        warehouse,
        "strftime(first_solved_at, '%H:%M'), strftime(last_solved_at, '%H:%M'), first_solved_origin, last_solved_origin, "
        "full_resolution_seconds / 3600",
    )
    unknown = [None, None, None, None, None]
    assert told == {
        1: ["14:00", "14:00", "vendor", "vendor", 4.0],
        2: unknown,
        3: unknown,
        4: ["13:00", "13:00", "vendor", "vendor", 3.0],
        5: ["14:00", "14:00", "vendor", "vendor", 4.0],
        6: ["12:00", "12:00", "events", "events", None],
        7: ["12:00", "12:00", "events", "events", None],
        8: unknown,
        9: unknown,
        10: ["11:00", "11:00", "events", "events", 1.0],
        11: ["12:00", "16:00", "vendor", "vendor", 6.0],
        12: ["14:00", "14:00", "vendor", "vendor", 4.0],
        13: unknown,
        14: unknown,
        15: unknown,
        16: unknown,
    }


def test_time_in_stages_says_of_how_many_the_vendor_dates_the_end(warehouse: Warehouse) -> None:
    """1, 4, 5, 10 and 11, all but 10 by the vendor; of 12 no event tells any stage."""
    assert warehouse.query(
        "select n, n_vendor from marts.kpi_bottlenecks where period_grain = 'all' and dimension = 'source' "
        "and member = 'silent' and stage = 'all' and clock = 'calendar'"
    ) == [(5, 4)]


def test_a_time_across_an_unknown_one_is_unknown(warehouse: Warehouse) -> None:
    waits = tickets(warehouse, "requester_wait_seconds / 3600, agent_wait_seconds / 3600")
    assert {n: waits[n] for n in (1, 2, 5, 10)} == {
        1: [0.5, 3.5],
        2: [None, None],
        5: [0.5, 3.5],
        10: [1.0, 0.0],
    }
    states = (
        "select state_no, status, strftime(started_at, '%d %H:%M'), is_start_known, seconds / 3600 from marts.ticket_states "
        "where source = 'silent' and ticket_id = '{}' order by state_no"
    )
    assert warehouse.query(states.format(5)) == [
        (1, "new", "04 10:00", True, 0.5),
        (2, "pending", "04 10:30", True, 3.5),
        (3, "solved", "04 14:00", True, 96.0),
        (4, "closed", "08 14:00", True, None),
    ]
    assert warehouse.query(states.format(2)) == [
        (1, "new", "04 10:00", True, 0.5),
        (2, "pending", "04 10:30", True, None),
        (3, "solved", "04 14:00", False, None),
    ]


def test_changes_that_nobody_saw_are_counted(warehouse: Warehouse) -> None:
    counts = tickets(warehouse, "reopens, group_hops, assignee_hops, priority_raises")
    assert (counts[6], counts[7], counts[8]) == ([1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1])
    assert tickets(warehouse, "first_assignment_seconds / 3600, unassigned_seconds")[9] == [1.0, None]
    # Reopened by 14:00 at the latest, within the window of a week after the solve at 12:00.
    assert tickets(warehouse, "is_reopened_in_window")[7] is True


def test_what_is_over_is_not_in_the_backlog(warehouse: Warehouse) -> None:
    [(solved, created)] = warehouse.query(
        "select solved, created from marts.kpi_volume where dimension = 'source' and member = 'silent' and period_grain = 'all'"
    )
    assert (solved, created) == (9, 16)
    backlog = (
        "select open_at_end from marts.kpi_backlog where dimension = 'source' and member = 'silent' and period_grain = 'day' "
        "and age_bucket = 'all' order by period_start desc limit 1"
    )
    assert warehouse.query(backlog) == [(7,)]


def test_no_clock_of_ours_runs_on_a_ticket_that_is_over(warehouse: Warehouse) -> None:
    """Solved when nobody knows, it has no target of ours."""
    rows = warehouse.query(
        "select ticket_id::int, outcome, strftime(ended_at, '%H:%M') from marts.sla_targets "
        "where source = 'silent' and metric = 'total_resolution' order by 1"
    )
    assert rows == [
        (1, "met", "14:00"),
        (4, "met", "13:00"),
        (5, "met", "14:00"),
        *((running, "breached", None) for running in (6, 7, 8, 9)),
        (10, "met", "11:00"),
        (11, "breached", "16:00"),
        (12, "met", "14:00"),
        *((running, "breached", None) for running in (13, 14, 15)),
    ]


def test_a_clock_of_ours_that_stopped_when_nobody_knows_has_no_target(warehouse: Warehouse) -> None:
    """In pending both of them, on hold agent work alone; the stay in group 8 has ended at some time, that in 9 goes on."""
    rows = warehouse.query(
        "select ticket_id::int, metric, group_id, outcome, elapsed_seconds / 3600 < 1.5 from marts.sla_targets "
        "where source = 'ours' order by 1, 2"
    )
    assert rows == [
        (2, "requester_wait", None, "breached", False),
        (3, "agent_work", None, "active", True),
        (3, "requester_wait", None, "active", True),
        (4, "agent_work", "8", "breached", False),
        (4, "group_ownership", "9", "breached", False),
        (4, "requester_wait", "8", "breached", False),
        (5, "agent_work", None, "breached", False),
        (5, "requester_wait", None, "breached", False),
    ]


def test_what_was_solved_when_nobody_knows_is_counted_all_the_same(warehouse: Warehouse) -> None:
    """Solved are 1 to 5, 10 to 12 and 16, ever 6 and 7 too; of 12 no event tells replies, and
    the vendor that it never reopened; an agent replied to 1 to 5 and 11.
    """
    cell = "dimension = 'source' and member = 'silent' and period_grain = 'all'"
    assert warehouse.query(
        f"select numerator, denominator from marts.kpi_first_contact where {cell} and convention = 'one_touch'"
    ) == [(6, 8)]
    assert warehouse.query(
        f"select measure, n, affected from marts.kpi_effort where {cell} and measure in ('reopens', 'agent_replies') order by 1"
    ) == [("agent_replies", 8, 6), ("reopens", 11, 2)]


def test_a_vendors_clock_ends_with_its_ticket(warehouse: Warehouse) -> None:
    """Whether it was kept the vendor did not say; a breach that it stamped stands."""
    rows = warehouse.query(
        "select ticket_id::int, outcome, strftime(ended_at, '%H:%M'), elapsed_seconds from marts.sla_targets "
        "where source = 'clocks' order by 1"
    )
    assert rows == [(1, "unknown", "12:00", None), (2, "breached", "12:00", None)]
