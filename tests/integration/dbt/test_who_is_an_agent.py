"""Who wrote a comment: the customer, an agent, or a program. Of deleted users the history decides. All on one Tuesday, UTC."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from .warehouse import Warehouse
from .zendesk_records import AGENT, CUSTOMER, Account, Happening, change, comment, status, utc

AS_OF = "2024-06-30T00:00:00Z"
GONE = "2024-06-20T00:00"
#: Deleted end users, by what they had done.
(NOTHING, HELD, NOTED, MOVED, SOLVED, CLOCKED, COUNTED, MINUTE, ASKED, CHATTED, REOPENED, RULED, BY_AUDIT) = (
    range(20, 33)
)


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def by_rule(happening: Happening) -> Happening:
    for child in happening.children:
        child["via"] = {"channel": "rule", "source": {"rel": "trigger"}}
    return happening


def helpdesk() -> Account:
    """Each user's ticket has their number, was asked at 10:00, commented on by them at 10:20 and answered by an agent at 10:50."""
    account = Account("desk")
    told: dict[int, tuple[Happening, ...]] = {
        NOTHING: (),
        HELD: (change(at("10:05"), AGENT, assignee_id=HELD), change(at("10:06"), AGENT, assignee_id=AGENT)),
        NOTED: (comment(at("10:15"), NOTED, public=False),),
        MOVED: (change(at("10:15"), MOVED, group_id=8),),
        SOLVED: (status(at("10:25"), "solved", SOLVED), status(at("10:26"), "open", CUSTOMER)),
        CLOCKED: (),
        COUNTED: (),
        MINUTE: (),
        ASKED: (),
        CHATTED: (),
        REOPENED: (status(at("10:15"), "solved"), status(at("10:20"), "open", REOPENED)),
        RULED: (by_rule(change(at("10:20"), RULED, group_id=8, priority="high")),),
        BY_AUDIT: (),
    }
    for user, happenings in told.items():
        account.user(user, "end-user", GONE, active=False)
        ordered = sorted(
            [*happenings, comment(at("10:20"), user), comment(at("10:50"), AGENT)], key=lambda h: h.at
        )
        account.ticket(user, at("10:00"), *ordered)
    records = {record["id"]: record for record in account.streams["tickets"]}
    records[COUNTED]["metric_set"] = {"reopens": 0, "replies": 2}
    records[NOTHING]["metric_set"] = {
        "reopens": 0,
        "replies": 1,
        "reply_time_in_minutes": {"calendar": 50, "business": 50},
    }
    records[MINUTE]["metric_set"] = {"reopens": 0, "reply_time_in_minutes": {"calendar": 20, "business": 20}}
    account.clock(CLOCKED, "reply_time", at("10:00"), "activate")
    account.clock(CLOCKED, "reply_time", at("10:20"), "fulfill")
    # A customer whose account was merged since solved what they had asked; another began with a chat.
    account.ticket(100, at("11:00"), status(at("12:00"), "solved", ASKED), opened_by=ASKED)
    account.ticket(101, at("11:00"), opened_by=CHATTED)
    account.streams["ticket_events"][-1]["child_events"][-1]["public"] = False
    note = {"id": 1, "type": "Comment", "author_id": BY_AUDIT, "public": False}
    account.add(
        "ticket_audits",
        {
            "id": 9,
            "ticket_id": BY_AUDIT,
            "created_at": utc(at("10:15")),
            "updated_at": utc(at("10:15")),
            "author_id": BY_AUDIT,
            "events": [note],
        },
    )
    return account


def first_replies(warehouse: Warehouse) -> dict[int, tuple[float, int, bool]]:
    rows = warehouse.query(
        "select ticket_id::int, seconds / 60, agent_id::int, is_role_assumed from marts.ticket_replies "
        "where is_first_reply and ticket_id::int < 100"
    )
    return {ticket: (minutes, agent, assumed) for ticket, minutes, agent, assumed in rows}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("agents"))
    helpdesk().land(warehouse)
    warehouse.build(AS_OF, select=["+ticket_replies"])
    return warehouse


def test_a_deleted_user_is_a_customer_unless_the_history_shows_work(warehouse: Warehouse) -> None:
    worked = {HELD, NOTED, MOVED, SOLVED, CLOCKED, COUNTED, MINUTE, BY_AUDIT}
    replies = first_replies(warehouse)
    assert {user for user, (_, agent, _) in replies.items() if agent == user} == worked
    assert {replies[user] for user in replies.keys() - worked} == {(50.0, AGENT, False)}
    assert {(replies[user][0], replies[user][2]) for user in worked} == {(20.0, True)}


def test_an_account_that_replies_within_seconds_is_probably_a_bot(tmp_path: Path) -> None:
    """On most of twenty tickets; 34 on half of them, 35 on all of nineteen; of 36 the rule file knows that it is none, of 37 that it is."""
    most, half, few, person, known = range(33, 38)
    rules = "source,user_id,is_bot,within_seconds,min_tickets\n*,,,10,20\n"
    rules += f"robots,{person},false,,\nrobots,{known},,,\n"
    warehouse = Warehouse(tmp_path, rules={"bots.csv": rules})
    account = Account("robots")
    numbers = itertools.count(1)
    for user, tickets, quick in (
        (most, 20, 11),
        (half, 20, 10),
        (few, 19, 19),
        (person, 20, 20),
        (known, 20, 20),
    ):
        account.user(user, "agent")
        for nth in range(tickets):
            clock = "10:00:10" if nth < quick else "10:00:11"
            account.ticket(next(numbers), at("10:00"), comment(at(clock), user))
    account.land(warehouse)
    warehouse.build(AS_OF, select=["+agents", "+tickets"])
    assert warehouse.query("select agent_id::int from marts.agents where is_probable_bot") == [(most,)]
    replied = "select count(first_reply_at), count(*) from marts.tickets"
    assert warehouse.query(replied) == [(79, 99)]
