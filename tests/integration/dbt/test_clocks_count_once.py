"""A clock is breached once, whatever targets come after; a target's outcome agrees with its times, or says why not. Times in UTC."""

from __future__ import annotations

import pytest

from .gates import judge
from .warehouse import Warehouse
from .zendesk_records import NEW_YORK, OFFICE, OWN_TARGET_COLUMNS, Account, change, comment, status

AS_OF = "2025-07-31T00:00:00+00:00"
OWN_TARGETS = f"""{OWN_TARGET_COLUMNS}
own,first_reply,low,low,,,,,480,false,,
own,first_reply,normal,normal,,,,,60,false,,
own,first_reply,urgent,urgent,,,,,15,false,,
own,total_resolution,low,low,,,,,100000,false,,
own,total_resolution,normal,normal,,,,,60,false,,
"""


def at(clock: str) -> str:
    return f"2025-07-15T{clock}"


def vendor() -> Account:
    account = Account("vendor")
    account.schedule(1, NEW_YORK, OFFICE)
    # Breached on the third working day; then the priority is raised while the clock stands.
    account.ticket(1, "2025-07-17T18:24:54", status("2025-07-23T15:04:46", "solved"))
    clock = "requester_wait_time"
    account.clock(1, clock, "2025-07-17T18:24:54", "activate")
    account.apply_sla(1, clock, "2025-07-17T18:24:54", 1440, policy="normal", business=True)
    account.clock(1, clock, "2025-07-22T18:24:54", "breach")
    account.clock(1, clock, "2025-07-23T14:18:57", "pause")
    account.apply_sla(1, clock, "2025-07-23T14:30:14", 480, policy="urgent", business=True)
    account.clock(1, clock, "2025-07-23T15:04:46", "fulfill")
    # Breached by the second target alone; of the third nothing is stamped though it is over; the fourth is due since half an hour.
    for ticket, begun, minutes in (
        (2, at("10:00"), 60),
        (3, at("10:00"), 60),
        (4, "2025-07-30T23:00", 30),
        (5, at("10:00"), 30),
    ):
        account.ticket(ticket, begun, priority="normal")
        account.clock(ticket, clock, begun, "activate")
        account.apply_sla(ticket, clock, begun, minutes, policy="first")
    account.apply_sla(2, clock, at("10:30"), 40, policy="second")
    account.clock(2, clock, at("10:40"), "breach")
    account.clock(2, clock, at("12:00"), "fulfill")
    account.clock(3, clock, at("12:00"), "fulfill")
    # Breached, and then given a target that it has not reached: it goes on, and is not active once more.
    account.clock(5, clock, at("10:30"), "breach")
    account.apply_sla(5, clock, at("11:00"), 100000, policy="later")
    return account


def own() -> Account:
    """All begin at 10:00 as normal, to be answered by 11:00."""
    account = Account("own")
    later = {
        1: change(at("12:00"), priority="urgent"),
        2: change(at("12:00"), priority="low"),
        3: change(at("10:30"), priority="urgent"),
    }
    for ticket, change_ in later.items():
        account.ticket(ticket, at("10:00"), change_, comment(at("13:00")), priority="normal")
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("once"), rules={"own_sla_targets.csv": OWN_TARGETS})
    for account in (vendor(), own()):
        account.land(warehouse)
    warehouse.build(AS_OF)
    return warehouse


def outcomes(warehouse: Warehouse, source: str, metric: str) -> list[tuple[object, ...]]:
    return warehouse.query(
        "select ticket_id::int, policy, outcome, round(elapsed_seconds / 60)::int, time_conflict from marts.sla_targets "
        f"where source = '{source}' and metric = '{metric}' order by 1, applied_at"
    )


def test_a_vendors_clock_is_breached_once(warehouse: Warehouse) -> None:
    found = outcomes(warehouse, "vendor", "requester_wait")
    assert [row[:3] for row in found] == [
        (1, "normal", "breached"),
        (1, "urgent", "superseded"),
        (2, "first", "superseded"),
        (2, "second", "breached"),
        (3, "first", "met"),
        (4, "first", "active"),
        (5, "first", "breached"),
        (5, "later", "superseded"),
    ]
    assert found[1][3] == 1674
    assert [row[4] for row in found] == [None, None, None, None, "no_stamp", None, None, None]


def test_our_own_clock_is_breached_once(warehouse: Warehouse) -> None:
    """Of the third ticket the first target was not due when the second came, which was due at once."""
    assert [row[:3] for row in outcomes(warehouse, "own", "first_reply")] == [
        (1, "normal", "breached"),
        (1, "urgent", "superseded"),
        (2, "normal", "breached"),
        (2, "low", "superseded"),
        (3, "normal", "superseded"),
        (3, "urgent", "breached"),
    ]
    assert [row[:3] for row in outcomes(warehouse, "own", "total_resolution")] == [
        (1, "normal", "breached"),
        (2, "normal", "breached"),
        (2, "low", "superseded"),
        (3, "normal", "cancelled"),
    ]


def test_the_gate_warns_of_outcomes_that_their_times_contradict(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    judged = judge(warehouse, AS_OF, tmp_path_factory.mktemp("gates"))
    assert judged.blocking == []
    [verdict] = [v for v in judged.marts if v.expectation == "targets_agree_with_their_times"]
    assert "no_stamp" in verdict.message
