"""An answer that a customer changed within its 28 days is seen: with its ticket, else within the days."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingestion.extract import refetch
from ingestion.landed import ulid_floor
from ingestion.paging import CursorWindow
from sandbox.server import Sandbox
from tests.integration.ingestion.conftest import Lander, Reply
from tests.integration.ingestion.test_sandbox import sources_of

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
LIFE = 28 * DAY


class Surveys:
    """Tickets and the survey responses about them, as the vendor gives them out."""

    def __init__(self, vendor, account):
        self.vendor, self.account = vendor, account
        self.responses, self.log, self.asked, self.breaks = [], [], [], None
        vendor.answer, vendor.now = self.answer, START

    def send(self, at):
        number = len(self.responses)
        stamp = int(at.timestamp() * 1000)
        self.responses.append(
            {
                "id": f"{ulid_floor(stamp)}{number:016}",
                "answers": [],
                "subject_zrns": [f"zen:ticket:{number}"],
                "sent": stamp,
            }
        )
        self.touch(number, at)
        return number

    def order(self):
        """As the vendor lists them; what is about a ticket keeps to it."""
        self.responses.sort(key=lambda each: each["sent"])

    def change(self, number, at, *, tells=True):
        """The customer answers, or changes the answer; whether the ticket shows it."""
        answer = {"type": "open_ended", "updated_at": at.isoformat(timespec="milliseconds")}
        self.responses[number] = {**self.responses[number], "answers": [answer]}
        if tells:
            self.touch(self.responses[number]["subject_zrns"][0].rpartition(":")[2], at)

    def touch(self, number, at):
        self.log.append({"id": int(number), "generated_timestamp": int(at.timestamp()), "status": "solved"})

    def answer(self, path, params):
        if path.endswith("cursor.json"):
            begin = int(params.get("cursor", 0))
            return {"tickets": self.log[begin:], "after_cursor": str(len(self.log)), "end_of_stream": True}
        self.asked.append(params)
        if self.breaks is not None and len(self.asked) > self.breaks:
            return Reply({}, 502)
        start = int(params.get("filter[created_at_start]", 0))
        end = int(params.get("filter[created_at_end]", 10**15))
        now = self.vendor.now.timestamp() * 1000
        subjects = params.get("filter[subject_zrns]", "").split(",")
        found = [
            each
            for each in self.responses
            if start <= each["sent"] <= min(end, now)
            and (subjects == [""] or each["subject_zrns"][0] in subjects)
        ]
        return self.account.paged(found, "survey_responses", params)


@pytest.fixture
def surveys(vendor, account):
    return Surveys(vendor, account)


def night(surveys, lander, source, *, breaks=None):
    surveys.asked, surveys.breaks = [], breaks
    (result,) = [each for each in lander.fetch(source).streams if each.stream == "survey_responses"]
    return result


def newest(lander):
    """The answers of each response in the version that staging takes."""
    rows = sorted(
        lander.rows("zendesk", "survey_responses"), key=lambda row: (row["changed_at"], row["batch_id"])
    )
    return {row["record_id"]: row["payload"] for row in rows}


def landed_answer(lander, response):
    return answered(newest(lander), response["id"]) == response["answers"][0]["updated_at"]


def answered(shown, response_id):
    answers = json.loads(shown.get(response_id, "{}")).get("answers")
    return answers[0]["updated_at"] if answers else ""


def test_a_changed_ticket_tells_which_response_to_ask_for(surveys, zendesk_source, lander, vendor):
    source = zendesk_source("tickets", "survey_responses")
    for number in range(240):
        surveys.send(START - 3 * (240 - number) * timedelta(hours=1))
    first = night(surveys, lander, source)
    assert (first.error, first.landed, first.requests) == (None, 240, 5)
    quiet = night(surveys, lander, source)
    assert (quiet.requests, quiet.batches) == (1, [])
    vendor.now += DAY
    for number in (40, 120, 200):
        surveys.change(number, vendor.now - timedelta(hours=2))
    surveys.touch(3, vendor.now)  # about it was asked 29 days ago: nobody can change it
    told = night(surveys, lander, source)
    assert (told.requests, told.landed) == (2, 3)
    assert surveys.asked[1]["filter[subject_zrns]"] == "zen:ticket:40,zen:ticket:120,zen:ticket:200"
    assert all(landed_answer(lander, surveys.responses[number]) for number in (40, 120, 200))
    again = night(surveys, lander, source)
    assert (again.requests, again.batches) == (1, [])


def test_what_broke_off_is_asked_for_again(surveys, zendesk_source, lander, vendor):
    source = zendesk_source("tickets", "survey_responses")
    for number in range(120):
        surveys.send(START - (120 - number) * timedelta(hours=1))
    night(surveys, lander, source)
    vendor.now += DAY
    for number in range(100):
        surveys.change(number, vendor.now - timedelta(hours=1))
    for breaks in (0, 1, 2):
        assert night(surveys, lander, source, breaks=breaks).error is not None
    vendor.now += 30 * DAY  # no longer young; the change was while it could be
    assert night(surveys, lander, source).error is None
    assert all(landed_answer(lander, each) for each in surveys.responses[:100])


def test_a_vendor_that_refuses_to_be_asked_by_ticket_costs_the_days_and_no_night(
    surveys, zendesk_source, lander, vendor
):
    source = zendesk_source("tickets", "survey_responses")
    for hours in (30, 3):
        surveys.send(START - timedelta(hours=hours))
    night(surveys, lander, source)
    vendor.now += DAY
    surveys.change(0, vendor.now)
    vendor.answer = lambda path, params: (
        Reply({}, 400) if "filter[subject_zrns]" in params else surveys.answer(path, params)
    )
    result = night(surveys, lander, source)
    assert result.error is None
    assert "could not be asked for by tickets" in result.notes[0]
    assert not landed_answer(lander, surveys.responses[0])
    vendor.now += 28 * DAY
    night(surveys, lander, source)
    assert landed_answer(lander, surveys.responses[0])


@pytest.mark.parametrize("since", [None, START - 20 * DAY])
def test_a_refetch_sees_all_at_once(surveys, zendesk_source, lander, vendor, since):
    source = zendesk_source("tickets", "survey_responses")
    for day in range(40):
        surveys.send(START - (40 - day) * DAY)
    night(surveys, lander, source)
    vendor.now += DAY
    surveys.change(30, vendor.now, tells=False)
    night(surveys, lander, source)
    assert not landed_answer(lander, surveys.responses[30])
    refetch(lander.landing, source, "survey_responses", since)
    night(surveys, lander, source)
    assert landed_answer(lander, surveys.responses[30])
    assert night(surveys, lander, source).requests == 1


def test_a_landing_of_before_goes_on(surveys, zendesk_source, lander, vendor):
    """Its declaration asked for all of 29 days each night, and kept no cursor of what was read again."""
    source = zendesk_source("tickets", "survey_responses")
    (stream,) = [each for each in source.streams if each.name == "survey_responses"]
    old = replace(
        stream,
        paging=CursorWindow(
            size=50,
            order=None,
            since_param="filter[created_at_start]",
            per_second=1000,
            overlap=29 * DAY,
        ),
        revisits=None,
        after=(),
    )
    for day in range(40):
        surveys.send(START - (40 - day) * DAY)
    before = replace(source, streams=(source.streams[0], old))
    night(surveys, lander, before)
    surveys.change(39, vendor.now - timedelta(minutes=5))
    night(surveys, lander, before)
    vendor.now += DAY
    surveys.send(vendor.now - timedelta(hours=20))
    surveys.change(30, vendor.now - timedelta(hours=10))
    surveys.change(31, vendor.now - timedelta(hours=10), tells=False)
    result = night(surveys, lander, source)
    assert (result.error, result.requests, len(newest(lander))) == (None, 2, 41)
    assert landed_answer(lander, surveys.responses[30])
    vendor.now += 27 * DAY
    night(surveys, lander, source)
    assert landed_answer(lander, surveys.responses[31])


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    days=st.sampled_from([1, 2, 3, 5, 7, 14, 28, 45]),
    per_day=st.integers(1, 12),
    gaps=st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 9, 31]), min_size=12, max_size=30),
    seed=st.integers(0, 2**32),
)
def test_no_change_is_seen_later_than_the_days(
    surveys, zendesk_source, clock, vendor, tmp_path, days, per_day, gaps, seed
):
    """Nights missed, late or broken off: in the next whole one if the ticket tells, else within the days."""
    random, source = Random(seed), replace(zendesk_source("tickets", "survey_responses"), reread_days=days)
    surveys = Surveys(vendor, surveys.account)
    lander = Lander(Path(mkdtemp(dir=tmp_path)), clock)
    for _ in range(30 * per_day):
        surveys.send(START - random.random() * 40 * DAY)
    surveys.order()
    unseen = []
    for at, gap in enumerate([0, *gaps]):
        before = vendor.now
        vendor.now += gap * DAY + timedelta(minutes=random.randrange(20)) * bool(gap)
        for _ in range(gap * per_day):
            surveys.send(before + random.random() * (vendor.now - before))
        surveys.order()
        for number, each in enumerate(surveys.responses) if at else ():
            latest = min(vendor.now, datetime.fromtimestamp(each["sent"] / 1000, UTC) + LIFE)
            earliest = max(before, datetime.fromtimestamp(each["sent"] / 1000, UTC))
            if earliest < latest and random.random() < 0.05 * min(gap, 3):
                when, tells = earliest + random.random() * (latest - earliest), random.random() < 0.5
                surveys.change(number, when, tells=tells)
                stamp = surveys.responses[number]["answers"][0]["updated_at"]
                unseen.append((when, stamp, tells, each["id"]))
        result = night(surveys, lander, source, breaks=random.choice([None, None, None, 0, 1, 2]))
        if result.error is not None:
            continue
        whole, shown = vendor.now, newest(lander)
        unseen = [change for change in unseen if answered(shown, change[3]) < change[1]]
        for when, _, tells, _ in unseen:
            assert not tells
            assert whole < when + (days - 1) * DAY
        assert len(shown) == len(surveys.responses)


def test_a_night_costs_as_many_requests_whatever_the_size(clock, tmp_path):
    """Of the months of surveys sent no page comes again; a day's changed tickets fit into one request."""
    nights = {}
    for tickets in (400, 2000):
        with Sandbox(
            tickets=tickets, seed=7, now=datetime(2026, 11, 18, 12, tzinfo=UTC), profile="clean"
        ) as box:
            lander, asked = Lander(tmp_path / str(tickets), clock), []
            lander.fetch(*sources_of(box))
            for days in (0, 1, 0, 1):
                box.advance(days=days)
                before = len(box.requests)
                assert lander.fetch(*sources_of(box)).failed_sources == []
                asked.append(len(box.requests) - before)
            nights[tickets] = asked
    assert max(map(max, nights.values())) <= 22
    assert nights[400][0::2] == nights[2000][0::2] == [20, 20]
