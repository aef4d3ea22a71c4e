"""Records as the vendors really sent them land byte for byte."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ingestion.streams import Partitions

SHARED = Path(__file__).parents[4] / "shared" / "api"

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="recorded vendor records (../shared/api) are absent"
)


def zendesk_records():
    """(stream, record) with the record's bytes untouched."""
    text = (SHARED / "zendesk" / "one_record_per_stream.json").read_bytes()
    pairs = msgspec.json.decode(text, type=list[tuple[str, msgspec.Raw]])
    return {name.split("/")[1]: bytes(record) for name, record in pairs}


def typeform_records(stream):
    lines = (SHARED / "typeform" / "records.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in lines]
    return [bytes(each["data"]) for each in found if json.loads(bytes(each["stream"])) == stream]


FETCHED = [
    "tickets", "ticket_metric_events", "users", "organizations", "satisfaction_ratings", "groups", "brands",
    "ticket_fields", "sla_policies", "schedules", "ticket_audits",
]  # fmt: skip


@pytest.mark.parametrize("stream", FETCHED)
def test_a_recorded_zendesk_record_lands_byte_equal(stream, zendesk_source, lander, vendor):
    record = zendesk_records()[stream]
    (declared,) = zendesk_source(stream).streams
    body = (
        b'{"%s": [%s], "end_of_stream": true, "after_cursor": "c", "meta": {"has_more": false}, "count": 1}'
    )

    def answer(path, params):
        if path.endswith("/holidays.json"):
            return b'{"holidays": []}'
        return body % (declared.records.encode(), record)

    vendor.answer = answer
    source = zendesk_source(stream)
    if declared.partitions:
        fill = replace(declared, partitions=lambda *_: Partitions(["1"]), after=())
        source = replace(source, streams=(fill,))
    result = lander.stream(source, stream)
    assert (result.error, result.landed) == (None, 1)
    (row,) = lander.rows("zendesk", stream)
    expected = b'{"schedule": %s, "holidays": []}' % record if stream == "schedules" else record
    assert row["payload"].encode() == expected
    assert row["record_id"] == str(json.loads(record)["id"])
    # Volatile fields of the recording are the text "redacted": no time is guessed from them.
    clock = json.loads(record).get(declared.clock)
    assert (row["changed_at"] is None) == (clock == "redacted")


def test_recorded_pages_of_organizations_land_byte_equal(zendesk_source, lander, vendor):
    """A walk as recorded: one organization a page, `links.next` filled on the last page too."""
    recorded = json.loads(
        (SHARED / "zendesk" / "cursor_paging_recordings" / "pagination_test_execute.json").read_text()
    )
    pages = []
    for each in recorded:
        if each["method"] == "GET" and each["path"].startswith("/api/v2/organizations.json"):
            answer = each["response"]
            text = "".join(answer) if isinstance(answer, list) else answer
            pages.append(
                gzip.decompress(bytes.fromhex(text)) if isinstance(text, str) else json.dumps(text).encode()
            )
    assert len(pages) > 3
    answers = iter(pages)
    vendor.answer = lambda path, params: next(answers)
    (groups,) = zendesk_source("groups").streams
    listed = replace(groups, name="organizations", records="organizations")
    result = lander.stream(replace(zendesk_source("groups"), streams=(listed,)), "organizations")
    assert result.error is None
    shown = [org for page in pages for org in json.loads(page)["organizations"]]
    assert [json.loads(row["payload"]) for row in lander.rows("zendesk", "organizations")] == shown[
        : result.landed
    ]
    last = pages[result.requests - 1]
    assert json.loads(last)["meta"]["has_more"] is False
    for row in lander.rows("zendesk", "organizations"):
        assert any(row["payload"].encode() in page for page in pages)


def freshdesk_records():
    """The records of each stream, their bytes untouched."""
    found: dict[str, list[bytes]] = {}
    for line in (SHARED / "freshdesk" / "records.jsonl").read_bytes().splitlines():
        each = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        found.setdefault(json.loads(bytes(each["stream"])), []).append(bytes(each["data"]))
    return found


def test_recorded_freshdesk_records_land_byte_equal(freshdesk_source, lander, vendor):
    recorded = freshdesk_records()
    assert {"agents", "contacts", "groups", "companies", "ticket_fields"} <= set(recorded)

    def answer(path, params):
        is_asked = params.get("state") is None
        found = recorded.get(path.removeprefix("/api/v2/"), []) if is_asked else []
        return b"[%s]" % b",".join(found)

    vendor.answer = answer
    result = lander.fetch(freshdesk_source())
    assert [each.error for each in result.streams if each.error] == []
    for stream, records in recorded.items():
        rows = lander.rows("freshdesk", stream)
        assert [row["payload"].encode() for row in rows] == records
        assert [row["record_id"] for row in rows] == [str(json.loads(each)["id"]) for each in records]
        assert not any(row["changed_at"] is None for row in rows)


def test_recorded_typeform_records_land_byte_equal(typeform_source, lander, vendor):
    forms = {json.loads(form)["id"]: form for form in typeform_records("forms")}
    responses = typeform_records("responses")

    def answer(path, params):
        parts = path.strip("/").split("/")
        if parts == ["forms"]:
            items = [
                {key: json.loads(form)[key] for key in ("id", "last_updated_at")} for form in forms.values()
            ]
            return {"page_count": 1, "items": items}
        if len(parts) == 2 and parts[0] == "forms":
            return forms[parts[1]]
        if parts[0] == "forms":
            found = [each for each in responses if f"/{parts[1]}".encode() in each]
            return b'{"total_items": %d, "items": [%s]}' % (len(found), b",".join(found))
        return {}

    vendor.answer = answer
    result = lander.fetch(typeform_source)
    assert [(each.error, each.landed) for each in result.streams] == [(None, 3), (None, 7)]
    assert {row["payload"].encode() for row in lander.rows("typeform", "forms")} == set(forms.values())
    rows = lander.rows("typeform", "responses")
    assert {row["payload"].encode() for row in rows} == set(responses)
    assert {row["record_id"].split("/")[0] for row in rows} == set(forms)
    assert not any(row["changed_at"] is None for row in rows)
