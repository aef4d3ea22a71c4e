"""Where the sandbox company's tickets went: replies, hand-overs, stages, first contacts and the backlog.

In plain Python, like `truth`, from what the generator made happen and by another way than the SQL: a ticket's
updates are walked one by one, and the backlog looks at every unsolved ticket on every day. As of the
company's now, less the minute that the helpdesk's exports leave out.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.catalog import BUSINESS_ZONE, CSAT_FORM, GROUP_IDS, STATUSES, VOICE
from sandbox.company import Company
from sandbox.hours import DAY
from sandbox.lifecycle import AGENT_REPLY, CREATE, CUSTOMER_COMMENT, NO_COMMENT, SYSTEM, Update
from sandbox.rendering import ticket_id
from sandbox.truth import ENDED, UNSOLVED, Calendars, distribution, exclusion, quantile, unsolved_spells

CONTACT_WINDOW = 7 * DAY
#: Lower edges of the age buckets, in days.
AGES = (0, 1, 3, 7, 14, 30)


class Reply(NamedTuple):
    """A public reply by an agent, or at the end the wait for one; times in unix seconds."""

    number: int
    waits_from: int | None
    replied_at: int | None
    agent: int | None  # user id
    group: int
    business_seconds: int | None


class Stay(NamedTuple):
    """Seconds that a ticket, held by a group, spent in a stage."""

    group: int
    stage: str
    calendar: int
    business: int


@dataclass
class Journey:
    """The way of one counted ticket."""

    ticket: int
    updates: list[Update]
    replies: list[Reply] = field(default_factory=list)
    first_assigned: int | None = None
    group_hops: int = 0
    assignee_hops: int = 0
    priority_raises: int = 0
    reopened: list[int] = field(default_factory=list)
    solved: list[int] = field(default_factory=list)
    public_agent_replies: int = 0
    unassigned: tuple[int, int] | None = None  # calendar and business seconds, of a solved ticket
    stays: list[Stay] = field(default_factory=list)
    has_repeat_contact: bool | None = None
    is_reopened_in_window: bool | None = None

    @property
    def is_first_contact_resolved(self) -> bool | None:
        """Whether the first solve held; None until its window is over."""
        if self.has_repeat_contact is None or self.is_reopened_in_window is None:
            return None
        return not (self.has_repeat_contact or self.is_reopened_in_window)

    @property
    def customer_turns(self) -> int:
        """Creation, and each time that the customer wrote after a reply."""
        return sum(reply.waits_from is not None for reply in self.replies)

    @property
    def is_solved(self) -> bool:
        """Whether it is solved now."""
        return self.updates[-1].status in ENDED

    @property
    def ticket_id(self) -> str:
        """The vendor's id."""
        return str(ticket_id(self.ticket))


def journeys(company: Company, tickets: Iterable[int] | None = None) -> list[Journey]:
    """The counted tickets' ways, by ticket; of these tickets (indexes) where they are given."""
    calendars = Calendars(company.schedules)
    found = []
    for ticket in range(company.ticket_count()) if tickets is None else tickets:
        updates = [update for update in company.life(ticket) if update.kind != SYSTEM]
        if updates and exclusion(updates[-1]) is None:
            found.append(journey(updates, calendars, company.team.ids))
    judge_contacts(
        found,
        {j.ticket: (int(company.requester[j.ticket]), int(company.area[j.ticket])) for j in found},
        company.now_seconds,
    )
    return found


def journey(updates: list[Update], calendars: Calendars, agents: Sequence[int]) -> Journey:
    """Walk one ticket's updates; `agents` are user ids by agent index. First contact is judged apart."""
    found = Journey(updates[0].ticket, updates)
    found.replies = list(_replies(updates, calendars))
    found.public_agent_replies = sum(reply.replied_at is not None for reply in found.replies)
    spells = unsolved_spells(updates)
    found.reopened = [since for since, _ in spells[1:]]
    found.solved = [until for _, until in spells if until is not None]
    holders = [update.assignee for update in updates if update.assignee >= 0]
    found.first_assigned = next((update.t for update in updates if update.assignee >= 0), None)
    found.assignee_hops = sum(a != b for a, b in pairwise(holders))
    found.group_hops = sum(a.group != b.group for a, b in pairwise(updates))
    priorities = [update.priority for update in updates if update.priority]
    found.priority_raises = sum(a < b for a, b in pairwise(priorities))
    if found.is_solved:
        found.stays = list(_stays(found, calendars, agents))
        nobody = [stay for stay in found.stays if stay.stage == "unassigned"]
        found.unassigned = sum(s.calendar for s in nobody), sum(s.business for s in nobody)
    return found


def _replies(updates: Sequence[Update], calendars: Calendars) -> Iterator[Reply]:
    number, waits_from = 1, updates[0].t if updates[0].kind == CREATE else None
    for update in updates[1:]:
        if update.comment == AGENT_REPLY:
            business = None if waits_from is None else calendars.seconds(updates, waits_from, update.t)
            yield Reply(number, waits_from, update.t, update.actor, update.group, business)
            number, waits_from = number + 1, None
        elif update.comment == CUSTOMER_COMMENT and waits_from is None:
            waits_from = update.t
    if waits_from is not None:
        yield Reply(number, waits_from, None, None, updates[-1].group, None)


def _stays(found: Journey, calendars: Calendars, agents: Sequence[int]) -> Iterator[Stay]:
    updates, last = found.updates, found.solved[-1]
    spent: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for a, b in pairwise(updates):
        if a.t >= last:
            break
        stages = ["all", "solved" if a.status in ENDED else STATUSES[a.status]]
        if a.assignee < 0 and a.status in UNSOLVED:
            stages.append("unassigned")
        if found.first_assigned is not None and b.t <= found.first_assigned:
            stages.append("first_assignment")
        for stage in stages:
            spent[a.group, stage].append((a.t, b.t))
    if found.first_assigned is not None:
        spent.setdefault((updates[0].group, "first_assignment"), [])
    hops = [(group, "hand_over", [span]) for group, span in _hand_overs(updates, last, agents)]
    for group, stage, spans in [*((g, s, spans) for (g, s), spans in spent.items()), *hops]:
        calendar = sum(b - a for a, b in spans)
        yield Stay(group, stage, calendar, sum(calendars.seconds(updates, a, b) for a, b in spans))


def _hand_overs(
    updates: Sequence[Update], last: int, agents: Sequence[int]
) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each wait after a hand-over: the group that received the ticket, and from when to when."""
    hops: set[int] = set()
    holder = updates[0].assignee
    for place, (a, b) in enumerate(pairwise(updates), 1):
        if a.group != b.group or (holder >= 0 and b.assignee >= 0 and b.assignee != holder):
            hops.add(place)
        holder = b.assignee if b.assignee >= 0 else holder
    for place in sorted(hops):
        hop = updates[place]
        if hop.status not in UNSOLVED or hop.t >= last:
            continue
        for later in range(place, len(updates)):
            update, before = updates[later], updates[later - 1]
            acts = hop.assignee >= 0 and update.actor == agents[hop.assignee] and _shows(before, update)
            taken = hop.assignee < 0 <= update.assignee
            solved = update.status in ENDED and before.status not in ENDED
            if acts or (later > place and (later in hops or taken or solved)):
                yield hop.group, (hop.t, update.t)
                break


def _shows(before: Update, update: Update) -> bool:
    """Whether the update says something or changes who has what, and how urgent."""
    return update.comment != NO_COMMENT or any(
        getattr(before, name) != getattr(update, name)
        for name in ("status", "priority", "group", "assignee", "schedule")
    )


def judge_contacts(found: Iterable[Journey], topics: dict[int, tuple[int, int]], now: int) -> None:
    """Whether each first solve held; `topics`: customer and service area by ticket, `now`: unix seconds."""
    by_topic: dict[tuple[int, int], list[Journey]] = defaultdict(list)
    for one in found:
        by_topic[topics[one.ticket]].append(one)
    for same in by_topic.values():
        for one in same:
            if not one.solved or one.solved[0] + CONTACT_WINDOW > now:
                continue
            until = one.solved[0] + CONTACT_WINDOW
            created = one.updates[0].t
            repeats = [o for o in same if o is not one and created <= o.updates[0].t <= until]
            # Of two tickets of one second the one with the later id is the repeat.
            repeats = [o for o in repeats if (o.updates[0].t, o.ticket_id) > (created, one.ticket_id)]
            one.has_repeat_contact = bool(repeats)
            one.is_reopened_in_window = any(t <= until for t in one.reopened)


def first_contact(found: Sequence[Journey]) -> dict[str, tuple[int, int, int]]:
    """Numerator, denominator and tickets whose window is open, by convention."""
    now = [j for j in found if j.is_solved]
    settled = [j for j in found if j.is_first_contact_resolved is not None]
    waiting = sum(bool(j.solved) for j in found) - len(settled)
    return {
        "first_contact_resolution": (
            sum(j.is_first_contact_resolved is True for j in settled),
            len(settled),
            waiting,
        ),
        "no_repeat_contact": (sum(not j.has_repeat_contact for j in settled), len(settled), waiting),
        "not_reopened": (sum(not j.is_reopened_in_window for j in settled), len(settled), waiting),
        "one_touch": (sum(j.public_agent_replies == 1 for j in now), len(now), 0),
        "one_touch_explore": (sum(j.public_agent_replies < 2 for j in now), len(now), 0),
    }


def effort(found: Sequence[Journey]) -> dict[str, dict[str, float]]:
    """What it took to solve a ticket, by measure: tickets, those with one or more, sum, median and p90."""
    ever = [j for j in found if j.solved]
    now = [j for j in found if j.is_solved]
    values = {
        "reopens": [len(j.reopened) for j in ever],
        "transfers": [j.group_hops for j in ever],
        "agent_transfers": [j.assignee_hops for j in ever],
        "escalations": [j.group_hops + j.priority_raises for j in ever],
        "agent_replies": [j.public_agent_replies for j in now],
        "customer_turns": [j.customer_turns for j in now],
    }
    return {
        measure: {
            "n": len(numbers),
            "affected": sum(number > 0 for number in numbers),
            "total": sum(numbers),
            "median_per_ticket": quantile(numbers, 0.5),
            "p90_per_ticket": quantile(numbers, 0.9),
        }
        for measure, numbers in values.items()
    }


def team(
    found: Sequence[Journey], agents: Sequence[int], zone: str = BUSINESS_ZONE
) -> dict[tuple[date, str, str], Counter[str]]:
    """What groups and agents (user ids) did by local month: (first day, group or agent, id) -> counts."""
    local = ZoneInfo(zone)
    counts: dict[tuple[date, str, str], Counter[str]] = defaultdict(Counter)

    def count(what: str, t: int, group: int, agent: int | None) -> None:
        month = _day(t, local).replace(day=1)
        counts[month, "group", str(GROUP_IDS[group])][what] += 1
        counts[month, "agent", "(none)" if agent is None else str(agent)][what] += 1

    for one in found:
        for reply in one.replies:
            if reply.replied_at is not None:
                count("replies", reply.replied_at, reply.group, reply.agent)
        if one.is_solved:
            last = one.updates[-1]
            holder = agents[last.assignee] if last.assignee >= 0 else None
            count("solved", one.solved[-1], last.group, holder)
            if one.reopened:
                count("reopened", one.solved[-1], last.group, holder)
    return counts


def comebacks(
    company: Company, found: Sequence[Journey], days: int
) -> dict[tuple[str, str], tuple[int, int]]:
    """By factor and exposure: customers with a ticket in the window before the landmark, and those back.

    The landmark lies so many days before the company's now, the window is as long.
    """
    landmark = int(company.now.timestamp()) - days * DAY
    tickets: dict[int, list[Journey]] = defaultdict(list)
    for one in found:
        tickets[int(company.requester[one.ticket])].append(one)
    counts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for asked in tickets.values():
        served = [one for one in asked if landmark - days * DAY < one.updates[0].t <= landmark]
        if served:
            came_back = any(one.updates[0].t > landmark for one in asked)
            reopened = any(t <= landmark for one in served for t in one.reopened)
            many = "1" if len(served) == 1 else "2 to 3" if len(served) <= 3 else "4 and more"
            counts["reopened", "yes" if reopened else "no"].append(came_back)
            counts["contacts", many].append(came_back)
    return {key: (len(ends), sum(ends)) for key, ends in counts.items()}


class Experience(NamedTuple):
    """An answer to the form after a ticket, and what had happened on the ticket by then; waits in seconds."""

    is_positive: bool
    reopens: int
    group_hops: int
    first_reply: int | None
    resolution: int | None


def experiences(company: Company, found: Sequence[Journey]) -> dict[str, Experience]:
    """By ticket id, the experience behind its latest answer."""
    latest = {a.ticket: a for a in reversed(company.visible_answers(CSAT_FORM)) if a.score is not None}
    result = {}
    for one in found:
        if (answer := latest.get(one.ticket)) is None or answer.score is None:
            continue
        created, known = one.updates[0].t, [u for u in one.updates if u.t <= answer.submitted]
        replied = [u.t for u in known[1:] if u.comment == AGENT_REPLY]
        result[one.ticket_id] = Experience(
            answer.score >= 4,
            sum(t <= answer.submitted for t in one.reopened),
            sum(a.group != b.group for a, b in pairwise(known)),
            replied[0] - created if replied else None,
            one.solved[0] - created if one.solved and one.solved[0] <= answer.submitted else None,
        )
    return result


class FollowUp(NamedTuple):
    """A bad answer and what was done about it, in unix seconds; the outcome as the mart names it."""

    score: int
    flagged: int
    contacted: int | None
    outcome: str


def follow_ups(
    company: Company, found: Sequence[Journey], promised: int, horizon: int
) -> dict[str, FollowUp]:
    """By ticket id, the latest answer to the rating form where it is bad.

    Contact is due `promised` seconds later. It is a public reply, or a ticket that an agent opened for the
    same customer; agents' tickets of calls log what came in. What nobody did within `horizon` is expired.
    """
    opened: dict[int, list[int]] = defaultdict(list)
    for one in found:
        if one.updates[0].comment == AGENT_REPLY and company.channel[one.ticket] != VOICE:
            opened[int(company.requester[one.ticket])].append(one.updates[0].t)
    latest = {a.ticket: a for a in reversed(company.visible_answers(CSAT_FORM)) if a.score is not None}
    result = {}
    for one in found:
        if (answer := latest.get(one.ticket)) is None or answer.score is None or answer.score >= 4:
            continue
        due = answer.submitted + promised
        spoken = [u.t for u in one.updates[1:] if u.comment == AGENT_REPLY]
        spoken += opened[int(company.requester[one.ticket])]
        contacted = min((t for t in spoken if t > answer.submitted), default=None)
        if contacted is not None:
            outcome = "contacted_in_time" if contacted <= due else "contacted_late"
        else:
            outcome = "overdue" if due <= company.now_seconds else "open"
            if answer.submitted + horizon <= company.now_seconds:
                outcome = "expired"
        result[one.ticket_id] = FollowUp(answer.score, answer.submitted, contacted, outcome)
    return result


def stages(found: Sequence[Journey]) -> dict[tuple[str, str, str], dict[str, float]]:
    """(group's id or `all`, stage, clock) -> distribution, sum and share of the whole time in percent."""
    values: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for stay in (stay for j in found for stay in j.stays):
        for group in ("all", str(GROUP_IDS[stay.group])):
            values[group, stay.stage, "calendar"].append(stay.calendar)
            values[group, stay.stage, "business"].append(stay.business)
    return {
        (group, stage, clock): distribution(seconds)
        | {
            "sum_seconds": sum(seconds),
            "share_pct": 100 * sum(seconds) / sum(values[group, "all", clock]),
        }
        for (group, stage, clock), seconds in values.items()
    }


def backlog(
    company: Company, found: Sequence[Journey], zone: str = BUSINESS_ZONE
) -> dict[str, Counter[tuple[date, str]]]:
    """Counts by local day: `open` by age (lower edge in days, or all), `group` by id, arrivals, departures.

    Each unsolved ticket is looked at at the end of every day of its life, the last at the company's now.
    """
    local = ZoneInfo(zone)
    today = company.now.astimezone(local).date()
    counts: dict[str, Counter[tuple[date, str]]] = defaultdict(Counter)
    for one in found:
        times = [update.t for update in one.updates]
        was_open = False
        for update in one.updates:
            is_open = update.status in UNSOLVED
            if is_open != was_open:
                counts["arrivals" if is_open else "departures"][_day(update.t, local), "all"] += 1
            was_open = is_open
        day = _day(times[0], local)
        while day <= today:
            end = int(datetime.combine(day + timedelta(days=1), time(), local).timestamp())
            end = min(end, company.now_seconds + 1)  # what happened before it counts
            state = one.updates[bisect_right(times, end - 1) - 1]
            if state.status in UNSOLVED:
                age = max(low for low in AGES if low * DAY < end - times[0])
                counts["open"][day, "all"] += 1
                counts["open"][day, str(age)] += 1
                counts["group"][day, str(GROUP_IDS[state.group])] += 1
            elif end > times[-1]:
                break
            day += timedelta(days=1)
    return counts


def _day(t: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(t, UTC).astimezone(zone).date()


def as_rows(found: Iterable[Journey]) -> Iterator[dict[str, Any]]:
    """Per ticket what `tickets` says of it."""
    for one in found:
        yield {
            "ticket_id": one.ticket_id,
            "first_assigned": one.first_assigned,
            "group_hops": one.group_hops,
            "assignee_hops": one.assignee_hops,
            "priority_raises": one.priority_raises,
            "reopens": len(one.reopened),
            "unassigned": one.unassigned,
            "is_first_contact_resolved": one.is_first_contact_resolved,
        }
