"""The truth on tickets told by hand, and against the generator's own clocks."""

from typing import Any

import pytest

from sandbox.catalog import (
    CLOSED,
    CSAT_FORM,
    DELETED,
    HOLD,
    MERGED_TAG,
    NPS_FORM,
    OPEN,
    PENDING,
    SOLVED,
    SPAM_TAG,
    schedules,
)
from sandbox.clocks import FULFILL, REPLY, STATUS, MetricEvent
from sandbox.company import Company
from sandbox.hours import Schedule
from sandbox.lifecycle import AGENT_REPLY, AUTO_REPLY, CUSTOMER_COMMENT, INTERNAL_NOTE
from sandbox.surveys import Answer
from sandbox.truth import Calendars, TicketTruth, csat, distribution, nps, ticket_truth, tickets, truth
from sandbox.vendors.zendesk.records import Records


def truth_of(ticket: Any) -> TicketTruth:
    return ticket_truth(ticket.updates, Calendars(schedules(2024, 2024)))


def minutes(found: TicketTruth, measure: str) -> float:
    return found.seconds[measure] / 60


def test_first_reply_is_by_a_human_and_public(story: Any) -> None:
    ticket = story("10:00").at("10:00:05", comment=AUTO_REPLY).at("10:05", comment=INTERNAL_NOTE)
    assert minutes(truth_of(ticket.at("10:30", comment=AGENT_REPLY)), "first_reply") == 30


def test_an_agents_opening_comment_is_no_reply(story: Any) -> None:
    ticket = story("10:00", comment=AGENT_REPLY).at("10:20", comment=CUSTOMER_COMMENT)
    assert minutes(truth_of(ticket.at("10:50", comment=AGENT_REPLY)), "first_reply") == 50


def test_next_reply(story: Any) -> None:
    ticket = story("10:00").at("10:30", comment=AGENT_REPLY)
    ticket.at("11:00", comment=CUSTOMER_COMMENT).at("11:40", comment=CUSTOMER_COMMENT)
    found = truth_of(ticket.at("12:10", comment=AGENT_REPLY))
    assert minutes(found, "first_reply") == 30
    assert [calendar / 60 for calendar, _ in found.next_replies] == [70]


def test_waits(story: Any) -> None:
    ticket = story("13:00").at("13:30", status=OPEN).at("14:00", status=PENDING).at("16:00", status=OPEN)
    ticket.at("17:00", status=HOLD).at("18:00", status=OPEN)
    assert truth_of(ticket).seconds == {}
    found = truth_of(ticket.at("19:00", status=SOLVED))
    spent = {name: seconds / 60 for name, seconds in found.seconds.items()}
    assert spent == {
        "agent_work": 180,
        "requester_wait": 240,
        "full_resolution": 360,
        "first_resolution": 360,
        "agent_wait": 120,
        "on_hold": 60,
    }


def test_reopening(story: Any) -> None:
    ticket = story("10:00").at("12:00", status=SOLVED).at("14:00", status=OPEN)
    reopened = truth_of(ticket)
    assert reopened.reopens == 1
    assert "full_resolution" not in reopened.seconds
    found = truth_of(ticket.at("17:00", status=SOLVED).at("8 17:00", status=CLOSED))
    assert (minutes(found, "first_resolution"), minutes(found, "full_resolution"), found.reopens) == (
        120,
        420,
        1,
    )


def test_closing_counts_as_solving_where_nothing_else_does(story: Any) -> None:
    assert minutes(truth_of(story("10:00").at("11:00", status=CLOSED)), "first_resolution") == 60


def test_exclusions(story: Any) -> None:
    assert truth_of(story("10:00")).excluded is None
    assert truth_of(story("10:00").at("11:00", status=DELETED)).excluded == "deleted"
    assert truth_of(story("10:00").at("11:00", status=DELETED, tags=SPAM_TAG)).excluded == "spam"
    assert truth_of(story("10:00").at("11:00", status=CLOSED, tags=MERGED_TAG)).excluded == "merged"
    assert truth_of(story("10:00").at("11:00", status=DELETED).at("12:00", status=OPEN)).excluded is None


def test_business_time_follows_the_schedule_in_force(story: Any) -> None:
    # New York: office until Wednesday 16:00Z, then around the clock; Tuesday 13:00Z to Wednesday 22:00Z.
    office = tuple((day * 1440 + 540, day * 1440 + 1020) for day in range(1, 6))
    always = tuple((day * 1440, day * 1440 + 1440) for day in range(7))
    zone = "America/New_York"
    calendars = Calendars([Schedule(1, "office", "", zone, office), Schedule(2, "always", "", zone, always)])
    ticket = story("13:00").at("5 16:00", schedule=1).at("5 22:00", status=SOLVED)
    assert ticket_truth(ticket.updates, calendars).business_seconds["full_resolution"] == 1020 * 60


def test_distribution_interpolates() -> None:
    found = distribution([10, 20, 30, 40, 1000])
    assert found["n"] == 5
    assert found["mean_seconds"] == 220
    assert found["median_seconds"] == 30
    assert found["p90_seconds"] == pytest.approx(616)
    assert distribution([]) == {"n": 0}


class FewAnswers(Company):
    """A company whose survey answers are given by hand."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(seed=1, tickets=1)
        self.answers = sorted(answers)
        self.organization_of[:] = -1
        self.organization_of[1] = 2
        self.segments[2] = 2
        self.organization_versions = {}


def answer(company_start: int, form: str, ticket: int, score: int | None, hour: int, **more: int) -> Answer:
    t = company_start + hour * 3600
    values = {"customer": 0, "segment": -1} | more
    return Answer(t, t, form, hour, t - 60, values["customer"], ticket, score, values["segment"], 0, -1)


def test_one_csat_answer_per_ticket_the_latest_with_a_score() -> None:
    company = FewAnswers([])
    at = company.start
    company.answers = [
        answer(at, CSAT_FORM, 7, 5, 1),
        answer(at, CSAT_FORM, 7, 2, 2),
        answer(at, CSAT_FORM, 7, None, 3),
        answer(at, CSAT_FORM, 8, 4, 4),
    ]
    good = TicketTruth("1", 0, None, score=2)
    offered = TicketTruth("2", 0, None, score=1)
    found = csat(company, [good, offered])
    assert found["all"] == {"n": 3, "positive": 2, "csat_pct": pytest.approx(200 / 3)}
    assert found["helpdesk"] == {"n": 1, "positive": 1, "csat_pct": 100}
    assert found[CSAT_FORM] == {"n": 2, "positive": 1, "csat_pct": 50}


def test_nps_by_segment_falls_back_to_the_organization() -> None:
    company = FewAnswers([])
    at = company.start
    company.answers = [
        answer(at, NPS_FORM, -1, 10, 1, segment=0),
        answer(at, NPS_FORM, -1, 9, 2, segment=0),
        answer(at, NPS_FORM, -1, 6, 3, customer=1),
        answer(at, NPS_FORM, -1, 8, 4),
        answer(at, NPS_FORM, -1, None, 5),
    ]
    found = nps(company)
    assert found["all"] == {"n": 4, "promoters": 2, "passives": 1, "detractors": 1, "nps": 25}
    assert found["Enterprise"]["nps"] == 100
    assert found["SMB"]["nps"] == -100
    assert found["(none)"]["passives"] == 1


def test_the_vendors_clocks_agree_with_the_walk(company: Company) -> None:
    """First-reply minutes of metric events (look-ups) equal those of the truth (walked)."""
    by_ticket = {int(t.ticket_id) - 1: t for t in tickets(company)}
    fulfilled: dict[int, int] = {}
    compared = 0
    for row in company.metric_events[company.metric_times <= company.horizon].tolist():
        event = MetricEvent(*row)
        if event.metric == REPLY and event.instance == 1 and event.type == FULFILL:
            fulfilled[event.ticket] = event.t
        if event.metric == REPLY and event.instance == 1 and event.type == STATUS:
            found = by_ticket[event.ticket]
            if found.created + found.seconds.get("first_reply", -1) == fulfilled[event.ticket]:
                assert (event.a, event.b) == (
                    found.seconds["first_reply"] // 60,
                    found.business_seconds["first_reply"] // 60,
                )
                compared += 1
    assert compared > 700


def test_metric_sets_agree_with_the_walk(company: Company) -> None:
    records = Records(company)
    names = {
        "reply_time": "first_reply",
        "first_resolution_time": "first_resolution",
        "full_resolution_time": "full_resolution",
        "requester_wait_time": "requester_wait",
        "agent_wait_time": "agent_wait",
        "on_hold_time": "on_hold",
    }
    for ticket, found in enumerate(tickets(company)):
        life = company.life(ticket)
        metrics = records.metric_set(ticket, life)
        assert (metrics["replies"], metrics["reopens"]) == (found.public_agent_replies, found.reopens)
        for theirs, ours in names.items():
            minutes_found = metrics[f"{theirs}_in_minutes"]
            calendar, business = found.seconds.get(ours), found.business_seconds.get(ours)
            if calendar is None:  # while a ticket is unsolved they tell what there was so far
                assert life[-1].status not in (SOLVED, CLOSED) or minutes_found["calendar"] is None
                continue
            assert minutes_found["calendar"] == (calendar + 30) // 60
            if len({update.schedule for update in life}) == 1:
                assert minutes_found["business"] == (business + 30) // 60


def test_the_whole_truth_hangs_together(company: Company) -> None:
    found = truth(company)
    assert found["tickets"] + sum(found["excluded"].values()) == 1000
    assert set(found["excluded"]) == {"deleted", "merged", "spam"}
    assert (
        sum(found["volume"]["by_day"].values())
        == sum(found["volume"]["by_month"].values())
        == found["tickets"]
    )
    assert set(found["sla"]) == {
        "first_reply", "next_reply", "agent_work", "requester_wait",
        "periodic_update", "pausable_update", "total_resolution", "group_ownership",
    }  # fmt: skip
    segments = [value for name, value in found["nps"].items() if name != "all"]
    assert sum(value["n"] for value in segments) == found["nps"]["all"]["n"]
    times = found["response_times"]
    means = [
        times[f"{name}/calendar"]["mean_seconds"]
        for name in ("agent_work", "requester_wait", "full_resolution")
    ]
    assert means == sorted(means)
