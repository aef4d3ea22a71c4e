"""Zendesk's own numbers against ours, on tickets told by hand with what Zendesk would show; minutes, times in UTC.

New York's office hours are 13:00 to 21:00; 4 June 2024 is a Tuesday.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from orchestration.warehouse.contracts import contracts
from quality.runner import judge
from quality.suites import marts
from tests import parsed

from .warehouse import Warehouse
from .zendesk_records import (
    ALWAYS,
    CUSTOMER,
    NEW_YORK,
    OFFICE,
    Account,
    assign_schedule,
    change,
    comment,
    status,
)

AS_OF = "2024-06-30T00:00:00Z"
PAIRS = {
    "reply": "reply_time",
    "first": "first_resolution_time",
    "full": "full_resolution_time",
    "requester": "requester_wait_time",
    "agent": "agent_wait_time",
    "hold": "on_hold_time",
}


def at(clock: str, day: int = 4) -> str:
    return f"2024-06-{day:02}T{clock}"


def shows(
    replies: int = 0,
    reopens: int = 0,
    groups: int = 0,
    assignees: int = 0,
    assigned: str | None = None,
    **minutes: int | tuple[int, int],
) -> dict[str, Any]:
    """A metric set; a pair is (calendar, business), one number both, absent is null; `assigned` a UTC time."""
    metrics: dict[str, Any] = {
        "initially_assigned_at": assigned and f"{assigned}Z",
        "replies": replies,
        "reopens": reopens,
        "group_stations": groups,
        "assignee_stations": assignees,
    }
    for name, field in PAIRS.items():
        value = minutes.get(name)
        calendar, business = value if isinstance(value, tuple) else (value, value)
        metrics[f"{field}_in_minutes"] = {"calendar": calendar, "business": business}
    return metrics


def accounts() -> list[Account]:
    shown = Account("shown")
    shown.schedule(1, NEW_YORK, OFFICE)
    shown.schedule(2, NEW_YORK, ALWAYS, created="2021-01-01T00:00")

    # Held since its creation, by the vendor 40 s later. Answered after 30 min 20 s, solved after 2 h 40 s by the
    # second holder in the second group.
    answered = [
        comment(at("13:30:20")),
        change(at("13:40"), group_id=2, assignee_id=3),
        status(at("15:00:40"), "solved"),
    ]
    held = {"groups": 2, "assignees": 2, "assigned": at("13:00:40")}
    right = shows(1, **held, reply=30, first=121, full=121, requester=121, agent=0, hold=0)
    holders = {"group_id": 1, "assignee_id": 2}
    shown.ticket(1, at("13:00"), *answered, **holders, metric_set=right)
    shown.ticket(2, at("13:00"), *answered, **holders, tags=["closed_by_merge"], metric_set=shows(9, full=9))
    shown.ticket(3, at("13:00"), *answered, **holders)  # exported without its metric set
    wrong = right | {"reply_time_in_minutes": {"calendar": 47, "business": 30}, "group_stations": 3}
    wrong["initially_assigned_at"] = f"{at('13:20:00')}Z"
    shown.ticket(4, at("13:00"), *answered, **holders, metric_set=wrong)
    shown.ticket(5, at("13:00"), *answered, **holders, metric_set=right | {"agent_wait_time_in_minutes": {}})
    # Imported: a set that tells no time of a solved ticket, though it counts.
    shown.ticket(6, at("13:00"), *answered, **holders, metric_set=shows(1, **held, hold=0))

    # Office hours until Wednesday 16:00, around the clock from then on: 660 + 360 minutes in force.
    switched = [assign_schedule(at("16:00", 5), 2), status(at("22:00", 5), "solved")]
    by_event = shows(first=(1980, 1980), full=(1980, 1980), requester=(1980, 1980), agent=0, hold=0)
    shown.ticket(11, at("13:00"), *switched, metric_set=by_event)
    # Replied to before the switch: an hour of office hours; by the last schedule it would be two.
    early = shows(
        1, reply=(120, 60), first=(2040, 2040), full=(2040, 2040), requester=(2040, 2040), agent=0, hold=0
    )
    shown.ticket(12, at("12:00"), comment(at("14:00")), *switched, metric_set=early)
    last = early | {"reply_time_in_minutes": {"calendar": 120, "business": 120}}
    shown.ticket(13, at("12:00"), comment(at("14:00")), *switched, metric_set=last)

    # Solved, opened again, pending now: Zendesk shows what there was so far.
    again = [
        comment(at("13:30")),
        status(at("14:00"), "solved"),
        status(at("15:00"), "open", CUSTOMER),
        status(at("15:30"), "pending"),
    ]
    so_far = shows(1, reopens=1, reply=30, first=60, full=60, requester=90, agent=0, hold=0)
    shown.ticket(21, at("13:00"), *again, metric_set=so_far)

    # The clocks of the service levels: solving ends a wait for a reply, and time while solved does not count.
    clocks = Account("clocks")
    clocks.schedule(1, NEW_YORK, OFFICE)
    silent = [
        status(at("14:00"), "solved"),
        comment(at("15:00"), CUSTOMER),
        status(at("15:00"), "open", CUSTOMER),
        comment(at("15:30")),
        status(at("16:00"), "solved"),
    ]
    clocks.ticket(1, at("13:00"), *silent)
    for metric, instance, ended, minutes in [
        ("reply_time", 1, "14:00", 60),
        ("reply_time", 2, "15:30", 30),
        ("resolution_time", 1, "14:00", 60),
        ("resolution_time", 1, "16:00", 120),
        ("requester_wait_time", 1, "16:00", 120),
        ("agent_work_time", 1, "16:00", 120),
        ("periodic_update_time", 1, "16:00", 7),
    ]:
        told = {"calendar": minutes, "business": minutes}
        clocks.clock(1, metric, at(ended), "update_status", instance=instance, status=told)
    # A clock that was called off says nothing.
    clocks.ticket(2, at("13:00"), comment(at("13:30")), status(at("14:00"), "solved"))
    clocks.clock(2, "reply_time", at("13:30"), "update_status", status={"calendar": 30, "business": 30})
    clocks.clock(
        2,
        "agent_work_time",
        at("14:00"),
        "update_status",
        status={"calendar": 9, "business": 9},
        deleted=True,
    )
    # Asked again and solved in silence twice; the second time the vendor has not told yet.
    clocks.ticket(
        3,
        at("13:00"),
        comment(at("13:30")),
        status(at("14:00"), "solved"),
        comment(at("15:00"), CUSTOMER),
        status(at("15:00"), "open", CUSTOMER),
        status(at("15:20"), "solved"),
        comment(at("17:00"), CUSTOMER),
        status(at("17:00"), "open", CUSTOMER),
        status(at("17:45"), "solved"),
    )
    for instance, ended, minutes in ((1, "13:30", 30), (2, "15:20", 20)):
        told = {"calendar": minutes, "business": minutes}
        clocks.clock(3, "reply_time", at(ended), "update_status", instance=instance, status=told)

    # Fetched from Wednesday on: the events of the first day never came.
    late = Account("late")
    late.schedule(1, NEW_YORK, OFFICE)
    moved = shows(
        1,
        assignees=2,
        assigned=at("13:10:00"),
        reply=30,
        first=(1560, 600),
        full=(1560, 600),
        requester=(1560, 600),
        agent=0,
        hold=0,
    )
    first_day = change(at("13:10"), assignee_id=2), comment(at("13:30"))
    second_day = change(at("14:00", 5), assignee_id=3), status(at("15:00", 5), "solved")
    late.ticket(1, at("13:00"), *first_day, *second_day, metric_set=moved)
    late.streams["ticket_events"] = [
        e for e in late.streams["ticket_events"] if e["created_at"] > at("00:00", 5)
    ]
    # Exported, then answered: the metric set knows nothing of it yet.
    late.ticket(2, at("13:00"), comment(at("14:00")), changed=at("13:30"), metric_set=shows(hold=0))
    # Exported after the as-of time only: what is in it cannot be compared.
    late.ticket(3, at("13:00"), changed="2024-07-02T00:00", metric_set=shows(hold=99))
    return [shown, clocks, late]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("reconciliation"))
    for account in accounts():
        account.land(warehouse)
    warehouse.build(AS_OF, select=["+reconciliation_summary"])
    return warehouse


Row = tuple[str, float | None, float | None, str, str | None]


def rows(warehouse: Warehouse, source: str, ticket: int) -> list[Row]:
    """(measure and clock, our minutes or count, theirs, reason, reading) where they differ."""
    return [
        (measure if clock == "none" else f"{measure} {clock}", *rest)
        for measure, clock, *rest in warehouse.query(
            "select measure, clock, ours / if(unit = 'seconds', 60, 1), theirs / if(unit = 'seconds', 60, 1), "
            f"reason, reading from marts.reconciliation where source = '{source}' and ticket_id = '{ticket}' "
            "order by measure, clock"
        )
    ]


def test_numbers_that_agree_to_the_minute_are_not_listed(warehouse: Warehouse) -> None:
    assert rows(warehouse, "shown", 1) == []


def test_tickets_that_do_not_count_or_came_without_a_metric_set_are_not_compared(
    warehouse: Warehouse,
) -> None:
    assert rows(warehouse, "shown", 2) == rows(warehouse, "shown", 3) == rows(warehouse, "late", 3) == []
    [(compared,)] = warehouse.query(
        "select max(compared) from marts.reconciliation_summary where source = 'shown' and published_in like '%set'"
    )
    assert compared == 8  # 1, 4, 5, 6, 11, 12, 13 and 21


def test_a_number_that_no_rule_gives_is_unexplained(warehouse: Warehouse) -> None:
    [assigned, reply, stations] = rows(warehouse, "shown", 4)
    assert assigned == ("first_assignment calendar", 0, 20, "unexplained", None)
    assert reply == ("first_reply calendar", pytest.approx(30 + 20 / 60), 47, "unexplained", None)
    assert stations == ("group_hops", 1, 2, "unexplained", None)


def test_null_for_a_wait_that_was_none(warehouse: Warehouse) -> None:
    assert rows(warehouse, "shown", 5) == [
        ("agent_wait business", 0, None, "vendor_clock_rule", "null_for_none"),
        ("agent_wait calendar", 0, None, "vendor_clock_rule", "null_for_none"),
    ]


def test_a_set_of_a_solved_ticket_without_any_time_tells_none(warehouse: Warehouse) -> None:
    assert rows(warehouse, "shown", 6) == []
    assert warehouse.query(
        "select on_hold_seconds, requester_wait_seconds / 60 from marts.tickets where source = 'shown' and ticket_id = '6'"
    ) == [(0, pytest.approx(120 + 40 / 60))]


def test_a_schedule_that_was_switched(warehouse: Warehouse) -> None:
    by_event = [
        (f"{measure} business", 1020, 1980, "schedule_convention", "schedule_at_event")
        for measure in ("first_resolution", "full_resolution", "requester_wait")
    ]
    assert rows(warehouse, "shown", 11) == by_event
    assert len(rows(warehouse, "shown", 12)) == 3  # the reply agrees
    [reply, *_] = rows(warehouse, "shown", 13)
    assert reply == ("first_reply business", 60, 120, "schedule_convention", "last_schedule")


def test_what_there_was_so_far(warehouse: Warehouse) -> None:
    assert rows(warehouse, "shown", 21) == [
        (f"{measure} {clock}", None, minutes, "vendor_clock_rule", "so_far")
        for measure, minutes in (
            ("agent_wait", 0),
            ("full_resolution", 60),
            ("on_hold", 0),
            ("requester_wait", 90),
        )
        for clock in ("business", "calendar")
    ]


def test_solving_ends_the_vendors_clocks(warehouse: Warehouse) -> None:
    assert rows(warehouse, "clocks", 1) == [
        (f"{measure} {clock}", ours, theirs, "vendor_clock_rule", reading)
        for measure, ours, theirs, reading in (
            ("first_reply", 150, 60, "ends_at_solve"),
            ("full_resolution", 180, 120, "unsolved_only"),
            ("next_reply", None, 30, "ends_at_solve"),
        )
        for clock in ("business", "calendar")
    ]
    assert rows(warehouse, "clocks", 2) == []


def test_a_solve_ends_the_clocks_that_the_vendor_has_told_of(warehouse: Warehouse) -> None:
    assert rows(warehouse, "clocks", 3) == [
        (f"next_reply {clock}", None, 20, "vendor_clock_rule", "ends_at_solve")
        for clock in ("business", "calendar")
    ]


def test_a_history_that_does_not_reach_back(warehouse: Warehouse) -> None:
    """Its first reply is the vendor's, which counts one that events do not tell."""
    found = rows(warehouse, "late", 1)
    assert ("requester_wait calendar", 60, 1560, "missing_history", None) in found
    assert ("first_assignment calendar", 1500, 10, "missing_history", None) in found
    assert not [row for row in found if row[0].startswith("first_reply")]
    assert {reason for *_, reason, _ in found} == {"missing_history"}


def test_events_after_the_export(warehouse: Warehouse) -> None:
    assert rows(warehouse, "late", 2) == [
        ("first_reply business", 60, None, "later_events", None),
        ("first_reply calendar", 60, None, "later_events", None),
        ("on_hold business", None, 0, "vendor_clock_rule", "so_far"),
        ("on_hold calendar", None, 0, "vendor_clock_rule", "so_far"),
        ("public_agent_replies", 1, 0, "later_events", None),
    ]


def test_the_summary_counts_every_number_once(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select compared, rounding, schedule_convention, unexplained, unexplained_pct from marts.reconciliation_summary "
        "where source = 'shown' and measure = 'full_resolution' and clock = 'business'"
    ) == [(7, 3, 3, 0, 0.0)]
    assert warehouse.query(
        "select compared, rounding, unexplained from marts.reconciliation_summary "
        "where source = 'shown' and measure = 'group_hops'"
    ) == [(8, 7, 1)]


def test_the_gate_warns_and_shows_the_unexplained(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        frame = connection.sql("select * from marts.reconciliation order by all").df()
    found = {
        verdict.expectation: verdict
        for verdict in judge(frame, marts.suite(contracts(parsed.project().manifest)["reconciliation"]))
    }
    warned = found.pop("differences_are_explained")
    assert [verdict.message for verdict in found.values() if not verdict.success] == []
    assert (warned.outcome, warned.severity, warned.unexpected_count) == ("failed", "warning", 3)
    assert not warned.blocks
    [example] = [each for each in warned.examples if each["measure"] == "first_reply"]
    assert (example["source"], example["ticket_id"], example["ours"], example["theirs"]) == (
        "shown", "4", "1820.0", "2820.0",
    )  # fmt: skip
