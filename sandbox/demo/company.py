"""The demo's company, and what happens to it. All that the demo is to show stands here and in `rules/`.

For two years things go their way, some 130 tickets a week. Then

- `IMPROVED_MONTHS` ago, on the first, they begin to answer new tickets before old ones, and keep that
  promise more often: a line in the rule file `changes`;
- `SHIFT_WEEKS` ago a release of Payroll goes wrong: more technical questions about it come in than ever.

All the time who waits for more than a day is less content, a lead calls most unhappy customers back within
a day, and the export lacks what agents replied to some tickets of the web form: a warning, too few to hold
the night. Customers are asked for a recommendation after a ticket, organizations have a region, and nobody
leaves a ticket lying for months. In the hours after the first now tickets come in one after the other:
whoever looks on sees something happen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np

from sandbox.catalog import (
    ADMIN_ID,
    BAD,
    BUSINESS_ZONE,
    CLOSED,
    CSAT_FORM,
    DELETED,
    FOLLOWED_UP_TAG,
    NPS_FORM,
    SOLVED,
)
from sandbox.company import Floats, Ints
from sandbox.hours import DAY, Hours
from sandbox.lifecycle import (
    AGENT_REPLY,
    BY_AGENT,
    CREATE,
    CUSTOMER_COMMENT,
    HOUR,
    INTERNAL_NOTE,
    MINUTE,
    NO_COMMENT,
    UPDATE_DTYPE,
    Simulator,
    Team,
    Update,
)
from sandbox.real.company import RealCompany, quiet
from sandbox.real.forms import FACES_FORM, HARDSHIP, SPEED
from sandbox.surveys import Answer

DAYS = 765  # of history before the first now: 24 whole months
IMPROVED_MONTHS = 3
WAIT_BEFORE, WAIT_AFTER = 2.0, 0.35  # for a first reply, beside the usual 1
SHIFT_WEEKS = 5
SHIFT_GROWTH, SHIFT_SHARE = 1.5, 0.35  # of what comes in since, and how much of that is about the release
PAYROLL, TECHNICAL = 1, 1  # indexes of a product and a service area
HOLES = 0.04  # of the web form's tickets
CALLED_IN_TIME, CALLED_LATE = 0.86, 0.06  # of unhappy customers; the others are not called
SOURED = 0.25  # of those who waited for more than a day
ASKED_EVERY = 42 * DAY
LEFT_LYING = 21 * DAY  # half of those that were forgotten less, few much longer
RUSH_HOURS, RUSH_EVERY = 6, 4 * MINUTE
REGIONS = ("Americas", "Europe", "Asia-Pacific")

#: What the company declares of its forms, and what else it decided; IMPROVED_ON stands for that day.
RULES = (Path(__file__).parents[1] / "rules", Path(__file__).parent / "rules")


def improved_on(now: int) -> date:
    """The day of the improvement, in the company's zone."""
    today = datetime.fromtimestamp(now, ZoneInfo(BUSINESS_ZONE)).date()
    months = today.year * 12 + today.month - 1 - IMPROVED_MONTHS
    return date(months // 12, months % 12 + 1, 1)


class DemoCompany(RealCompany):
    """The company of the story.

    Args:
        seed, tickets, now: as of `Company`.

    Attributes:
        improved, shifted: unix seconds at which the improvement and the shift begin.
    """

    season = (1.0,) * 12
    eventless, mislinked, off_scale = 0.0, 0.0, 0.0
    recommended_after_tickets = True

    def __init__(self, seed: int, tickets: int, now: datetime | None = None) -> None:
        super().__init__(seed, tickets, now, DAYS)

    def organization_fields(self, organization: int) -> dict[str, str | None]:
        return super().organization_fields(organization) | {"region": REGIONS[organization % 7 % 3]}

    def rules(self) -> dict[str, str]:
        """Its rule files, by name."""
        day = improved_on(self.first_now).isoformat()
        files = [path for folder in RULES for path in sorted(folder.glob("*.csv"))]
        return {path.name: path.read_text().replace("IMPROVED_ON", day) for path in files}

    # ---- tickets ----

    def _make_tickets(self, tickets: int, scenarios: tuple[str, ...]) -> None:
        midnight = datetime.combine(improved_on(self.first_now), time(), ZoneInfo(BUSINESS_ZONE))
        self.improved = int(midnight.timestamp())
        self.shifted = self.first_now - SHIFT_WEEKS * 7 * DAY
        self._with_holes: set[int] = set()
        super()._make_tickets(tickets, scenarios)
        rng = np.random.default_rng(self.seed + 200)
        is_about_it = (self.created >= self.shifted) & (rng.random(len(self.created)) < SHIFT_SHARE)
        self.product[is_about_it], self.area[is_about_it] = PAYROLL, TECHNICAL

    def _arrivals(self, count: int, start: int, end: int) -> Ints:
        created = super()._arrivals(count, start, end)
        if start < self.first_now:
            return created
        rush = np.arange(start + MINUTE, start + RUSH_HOURS * HOUR, RUSH_EVERY)
        return np.sort(np.concatenate([created, rush])).astype(np.int64)

    def _chosen(self, hours: Ints, shares: Floats, count: int) -> Ints:
        """Half of them evenly: no week of two years is much quieter than another."""
        evenly = np.searchsorted(np.cumsum(shares), (np.arange(count // 2) + 0.5) / (count // 2))
        others = super()._chosen(hours, shares, count - len(evenly))
        return np.concatenate([hours[evenly], others])

    def _growth(self, hours: Ints) -> Floats:
        return np.where(hours >= self.shifted, SHIFT_GROWTH, 1.0)

    def _make_simulator(self) -> Simulator:
        return _Simulator(self.improved, Random(self.seed), self.hours, self.team, self.end)

    def _conversation(self, ticket: int, life: list[Update]) -> list[Update]:
        """Who wrote last is answered before the ticket is solved."""
        told: list[Update] = []
        is_waiting = False
        for update in life:
            if is_waiting and update.kind == BY_AGENT and update.status == SOLVED:
                update = update._replace(comment=AGENT_REPLY)
            is_waiting = update.comment == CUSTOMER_COMMENT or (is_waiting and update.comment != AGENT_REPLY)
            told.append(update)
        return super()._conversation(ticket, told)

    def _later(self, ticket: int, life: list[Update]) -> list[Update]:
        facts, last = self.facts[ticket], life[-1]
        if facts.channel == "web" and self._random.random() < HOLES:
            self._with_holes.add(ticket)
        if last.status < SOLVED:
            wait = int(LEFT_LYING * (0.3 + 4 * self._random.random() ** 2))
            solved = last._replace(
                t=quiet(last.t + wait),
                actor=ADMIN_ID,
                kind=BY_AGENT,
                comment=INTERNAL_NOTE,
                status=SOLVED,
                lag=0,
            )
            closed = solved._replace(t=quiet(solved.t + 4 * DAY), comment=NO_COMMENT, status=CLOSED)
            life = [*life, solved, closed]
        return life

    def _has_event(self, row: int) -> bool:
        ticket, comment = int(self.updates["ticket"][row]), int(self.updates["comment"][row])
        is_lost = ticket in self._with_holes and comment == AGENT_REPLY and row > self.starts[ticket]
        return super()._has_event(row) and not is_lost

    def _put_down(self, rng: Random, ticket: int, life: list[Update]) -> list[Update]:
        return life

    # ---- surveys ----

    def _invitations(self, rng: Random, customer: int) -> list[tuple[int, int]]:
        """A day after a ticket was solved, once in six weeks at most."""
        asked: list[tuple[int, int]] = []
        for solved, ticket in self._solved_for[customer]:
            if not asked or solved + DAY - asked[-1][0] >= ASKED_EVERY:
                asked.append((solved + DAY, ticket))
        return asked

    def _make_surveys(self) -> None:
        self._solved_for: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for ticket, solved in self._solves():
            self._solved_for[int(self.requester[ticket])].append((solved, ticket))
        for solves in self._solved_for.values():
            solves.sort()
        super()._make_surveys()
        self.answers = list(self._soured())
        self._call_back()

    def _soured(self) -> Iterator[Answer]:
        """The answers, of some who waited for more than a day with the lowest score."""
        rng = Random(self.seed + 202)
        is_reply = (self.updates["comment"] == AGENT_REPLY) & (self.updates["kind"] != CREATE)
        tickets, first = np.unique(self.updates["ticket"][is_reply], return_index=True)
        waits = self.updates["t"][is_reply][first] - self.created[tickets]
        have_waited = set(tickets[waits > DAY].tolist())
        for answer in self.answers:
            lowest = {CSAT_FORM: 1, FACES_FORM: 0, NPS_FORM: 3}.get(answer.form)
            if answer.score is not None and answer.ticket in have_waited and rng.random() < SOURED:
                answer = answer._replace(score=lowest)
            yield answer

    def _call_back(self) -> None:
        """Put a lead's calls to unhappy customers into their tickets, until these close: note and tag."""
        rng = Random(self.seed + 201)
        ratings = self.updates[np.concatenate([self.rating_rows, self.survey_rows])]
        unhappy = [(int(row["ticket"]), int(row["t"])) for row in ratings if row["score"] == BAD]
        unhappy += [(a.ticket, a.submitted) for a in self.answers if a.ticket >= 0 and _is_unhappy(a)]
        rows, calls = [], []
        # Of a ticket's bad answers the last: who calls then has read the others.
        for ticket, answered in dict(sorted(unhappy)).items():
            roll = rng.random()
            hours = rng.uniform(1, 23) if roll < CALLED_IN_TIME else rng.uniform(50, 70)
            t = quiet(answered + int(hours * HOUR))
            if roll > CALLED_IN_TIME + CALLED_LATE or t > self.end:
                continue
            first, end = self.starts[ticket : ticket + 2].tolist()
            place = first + int(np.searchsorted(self.updates["t"][first:end], t, side="right"))
            state = Update(*self.updates[place - 1].tolist())
            if state.status in (CLOSED, DELETED):
                continue
            self.updates["tags"][place:end] |= FOLLOWED_UP_TAG
            tags = state.tags | FOLLOWED_UP_TAG
            call = state._replace(t=t, actor=ADMIN_ID, kind=BY_AGENT, comment=INTERNAL_NOTE, tags=tags, lag=0)
            rows.append(place)
            calls.append(call)
        self.updates = np.insert(self.updates, rows, np.array(calls, dtype=UPDATE_DTYPE))
        self.starts = self.starts + np.searchsorted(rows, self.starts, side="right")
        self._index_updates()


class _Simulator(Simulator):
    """Agents who answer new tickets first, since `improved`."""

    def __init__(self, improved: int, rng: Random, hours: list[Hours], team: Team, end: int) -> None:
        super().__init__(rng, hours, team, end)
        self._improved = improved

    def _patience(self, created: int) -> float:
        return WAIT_AFTER if created >= self._improved else WAIT_BEFORE


def _is_unhappy(answer: Answer) -> bool:
    """Whether an answer is on the bad side of its scale, by what the rule file `questions` says of it."""
    others = dict(answer.others)
    if others.get(HARDSHIP.id, 1) > 3 or others.get(SPEED.id, 5) < 4:
        return True
    worst = {CSAT_FORM: 3, NPS_FORM: 6, FACES_FORM: 1}
    return answer.score is not None and answer.score <= worst.get(answer.form, -1)
