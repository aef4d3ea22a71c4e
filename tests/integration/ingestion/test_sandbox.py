"""Both vendors against the sandbox: a company as a whole, a night, faults."""

from collections import Counter

import pytest

from ingestion.health import check
from ingestion.sources import typeform, zendesk
from sandbox.server import Sandbox


def sources_of(sandbox, **wrong):
    env = {**sandbox.env(), **wrong}
    return (
        zendesk.source(
            "zendesk", env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
        ),
        typeform.source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
    )


@pytest.fixture
def sandbox():
    with Sandbox(tickets=400, seed=5, profile="clean") as running:
        yield running


def by_stream(result):
    return {f"{each.source}/{each.stream}": each for each in result.streams}


def test_a_first_load_equals_the_company_and_a_night_is_few_requests(sandbox, lander):
    first = lander.fetch(*sources_of(sandbox))
    assert first.failed_sources == []
    company = sandbox.company
    ids = {
        stream: lander.ids("zendesk", stream)
        for source, stream in lander.landing.streams()
        if source == "zendesk"
    }
    assert len(ids["tickets"]) == company.ticket_count()
    assert len(ids["ticket_events"]) == (company.event_times <= company.horizon).sum()
    sent = company.updates["t"][company.survey_rows]
    assert len(ids["survey_responses"]) == (sent <= company.now_seconds).sum() > 0
    assert len(ids["ticket_metric_events"]) == (company.metric_times <= company.horizon).sum()
    for stream, found in ids.items():
        assert len(set(found)) == len(found), stream
    assert by_stream(first)["zendesk/ticket_metric_events"].duplicates > 0  # boundary doubles were given

    before = len(sandbox.requests)
    again = lander.fetch(*sources_of(sandbox))
    assert sum(len(each.batches) for each in again.streams) == 0
    assert len(sandbox.requests) - before <= 22

    sandbox.advance(days=1)
    before = len(sandbox.requests)
    night = lander.fetch(*sources_of(sandbox))
    assert night.failed_sources == []
    assert by_stream(night)["zendesk/tickets"].landed > 0
    assert len(sandbox.requests) - before <= 22


def test_faults_cost_requests_and_nothing_else(sandbox, lander, tmp_path):
    # Together seldom enough that no request meets as many in a row as it has attempts.
    for kind in ("500", "502", "429", "reset", "truncated", "html", "empty"):
        sandbox.faults.add(kind, times=None, probability=0.01)
    lossy = lander.fetch(*sources_of(sandbox))
    assert lossy.failed_sources == []
    assert sandbox.faults.met > 0
    assert sum(each.retries for each in lossy.traffic.values()) == sandbox.faults.met
    landed = Counter((source, stream) for source, stream in lander.landing.streams())
    shown = {key: sorted(lander.ids(*key)) for key in landed}
    sandbox.faults.clear()
    clean = type(lander)(tmp_path / "clean", lander.clock)
    clean.fetch(*sources_of(sandbox))
    assert shown == {key: sorted(clean.ids(*key)) for key in clean.landing.streams()}


def test_a_storm_on_one_source_stops_only_that(sandbox, lander):
    sandbox.faults.add("500", "/zendesk/", times=None)
    result = lander.fetch(*sources_of(sandbox))
    assert result.failed_sources == ["zendesk"]
    assert lander.ids("typeform", "responses")
    assert not [path for path in lander.landing.batches("zendesk")]
    sandbox.faults.clear()
    assert lander.fetch(*sources_of(sandbox)).failed_sources == []


def test_a_bulk_import_in_one_second_loses_no_event(lander):
    """1,200 tickets of one second: its events come from one page of the export and from the audits."""
    with Sandbox(tickets=200, seed=5, scenarios=("bulk_import",), profile="clean") as sandbox:
        result = lander.fetch(*sources_of(sandbox))
        assert result.failed_sources == []
        company = sandbox.company
        events, audits = (set(lander.ids("zendesk", name)) for name in ("ticket_events", "ticket_audits"))
        existing = (company.event_times <= company.horizon).sum()
        assert len(events) < existing
        # Deleted tickets have no audits any more, and the run says so; no other ticket misses an event.
        notes = by_stream(result)["zendesk/ticket_audits"].notes
        gone = {note.removesuffix(" is gone (404): left out") for note in notes}
        deleted = {row["record_id"] for row in lander.rows("zendesk", "tickets") if row["deleted"]}
        assert gone <= deleted
        assert existing - len(events | audits) <= len(gone) < 30
        requests = len(sandbox.requests)
        assert lander.fetch(*sources_of(sandbox)).failed_sources == []
        assert len(sandbox.requests) - requests <= 22


def test_the_check_says_what_is_wrong(sandbox):
    for source in sources_of(sandbox):
        findings = check(source, sleep=lambda seconds: None)
        assert [each.subject for each in findings if not each.ok] == []
        assert {each.subject for each in findings} == {stream.name for stream in source.streams}
    wrong = sources_of(sandbox, ZENDESK_API_TOKEN="nope", TYPEFORM_TOKEN="nope")
    for source, variable in zip(wrong, ("ZENDESK_API_TOKEN", "TYPEFORM_TOKEN"), strict=True):
        (finding,) = check(source, sleep=lambda seconds: None)
        assert not finding.ok
        assert variable in finding.text
