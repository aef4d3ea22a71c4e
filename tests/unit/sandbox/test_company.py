"""The generated company: the same every time, believable, and with a clock."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sandbox.catalog import CLOSED, DELETED, MERGED_TAG, SOLVED, SPAM_TAG
from sandbox.company import Company
from sandbox.truth import Calendars, ticket_truth, truth
from sandbox.vendors.zendesk import people

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)  # a Wednesday evening


def test_same_seed_same_company() -> None:
    one, two = Company(11, 300, NOW), Company(11, 300, NOW)
    assert one.updates.tobytes() == two.updates.tobytes()
    assert one.metric_events.tobytes() == two.metric_events.tobytes()
    assert one.answers == two.answers
    assert truth(one) == truth(two)
    assert Company(12, 300, NOW).updates.tobytes() != one.updates.tobytes()


def test_a_moved_clock_equals_a_company_seen_at_once() -> None:
    """Looking in between changes nothing, and the clock moves back too."""
    one, two = Company(11, 300, NOW), Company(11, 300, NOW)
    first = truth(one)
    for _ in range(3):
        one.advance()
        truth(one)
    assert truth(one) == truth(two.at(NOW + timedelta(days=3)))
    assert truth(one.at(NOW)) == first


def test_the_clock_reaches_as_far_as_asked() -> None:
    company = Company(11, 100, NOW, days=50, future_days=90).advance(days=90)
    assert company.now == NOW + timedelta(days=90)
    assert 250 < company.ticket_count() < 310


def test_updates_are_ordered_and_states_sound(company: Company) -> None:
    same = company.updates["ticket"][1:] == company.updates["ticket"][:-1]
    assert (np.diff(company.updates["t"])[same] > 0).all()
    assert (np.diff(company.metric_times) >= 0).all()
    assert not ((company.updates["t"] % 3600) >= 3540).any()  # quiet before the hour


def test_the_size_is_the_tickets_created_so_far(company: Company) -> None:
    assert company.ticket_count() == 1000
    events = len(company.event_rows[company.event_times <= company.horizon])
    assert 7_000 < events < 11_000
    assert 28_000 < int((company.metric_times <= company.horizon).sum()) < 40_000


def test_believable(company: Company) -> None:
    zone = ZoneInfo("America/New_York")
    local = [datetime.fromtimestamp(t, zone) for t in company.created.tolist()]
    office = sum(m.weekday() < 5 and 8 <= m.hour < 18 for m in local)
    assert office > 0.55 * len(local)
    _, tickets, rows = company.tickets_by_change()
    last = company.updates[rows]
    assert len(tickets) == 1000
    assert ((last["tags"] & MERGED_TAG) > 0).any()
    assert ((last["tags"] & SPAM_TAG) > 0).any()
    assert (last["status"] == DELETED).any()
    calendars = Calendars(company.schedules)
    truths = [ticket_truth(company.life(int(i)), calendars) for i in tickets]
    solved = [t for t in truths if "full_resolution" in t.seconds]
    assert any(t.public_agent_replies == 0 for t in solved)
    assert any(t.reopens for t in solved)
    assert any("first_reply" not in t.seconds for t in truths if t not in solved)
    restored = [
        company.life(i) for i in range(1000) if any(u.status == DELETED for u in company.life(i)[:-1])
    ]
    assert any(life[-1].status != DELETED for life in restored)
    emails = Counter(people.customer(company, i)["email"] is None for i in range(company.customers))
    assert emails[True] > 0.9 * company.customers


def test_a_night_changes_about_one_percent() -> None:
    company = Company(seed=2, tickets=5000, now=NOW - timedelta(days=9))
    for _ in range(7):
        before = company.now_seconds
        company.advance()
        generated, _, _ = company.tickets_by_change()
        assert 0.002 < (generated > before - 60).sum() / len(generated) < 0.03


def test_system_updates_move_generated_timestamp_only() -> None:
    company = Company(seed=2, tickets=3000, now=NOW)
    quiet = company.updates[company.updates["kind"] == 4]
    t = int(
        quiet["t"][(quiet["t"] > company.now_seconds) & (quiet["t"] < company.now_seconds + 20 * 86_400)][0]
    )
    ticket = int(quiet["ticket"][quiet["t"] == t][0])
    company.at(datetime.fromtimestamp(t + 3600, UTC))
    life = company.life(ticket)
    assert life[-1].kind == 4
    assert t not in company.event_times.tolist() or life[-2].t != t


def test_solved_tickets_close_after_four_days(company: Company) -> None:
    waits = []
    for life in map(company.life, range(1000)):
        solves = [b.t for a, b in pairwise(life) if b.status == SOLVED != a.status]
        closes = [b.t for a, b in pairwise(life) if b.status == CLOSED and a.status == SOLVED]
        if closes and not life[-1].tags & MERGED_TAG:
            waits.append(closes[0] - solves[-1])
    assert len(waits) > 800
    assert set(waits) <= set(range(4 * 86_400, 4 * 86_400 + 91))


def test_people_change_after_the_first_night() -> None:
    company = Company(seed=2, tickets=1000, now=NOW)
    roles = {i: record["role"] for _, i, record in people.staff(company)}
    segments = {
        i: people.organization(company, i)[1]["organization_fields"]["segment"]
        for i in range(company.organizations)
    }
    company.advance(days=3)
    later = {i: record["role"] for _, i, record in people.staff(company)}
    assert sum(roles[i] == "agent" and later[i] == "end-user" for i in roles) == 2
    assert any(not record["active"] for _, _, record in people.staff(company))
    assert any(
        people.organization(company, i)[1]["organization_fields"]["segment"] != s for i, s in segments.items()
    )


def test_who_left_does_nothing_any_more(company: Company) -> None:
    for agent, versions in company.agent_versions.items():
        acts = company.updates["t"][company.updates["actor"] == company.team.ids[agent]]
        assert len(acts) > 20
        assert acts.max() <= versions[0].t


def test_refusals() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Company(now=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="tickets"):
        Company(tickets=0)
    with pytest.raises(ValueError, match="scenarios"):
        Company(scenarios=("flood",))
    with pytest.raises(ValueError, match="span"):
        Company(1, 100, NOW).advance(days=31)
