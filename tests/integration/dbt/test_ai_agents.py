"""Tickets that AI agents handle, alone or first: one Tuesday of June 2024, times in UTC; open from 09:00 to 17:00."""

from __future__ import annotations

from pathlib import Path

import pytest

from .warehouse import Warehouse
from .zendesk_records import (
    AGENT,
    OFFICE,
    OTHER_AGENT,
    OWN_TARGET_COLUMNS,
    SYSTEM,
    Account,
    Happening,
    change,
    comment,
    status,
    utc,
)

SOURCE, AS_OF = "acme", "2024-06-30T00:00:00Z"
#: Tables that have no cell for what an AI agent handles alone.
HUMAN = (
    "kpi_response_times",
    "kpi_bottlenecks",
    "kpi_effort",
    "kpi_first_contact",
    "kpi_backlog",
    "kpi_sla_compliance",
    "kpi_team",
    "kpi_cost",
    "ticket_replies",
    "sla_targets",
)
RULES = {
    "own_sla_targets.csv": f"{OWN_TARGET_COLUMNS}\n*,first_reply,reply,,,,,,60,false,,\n*,agent_work,work,,,,,,60,false,,\n",
    "service_costs.csv": "scenario,dimension,member,currency,monthly_cost,retained_pct,revenue_per_customer,deflected_per_month,"
    "saving_per_deflected,upsell_pct,revenue_per_upsell,valid_from,valid_to,source\nplan,all,all,EUR,100,,,,,,,,,\n",
}


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def hand_over(clock: str) -> Happening:
    return change(at(clock), SYSTEM, support_type="agent")


def helpdesk(*, with_ai_only: bool = True) -> Account:
    """1 and 3 were solved by humans, 3 after a handover; 4 and 5 are open, and nobody usable says who handles them.

    An AI agent handles 2, by the customer of 1, and 6 alone.
    """
    account = Account(SOURCE)
    account.schedule(1, "UTC", OFFICE)
    held = {"assignee_id": AGENT, "group_id": 7}
    account.ticket(
        1,
        at("10:00"),
        comment(at("10:30")),
        status(at("12:00"), "solved"),
        requester_id=11,
        opened_by=11,
        support_type="agent",
        **held,
    )
    account.ticket(
        3,
        at("08:30"),
        hand_over("08:50"),
        comment(at("09:20")),
        status(at("13:00"), "solved"),
        requester_id=12,
        opened_by=12,
        support_type="agent",
        **held,
    )
    account.rating(1, "bad", at("15:00"), customer=11)
    account.ticket(4, at("10:00"), requester_id=13, opened_by=13)
    account.ticket(5, at("10:00"), requester_id=14, opened_by=14, support_type="robot")
    if with_ai_only:
        account.ticket(
            2,
            at("13:00"),
            comment(at("13:05")),
            change(at("13:10"), group_id=8, assignee_id=OTHER_AGENT, priority="high"),
            status(at("13:20"), "solved"),
            status(at("13:30"), "open"),
            status(at("13:40"), "solved"),
            requester_id=11,
            opened_by=11,
            support_type="ai_agent",
            priority="low",
            **held,
        )
        account.rating(2, "good", at("15:00"), customer=11)
        account.ticket(
            6, at("10:00"), comment(at("10:01")), requester_id=15, opened_by=15, support_type="ai_agent"
        )
    return account


def built(folder: Path, account: Account) -> Warehouse:
    warehouse = Warehouse(folder, rules=RULES)
    account.land(warehouse)
    warehouse.build(
        AS_OF, select=[f"+{name}" for name in (*HUMAN, "kpi_volume", "kpi_csat", "metric_members")]
    )
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built(tmp_path_factory.mktemp("ai_agents"), helpdesk())


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same account, had it no ticket that an AI agent handled alone."""
    return built(tmp_path_factory.mktemp("humans"), helpdesk(with_ai_only=False))


def test_who_handles_a_ticket_is_told_or_null(warehouse: Warehouse) -> None:
    found = dict(warehouse.query("select ticket_id::integer, support_type from marts.tickets"))
    assert found == {1: "agent", 2: "ai_agent", 3: "agent", 4: None, 5: None, 6: "ai_agent"}
    rejected = "select record_id, reason from control.rejected_values where field = 'support_type'"
    assert warehouse.query(rejected) == [("5", "is unknown")]


@pytest.mark.parametrize("table", [*HUMAN, f"metric_members where kpi in {HUMAN[:8]}"])
def test_what_ai_agents_handle_alone_is_in_no_cell(
    warehouse: Warehouse, without: Warehouse, table: str
) -> None:
    rows = f"select * from marts.{table} order by all"
    assert warehouse.query(rows) == without.query(rows) != []


def test_volume_counts_them_apart(warehouse: Warehouse, without: Warehouse) -> None:
    numbers = "created, solved, reopened, customers, created_ai_only, solved_ai_only"
    cell = f"select {numbers} from marts.kpi_volume where period_grain = 'all' and dimension = 'all'"
    assert warehouse.query(cell) == [(4, 2, 0, 4, 2, 1)]
    assert without.query(cell) == [(4, 2, 0, 4, 0, 0)]
    by_type = (
        cell.replace("'all' and dimension = 'all'", "'all' and dimension = 'support_type'")
        + " order by member"
    )
    assert warehouse.query(by_type) == [(2, 0, 0, 2, 0, 0), (2, 2, 0, 2, 0, 0), (0, 0, 0, 0, 2, 1)]
    members = "select count(*), sum(in_denominator::int), sum(in_numerator::int) from marts.metric_members where kpi = 'kpi_volume'"
    assert warehouse.query(members) == [(6, 4, 2)]


def test_answers_count_whoever_handled_the_ticket(warehouse: Warehouse) -> None:
    cells = warehouse.query(
        "select member, n, positive from marts.kpi_csat where period_grain = 'all' "
        "and dimension in ('all', 'support_type') order by member"
    )
    assert cells == [("agent", 1, 0), ("ai_agent", 1, 1), ("all", 2, 1)]
    assert warehouse.query(
        "select csat_n, csat_positive from marts.kpi_team where period_grain = 'all' and dimension = 'all'"
    ) == [(1, 0)]


def test_what_humans_did_is_as_worked_by_hand(warehouse: Warehouse) -> None:
    def row(table: str, numbers: str, where: str = "true") -> object:
        [found] = warehouse.query(
            f"select {numbers} from marts.{table} where period_grain = 'all' and dimension = 'all' and {where}"
        )
        return found

    assert row("kpi_backlog", "open_at_end", "age_bucket = 'all'") == (2,)
    assert row(
        "kpi_response_times", "n, median_seconds", "measure = 'first_reply' and clock = 'calendar'"
    ) == (
        2,
        (30 + 50) * 60 / 2,
    )
    # The customer of 1 came again, but no human saw to it.
    assert row("kpi_first_contact", "numerator, denominator", "convention = 'first_contact_resolution'") == (
        2,
        2,
    )
    assert row("kpi_effort", "n, affected", "measure = 'reopens'") == (2, 0)
    assert row("kpi_team", "solved, replies") == (2, 2)
    assert row("kpi_sla_compliance", "met, breached", "metric = 'first_reply'") == (2, 2)
    assert row("kpi_cost", "solved") == (2,)


def handed_over() -> Account:
    """Every ticket was created at 08:30, when the desk is closed, and is a human's by 14:00.

    20 was handed over at 08:50 and answered at 09:20, 21 so by an audit. 22 got a human's reply before, too. Of 23 and 24 only the vendor
    tells that a reply came, 45 minutes after the creation: the handover of 24 was in that minute. 25 waits. Of 26 nobody tells.
    """
    account = Account("handed")
    account.schedule(1, "UTC", OFFICE)

    def ticket(number: int, *happenings: Happening, **fields: object) -> None:
        account.ticket(number, at("08:30"), *happenings, changed=at("14:00"), support_type="agent", **fields)

    told = {"reopens": 0, "replies": 1, "reply_time_in_minutes": {"calendar": 45, "business": 15}}
    ticket(20, hand_over("08:50"), comment(at("09:20")))
    ticket(21, comment(at("09:20")))
    ticket(22, comment(at("08:40")), hand_over("08:50"), comment(at("09:20")))
    ticket(23, hand_over("08:50"), metric_set=told)
    ticket(24, hand_over("09:15:20"), metric_set=told)
    ticket(25, hand_over("08:50"))
    ticket(26, comment(at("09:20")))
    change_of_type = {"type": "Change", "field_name": "support_type", "value": "agent"}
    account.add(
        "ticket_audits",
        {
            "id": 9,
            "ticket_id": 21,
            "created_at": utc(at("08:50")),
            "author_id": SYSTEM,
            "events": [change_of_type],
        },
    )
    return account


def test_the_human_clock_starts_at_the_handover_too(tmp_path: Path) -> None:
    warehouse, before = Warehouse(tmp_path / "after"), Warehouse(tmp_path / "before")
    handed_over().land(warehouse)
    before.landing = warehouse.landing
    warehouse.build(AS_OF, select=["+tickets"])
    columns = (
        "ticket_id::integer, strftime(handed_over_at, '%H:%M:%S'), first_reply_seconds / 60, first_reply_after_handover_seconds / 60, "
        "first_reply_after_handover_business_seconds / 60, first_reply_after_handover_business_seconds_last_schedule / 60"
    )
    assert warehouse.query(f"select {columns} from marts.tickets order by 1") == [
        (20, "08:50:00", 50, 30, 20, 20),
        (21, "08:50:00", 50, 30, 20, 20),
        (22, "08:50:00", 10, 30, 20, 20),
        (23, "08:50:00", 45, 25, 15, 15),
        (24, "09:15:20", 45, 0, 0, 0),
        (25, "08:50:00", None, None, None, None),
        (26, None, 50, None, None, None),
    ]
    # As of 08:45 all versions are newer: what was handed over later was still the AI agent's.
    before.build(utc(at("08:45")), select=["+tickets"])
    found = before.query(
        "select ticket_id::integer, support_type, handed_over_at from marts.tickets order by 1"
    )
    assert found == [(number, "agent" if number == 26 else "ai_agent", None) for number in range(20, 27)]
