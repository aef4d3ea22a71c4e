"""Zendesk's metric events of tickets told by hand."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from sandbox import clocks
from sandbox.catalog import (
    CLOSED,
    DELETED,
    ENTERPRISE_TAG,
    HOLD,
    OPEN,
    PENDING,
    SOLVED,
    Policy,
    schedules,
)
from sandbox.clocks import (
    ACTIVATE,
    APPLY,
    APPLY_GROUP,
    BREACH,
    FULFILL,
    METRICS,
    OWNERSHIP,
    PAUSABLE,
    PAUSE,
    PERIODIC,
    REPLY,
    STATUS,
    TYPES,
    WAIT,
    WORK,
    MetricEvent,
    events_of,
)
from sandbox.company import Company
from sandbox.hours import Hours
from sandbox.lifecycle import AGENT_REPLY, AUTO_REPLY, CUSTOMER_COMMENT, INTERNAL_NOTE, Update
from sandbox.truth import targets, tickets

NORMAL, HIGH, URGENT = 2, 3, 4
TECHNICAL, BILLING = 1, 2
NAMES = {"reply_time": "next_reply", "resolution_time": "total_resolution"}

Stamped = tuple[str, int, int, int | None, str]


def events(updates: list[Update], until: str = "30 00:00") -> list[MetricEvent]:
    start = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp())
    hours = [Hours(schedule, start, start + 40 * 86_400) for schedule in schedules(2024, 2024)]
    day, clock = until.split()
    end = int(datetime.fromisoformat(f"2024-06-{day}T{clock}:00+00:00").timestamp())
    return events_of(updates, hours, Random(0), end)


def told(found: list[MetricEvent], metric: int) -> list[tuple[str, str, int]]:
    return [
        (datetime.fromtimestamp(e.t, UTC).strftime("%d %H:%M:%S"), TYPES[e.type], e.instance)
        for e in found
        if e.metric == metric and e.type not in (STATUS, clocks.MEASURE) and not e.deleted
    ]


def stamped(found: Iterable[MetricEvent]) -> list[Stamped]:
    """(metric, applied, target seconds, ended, outcome) of every target, as the vendor's stamps tell it.

    A clock is breached once.
    """
    done: list[Stamped] = []
    breached: set[tuple[int, int]] = set()
    standing: dict[tuple[int, int], Stamped] = {}
    for event in found:
        key = event.metric, event.instance
        if event.deleted:
            continue
        if event.type in (APPLY, APPLY_GROUP):
            if key in standing:
                metric, applied, seconds, _, outcome = standing.pop(key)
                replaced = "superseded" if event.policy >= 0 else "cancelled"
                done.append((metric, applied, seconds, event.t, replaced if outcome == "active" else outcome))
            if event.policy >= 0:
                name = METRICS[event.metric]
                name = "first_reply" if key == (REPLY, 1) else NAMES.get(name, name.removesuffix("_time"))
                outcome = "superseded" if key in breached else "active"
                standing[key] = name, event.t, event.a * 60, None, outcome
        elif key in standing and event.type in (BREACH, FULFILL, ACTIVATE):
            metric, applied, seconds, ended, outcome = standing[key]
            ended = {FULFILL: event.t, ACTIVATE: None}.get(event.type, ended)
            if outcome in ("active", "met"):
                outcome = {BREACH: "breached", FULFILL: "met", ACTIVATE: "active"}[event.type]
            standing[key] = metric, applied, seconds, ended, outcome
            if event.type == BREACH:
                breached.add(key)
    return done + list(standing.values())


def outcomes(found: Iterable[MetricEvent]) -> list[tuple[str, str]]:
    return [(metric, outcome) for metric, *_, outcome in stamped(found)]


def test_next_reply_starts_at_the_oldest_unanswered_message(story: Any) -> None:
    ticket = story("10:00").at("10:30", comment=AGENT_REPLY, status=OPEN)
    ticket.at("11:00", comment=CUSTOMER_COMMENT).at("11:40", comment=CUSTOMER_COMMENT)
    ticket.at("12:10", comment=AGENT_REPLY)
    assert told(events(ticket.updates), REPLY) == [
        ("04 10:00:00", "activate", 1),
        ("04 10:30:00", "fulfill", 1),
        ("04 11:00:00", "activate", 2),
        ("04 12:10:00", "fulfill", 2),
    ]
    minutes = [e.a for e in events(ticket.updates) if e.metric == REPLY and e.type == STATUS]
    assert minutes == [30, 70]


def test_notes_and_automatic_replies_fulfil_nothing(story: Any) -> None:
    ticket = story("10:00").at("10:00:05", comment=AUTO_REPLY).at("10:05", comment=INTERNAL_NOTE)
    assert told(events(ticket.updates), REPLY) == [("04 10:00:00", "activate", 1)]


def test_an_agents_opening_comment_is_no_reply(story: Any) -> None:
    ticket = story("10:00", comment=AGENT_REPLY, status=OPEN).at("10:20", comment=CUSTOMER_COMMENT)
    ticket.at("10:50", comment=AGENT_REPLY)
    assert told(events(ticket.updates), REPLY)[-1] == ("04 10:50:00", "fulfill", 1)


def test_pausing(story: Any) -> None:
    ticket = story("13:00").at("13:30", status=OPEN).at("14:00", status=PENDING).at("16:00", status=OPEN)
    ticket.at("17:00", status=HOLD).at("18:00", status=OPEN).at("19:00", status=SOLVED)
    found = events(ticket.updates)
    assert [kind for _, kind, _ in told(found, WORK)] == [
        "activate", "pause", "activate", "pause", "activate", "fulfill",
    ]  # fmt: skip
    assert [kind for _, kind, _ in told(found, WAIT)] == ["activate", "pause", "activate", "fulfill"]
    spent = {METRICS[e.metric]: e.a for e in found if e.type == STATUS}
    assert spent["agent_work_time"] == 180
    assert spent["requester_wait_time"] == 240
    assert spent["resolution_time"] == 360


def test_solving_fulfils_a_reply_that_never_came(story: Any) -> None:
    ticket = story("10:00", priority=NORMAL).at("12:00", status=SOLVED)
    assert told(events(ticket.updates), REPLY)[-1] == ("04 12:00:00", "fulfill", 1)
    assert ("first_reply", "met") in outcomes(events(ticket.updates))


@pytest.mark.parametrize(("tags", "in_business_hours"), [(0, 1), (ENTERPRISE_TAG, 0)])
def test_a_raised_priority_replaces_the_target_and_breaches_then(
    story: Any, tags: int, in_business_hours: int
) -> None:
    # Tuesday 09:00 in New York; 480 minutes as normal, 60 as urgent: overdue when applied two hours later.
    ticket = story("13:00", priority=NORMAL, tags=tags).at("15:00", priority=URGENT)
    found = events(ticket.at("15:30", comment=AGENT_REPLY, status=OPEN).updates)
    assert told(found, REPLY) == [
        ("04 13:00:00", "activate", 1),
        ("04 13:00:00", "apply_sla", 1),
        ("04 15:00:00", "apply_sla", 1),
        ("04 15:00:00", "breach", 1),
        ("04 15:30:00", "fulfill", 1),
    ]
    targets = [(e.a, e.b) for e in found if e.metric == REPLY and e.type == APPLY]
    assert targets == [(480, in_business_hours), (60, in_business_hours)]
    assert [pair for pair in outcomes(found) if pair[0] == "first_reply"] == [
        ("first_reply", "superseded"),
        ("first_reply", "breached"),
    ]


def test_a_breach_is_stamped_when_the_due_time_passes(story: Any) -> None:
    # High, standard: 240 business minutes from Tuesday 16:00 in New York, an hour of them today.
    found = events(story("20:00", priority=HIGH).updates)
    assert ("05 16:00:00", "breach", 1) in told(found, REPLY)
    assert [e for e in events(story("20:00", priority=HIGH).updates, "05 15:59") if e.type == BREACH] == []
    # Enterprise: 240 minutes by the calendar.
    premium = events(story("20:00", priority=HIGH, tags=ENTERPRISE_TAG).updates)
    assert ("05 00:00:00", "breach", 1) in told(premium, REPLY)


def test_a_reply_at_the_due_second_is_in_time(story: Any) -> None:
    ticket = story("20:00", priority=HIGH, tags=ENTERPRISE_TAG).at(
        "5 00:00", comment=AGENT_REPLY, status=PENDING
    )
    assert not [e for e in events(ticket.updates) if e.metric == REPLY and e.type == BREACH]


def test_a_paused_clock_is_not_breached(story: Any) -> None:
    ticket = story("13:00", priority=URGENT).at("13:30", status=PENDING, comment=AGENT_REPLY)
    breaches = {METRICS[e.metric] for e in events(ticket.updates) if e.type == BREACH and not e.deleted}
    assert breaches == {"resolution_time"}  # which no status pauses


def test_without_a_priority_there_is_no_target_and_taking_it_back_withdraws(story: Any) -> None:
    assert not [e for e in events(story("10:00").updates) if e.type == APPLY]
    ticket = story("13:00", priority=NORMAL).at("13:30", priority=0)
    withdrawn = [e for e in events(ticket.updates) if e.type == APPLY and e.policy < 0]
    assert {METRICS[e.metric] for e in withdrawn} == {
        "reply_time", "agent_work_time", "requester_wait_time", "resolution_time"
    }  # fmt: skip
    assert {outcome for _, outcome in outcomes(events(ticket.updates))} == {"cancelled"}


def test_a_reopened_ticket_goes_on_with_its_clock(story: Any) -> None:
    ticket = story("13:00", priority=NORMAL).at("14:00", status=SOLVED, comment=AGENT_REPLY)
    ticket.at("15:00", status=OPEN, comment=CUSTOMER_COMMENT).at("16:30", status=SOLVED, comment=AGENT_REPLY)
    ticket.at("20 10:00", status=CLOSED)
    found = events(ticket.updates)
    assert [(kind, n) for _, kind, n in told(found, WORK)] == [
        ("activate", 1), ("apply_sla", 1), ("fulfill", 1), ("activate", 1), ("fulfill", 1),
    ]  # fmt: skip
    assert [e.a for e in found if e.metric == WORK and e.type == STATUS] == [60, 150]


def test_periodic_update_runs_from_agent_comment_to_agent_comment(story: Any) -> None:
    ticket = story("10:00").at("10:30", comment=AGENT_REPLY, status=OPEN).at("11:00", status=HOLD)
    ticket.at("12:00", comment=INTERNAL_NOTE).at("13:00", comment=AUTO_REPLY)
    ticket.at("14:00", comment=AGENT_REPLY, status=PENDING).at("16:00", comment=CUSTOMER_COMMENT, status=OPEN)
    ticket.at("17:00", comment=AGENT_REPLY, status=SOLVED)
    found = events(ticket.updates)
    assert told(found, PERIODIC) == [
        ("04 10:30:00", "activate", 1),
        ("04 14:00:00", "fulfill", 1),
        ("04 14:00:00", "activate", 2),
        ("04 17:00:00", "fulfill", 2),
    ]
    assert [e.a for e in found if e.metric == PERIODIC and e.type == STATUS] == [210, 180]


def test_pausable_update_stands_still_in_pending_only(story: Any) -> None:
    ticket = story("10:00").at("10:30", comment=AGENT_REPLY, status=PENDING)
    ticket.at("12:00", comment=CUSTOMER_COMMENT, status=OPEN).at("12:10", status=HOLD)
    found = events(ticket.at("12:30", comment=AGENT_REPLY, status=SOLVED).updates)
    assert told(found, PAUSABLE) == [
        ("04 10:30:00", "activate", 1),
        ("04 10:30:00", "pause", 1),
        ("04 12:00:00", "activate", 1),
        ("04 12:30:00", "fulfill", 1),
    ]
    assert [e.a for e in found if e.metric == PAUSABLE and e.type == STATUS] == [30]


def test_an_agents_opening_comment_starts_the_updates(story: Any) -> None:
    ticket = story("10:00", comment=AGENT_REPLY, status=OPEN)
    assert told(events(ticket.updates), PERIODIC) == [("04 10:00:00", "activate", 1)]


def test_ownership_is_counted_by_stay(story: Any) -> None:
    ticket = story("10:00", group=TECHNICAL, priority=HIGH).at("11:00", group=BILLING)
    ticket.at("12:00", status=PENDING).at("13:00", status=SOLVED).at("15:00", status=OPEN)
    found = events(ticket.at("15:30", status=SOLVED).updates)
    assert told(found, OWNERSHIP) == [
        ("04 10:00:00", "activate", 1), ("04 10:00:00", "apply_group_sla", 1), ("04 11:00:00", "fulfill", 1),
        ("04 11:00:00", "activate", 2), ("04 11:00:00", "apply_group_sla", 2), ("04 13:00:00", "fulfill", 2),
        ("04 15:00:00", "activate", 3), ("04 15:00:00", "apply_group_sla", 3), ("04 15:30:00", "fulfill", 3),
    ]  # fmt: skip
    assert [e.a for e in found if e.metric == OWNERSHIP and e.type == STATUS] == [60, 120, 30]


def test_stamps_and_truth_tell_the_same_targets(company: Company) -> None:
    """The clocks follow the updates one by one; the truth walks whole lives. Every target agrees."""
    told_by_ticket: dict[int, list[MetricEvent]] = defaultdict(list)
    for row in company.metric_events[company.metric_times <= company.horizon].tolist():
        event = MetricEvent(*row)
        told_by_ticket[event.ticket].append(event)
    counted = {int(t.ticket_id) - 1 for t in tickets(company) if t.excluded is None}
    expected: dict[int, list[Stamped]] = defaultdict(list)
    for ticket, t in targets(company, counted):
        expected[ticket].append((t.metric, t.applied, t.seconds, t.ended, t.outcome))
    differences = {
        ticket: (found, expected[ticket])
        for ticket in counted
        if (found := sorted(stamped(told_by_ticket[ticket]), key=str)) != sorted(expected[ticket], key=str)
    }
    assert differences == {}
    judged = {(metric, outcome) for rows in expected.values() for metric, *_, outcome in rows}
    assert len(judged) > 30


def test_nothing_happens_to_a_deleted_ticket(story: Any) -> None:
    ticket = story("13:00", priority=HIGH).at("13:30", status=DELETED)
    last = events(ticket.updates)[-1]
    assert (last.t, last.type) == (ticket.updates[-1].t, PAUSE)


def test_outcomes_ignore_deleted_breaches() -> None:
    def event(kind: int, **more: int) -> MetricEvent:
        return MetricEvent(
            0, 0, WAIT, kind, 1, *(more.get(name, 0) for name in ("a", "b", "policy", "deleted"))
        )

    assert outcomes([event(ACTIVATE), event(APPLY), event(BREACH, deleted=1), event(FULFILL)]) == [
        ("requester_wait", "met")
    ]
    assert outcomes([event(ACTIVATE), event(APPLY)]) == [("requester_wait", "active")]


def test_every_policy_has_a_target_for_every_priority() -> None:
    assert all(
        isinstance(policy, Policy) and len(t) == 4
        for policy in clocks.POLICIES
        for t in policy.targets.values()
    )
