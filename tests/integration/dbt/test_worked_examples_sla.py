"""Targets against examples worked out by hand: Tuesday to Thursday, read on Thursday 6 June 2024 at 12:00 UTC."""

from __future__ import annotations

from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import (
    AGENT,
    ALWAYS,
    CUSTOMER,
    NEW_YORK,
    OFFICE,
    OTHER_AGENT,
    OWN_TARGET_COLUMNS,
    Account,
    assign_schedule,
    change,
    comment,
    status,
)

AS_OF = "2024-06-06T12:00:00Z"
SECOND_LINE, THIRD_LINE = 7, 8
FIELDS = {77: "Complexity", 78: "Segment"}
COMPLEXITY, SEGMENT = FIELDS

OWN_TARGETS = f"""{OWN_TARGET_COLUMNS}
updates,periodic_update,periodic,,,,,,120,false,,
updates,pausable_update,pausable,,,,,,120,false,,
groups,group_ownership,any group,,,,,,180,false,,
groups,group_ownership,second line,,,,,{SECOND_LINE},60,false,,
choices,first_reply,any,,,,,,60,false,,
choices,first_reply,complex,,complex,,,,240,false,,
choices,first_reply,complex for gold,,complex,gold,,,120,false,,
choices,first_reply,chat until 4 June,,,,chat,,15,false,,2024-06-04
choices,first_reply,chat from 4 June,,,,chat,,20,false,2024-06-04,
choices,first_reply,none for low,low,,,,,,,,
switched,total_resolution,full,,,,,,1200,true,,
"""


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def on_thursday(clock: str) -> str:
    return f"2024-06-06T{clock}"


def updates() -> Account:
    account = Account("updates")
    account.ticket(
        1,
        at("10:00"),
        comment(at("10:30")),
        status(at("10:30"), "open"),
        comment(at("11:00"), public=False),
        status(at("12:00"), "hold"),
        comment(at("14:00")),
        status(at("14:00"), "pending"),
        comment(at("16:00"), CUSTOMER),
        status(at("16:00"), "open", CUSTOMER),
        comment(at("17:00")),
        status(at("17:00"), "solved"),
    )
    account.ticket(2, at("10:00"), status(at("10:00"), "open"), opened_by=AGENT)
    # Solved with the first reply: no update is owed. Reopened: the next one is owed after the next comment.
    account.ticket(
        3,
        at("10:00"),
        comment(at("11:00")),
        status(at("11:00"), "solved"),
        comment(at("13:00"), CUSTOMER),
        status(at("13:00"), "open", CUSTOMER),
        comment(at("13:30")),
        status(at("14:00"), "solved"),
    )
    account.ticket(
        4,
        on_thursday("10:00"),
        comment(on_thursday("11:00")),
        status(on_thursday("11:00"), "pending"),
    )
    return account


def groups() -> Account:
    account = Account("groups")
    account.ticket(
        1,
        at("10:00"),
        change(at("11:30"), group_id=THIRD_LINE),
        status(at("13:00"), "solved"),
        status(at("15:00"), "open", CUSTOMER),
        status(at("15:30"), "pending"),
        status(at("19:00"), "solved"),
        group_id=SECOND_LINE,
    )
    account.ticket(2, at("10:00"), change(on_thursday("11:30"), group_id=SECOND_LINE))
    account.ticket(
        3,
        on_thursday("10:00"),
        change(on_thursday("10:30"), group_id=THIRD_LINE, assignee_id=OTHER_AGENT),
        group_id=SECOND_LINE,
        assignee_id=AGENT,
    )
    return account


def groups_by_the_vendor() -> Account:
    account = Account("vendor_groups")
    account.ticket(
        1,
        at("10:00"),
        change(at("11:30"), group_id=THIRD_LINE),
        status(at("13:00"), "solved"),
        group_id=SECOND_LINE,
    )

    def stay(instance: int, since: str, until: str, minutes: int, policy: str) -> None:
        group_sla = {
            "target": minutes,
            "target_in_seconds": minutes * 60,
            "business_hours": False,
            "policy": {"id": 9, "title": policy},
        }
        account.clock(1, "group_ownership_time", since, "activate", instance=instance)
        account.clock(
            1, "group_ownership_time", since, "apply_group_sla", instance=instance, group_sla=group_sla
        )
        account.clock(1, "group_ownership_time", until, "fulfill", instance=instance)

    stay(1, at("10:00"), at("11:30"), 60, "second line")
    account.clock(1, "group_ownership_time", at("11:00"), "breach")
    stay(2, at("11:30"), at("13:00"), 180, "third line")
    return account


def choices() -> Account:
    account = Account("choices")
    for field, title in FIELDS.items():
        account.add("ticket_fields", {"id": field, "title": title, "updated_at": "2024-01-01T00:00:00Z"})

    def asked(ticket_id: int, *fields: tuple[int, str], **more: Any) -> None:
        custom = [{"id": field, "value": value} for field, value in fields]
        account.ticket(ticket_id, at("10:00"), comment(at("10:30")), custom_fields=custom, **more)

    asked(1)
    asked(2, (COMPLEXITY, "complex"))
    asked(3, (COMPLEXITY, "complex"), (SEGMENT, "gold"))
    asked(4, via={"channel": "chat"})
    account.ticket(5, "2024-06-03T10:00", comment("2024-06-03T10:10"), via={"channel": "chat"})
    asked(6, priority="low")
    account.ticket(7, at("10:00"), change(at("10:20"), priority="high"), comment(at("10:30")), priority="low")
    account.ticket(8, at("10:00"), change(at("10:20"), priority="low"), comment(at("10:30")), priority="high")
    # The same target for another priority is no new one.
    account.ticket(
        9, at("10:00"), change(at("10:20"), priority="urgent"), comment(at("10:30")), priority="high"
    )
    return account


def switched() -> Account:
    """Office hours in New York until Wednesday 16:00, then around the clock."""
    account = Account("switched")
    account.schedule(1, NEW_YORK, OFFICE)
    account.schedule(2, NEW_YORK, ALWAYS, created="2021-01-01T00:00")
    account.ticket(
        1, at("13:00"), assign_schedule("2024-06-05T16:00", 2), status("2024-06-05T22:00", "solved")
    )
    return account


def stamps() -> Account:
    account = Account("stamps")

    def target(ticket_id: int, clock: str, minutes: int, policy: str) -> None:
        account.apply_sla(ticket_id, "reply_time", at(clock), minutes, policy=policy)

    def event(ticket_id: int, clock: str, kind: str) -> None:
        account.clock(ticket_id, "reply_time", at(clock), kind)

    account.ticket(1, at("10:00"), comment(at("12:00")))
    event(1, "10:00", "activate")
    target(1, "10:00", 60, "strict")
    event(1, "11:00", "breach")
    target(1, "11:30", 240, "lax")
    event(1, "12:00", "fulfill")

    # The export began after the clock did.
    account.ticket(2, at("10:00"), comment(at("11:30")))
    target(2, "10:30", 60, "strict")
    event(2, "11:00", "breach")
    event(2, "11:30", "fulfill")

    account.ticket(
        3, at("10:00"), change(at("12:00"), assignee_id=AGENT, group_id=SECOND_LINE), comment(at("12:30"))
    )
    event(3, "10:00", "activate")
    target(3, "10:00", 60, "strict")
    event(3, "11:00", "breach")
    event(3, "12:30", "fulfill")

    # Twice in one second, and the same target again.
    account.ticket(4, at("10:00"), comment(at("10:40")))
    event(4, "10:00", "activate")
    target(4, "10:00", 240, "lax")
    target(4, "10:00", 60, "strict")
    target(4, "10:20", 60, "strict")
    event(4, "10:40", "fulfill")
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("sla"), rules={"own_sla_targets.csv": OWN_TARGETS})
    for account in (updates(), groups(), groups_by_the_vendor(), choices(), switched(), stamps()):
        account.land(warehouse)
    warehouse.build(AS_OF, select=["+sla_at_risk", "+kpi_scorecard"])
    return warehouse


TIMES = ("applied_at", "due_at", "due_at_last_schedule", "ended_at", "breached_at")


def targets(warehouse: Warehouse, source: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of sla_targets, times as day and hh:mm without the day on Tuesday."""
    selected = ", ".join(
        f"ltrim(replace(strftime({name}, '%d %H:%M'), '04 ', ''))" if name in TIMES else name
        for name in columns.split(", ")
    )
    return warehouse.query(
        f"select {selected} from marts.sla_targets as t where source = '{source}' and {where} "
        "order by metric, ticket_id, t.applied_at"
    )


def test_periodic_updates_go_from_comment_to_comment(warehouse: Warehouse) -> None:
    columns = "ticket_id, instance, applied_at, due_at, ended_at, elapsed_seconds / 60, outcome, breached_at"
    assert targets(warehouse, "updates", columns, "metric = 'periodic_update'") == [
        ("1", 1, "10:30", "12:30", "14:00", 210, "breached", "12:30"),
        ("1", 2, "14:00", "16:00", "17:00", 180, "breached", "16:00"),
        ("2", 1, "10:00", "12:00", None, 3000, "breached", "12:00"),
        ("3", 1, "13:30", "15:30", "14:00", 30, "met", None),
        ("4", 1, "06 11:00", "06 13:00", None, 60, "active", None),
    ]


def test_pausable_updates_stand_still_in_pending_only(warehouse: Warehouse) -> None:
    columns = "ticket_id, instance, due_at, elapsed_seconds / 60, is_paused, outcome, breached_at"
    assert targets(warehouse, "updates", columns, "metric = 'pausable_update'") == [
        ("1", 1, "12:30", 210, False, "breached", "12:30"),
        ("1", 2, "18:00", 60, False, "met", None),
        ("2", 1, "12:00", 3000, False, "breached", "12:00"),
        ("3", 1, "15:30", 30, False, "met", None),
        ("4", 1, None, 0, True, "active", None),
    ]


def test_ownership_is_counted_by_stay(warehouse: Warehouse) -> None:
    columns = (
        "ticket_id, instance, group_id, policy, applied_at, due_at, ended_at, elapsed_seconds / 60, outcome"
    )
    assert targets(warehouse, "groups", columns) == [
        ("1", 1, "7", "second line", "10:00", "11:00", "11:30", 90, "breached"),
        ("1", 2, "8", "any group", "11:30", "14:30", "13:00", 90, "met"),
        ("1", 3, "8", "any group", "15:00", "18:00", "19:00", 240, "breached"),
        ("2", 1, "7", "second line", "06 11:30", "06 12:30", None, 30, "active"),
        ("3", 1, "7", "second line", "06 10:00", "06 11:00", "06 10:30", 30, "met"),
        ("3", 2, "8", "any group", "06 10:30", "06 13:30", None, 90, "active"),
    ]
    assert targets(warehouse, "groups", "agent_id", "ticket_id = '3'") == [
        (str(AGENT),),
        (str(OTHER_AGENT),),
    ]


def test_ownership_by_the_vendors_stamps(warehouse: Warehouse) -> None:
    columns = "instance, group_id, policy, due_at, ended_at, elapsed_seconds / 60, outcome, breached_at"
    assert targets(warehouse, "vendor_groups", columns) == [
        (1, "7", "second line", "11:00", "11:30", 90, "breached", "11:00"),
        (2, "8", "third line", "14:30", "13:00", 90, "met", None),
    ]


def test_a_target_fits_priority_complexity_segment_channel_and_date(warehouse: Warehouse) -> None:
    columns = "ticket_id, policy, applied_at, ended_at, outcome"
    assert targets(warehouse, "choices", columns) == [
        ("1", "any", "10:00", "10:30", "met"),
        ("2", "complex", "10:00", "10:30", "met"),
        ("3", "complex for gold", "10:00", "10:30", "met"),
        ("4", "chat from 4 June", "10:00", "10:30", "breached"),
        ("5", "chat until 4 June", "03 10:00", "03 10:10", "met"),
        # 6 is low throughout.
        ("7", "any", "10:20", "10:30", "met"),
        ("8", "any", "10:00", "10:20", "cancelled"),
        ("9", "any", "10:00", "10:30", "met"),
    ]


def test_a_switched_schedule_by_both_conventions(warehouse: Warehouse) -> None:
    columns = (
        "elapsed_seconds / 60, elapsed_seconds_last_schedule / 60, due_at, due_at_last_schedule, outcome"
    )
    # 660 minutes of office hours until Wednesday 16:00, then 360; 540 more would have been due at 01:00.
    assert targets(warehouse, "switched", columns) == [(1020, 1980, "06 01:00", "05 09:00", "met")]


def test_a_breach_stays_one_when_the_target_is_replaced(warehouse: Warehouse) -> None:
    columns = "policy, applied_at, ended_at, elapsed_seconds / 60, outcome, breached_at"
    assert targets(warehouse, "stamps", columns, "ticket_id = '1'") == [
        ("strict", "10:00", "11:30", 90, "breached", "11:00"),
        ("lax", "11:30", "12:00", 120, "superseded", None),
    ]


def test_stamps_decide_where_the_start_of_a_clock_is_unknown(warehouse: Warehouse) -> None:
    columns = "due_at, ended_at, elapsed_seconds, outcome, breached_at"
    assert targets(warehouse, "stamps", columns, "ticket_id = '2'") == [
        (None, "11:30", None, "breached", "11:00")
    ]


def test_nobody_is_blamed_for_a_breach_before_the_assignment(warehouse: Warehouse) -> None:
    assert targets(warehouse, "stamps", "agent_id, group_id, breached_at", "ticket_id = '3'") == [
        (None, None, "11:00")
    ]


def test_a_target_that_never_stood_or_is_said_again_is_none(warehouse: Warehouse) -> None:
    columns = "policy, applied_at, ended_at, outcome"
    assert targets(warehouse, "stamps", columns, "ticket_id = '4'") == [("strict", "10:00", "10:40", "met")]


def test_what_is_at_risk_by_time_left(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select urgency_rank, source, ticket_id, metric, seconds_left / 60, clock_seconds_left / 60, "
        "target_used_pct, is_paused from marts.sla_at_risk order by urgency_rank"
    ) == [
        (1, "groups", "2", "group_ownership", 30, 30, 50, False),
        (2, "updates", "4", "periodic_update", 60, 60, 50, False),
        (3, "groups", "3", "group_ownership", 90, 90, 50, False),
        (4, "updates", "4", "pausable_update", None, 120, 0, True),
    ]


def test_every_metric_has_its_compliance_and_its_line_in_the_scorecard(warehouse: Warehouse) -> None:
    total = "period_grain = 'all' and dimension = 'all'"
    found = warehouse.query(
        f"select metric, met, breached, active from marts.kpi_sla_compliance where {total} order by 1"
    )
    assert found == [
        ("first_reply", 7, 4, 0),
        ("group_ownership", 3, 3, 2),
        ("pausable_update", 2, 2, 1),
        ("periodic_update", 1, 3, 1),
        ("total_resolution", 1, 0, 0),
    ]
    lines = warehouse.query(
        f"select kpi, n from marts.kpi_scorecard where {total} and kpi like 'sla_%' order by 1"
    )
    assert lines == [(f"sla_{metric}", met + breached) for metric, met, breached, _ in found]
