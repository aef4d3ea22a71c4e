"""Tickets that the vendor links, and those that rules keep out of times: one customer, days of June 2024, times in UTC."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import AGENT, Account, Happening, Record, comment, status

SOURCE, OTHER_CUSTOMER = "acme", 5
MARTS = (
    "+kpi_volume",
    "+kpi_first_contact",
    "+kpi_response_times",
    "+kpi_bottlenecks",
    "+ticket_links",
    "+ticket_replies",
    "+sla_targets",
    "+excluded_tickets",
)
EXCLUSIONS = """source,mark,value,reason,scope
*,tag,closed_by_merge,merged,
acme,tag,migrated,imported,times
acme,channel,sample_ticket,imported,times
acme,created_before,2024-05-02,imported,times
acme,channel,closed_ticket,spam,all
other,tag,plain,imported,times
"""
OWN_TARGETS = """source,metric,policy,priority,complexity,segment,channel,group_id,target_minutes,is_business_hours,valid_from,valid_to
acme,first_reply,reply,,,,,,60,false,,
"""


def topic(value: str | None) -> list[Record]:
    return [{"id": 77, "value": value}]


def follows(ticket: int) -> Record:
    return {
        "channel": "email",
        "source": {"rel": "follow_up", "from": {"ticket_id": ticket, "subject": "text"}},
    }


def solved(account: Account, ticket: int, day: str, **fields: Any) -> None:
    """Opened at 10:00, solved at 12:00."""
    account.ticket(
        ticket, f"{day}T10:00", status(f"{day}T12:00", "solved"), custom_fields=topic("billing"), **fields
    )


def merge_note(at: str, other: int) -> Happening:
    note = comment(at, AGENT, public=False)
    note.children[0]["via"] = {
        "channel": "web",
        "source": {"rel": "merge", "from": {"ticket_ids": [other]}, "to": {}},
    }
    return note


def linked() -> Account:
    account = Account(SOURCE)
    account.user(OTHER_CUSTOMER, "end-user")
    account.add("ticket_fields", {"id": 77, "title": "Service area", "updated_at": "2024-01-01T00:00:00Z"})
    # 1 is followed up within its week, by another of the company's people and without a topic; 3 after it; 5 by one that is spam.
    # 7 is not followed up: another topic comes.
    solved(account, 1, "2024-06-03")
    account.ticket(
        2, "2024-06-05T10:00", via=follows(1), requester_id=OTHER_CUSTOMER, opened_by=OTHER_CUSTOMER
    )
    solved(account, 3, "2024-06-03", requester_id=11)
    account.ticket(4, "2024-06-11T10:00", via=follows(3), requester_id=11)
    solved(account, 5, "2024-06-03", requester_id=12)
    account.ticket(6, "2024-06-05T10:00", via=follows(5), requester_id=12, tags=["closed_by_merge"])
    solved(account, 7, "2024-06-03", requester_id=13, followup_ids=[])
    account.ticket(8, "2024-06-05T10:00", requester_id=13, custom_fields=topic("other"))
    # 9 is followed up by 10, as 9 itself says.
    solved(account, 9, "2024-06-03", requester_id=14, followup_ids=[10, 99])
    account.ticket(10, "2024-06-05T10:00", requester_id=14, custom_fields=topic("other"))

    # 20 is merged into 21, which later is merged into 22; of the latter only 22 tells. 23 and 24 belong to the problem 25.
    account.ticket(
        20,
        "2024-06-05T10:00",
        status("2024-06-05T11:00", "closed"),
        requester_id=15,
        tags=["closed_by_merge"],
    )
    account.streams["ticket_events"][-1]["child_events"].append(
        merge_note("2024-06-05T11:00", 21).children[0]
    )
    account.ticket(21, "2024-06-05T10:00", merge_note("2024-06-05T11:01", 20), requester_id=15)
    account.ticket(22, "2024-06-05T10:00", merge_note("2024-06-06T11:01", 21), requester_id=15)
    for ticket in (23, 24):
        account.ticket(ticket, "2024-06-05T10:00", requester_id=16, type="incident", problem_id=25)
    account.ticket(25, "2024-06-05T10:00", requester_id=16, type="problem", problem_id=None)
    side = {"channel": "side_conversation", "source": {"rel": None, "from": {"ticket_id": 25}}}
    account.ticket(26, "2024-06-06T10:00", requester_id=17, via=side)
    # Where something came from is no link to a ticket.
    account.ticket(
        27,
        "2024-06-06T10:00",
        requester_id=18,
        via={"channel": "web", "source": {"rel": "help_center", "from": {"ticket_id": 25}}},
    )
    return account


def add_imported(account: Account) -> None:
    reply = comment("2024-06-05T10:30", AGENT)
    over = status("2024-06-05T12:00", "solved")
    account.ticket(31, "2024-06-05T10:00", reply, over, requester_id=20, tags=["migrated", "plain"])
    account.ticket(32, "2024-06-05T10:00", reply, over, requester_id=21, via={"channel": "sample_ticket"})
    account.ticket(33, "2024-05-01T10:00", comment("2024-05-01T11:00", AGENT), requester_id=22)
    account.ticket(
        34, "2024-06-05T10:00", comment("2024-06-05T10:50", AGENT), over, requester_id=23, tags=["plain"]
    )
    account.ticket(35, "2024-06-05T10:00", reply, over, requester_id=24, via={"channel": "closed_ticket"})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(
        tmp_path_factory.mktemp("linked"),
        rules={"exclusion_rules.csv": EXCLUSIONS, "own_sla_targets.csv": OWN_TARGETS},
    )
    account = linked()
    add_imported(account)
    account.land(warehouse)
    warehouse.build("2024-06-30T00:00:00Z", select=MARTS)
    return warehouse


def test_a_follow_up_is_a_repeat_contact_of_the_ticket_that_it_names(built: Warehouse) -> None:
    """Whatever its topic, whoever of the customer's people wrote it; in the window and among counted tickets, as others."""
    assert built.query(
        """select cast(ticket_id as integer), has_repeat_contact, is_first_contact_resolved from marts.tickets
        where ticket_id in ('1', '3', '5', '7', '9') order by 1"""
    ) == [(1, True, False), (3, False, True), (5, False, True), (7, False, True), (9, True, False)]


def test_links_are_told_by_either_ticket(built: Warehouse) -> None:
    """Merges by the notes on both, the closed one being merged away; a follow-up that was never fetched has no row."""
    assert built.query(
        """select cast(ticket_id as integer), relation, cast(other_ticket_id as integer) from marts.ticket_links order by 1, 2, 3"""
    ) == [
        (2, "follow_up", 1),
        (4, "follow_up", 3),
        (6, "follow_up", 5),
        (10, "follow_up", 9),
        (20, "merged_into", 21),
        (21, "merged_into", 22),
        (23, "incident", 25),
        (24, "incident", 25),
        (26, "side_conversation", 25),
    ]


def test_a_rule_may_keep_a_ticket_out_of_times_and_targets_alone(built: Warehouse) -> None:
    """By a tag, a channel or a date: 31 to 33. What such a rule says of another source, and a rule of scope all, is nothing new."""
    assert built.query(
        "select cast(ticket_id as integer), is_timed, first_reply_seconds from marts.tickets where ticket_id in ('31', '32', '33', '34', '35') order by 1"
    ) == [(31, False, 1800), (32, False, 1800), (33, False, 3600), (34, True, 3000)]
    assert built.query("select ticket_id, reason from marts.excluded_tickets where ticket_id = '35'") == [
        ("35", "spam")
    ]
    cell = "period_grain = 'all' and dimension = 'all'"
    assert built.query(
        f"""select n, median_seconds from marts.kpi_response_times where {cell} and measure = 'first_reply' and clock = 'calendar'"""
    ) == [(1, 3000)]
    assert built.query(
        "select ticket_id from marts.sla_targets where ticket_id in ('31', '32', '33', '34')"
    ) == [("34",)]
    assert built.query(
        "select ticket_id, seconds from marts.ticket_replies where ticket_id in ('31', '34') order by 1"
    ) == [
        ("31", None),
        ("34", 3000),
    ]
    assert built.query("select count(*) from marts.tickets where ticket_id between '31' and '34'") == [(4,)]
    assert built.query(f"select created from marts.kpi_volume where {cell}") == built.query(
        "select count(*) from marts.tickets"
    )


def test_a_follow_up_that_comes_later_changes_the_ticket_that_it_names(tmp_path: Path) -> None:
    """By another customer, so that nothing else leads to it; an incremental build."""
    warehouse = Warehouse(tmp_path)
    first = Account(SOURCE)
    first.user(OTHER_CUSTOMER, "end-user")
    solved(first, 1, "2024-06-03")
    first.land(warehouse)
    answers = []
    for as_of in ("2024-06-12T00:00:00Z", "2024-06-13T00:00:00Z"):
        warehouse.build(as_of, select=("+kpi_first_contact", "+ticket_links"))
        answers += warehouse.query("select has_repeat_contact from marts.tickets where ticket_id = '1'")
        later = Account(SOURCE, ids=itertools.count(2000))
        later.ticket(
            2, "2024-06-05T10:00", via=follows(1), requester_id=OTHER_CUSTOMER, opened_by=OTHER_CUSTOMER
        )
        later.streams.pop("users")
        later.land(warehouse)
    assert answers == [(False,), (True,)]
