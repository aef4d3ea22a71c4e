"""The life of one ticket, from its creation to its end, as a list of updates.

Each update carries the ticket's whole state after it, so the state at an instant is the last update by then,
and what an update changed is the difference to the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import numpy as np

from sandbox.catalog import (
    ADMIN_ID,
    CHAT,
    CLOSED,
    CSAT_TAG,
    DELETED,
    EMAIL,
    ENTERPRISE_TAG,
    ESCALATED_TAG,
    HOLD,
    MERGED_TAG,
    NEW,
    OPEN,
    PARTNER_ID,
    PENDING,
    SOLVED,
    SPAM_TAG,
    VOICE,
    WEB,
)
from sandbox.hours import DAY, Hours

MINUTE, HOUR = 60, 3600

# What made an update. No event comes of the last two: SYSTEM ones move generated_timestamp only, SILENT ones
# change the ticket as well (automations, bulk changes).
CREATE, BY_CUSTOMER, BY_AGENT, BY_RULE, SYSTEM, SILENT = range(6)
# What comment it carries. AUTO_REPLY is written by a trigger (author -1).
NO_COMMENT, CUSTOMER_COMMENT, AGENT_REPLY, INTERNAL_NOTE, AUTO_REPLY = range(5)
SYSTEM_USER = -1


class Update(NamedTuple):
    """One update of a ticket and its state afterwards; the columns of the company's `updates` table."""

    t: int  # unix seconds
    ticket: int  # index of the ticket
    actor: int  # user id, -1 the system
    kind: int
    comment: int
    status: int
    priority: int
    group: int
    assignee: int  # agent index, -1 nobody
    schedule: int
    tags: int  # bits, see catalog.TAGS
    score: int  # legacy satisfaction, see catalog.SCORES
    lag: int  # seconds from the update to the ticket's generated_timestamp
    text: int


def is_asked(first: Update) -> bool:
    """Whether somebody asks with a ticket's first update; where our agent opens it, nobody has yet."""
    return first.comment not in (AGENT_REPLY, INTERNAL_NOTE) or first.actor == PARTNER_ID


def answers(updates: Sequence[Update]) -> list[Update]:
    """What answers who asked: public replies; of a ticket shared in private also a note before them."""
    first = updates[0]
    notes = (INTERNAL_NOTE,) if first.actor == PARTNER_ID and first.comment == INTERNAL_NOTE else ()
    found = [update for update in updates[1:] if update.comment in (AGENT_REPLY, *notes)]
    return [update for update in found if update is found[0] or update.comment == AGENT_REPLY]


UPDATE_DTYPE = np.dtype(
    [
        ("t", "i8"),
        ("ticket", "i4"),
        ("actor", "i8"),
        ("kind", "i1"),
        ("comment", "i1"),
        ("status", "i1"),
        ("priority", "i1"),
        ("group", "i1"),
        ("assignee", "i2"),
        ("schedule", "i1"),
        ("tags", "i2"),
        ("score", "i1"),
        ("lag", "i1"),
        ("text", "i2"),
    ]
)


@dataclass
class Team:
    """The agents of the company: who works in which group, and until when."""

    groups: list[list[int]]  # agent indexes by group
    leaves: dict[int, int]  # agent index -> unix second after which the agent does nothing any more
    ids: list[int]

    def pick(self, rng: Random, group: int, t: int) -> int:
        """An agent of the group who is still there a day after `t`."""
        members = self.groups[group]
        agent = members[int(rng.random() * len(members))]
        while self.leaves.get(agent, t + 2 * DAY) < t + DAY:
            agent = members[int(rng.random() * len(members))]
        return agent


@dataclass
class Life:
    """A ticket while it is being lived: its current state and the updates so far."""

    ticket: int
    requester: int  # user id
    channel: int
    area: int
    tags: int
    schedule: int
    end: int  # nothing is recorded after this second
    status: int = NEW
    priority: int = 0
    group: int = 0
    assignee: int = -1
    score: int = 0
    t: int = 0
    updates: list[Update] = field(default_factory=list)

    def record(self, rng: Random, t: int, actor: int, kind: int, comment: int = NO_COMMENT) -> None:
        """Append an update at `t` or, if that is not after the last one, a few seconds after that."""
        if t <= self.t:
            t = self.t + 7
        if (
            t % HOUR >= 3525
        ):  # the last minute before the hour is quiet: exports at the full hour are complete
            t += 90
        self.t = t
        if t <= self.end:
            noise = rng.random()
            self.updates.append(
                Update(
                    t,
                    self.ticket,
                    actor,
                    kind,
                    comment,
                    self.status,
                    self.priority,
                    self.group,
                    self.assignee,
                    self.schedule,
                    self.tags,
                    self.score,
                    int(noise * 18) if noise < 0.5 else 0,
                    int(noise * 1000),
                )
            )


def bounded_lognormal(rng: Random, median: float, sigma: float, most: float) -> int:
    """Seconds drawn from a lognormal around `median` seconds, at least one, at most `most`."""
    return int(min(max(rng.lognormvariate(0.0, sigma) * median, 1.0), most))


class Simulator:
    """Lives tickets one after the other, all randomness from one generator."""

    def __init__(self, rng: Random, hours: list[Hours], team: Team, end: int) -> None:
        self.rng = rng
        self.hours = hours
        self.team = team
        self.end = end

    def live(
        self,
        ticket: int,
        created: int,
        requester: int,
        segment: int,
        channel: int,
        area: int,
        complexity: int,
    ) -> list[Update]:
        """The updates of one ticket, oldest first; at least one, none after `end`."""
        rng = self.rng
        enterprise = segment == 0
        life = Life(
            ticket=ticket,
            requester=requester,
            channel=channel,
            area=area,
            tags=ENTERPRISE_TAG if enterprise else 0,
            schedule=1 if rng.random() < 0.15 else 0,
            end=self.end,
        )
        self._create(life, created, enterprise)
        fate = rng.random()
        if fate < 0.006:
            return life.updates  # nobody ever touches it
        ends = (
            self._spam
            if fate < 0.018
            else self._merge
            if fate < 0.036
            else self._delete
            if fate < 0.048
            else None
        )
        if ends is not None and rng.random() < 0.6:
            ends(life)
            if ends != self._delete or rng.random() < 0.7:
                return life.updates
            life.status = (
                OPEN if life.assignee >= 0 else NEW
            )  # restored, and worked on as if nothing had been
            life.record(rng, life.t + bounded_lognormal(rng, 5 * HOUR, 0.8, 2 * DAY), ADMIN_ID, BY_AGENT)
            ends = None
        self._work(life, enterprise, complexity)
        if ends is not None and life.t < self.end:
            ends(life)
        elif life.status == SOLVED:
            self._after_solve(life)
        return life.updates

    # ---- the parts of a life ----

    def _create(self, life: Life, created: int, enterprise: bool) -> None:
        rng = self.rng
        roll = rng.random()
        life.priority = (
            0 if roll < 0.18 else 1 if roll < 0.35 else 2 if roll < 0.75 else 3 if roll < 0.93 else 4
        )
        if life.channel == CHAT:
            life.group = 3
        elif enterprise and rng.random() < 0.5:
            life.group = 4
        else:
            life.group = 2 if life.area == 0 else 1 if life.area == 1 and rng.random() < 0.5 else 0
        if (life.channel == VOICE and rng.random() < 0.7) or (life.channel == EMAIL and rng.random() < 0.02):
            life.status = OPEN  # an agent writes the ticket, with an opening comment that the customer sees
            life.assignee = self.team.pick(rng, life.group, created)
            life.record(rng, created, self.team.ids[life.assignee], CREATE, AGENT_REPLY)
            return
        life.record(rng, created, life.requester, CREATE, CUSTOMER_COMMENT)
        if life.channel in (EMAIL, WEB) and rng.random() < 0.75:
            life.record(rng, life.t + 2 + int(rng.random() * 6), SYSTEM_USER, BY_RULE, AUTO_REPLY)

    def _patience(self, created: int) -> float:
        """How long what comes in at that time waits for a first reply, beside the usual 1."""
        return 1.0

    def _agent_time(self, life: Life, median: float, sigma: float = 0.9) -> int:
        """When an agent gets to it, `median` working seconds from now; chats and urgent ones at any hour."""
        spent = bounded_lognormal(self.rng, median, sigma, 15 * DAY)
        if life.channel == CHAT or life.priority == 4:
            return life.t + spent
        return self.hours[life.schedule].add(life.t, spent)

    def _triage(self, life: Life, enterprise: bool) -> None:
        rng = self.rng
        t = self._agent_time(life, 2 * MINUTE if life.channel in (CHAT, VOICE) else 25 * MINUTE)
        life.assignee = self.team.pick(rng, life.group, t)
        if life.priority == 0 and rng.random() < 0.7:
            life.priority = 3 if enterprise else 2
        life.status = OPEN
        life.record(rng, t, self.team.ids[life.assignee], BY_AGENT)

    def _agent(self, life: Life) -> int:
        """The assignee's id; somebody else takes over from one who left."""
        if self.team.leaves.get(life.assignee, life.t + 9 * DAY) < life.t + 8 * DAY:
            life.assignee = self.team.pick(self.rng, life.group, life.t)
        return self.team.ids[life.assignee]

    def _work(self, life: Life, enterprise: bool, complexity: int) -> None:
        rng = self.rng
        if life.assignee < 0:
            self._triage(life, enterprise)
        roll = rng.random()
        if roll < 0.03:  # solved without a word
            life.status = SOLVED
            life.record(rng, self._agent_time(life, 3 * HOUR), self._agent(life), BY_AGENT)
            return
        pace = (
            (0.6, 1.0, 1.9)[complexity]
            * (0.6, 1.0, 1.0, 0.7, 0.25)[life.priority]
            * (0.7 if enterprise else 1.0)
        )
        first = pace * (4 * MINUTE if life.channel in (CHAT, VOICE) else 2.2 * HOUR)
        first *= self._patience(life.updates[0].t)
        rounds = 1 + (rng.random() < 0.42) + (rng.random() < 0.2) + (complexity == 2 and rng.random() < 0.5)
        for number in range(rounds):
            if life.t > self.end:
                return
            self._side_steps(life, complexity)
            last = number == rounds - 1
            if number and rng.random() < 0.5:  # picked up again before it is answered
                life.status = OPEN
                life.record(rng, self._agent_time(life, 30 * MINUTE), self._agent(life), BY_AGENT)
            t = self._agent_time(life, first if number == 0 else pace * 1.6 * HOUR)
            agent = self._agent(life)
            roll = rng.random()
            if last:
                life.status = SOLVED
                life.record(rng, t, agent, BY_AGENT, AGENT_REPLY if roll < 0.9 else INTERNAL_NOTE)
                return
            life.status = PENDING if roll < 0.75 else OPEN
            life.record(rng, t, agent, BY_AGENT, AGENT_REPLY)
            self._customer_answers(life)
            if life.status == PENDING:  # no answer came: solved after a reminder's time
                life.status = SOLVED
                life.record(rng, life.t + 5 * DAY, SYSTEM_USER, BY_RULE)
                return

    def _side_steps(self, life: Life, complexity: int) -> None:
        """Notes, hand-overs, changes of priority and schedule, waiting for a third party."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.4:
            life.record(rng, self._agent_time(life, 20 * MINUTE), self._agent(life), BY_AGENT, INTERNAL_NOTE)
        elif roll < 0.4 + 0.05 * (1 + complexity):
            agent = self._agent(life)
            t = self._agent_time(life, 40 * MINUTE)
            life.group = 1 if life.group != 1 else 0
            life.tags |= ESCALATED_TAG
            life.assignee = self.team.pick(rng, life.group, t)
            life.record(rng, t, agent, BY_AGENT, INTERNAL_NOTE)
        roll = rng.random()
        if roll < 0.06:
            agent = self._agent(life)
            life.priority = min(4, life.priority + 1) if roll < 0.045 else max(1, life.priority - 1)
            if roll > 0.057:
                life.priority = 0  # taken back: no target any more
            life.record(rng, self._agent_time(life, 30 * MINUTE), agent, BY_AGENT)
        elif roll < 0.075:
            life.schedule = 1 - life.schedule
            life.record(rng, life.t + 10 * MINUTE, SYSTEM_USER, BY_RULE)
        if rng.random() < 0.05 * (1 + complexity):
            agent = self._agent(life)
            life.status = HOLD
            life.record(rng, self._agent_time(life, HOUR), agent, BY_AGENT, INTERNAL_NOTE)
            life.status = OPEN
            life.record(rng, self._agent_time(life, 6 * HOUR), self._agent(life), BY_AGENT)

    def _customer_answers(self, life: Life) -> None:
        rng = self.rng
        if life.status == PENDING and rng.random() < 0.12:
            return
        waited = bounded_lognormal(rng, 6 * MINUTE if life.channel == CHAT else 5 * HOUR, 1.2, 12 * DAY)
        life.status = OPEN
        life.record(rng, life.t + waited, life.requester, BY_CUSTOMER, CUSTOMER_COMMENT)
        if rng.random() < 0.15:  # a second thought
            more = bounded_lognormal(rng, 10 * MINUTE, 0.8, HOUR)
            life.record(rng, life.t + more, life.requester, BY_CUSTOMER, CUSTOMER_COMMENT)

    def _after_solve(self, life: Life) -> None:
        """Reopening, the legacy rating, closing after four days, a late system update."""
        rng = self.rng
        if rng.random() < 0.09 and life.t < self.end:
            life.status = OPEN
            life.record(
                rng,
                life.t + bounded_lognormal(rng, 8 * HOUR, 1.0, 3 * DAY),
                life.requester,
                BY_CUSTOMER,
                CUSTOMER_COMMENT,
            )
            thanks = rng.random() < 0.3
            t = self._agent_time(life, 15 * MINUTE if thanks else 3 * HOUR)
            agent = self._agent(life)
            life.status = SOLVED
            life.record(rng, t, agent, BY_AGENT, NO_COMMENT if thanks else AGENT_REPLY)
        solved = life.t
        life.tags |= CSAT_TAG
        life.record(rng, solved + 4, SYSTEM_USER, BY_RULE)
        if life.channel not in (CHAT, VOICE) and rng.random() < 0.8:
            life.score = 1
            life.record(rng, solved + DAY, SYSTEM_USER, BY_RULE)
            if rng.random() < 0.28:
                slow = life.t - life.updates[0].t > 6 * DAY
                life.score = 2 if rng.random() < (0.72 if slow else 0.86) else 3
                life.record(
                    rng,
                    life.t + bounded_lognormal(rng, 4 * HOUR, 1.1, 40 * HOUR),
                    life.requester,
                    BY_CUSTOMER,
                )
                if rng.random() < 0.05:
                    life.score = 5 - life.score
                    life.record(rng, life.t + 2 * HOUR, life.requester, BY_CUSTOMER)
        life.status = CLOSED
        life.record(rng, solved + 4 * DAY, SYSTEM_USER, BY_RULE)
        if rng.random() < 0.08:
            life.record(rng, life.t + int(rng.random() * 90 * DAY), SYSTEM_USER, SYSTEM)

    def _spam(self, life: Life) -> None:
        life.tags |= SPAM_TAG
        life.status = DELETED
        life.record(self.rng, self._agent_time(life, HOUR), ADMIN_ID, BY_AGENT)

    def _merge(self, life: Life) -> None:
        life.tags |= MERGED_TAG
        life.status = CLOSED
        life.record(self.rng, self._agent_time(life, 2 * HOUR), ADMIN_ID, BY_AGENT, INTERNAL_NOTE)

    def _delete(self, life: Life) -> None:
        life.status = DELETED
        gone = life.t + bounded_lognormal(self.rng, 2 * DAY, 1.0, 30 * DAY)
        life.record(self.rng, gone, ADMIN_ID, BY_AGENT)
