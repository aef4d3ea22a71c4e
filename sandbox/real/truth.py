"""What is right about a real company, in plain Python, and how well the vendor lets it be known.

Like `sandbox.truth` from what happened, not from what is served: a ticket's updates are walked, and the facts
say which of them the vendor tells by events, which by its own numbers only, and which not at all. As of the
company's now, less the minute that the helpdesk's exports leave out.

The rules, in short: events say when something happened; where they lack it, the vendor's numbers do (whole
minutes from the creation, or a time of its own); where nobody says it, it stays unknown. What a ticket is
now, its newest version says.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox import truth as plain
from sandbox.catalog import (
    ADMIN_ID,
    ALL_POLICIES,
    BAD,
    BUSINESS_ZONE,
    CLOSED,
    CUSTOMER_ID,
    ENTERPRISE_TAG,
    ESCALATED_TAG,
    GROUP_IDS,
    GROUP_POLICIES,
    HOLD,
    MERGED_TAG,
    NEW,
    OFFERED,
    OPEN,
    PARTNER_ID,
    PENDING,
    PRIORITIES,
    REASONS,
    SOLVED,
    STATUSES,
)
from sandbox.hours import DAY
from sandbox.lifecycle import AGENT_REPLY, AUTO_REPLY, CREATE, CUSTOMER_COMMENT, SYSTEM, Update, answers
from sandbox.real import survey_truth
from sandbox.real.company import BOT_ID, RealCompany, old_account
from sandbox.real.facts import Facts, rating_reason
from sandbox.rendering import agent_id, ticket_id
from sandbox.truth import (
    ENDED,
    Calendars,
    business_seconds,
    clock_targets,
    distribution,
    exclusion,
    sla_clocks,
    ticket_truth,
)

EVENTS, VENDOR = "events", "vendor"
#: Waits that the vendor counts, by the statuses in which they grow.
VENDOR_WAITS = {"requester_wait": (NEW, OPEN, HOLD), "agent_wait": (PENDING,), "on_hold": (HOLD,)}
CONTACT_WINDOW = 7 * DAY
BOT_SECONDS, BOT_TICKETS = 10, 20


class Known(NamedTuple):
    """A duration in seconds, by both clocks, and who says it; all None where nobody does."""

    calendar: int | None = None
    business: int | None = None
    origin: str | None = None


UNKNOWN = Known()


@dataclass
class RealTruth:
    """What is right about one ticket; durations from its creation, times in unix seconds.

    Attributes:
        excluded: deleted, merged, spam, else None.
        is_human: handled by an agent now; others are left out of times, targets and the backlog.
        is_told: whether events tell everything about it; then `sandbox.truth` and `sandbox.journeys` hold for
            it too, but for the targets of deleted policies.
        status, priority, group, assignee: as its newest version says, in the vendor's words and ids.
        first_reply, first_assignment, first_solve, last_solve: UNKNOWN where it did not happen or nobody says
            when.
        replies: public replies, by whom `replies_origin` says.
        next_replies: (calendar, business) seconds of each later reply that events tell.
        told_replies: later replies of a conversation that is told by the vendor's clock alone.
        waits: by measure, of a ticket that is solved now.
        sla: by (metric, start of the clock): breached or met once, active, cancelled; `unknown` where the
            vendor does not say how it ended.
    """

    ticket_id: str
    created: int
    excluded: str | None
    is_human: bool
    is_imported: bool
    is_told: bool
    begins: str
    channel: str
    status: str
    priority: str | None
    group: int | None
    assignee: int | None
    first_reply: Known = UNKNOWN
    first_assignment: Known = UNKNOWN
    replies: int = 0
    replies_origin: str = EVENTS
    next_replies: list[tuple[int, int]] = field(default_factory=list)
    told_replies: list[Known] = field(default_factory=list)
    first_solve: Known = UNKNOWN
    last_solve: Known = UNKNOWN
    waits: dict[str, Known] = field(default_factory=dict)
    handed_over: int | None = None
    first_reply_after_handover: int | None = None
    sla: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def is_solved(self) -> bool:
        """Whether it is over now."""
        return self.status in ("solved", "closed")

    @property
    def counts(self) -> bool:
        """Whether it counts in times and targets."""
        return self.excluded is None and self.is_human


def tickets(company: RealCompany, bots: Collection[int] = ()) -> list[RealTruth]:
    """The truth about every ticket that exists by now; `bots` are user ids that a rule file names."""
    calendars = Calendars(company.schedules)
    lives = (company.life(ticket) for ticket in range(company.ticket_count()))
    return [
        _truth(company, [u for u in life if u.kind != SYSTEM], calendars, frozenset(bots))
        for life in lives
        if life
    ]


def _truth(company: RealCompany, life: list[Update], calendars: Calendars, bots: frozenset[int]) -> RealTruth:
    facts, first, last = company.facts[life[0].ticket], life[0], life[-1]
    handed = facts.handed_over
    found = RealTruth(
        ticket_id=str(ticket_id(first.ticket)),
        created=first.t,
        excluded=exclusion(last),
        is_human=facts.support_type(last.t) == "agent",
        is_imported=facts.is_imported,
        is_told=facts.sessions is None and all(_is_told(facts, update) for update in life),
        begins=facts.begins,
        channel=facts.channel,
        status=STATUSES[last.status],
        priority=PRIORITIES[last.priority],
        group=GROUP_IDS[last.group] if last.group >= 0 else None,
        assignee=agent_id(last.assignee),
        handed_over=handed if handed is not None and handed <= last.t else None,
    )
    if not found.is_human:
        return found
    vendor = Vendor(company, facts, life)
    _replies(found, facts, life, calendars, vendor, bots)
    found.first_assignment = _assignment(facts, life, calendars)
    _solves(found, facts, life, calendars, vendor)
    if found.is_solved:
        _waits(found, facts, life, calendars, vendor)
    if not facts.is_imported:
        found.sla = _clocks(company, facts, life, calendars)
    return found


class Vendor:
    """The vendor's own numbers of a ticket by its documented rules: whole minutes, the last solve's time."""

    def __init__(self, company: RealCompany, facts: Facts, life: Sequence[Update]) -> None:
        self.life = life
        self._schedules = [(s.zone, s.intervals, frozenset(_days(s.holidays))) for s in company.schedules]
        self.is_dated = not facts.is_imported and (facts.tells_times or not facts.is_silent)
        self.solves: list[Update] = []
        for before, update in pairwise(life):
            is_closed_unsolved = update.status == CLOSED and not self.solves
            if update.status != before.status and (update.status == SOLVED or is_closed_unsolved):
                self.solves.append(update)

    def until(self, update: Update) -> Known:
        """From the creation to an update, in whole minutes; business time by the schedule at the update."""
        start = self.life[0].t
        return Known(_rounded(update.t - start), _rounded(self.business(start, update)), VENDOR)

    def waited(self, statuses: Collection[int]) -> Known:
        """Time spent in statuses, each stretch by the schedule when it ended."""
        calendar = business = 0
        since = self.life[0].t
        for before, update in pairwise(self.life):
            if update.status != before.status:
                if before.status in statuses:
                    calendar += update.t - since
                    business += self.business(since, update)
                since = update.t
        return Known(_rounded(calendar), _rounded(business), VENDOR)

    def business(self, since: int, update: Update) -> int:
        """Opening seconds from an instant to an update, by the schedule at the update."""
        start, end = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(update.t, UTC)
        return business_seconds(start, end, *self._schedules[update.schedule])


def _rounded(seconds: int) -> int:
    return (seconds + 30) // 60 * 60


def _days(holidays: Iterable[tuple[Any, Any, str]]) -> Iterable[Any]:
    for first, last, _ in holidays:
        yield from (first.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))


def _clocked_replies(facts: Facts, life: Sequence[Update], vendor: Vendor) -> Iterator[Known]:
    """Replies after the first, each from the first message that waited; a solve alone ends the wait too."""
    end = None if facts.tells_clocks else next((u.t for u in life if u.kind > SYSTEM), None)
    since, is_replied = None, False
    for before, update in pairwise(life):
        if end is not None and update.t >= end:
            return
        if update.comment == CUSTOMER_COMMENT and is_replied:
            since = update.t if since is None else since
        is_solve = update.status in ENDED and before.status not in ENDED
        if update.comment == AGENT_REPLY:
            if since is not None:
                yield Known(update.t - since, vendor.business(since, update), VENDOR)
            is_replied = True
        if update.comment == AGENT_REPLY or is_solve:
            since = None


def _is_told(facts: Facts, update: Update) -> bool:
    return facts.has_events and update.kind < SYSTEM


def _replies(
    found: RealTruth,
    facts: Facts,
    life: list[Update],
    calendars: Calendars,
    vendor: Vendor,
    bots: frozenset[int],
) -> None:
    human = [
        u._replace(comment=AUTO_REPLY) if u.actor in bots and u.comment == AGENT_REPLY else u for u in life
    ]
    counted = [update for update in life[1:] if update.comment == AGENT_REPLY]
    are_comments = facts.sessions is None and all(_is_told(facts, update) for update in counted)
    if are_comments or not counted:
        found.replies = ticket_truth(human, calendars).public_agent_replies
        answered = answers(human)
        truth = ticket_truth(
            [u._replace(comment=AGENT_REPLY) if u in answered else u for u in human], calendars
        )
        found.next_replies = truth.next_replies
        if "first_reply" in truth.seconds:
            seconds = truth.seconds["first_reply"], truth.business_seconds["first_reply"]
            found.first_reply = Known(*seconds, EVENTS)
    else:
        found.replies, found.replies_origin = len(counted), VENDOR
        if facts.sessions is not None:
            found.told_replies = list(_clocked_replies(facts, life, vendor))
        if not facts.is_imported:
            found.first_reply = vendor.until(counted[0])
    if found.handed_over is not None and found.first_reply.calendar is not None:
        found.first_reply_after_handover = found.created + found.first_reply.calendar - found.handed_over


def _assignment(facts: Facts, life: list[Update], calendars: Calendars) -> Known:
    """From the creation to the first holder; the vendor gives its time where no event does.

    Without any event nobody says by which schedule.
    """
    held = next((update for update in life if update.assignee >= 0), None)
    if held is None:
        return UNKNOWN
    start, origin = life[0].t, EVENTS if _is_told(facts, held) else VENDOR
    business = calendars.seconds(life, start, held.t) if facts.has_events else None
    return Known(held.t - start, business, origin)


def _solves(found: RealTruth, facts: Facts, life: list[Update], calendars: Calendars, vendor: Vendor) -> None:
    solves = [b for a, b in pairwise(life) if b.status in ENDED and a.status not in ENDED]
    if not solves:
        return
    found.first_solve = _solve(solves[0], found, facts, life, calendars, vendor, is_last=len(solves) == 1)
    if found.is_solved:
        found.last_solve = _solve(solves[-1], found, facts, life, calendars, vendor, is_last=True)


def _solve(
    solve: Update,
    found: RealTruth,
    facts: Facts,
    life: list[Update],
    calendars: Calendars,
    vendor: Vendor,
    is_last: bool,
) -> Known:
    """From the creation to a solve; the vendor gives the last one's time, of the first one the minutes."""
    exact = solve.t - found.created, calendars.seconds(life, found.created, solve.t)
    if _is_told(facts, solve):
        return Known(*exact, EVENTS)
    if not vendor.is_dated or solve.t not in [update.t for update in vendor.solves]:
        return UNKNOWN
    return Known(*exact, VENDOR) if is_last else vendor.until(solve)


def _waits(found: RealTruth, facts: Facts, life: list[Update], calendars: Calendars, vendor: Vendor) -> None:
    ends = next(i for i in range(len(life) - 1, 0, -1) if life[i - 1].status not in ENDED)
    moves = [b for a, b in pairwise(life[: ends + 1]) if a.status != b.status]
    if all(_is_told(facts, update) for update in moves):
        truth = ticket_truth(life, calendars)
        for name in (*VENDOR_WAITS, "agent_work"):
            found.waits[name] = Known(truth.seconds[name], truth.business_seconds[name], EVENTS)
    elif vendor.is_dated and vendor.solves and vendor.solves[-1].t == moves[-1].t:
        found.waits = {name: vendor.waited(statuses) for name, statuses in VENDOR_WAITS.items()}


# ---- service levels ----


def target_after(company: RealCompany, metric: str, update: Update) -> tuple[int, bool] | None:
    """The target (seconds, in business hours) that an update puts on a clock; policies hold until deleted."""
    if not update.priority:
        return None
    is_gone = update.t >= company.deleted
    if metric == "group_ownership":
        for place, group_policy in enumerate(GROUP_POLICIES):
            if update.group in group_policy.groups and not (place == 0 and is_gone):
                return group_policy.minutes[update.priority - 1] * 60, group_policy.business_hours
        return None
    premium, standard, escalations = ALL_POLICIES
    policy = standard
    if update.tags & ENTERPRISE_TAG:
        policy = premium
    elif update.tags & ESCALATED_TAG and not is_gone:
        policy = escalations
    minutes = policy.targets.get(f"{metric}_time")
    return (minutes[update.priority - 1] * 60, policy.business_hours) if minutes else None


def _clocks(
    company: RealCompany, facts: Facts, life: list[Update], calendars: Calendars
) -> dict[tuple[str, int], str]:
    """Every instance of a clock with a target, once: breached if any of its targets was.

    Where the vendor's clocks stop telling: as they stood then, and of a ticket that is over nobody knows how
    what still ran has ended.
    """
    silent = None if facts.tells_clocks else next((u.t for u in life if u.kind > SYSTEM), None)
    horizon, now = company.horizon, company.now_seconds
    is_over = silent is not None and life[-1].status in ENDED
    if silent is not None:
        life, horizon, now = [u for u in life if u.t < silent], silent - 1, silent
    result = {}
    for clock in sla_clocks(life):
        found = clock_targets(
            clock, life, calendars, horizon, now, lambda metric, update: target_after(company, metric, update)
        )
        if not found:
            continue
        outcomes = [target.outcome for target in found]
        outcome = "breached" if "breached" in outcomes else outcomes[-1]
        result[clock.metric, clock.start] = "unknown" if is_over and outcome == "active" else outcome
    return result


# ---- people ----


def agents(company: RealCompany) -> set[int]:
    """User ids of those who worked for the company by now, whatever their role is since."""
    worked = {int(actor) for actor in company.updates["actor"][company.updates["t"] <= company.horizon]}
    return {user for user in worked if user in company.team.ids or user in (ADMIN_ID, BOT_ID, PARTNER_ID)}


def merged_customers(company: RealCompany) -> set[int]:
    """User ids of inactive end-users who wrote as customers: accounts that were merged into another."""
    worked = {int(actor) for actor in company.updates["actor"] if actor >= CUSTOMER_ID}
    return worked & {old_account(customer) for customer in company.merged_accounts}


def probable_bots(company: RealCompany) -> set[int]:
    """User ids whose replies come within seconds on more than half of at least twenty tickets."""
    waits: dict[int, dict[int, int]] = defaultdict(dict)
    for ticket in range(company.ticket_count()):
        asked = None
        for update in company.life(ticket):
            if update.comment == AGENT_REPLY and update.kind != CREATE:
                if asked is not None:
                    waits[update.actor].setdefault(ticket, update.t - asked)
                asked = None
            elif update.comment != 0 and update.actor >= CUSTOMER_ID and asked is None:
                asked = update.t
    return {
        user
        for user, found in waits.items()
        if len(found) >= BOT_TICKETS
        and 2 * sum(seconds <= BOT_SECONDS for seconds in found.values()) > len(found)
    }


# ---- links ----


def links(company: RealCompany) -> list[tuple[str, str, str]]:
    """(ticket, relation, other ticket) as the vendor links them by now."""
    found: list[tuple[str, str, str]] = []
    for ticket in range(company.ticket_count()):
        facts, life = company.facts[ticket], company.life(ticket)
        others = [
            ("follow_up", facts.follows),
            ("incident", facts.problem),
            ("side_conversation", facts.parent),
        ]
        if life[-1].tags & MERGED_TAG:
            others.append(("merged_into", facts.merged_into))
        name = str(ticket_id(ticket))
        found += [(name, relation, str(ticket_id(o))) for relation, o in others if o is not None]
    return found


def repeat_contacts(company: RealCompany, found: Sequence[RealTruth]) -> dict[str, bool]:
    """By ticket id, whether the customer came back within seven days of the first solve; settled ones only.

    A follow-up is a repeat of the ticket that it names, whatever the topic; so are other tickets of the same
    customer and service area.
    """
    counted = {int(one.ticket_id) - 1: one for one in found if one.counts}
    same: dict[tuple[int, int], list[RealTruth]] = defaultdict(list)
    for ticket, one in counted.items():
        same[int(company.requester[ticket]), int(company.area[ticket])].append(one)
    result = {}
    for ticket, one in counted.items():
        if one.first_solve.calendar is None:
            continue
        until = one.created + one.first_solve.calendar + CONTACT_WINDOW
        if until > company.now_seconds:
            continue
        others = same[int(company.requester[ticket]), int(company.area[ticket])]
        later = [o for o in others if (o.created, int(o.ticket_id)) > (one.created, int(one.ticket_id))]
        named = [counted[o] for o in company.follow_ups.get(ticket, []) if o in counted]
        result[one.ticket_id] = any(o.created <= until for o in [*later, *named])
    return result


# ---- KPIs ----


def volume(found: Sequence[RealTruth], zone: str = BUSINESS_ZONE) -> dict[str, Counter[str]]:
    """By local month of creation and for `all`: created and solved, by humans and by AI agents alone."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        if one.excluded is not None:
            continue
        suffix = "" if one.is_human else "_ai_only"
        month = datetime.fromtimestamp(one.created, ZoneInfo(zone)).strftime("%Y-%m")
        for name in ("all", month):
            counts[name][f"created{suffix}"] += 1
            counts[name][f"solved{suffix}"] += one.is_solved
    return dict(counts)


def response_times(found: Sequence[RealTruth], imported: bool = True) -> dict[str, dict[str, float]]:
    """`<measure>/<clock>` -> distribution and `n_vendor`, with imported tickets or without."""
    known: dict[str, list[Known]] = defaultdict(list)
    for one in found:
        if not one.counts or (one.is_imported and not imported):
            continue
        known["first_reply"].append(one.first_reply)
        known["first_assignment"].append(one.first_assignment)
        known["first_resolution"].append(one.first_solve)
        known["full_resolution"].append(one.last_solve)
        known["next_reply"] += [Known(*seconds, EVENTS) for seconds in one.next_replies]
        known["next_reply"] += one.told_replies
        for name, wait in one.waits.items():
            known[name].append(wait)
    result = {}
    for measure, values in known.items():
        for clock in ("calendar", "business"):
            told = [value for value in values if getattr(value, clock) is not None]
            n_vendor = sum(value.origin == VENDOR for value in told)
            seconds = [getattr(value, clock) for value in told]
            result[f"{measure}/{clock}"] = distribution(seconds) | {"n_vendor": n_vendor}
    return result


def backlog(found: Sequence[RealTruth]) -> Counter[int | None]:
    """Tickets that humans have not solved by now, by the group that holds them."""
    return Counter(one.group for one in found if one.counts and not one.is_solved)


def sla(found: Sequence[RealTruth]) -> dict[str, Counter[str]]:
    """Clock instances by metric and outcome, over the tickets that count."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        for (metric, _), outcome in one.sla.items() if one.counts else ():
            counts[metric][outcome] += 1
    return dict(counts)


def bad_reasons(company: RealCompany, found: Sequence[RealTruth]) -> Counter[str]:
    """Bad ratings of tickets that are not excluded, by the reason that the customer gave."""
    counts = Counter[str]()
    for one in found:
        ticket = int(one.ticket_id) - 1
        life = company.life(ticket)
        if one.excluded is not None or life[-1].score != BAD:
            continue
        rated = next(update for update in life if update.score == BAD)
        sent = next((update.t for update in life if update.score == OFFERED), 0)
        if sent < company.surveyed:
            counts[rating_reason(rated)[2]] += 1
        else:
            first = next(update for update in life if update.score > OFFERED)
            reasons = list(REASONS.values())
            label = reasons[rated.text % len(reasons)] if first.score == BAD else "No reason provided"
            counts[label] += 1
    return counts


def truth(company: RealCompany, zone: str = BUSINESS_ZONE) -> dict[str, Any]:
    """Every KPI as of now, as `sandbox.truth.truth`; answers count whoever handled the ticket."""
    found = tickets(company)
    answerable = [one for one in plain.tickets(company) if one.excluded is None]
    answers = survey_truth.judged(company, survey_truth.served(company))
    ratings = survey_truth.ratings(company, answerable)
    excluded = Counter(one.excluded for one in found if one.excluded is not None)
    return {
        "as_of": company.now.isoformat(),
        "tickets": len(answerable),
        "excluded": dict(sorted(excluded.items())),
        "csat": survey_truth.csat(answers, ratings),
        "csat_by": survey_truth.csat_by_holder(company, answers, ratings),
        "survey_sends": plain.survey_sends(company, answerable, zone),
        "survey_ratings": plain.survey_ratings(company, answerable),
        "bad_reasons": dict(bad_reasons(company, found)),
        "nps": survey_truth.nps(company, answers),
        "answers_left_out": dict(survey_truth.left_out(answers)),
        "bad_answers": survey_truth.follow_ups(answers, ratings),
        "response_times": response_times(found),
        "sla": {metric: dict(outcomes) for metric, outcomes in sla(found).items()},
        "volume": {month: dict(counts) for month, counts in volume(found, zone).items()},
        "backlog": dict(backlog(found)),
        "links": links(company),
    }
