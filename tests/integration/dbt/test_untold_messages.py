"""Messages that are no written comments: calls and social media, and those that no event tells, by the vendor's own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .warehouse import Warehouse
from .zendesk_records import AGENT, CUSTOMER, Account, Happening, Record, change, comment, status

SOURCE, BOT = "acme", 10
AS_OF = "2024-06-30T00:00:00Z"
MARTS = ("+kpi_response_times", "+kpi_first_contact", "+kpi_team", "+reconciliation", "+sla_targets")
OWN_TARGETS = """source,metric,policy,priority,complexity,segment,channel,group_id,target_minutes,is_business_hours,valid_from,valid_to
acme,next_reply,next,,,,,,60,false,,
"""


def at(clock: str) -> str:
    return f"2024-06-04T{clock}"


def said(clock: str, kind: str, by: int = AGENT, *, public: bool = True) -> Happening:
    """A message of another kind than a written comment."""
    happening = comment(at(clock), by, public=public)
    happening.children[0]["event_type"] = kind
    return happening


def metric_set(
    replies: int | None,
    reply: int | None,
    *,
    business: int | None = None,
    wait: int | None = None,
    seconds: int | None = None,
) -> Record:
    """What the vendor counts, times in minutes; `wait` is that for an agent, pending five and on hold two."""
    return {
        "reopens": 0,
        "replies": replies,
        "group_stations": 1,
        "assignee_stations": 1,
        "reply_time_in_minutes": {"calendar": reply, "business": business},
        "reply_time_in_seconds": {"calendar": seconds},
        "requester_wait_time_in_minutes": {"calendar": wait, "business": wait},
        "agent_wait_time_in_minutes": {"calendar": None if wait is None else 5, "business": None},
        "on_hold_time_in_minutes": {"calendar": 2, "business": None},
    }


def account() -> Account:
    account = Account(SOURCE)
    account.user(BOT, "agent")
    solved = status(at("12:00"), "solved")
    chat = {"via": {"channel": "native_messaging"}}

    # 1: one session, no comment of anybody. 2: the conversation opens with an internal comment.
    account.ticket(1, at("10:00"), solved, metric_set=metric_set(1, 2, business=1, seconds=131), **chat)
    for event in account.streams["ticket_events"]:
        event["child_events"] = [child for child in event["child_events"] if child["event_type"] != "Comment"]
    account.ticket(2, at("10:00"), solved, metric_set=metric_set(2, 3), **chat)
    account.streams["ticket_events"][-2]["child_events"][-1]["public"] = False

    # 3: of three replies one is a comment, not the first. 4: the first of two is the one that events tell.
    account.ticket(3, at("10:00"), comment(at("10:30")), solved, metric_set=metric_set(3, 2))
    account.ticket(4, at("10:00"), comment(at("10:30:20")), solved, metric_set=metric_set(2, 30))

    # 5: as many as the vendor counts: events stand, whatever its minutes say. 6: what a bot wrote the vendor counts too.
    account.ticket(5, at("10:00"), comment(at("10:30")), solved, metric_set=metric_set(1, 2))
    account.ticket(6, at("10:00"), comment(at("10:00:05"), BOT), solved, metric_set=metric_set(1, 0))

    # 7: imported: replies are counted, not timed. 13: nor is the one that may have answered the customer's last message.
    account.ticket(7, at("10:00"), comment(at("11:00"), CUSTOMER), metric_set=metric_set(2, None))
    account.ticket(
        13, at("10:00"), comment(at("10:30")), comment(at("11:00"), CUSTOMER), metric_set=metric_set(2, 30)
    )

    # 8: no metric set: the reply clock and another one that ended with the solve.
    account.ticket(8, at("10:00"), solved, **chat)
    for instance, minutes, ended in ((1, 4, at("10:04")), (2, 9, at("11:09")), (3, 20, at("12:00"))):
        account.clock(
            8, "reply_time", ended, "fulfill", instance=instance, status={"calendar": minutes, "business": 0}
        )
    account.clock(8, "agent_work_time", at("12:00"), "fulfill", status={"calendar": 120, "business": 0})

    # 9: nothing of it in events; its own word is that it is solved.
    account.ticket(9, at("10:00"), metric_set=metric_set(1, 6, wait=40), **chat)
    account.streams["ticket_events"].pop()
    account.streams["tickets"][-1]["status"] = "solved"

    # 10 to 12: calls and social media are comments, in events and in audits, by who wrote them and for whom.
    account.ticket(
        10,
        at("10:00"),
        said("10:20", "VoiceComment"),
        said("11:00", "TpeVoiceComment", CUSTOMER),
        comment(at("11:45")),
    )
    account.ticket(
        11, at("10:00"), said("10:20", "TpeVoiceComment", public=False), said("10:50", "FacebookComment")
    )
    account.ticket(12, at("10:00"), change(at("10:05"), priority="high"))
    account.add(
        "ticket_audits",
        {
            "id": 9_000_000,
            "ticket_id": 12,
            "created_at": "2024-06-04T10:25:00Z",
            "author_id": AGENT,
            "events": [{"id": 9_000_001, "type": "VoiceComment", "author_id": AGENT, "public": True}],
        },
    )
    return account


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(
        tmp_path_factory.mktemp("untold"),
        rules={
            "bots.csv": f"source,user_id,is_bot,within_seconds,min_tickets\n{SOURCE},{BOT},,,\n",
            "own_sla_targets.csv": OWN_TARGETS,
        },
    )
    account().land(warehouse)
    warehouse.build(AS_OF, select=MARTS)
    return warehouse


def replies(warehouse: Warehouse, *tickets: int) -> list[tuple[Any, ...]]:
    wanted = ", ".join(f"'{ticket}'" for ticket in tickets)
    return warehouse.query(
        f"""select cast(ticket_id as integer), first_reply_seconds / 60, first_reply_origin, public_agent_replies from marts.tickets
        where ticket_id in ({wanted}) order by 1"""
    )


def test_conversations_whose_messages_are_no_comments_take_the_vendors_replies(built: Warehouse) -> None:
    """Minutes stand as they are: 131 seconds are 2 of them."""
    assert replies(built, 1, 2, 8, 9) == [
        (1, 2, "vendor", 1),
        (2, 3, "vendor", 2),
        (8, 4, "vendor", 2),
        (9, 6, "vendor", 1),
    ]
    assert built.query(
        """select first_reply_at, first_reply_business_seconds, is_one_touch, customer_turns from marts.tickets where ticket_id = '1'"""
    ) == built.query("select timestamp '2024-06-04 10:02:00', 60.0, true, 1")
    assert built.query(
        "select count(*) from marts.reconciliation where ticket_id = '1' and measure = 'first_reply'"
    ) == [(0,)]


def test_the_earlier_first_reply_counts_where_events_tell_fewer_than_the_vendor(built: Warehouse) -> None:
    """The vendor's minute of a reply that events tell is no other reply; as many replies as it counts need no word of it."""
    assert replies(built, 3, 4, 5) == [
        (3, 2, "vendor", 3),
        (4, pytest.approx(30 + 20 / 60), "events", 2),
        (5, 30, "events", 1),
    ]
    assert built.query(
        "select reply_no, seconds, agent_id, origin from marts.ticket_replies where ticket_id = '3' order by reply_no"
    ) == [(1, 120, None, "vendor"), (2, None, str(AGENT), "events")]


def test_what_a_bot_wrote_is_no_reply_that_lacks(built: Warehouse) -> None:
    assert replies(built, 6) == [(6, None, None, 0)]
    assert built.query(
        "select measure, ours, theirs, reason, reading from marts.reconciliation "
        "where ticket_id = '6' and measure in ('first_reply', 'public_agent_replies') order by all"
    ) == [
        ("first_reply", None, 0, "vendor_clock_rule", "bots_reply"),
        ("public_agent_replies", 0, 1, "vendor_clock_rule", "bots_reply"),
    ]


def test_replies_that_nobody_dates_are_counted_and_end_no_wait_that_is_known(built: Warehouse) -> None:
    """Nor does a wait go on that one of them may have ended, with a target that it would break."""
    assert replies(built, 7, 13) == [(7, None, None, 2), (13, 30, "events", 2)]
    assert built.query(
        "select ticket_id, seconds from marts.ticket_replies where ticket_id in ('7', '13')"
    ) == [("13", 1800)]
    assert built.query("select count(*) from marts.sla_targets where ticket_id in ('7', '13')") == [(0,)]


def test_waits_of_a_ticket_without_events_are_the_vendors(built: Warehouse) -> None:
    assert built.query(
        """select ticket_id, waits_origin, requester_wait_seconds, agent_wait_seconds, on_hold_seconds, agent_work_seconds
        from marts.tickets where ticket_id in ('2', '9', '7') order by ticket_id"""
    ) == [
        ("2", "events", 7200, 0, 0, 7200),
        ("7", None, None, None, None, None),
        ("9", "vendor", 2400, 300, 120, 2280),
    ]


def test_calls_and_social_media_are_comments(built: Warehouse) -> None:
    assert replies(built, 10, 11, 12) == [(10, 20, "events", 2), (11, 50, "events", 1), (12, 25, "events", 1)]
    assert built.query(
        "select seconds from marts.ticket_replies where ticket_id = '10' and reply_no = 2"
    ) == [(2700,)]


def test_rows_of_times_say_how_many_are_the_vendors(built: Warehouse) -> None:
    """First replies of 1, 2, 3, 8 and 9; waits of 9."""
    assert built.query(
        """select measure, clock, n, n_vendor from marts.kpi_response_times
        where period_grain = 'all' and dimension = 'all' and clock = 'calendar' and measure in ('first_reply', 'requester_wait', 'next_reply')
        order by measure"""
    ) == [
        ("first_reply", "calendar", 11, 5),
        ("next_reply", "calendar", 1, 0),
        ("requester_wait", "calendar", 8, 1),
    ]
    assert built.query(
        "select first_replies, n_vendor from marts.kpi_team where period_grain = 'all' and dimension = 'all'"
    ) == [(11, 5)]


def test_the_vendors_word_of_later_is_not_asked(tmp_path: Path) -> None:
    """At 11:00 the ticket's version in force says nothing yet; the next build knows it, and forgets the wait."""
    warehouse = Warehouse(tmp_path)
    account = Account(SOURCE)
    account.ticket(1, at("10:00"), metric_set=metric_set(0, None))
    account.land(warehouse)
    later = Account(SOURCE)
    later.ticket(1, at("10:00"), changed=at("12:00"), metric_set=metric_set(1, 2))
    later.streams = {"tickets": later.streams["tickets"]}
    later.land(warehouse)
    for as_of, known in (
        ("2024-06-04T11:00:00Z", (None, None, 0, 1)),
        ("2024-06-05T00:00:00Z", (120, "vendor", 1, 0)),
    ):
        warehouse.build(as_of, select=["+kpi_response_times"])
        assert warehouse.query(
            """select first_reply_seconds, first_reply_origin, public_agent_replies,
                (select count(*) from marts.ticket_replies where replied_at is null)
            from marts.tickets"""
        ) == [known]
    assert warehouse.query(
        """select n, n_vendor, median_seconds from marts.kpi_response_times where period_grain = 'all' and dimension = 'all'
        and measure = 'first_reply' and clock = 'calendar'"""
    ) == [(1, 1, 120)]
