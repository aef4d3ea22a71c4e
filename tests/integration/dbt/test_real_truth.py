"""The marts agree with a company like real ones, where events do not tell everything; its truth is worked out in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.real import truth
from sandbox.real.company import BOT_ID, RealCompany
from sandbox.real.truth import UNKNOWN, VENDOR, Known, RealTruth
from sandbox.server import Sandbox

from .conftest import fetch_sandbox
from .warehouse import Warehouse

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
#: What a vendor's whole minutes may be off by, in seconds.
MINUTE = 60


@pytest.fixture(scope="module")
def company() -> RealCompany:
    return RealCompany(7, 800, NOW)


@pytest.fixture(scope="module")
def warehouse(company: RealCompany, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("real"), time_zone="America/New_York")
    with Sandbox(company=company) as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
    warehouse.build(
        NOW.isoformat(),
        select=[
            "+agents",
            "+ticket_replies",
            "+sla_targets",
            "+excluded_tickets",
            "+kpi_volume",
            "+kpi_backlog",
            "+completeness_summary",
        ],
    )
    return warehouse


@pytest.fixture(scope="module")
def found(company: RealCompany) -> list[RealTruth]:
    return truth.tickets(company)


@pytest.fixture(scope="module")
def truths(found: list[RealTruth]) -> dict[str, RealTruth]:
    return {one.ticket_id: one for one in found if one.counts}


def published(warehouse: Warehouse, truths: dict[str, RealTruth], columns: str) -> dict[str, tuple[Any, ...]]:
    """Of the tickets that count: what `tickets` says of them."""
    rows = warehouse.query(f"select ticket_id, {columns} from marts.tickets")
    return {ticket: tuple(values) for ticket, *values in rows if ticket in truths}


def test_a_ticket_is_what_its_newest_version_says(warehouse: Warehouse, truths: dict[str, RealTruth]) -> None:
    found = published(warehouse, truths, "status, priority, group_id::bigint, assignee_id::bigint")
    assert len(found) > 400
    assert found == {
        one.ticket_id: (one.status, one.priority, one.group, one.assignee)
        for one in truths.values()
        if one.ticket_id in found
    }


def test_an_assignment_is_when_events_or_the_vendor_say(
    warehouse: Warehouse, truths: dict[str, RealTruth]
) -> None:
    columns = "first_assignment_seconds, first_assignment_business_seconds, first_assigned_origin"
    found = published(warehouse, truths, columns)
    right = {ticket: truths[ticket].first_assignment for ticket in found}
    assert {ticket: (found[ticket], one) for ticket, one in right.items() if found[ticket] != one} == {}
    origins = Counter(one.origin for one in right.values())
    assert min(origins[name] for name in ("events", VENDOR, UNKNOWN.origin)) > 5


@pytest.mark.parametrize(
    ("moment", "measure"), [("first_solve", "first_resolution"), ("last_solve", "full_resolution")]
)
def test_a_solve_is_when_events_or_the_vendor_say(
    warehouse: Warehouse, truths: dict[str, RealTruth], moment: str, measure: str
) -> None:
    origin = moment.replace("solve", "solved_origin")
    columns = f"{measure}_seconds, {measure}_business_seconds, case when {measure}_seconds is not null then {origin} end"
    origins = Counter[str | None]()
    wrong = {}
    for ticket, found in published(warehouse, truths, columns).items():
        right: Known = getattr(truths[ticket], moment)
        origins[right.origin] += 1
        is_same = found == right if right.origin != VENDOR else found[2] == VENDOR and close(found, right)
        if not is_same:
            wrong[ticket] = (found, right, truths[ticket].begins, truths[ticket].channel)
    assert wrong == {}
    assert min(origins[name] for name in ("events", VENDOR, UNKNOWN.origin)) > 5


def test_later_replies_of_conversations_are_those_of_the_vendors_clock(
    warehouse: Warehouse, truths: dict[str, RealTruth]
) -> None:
    rows = warehouse.query(
        "select ticket_id, list([seconds, business_seconds] order by reply_no) from marts.ticket_replies "
        "where origin = 'vendor' and not is_first_reply group by ticket_id"
    )
    right = {
        name: one.told_replies for name, one in truths.items() if one.told_replies and not one.is_imported
    }
    assert len(right) > 2
    found = dict(rows)
    assert found.keys() == right.keys()
    for ticket, replies in right.items():
        assert len(found[ticket]) == len(replies)
        assert all(close(tuple(ours), theirs) for ours, theirs in zip(found[ticket], replies, strict=True)), (
            ticket
        )


def close(found: tuple[Any, ...], right: Known) -> bool:
    return all(abs(ours - theirs) < MINUTE for ours, theirs in zip(found[:2], right[:2], strict=True))


def test_who_handles_a_ticket_is_as_it_was(warehouse: Warehouse, found: list[RealTruth]) -> None:
    handled = dict(warehouse.query("select ticket_id, support_type from marts.tickets"))
    assert handled == {
        one.ticket_id: "agent" if one.is_human else "ai_agent" for one in found if one.excluded is None
    }


def test_the_human_clock_starts_at_the_handover(
    warehouse: Warehouse, company: RealCompany, truths: dict[str, RealTruth]
) -> None:
    """Where the event export has rows of the ticket: else nobody tells when it was handed over."""
    columns = "epoch(handed_over_at)::bigint, first_reply_after_handover_seconds, first_reply_origin"
    told = 0
    for ticket, (handed, waited, origin) in published(warehouse, truths, columns).items():
        right = truths[ticket]
        if not company.facts[int(ticket) - 1].has_events:
            assert (handed, waited) == (None, None)
            continue
        assert handed == right.handed_over
        if right.handed_over is None or right.first_reply.origin is None:
            assert waited is None
            continue
        told += 1
        tolerance = 0 if origin == "events" else MINUTE
        assert abs(waited - max(0, right.first_reply_after_handover or 0)) <= tolerance, ticket
    assert told > 3


def test_volume_counts_what_ai_agents_handled_alone_apart(
    warehouse: Warehouse, found: list[RealTruth]
) -> None:
    numbers = ("created", "solved", "created_ai_only", "solved_ai_only")
    rows = warehouse.query(
        f"select coalesce(strftime(period_start, '%Y-%m'), 'all'), {', '.join(numbers)} "
        "from marts.kpi_volume where period_grain in ('month', 'all') and dimension = 'all'"
    )
    right = truth.volume(found)
    assert {period: dict(zip(numbers, counts, strict=True)) for period, *counts in rows} == {
        period: {name: counts[name] for name in numbers} for period, counts in right.items()
    }
    assert right["all"]["solved_ai_only"] > 10


def test_the_backlog_is_what_humans_have_not_solved(warehouse: Warehouse, found: list[RealTruth]) -> None:
    rows = warehouse.query(
        "select member, open_at_end from marts.kpi_backlog "
        "where period_grain = 'all' and dimension = 'group' and age_bucket = 'all' and open_at_end > 0"
    )
    assert dict(rows) == {str(group or "(none)"): n for group, n in truth.backlog(found).items()}


def test_customers_that_were_merged_are_no_agents_and_former_agents_are(
    warehouse: Warehouse, company: RealCompany
) -> None:
    found = {
        int(agent)
        for (agent,) in warehouse.query(
            "select distinct agent_id from marts.ticket_replies where agent_id is not null"
        )
    }
    assert found <= truth.agents(company)
    assert truth.merged_customers(company)


def test_programs_that_reply_are_named(warehouse: Warehouse, company: RealCompany) -> None:
    found = {
        int(agent) for (agent,) in warehouse.query("select agent_id from marts.agents where is_probable_bot")
    }
    assert found == truth.probable_bots(company) == {BOT_ID}


def test_what_is_missing_holds_no_publication(warehouse: Warehouse) -> None:
    """What messaging leaves untold is taken from the vendor, or too little to judge; nothing differs without a reason."""
    assert warehouse.query("select * from marts.completeness_summary where gap = 'critical'") == []
    [(confirmed, from_vendor, unexplained)] = warehouse.query(
        "select sum(confirmed), sum(from_vendor), sum(unexplained) from marts.completeness_summary where measure = 'first_reply'"
    )
    assert (confirmed > 400, from_vendor > 50, unexplained) == (True, True, 0)


def test_a_clock_counts_once(warehouse: Warehouse, truths: dict[str, RealTruth]) -> None:
    rows = warehouse.query(
        "select ticket_id, metric, instance, list(outcome order by applied_at) from marts.sla_targets "
        "where origin = 'vendor' group by all"
    )
    found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for ticket, metric, _, outcomes in rows:
        assert Counter(outcomes)["breached"] <= 1
        found[ticket][metric, "breached" if "breached" in outcomes else outcomes[-1]] += 1
    wrong = {}
    for ticket, one in truths.items():
        right = Counter((metric, outcome) for (metric, _), outcome in one.sla.items())
        if found[ticket] != right:
            wrong[ticket] = (found[ticket] - right, right - found[ticket])
    assert wrong == {}
    seen = {outcome for outcomes in found.values() for _, outcome in outcomes}
    assert {"breached", "met", "active", "unknown"} <= seen
