"""Typeform: every version of a form, every response once, late ones too."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.http import PermanentError, TransientError


class Forms:
    """Answers as Typeform documents: responses newest first, times inclusive, `before` exclusive."""

    def __init__(self, vendor):
        self.forms, self.responses, self.vendor = {}, {}, vendor
        vendor.answer = self.answer

    def add(self, form_id, updated="2026-01-01T00:00:00+00:00", **fields):
        self.forms[form_id] = {
            "id": form_id,
            "title": "T",
            "fields": [],
            "last_updated_at": updated,
            **fields,
        }
        self.responses.setdefault(form_id, [])

    def respond(self, form_id, token, at, **fields):
        stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        response = {"token": token, "response_id": token, "submitted_at": stamp, "answers": [], **fields}
        self.responses[form_id].append(response)
        return response

    def answer(self, path, params):
        parts = path.strip("/").split("/")
        if parts == ["forms"]:
            listed = [
                {key: form[key] for key in ("id", "title", "last_updated_at")} for form in self.forms.values()
            ]
            size, page = int(params["page_size"]), int(params["page"])
            pages = max(1, -(-len(listed) // size))
            return {
                "total_items": len(listed),
                "page_count": pages,
                "items": listed[(page - 1) * size : page * size],
            }
        if parts[0] != "forms" or parts[1] not in self.forms:
            return self.missing
        if len(parts) == 2:
            return self.forms[parts[1]]
        since, until = params.get("since", ""), params.get("until", "9")
        found = [each for each in self.responses[parts[1]] if since <= each["submitted_at"] <= until]
        if "included_response_ids" in params:
            ids = params["included_response_ids"].split(",")
            found = [each for each in found if each["response_id"] in ids]
        found.sort(key=lambda each: (each["submitted_at"], each["token"]), reverse=True)
        if "before" in params:
            tokens = [each["token"] for each in found]
            found = found[tokens.index(params["before"]) + 1 :]
        size = int(params["page_size"])
        return {"total_items": len(found), "page_count": -(-len(found) // size), "items": found[:size]}


@pytest.fixture
def forms(vendor, reply):
    forms = Forms(vendor)
    forms.missing = reply({"code": "FORM_NOT_FOUND"}, 404)
    return forms


START = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_first_load_above_a_page_and_a_rerun_without_news(forms, typeform_source, lander, vendor):
    forms.add("f/1")
    for number in range(2500):
        forms.respond("f/1", f"t{number:05}", START + timedelta(seconds=number // 2))
    forms.forms["f%2F1"], forms.responses["f%2F1"] = forms.forms["f/1"], forms.responses["f/1"]
    forms.forms.pop("f/1")
    result = lander.stream(typeform_source, "responses")
    assert (result.error, result.requests, result.landed) == (None, 3, 2500)
    assert sorted(lander.ids("typeform", "responses")) == [f"f/1/t{number:05}" for number in range(2500)]
    assert lander.stream(typeform_source, "responses").batches == []
    assert [path for path in vendor.paths() if path == "/forms/f%2F1"] == ["/forms/f%2F1"]  # read once


def test_a_response_that_appears_late_is_not_lost(forms, typeform_source, lander, vendor):
    forms.add("f1")
    newest = vendor.now - timedelta(hours=5)
    forms.respond("f1", "first", newest - timedelta(minutes=90))
    forms.respond("f1", "second", newest)
    lander.fetch(typeform_source)
    forms.respond("f1", "late", newest - timedelta(minutes=29))
    forms.respond("f1", "same-second", newest)
    result = lander.stream(typeform_source, "responses")
    assert (result.landed, result.unchanged) == (2, 1)
    # The hour before the newest is asked for again.
    asked = [each for each in vendor.asked if each.path.endswith("/responses")][-1]
    assert asked.params["since"] == f"{newest - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert lander.stream(typeform_source, "responses").batches == []


def test_a_changed_response_within_the_hour_lands_again(forms, typeform_source, lander, vendor):
    forms.add("f1")
    sent = forms.respond("f1", "a", vendor.now - timedelta(hours=2))
    lander.fetch(typeform_source)
    sent["answers"] = [{"type": "number", "number": 5}]
    lander.fetch(typeform_source)
    assert lander.ids("typeform", "responses") == ["f1/a", "f1/a"]


def test_the_state_stays_behind_the_last_half_hour(forms, typeform_source, lander, vendor):
    forms.add("f1")
    forms.respond("f1", "a", vendor.now - timedelta(minutes=1))
    lander.fetch(typeform_source)
    state = lander.landing.latest("typeform", "responses").cursors["f1"]
    assert state["since"] == int((vendor.now - timedelta(minutes=30)).timestamp())


def test_an_interrupted_walk_leaves_no_hole(forms, typeform_source, lander, vendor, reply):
    """Newest first: had page 1 moved the state, the older responses would never be read."""
    forms.add("f1")
    for number in range(3500):
        forms.respond("f1", f"t{number:05}", START + timedelta(seconds=number))
    left = iter(range(2))

    def flaky(path, params):
        if path.endswith("/responses") and next(left, None) is None:
            return reply({}, 500)
        return forms.answer(path, params)

    vendor.answer = flaky
    first = lander.stream(typeform_source, "responses")
    assert isinstance(first.error, TransientError)
    assert first.landed == 2000
    # More arrive while nobody reads.
    forms.respond("f1", "x", START + timedelta(hours=2))
    vendor.answer = forms.answer
    lander.fetch(typeform_source)
    lander.fetch(typeform_source)
    ids = lander.ids("typeform", "responses")
    assert len(ids) == len(set(ids)) == 3501
    assert lander.stream(typeform_source, "responses").batches == []


def test_every_version_of_a_definition_lands_once(forms, typeform_source, lander, vendor):
    forms.add("f1", fields=[{"id": "q", "type": "rating", "properties": {"steps": 5}}])
    forms.add("f2")
    assert lander.stream(typeform_source, "forms").landed == 2
    forms.add("f1", "2026-05-20T10:00:00+00:00", fields=[{"id": "q", "properties": {"steps": 10}}])
    result = lander.stream(typeform_source, "forms")
    assert (result.received, result.landed, result.unchanged, result.requests) == (2, 1, 1, 2)
    rows = lander.rows("typeform", "forms")
    assert [row["record_id"] for row in rows] == ["f1", "f2", "f1"]
    assert rows[2]["changed_at"] == datetime(2026, 5, 20, 10, tzinfo=UTC)
    assert json.loads(rows[2]["payload"])["fields"][0]["properties"]["steps"] == 10
    assert lander.stream(typeform_source, "forms").requests == 1


def test_a_form_changed_in_the_last_minute_is_read_again(forms, typeform_source, lander, vendor):
    """A second change within the same second would not move its clock."""
    stamp = f"{vendor.now - timedelta(seconds=20):%Y-%m-%dT%H:%M:%S+00:00}"
    forms.add("f1", stamp)
    lander.fetch(typeform_source)
    forms.add("f1", stamp, title="changed in the same second")
    assert lander.stream(typeform_source, "forms").landed == 1


def test_a_deleted_form_is_a_tombstone_and_keeps_its_responses(forms, typeform_source, lander, vendor):
    forms.add("f1")
    forms.add("f2")
    forms.respond("f1", "a", START)
    lander.fetch(typeform_source)
    del forms.forms["f1"]
    result = {each.stream: each for each in lander.fetch(typeform_source).streams}
    assert result["forms"].tombstones == 1
    assert result["responses"].requests == 1  # f2 only
    assert [row["deleted"] for row in lander.rows("typeform", "forms")] == [False, False, True]
    assert lander.ids("typeform", "responses") == ["f1/a"]


def test_a_form_that_vanishes_while_it_is_read_stops_nothing(forms, typeform_source, lander, vendor):
    forms.add("f1")
    forms.add("f2")
    forms.respond("f2", "a", START)
    vendor.answer = lambda path, params: (
        forms.missing if path.startswith("/forms/f1") else forms.answer(path, params)
    )
    result = {each.stream: each for each in lander.fetch(typeform_source).streams}
    assert (result["forms"].error, result["responses"].error) == (None, None)
    assert "f1 vanished" in result["forms"].notes[0]
    assert lander.ids("typeform", "forms") == ["f2"]
    assert lander.ids("typeform", "responses") == ["f2/a"]


def test_forms_that_were_read_land_when_a_later_one_fails(forms, typeform_source, lander, vendor, reply):
    for form in ("f1", "f2", "f3"):
        forms.add(form)
    vendor.answer = lambda path, params: reply({}, 500) if path == "/forms/f2" else forms.answer(path, params)
    result = lander.stream(typeform_source, "forms")
    assert isinstance(result.error, TransientError)
    assert (result.received, result.landed) == (1, 1)
    vendor.answer = forms.answer
    assert lander.stream(typeform_source, "forms").landed == 2


def test_known_forms_are_read_while_the_list_fails(forms, typeform_source, lander, vendor, reply):
    forms.add("f1")
    lander.fetch(typeform_source)
    forms.respond("f1", "a", START)
    vendor.answer = lambda path, params: reply({}, 500) if path == "/forms" else forms.answer(path, params)
    result = lander.fetch(typeform_source)
    assert result.failed_sources == ["typeform"]
    assert lander.ids("typeform", "responses") == ["f1/a"]


def test_a_token_of_another_account_is_refused(forms, typeform_source, lander, vendor):
    forms.add("f1")
    me = {"user_id": "01AAA", "email": "ada@example.com"}
    vendor.answer = lambda path, params: me if path == "/me" else forms.answer(path, params)
    lander.fetch(typeform_source)
    account = lander.landing.latest("typeform", "forms").account
    assert account.startswith("loopback#")
    assert "01AAA" not in account
    me["user_id"] = "01BBB"
    result = lander.fetch(typeform_source)
    assert [type(each.error) for each in result.streams] == [PermanentError, PermanentError]
    # A token that may no longer ask for its account is given the benefit of the doubt.
    vendor.answer = forms.answer
    assert lander.fetch(typeform_source).failed_sources == []


def test_start_at_bounds_the_first_fetch(forms, typeform_source, lander, vendor):
    forms.add("f1")
    for hours in (1, 2, 3):
        forms.respond("f1", f"t{hours}", START + timedelta(hours=hours))
    source = replace(typeform_source, start_at=START + timedelta(hours=2))
    lander.fetch(source)
    assert sorted(lander.ids("typeform", "responses")) == ["f1/t2", "f1/t3"]
