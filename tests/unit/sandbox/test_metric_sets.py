"""Zendesk's metric sets of tickets told by hand, by the rules of its help articles on duration metrics.

New York's office hours on 4 June 2024 are 13:00 to 21:00 UTC, Copenhagen's 06:00 to 16:00.
"""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.catalog import HOLD, OPEN, PENDING, SOLVED, schedules
from sandbox.company import Company
from sandbox.hours import Hours
from sandbox.lifecycle import AGENT_REPLY, Update
from sandbox.vendors.zendesk.records import Records

from .conftest import seconds

NEW_YORK, COPENHAGEN = 0, 1


@pytest.fixture(scope="module")
def records() -> Records:
    known = schedules(2024, 2024)
    hours = [Hours(schedule, seconds("1 00:00"), seconds("30 00:00")) for schedule in known]
    return Records(cast(Company, SimpleNamespace(schedules=known, hours=hours)))


def minutes(records: Records, updates: list[Update], name: str) -> tuple[int | None, int | None]:
    found = records.metric_set(0, updates)[f"{name}_in_minutes"]
    return found["calendar"], found["business"]


def test_a_reply_is_timed_by_the_schedule_at_the_reply(records: Records, story: Any) -> None:
    ticket = story("12:00").at("13:30", comment=AGENT_REPLY, status=OPEN).at("13:40", schedule=COPENHAGEN)
    assert minutes(records, ticket.updates, "reply_time") == (90, 30)
    ticket.at("14:00", status=SOLVED)
    assert minutes(records, ticket.updates, "reply_time") == (90, 30)
    assert minutes(records, ticket.updates, "full_resolution_time") == (120, 120)


def test_waits_grow_when_the_status_changes_by_the_schedule_then(records: Records, story: Any) -> None:
    ticket = story("12:00").at("13:30", status=OPEN).at("13:40", schedule=COPENHAGEN)
    assert minutes(records, ticket.updates, "requester_wait_time") == (90, 30)
    ticket.at("14:00", status=PENDING)
    assert minutes(records, ticket.updates, "requester_wait_time") == (120, 60)


def test_what_has_not_happened_is_null_but_for_the_time_on_hold(records: Records, story: Any) -> None:
    ticket = story("13:00")
    for name in ("reply_time", "first_resolution_time", "full_resolution_time", "agent_wait_time"):
        assert minutes(records, ticket.updates, name) == (None, None)
    assert minutes(records, ticket.updates, "on_hold_time") == (0, 0)
    ticket.at("13:10", status=HOLD).at("13:15", status=OPEN).at("13:20", status=SOLVED)
    assert minutes(records, ticket.updates, "on_hold_time") == (5, 5)
    assert minutes(records, ticket.updates, "agent_wait_time") == (0, 0)


def test_the_full_resolution_stays_while_a_ticket_is_open_again(records: Records, story: Any) -> None:
    ticket = story("13:00").at("13:20:29", status=SOLVED).at("14:00", status=OPEN)
    assert minutes(records, ticket.updates, "full_resolution_time") == (20, 20)
    ticket.at("14:30:30", status=SOLVED)
    assert minutes(records, ticket.updates, "full_resolution_time") == (91, 91)
    assert minutes(records, ticket.updates, "first_resolution_time") == (20, 20)
