"""The loop over Zendesk's ways of paging: nothing lost, nothing twice, and a state that can be trusted."""

import errno
import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.extract import refetch
from ingestion.http import PermanentError, TransientError
from ingestion.landing import LandingError


def ticket(number, stamp=1_770_000_000, **fields):
    return {"id": number, "generated_timestamp": stamp, "status": "open", **fields}


def event(number, stamp, ticket_id=None):
    return {"id": number, "ticket_id": ticket_id or number, "timestamp": stamp, "child_events": []}


def iso(stamp):
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%dT%H:%M:%SZ}"


def metric(number, stamp):
    return {"id": number, "ticket_id": number, "metric": "reply_time", "type": "activate", "time": iso(stamp)}


def test_2500_tickets_with_one_timestamp_are_three_pages(account, zendesk_source, lander):
    account.records["tickets"] = [ticket(number) for number in range(2500)]
    result = lander.stream(zendesk_source("tickets"), "tickets")
    assert (result.error, result.requests, result.landed) == (None, 3, 2500)
    assert set(lander.ids("zendesk", "tickets")) == {str(number) for number in range(2500)}


def test_a_ticket_is_landed_as_sent_with_the_clock_that_moves_on_system_changes(
    account, zendesk_source, lander, vendor
):
    """Its `updated_at` lies a month before the last state: a filter on it would drop the change."""
    sent = ticket(9_007_199_254_740_993, 1_780_000_000, updated_at="2026-05-01T00:00:00Z", status="deleted")
    account.records["tickets"] = [sent]
    lander.fetch(zendesk_source("tickets"))
    (row,) = lander.rows("zendesk", "tickets")
    assert row["record_id"] == "9007199254740993"
    assert row["changed_at"] == datetime.fromtimestamp(1_780_000_000, UTC)
    assert row["deleted"] is True
    assert row["payload"] == json.dumps(sent)
    assert row["fetched_at"] == vendor.now
    assert vendor.asked[0].params == {
        "include": "metric_sets",
        "support_type_scope": "all",
        "start_time": "0",
        "per_page": "1000",
    }


def test_boundary_repeats_of_the_time_based_export_land_once(account, zendesk_source, lander):
    # Every tenth second is shared by two pages of 1,000.
    account.records["ticket_events"] = [event(number, 1_770_000_000 + number // 3) for number in range(3500)]
    source = zendesk_source("ticket_events")
    result = lander.stream(source, "ticket_events")
    assert result.error is None
    assert sorted(map(int, lander.ids("zendesk", "ticket_events"))) == list(range(3500))
    assert result.received == 3500 + result.duplicates
    again = lander.stream(source, "ticket_events")
    assert (again.landed, again.batches, again.unchanged) == (0, [], again.received)


def test_the_same_event_with_new_content_lands_as_a_version(account, zendesk_source, lander):
    account.records["ticket_events"] = [event(1, 1_770_000_000), event(2, 1_770_000_000)]
    source = zendesk_source("ticket_events")
    lander.fetch(source)
    account.records["ticket_events"][1] = {**event(2, 1_770_000_000), "via": "Mail"}
    lander.fetch(source)
    assert lander.ids("zendesk", "ticket_events") == ["1", "2", "2"]


def test_a_second_that_fills_a_page_of_metric_events_is_read_by_cursor(
    account, zendesk_source, lander, vendor
):
    full = 1_770_000_100
    stamps = [full - 50] * 30 + [full] * 2500 + [full + 7] * 40
    account.records["ticket_metric_events"] = [metric(number, stamp) for number, stamp in enumerate(stamps)]
    result = lander.stream(zendesk_source("ticket_metric_events"), "ticket_metric_events")
    assert result.error is None
    assert sorted(map(int, lander.ids("zendesk", "ticket_metric_events"))) == list(range(2570))
    assert {asked.params.get("page[size]") for asked in vendor.asked} == {None, "100"}


def test_a_full_second_read_by_cursor_survives_batches_inside_it(
    account, zendesk_source, lander, monkeypatch
):
    monkeypatch.setattr("ingestion.records.BATCH_ROWS", 300)
    full = 1_770_000_100
    stamps = [full - 1] * 5 + [full] * 1999 + [full + 1]
    account.records["ticket_metric_events"] = [metric(number, stamp) for number, stamp in enumerate(stamps)]
    result = lander.stream(zendesk_source("ticket_metric_events"), "ticket_metric_events")
    assert len(result.batches) > 3
    assert sorted(map(int, lander.ids("zendesk", "ticket_metric_events"))) == list(range(2005))


def test_organizations_that_fill_a_second_fail_loudly_and_the_rest_lands(account, zendesk_source, lander):
    account.records["organizations"] = [{"id": 0, "updated_at": iso(1_769_999_000)}] + [
        {"id": number, "updated_at": iso(1_770_000_000)} for number in range(1, 1501)
    ]
    account.records["tickets"] = [ticket(1)]
    result = lander.fetch(zendesk_source("organizations", "tickets"))
    errors = {each.stream: each.error for each in result.streams}
    assert isinstance(errors["organizations"], PermanentError)
    assert "1000 or more records changed in the second 1770000000" in str(errors["organizations"])
    assert errors["tickets"] is None
    assert result.failed_sources == ["zendesk"]
    assert lander.ids("zendesk", "tickets") == ["1"]
    assert lander.landing.latest("zendesk", "organizations").cursors[""]["start_time"] == 1_770_000_000
    # It fails every night, and lands nothing again meanwhile.
    landed = len(lander.ids("zendesk", "organizations"))
    assert lander.fetch(zendesk_source("organizations")).failed_sources == ["zendesk"]
    assert len(lander.ids("zendesk", "organizations")) == landed


def test_a_full_second_of_ticket_events_is_stepped_over_and_filled_from_audits(
    account, zendesk_source, lander
):
    full = 1_770_000_100
    # The page of the second shows tickets 1-1000; 1001-1500 changed then too, 1400 only by its updated_at,
    # 1500 shows the second in a metric event alone.
    account.records["ticket_events"] = (
        [event(9001, full - 60, 77)]
        + [event(number, full, number) for number in range(1, 1501)]
        + [event(9002, full + 60, 78)]
    )
    account.records["tickets"] = [ticket(number, full) for number in range(1, 1400)] + [
        ticket(1400, full + 5000, updated_at=iso(full)),
        ticket(1500, full + 9000, updated_at=iso(full + 9000)),
        ticket(1600, full + 9000, updated_at=iso(full + 9000)),
    ]
    account.records["ticket_metric_events"] = [{**metric(1, full), "ticket_id": 1500}]
    filled = {*range(1, 1401), 1500} - {3}
    account.audits = {
        str(number): [{"id": number, "ticket_id": number, "created_at": iso(full), "events": []}]
        for number in filled
    }
    source = zendesk_source("ticket_events", "tickets", "ticket_metric_events", "ticket_audits")
    result = lander.fetch(source)
    assert [each.error for each in result.streams] == [None] * 4
    events = lander.ids("zendesk", "ticket_events")
    assert len(events) == len(set(events)) == 1002  # one page of the second, and what lies around it
    assert set(events) >= {"9001", "9002"}
    (skip,) = lander.landing.latest("zendesk", "ticket_events").skipped
    assert skip["second"] == full
    assert len(skip["ticket_ids"]) == 1000
    assert set(map(int, lander.ids("zendesk", "ticket_audits"))) == filled
    notes = next(each.notes for each in result.streams if each.stream == "ticket_audits")
    assert notes == ["3 is gone (404): left out"]

    again = {each.stream: each for each in lander.fetch(source).streams}
    assert again["ticket_audits"].requests == 0
    refetch(lander.landing, source, "ticket_events", datetime.fromtimestamp(full + 60, UTC))
    lander.fetch(source)
    # A later batch does not forget what was stepped over.
    account.records["ticket_events"].append(event(9003, full + 600, 79))
    lander.fetch(source)
    assert lander.landing.latest("zendesk", "ticket_events").cursors[""]["skipped"][0]["second"] == full


def test_audits_are_filled_again_while_the_tickets_could_not_be_read(account, zendesk_source, lander, reply):
    full = 1_770_000_100
    account.records["ticket_events"] = [event(number, full, 1) for number in range(1, 1201)]
    account.audits = {"1": [{"id": 5, "created_at": iso(full), "events": []}]}
    source = zendesk_source("ticket_events", "tickets", "ticket_audits")
    account.vendor.answer = lambda path, params: (
        reply({}, 500) if "tickets/cursor" in path else account.answer(path, params)
    )
    lander.fetch(source)
    account.vendor.answer = account.answer
    account.records["tickets"] = [ticket(2, full)]
    account.audits["2"] = [{"id": 6, "created_at": iso(full), "events": []}]
    lander.fetch(source)
    assert set(lander.ids("zendesk", "ticket_audits")) == {"5", "6"}


@pytest.mark.parametrize("stream", ["tickets", "ticket_events", "ticket_metric_events"])
def test_a_crash_after_page_2_of_5_then_a_rerun_equals_an_uninterrupted_fetch(
    account, zendesk_source, lander, tmp_path, reply, stream
):
    make = {"tickets": ticket, "ticket_events": event, "ticket_metric_events": metric}[stream]
    account.records[stream] = [make(number, 1_770_000_000 + number // 2) for number in range(4800)]
    source = zendesk_source(stream)
    pages = iter(range(100))
    account.vendor.answer = lambda path, params: (
        account.answer(path, params) if next(pages) < 2 else reply({}, 500)
    )
    first = lander.stream(source, stream)
    assert isinstance(first.error, TransientError)
    assert 1990 <= first.landed <= 2000
    account.vendor.answer = account.answer
    second = lander.stream(source, stream)
    assert second.error is None
    assert second.received <= 2820  # it goes on, it does not start again
    ids = lander.ids("zendesk", stream)
    assert sorted(map(int, ids)) == list(range(4800))


def test_five_failures_stop_the_stream_without_moving_its_state(account, zendesk_source, lander, reply):
    account.records["tickets"] = [ticket(1)]
    source = zendesk_source("tickets")
    lander.fetch(source)
    before = lander.landing.latest("zendesk", "tickets")
    account.records["tickets"].append(ticket(2, 1_770_000_999))
    account.vendor.answer = lambda path, params: reply({}, 429)
    result = lander.stream(source, "tickets")
    assert (result.requests, result.batches) == (5, [])
    assert lander.landing.latest("zendesk", "tickets") == before
    account.vendor.answer = account.answer
    lander.fetch(source)
    assert lander.ids("zendesk", "tickets") == ["1", "2"]


def test_the_state_never_passes_the_newest_record_nor_the_vendors_last_minute(
    account, zendesk_source, lander, vendor
):
    source = zendesk_source("ticket_events")
    now = int(vendor.now.timestamp())
    account.records["ticket_events"] = [event(1, now - 5000)]
    lander.fetch(source)
    assert lander.landing.latest("zendesk", "ticket_events").cursors[""]["start_time"] == now - 5000
    account.records["ticket_events"].append(event(2, now - 10))  # a vendor that does not hold back
    lander.fetch(source)
    assert lander.landing.latest("zendesk", "ticket_events").cursors[""]["start_time"] == now - 60
    account.records["ticket_events"].append(event(3, now - 30))  # settled late
    lander.fetch(source)
    assert lander.ids("zendesk", "ticket_events") == ["1", "2", "3"]


def test_start_at_bounds_the_first_fetch(account, zendesk_source, lander, vendor):
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    lander.fetch(zendesk_source(start_at=begin))
    starts = {
        asked.path: asked.params["start_time"] for asked in vendor.asked if "start_time" in asked.params
    }
    assert len(starts) == 6
    assert set(starts.values()) == {str(int(begin.timestamp()))}


def test_odd_records_land_with_nulls_and_break_nothing(account, zendesk_source, lander, vendor):
    sent = [
        {"generated_timestamp": 1_770_000_000},  # no id
        {"generated_timestamp": 1_770_000_000},  # the very same again
        {"id": 2, "generated_timestamp": "2026-02-30T99:00:00Z"},  # no time
        {"id": "abc", "generated_timestamp": "2026-02-02T10:00:00+02:00"},
        {"id": [3], "generated_timestamp": None, "status": {"deleted": True}},
        {"id": 4, "generated_timestamp": "2026-02-02T10:00:00", "custom_fields": "redacted"},  # no zone
        "a text",
        None,
        {"id": 12345678901234567890123, "generated_timestamp": -1, "status": 7},
    ]
    vendor.answer = lambda path, params: {"tickets": sent, "after_cursor": "x", "end_of_stream": True}
    result = lander.stream(zendesk_source("tickets"), "tickets")
    assert (result.error, result.received, result.landed, result.duplicates) == (None, 9, 8, 1)
    rows = lander.rows("zendesk", "tickets")
    assert [row["record_id"] for row in rows] == [
        None, "2", "abc", None, "4", None, None, "12345678901234567890123",
    ]  # fmt: skip
    stamps = [row["changed_at"] and row["changed_at"].isoformat() for row in rows]
    assert stamps == ["2026-02-02T02:40:00+00:00", None, "2026-02-02T08:00:00+00:00", *[None] * 5]
    assert not any(row["deleted"] for row in rows)
    assert [json.loads(row["payload"]) for row in rows] == [sent[0], *sent[2:]]


def test_a_record_that_is_no_json_costs_what_is_lost_of_it(vendor, zendesk_source, lander):
    """Half an emoji, a Latin-1 letter, a value of 100,000 levels: each record lands, and the next page."""
    first = [
        rb'{"id": 1, "generated_timestamp": 1770000000, "subject": "cut \ud83d"}',
        b'{"id": 2, "generated_timestamp": 1770000001, "subject": "caf\xe9"}',
        b'{"id": 3, "generated_timestamp": 1770000002, "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        rb'{"id": 4, "generated_timestamp": 1770000003, "subject": "whole \ud83d\ude00"}',
    ]
    last = {"after_cursor": "b", "end_of_stream": True, "tickets": [ticket(5)]}
    pages = {
        "0": b'{"after_cursor": "a", "end_of_stream": false, "tickets": [' + b", ".join(first) + b"]}",
        "a": last,
    }
    vendor.answer = lambda path, params: pages[params.get("cursor", "0")]
    result = lander.stream(zendesk_source("tickets"), "tickets")
    assert (result.error, result.requests, result.received) == (None, 2, 5)
    payloads = {row["record_id"]: row["payload"] for row in lander.rows("zendesk", "tickets")}
    assert payloads == {
        "1": r'{"id": 1, "generated_timestamp": 1770000000, "subject": "cut \ufFfD"}',
        "2": r'{"id": 2, "generated_timestamp": 1770000001, "subject": "caf\ufFfD"}',
        "3": r'{"id": 3, "generated_timestamp": 1770000002, "deep": '
        + "[" * 497
        + r'"\uFfFd"'
        + "]" * 497
        + "}",
        "4": first[3].decode(),
        "5": json.dumps(ticket(5)),
    }
    [note] = result.notes
    assert note == "3 hold text or values that are not JSON; these alone are lost: 1, 2, 3"


def test_a_detail_that_is_no_json_costs_what_is_lost_of_it(vendor, zendesk_source, lander):
    holidays = b'{"holidays": [{"name": "Weihnachten \\udf84", "start_date": "2026-12-25"}]}'
    listed = {"schedules": [{"id": 7, "updated_at": iso(1_770_000_000)}], "meta": {"has_more": False}}
    vendor.answer = lambda path, params: holidays if path.endswith("holidays.json") else listed
    result = lander.stream(zendesk_source("schedules"), "schedules")
    assert (result.error, result.landed) == (None, 1)
    assert r"Weihnachten \ufFfD" in lander.rows("zendesk", "schedules")[0]["payload"]
    assert "schedules/7/holidays.json" in result.notes[0]


@pytest.mark.parametrize(
    "body", [{"tickets": None}, {"error": "nope"}, {"tickets": {"1": {}}}, [], {"tickets": [], "meta": 3}]
)
def test_an_answer_of_another_shape_is_an_error_and_lands_nothing(zendesk_source, lander, vendor, body):
    vendor.answer = lambda path, params: body
    result = lander.stream(zendesk_source("tickets"), "tickets")
    assert isinstance(result.error, PermanentError)
    assert lander.landing.batches() == []


def test_a_walk_that_does_not_move_on_ends(zendesk_source, lander, vendor):
    vendor.answer = lambda path, params: {"tickets": [], "after_cursor": "same", "end_of_stream": False}
    result = lander.stream(zendesk_source("tickets"), "tickets")
    assert "no new cursor" in str(result.error)
    assert len(vendor.asked) == 2


def test_a_complete_list_lands_changes_and_tombstones_only(account, zendesk_source, lander, vendor):
    source = zendesk_source("groups")
    account.records["groups"] = [
        {"id": number, "name": "A", "deleted": False, "updated_at": "2026-01-01T00:00:00Z"}
        for number in range(250)
    ]
    assert lander.stream(source, "groups").landed == 250
    assert lander.stream(source, "groups").batches == []

    vendor.now += timedelta(days=1)
    moved = account.records["groups"][5] = {**account.records["groups"][5], "name": "B"}
    account.records["groups"][6] = {**moved, "id": 6, "updated_at": "2026-06-02T08:00:00Z"}
    account.records["groups"][7] = {**moved, "id": 7, "deleted": True, "updated_at": "2026-06-02T08:00:00Z"}
    gone = account.records["groups"].pop(8)
    result = lander.stream(source, "groups")
    assert (result.received, result.landed, result.unchanged, result.tombstones) == (249, 4, 246, 1)
    rows = {row["record_id"]: row for row in lander.rows("zendesk", "groups")[250:]}
    assert rows["5"]["changed_at"] == vendor.now  # its own time did not move
    assert rows["6"]["changed_at"] == datetime(2026, 6, 2, 8, tzinfo=UTC)
    assert rows["7"]["deleted"] is True
    assert (rows["8"]["deleted"], rows["8"]["changed_at"]) == (True, vendor.now)
    assert json.loads(rows["8"]["payload"]) == gone
    assert lander.stream(source, "groups").batches == []

    account.records["groups"].append(gone)  # restored
    vendor.now += timedelta(days=1)
    assert lander.stream(source, "groups").landed == 1
    last = lander.rows("zendesk", "groups")[-1]
    assert (last["record_id"], last["deleted"], last["changed_at"]) == ("8", False, vendor.now)


def test_a_list_that_was_not_read_to_its_end_makes_no_tombstone(account, zendesk_source, lander, reply):
    source = zendesk_source("groups")
    account.records["groups"] = [{"id": number, "updated_at": iso(1_770_000_000)} for number in range(150)]
    lander.fetch(source)
    account.records["groups"] = account.records["groups"][:120]
    account.vendor.answer = lambda path, params: (
        reply({}, 500) if "page[after]" in params else account.answer(path, params)
    )
    result = lander.stream(source, "groups")
    assert isinstance(result.error, TransientError)
    assert (result.tombstones, result.batches) == (0, [])
    account.vendor.answer = account.answer
    assert lander.stream(source, "groups").tombstones == 30


def test_a_list_without_cursor_pages_is_followed_by_number(zendesk_source, lander, vendor):
    pages = {"": ([1, 2], "x"), "2": ([3], None)}
    vendor.answer = lambda path, params: {
        "groups": [{"id": number} for number in pages[params.get("page", "")][0]],
        "next_page": pages[params.get("page", "")][1],
    }
    lander.fetch(zendesk_source("groups"))
    assert lander.ids("zendesk", "groups") == ["1", "2", "3"]


def test_a_schedule_lands_with_its_holidays(account, zendesk_source, lander):
    account.records["schedules"] = [{"id": 5, "time_zone": "Magadan", "intervals": []}]
    account.records["holidays/5"] = [{"id": 1, "name": "New Year", "start_date": "2026-01-01"}]
    source = zendesk_source("schedules")
    lander.fetch(source)
    (row,) = lander.rows("zendesk", "schedules")
    assert json.loads(row["payload"]) == {
        "schedule": account.records["schedules"][0],
        "holidays": account.records["holidays/5"],
    }
    assert lander.stream(source, "schedules").batches == []
    account.records["holidays/5"] = []
    assert lander.stream(source, "schedules").landed == 1


def test_ratings_are_read_from_the_newest_on_and_in_any_order(account, zendesk_source, lander, vendor):
    def rating(number, created):
        return {"id": number, "score": "good", "created_at": created, "updated_at": created}

    everything = [rating(number, iso(1_770_000_000 + number * 60)) for number in range(260)]
    everything = everything[::2] + everything[1::2]  # no order
    shown = list(everything)

    def answer(path, params):
        start = int(params.get("start_time", 0))
        found = [each for each in shown if datetime.fromisoformat(each["created_at"]).timestamp() >= start]
        return account.paged(found, "satisfaction_ratings", params)

    vendor.answer = answer
    source = zendesk_source("satisfaction_ratings")
    assert lander.stream(source, "satisfaction_ratings").landed == 260
    newest = 1_770_000_000 + 259 * 60
    assert lander.landing.latest("zendesk", "satisfaction_ratings").cursors[""]["since"] == newest
    shown += [rating(300, iso(newest)), rating(301, iso(newest + 5))]
    again = lander.stream(source, "satisfaction_ratings")
    assert (again.requests, again.landed, again.unchanged) == (1, 2, 1)
    assert lander.stream(source, "satisfaction_ratings").batches == []


def test_an_interrupted_walk_over_ratings_leaves_no_hole(account, zendesk_source, lander, vendor, reply):
    """Newest first: had the first pages moved the state, the older half would never be read."""
    ratings = [
        {"id": number, "created_at": iso(1_770_000_000 - number), "updated_at": iso(1_770_000_000 - number)}
        for number in range(500)
    ]

    def answer(path, params):
        found = [
            each
            for each in ratings
            if datetime.fromisoformat(each["created_at"]).timestamp() >= int(params.get("start_time", 0))
        ]
        return account.paged(found, "satisfaction_ratings", params)

    left = iter(range(2))
    vendor.answer = lambda path, params: (
        answer(path, params) if next(left, None) is not None else reply({}, 502)
    )
    source = zendesk_source("satisfaction_ratings")
    assert lander.stream(source, "satisfaction_ratings").landed == 200
    vendor.answer = answer
    assert lander.stream(source, "satisfaction_ratings").requests == 3
    assert sorted(map(int, lander.ids("zendesk", "satisfaction_ratings"))) == list(range(500))
    assert lander.stream(source, "satisfaction_ratings").batches == []


def test_a_plan_without_a_stream_is_a_note_until_something_landed(account, zendesk_source, lander, reply):
    account.vendor.answer = lambda path, params: (
        reply({}, 403) if "slas" in path else account.answer(path, params)
    )
    result = lander.stream(zendesk_source("sla_policies"), "sla_policies")
    assert result.error is None
    assert "not part of this plan" in result.notes[0]
    account.vendor.answer = account.answer
    account.records["sla_policies"] = [{"id": 1}]
    lander.fetch(zendesk_source("sla_policies"))
    account.vendor.answer = lambda path, params: reply({}, 403)
    assert isinstance(lander.stream(zendesk_source("sla_policies"), "sla_policies").error, PermanentError)


def test_wrong_credentials_fail_every_stream_and_no_other_source(
    account, zendesk_source, typeform_source, lander, vendor, reply
):
    vendor.answer = lambda path, params: (
        reply({}, 401) if path.startswith("/api/") else {"items": [], "page_count": 1}
    )
    result = lander.fetch(zendesk_source(), typeform_source)
    assert result.failed_sources == ["zendesk"]
    assert all("ZENDESK_API_TOKEN" in str(each.error) for each in result.streams if each.error)
    assert all("top-secret" not in str(each.error) for each in result.streams)


def test_another_account_under_the_same_instance_is_refused(account, zendesk_source, lander):
    account.records["tickets"] = [ticket(1)]
    source = zendesk_source("tickets")
    lander.fetch(source)
    assert lander.landing.latest("zendesk", "tickets").account == "loopback"
    # Loopback is one account whatever its port or spelling.
    other = replace(source, url=source.url.replace("127.0.0.1", "localhost"))
    assert lander.stream(other, "tickets").error is None
    moved = replace(source, account=lambda get: "second")
    lander.fetch(moved)
    account.records["tickets"].append(ticket(2, 1_770_000_009))
    lander.fetch(moved)
    assert lander.landing.latest("zendesk", "tickets").account == "loopback#second"
    refused = lander.stream(replace(source, account=lambda get: "third"), "tickets")
    assert isinstance(refused.error, PermanentError)
    assert "loopback#second" in str(refused.error)
    assert lander.ids("zendesk", "tickets") == ["1", "2"]


def test_a_new_spec_version_fetches_from_the_start(account, zendesk_source, lander):
    account.records["tickets"] = [ticket(1)]
    account.records["groups"] = [{"id": 1, "updated_at": iso(1_770_000_000)}]
    source = zendesk_source("tickets", "groups")
    lander.fetch(source)
    raised = replace(
        source, streams=tuple(replace(each, spec_version=each.spec_version + 1) for each in source.streams)
    )
    lander.fetch(raised)
    lander.fetch(raised)
    assert lander.ids("zendesk", "tickets") == ["1", "1"]
    assert lander.ids("zendesk", "groups") == ["1", "1"]
    first, second = lander.rows("zendesk", "groups")
    assert first["changed_at"] == second["changed_at"]  # the same version of the record


def test_refetch_reads_a_stream_again_from_a_time_on(account, zendesk_source, lander, vendor):
    account.records["tickets"] = [ticket(number, 1_770_000_000 + number) for number in range(10)]
    account.records["groups"] = [{"id": 1}]
    source = zendesk_source("tickets", "groups", "users")
    lander.fetch(source)
    since = datetime.fromtimestamp(1_770_000_006, UTC)
    assert refetch(lander.landing, source, "tickets", since) == ["tickets"]
    assert lander.landing.latest("zendesk", "tickets").landed == 0
    again = {each.stream: each.landed for each in lander.fetch(source).streams}
    assert again == {"tickets": 4, "groups": 0, "users": 0}
    assert refetch(lander.landing, source) == ["tickets", "groups"]  # users never landed
    again = {each.stream: each.landed for each in lander.fetch(source).streams}
    assert again == {"tickets": 10, "groups": 1, "users": 0}
    assert {each.stream: each.landed for each in lander.fetch(source).streams} == dict.fromkeys(again, 0)
    with pytest.raises(ValueError, match="has no stream 'nope'"):
        refetch(lander.landing, source, "nope")


def test_batches_end_at_rows_bytes_and_seconds(account, zendesk_source, lander, clock, monkeypatch):
    account.records["tickets"] = [ticket(number, 1_770_000_000 + number) for number in range(5000)]
    monkeypatch.setattr("ingestion.records.BATCH_ROWS", 2000)
    assert len(lander.stream(zendesk_source("tickets"), "tickets").batches) == 3
    monkeypatch.setattr("ingestion.records.BATCH_ROWS", 100_000)
    monkeypatch.setattr("ingestion.records.BATCH_BYTES", 1000)
    assert len(lander.stream(zendesk_source("tickets", name="two"), "tickets").batches) == 5
    monkeypatch.setattr("ingestion.records.BATCH_BYTES", 10**9)

    def slow(path, params):
        clock.now += 31
        return account.answer(path, params)

    account.vendor.answer = slow
    assert len(lander.stream(zendesk_source("tickets", name="three"), "tickets").batches) == 3


def test_a_full_disk_is_one_clear_error(account, zendesk_source, lander, monkeypatch):
    account.records["tickets"] = [ticket(1)]
    source = zendesk_source("tickets", "users")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LandingError, match="No space left on device"):
            lander.fetch(source)
    assert lander.landing.batches() == []
    assert [path for path in lander.landing.root.rglob("*") if path.is_file()] == []
    lander.fetch(source)
    assert lander.ids("zendesk", "tickets") == ["1"]


def test_progress_counts_up(account, zendesk_source, lander, clock):
    from ingestion.extract import fetch

    account.records["tickets"] = [ticket(number) for number in range(2500)]
    seen = []
    fetch([zendesk_source("tickets")], lander.landing, progress=seen.append, clock=clock)
    assert [each.received for each in seen] == [1000, 2000, 2500, 2500]
    assert seen[-1].landed == 2500


def test_nothing_secret_reaches_files_logs_or_errors(account, zendesk_source, lander, vendor, reply, caplog):
    caplog.set_level(logging.DEBUG)
    account.records["tickets"] = [ticket(1)]
    source = zendesk_source()
    login = vendor.asked and vendor.asked[0].headers["authorization"]
    result = lander.fetch(source)
    vendor.answer = lambda path, params: reply({}, 403)
    failed = lander.fetch(source)
    secrets = ["top-secret", vendor.asked[0].headers["authorization"].split()[1]]
    assert login != secrets
    texts = [caplog.text, repr(source), repr(result), repr(failed)]
    texts += [str(each.error) for each in failed.streams]
    for secret in secrets:
        assert not any(secret in text for text in texts)
        for path in lander.landing.root.rglob("*.parquet"):
            assert secret.encode() not in path.read_bytes()
