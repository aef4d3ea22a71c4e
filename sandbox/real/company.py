"""A company like real ones: the same people and lives, with what happens in real accounts drawn over them.

All that is added is drawn from generators of its own, so that the profile `clean` stays what it is.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np

from sandbox.catalog import (
    ADMIN_ID,
    AGENT_ID,
    API,
    CHAT,
    CLOSED,
    CUSTOMER_ID,
    DELETED,
    EMAIL,
    ENTERPRISE_TAG,
    ESCALATED_TAG,
    IMPORTED_TAG,
    MERGED_TAG,
    NEW,
    NIGHT_GROUP,
    OPEN,
    PARTNER_ID,
    POLICIES,
    SOLVED,
    VOICE,
    WEB,
)
from sandbox.clocks import BREACH, MetricEvent, events_of, policies_after
from sandbox.company import Company, Version
from sandbox.hours import DAY, Hours, Schedule
from sandbox.lifecycle import (
    AGENT_REPLY,
    AUTO_REPLY,
    BY_AGENT,
    BY_RULE,
    CREATE,
    CUSTOMER_COMMENT,
    HOUR,
    INTERNAL_NOTE,
    MINUTE,
    NO_COMMENT,
    SILENT,
    SYSTEM,
    SYSTEM_USER,
    Simulator,
    Update,
)
from sandbox.real.facts import Facts, Session
from sandbox.real.mailings import mailings
from sandbox.real.surveys import with_faces

Life = list[Update]
ENDED = (SOLVED, CLOSED)

BOT_ID = AGENT_ID + 128 * 900  # an agent's account that a program uses
EARLY_LEAVER = 7  # agent who was deleted in the time before the first now
ESCALATIONS = len(POLICIES)  # index of the policy that is deleted
NIGHT_SCHEDULE, EUROPE_BEFORE, EUROPE_AFTER = 2, 1, 3

# What changes in the account's settings, in hours after the first now.
EDITED_HOURS = 30  # the Europe desk's hours and holidays, a field's and a policy's text
DELETED_HOURS = 42  # a schedule, a policy, a group policy, a group, a brand, a field

MERGE_SECONDS = 100  # the target's note comes so soon after the source was closed

#: The parts of a ticket that an update changes.
_STATE = ("status", "priority", "group", "assignee", "schedule", "tags", "score")


def old_account(customer: int) -> int:
    """The user id of a customer's second account, merged into the first."""
    return CUSTOMER_ID + 128 * customer + 64


class RealCompany(Company):
    """A company with a real account's troubles; arguments as of `Company`.

    Attributes:
        facts: of each ticket, by index.
        follow_ups, incidents: the tickets that follow a closed one up, that are incidents of a problem.
        merged_accounts: by customer, when their second account was merged into the first.
        mailings: what the mailer sent.
        edited, deleted: unix seconds at which settings were edited and deleted.
    """

    facts: list[Facts]
    #: Shares of conversations without an event, of answers about no known ticket, of those beside the scale.
    eventless, mislinked, off_scale = 0.35, 0.2, 0.1
    #: Whether customers are asked to recommend after a ticket, not twice a year.
    recommended_after_tickets = False

    # ---- making ----

    def _make_people(self, tickets: int) -> None:
        super()._make_people(tickets)
        self.edited = self.first_now + EDITED_HOURS * HOUR
        self.deleted = self.first_now + DELETED_HOURS * HOUR
        left = self.first_now - 60 * DAY
        self.agent_versions[EARLY_LEAVER] = [Version(left, role="end-user", active=False)]
        self.team.leaves[EARLY_LEAVER] = left
        self.merged_accounts = {
            customer: self.first_now - (30 + customer % 40) * DAY for customer in range(7, self.customers, 23)
        }
        self.schedules = _schedules(self.schedules, self.first_now)
        self.hours = [Hours(schedule, self.start, self.end + 60 * DAY) for schedule in self.schedules]

    def _lives(self, simulator: Simulator) -> Iterator[Life]:
        lives = list(super()._lives(simulator))
        self._random = Random(self.seed + 100)
        self._simulator = simulator
        self.facts = [Facts("") for _ in lives]
        for ticket, life in enumerate(lives):
            lives[ticket] = self._beginning(ticket, life)
        for ticket, life in enumerate(lives):
            lives[ticket] = self._later(ticket, life)
        self._link(lives)
        nobody = Random(self.seed + 101)
        for ticket, life in enumerate(lives):
            life = self._settings_change(self._put_down(nobody, ticket, life))
            lives[ticket] = [self._by_old_account(ticket, update) for update in life if update.t <= self.end]
        return iter(lives)

    def _index_updates(self) -> None:
        super()._index_updates()
        keep = np.array([self._has_event(row) for row in self.event_rows.tolist()], dtype=bool)
        self.event_rows, self.event_times = self.event_rows[keep], self.event_times[keep]

    def _make_surveys(self) -> None:
        super()._make_surveys()
        solves = self._solves()
        self.answers = with_faces(self, self.answers, solves, self.mislinked, self.off_scale)
        self.mailings = mailings(self, solves)

    def _solves(self) -> list[tuple[int, int]]:
        """(ticket, unix second) of each ticket's first solve."""
        solved = np.flatnonzero(self.updates["status"] == SOLVED)
        tickets, first = np.unique(self.updates["ticket"][solved], return_index=True)
        return list(zip(tickets.tolist(), self.updates["t"][solved[first]].tolist(), strict=True))

    def _has_event(self, row: int) -> bool:
        update = Update(*self.updates[row].tolist())
        facts = self.facts[update.ticket]
        if not facts.has_events:
            return False
        is_message = facts.sessions is not None and update.kind != CREATE and update.comment == AGENT_REPLY
        before = Update(*self.updates[row - 1].tolist()) if is_message else update
        return not is_message or any(getattr(before, name) != getattr(update, name) for name in _STATE)

    def _clock_events(self, life: Life, rng: Random) -> list[MetricEvent]:
        facts = self.facts[life[0].ticket]
        if facts.is_imported or (facts.is_by_ai and facts.handed_over is None):
            return []
        events = events_of(life, self.hours, rng, self.end, self.policies_after)
        if not facts.tells_clocks:
            silent = next((update.t for update in life if update.kind == SILENT), self.end)
            events = [event for event in events if event.t < silent]
        if facts.is_retargeted:
            events = list(_breached_once(events))
        return events

    def policies_after(self, update: Update) -> tuple[int, int]:
        """Indexes of the policy and the group policy that an update puts on a ticket, -1 for none."""
        policy, group_policy = policies_after(update)
        if update.t >= self.deleted:
            return policy, -1 if group_policy == 0 else group_policy
        if policy > 0 and update.tags & ESCALATED_TAG and not update.tags & ENTERPRISE_TAG:
            policy = ESCALATIONS
        return policy, group_policy

    # ---- how tickets begin ----

    def _beginning(self, ticket: int, life: Life) -> Life:
        channel = int(self.channel[ticket])
        if channel == CHAT:
            return self._conversation(ticket, life)
        if channel == VOICE:
            return self._call(ticket, life)
        facts = self.facts[ticket]
        facts.channel = {EMAIL: "email", WEB: "web", API: "api"}[channel]
        facts.is_labs = self._random.random() < 0.04
        roll = self._random.random()
        if channel == API:
            return self._import(ticket, life) if roll < 0.4 else life
        if life[0].comment == AGENT_REPLY:
            facts.begins = "agent_public"
        elif roll < 0.05:
            facts.channel, facts.comment_type = "facebook", "FacebookComment"
            facts.rel = "post" if roll < 0.025 else "message"
        elif roll < 0.128:
            begins = "agent_public" if roll < 0.06 else "agent_private" if roll < 0.085 else "on_behalf"
            return self._by_agent(ticket, life, "private_share" if roll > 0.12 else begins)
        return life

    def _by_agent(self, ticket: int, life: Life, begins: str) -> Life:
        self.facts[ticket].begins = begins
        team = self._simulator.team
        actor = team.ids[team.pick(self._random, life[0].group, life[0].t)]
        comment = {"agent_public": AGENT_REPLY, "on_behalf": CUSTOMER_COMMENT}.get(begins, INTERNAL_NOTE)
        if begins == "private_share":
            actor = PARTNER_ID
        rest = [update for update in life[1:] if update.comment != AUTO_REPLY]
        return [life[0]._replace(actor=actor, comment=comment), *rest]

    def _call(self, ticket: int, life: Life) -> Life:
        facts, roll = self.facts[ticket], self._random.random()
        facts.channel = "voice"
        facts.comment_type = "VoiceComment" if roll < 0.7 else "TpeVoiceComment"
        facts.begins = "call" if life[0].comment == AGENT_REPLY else "voicemail"
        facts.rel = "voicemail"
        if facts.begins == "call":
            facts.rel = "outbound" if self._random.random() < 0.25 else "inbound"
        return life

    def _import(self, ticket: int, life: Life) -> Life:
        facts = self.facts[ticket]
        facts.begins, facts.is_imported = "import", True
        return [update._replace(tags=update.tags | IMPORTED_TAG) for update in life]

    def _conversation(self, ticket: int, life: Life) -> Life:
        facts, roll = self.facts[ticket], self._random.random()
        facts.begins = "chat"
        facts.channel = "chat" if roll < 0.15 else "whatsapp" if roll < 0.35 else "native_messaging"
        facts.has_events = facts.channel == "chat" or self._random.random() > self.eventless
        life, facts.sessions = _as_messages(life)
        if roll > 0.82:
            return self._by_ai_alone(ticket, life)
        if roll > 0.68 and life[-1].status != DELETED:
            return self._handed_over(ticket, life)
        return life

    def _by_ai_alone(self, ticket: int, life: Life) -> Life:
        facts, rng = self.facts[ticket], self._random
        facts.is_by_ai = True
        first = life[0]._replace(group=-1, priority=0, schedule=0)
        ended = quiet(first.t + 2 * MINUTE + int(rng.random() * 40 * MINUTE))
        facts.sessions = [Session(first.t, ended, [(first.t, first.actor), (first.t + 4, SYSTEM_USER)])]
        solved = first._replace(
            t=ended, actor=SYSTEM_USER, kind=BY_RULE, comment=NO_COMMENT, status=SOLVED, lag=0
        )
        return [first, solved, solved._replace(t=quiet(ended + 4 * DAY), status=CLOSED)]

    def _handed_over(self, ticket: int, life: Life) -> Life:
        facts, first = self.facts[ticket], life[0]
        facts.is_by_ai = True
        facts.handed_over = handed = quiet(first.t + MINUTE + int(self._random.random() * 15 * MINUTE))
        later = handed - first.t
        over = first._replace(
            t=handed, actor=SYSTEM_USER, kind=BY_RULE, comment=NO_COMMENT, status=OPEN, lag=0
        )
        told = [first._replace(group=-1), over]
        for update in life[1:]:
            # The human begins with an open ticket.
            status = OPEN if update.status == NEW else update.status
            told.append(update._replace(t=max(quiet(update.t + later), told[-1].t + 7), status=status))
        moved = {old.t: new.t for old, new in zip(life, [first, *told[2:]], strict=True)}
        for session in facts.sessions or []:
            session.messages = [(moved.get(t, t + later), who) for t, who in session.messages]
            session.start = moved.get(session.start, session.start)
            session.end = moved.get(session.end) if session.end else None
        return told

    # ---- what happens to them later ----

    def _later(self, ticket: int, life: Life) -> Life:
        facts, rng = self.facts[ticket], self._random
        roll = rng.random()
        if facts.is_by_ai or facts.is_imported or life[-1].status == DELETED or life[-1].tags & MERGED_TAG:
            return life
        if roll < 0.07:
            return self._silent_end(facts, life)
        if roll < 0.11:
            return self._bulk_change(facts, life)
        if roll < 0.17 and facts.sessions is None:
            return self._retarget(facts, life)
        if len(life) > 1 and life[1].comment == AUTO_REPLY and roll < 0.29:
            life[1] = life[1]._replace(actor=BOT_ID, kind=BY_AGENT, comment=AGENT_REPLY)
        if life[0].group == 0 and 0.29 < roll < 0.4:
            return [
                update._replace(group=NIGHT_GROUP if update.group == 0 else update.group) for update in life
            ]
        if life[0].schedule == 0 and 0.4 < roll < 0.44:
            return [update._replace(schedule=NIGHT_SCHEDULE) for update in life]
        return life

    def _silent_end(self, facts: Facts, life: Life) -> Life:
        """The last solve and the closing come of an automation that leaves no event."""
        solved = next((i for i in range(len(life) - 1, 0, -1) if _solves(life[i - 1], life[i])), None)
        if solved is None:
            return life
        facts.is_silent = True
        facts.tells_times = self._random.random() < 0.8
        facts.tells_clocks = facts.tells_times and self._random.random() < 0.6
        end = _silent(life[solved - 1], life[solved].t, SYSTEM_USER)._replace(status=SOLVED)
        return [*life[:solved], end, end._replace(t=quiet(end.t + 4 * DAY), status=CLOSED)]

    def _bulk_change(self, facts: Facts, life: Life) -> Life:
        """A bulk change while it was open; often that is the last that happened."""
        at = next((i for i, update in enumerate(life) if i and update.status == OPEN), None)
        if at is None:
            return life
        rng, before = self._random, life[at]
        facts.is_silent = True
        facts.tells_clocks = rng.random() < 0.5
        t = quiet(before.t + 20 * MINUTE + int(rng.random() * 5 * HOUR))
        group = (before.group + 1) % 3
        assignee = self._simulator.team.pick(rng, group, t)
        change = _silent(before, t, ADMIN_ID)._replace(
            group=group, assignee=assignee, priority=before.priority % 4 + 1
        )
        told = [*life[: at + 1], change]
        if t < self.first_now - 45 * DAY:  # nobody leaves it open for so long
            told.append(change._replace(t=quiet(t + 9 * DAY), status=CLOSED))
        return told

    def _retarget(self, facts: Facts, life: Life) -> Life:
        """Shortly before it is solved somebody finds it urgent, and its clocks get new targets."""
        solved = next((i for i in range(1, len(life)) if _solves(life[i - 1], life[i])), None)
        if solved is None or not 1 <= life[solved - 1].priority <= 3:
            return life
        before, t = life[solved - 1], quiet(life[solved].t - 20 * MINUTE)
        if not before.t < t < life[solved].t:
            return life
        facts.is_retargeted = True
        holder = self.team.ids[before.assignee] if before.assignee >= 0 else ADMIN_ID
        urgent = before._replace(t=t, actor=holder, kind=BY_AGENT, comment=NO_COMMENT, lag=0, priority=4)
        return [*life[:solved], urgent, *(update._replace(priority=4) for update in life[solved:])]

    def _put_down(self, rng: Random, ticket: int, life: Life) -> Life:
        """For some days nobody holds a solved ticket, often no group either; then another one does."""
        facts, roll = self.facts[ticket], rng.random()
        solved = next((i for i in range(len(life) - 1, 0, -1) if _solves(life[i - 1], life[i])), None)
        if roll > 0.15 or solved is None or not facts.has_events or facts.is_by_ai or facts.is_silent:
            return life
        put_down = quiet(life[solved].t + 20 * MINUTE + 7)
        taken = quiet(put_down + 3 * DAY)
        closed = next((update.t for update in life[solved:] if update.status == CLOSED), 0)
        if taken >= closed or life[solved].assignee < 0 or life[-1].status != CLOSED:
            return life
        group = life[solved].group if roll < 0.07 else -1
        next_group = (life[solved].group + 1) % 3
        holder = self._simulator.team.pick(rng, next_group, taken)
        told = life[: solved + 1]
        for update in life[solved + 1 :]:
            for t, held in ((put_down, (group, -1)), (taken, (next_group, holder))):
                if told[-1].t < t < update.t:
                    change = told[-1]._replace(t=t, actor=ADMIN_ID, kind=BY_AGENT, comment=NO_COMMENT, lag=0)
                    told.append(change._replace(group=held[0], assignee=held[1]))
            told.append(update._replace(group=told[-1].group, assignee=told[-1].assignee))
        return told

    def _by_old_account(self, ticket: int, update: Update) -> Update:
        customer = int(self.requester[ticket])
        merged = self.merged_accounts.get(customer, 0)
        if update.kind == CREATE and update.t < merged:
            self.facts[ticket].first_requester = old_account(customer)
        is_theirs = update.actor == CUSTOMER_ID + 128 * customer
        return update._replace(actor=old_account(customer)) if is_theirs and update.t < merged else update

    def _settings_change(self, life: Life) -> Life:
        """What an edited or deleted schedule and a dissolved group do to the tickets that have them."""
        told: Life = []
        life = sorted(life, key=lambda update: update.t)
        for update in life:
            told += self._between(told[-1] if told else None, update.t, update.ticket)
            group, schedule = self._settings(update, update.t)
            told.append(update._replace(group=group, schedule=schedule))
        return told + self._between(told[-1], self.end, told[0].ticket)

    def _settings(self, state: Update, t: int) -> tuple[int, int]:
        """Group and schedule of a ticket at an instant; the changes reach ticket after ticket."""
        group, schedule = state.group, state.schedule
        if schedule == EUROPE_BEFORE and t >= _reaches(self.edited, state.ticket):
            schedule = EUROPE_AFTER
        if t >= _reaches(self.deleted, state.ticket):
            group = 0 if group == NIGHT_GROUP else group
            schedule = 0 if schedule == NIGHT_SCHEDULE else schedule
        return group, schedule

    def _between(self, before: Update | None, t: int, ticket: int) -> Life:
        """The silent changes of a ticket between an update and the next one at `t`."""
        found: Life = []
        for moment in (self.edited, self.deleted):
            state, at = found[-1] if found else before, _reaches(moment, ticket)
            if state is None or not state.t < at < t or state.status in (CLOSED, DELETED):
                continue
            group, schedule = self._settings(state, at)
            if (group, schedule) != (state.group, state.schedule):
                change = _silent(state, at, SYSTEM_USER)
                found.append(change._replace(group=group, schedule=schedule))
        return found

    # ---- what links them ----

    def _link(self, lives: list[Life]) -> None:
        closed: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by customer
        problems: list[tuple[int, int]] = []
        for ticket, life in enumerate(lives):
            facts, first, roll = self.facts[ticket], life[0], self._random.random()
            customer = int(self.requester[ticket])
            is_plain = facts.begins == "customer" and not facts.is_silent and facts.rel is None
            if life[-1].tags & MERGED_TAG:
                self._merge(ticket, lives)
            elif is_plain and roll < 0.25:
                before = [(t, other) for t, other in closed[customer] if first.t - 90 * DAY < t < first.t]
                if before:
                    facts.begins, facts.rel, facts.follows = "follow_up", "follow_up", max(before)[1]
            elif is_plain and roll < 0.26:
                problems.append((first.t, ticket))
            elif is_plain and roll < 0.4 and problems and first.t < problems[-1][0] + 5 * DAY:
                facts.problem = problems[-1][1]
            elif is_plain and 0.4 < roll < 0.43:
                self._side_conversation(ticket, lives)
            end = next((update.t for update in life if update.status == CLOSED), None)
            if end is not None and not life[-1].tags & MERGED_TAG:
                closed[customer].append((end, ticket))
        self.follow_ups: dict[int, list[int]] = defaultdict(list)
        self.incidents: dict[int, list[int]] = defaultdict(list)
        for ticket, facts in enumerate(self.facts):
            if facts.follows is not None:
                self.follow_ups[facts.follows].append(ticket)
            if facts.problem is not None:
                self.incidents[facts.problem].append(ticket)

    def _merge(self, ticket: int, lives: list[Life]) -> None:
        """Into an earlier ticket that was open then, with a note on either."""
        t = lives[ticket][-1].t
        for other in range(ticket - 1, max(-1, ticket - 40), -1):
            life, facts = lives[other], self.facts[other]
            place = bisect_right([update.t for update in life], t)
            state = life[place - 1]
            is_open = state.status < SOLVED and state.kind != SILENT
            if not is_open or life[-1].tags & MERGED_TAG or facts.sessions is not None or facts.is_imported:
                continue
            at = quiet(t + 2)  # within MERGE_SECONDS
            if place < len(life) and life[place].t <= at:
                continue
            life.insert(
                place, state._replace(t=at, actor=ADMIN_ID, kind=BY_AGENT, comment=INTERNAL_NOTE, lag=0)
            )
            self.facts[ticket].merged_into = other
            facts.merged_from.append(ticket)
            return

    def _side_conversation(self, ticket: int, lives: list[Life]) -> None:
        """An agent asks somebody else beside the ticket; every other time that makes a ticket of its own."""
        asked = next((update.t for update in lives[ticket] if update.kind == BY_AGENT), None)
        if asked is None:
            return
        self.facts[ticket].side_conversation = asked
        for child in range(ticket + 1, min(ticket + 60, len(lives))):
            facts, first = self.facts[child], lives[child][0]
            if ticket % 2 and first.t > asked and facts.begins == "agent_public" and facts.parent is None:
                facts.begins = facts.channel = facts.rel = "side_conversation"
                facts.parent = ticket
                return


def quiet(t: int) -> int:
    """`t`, or the next hour's beginning: the last minute before an hour stays quiet (see `Life.record`)."""
    return t + 90 if t % HOUR >= 3525 else t


def _silent(state: Update, t: int, actor: int) -> Update:
    """A change without an event; the export shows it a little later."""
    return state._replace(t=t, actor=actor, kind=SILENT, comment=NO_COMMENT, lag=2)


def _reaches(moment: int, ticket: int) -> int:
    """When a change of the account's settings at a moment reaches a ticket."""
    return quiet(moment + 60 + 7 * (ticket % 200))


def _solves(before: Update, update: Update) -> bool:
    return update.status in ENDED and before.status not in ENDED


def _as_messages(life: Life) -> tuple[Life, list[Session]]:
    """A chat's life with one comment of each side per session; the rest are messages of the session."""
    told: Life = []
    sessions: list[Session] = []
    is_replied = False
    for update in life:
        before = told[-1] if told else None
        opens = before is None or (before.status in ENDED and update.status < SOLVED)
        if opens:
            sessions.append(Session(update.t))
            is_replied = False
        comment = update.comment
        if comment in (CUSTOMER_COMMENT, AGENT_REPLY):
            sessions[-1].messages.append((update.t, update.actor))
        if (comment == CUSTOMER_COMMENT and not opens) or (comment == AGENT_REPLY and is_replied):
            comment = NO_COMMENT
        is_replied |= comment == AGENT_REPLY
        update = update._replace(comment=comment)
        if before is not None and comment == NO_COMMENT and update.kind < SYSTEM:
            if all(getattr(before, name) == getattr(update, name) for name in _STATE):
                continue
            if _solves(before, update):
                sessions[-1].end = update.t
        elif before is not None and _solves(before, update):
            sessions[-1].end = update.t
        told.append(update)
    return told, sessions


def _breached_once(events: list[MetricEvent]) -> Iterator[MetricEvent]:
    """The vendor stamps an instance of a clock as breached once, whatever target comes after."""
    breached = set()
    for event in events:
        key = event.metric, event.instance
        if event.type == BREACH and not event.deleted:
            if key in breached:
                continue
            breached.add(key)
        yield event


def _schedules(known: tuple[Schedule, ...], first_now: int) -> tuple[Schedule, ...]:
    """The known two, a night desk that is deleted, and the second as it is after it was edited."""
    office, europe = known
    today = datetime.fromtimestamp(first_now, UTC).date()
    europe = replace(europe, holidays=(*europe.holidays, former_holiday(today), dropped_holiday(today)))
    night = Schedule(
        office.id + 512, "Night desk", office.rails_zone, office.zone,
        tuple((day * 1440 + 1200, day * 1440 + 1440) for day in range(1, 6)), office.holidays,
    )  # fmt: skip
    edited = replace(
        europe,
        intervals=tuple((low, high - 60) for low, high in europe.intervals),
        holidays=(*known[1].holidays, new_holiday(today)),
    )
    return office, europe, night, edited


def former_holiday(today: date) -> tuple[date, date, str]:
    """A day that was a holiday and has passed; it was taken off the list when the schedule was edited."""
    day = today - timedelta(days=20)
    return day, day, "Founders' day"


def new_holiday(today: date) -> tuple[date, date, str]:
    """A holiday that was put on the list when the schedule was edited."""
    day = today + timedelta(days=9)
    return day, day, "Summer outing"


def dropped_holiday(today: date) -> tuple[date, date, str]:
    """A holiday on the list until the schedule was edited, which so never came."""
    day = today + timedelta(days=11)
    return day, day, "Stocktaking"
