"""Freshdesk against the sandbox: a company as a whole, nights, what is asked again and what is not."""

from collections import Counter
from dataclasses import replace

import pytest

from ingestion.health import check
from ingestion.sources import freshdesk, zendesk
from sandbox.server import Sandbox


def source_of(sandbox, name="freshdesk", **wrong):
    env = {**sandbox.env("freshdesk"), **wrong}
    return freshdesk.source(name, env["FRESHDESK_URL"], api_key=env["FRESHDESK_API_KEY"])


@pytest.fixture
def sandbox():
    with Sandbox(tickets=300, seed=5, profile="real") as running:
        yield running


def by_stream(result):
    return {each.stream: each for each in result.streams}


def asked(sandbox, since, part):
    return [request for request in sandbox.requests[since:] if part in request.path]


def told(sandbox):
    """Ids of the conversations that the account shows now, ticket by ticket."""
    records = sandbox.apis["freshdesk"].records
    tickets, _ = records.listed("")
    return Counter(str(each["id"]) for ticket in tickets.tolist() for each in records.conversations(ticket))


def test_a_first_load_equals_the_company_and_a_night_asks_only_for_what_changed(sandbox, lander):
    source = source_of(sandbox)
    first = lander.fetch(source)
    assert first.failed_sources == []
    tickets, _ = sandbox.apis["freshdesk"].records.listed("")
    assert sorted(map(int, lander.ids("freshdesk", "tickets"))) == [ticket + 1 for ticket in tickets.tolist()]
    assert Counter(lander.ids("freshdesk", "conversations")) == told(sandbox)
    assert by_stream(first)["conversations"].requests == len(tickets)
    assert (by_stream(first)["conversations"].parts, by_stream(first)["conversations"].of_parts) == (
        len(tickets),
        len(tickets),
    )
    assert len(lander.ids("freshdesk", "satisfaction_ratings")) > 0
    assert len(lander.ids("freshdesk", "time_entries")) > 0

    before = len(sandbox.requests)
    again = lander.fetch(source)
    assert [each.stream for each in again.streams if each.batches] == []
    assert asked(sandbox, before, "/conversations") == []

    for _ in range(3):
        sandbox.advance(days=1)
        before = len(sandbox.requests)
        night = by_stream(lander.fetch(source))
        changed = len({*lander.ids("freshdesk", "tickets")[-night["tickets"].landed :]})
        assert len(asked(sandbox, before, "/conversations")) <= changed
    # What was read is not landed again, and nothing is missing.
    assert Counter(lander.ids("freshdesk", "conversations")) == told(sandbox)


def test_doctor_reads_every_stream(sandbox):
    findings = check(source_of(sandbox), sleep=lambda _: None)
    assert [each.text for each in findings if not each.ok] == []
    assert {each.subject for each in findings} == {stream.name for stream in freshdesk.STREAMS}
    [refused, *_] = check(source_of(sandbox, FRESHDESK_API_KEY="wrong"), sleep=lambda _: None)
    assert not refused.ok
    assert "FRESHDESK_API_KEY" in refused.text


def test_faults_cost_requests_and_nothing_else(sandbox, lander, tmp_path):
    for kind in ("500", "502", "429", "reset", "truncated", "html", "empty"):
        sandbox.faults.add(kind, times=None, probability=0.01)
    lossy = lander.fetch(source_of(sandbox))
    assert lossy.failed_sources == []
    assert sum(each.retries for each in lossy.traffic.values()) == sandbox.faults.met > 0
    shown = {key: sorted(lander.ids(*key)) for key in lander.landing.streams()}
    sandbox.faults.clear()
    clean = type(lander)(tmp_path / "clean", lander.clock)
    clean.fetch(source_of(sandbox))
    assert shown == {key: sorted(clean.ids(*key)) for key in clean.landing.streams()}


def test_two_accounts_and_both_helpdesks_land_apart(sandbox, lander):
    with Sandbox(tickets=100, seed=8, profile="clean") as other:
        both = [source_of(sandbox), source_of(other, name="emea"), *zendesk_of(sandbox)]
        assert lander.fetch(*both).failed_sources == []
        tickets = {name: set(lander.ids(name, "tickets")) for name in ("freshdesk", "emea", "zendesk")}
        assert len(tickets["emea"]) < 150 < len(tickets["freshdesk"])
        assert tickets["freshdesk"] <= tickets["zendesk"]
        # The settings of one lead to the helpdesk of another: its records stay apart.
        swapped = lander.fetch(replace(zendesk_of(sandbox)[0], name="emea"))
        assert all("landed from freshdesk account" in str(each.error) for each in swapped.streams)


def zendesk_of(sandbox):
    env = sandbox.env("zendesk")
    login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
    return (zendesk.source("zendesk", env["ZENDESK_URL"], **login),)
