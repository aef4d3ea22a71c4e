"""Numbers at an earlier as-of time, what late records change, and what the order of arrival must not; the plans of both builds."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .plans import Plan, explained, plans, row_by_row
from .test_incremental import rows_that_differ
from .warehouse import Warehouse
from .zendesk_records import (
    CUSTOMER,
    NEW_YORK,
    OFFICE,
    OWN_TARGET_COLUMNS,
    Account,
    assign_schedule,
    comment,
    status,
)

OWN_TARGETS = f"""{OWN_TARGET_COLUMNS}
clocks,agent_work,work,,,,,,200,false,,
clocks,first_reply,reply,,,,,,60,true,,
"""
RULES = {"own_sla_targets.csv": OWN_TARGETS}
TUESDAY_AFTERNOON, JULY = "2024-06-04T15:00:00Z", "2024-07-15T00:00:00Z"
UNKNOWN = 13


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def first_night() -> list[Account]:
    reopened = Account("reopened")
    reopened.ticket(
        1,
        at("10:00"),
        status(at("12:00"), "solved"),
        status(at("14:00"), "open", CUSTOMER),
        status(at("17:00"), "solved"),
    )

    clocks = Account("clocks")
    clocks.schedule(1, NEW_YORK, OFFICE)
    clocks.ticket(1, at("13:00"), status(at("13:30"), "open"))
    clocks.ticket(2, at("13:00"), status(at("14:00"), "pending"))
    # Came in the evening before: due one business hour after opening.
    clocks.ticket(3, "2024-06-03T23:00", comment(at("13:40")))
    clocks.ticket(4, at("14:30"))

    late = Account("late")
    late.ticket(1, at("10:00"), comment(at("10:30")), status(at("11:00"), "solved"))
    late.ticket(
        2, at("10:00"), comment(at("10:40"), UNKNOWN), comment(at("10:50")), status(at("11:00"), "solved")
    )
    late.ticket(3, at("10:00"), comment(at("10:30")), status(at("11:00"), "solved"))
    late.ticket(4, at("10:00"), comment(at("10:30")), status(at("11:00"), "solved"), organization_id=5)
    late.ticket(
        5,
        at("10:00"),
        comment(at("10:30")),
        status(at("11:00"), "solved"),
        custom_fields=[{"id": 77, "value": "gold"}],
    )
    late.ticket(6, at("10:00"), comment(at("10:30")), status(at("11:00"), "solved"))

    scheduled = Account("scheduled_late")
    scheduled.ticket(1, at("12:00"), comment(at("14:00")), status(at("14:00"), "solved"))
    return [reopened, clocks, late, scheduled, first_contacts()]


def contact(
    account: Account, ticket_id: int, customer: int, created: str, solved: str, topic: str = "billing"
) -> None:
    account.ticket(
        ticket_id,
        created,
        status(solved, "solved"),
        requester_id=customer,
        custom_fields=[{"id": 78, "value": topic}],
    )


def first_contacts() -> Account:
    """Ticket 1 is the example; then what decides about an earlier ticket: its topic, and what comes, goes or moves later."""
    contacts = Account("contacts")
    contacts.add("ticket_fields", {"id": 78, "title": "Service area", "updated_at": "2024-01-01T00:00:00Z"})
    contact(contacts, 1, 21, "2024-05-31T10:00", "2024-06-01T10:00")
    contact(contacts, 3, 21, "2024-05-31T10:00", "2024-06-01T10:00", "sign-in")
    contact(contacts, 4, 22, "2024-05-20T10:00", "2024-05-20T12:00")
    contact(contacts, 6, 23, "2024-05-20T10:00", "2024-05-20T12:00")
    contact(contacts, 7, 23, "2024-05-22T10:00", "2024-05-22T12:00")
    contact(contacts, 8, 24, "2024-05-20T10:00", "2024-05-20T12:00")
    contact(contacts, 9, 25, "2024-05-20T10:00", "2024-05-20T12:00")
    contact(contacts, 10, 24, "2024-05-21T10:00", "2024-05-21T12:00")
    # Reopened within the window, and after it.
    contact(contacts, 11, 26, "2024-05-20T10:00", "2024-05-20T12:00")
    contacts.event(11, status("2024-05-22T10:00", "open", CUSTOMER))
    contacts.event(11, status("2024-05-22T11:00", "solved"))
    contact(contacts, 12, 27, "2024-05-20T10:00", "2024-05-20T12:00")
    contacts.event(12, status("2024-05-27T12:00:01", "open", CUSTOMER))
    # The customer wrote again before the first ticket was solved.
    contact(contacts, 13, 28, "2024-05-20T10:00", "2024-05-24T12:00")
    contact(contacts, 14, 28, "2024-05-21T10:00", "2024-05-24T12:00")
    return contacts


def later_nights(accounts: list[Account]) -> None:
    """Adds what arrives after the first build."""
    _, clocks, late, scheduled, contacts = accounts
    clocks.event(1, status(at("16:00"), "pending"))
    clocks.event(1, assign_schedule(at("16:00"), 1))
    late.event(1, comment(at("10:15")))
    late.user(UNKNOWN, "end-user")
    ticket = {
        "id": 3,
        "created_at": f"{at('10:00')}:00Z",
        "updated_at": "2024-07-01T00:00:00Z",
        "requester_id": CUSTOMER,
    }
    late.add("tickets", ticket | {"status": "deleted"})
    late.add(
        "organizations",
        {"id": 5, "updated_at": "2024-01-01T00:00:00Z", "organization_fields": {"segment": "smb"}},
    )
    late.add("ticket_fields", {"id": 77, "title": "Segment", "updated_at": "2024-01-01T00:00:00Z"})
    # An older copy of ticket 6, from before it was solved.
    late.add("tickets", ticket | {"id": 6, "status": "new", "updated_at": f"{at('10:00')}:00Z"})
    scheduled.schedule(1, NEW_YORK, OFFICE)
    contact(contacts, 2, 21, "2024-06-06T10:00", "2024-06-06T12:00")
    contact(contacts, 5, 22, "2024-05-25T10:00", "2024-05-25T12:00")
    contacts.add("tickets", moved_to(23, 7) | {"status": "deleted"})
    contacts.add("tickets", moved_to(25, 10))


def moved_to(customer: int, ticket_id: int) -> dict[str, Any]:
    """A later version of a solved ticket about billing."""
    return {
        "id": ticket_id,
        "created_at": f"2024-05-2{2 if ticket_id == 7 else 1}T10:00:00Z",
        "updated_at": "2024-06-05T00:00:00Z",
        "status": "solved",
        "requester_id": customer,
        "custom_fields": [{"id": 78, "value": "billing"}],
    }


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, dict[str, Plan]]:
    """Built on Tuesday afternoon, and in July after more has landed; Tuesday's marts stay beside it. The plans of both."""
    folder = tmp_path_factory.mktemp("later")
    warehouse = Warehouse(folder, rules=RULES)
    accounts = first_night()
    for account in accounts:
        account.land(warehouse)
    warehouse.build(TUESDAY_AFTERNOON)
    found = plans(warehouse)
    (folder / "tuesday.duckdb").write_bytes(warehouse.path.read_bytes())
    later_nights(accounts)
    for account in accounts:
        account.land(warehouse, fetched_at="2030-01-02T00:00:00Z")
    warehouse.build(JULY)
    return warehouse, found | plans(warehouse)


@pytest.fixture(scope="module")
def warehouse(nights: tuple[Warehouse, dict[str, Plan]]) -> Warehouse:
    return nights[0]


@pytest.fixture(scope="module")
def tuesday(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(warehouse.path.parent / "tuesday.duckdb"), read_only=True)


def tickets(connection: Any, source: str, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from marts.tickets where source = '{source}' order by ticket_id"
    rows = connection.query(query)
    return rows if isinstance(rows, list) else rows.fetchall()


REOPENED = (
    "status, first_resolution_seconds / 60, full_resolution_seconds / 60, requester_wait_seconds "
    "/ 60, reopens"
)


def test_a_reopened_ticket_is_unresolved_until_it_is_solved_again(
    warehouse: Warehouse, tuesday: duckdb.DuckDBPyConnection
) -> None:
    assert tickets(tuesday, "reopened", REOPENED) == [("open", 120, None, None, 1)]
    assert tickets(warehouse, "reopened", REOPENED) == [("solved", 120, 420, 300, 1)]


def test_clocks_are_read_at_the_as_of_time(tuesday: duckdb.DuckDBPyConnection) -> None:
    rows = tuesday.execute(
        "select metric, ticket_id, elapsed_seconds / 60, strftime(due_at, '%H:%M'), outcome, "
        "strftime(breached_at, '%H:%M') "
        "from marts.sla_targets where source = 'clocks' and ticket_id in ('1', '2') and metric = "
        "'agent_work' "
        "or source = 'clocks' and metric = 'first_reply' order by 1, 2"
    ).fetchall()
    assert rows == [
        ("agent_work", "1", 120, "16:20", "active", None),
        ("agent_work", "2", 60, None, "active", None),
        ("first_reply", "1", 120, "14:00", "breached", "14:00"),
        ("first_reply", "2", 120, "14:00", "breached", "14:00"),
        ("first_reply", "3", 40, "14:00", "met", None),
        ("first_reply", "4", 30, "15:30", "active", None),
    ]
    assert tuesday.execute(
        "select period_grain, met, breached, active from marts.kpi_sla_compliance where dimension = 'source' "
        "and member = 'clocks' and metric = 'first_reply' and period_grain in ('day', 'all') order by 1"
    ).fetchall() == [("all", 1, 2, 1), ("day", 1, 2, 1)]


def test_a_late_comment_changes_the_month_that_it_belongs_to(
    warehouse: Warehouse, tuesday: duckdb.DuckDBPyConnection
) -> None:
    cell = (
        "select strftime(period_start, '%Y-%m'), n, mean_seconds / 60 from marts.kpi_response_times "
        "where dimension = 'source' "
        "and member = 'late' and period_grain = 'month' and measure = 'first_reply' and clock = 'calendar'"
    )
    assert tuesday.execute(cell).fetchall() == [("2024-06", 6, (30 + 40 + 30 + 30 + 30 + 30) / 6)]
    assert warehouse.query(cell) == [("2024-06", 5, (15 + 50 + 30 + 30 + 30) / 5)]


def test_late_users_organizations_and_fields(
    warehouse: Warehouse, tuesday: duckdb.DuckDBPyConnection
) -> None:
    columns = "ticket_id, first_reply_seconds / 60, segment"
    assert tickets(tuesday, "late", columns)[1:5] == [
        ("2", 40, None),
        ("3", 30, None),
        ("4", 30, None),
        ("5", 30, None),
    ]
    assert tickets(warehouse, "late", columns)[1:4] == [("2", 50, None), ("4", 30, "smb"), ("5", 30, "gold")]


def test_a_late_tombstone_takes_the_ticket_out(
    warehouse: Warehouse, tuesday: duckdb.DuckDBPyConnection
) -> None:
    volume = "select created from marts.kpi_volume where period_grain = 'month' and member = 'late'"
    assert tuesday.execute(volume).fetchall() == [(6,)]
    assert warehouse.query(volume) == [(5,)]
    assert warehouse.query("select ticket_id, reason from marts.excluded_tickets where source = 'late'") == [
        ("3", "deleted")
    ]


def test_an_older_copy_that_arrives_later_changes_nothing(warehouse: Warehouse) -> None:
    assert tickets(warehouse, "late", "ticket_id, status")[-1] == ("6", "solved")
    assert warehouse.query(
        "select status from staging.stg_zendesk__tickets where source = 'late' and record_id = '6'"
    ) == [("solved",)]


def test_the_first_schedule_of_an_account_may_arrive_late(warehouse: Warehouse) -> None:
    """12:00 to 14:00 in UTC is one hour of New York's opening."""
    assert tickets(warehouse, "scheduled_late", "first_reply_business_seconds / 60") == [(60,)]


def test_first_contact_resolution_waits_for_its_window(
    warehouse: Warehouse, tuesday: duckdb.DuckDBPyConnection
) -> None:
    columns = "ticket_id::int as ticket_id, is_first_contact_resolved"
    reasons = "ticket_id::int, has_repeat_contact, is_reopened_in_window"
    before = dict(tickets(tuesday, "contacts", columns))
    after = dict(tickets(warehouse, "contacts", columns))
    # Solved on 1 June, the next ticket about billing came on the 6th.
    assert (before[1], after[1]) == (None, False)
    # Nothing about it arrived since: its window passed.
    assert (before[3], after[3]) == (None, True)
    assert (before[4], after[4]) == (True, False), "a repeat that arrived late"
    assert (before[6], after[6]) == (False, True), "a repeat that was deleted"
    assert (before[8], after[8]) == (False, True), "a repeat that moved to another customer"
    assert (before[9], after[9]) == (True, False), "who has a repeat now"
    assert (before[11], before[12], before[13], before[14]) == (False, True, False, True)
    by_ticket = {row[0]: row[1:] for row in tickets(tuesday, "contacts", reasons)}
    assert by_ticket[1] == (None, None), "a repeat has come, but the window is open"
    assert (by_ticket[11], by_ticket[13]) == ((False, True), (True, False))


class Slices(Warehouse):
    """Builds over the batches in `shown` only."""

    shown: AbstractSet[str] = frozenset()

    def _register(self) -> None:
        super()._register()
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(
                "update control.batches set verdict = 'held' where not list_contains(?, batch_id)",
                [list(self.shown)],
            )


@pytest.fixture(scope="module")
def at_once(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"), rules=RULES)
    at_once.landing = warehouse.landing
    at_once.build(JULY)
    return at_once


def test_two_builds_equal_one(warehouse: Warehouse, at_once: Warehouse) -> None:
    assert rows_that_differ(warehouse.path, at_once.path) == {}


def test_what_a_gate_holds_back_is_not_superseded(tmp_path: Path) -> None:
    warehouse = Slices(tmp_path)
    account = Account("desk")
    account.ticket(1, at("10:00"))
    account.land(warehouse)
    [first] = [path for path in warehouse.landing.batches() if "/tickets/" in str(path)]
    warehouse.shown = {warehouse.landing.info(first).batch_id}
    account.ticket(2, at("11:00"))
    account.land(warehouse)
    warehouse.build(JULY, select=["+publication"])
    assert warehouse.query(
        "select landed_rows, staged_rows, held_batches, superseded_rows from marts.publication where "
        "stream = 'tickets'"
    ) == [(2, 1, 1, 0)]


def test_no_model_compares_data_pair_by_pair(nights: tuple[Warehouse, dict[str, Plan]]) -> None:
    """Data joins data by hashing, never row against row, in a first and in a following build."""
    _, found = nights
    assert len(found) > 50
    assert {name: joins for name, plan in found.items() if (joins := list(row_by_row(plan)))} == {}


def test_the_check_of_the_plans_sees_such_a_join() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema staging; create table staging.a as from range(5000) t(x); create table "
            "staging.b as from staging.a"
        )
        plan = explained(connection, "select count(*) from staging.a join staging.b on a.x < b.x + random()")
    [(_, left, right)] = row_by_row(plan)
    assert (left, right) == (["staging.a"], ["staging.b"])
