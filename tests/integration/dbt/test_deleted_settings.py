"""What is deleted stops holding from its deletion on: for what comes after, not for what was before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.real import truth
from sandbox.real.company import DELETED_HOURS, RealCompany
from sandbox.server import Sandbox

from .conftest import fetch_sandbox
from .warehouse import Warehouse
from .zendesk_records import ALWAYS, OFFICE, Account, assign_schedule, comment, status

FIRST_NIGHT, SECOND_NIGHT = "2024-06-06T11:30:00Z", "2024-06-10T00:00:00Z"
#: A Thursday.
DELETED = "2024-06-06T12:00"
SELECT = ["+tickets", "+sla_targets", "+groups"]
#: Of a ticket's numbers those that are known when a window after its solve has passed.
WINDOWS = "has_repeat_contact, is_reopened_in_window, is_first_contact_resolved"
NOTHING_LEFT = (None, None)


def first_night() -> dict[str, Account]:
    """Accounts with an office's schedule and one that is always open, in UTC; of each a ticket that is soon over."""
    accounts = {name: Account(name) for name in ("set", "default", "only", "restored", "holidays")}
    for name, account in accounts.items():
        days = ("2024-06-05", "2024-06-06", "2024-06-07") if name == "holidays" else ()
        account.schedule(1, "UTC", OFFICE, holidays=days)
        if name in ("set", "default", "restored"):
            account.schedule(2, "UTC", ALWAYS, created="2021-01-01T00:00")
    for name in ("set", "default", "only"):
        setting = [assign_schedule("2024-06-04T10:00", 2)] if name == "set" else []
        accounts[name].ticket(
            1,
            "2024-06-04T10:00",
            *setting,
            comment("2024-06-04T20:00"),
            status("2024-06-04T20:00", "solved"),
            group_id=7,
        )
    accounts["set"].add("groups", {"id": 7, "name": "Night crew", "updated_at": "2023-01-01T00:00:00Z"})
    for ticket in (4, 5):
        replies = [comment("2024-06-06T11:00")] if ticket == 4 else []
        accounts["default"].ticket(ticket, "2024-06-06T10:00", *replies, priority="high")
        accounts["default"].clock(ticket, "reply_time", "2024-06-06T10:00", "activate")
        accounts["default"].apply_sla(
            ticket, "reply_time", "2024-06-06T10:00", 600, policy="Gone", business=True
        )
    accounts["default"].clock(4, "reply_time", "2024-06-06T11:00", "fulfill")
    accounts["default"].add(
        "sla_policies", {"id": 1, "title": "Gone", "position": 1, "updated_at": "2023-01-01T00:00:00Z"}
    )
    return accounts


def second_night(accounts: dict[str, Account]) -> None:
    """Schedules, a holiday, a group and a policy go; tickets go on and come."""
    accounts["set"].schedule(2, "UTC", ALWAYS, at=DELETED, deleted=True)
    for name in ("default", "only"):
        accounts[name].schedule(1, "UTC", OFFICE, at=DELETED, deleted=True)
    accounts["restored"].schedule(2, "UTC", ALWAYS, at="2024-06-05T00:00", deleted=True)
    accounts["restored"].schedule(2, "UTC", ALWAYS, at="2024-06-06T00:00")
    accounts["holidays"].schedule(1, "UTC", OFFICE, holidays=["2024-06-05"], at=DELETED)
    accounts["set"].add(
        "groups",
        {"id": 7, "name": "Night crew", "deleted": True, "_deleted": True, "updated_at": f"{DELETED}:00Z"},
    )
    accounts["default"].add(
        "sla_policies",
        {"id": 1, "title": "Gone", "position": 1, "_deleted": True, "updated_at": f"{DELETED}:00Z"},
    )
    accounts["default"].clock(5, "reply_time", "2024-06-06T20:00", "breach")

    setting = assign_schedule("2024-06-06T06:00", 2)
    accounts["set"].ticket(2, "2024-06-06T06:00", setting, comment("2024-06-06T20:00"))
    for name in ("default", "only"):
        accounts[name].ticket(2, "2024-06-06T08:00", comment("2024-06-06T20:00"))
        accounts[name].ticket(3, "2024-06-07T18:00", comment("2024-06-07T20:00"))
        # Of what was solved before, a rule's close is no more work.
        accounts[name].event(1, status("2024-06-08T20:00", "closed", by=-1))
    setting = assign_schedule("2024-06-04T20:00", 2)
    accounts["restored"].ticket(1, "2024-06-04T20:00", setting, comment("2024-06-06T04:00"))
    accounts["holidays"].ticket(1, "2024-06-04T08:00", comment("2024-06-07T16:00"))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Warehouse]:
    """Before the deletions, and after them on top of that."""
    before = Warehouse(tmp_path_factory.mktemp("before"))
    accounts = first_night()
    for account in accounts.values():
        account.land(before, fetched_at="2024-06-06T11:30:00Z")
    before.build(FIRST_NIGHT, select=SELECT)
    after = before.copy(tmp_path_factory.mktemp("after"))
    second_night(accounts)
    for account in accounts.values():
        account.land(after, fetched_at="2024-06-10T00:00:00Z")
    after.build(SECOND_NIGHT, select=SELECT)
    return before, after


def hours(warehouse: Warehouse) -> dict[tuple[str, str], tuple[Any, ...]]:
    """By source and ticket: to the first reply by the schedules in force, and by the last one."""
    found = warehouse.query(
        "select source, ticket_id, first_reply_business_seconds / 3600, "
        "first_reply_business_seconds_last_schedule / 3600 from marts.tickets where ticket_id < '4'"
    )
    return {(source, ticket): tuple(measured) for source, ticket, *measured in found}


def test_what_was_before_a_schedule_was_deleted_stays(nights: tuple[Warehouse, Warehouse]) -> None:
    right = {("set", "1"): (10, 10), ("default", "1"): (7, 7), ("only", "1"): (7, 7)}
    before, after = (hours(warehouse) for warehouse in nights)
    assert before == right
    assert {ticket: after[ticket] for ticket in right} == right


def test_what_comes_after_follows_the_default_that_is_left(nights: tuple[Warehouse, Warehouse]) -> None:
    found = hours(nights[1])
    # Always open to 12:00, the office after; the office alone.
    assert found["set", "2"] == (6 + 5, 8)
    # The default was the office to 12:00, always open after.
    assert found["default", "2"] == (3 + 8, 12)
    assert found["default", "3"] == (2, 2)
    assert found["only", "2"] == found["only", "3"] == NOTHING_LEFT


def test_a_schedule_that_comes_back_holds_again(nights: tuple[Warehouse, Warehouse]) -> None:
    assert hours(nights[1])["restored", "1"] == (4 + 8 + 4, 32)


def test_a_holiday_that_is_taken_off_counts_from_then_on(nights: tuple[Warehouse, Warehouse]) -> None:
    # Tuesday; a holiday; from 12:00 on it was none; none.
    assert hours(nights[1])["holidays", "1"] == (8 + 0 + 5 + 7, 20)


def test_a_target_is_due_as_it_stood(nights: tuple[Warehouse, Warehouse]) -> None:
    """Ten business hours from 10:00: Thursday 10 to 17, Friday 9 to 12; always open from Thursday 12:00 on."""
    by_office, at_night = "2024-06-07 12:00:00", "2024-06-06 20:00:00"
    columns = "select ticket_id, policy, outcome, due_at::varchar from marts.sla_targets order by ticket_id"
    assert nights[0].query(columns) == [("4", "Gone", "met", by_office), ("5", "Gone", "active", by_office)]
    assert nights[1].query(columns) == [("4", "Gone", "met", by_office), ("5", "Gone", "breached", at_night)]


def test_a_deleted_group_keeps_its_name(nights: tuple[Warehouse, Warehouse]) -> None:
    group = "select group_name, is_deleted, tickets from marts.groups where source = 'set'"
    assert [warehouse.query(group) for warehouse in nights] == [
        [("Night crew", False, 1)],
        [("Night crew", True, 1)],
    ]


def rows(warehouse: Warehouse, mart: str) -> list[tuple[Any, ...]]:
    """Of the tickets of the first night."""
    where = (
        ""
        if mart == "groups"
        else "where source in ('set', 'default', 'only') and ticket_id in ('1', '4', '5')"
    )
    return warehouse.query(f"select * from marts.{mart} {where} order by all")


@pytest.mark.parametrize("night", [0, 1])
def test_a_night_gives_what_a_build_from_nothing_gives(
    nights: tuple[Warehouse, Warehouse], tmp_path: Path, night: int
) -> None:
    """Also one as of the time before, when all has landed."""
    again = Warehouse(tmp_path / "again")
    again.landing = nights[1].landing
    again.build((FIRST_NIGHT, SECOND_NIGHT)[night], select=SELECT)
    for mart in ("tickets", "sla_targets", "groups"):
        assert rows(again, mart) == rows(nights[night], mart)


NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> RealCompany:
    return RealCompany(1, 700, NOW)


@pytest.fixture(scope="module")
def real_nights(
    company: RealCompany, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Warehouse, Warehouse]:
    """A company before its settings are edited and deleted, and days after that."""
    before = Warehouse(tmp_path_factory.mktemp("real_before"), time_zone="America/New_York")
    with Sandbox(company=company) as sandbox:
        fetch_sandbox(sandbox, before.landing)
        before.build(NOW.isoformat(), select=SELECT)
        after = before.copy(tmp_path_factory.mktemp("real_after"))
        for hours in (DELETED_HOURS + 0.1, 72):
            sandbox.advance(days=0, hours=hours)
            fetch_sandbox(sandbox, after.landing)
        after.build((NOW + timedelta(hours=DELETED_HOURS + 72.1)).isoformat(), select=SELECT)
    return before, after


def test_a_real_companys_past_stays(company: RealCompany, real_nights: tuple[Warehouse, Warehouse]) -> None:
    """What was over before anything was edited or deleted; only whether customers came back is known later."""
    ends = {
        one.ticket_id: company.life(int(one.ticket_id) - 1)[-1].t
        for one in truth.tickets(company)
        if one.is_solved
    }
    over = [ticket for ticket, end in ends.items() if end < NOW.timestamp() - 3600]
    for mart, columns in (("tickets", f"* exclude ({WINDOWS})"), ("sla_targets", "*")):
        rows = f"select {columns} from marts.{mart} where list_contains({over}, ticket_id) order by all"
        before, after = (warehouse.query(rows) for warehouse in real_nights)
        assert len(before) > 500
        assert before == after


def test_a_real_companys_deleted_group_keeps_its_name(real_nights: tuple[Warehouse, Warehouse]) -> None:
    group = "select is_deleted, tickets > 0 from marts.groups where group_name = 'Night crew'"
    assert [warehouse.query(group) for warehouse in real_nights] == [[(False, True)], [(True, True)]]
