"""The marts agree with the real company's truth on messages that no event tells, on links and on reasons."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from sandbox.real import truth
from sandbox.real.company import RealCompany
from sandbox.real.truth import EVENTS, VENDOR, RealTruth
from sandbox.server import Sandbox

from .conftest import fetch_sandbox
from .warehouse import Warehouse

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
MARTS = ("+kpi_distribution", "+kpi_response_times", "+ticket_links", "+ticket_replies")
Served = tuple[Warehouse, RealCompany, list[RealTruth]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    warehouse = Warehouse(tmp_path_factory.mktemp("messages"), time_zone="America/New_York")
    company = RealCompany(7, 500, NOW)
    with Sandbox(company=company) as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
    warehouse.build(NOW.isoformat(), select=MARTS)
    return warehouse, company, truth.tickets(company)


def test_every_first_reply_is_the_earliest_that_anybody_tells(served: Served) -> None:
    """By both clocks, and who tells it; of every fifth ticket with a reply the vendor alone."""
    warehouse, _, found = served
    ours = {
        ticket: tuple(known)
        for ticket, *known in warehouse.query(
            """select ticket_id, first_reply_seconds, first_reply_business_seconds, first_reply_origin from marts.tickets"""
        )
    }
    counted = [one for one in found if one.counts]
    assert {one.ticket_id: ours[one.ticket_id] for one in counted} == {
        one.ticket_id: tuple(one.first_reply) for one in counted
    }
    told = Counter(one.first_reply.origin for one in counted)
    assert told[VENDOR] > 40
    assert told[EVENTS] > 300
    assert warehouse.query(
        """select clock, n, n_vendor from marts.kpi_response_times
        where period_grain = 'all' and dimension = 'all' and measure = 'first_reply' order by clock"""
    ) == [(clock, told[VENDOR] + told[EVENTS], told[VENDOR]) for clock in ("business", "calendar")]


def test_replies_that_events_do_not_tell_are_the_vendors(served: Served) -> None:
    """A session is one; nobody waits on for what is answered."""
    warehouse, _, found = served
    wanted = {one.ticket_id: one.replies for one in found if one.counts and one.replies_origin == VENDOR}
    ours = dict(warehouse.query("select ticket_id, public_agent_replies from marts.tickets"))
    assert len(wanted) > 40
    assert {ticket: ours[ticket] for ticket in wanted} == wanted
    waiting = {
        ticket
        for (ticket,) in warehouse.query(
            "select ticket_id from marts.ticket_replies where replied_at is null"
        )
    }
    assert not waiting & wanted.keys()


def test_links(served: Served) -> None:
    warehouse, company, _ = served
    ours = warehouse.query("select ticket_id, relation, other_ticket_id from marts.ticket_links")
    assert sorted(ours) == sorted(truth.links(company))


def test_reasons_of_bad_ratings(served: Served) -> None:
    warehouse, company, found = served
    ours = warehouse.query(
        """select member, cast(sum(n) as integer) from marts.kpi_distribution
        where period_grain = 'all' and dimension = 'reason' group by member"""
    )
    expected = truth.bad_reasons(company, found)
    expected["(none)"] = expected.pop("No reason provided")
    assert dict(ours) == expected
