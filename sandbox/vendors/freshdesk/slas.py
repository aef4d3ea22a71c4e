"""Freshdesk's service level clocks of one ticket: when its targets are due, and the vendor's verdicts.

A policy gives two targets by priority: the first response and the resolution. Both count from the creation,
in the hours of the ticket's group or around the clock, and stand still while the ticket waits for somebody
else. A change of priority or group moves what is not yet overdue. The verdict falls when a due time passes,
a minute or more later, when the vendor's own job comes by; it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.catalog import CLOSED, DELETED, ENTERPRISE_TAG, HOLD, PENDING, POLICIES, SOLVED, Policy
from sandbox.hours import Hours
from sandbox.lifecycle import SYSTEM, Update

PREMIUM, STANDARD = POLICIES
#: Statuses in which the clocks stand still: the switch of each status, and the end.
WAITING = frozenset((PENDING, HOLD, SOLVED, CLOSED, DELETED))
EUROPE_GROUP = 1  # works in the hours of the second schedule
_NEVER = 1 << 60


class Standing(NamedTuple):
    """Where a ticket's targets stand from `t` on; unix seconds."""

    t: int
    response_due: int
    resolution_due: int
    is_response_late: bool
    is_resolution_late: bool


@dataclass
class _Target:
    """One clock: what it has used up of its seconds, and what became of it."""

    metric: str
    ends: int | None = None  # when it is met, where that is known beforehand
    used: int = 0
    due: int = _NEVER
    is_running: bool = True
    is_late: bool = False


def policy_of(update: Update) -> Policy:
    """The policy of a ticket in this state: that of its company, else the default."""
    return PREMIUM if update.tags & ENTERPRISE_TAG else STANDARD


def hours_of(group: int, hours: Sequence[Hours]) -> Hours:
    """The business hours of a group's tickets."""
    return hours[1 if group == EUROPE_GROUP else 0]


def worker_lag(ticket: int) -> int:
    """Seconds from a due time to the verdict: the vendor looks now and then."""
    return 60 + 37 * (ticket % 17)


def standings(
    updates: Sequence[Update], responded: int | None, hours: Sequence[Hours], end: int
) -> list[Standing]:
    """A ticket's targets after each of its updates and each verdict, oldest first.

    Args:
        updates: The ticket's life.
        responded: When it was first responded to.
        hours: By schedule.
        end: Where the look into the future ends.
    """
    targets = (_Target("first_reply_time", responded), _Target("total_resolution_time"))
    told = [update for update in updates if update.kind != SYSTEM]
    found: list[Standing] = []
    before = None
    for update in told:
        if before is not None:
            _judge(targets, found, update.t, update.ticket)
            _spend(targets, before, update.t, hours)
        for target in targets:
            is_met = target.ends is not None and target.ends <= update.t
            target.is_running = update.status not in WAITING and not is_met
            if target.is_running and not target.is_late:
                target.due = _due(target, update, hours)
        found.append(_standing(update.t, targets))
        before = update
    _judge(targets, found, end + 1, told[0].ticket)
    return found


def _spend(targets: Sequence[_Target], before: Update, t: int, hours: Sequence[Hours]) -> None:
    """Add what ran since the update before."""
    in_business_hours = policy_of(before).business_hours
    spent = hours_of(before.group, hours).seconds(before.t, t) if in_business_hours else t - before.t
    for target in targets:
        if target.is_running:
            target.used += spent


def _due(target: _Target, update: Update, hours: Sequence[Hours]) -> int:
    policy = policy_of(update)
    left = policy.targets[target.metric][max(update.priority, 1) - 1] * 60 - target.used
    if left <= 0:
        return update.t
    return hours_of(update.group, hours).add(update.t, left) if policy.business_hours else update.t + left


def _judge(targets: Sequence[_Target], found: list[Standing], until: int, ticket: int) -> None:
    """The verdicts of what fell due before `until`, at the latest then."""
    for target in sorted(targets, key=lambda target: target.due):
        is_missed = target.ends is None or target.ends > target.due
        if target.is_running and not target.is_late and target.due < until and is_missed:
            target.is_late = True
            found.append(_standing(min(target.due + worker_lag(ticket), until), targets))


def _standing(t: int, targets: Sequence[_Target]) -> Standing:
    response, resolution = targets
    return Standing(t, response.due, resolution.due, response.is_late, resolution.is_late)
