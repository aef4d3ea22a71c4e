"""The sandbox company: everything that happened to it, and that will happen, with a clock that can be moved.

The whole life of every ticket is generated once, some weeks beyond the company's first `now`. A look at the
company is a view as of `now`: what lies later is invisible. Seed, size and first `now` determine everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sandbox import catalog
from sandbox.clocks import METRIC_DTYPE, MetricEvent, events_of
from sandbox.hours import DAY, Hours, Schedule
from sandbox.lifecycle import SYSTEM, UPDATE_DTYPE, Simulator, Team, Update
from sandbox.surveys import NPS_EVERY, Answer, csat_answers, nps_answers

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SETTLING = 60  # seconds before now that the helpdesk's exports leave out
SURVEYED = 90 * DAY  # so long before the first now, surveys took the place of the ratings good and bad
SCENARIOS = ("bulk_update", "bulk_import")
_CHUNK = 20_000


@dataclass(frozen=True)
class Version:
    """A dated change of an agent, a customer or an organization."""

    t: int
    role: str | None = None
    active: bool = True
    segment: int | None = None


def hour_of(moment: datetime) -> datetime:
    """The full hour at or before a moment, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


class Company:
    """A generated company.

    Args:
        seed: of all randomness.
        tickets: how many were created in the `days` before `now`; 100 to 1,000,000.
        now: the first instant looked at; the present full hour by default. Naive datetimes are refused.
        days: the span of history.
        scenarios: `bulk_update` gives 2,500 tickets one generated_timestamp, `bulk_import` creates 1,200
            tickets in one second.
        future_days: how far the clock can be moved beyond the first `now`.

    Attributes:
        updates: all ticket updates, ticket by ticket, in time (`lifecycle.Update`).
        starts: index of each ticket's first update, and the end.
        surveyed: unix second from which on surveys are sent in place of ratings.
        rating_rows: rows of the updates that are records of the ratings, in time.
        survey_rows: rows of the updates that send a survey, in time.
        metric_events: all SLA metric events in order of time (`clocks.MetricEvent`).
        answers: all survey responses in order of submission.
    """

    #: How busy each month is, beside the others.
    season: tuple[float, ...] = (1.15, 1.0, 1.0, 1.02, 0.98, 0.92, 0.88, 0.9, 1.02, 1.05, 1.12, 1.05)

    def __init__(
        self,
        seed: int = 7,
        tickets: int = 1000,
        now: datetime | None = None,
        days: int = 365,
        scenarios: tuple[str, ...] = (),
        future_days: int = 30,
    ) -> None:
        if not 1 <= tickets <= 1_000_000:
            raise ValueError(f"tickets must lie between 1 and 1,000,000, not {tickets}")
        if unknown := set(scenarios) - set(SCENARIOS):
            raise ValueError(f"unknown scenarios {sorted(unknown)}, known are {list(SCENARIOS)}")
        first_now = hour_of(datetime.now(UTC)) if now is None else now
        if first_now.tzinfo is None:
            raise ValueError("now needs a time zone")
        self.seed = seed
        self.first_now = int(first_now.timestamp())
        self.start = self.first_now - days * DAY
        self.end = self.first_now + future_days * DAY
        self.surveyed = self.first_now - SURVEYED
        self._now = self.first_now
        years = datetime.fromtimestamp(self.start, UTC).year, datetime.fromtimestamp(self.end, UTC).year + 1
        self.schedules: tuple[Schedule, ...] = catalog.schedules(*years)
        self.hours = [Hours(schedule, self.start, self.end + 60 * DAY) for schedule in self.schedules]
        self._rng = np.random.default_rng(seed)
        self._make_people(tickets)
        self._make_tickets(tickets, scenarios)
        self._live_tickets(scenarios)
        self._make_surveys()
        self._views: dict[str, Any] = {}

    # ---- the clock ----

    @property
    def now(self) -> datetime:
        """The company's present."""
        return datetime.fromtimestamp(self._now, UTC)

    @property
    def now_seconds(self) -> int:
        """The company's present in unix seconds."""
        return self._now

    @property
    def is_over(self) -> bool:
        """Whether the clock stands where the company was made to."""
        return self._now >= self.end

    @property
    def horizon(self) -> int:
        """The last second (unix) that the helpdesk's exports show: a minute before now."""
        return self._now - SETTLING

    def at(self, now: datetime) -> "Company":
        """Move the clock to an instant; raises ValueError outside the generated span."""
        seconds = int(now.timestamp())
        if not self.start < seconds <= self.end:
            raise ValueError(f"{now.isoformat()} lies outside the company's span")
        self._now = seconds
        self._views = {}
        return self

    def advance(self, days: float = 1, hours: float = 0) -> "Company":
        """Move the clock forward."""
        return self.at(self.now + timedelta(days=days, hours=hours))

    # ---- making ----

    def _make_people(self, tickets: int) -> None:
        rng = self._rng
        agents = max(8, tickets // 2500)
        members: list[list[int]] = [[] for _ in catalog.GROUPS]
        for agent in range(agents):
            members[agent % 5].append(agent)
            if agent % 3 == 0:
                members[(agent + 1) % 5].append(agent)
        for group in members[:5]:
            group.extend(agent for agent in (0, 1) if agent not in group)
        ids = [catalog.AGENT_ID + 128 * agent for agent in range(agents)]
        # Two agents leave after the first night: one becomes an end-user, one is deleted.
        self.agent_versions = {
            5: [Version(self.first_now + 36 * 3600, role="end-user")],
            6: [Version(self.first_now + 60 * 3600, role="end-user", active=False)],
        }
        leaves = {agent: versions[0].t for agent, versions in self.agent_versions.items()}
        self.team = Team(members, leaves, ids)
        self.customers = max(20, int(tickets * 0.27))
        self.organizations = max(8, self.customers // 10)
        size = rng.random(self.organizations)
        self.segments: Ints = np.where(size < 0.15, 0, np.where(size < 0.5, 1, 2)).astype(np.int64)
        spread = (rng.random(self.customers) ** 1.5 * self.organizations).astype(np.int64)
        self.organization_of: Ints = np.where(rng.random(self.customers) < 0.75, spread, -1)
        # A few organizations move up after the first night: history that only the landing keeps.
        self.organization_versions = {
            index: [Version(self.first_now + 30 * 3600, segment=max(0, int(self.segments[index]) - 1))]
            for index in range(2, self.organizations, 40)
        }

    def segment_at(self, organization: int, t: int) -> int:
        """Index of an organization's segment at a unix second, -1 for no organization."""
        if organization < 0:
            return -1
        segment = int(self.segments[organization])
        for version in self.organization_versions.get(organization, []):
            if version.t <= t and version.segment is not None:
                segment = version.segment
        return segment

    def organization_fields(self, organization: int) -> dict[str, str | None]:
        """What an organization's own fields hold besides its segment."""
        return {"account_manager": None}

    def _arrivals(self, count: int, start: int, end: int) -> Ints:
        """`count` creation times: busy office hours, quiet weekends, a yearly season, slow growth."""
        rng = self._rng
        zone = ZoneInfo(catalog.BUSINESS_ZONE)
        hours = np.arange(start, end, 3600, dtype=np.int64)
        local = [datetime.fromtimestamp(int(t), zone) for t in hours]
        by_hour = np.array(
            [1, 1, 1, 1, 1, 2, 4, 8, 16, 26, 30, 29, 24, 25, 28, 26, 21, 15, 10, 8, 6, 4, 3, 2], float
        )
        weekday = np.array([1.25, 1.1, 1.0, 1.0, 0.9, 0.3, 0.22])
        season = np.array(self.season)
        weights = np.array([by_hour[m.hour] * weekday[m.weekday()] * season[m.month - 1] for m in local])
        weights *= self._growth(hours)
        chosen = self._chosen(hours, weights / weights.sum(), count)
        # 58 minutes: the last one before the hour stays quiet (see Life.record).
        return np.sort(np.minimum(chosen + rng.integers(0, 3480, size=count), end - 120)).astype(np.int64)

    def _chosen(self, hours: Ints, shares: Floats, count: int) -> Ints:
        """In which of the hours, each of which has its share, `count` tickets come in."""
        return self._rng.choice(hours, size=count, p=shares)

    def _growth(self, hours: Ints) -> Floats:
        """How busy each of the hours (unix seconds) is by the company's course."""
        return np.linspace(0.85, 1.15, len(hours))

    def _make_tickets(self, tickets: int, scenarios: tuple[str, ...]) -> None:
        rng = self._rng
        days = (self.first_now - self.start) / DAY
        later = round(tickets * (self.end - self.first_now) / DAY / days)
        created = np.concatenate(
            [
                self._arrivals(tickets, self.start, self.first_now),
                self._arrivals(later, self.first_now, self.end),
            ]
        )
        if "bulk_import" in scenarios:
            second = self.first_now - 20 * DAY
            created = np.sort(np.concatenate([created, np.full(1200, second, dtype=np.int64)]))
        count = len(created)
        self.created = created
        self.requester: Ints = (rng.random(count) ** 1.4 * self.customers).astype(np.int64)
        self.channel: Ints = rng.choice(5, size=count, p=[0.46, 0.22, 0.16, 0.1, 0.06]).astype(np.int64)
        self.product: Ints = rng.choice([-1, 0, 1, 2], size=count, p=[0.05, 0.45, 0.3, 0.2]).astype(np.int64)
        self.area: Ints = rng.choice(4, size=count, p=[0.28, 0.4, 0.12, 0.2]).astype(np.int64)
        self.complexity: Ints = rng.choice(3, size=count, p=[0.5, 0.35, 0.15]).astype(np.int64)
        joined = np.full(self.customers, self.end + DAY, dtype=np.int64)
        np.minimum.at(joined, self.requester, created - 5)
        idle = rng.integers(self.start, self.end, size=self.customers)
        self.joined: Ints = np.where(joined > self.end, idle, joined)
        touched = self.joined + rng.integers(1, 300 * DAY, size=self.customers)
        self.touched: Ints = np.where(rng.random(self.customers) < 0.3, touched, self.joined)

    def _make_simulator(self) -> Simulator:
        return Simulator(Random(self.seed), self.hours, self.team, self.end)

    def _lives(self, simulator: Simulator) -> Iterator[list[Update]]:
        """What happened to each ticket, by ticket."""
        attributes = zip(
            self.created.tolist(),
            self.requester.tolist(),
            self.channel.tolist(),
            self.area.tolist(),
            self.complexity.tolist(),
            strict=True,
        )
        organization_of = self.organization_of.tolist()
        segments = self.segments.tolist()
        for ticket, (created, requester, channel, area, complexity) in enumerate(attributes):
            organization = organization_of[requester]
            segment = segments[organization] if organization >= 0 else -1
            customer = catalog.CUSTOMER_ID + 128 * requester
            yield simulator.live(ticket, created, customer, segment, channel, area, complexity)

    def _clock_events(self, life: list[Update], rng: Random) -> list[MetricEvent]:
        """The vendor's clock events of a ticket."""
        return events_of(life, self.hours, rng, self.end)

    def _live_tickets(self, scenarios: tuple[str, ...]) -> None:
        simulator = self._make_simulator()
        clocks_rng = Random(self.seed + 1)
        survey_rng = Random(self.seed + 2)
        answers: list[Answer] = []
        starts = [0]
        update_parts, metric_parts = [], []
        bulk_second = self.first_now - 10 * DAY if "bulk_update" in scenarios else 0
        bulk_left = 2500 if bulk_second else 0
        updates: list[Update] = []
        metrics: list[tuple[int, ...]] = []
        owners = zip(self.requester.tolist(), self.channel.tolist(), strict=True)
        for life, (requester, channel) in zip(self._lives(simulator), owners, strict=True):
            if bulk_left and life[-1].t < bulk_second:
                life.append(life[-1]._replace(t=bulk_second, kind=SYSTEM, lag=0))
                bulk_left -= 1
            updates += life
            starts.append(starts[-1] + len(life))
            metrics += self._clock_events(life, clocks_rng)
            answers += csat_answers(survey_rng, life, requester, channel, self.end)
            if len(updates) > _CHUNK * 10:
                update_parts.append(np.array(updates, dtype=UPDATE_DTYPE))
                metric_parts.append(np.array(metrics, dtype=METRIC_DTYPE))
                updates, metrics = [], []
        if bulk_left:
            raise ValueError("bulk_update needs 2,500 finished tickets: ask for at least 3,000")
        update_parts.append(np.array(updates, dtype=UPDATE_DTYPE))
        metric_parts.append(np.array(metrics, dtype=METRIC_DTYPE))
        self.updates = np.concatenate(update_parts)
        self.starts: Ints = np.array(starts, dtype=np.int64)
        unordered = np.concatenate(metric_parts)
        self.metric_events = unordered[np.argsort(unordered["t"], kind="stable")]
        self.metric_times: Ints = self.metric_events["t"].copy()
        self._answers = answers
        self._index_updates()

    def _index_updates(self) -> None:
        """Find the updates that are records of their own."""
        # Ticket events: every update of which an event comes, in order of time.
        rows = np.flatnonzero(self.updates["kind"] < SYSTEM)
        self.event_rows: Ints = rows[np.argsort(self.updates["t"][rows], kind="stable")]
        self.event_times: Ints = self.updates["t"][self.event_rows]
        # Ratings: every update that moved the score is a record of its own.
        scores = self.updates["score"]
        moved = np.flatnonzero((scores[1:] != scores[:-1]) & (scores[1:] > 0)) + 1
        moved = moved[self.updates["ticket"][moved] == self.updates["ticket"][moved - 1]]
        moved = moved[np.argsort(self.updates["t"][moved], kind="stable")]
        # Since the account sends surveys, what is offered is a survey; a rating collapses to good or bad.
        is_survey = (scores[moved] == catalog.OFFERED) & (self.updates["t"][moved] >= self.surveyed)
        self.rating_rows: Ints = moved[~is_survey]
        self.survey_rows: Ints = moved[is_survey]

    def _make_surveys(self) -> None:
        rng = Random(self.seed + 3)
        answers = self._answers
        for customer in range(self.customers):
            segment = self.segment_at(int(self.organization_of[customer]), 0)
            answers += nps_answers(rng, customer, self._invitations(rng, customer), segment, self.end)
        # Every night has an answer that was submitted before the hour and shows after it.
        for night, hour in enumerate(range(self.first_now, self.end, DAY)):
            answers.append(
                Answer(
                    submitted=hour - 600,
                    visible=hour + 900,
                    form=catalog.NPS_FORM,
                    number=0,
                    sent=hour - 4200,
                    customer=night % self.customers,
                    ticket=-1,
                    score=rng.randrange(11),
                    segment=-1,
                    product=0,
                    text=-1,
                )
            )
        answers.sort()
        self.answers = [answer._replace(number=number) for number, answer in enumerate(answers)]
        del self._answers

    def _invitations(self, rng: Random, customer: int) -> list[tuple[int, int]]:
        """When a customer is asked for a recommendation, and about which ticket (-1: none)."""
        first = int(self.joined[customer]) + int(rng.random() * NPS_EVERY) + 10 * DAY
        return [(sent, -1) for sent in range(first, self.end, NPS_EVERY)]

    # ---- views as of now ----

    def ticket_count(self) -> int:
        """How many tickets the exports know."""
        return int(np.searchsorted(self.created, self.horizon, side="right"))

    def life(self, ticket: int, until: int | None = None) -> list[Update]:
        """A ticket's updates by the horizon (or by `until`, unix seconds), the system's own included."""
        limit = self.horizon if until is None else until
        rows = self.updates[self.starts[ticket] : self.starts[ticket + 1]]
        return [Update(*row) for row in rows.tolist() if row[0] <= limit]

    def tickets_by_change(self) -> tuple[Ints, Ints, Ints]:
        """The exported tickets by (generated_timestamp, id): times, ticket indexes, rows of the last updates.

        As documented, a ticket that changed within the last minute is left out.
        """
        if "tickets" not in self._views:
            visible = (self.updates["t"] <= self._now).astype(np.int64)
            last = self.starts[:-1] + np.add.reduceat(visible, self.starts[:-1]) - 1
            exists = np.flatnonzero(last >= self.starts[:-1])
            rows = last[exists]
            generated = self.updates["t"][rows] + self.updates["lag"][rows]
            keep = generated <= self.horizon
            exists, rows, generated = exists[keep], rows[keep], generated[keep]
            order = np.lexsort((exists, generated))
            self._views["tickets"] = (generated[order], exists[order], rows[order])
        view: tuple[Ints, Ints, Ints] = self._views["tickets"]
        return view

    def visible_answers(self, form: str) -> list[Answer]:
        """A form's responses that the API shows now, newest first."""
        if form not in self._views:
            self._views[form] = [
                a for a in reversed(self.answers) if a.form == form and a.visible <= self._now < a.forgotten
            ]
        view: list[Answer] = self._views[form]
        return view
