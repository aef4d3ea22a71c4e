"""The truth about a sandbox company: its KPIs, in plain Python, from what the generator made happen.

Nothing here reads what the server serves, and nothing follows the SQL's way: business time is counted by
walking local days, ticket times and SLA targets by walking a ticket's updates.
The definitions are those of the published marts. Everything is as of the company's now, less the minute that
the helpdesk's exports leave out.

A customer's segment is the one at the time of the answer; a pipeline that first fetched after a change cannot
know what was before it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.catalog import (
    BUSINESS_ZONE,
    CLOSED,
    CSAT_FORM,
    DELETED,
    ENTERPRISE_TAG,
    GROUP_POLICIES,
    HOLD,
    MERGED_TAG,
    NEW,
    NPS_FORM,
    OFFERED,
    OPEN,
    ORGANIZATION_ID,
    PENDING,
    POLICIES,
    SEGMENTS,
    SOLVED,
    SPAM_TAG,
)
from sandbox.company import Company
from sandbox.hours import Schedule
from sandbox.lifecycle import AGENT_REPLY, CUSTOMER_COMMENT, SYSTEM, Update, is_asked
from sandbox.rendering import ticket_id
from sandbox.surveys import survey_rating

MINUTES_A_DAY = 1440
ENDED = (SOLVED, CLOSED)

# ---- business time ----


def business_seconds(
    start: datetime,
    end: datetime,
    zone: str,
    intervals: tuple[tuple[int, int], ...],
    holidays: frozenset[date] = frozenset(),
) -> int:
    """Open seconds in [start, end), by walking the local days between them.

    Args:
        start: an instant with a time zone.
        end: likewise.
        zone: IANA name.
        intervals: (from, to) in minutes since Sunday 00:00 local.
        holidays: closed local dates.
    """
    a, b = int(start.timestamp()), int(end.timestamp())
    day = start.astimezone(ZoneInfo(zone)).date()
    last = end.astimezone(ZoneInfo(zone)).date()
    total = 0
    while day <= last:
        if day not in holidays:
            for opened, closed in open_intervals(zone, intervals, day):
                total += max(0, min(closed, b) - max(opened, a))
        day += timedelta(days=1)
    return total


@lru_cache(maxsize=100_000)
def open_intervals(zone: str, intervals: tuple[tuple[int, int], ...], day: date) -> list[tuple[int, int]]:
    """The opening hours of one local day as unix seconds: all instants whose wall time lies in an interval.

    So an hour that the clock skips is not open, and an hour that it repeats is open twice.
    """
    sunday_based = day.isoweekday() % 7 * MINUTES_A_DAY
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    found = []
    for since, until, offset in _offsets(zone, midnight - 86_400, midnight + 2 * 86_400):
        for low, high in intervals:
            low, high = max(low - sunday_based, 0), min(high - sunday_based, MINUTES_A_DAY)
            opened = max(midnight + low * 60 - offset, since)
            closed = min(midnight + high * 60 - offset, until)
            if low < high and opened < closed:
                found.append((opened, closed))
    return _union(found)


def _offsets(zone: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """[start, end) cut into stretches of one offset to UTC: (since, until, offset), in seconds."""

    def offset(t: int) -> int:
        shift = datetime.fromtimestamp(t, ZoneInfo(zone)).utcoffset()
        return int(shift.total_seconds()) if shift is not None else 0

    before, after = offset(start), offset(end)
    if before == after:
        return [(start, end, before)]
    low, high = start, end  # the clocks change once between them
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return [(start, high, before), (high, end, after)]


def _union(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


class Calendars:
    """Business time of a ticket: each stretch of its life by the schedule that was in force then."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = [(s.zone, s.intervals, frozenset(_dates(s))) for s in schedules]

    def seconds(self, updates: Sequence[Update], a: int, b: int) -> int:
        """Open seconds in [a, b) of a ticket with these updates."""
        total = 0
        for update, until in zip(updates, [*(u.t for u in updates[1:]), b], strict=True):
            since, until = max(update.t, a), min(until, b)
            if since < until:
                start, end = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)
                total += business_seconds(start, end, *self._schedules[update.schedule])
        return total


def _dates(schedule: Schedule) -> Iterable[date]:
    for first, last, _ in schedule.holidays:
        day = first
        while day <= last:
            yield day
            day += timedelta(days=1)


# ---- tickets ----


@dataclass
class TicketTruth:
    """What is true of one ticket; seconds by measure, absent until their end exists."""

    ticket_id: str
    created: int
    excluded: str | None  # deleted, merged, spam
    seconds: dict[str, int] = field(default_factory=dict)
    business_seconds: dict[str, int] = field(default_factory=dict)
    next_replies: list[tuple[int, int]] = field(default_factory=list)  # (calendar, business) seconds
    reopens: int = 0
    public_agent_replies: int = 0
    score: int = 0


WAITS = {
    "requester_wait": (NEW, OPEN, HOLD),
    "agent_wait": (PENDING,),
    "on_hold": (HOLD,),
    "agent_work": (NEW, OPEN),
}


def ticket_truth(updates: Sequence[Update], calendars: Calendars) -> TicketTruth:
    """Walk one ticket's updates (oldest first, the system's own left out)."""
    first, last = updates[0], updates[-1]
    truth = TicketTruth(str(ticket_id(first.ticket)), first.t, exclusion(last), score=last.score)

    def measure(name: str, spans: Sequence[tuple[int, int]]) -> None:
        truth.seconds[name] = sum(b - a for a, b in spans)
        truth.business_seconds[name] = sum(calendars.seconds(updates, a, b) for a, b in spans)

    held = next((update.t for update in updates if update.assignee >= 0), None)
    if held is not None:
        measure("first_assignment", [(first.t, held)])
    unanswered: int | None = None
    is_replied = False
    solves: list[int] = []
    for before, update in pairwise(updates):
        if update.comment == AGENT_REPLY:
            truth.public_agent_replies += 1
            if not is_replied:
                is_replied = True
                measure("first_reply", [(first.t, update.t)])
            elif unanswered is not None:
                business = calendars.seconds(updates, unanswered, update.t)
                truth.next_replies.append((update.t - unanswered, business))
            unanswered = None
        elif update.comment == CUSTOMER_COMMENT and is_replied and unanswered is None:
            unanswered = update.t
        if update.status in ENDED and before.status not in ENDED:
            solves.append(update.t)
        elif before.status in ENDED and update.status in (NEW, OPEN, PENDING, HOLD):
            truth.reopens += 1
    if solves:
        measure("first_resolution", [(first.t, solves[0])])
    if solves and last.status in ENDED:
        measure("full_resolution", [(first.t, solves[-1])])
        for name, statuses in WAITS.items():
            measure(name, [(a.t, b.t) for a, b in pairwise(updates) if a.status in statuses])
    return truth


def exclusion(last: Update) -> str | None:
    """Why a ticket in this state does not count, None if it does."""
    if last.tags & SPAM_TAG:
        return "spam"
    if last.tags & MERGED_TAG:
        return "merged"
    return "deleted" if last.status == DELETED else None


def tickets(company: Company) -> list[TicketTruth]:
    """The truth about every ticket that exists by now, excluded ones too."""
    calendars = Calendars(company.schedules)
    lives = (company.life(ticket) for ticket in range(company.ticket_count()))
    return [ticket_truth([u for u in life if u.kind != SYSTEM], calendars) for life in lives if life]


# ---- service levels ----

UNSOLVED = (NEW, OPEN, PENDING, HOLD)
#: The statuses in which a clock runs; the others run until they are fulfilled.
SLA_STATUSES = {
    "agent_work": (NEW, OPEN),
    "requester_wait": (NEW, OPEN, HOLD),
    "total_resolution": UNSOLVED,
    "periodic_update": UNSOLVED,
    "pausable_update": (NEW, OPEN, HOLD),
    "group_ownership": UNSOLVED,
}


#: The target (seconds, in business hours) of a metric on a ticket after an update, None for none.
TargetAfter = Callable[[str, Update], tuple[int, bool] | None]


class ClockTruth(NamedTuple):
    """One SLA clock of a ticket: when it could run, from its start to its fulfilment (None: not yet)."""

    metric: str
    start: int
    end: int | None
    stretches: list[tuple[int, int | None]]  # when it was not fulfilled; more than one after a reopening


class TargetTruth(NamedTuple):
    """One target on a clock: its outcome, and the seconds on the clock when it ended, else now."""

    metric: str
    applied: int
    seconds: int
    ended: int | None
    elapsed: int
    outcome: str


def sla_clocks(updates: Sequence[Update]) -> list[ClockTruth]:
    """Every SLA clock of a ticket, from its updates (the system's own left out)."""
    spells = unsolved_spells(updates)
    clocks = [
        ClockTruth(metric, updates[0].t, spells[-1][1], spells)
        for metric in ("agent_work", "requester_wait", "total_resolution")
    ]

    def add(metric: str, start: int, end: int | None) -> None:
        clocks.append(ClockTruth(metric, start, end, [(start, end)]))

    questions = [u.t for u in updates if u.comment == CUSTOMER_COMMENT and u.status not in ENDED]
    asked = updates[0].t if is_asked(updates[0]) else next(iter(questions), math.inf)
    ends = [u.t for u in updates[1:] if u.t > asked and (u.comment == AGENT_REPLY or u.status in ENDED)]
    if asked < math.inf:
        add("first_reply", int(asked), ends[0] if ends else None)
    waiting: int | None = None
    for update in updates:
        is_end = update.comment == AGENT_REPLY or update.status in ENDED
        if waiting is not None and is_end:
            add("next_reply", waiting, update.t)
            waiting = None
        elif ends and update.t > ends[0] and update.comment == CUSTOMER_COMMENT and not is_end:
            waiting = update.t if waiting is None else waiting
    if waiting is not None:
        add("next_reply", waiting, None)
    for opened, solved in spells:
        last = solved if solved is not None else math.inf
        said = [u.t for u in updates if u.comment == AGENT_REPLY and opened <= u.t < last]
        for since, until in zip(said, [*said[1:], solved], strict=False):
            add("periodic_update", since, until)
            add("pausable_update", since, until)
        moves = [opened] + [b.t for a, b in pairwise(updates) if a.group != b.group and opened < b.t < last]
        for since, until in zip(moves, [*moves[1:], solved], strict=True):
            add("group_ownership", since, until)
    return clocks


def unsolved_spells(updates: Sequence[Update]) -> list[tuple[int, int | None]]:
    """From creation or a reopening to the next solve or close; the last one may have no end."""
    spells: list[tuple[int, int | None]] = [(updates[0].t, None)]
    for before, update in pairwise(updates):
        if update.status in ENDED and before.status not in ENDED:
            spells[-1] = spells[-1][0], update.t
        elif before.status in ENDED and update.status not in ENDED and update.status != DELETED:
            spells.append((update.t, None))
    return spells


def sla_targets(updates: Sequence[Update], calendars: Calendars, horizon: int, now: int) -> list[TargetTruth]:
    """Every target that stood on a ticket's clocks: breaches by `horizon`, open clocks read at `now`."""
    clocks = sla_clocks(updates)
    return [t for clock in clocks for t in clock_targets(clock, updates, calendars, horizon, now)]


def clock_targets(
    clock: ClockTruth,
    updates: Sequence[Update],
    calendars: Calendars,
    horizon: int,
    now: int,
    target_after: TargetAfter | None = None,
) -> list[TargetTruth]:
    """Every target that stood on one of a ticket's clocks; `target_after` tells other policies."""
    found: list[TargetTruth] = []
    statuses = list(zip(updates, [*(u.t for u in updates[1:]), now], strict=True))
    wanted = SLA_STATUSES.get(clock.metric)
    runs = [
        (max(update.t, clock.start), min(until, clock.end or until))
        for update, until in statuses
        if wanted is None or update.status in wanted
    ]
    applications = _applications(updates, clock, target_after or _target)
    for (at, target), following in zip(applications, [*applications[1:], None], strict=False):
        if target is None:
            continue
        seconds, in_business_hours = target
        replaced = following[0] if following else None
        is_fulfilled = clock.end is not None and (replaced is None or clock.end <= replaced)
        ended = clock.end if is_fulfilled else replaced

        def elapsed(by: int) -> int:
            spans = [(a, min(b, by)) for a, b in runs if a < min(b, by)]
            business = (calendars.seconds(updates, a, b) for a, b in spans)
            return sum(business if in_business_hours else (b - a for a, b in spans))  # noqa: B023

        spent = elapsed(now if ended is None else ended)
        # Due at the end itself is in time; overdue when applied is breached at once.
        is_due = spent >= seconds and elapsed(horizon if ended is None else ended - 1) >= seconds
        if any(earlier.outcome == "breached" for earlier in found):
            outcome = "superseded"  # a clock is breached once
        elif is_due or elapsed(at) > seconds:
            outcome = "breached"
        elif is_fulfilled:
            outcome = "met"
        elif following:
            outcome = "superseded" if following[1] else "cancelled"
        else:
            outcome = "active"
        found.append(TargetTruth(clock.metric, at, seconds, ended, spent, outcome))
    return found


def _applications(
    updates: Sequence[Update], clock: ClockTruth, target_after: TargetAfter
) -> list[tuple[int, tuple[int, bool] | None]]:
    """When which target (seconds, in business hours) was put on a clock; None: it was withdrawn."""
    found: list[tuple[int, tuple[int, bool] | None]] = []
    for since, until in clock.stretches:
        for update in updates:
            if since <= update.t and (until is None or update.t < until):
                target = target_after(clock.metric, update)
                if target != (found[-1][1] if found else None):
                    found.append((update.t, target))
    return found


def _target(metric: str, update: Update) -> tuple[int, bool] | None:
    """The target (seconds, in business hours) of the first policy that fits the ticket after an update."""
    if not update.priority:
        return None
    if metric == "group_ownership":
        for group_policy in GROUP_POLICIES:
            if update.group in group_policy.groups:
                return group_policy.minutes[update.priority - 1] * 60, group_policy.business_hours
        return None
    policy = POLICIES[0] if update.tags & ENTERPRISE_TAG else POLICIES[1]
    minutes = policy.targets.get(f"{metric}_time")
    return (minutes[update.priority - 1] * 60, policy.business_hours) if minutes else None


def sla(company: Company, counted: set[int]) -> dict[str, dict[str, float]]:
    """Targets by metric and outcome, over the tickets (indexes) that count."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for _, target in targets(company, counted):
        outcomes[target.metric][target.outcome] += 1
    result: dict[str, dict[str, float]] = {}
    for metric, count in sorted(outcomes.items()):
        met, breached = count["met"], count["breached"]
        result[metric] = {
            name: count[name] for name in ("met", "breached", "active", "superseded", "cancelled")
        }
        if met + breached:
            result[metric]["attainment_pct"] = 100 * met / (met + breached)
    return result


def targets(company: Company, counted: Iterable[int]) -> list[tuple[int, TargetTruth]]:
    """(ticket index, target) of all targets of these tickets."""
    calendars = Calendars(company.schedules)
    found = []
    for ticket in sorted(counted):
        updates = [u for u in company.life(ticket) if u.kind != SYSTEM]
        found += [
            (ticket, target)
            for target in sla_targets(updates, calendars, company.horizon, company.now_seconds)
        ]
    return found


# ---- surveys ----


def csat(company: Company, counted: Sequence[TicketTruth]) -> dict[str, dict[str, float]]:
    """CSAT overall and by survey: current ratings of counted tickets, latest form answer per ticket."""
    legacy = [truth.score == 2 for truth in counted if truth.score > 1]
    latest: dict[int, bool] = {}
    for answer in reversed(company.visible_answers(CSAT_FORM)):  # oldest first
        if answer.score is not None:
            latest[answer.ticket] = answer.score >= 4
    form = list(latest.values())
    return {"all": _share(legacy + form), "helpdesk": _share(legacy), CSAT_FORM: _share(form)}


def survey_sends(
    company: Company, counted: Sequence[TicketTruth], zone: str = BUSINESS_ZONE
) -> dict[str, Any]:
    """Ratings asked for by the helpdesk, of counted tickets: sent and answered, by month of sending."""
    result: dict[str, Any] = {"all": {"sent": 0, "answered": 0}}
    for truth in counted:
        life = company.life(int(truth.ticket_id) - 1)
        scores = [
            (update.t, update.score) for before, update in pairwise(life) if update.score != before.score
        ]
        for t in (t for t, score in scores if score == OFFERED):
            month = datetime.fromtimestamp(t, ZoneInfo(zone)).strftime("%Y-%m")
            for name in ("all", month):
                cell = result.setdefault(name, {"sent": 0, "answered": 0})
                cell["sent"] += 1
                cell["answered"] += any(score > OFFERED for _, score in scores)
    return dict(sorted(result.items()))


def survey_ratings(company: Company, counted: Sequence[TicketTruth]) -> dict[int, int]:
    """How often each rating of 1 to 5 was given since the account sends surveys; counted tickets."""
    ratings = Counter[int]()
    for truth in counted:
        life = company.life(int(truth.ticket_id) - 1)
        sent = next((update.t for update in life if update.score == OFFERED), None)
        if sent is not None and sent >= company.surveyed and life[-1].score > OFFERED:
            ratings[survey_rating(life[-1])] += 1
    return dict(sorted(ratings.items()))


def _share(positives: Sequence[bool]) -> dict[str, float]:
    n, positive = len(positives), sum(positives)
    return {"n": n, "positive": positive} | ({"csat_pct": 100 * positive / n} if n else {})


def nps(company: Company) -> dict[str, dict[str, float]]:
    """NPS overall (`all`) and by segment: the hidden field, else that of the customer's organization then."""
    scores: dict[str, list[int]] = defaultdict(list)
    for answer in company.visible_answers(NPS_FORM):
        if answer.score is None:
            continue
        segment = answer.segment
        if segment < 0:
            segment = company.segment_at(int(company.organization_of[answer.customer]), answer.submitted)
        scores["all"].append(answer.score)
        scores[SEGMENTS[segment] if segment >= 0 else "(none)"].append(answer.score)
    return {name: _nps(values) for name, values in sorted(scores.items())}


def _nps(scores: Sequence[int]) -> dict[str, float]:
    promoters = sum(score >= 9 for score in scores)
    detractors = sum(score <= 6 for score in scores)
    return {
        "n": len(scores),
        "promoters": promoters,
        "passives": len(scores) - promoters - detractors,
        "detractors": detractors,
        "nps": 100 * (promoters - detractors) / len(scores),
    }


# ---- by account ----


def by_organization(company: Company, counted: Sequence[TicketTruth]) -> dict[str, dict[str, Counter[str]]]:
    """KPI -> id of the organization whose customer asked or answered, (none) without one -> counts.

    Of targets the counts are by metric and outcome, as `first_reply/met`.
    """
    found: dict[str, dict[str, Counter[str]]] = {
        kpi: defaultdict(Counter) for kpi in ("volume", "csat", "nps", "sla")
    }

    def count(kpi: str, customer: int, *names: str) -> None:
        organization = int(company.organization_of[customer])
        member = str(ORGANIZATION_ID + 128 * organization) if organization >= 0 else "(none)"
        found[kpi][member].update(names)

    for ticket in counted:
        customer = int(company.requester[int(ticket.ticket_id) - 1])
        count("volume", customer, "created")
        if ticket.score > OFFERED:
            count("csat", customer, "n", *["positive"] * (ticket.score == OFFERED + 1))
    latest = {a.ticket: a for a in reversed(company.visible_answers(CSAT_FORM)) if a.score is not None}
    for answer in latest.values():
        count("csat", answer.customer, "n", *["positive"] * (answer.score is not None and answer.score >= 4))
    for answer in company.visible_answers(NPS_FORM):
        if answer.score is not None:
            side = "promoters" if answer.score >= 9 else "detractors" if answer.score <= 6 else "passives"
            count("nps", answer.customer, "n", side)
    for index, target in targets(company, {int(ticket.ticket_id) - 1 for ticket in counted}):
        if target.outcome in ("met", "breached", "active"):
            count("sla", int(company.requester[index]), f"{target.metric}/{target.outcome}")
    return found


# ---- by hour of the week ----


def demand(company: Company, counted: Sequence[TicketTruth], now: datetime) -> dict[str, dict[int, float]]:
    """Tickets and open hours by local hour of the week: 0 is Monday from 00:00.

    Args:
        company: the company.
        counted: its counted tickets.
        now: the days from the first ticket to this instant's count, whole.

    Returns:
        "created", "solved" (the last time), a schedule's id, "open" (any schedule) -> hour -> how much.
    """
    zone = ZoneInfo(BUSINESS_ZONE)

    def hour(instant: int) -> int:
        local = datetime.fromtimestamp(instant, zone)
        return local.weekday() * 24 + local.hour

    solves = [t.created + t.seconds["full_resolution"] for t in counted if "full_resolution" in t.seconds]
    first = datetime.fromtimestamp(min(ticket.created for ticket in counted), zone).date()
    last = now.astimezone(zone).date()
    minutes: dict[str, set[int]] = defaultdict(set)
    for schedule in company.schedules:
        holidays = frozenset(_dates(schedule))
        for n in range(-1, (last - first).days + 2):
            day = first + timedelta(days=n)
            for opened, closed in (
                open_intervals(schedule.zone, schedule.intervals, day) if day not in holidays else ()
            ):
                minutes[str(schedule.id)].update(range(opened, closed, 60))
    minutes["open"] = set().union(*minutes.values())
    found: dict[str, dict[int, float]] = {
        "created": {**Counter(hour(ticket.created) for ticket in counted)},
        "solved": {**Counter(hour(solve) for solve in solves)},
    }
    for name, times in minutes.items():
        counts = Counter(hour(t) for t in times if first <= datetime.fromtimestamp(t, zone).date() <= last)
        found[name] = {at: n / 60 for at, n in counts.items()}
    return found


# ---- all of it ----


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile by linear interpolation between the two nearest ranks; `values` must not be empty."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def distribution(values: Sequence[float]) -> dict[str, float]:
    """n, mean, median and 90th percentile of seconds; only n where there are none."""
    if not values:
        return {"n": 0}
    return {
        "n": len(values),
        "mean_seconds": sum(values) / len(values),
        "median_seconds": quantile(values, 0.5),
        "p90_seconds": quantile(values, 0.9),
    }


def response_times(counted: Sequence[TicketTruth]) -> dict[str, dict[str, float]]:
    """`<measure>/<clock>` -> distribution, over the counted tickets."""
    result = {}
    for measure in ("first_reply", "first_assignment", "first_resolution", "full_resolution", *WAITS):
        result[f"{measure}/calendar"] = distribution(
            [t.seconds[measure] for t in counted if measure in t.seconds]
        )
        result[f"{measure}/business"] = distribution(
            [t.business_seconds[measure] for t in counted if measure in t.seconds]
        )
    result["next_reply/calendar"] = distribution([reply[0] for t in counted for reply in t.next_replies])
    result["next_reply/business"] = distribution([reply[1] for t in counted for reply in t.next_replies])
    return result


def volume(counted: Sequence[TicketTruth], zone: str = BUSINESS_ZONE) -> dict[str, Any]:
    """Counted tickets created by local day and month, with the totals of reopenings and solved tickets."""
    days = [datetime.fromtimestamp(truth.created, ZoneInfo(zone)).date() for truth in counted]
    return {
        "created": len(counted),
        "solved": sum("full_resolution" in truth.seconds for truth in counted),
        "reopens": sum(truth.reopens for truth in counted),
        "by_day": dict(sorted(Counter(day.isoformat() for day in days).items())),
        "by_month": dict(sorted(Counter(day.strftime("%Y-%m") for day in days).items())),
    }


def truth(company: Company, zone: str = BUSINESS_ZONE) -> dict[str, Any]:
    """Every KPI as of the company's now; days and months are those of `zone`."""
    every = tickets(company)
    counted = [ticket for ticket in every if ticket.excluded is None]
    excluded = Counter(ticket.excluded for ticket in every if ticket.excluded is not None)
    return {
        "as_of": company.now.isoformat(),
        "tickets": len(counted),
        "excluded": dict(sorted(excluded.items())),
        "csat": csat(company, counted),
        "survey_sends": survey_sends(company, counted, zone),
        "survey_ratings": survey_ratings(company, counted),
        "nps": nps(company),
        "response_times": response_times(counted),
        "sla": sla(company, {int(ticket.ticket_id) - 1 for ticket in counted}),
        "volume": volume(counted, zone),
    }


def as_rows(company: Company) -> list[dict[str, Any]]:
    """The truth about every ticket as dictionaries, for comparisons row by row."""
    return [asdict(ticket) for ticket in tickets(company)]
