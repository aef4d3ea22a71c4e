"""A night that brings something about the tickets of a night before gives what a build from nothing gives."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from . import test_newest_version as versions
from . import test_who_is_an_agent as agents
from .test_incremental import rows_that_differ
from .warehouse import Warehouse
from .zendesk_records import Account, comment

AS_OF, NEXT = "2024-06-30T00:00:00Z", "2024-07-10T00:00:00Z"


@dataclass
class Nights:
    """Two nights built one after the other, and the same landing built at once."""

    nightly: Warehouse
    at_once: Warehouse


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nightly = Warehouse(tmp_path_factory.mktemp("nightly"))
    for account in (versions.helpdesk(), agents.helpdesk()):
        account.land(nightly)
    nightly.build(AS_OF)
    for account in (newer_version(), note_of_a_deleted_user()):
        account.land(nightly)
    nightly.build(NEXT)
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"))
    at_once.landing = nightly.landing
    at_once.build(NEXT)
    return Nights(nightly, at_once)


def newer_version() -> Account:
    """Of the second ticket, without any event."""
    account = Account("silent")
    at = versions.at
    record = account.ticket(2, at("10:00"), changed="2024-07-02T10:00", status="closed")
    solved = versions.metric_set(180, 180, solved_at=at("13:00"))
    account.streams = {"tickets": [record | {"metric_set": solved}]}
    return account


def note_of_a_deleted_user() -> Account:
    """Internal, late, on another ticket."""
    account = Account("desk", ids=itertools.count(5000))
    note = comment(agents.at("09:30"), agents.NOTHING, public=False)
    account.ticket(200, agents.at("09:00"), note)
    return account


def test_a_version_alone_is_news(nights: Nights) -> None:
    """The version of the fourteenth ticket is of now."""
    now = versions.tickets(nights.nightly, "status, strftime(last_solved_at, '%d %H:%M')")
    assert (now[2], now[14]) == (["closed", "04 13:00"], ["solved", "05 10:00"])


def test_work_on_one_ticket_tells_of_all(nights: Nights) -> None:
    assert agents.first_replies(nights.nightly)[agents.NOTHING] == (20.0, agents.NOTHING, True)


def test_it_is_as_when_built_from_nothing(nights: Nights) -> None:
    assert rows_that_differ(nights.nightly.path, nights.at_once.path) == {}
