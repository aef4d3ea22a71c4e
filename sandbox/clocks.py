"""The helpdesk's metric events of one ticket, by the rules that it documents.

- reply_time: instance 1 runs from the creation to the first public agent reply; where an agent opened the
  ticket, in public or in private, from the customer's first message. Later instances run from the oldest
  unanswered customer message to the next reply; solving fulfils all.
- agent_work_time runs in new and open, requester_wait_time in new, open and on-hold, resolution_time in every
  unsolved status; they pause elsewhere, are fulfilled by solving or closing, and go on after a reopening.
- periodic_update_time: an instance runs from each public agent comment (an opening one too) to the next or to
  the solving, in every unsolved status; pausable_update_time likewise, but it pauses in pending.
- group_ownership_time: an instance runs while one group holds the unsolved ticket; a reopening begins
  another.
- A policy applies to tickets with a priority, the first whose condition holds; group policies likewise, by
  the group. A new target replaces the old. A breach is stamped when the due time passes while the clock runs;
  what is overdue when applied, at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from sandbox.catalog import (
    ALL_POLICIES,
    CLOSED,
    DELETED,
    GROUP_POLICIES,
    HOLD,
    NEW,
    OPEN,
    PENDING,
    POLICIES,
    SOLVED,
    TAGS,
)
from sandbox.hours import Hours
from sandbox.lifecycle import AGENT_REPLY, CUSTOMER_COMMENT, SYSTEM, Update, is_asked

METRICS = (
    "reply_time",
    "agent_work_time",
    "requester_wait_time",
    "resolution_time",
    "periodic_update_time",
    "pausable_update_time",
    "group_ownership_time",
)
REPLY, WORK, WAIT, RESOLUTION, PERIODIC, PAUSABLE, OWNERSHIP = range(7)
TYPES = (
    "measure",
    "activate",
    "pause",
    "fulfill",
    "apply_sla",
    "breach",
    "update_status",
    "apply_group_sla",
)
MEASURE, ACTIVATE, PAUSE, FULFILL, APPLY, BREACH, STATUS, APPLY_GROUP = range(8)

_UNSOLVED = frozenset((NEW, OPEN, PENDING, HOLD))
RUNS_IN = {
    WORK: frozenset((NEW, OPEN)),
    WAIT: frozenset((NEW, OPEN, HOLD)),
    RESOLUTION: _UNSOLVED,
    PERIODIC: _UNSOLVED,
    PAUSABLE: frozenset((NEW, OPEN, HOLD)),
    OWNERSHIP: _UNSOLVED,
}
_ENDED = frozenset((SOLVED, CLOSED))


class MetricEvent(NamedTuple):
    """One metric event; the columns of the company's `metric_events` table."""

    t: int
    ticket: int
    metric: int
    type: int
    instance: int
    a: int  # apply_sla and apply_group_sla: target minutes; update_status: calendar minutes
    b: int  # apply_sla and apply_group_sla: 1 in business hours; update_status: business minutes
    policy: int  # apply_sla and apply_group_sla: index of the policy, -1 withdrawn
    deleted: int


METRIC_DTYPE = np.dtype(
    [
        ("t", "i8"),
        ("ticket", "i4"),
        ("metric", "i1"),
        ("type", "i1"),
        ("instance", "i2"),
        ("a", "i4"),
        ("b", "i4"),
        ("policy", "i1"),
        ("deleted", "i1"),
    ]
)

#: What policies call a clock; the reply clock has two names.
_POLICY_METRICS = {
    WORK: "agent_work_time",
    WAIT: "requester_wait_time",
    RESOLUTION: "total_resolution_time",
    PERIODIC: "periodic_update_time",
    PAUSABLE: "pausable_update_time",
}
_POLICY_BITS = [0 if policy.tag is None else 1 << TAGS.index(policy.tag) for policy in POLICIES]


def matching_policy(tags: int, priority: int) -> int:
    """Index of the first policy whose filter matches, -1 without a priority."""
    if priority == 0:
        return -1
    return next(i for i, bit in enumerate(_POLICY_BITS) if tags & bit == bit)


def matching_group_policy(group: int, priority: int) -> int:
    """Index of the first group policy for the group, -1 for none or without a priority."""
    if priority == 0:
        return -1
    return next((i for i, policy in enumerate(GROUP_POLICIES) if group in policy.groups), -1)


@dataclass
class Clock:
    """One metric of a ticket: what has elapsed, whether it runs, and the target on it."""

    metric: int
    instance: int = 1
    is_running: bool = False
    is_fulfilled: bool = False
    since: int = 0
    calendar: int = 0  # elapsed seconds up to `since`
    business: int = 0
    target: int = 0  # seconds, 0 without a target
    in_business_hours: bool = False
    is_breached: bool = False
    due: int | None = None
    applied: tuple[int, int] = (-1, 0)  # the policy and priority last put on it


class Clocks:
    """The clocks of one ticket, driven through its updates by `events_of`."""

    def __init__(self, ticket: int, hours: list[Hours], rng: Random) -> None:
        self.ticket = ticket
        self.hours = hours
        self.rng = rng
        self.schedule = 0
        self.events: list[MetricEvent] = []
        self.clocks = [Clock(metric) for metric in range(len(METRICS))]
        for metric in (PERIODIC, PAUSABLE):  # none before the first public agent comment
            self.clocks[metric] = Clock(metric, instance=0, is_fulfilled=True)
        self.policy = -1
        self.group = 0
        self.group_policy = -1
        self.priority = 0

    def emit(
        self, t: int, clock: Clock, type_: int, a: int = 0, b: int = 0, policy: int = -1, deleted: int = 0
    ) -> None:
        instance = 0 if type_ == MEASURE else clock.instance
        self.events.append(MetricEvent(t, self.ticket, clock.metric, type_, instance, a, b, policy, deleted))

    def settle(self, clock: Clock, t: int) -> None:
        """Add what ran since the last look."""
        if clock.is_running and t > clock.since:
            clock.calendar += t - clock.since
            clock.business += self.hours[self.schedule].seconds(clock.since, t)
        clock.since = t

    def set_due(self, clock: Clock, t: int) -> None:
        """Find the due time of an unbreached target; one that is overdue is breached now, never earlier."""
        clock.due = None
        if clock.target and not clock.is_breached:
            left = clock.target - (clock.business if clock.in_business_hours else clock.calendar)
            if left < 0:
                self._breach(clock, t)
            elif clock.is_running:
                clock.due = self.hours[self.schedule].add(t, left) if clock.in_business_hours else t + left

    def _breach(self, clock: Clock, t: int) -> None:
        clock.is_breached, clock.due = True, None
        self.emit(t, clock, BREACH)

    def pass_time(self, t: int) -> None:
        """Stamp the breaches whose due time lies before `t`, in the order of time."""
        passed = [(clock.due, clock) for clock in self.clocks if clock.due is not None and clock.due < t]
        for due, clock in sorted(passed, key=lambda pair: pair[0]):
            self._breach(clock, due)

    def activate(self, clock: Clock, t: int) -> None:
        clock.is_running, clock.is_fulfilled, clock.since = True, False, t
        self.emit(t, clock, ACTIVATE)
        self.set_due(clock, t)

    def pause(self, clock: Clock, t: int) -> None:
        self.settle(clock, t)
        clock.is_running = False
        self.emit(t, clock, PAUSE)
        if clock.due is not None and self.rng.random() < 0.05:
            self.emit(clock.due, clock, BREACH, deleted=1)  # foreseen, then called off
        clock.due = None

    def fulfill(self, clock: Clock, t: int) -> None:
        self.settle(clock, t)
        clock.is_running, clock.is_fulfilled, clock.due = False, True, None
        self.emit(t, clock, FULFILL)
        self.emit(t, clock, STATUS, clock.calendar // 60, clock.business // 60)

    def renew(self, metric: int, t: int, status: int) -> None:
        """Begin the metric's next instance; it may have to wait for a status in which it runs."""
        self.clocks[metric] = clock = Clock(metric, self.clocks[metric].instance + 1)
        self.activate(clock, t)
        if status not in RUNS_IN.get(metric, _UNSOLVED):
            self.pause(clock, t)

    def target_for(self, clock: Clock) -> tuple[int, int, bool] | None:
        """Policy, minutes and whether in business hours, None without a target."""
        if clock.metric == OWNERSHIP:
            if self.group_policy < 0:
                return None
            group_policy = GROUP_POLICIES[self.group_policy]
            return self.group_policy, group_policy.minutes[self.priority - 1], group_policy.business_hours
        if self.policy < 0:
            return None
        policy = ALL_POLICIES[self.policy]
        name = _POLICY_METRICS.get(
            clock.metric, "first_reply_time" if clock.instance == 1 else "next_reply_time"
        )
        if name not in policy.targets:
            return None
        return self.policy, policy.targets[name][self.priority - 1], policy.business_hours

    def apply(self, clock: Clock, t: int) -> None:
        """Put the ticket's current policy and priority on an unfulfilled clock, if they are not on it yet."""
        key = self.group_policy if clock.metric == OWNERSHIP else self.policy, self.priority
        if clock.applied == key:
            return
        clock.applied = key
        self.settle(clock, t)
        type_ = APPLY_GROUP if clock.metric == OWNERSHIP else APPLY
        if found := self.target_for(clock):
            policy, minutes, in_business_hours = found
            clock.target, clock.in_business_hours, clock.is_breached = minutes * 60, in_business_hours, False
            self.emit(t, clock, type_, minutes, int(in_business_hours), policy)
            self.set_due(clock, t)
        elif clock.target:
            clock.target, clock.due = 0, None
            self.emit(t, clock, type_)


def policies_after(update: Update) -> tuple[int, int]:
    """Indexes of the policy and the group policy that an update puts on a ticket, -1 for none."""
    return (
        matching_policy(update.tags, update.priority),
        matching_group_policy(update.group, update.priority),
    )


def events_of(
    updates: list[Update],
    hours: list[Hours],
    rng: Random,
    end: int,
    policies: Callable[[Update], tuple[int, int]] = policies_after,
) -> list[MetricEvent]:
    """The metric events of a ticket with these updates, up to the second `end`, as they were made."""
    first = updates[0]
    state = Clocks(first.ticket, hours, rng)
    state.schedule, state.group = first.schedule, first.group
    if not is_asked(first):
        state.clocks[REPLY] = Clock(REPLY, instance=0, is_fulfilled=True)
    state.emit(first.t, state.clocks[WORK], MEASURE)
    for clock in state.clocks:
        if not clock.is_fulfilled:
            state.activate(clock, first.t)
    if first.comment == AGENT_REPLY:
        state.renew(PERIODIC, first.t, first.status)
        state.renew(PAUSABLE, first.t, first.status)
    for update in updates:
        if update.kind == SYSTEM:
            continue
        t = update.t
        state.pass_time(t)
        if update.schedule != state.schedule:
            for clock in state.clocks:
                state.settle(clock, t)
            state.schedule = update.schedule
            for clock in state.clocks:
                state.set_due(clock, t)
        state.priority = update.priority
        state.policy, state.group_policy = policies(update)
        if update is not first:
            _move(state, update)
        for clock in state.clocks:
            if not clock.is_fulfilled:
                state.apply(clock, t)
    if updates[-1].status != DELETED:
        state.pass_time(end + 1)
    return [event for event in state.events if event.t <= end]


def _move(state: Clocks, update: Update) -> None:
    """Pause, go on, fulfil and begin anew as the update's status, comment and group say."""
    t, status, replied = update.t, update.status, update.comment == AGENT_REPLY
    is_ended = status in _ENDED
    reply, ownership = state.clocks[REPLY], state.clocks[OWNERSHIP]
    if not reply.is_fulfilled and (replied or is_ended):
        state.fulfill(reply, t)
    elif reply.is_fulfilled and update.comment == CUSTOMER_COMMENT and not is_ended:
        state.renew(REPLY, t, status)
    for clock in state.clocks[WORK:]:
        is_over = is_ended
        if clock.metric in (PERIODIC, PAUSABLE):
            is_over |= replied
        elif clock is ownership:
            is_over |= update.group != state.group
        if is_over:
            if not clock.is_fulfilled:
                state.fulfill(clock, t)
        elif clock.is_fulfilled and clock.metric in (PERIODIC, PAUSABLE, OWNERSHIP):
            continue
        elif status in RUNS_IN[clock.metric]:
            if not clock.is_running:
                state.activate(clock, t)
        elif clock.is_running:
            state.pause(clock, t)
    if status in _UNSOLVED:
        if replied:
            state.renew(PERIODIC, t, status)
            state.renew(PAUSABLE, t, status)
        if ownership.is_fulfilled:
            state.renew(OWNERSHIP, t, status)
    state.group = update.group
