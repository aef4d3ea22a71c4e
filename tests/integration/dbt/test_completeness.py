"""Of how many tickets each number is known, on tickets told by hand with what the vendor says of them; times in UTC.

Every ticket is created on 4 June 2024 at 13:00, but for one on the last evening of May in New York.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.contracts import contracts
from quality.runner import judge
from quality.suites import marts
from quality.verdicts import Verdict
from tests import parsed

from .test_reconciliation import AS_OF, at, shows
from .warehouse import BuildError, Warehouse
from .zendesk_records import Account, change, comment, status

#: As-of is the evening of 29 June in New York: one waiver ends with that day, the other is over.
LIMITS = """source,channel,measure,warn_pct,critical_pct,min_values,reason,valid_to
*,*,*,1,5,1,,
desk,messaging,first_reply,1,100,1,its messages are not exported,2024-06-30
desk,email,*,1,100,1,an old reason,2024-06-29
"""
STATES = "expected, unconfirmed, confirmed, from_vendor, explained, unexplained, missing, unknown"


def without_events(account: Account, ticket: int) -> None:
    events = account.streams["ticket_events"]
    account.streams["ticket_events"] = [event for event in events if event["ticket_id"] != ticket]


def accounts() -> list[Account]:
    desk = Account("desk")
    answered = [comment(at("13:30:20")), status(at("15:00:40"), "solved")]
    right = shows(1, reply=30, first=121, full=121, requester=121, agent=0, hold=0)

    def ticket(number: int, channel: str, *happenings: Any, **fields: Any) -> None:
        created = fields.pop("created", at("13:00"))
        desk.ticket(number, created, *happenings, via={"channel": channel}, **fields)

    taken = {"assignee_stations": 1, "initially_assigned_at": f"{at('13:00:00')}Z"}
    ticket(1, "email", *answered, assignee_id=2, metric_set=right | taken)
    ticket(2, "email", *answered, metric_set=right | {"reply_time_in_minutes": {"calendar": 47}})
    # Solved and opened again: the vendor goes on showing what there was so far.
    again = [*answered, status(at("16:00"), "open")]
    ticket(3, "email", *again, metric_set=right | {"reopens": 1})

    # What is written there leaves no event: the vendor times the reply, or counts it only.
    silent = [status(at("15:00:40"), "solved")]
    ticket(11, "messaging", *silent, metric_set=right)
    untimed = right | {"reply_time_in_minutes": {"calendar": None, "business": None}}
    ticket(12, "messaging", *silent, metric_set=untimed)
    ticket(13, "messaging", assignee_id=2, metric_set=shows(2, reopens=1, hold=0) | taken)
    without_events(desk, 13)
    # Its history begins with the solve: that it was held and opened again before nobody tells but the vendor.
    passed = change(at("15:01"), assignee_id=3)
    ticket(14, "messaging", *silent, passed, assignee_id=2, metric_set=right | taken | {"reopens": 1})
    events = desk.streams["ticket_events"]
    events.remove(next(event for event in events if event["ticket_id"] == 14))

    # Nobody tells anything of the first, the second waits for a reply, the third was solved, nobody knows when.
    ticket(21, "web", assignee_id=2)
    without_events(desk, 21)
    ticket(22, "web", created="2024-06-01T02:00")
    ticket(23, "web", status="solved", metric_set=shows(hold=0))
    without_events(desk, 23)

    plain = Account("plain")
    plain.ticket(1, at("13:00"), *answered)
    plain.ticket(2, at("13:00"))
    without_events(plain, 2)
    return [desk, plain]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    rules = {"completeness_limits.csv": LIMITS}
    warehouse = Warehouse(tmp_path_factory.mktemp("completeness"), time_zone="America/New_York", rules=rules)
    for account in accounts():
        account.land(warehouse)
    warehouse.build(AS_OF, select=["+completeness_summary"])
    return warehouse


def counts(warehouse: Warehouse, measure: str) -> dict[str, dict[str, int]]:
    """By source and channel: how many numbers are known in which way, without the zeros."""
    rows = warehouse.query(
        f"select source || ' ' || channel, {STATES} from marts.completeness_summary where measure = '{measure}'"
    )
    names = STATES.split(", ")
    return {
        channel: {name: n for name, n in zip(names, numbers, strict=True) if n} for channel, *numbers in rows
    }


def test_a_reply_is_confirmed_the_vendors_missing_or_unknown(warehouse: Warehouse) -> None:
    assert counts(warehouse, "first_reply") == {
        "desk email": {"expected": 3, "confirmed": 2, "unexplained": 1},
        "desk messaging": {"expected": 4, "from_vendor": 2, "missing": 2},
        "desk web": {"expected": 1, "unknown": 1},
        "plain email": {"expected": 2, "unconfirmed": 1, "unknown": 1},
    }
    assert counts(warehouse, "public_agent_replies")["desk messaging"] == {"expected": 4, "from_vendor": 4}


def test_a_solve_that_nobody_dates_is_unknown_and_one_that_was_undone_is_explained(
    warehouse: Warehouse,
) -> None:
    found = counts(warehouse, "full_resolution")
    assert found["desk email"] == {"expected": 3, "confirmed": 2, "explained": 1}
    assert found["desk web"] == {"expected": 1, "unknown": 1}
    assert counts(warehouse, "first_resolution")["desk email"] == {"expected": 3, "confirmed": 3}
    # No hold that the vendor tells of: none is missing, how long it was nobody says.
    assert counts(warehouse, "on_hold")["desk web"] == {"expected": 1, "unknown": 1}


def test_an_assignment_is_confirmed_the_vendors_missing_or_unknown(warehouse: Warehouse) -> None:
    """Tickets that nobody held have none."""
    assert counts(warehouse, "first_assignment") == {
        "desk email": {"expected": 1, "confirmed": 1},
        "desk messaging": {"expected": 2, "from_vendor": 1, "missing": 1},
        "desk web": {"expected": 1, "unknown": 1},
        "plain email": {},
    }


def test_a_reopening_is_the_vendors_without_events_and_missing_in_a_gap(warehouse: Warehouse) -> None:
    found = counts(warehouse, "reopens")
    assert found["desk messaging"] == {"expected": 4, "confirmed": 2, "from_vendor": 1, "missing": 1}
    assert found["plain email"] == {"expected": 2, "unconfirmed": 1, "unknown": 1}


def test_tickets_are_told_by_month_with_and_without_events(warehouse: Warehouse) -> None:
    assert warehouse.query(
        "select month::text, tickets, with_events, without_events, has_vendor_numbers, support_type "
        "from marts.completeness where channel = 'web' and measure = 'first_reply' order by all"
    ) == [("2024-05-01", 1, 1, 0, True, "(none)"), ("2024-06-01", 2, 0, 2, True, "(none)")]
    [(cells, tickets)] = warehouse.query(
        "select count(*), sum(tickets) from marts.completeness where measure = 'reopens'"
    )
    assert (cells, tickets) == (5, 12)


def test_limits_hold_until_they_are_waived(warehouse: Warehouse) -> None:
    """A waiver eases the limit of its source, channel and number, as long as it is valid; no source without numbers is judged."""
    assert warehouse.query(
        "select channel, measure, gap, waived_because, waived_until::text, example_ticket_id "
        "from marts.completeness_summary where gap is not null and measure in ('first_reply', 'reopens') order by all"
    ) == [
        ("email", "first_reply", "critical", None, None, "2"),
        ("messaging", "first_reply", "warning", "its messages are not exported", "2024-06-30", "12"),
        ("messaging", "reopens", "critical", None, None, "14"),
        ("web", "first_reply", "unknown", None, None, None),
        ("web", "reopens", "unknown", None, None, None),
    ]
    assert warehouse.query(
        "select distinct gap, has_vendor_numbers from marts.completeness_summary where source = 'plain'"
    ) == [(None, False)]


def verdicts(warehouse: Warehouse, mart: str) -> dict[str, Verdict]:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        frame = connection.sql(f"select * from marts.{mart} order by all").df()
    suite = marts.suite(contracts(parsed.project().manifest)[mart])
    return {verdict.expectation: verdict for verdict in judge(frame, suite)}


def test_the_gate_names_source_channel_and_kpi_and_the_way_out(warehouse: Warehouse) -> None:
    assert [v.message for v in verdicts(warehouse, "completeness").values() if not v.success] == []
    found = verdicts(warehouse, "completeness_summary")
    failed = {name: verdict.severity for name, verdict in found.items() if not verdict.success}
    assert failed == {
        "few_numbers_are_missing": "critical",
        "numbers_are_not_missing": "warning",
        "numbers_are_known": "warning",
    }
    message = found["few_numbers_are_missing"].message
    assert "source desk, channel email, measure first_reply" in message
    assert "source desk, channel messaging, measure reopens" in message
    assert "kpis reopen_rate, missing 1, unexplained 0, expected 4, example_ticket_id 14" in message
    assert "completeness_limits" in message


def test_who_eases_a_limit_says_why_and_until_when(tmp_path: Path) -> None:
    header, default, *_ = LIMITS.splitlines()
    right = ["desk,chat,first_reply,1,50,100,they know,2024-12-31", "desk,chat,first_reply,0.5,2,1,,"]
    wrong = [
        "desk,chat,first_reply,1,50,100,,2024-12-31",
        "desk,chat,first_reply,1,50,100,they know,",
        "desk,chat,first_reply,1,5,100,,",
        "desk,chat,first_replies,1,5,1,,",
        "desk,chat,first_reply,5,1,1,,",
        "desk,chat,first_reply,1,,1,why,2024-12-31",
    ]

    def check(name: str, rows: list[str]) -> None:
        rules = {"completeness_limits.csv": "\n".join([header, *rows, ""])}
        Warehouse(tmp_path / name, rules=rules).build(
            AS_OF, select=["completeness_limits"], resource_types=("seed", "test")
        )

    check("right", [default, *right])
    with pytest.raises(BuildError, match=f"Got {len(wrong)} results"):
        check("wrong", [default, *right, *wrong])
    with pytest.raises(BuildError, match="Got 1 result"):
        check("none", right[:1])
