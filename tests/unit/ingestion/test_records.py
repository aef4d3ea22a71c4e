"""Splitting pages: nothing is guessed, nothing is rebuilt."""

from datetime import UTC, datetime

import msgspec
import pytest

from ingestion.http import PermanentError
from ingestion.landed import ulid_time
from ingestion.paging import CursorExport, CursorWindow
from ingestion.records import Decoder, microseconds
from ingestion.sources import VENDORS, typeform, zendesk
from ingestion.sources.zendesk import STREAMS
from ingestion.streams import Deletion, Stream


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-08-01T17:02:45Z", "2024-08-01T17:02:45+00:00"),
        ("2024-08-01T17:02:45.123456+02:00", "2024-08-01T15:02:45.123456+00:00"),
        (1722531765, "2024-08-01T17:02:45+00:00"),
        ("2024-08-01T17:02:45", None),
        ("2024-08-01", None),
        ("redacted", None),
        ("2024-02-30T00:00:00Z", None),
        ("1722531765", None),
        ("", None),
        (None, None),
        (True, None),
        (1.5, None),
        (-5, None),
        (10**17, None),
        ([2024], None),
    ],
)
def test_a_time_is_read_or_null(value, expected):
    # Alone, and beside a good value: one odd record must not spoil its page.
    alone, (beside, good) = microseconds([value]), microseconds([value, "1970-01-01T00:00:01Z"])
    assert alone == [beside]
    assert good == 1_000_000
    shown = None if beside is None else datetime.fromtimestamp(beside / 1e6, UTC).isoformat()
    assert shown == expected


def test_payloads_are_the_bytes_between_the_commas():
    stream = Stream("x", "/x", "rows", CursorExport(), deletion=Deletion("gone", lambda gone: gone is True))
    first = '{"id":  1, "updated_at":"2024-08-01T17:02:45Z", "f": 1.10, "u": "\\u00e9 é", "gone": true}'
    body = f' {{"rows" : [ {first} ,\n{{"id":"a"}} ], "end_of_stream": true, "extra": {{}} }}'.encode()
    page = Decoder(stream).decode(body)
    assert page.records == [first.encode(), b'{"id":"a"}']
    assert (page.ids, page.deleted) == (["1", "a"], [True, False])
    assert page.envelope == {"after_cursor": None, "end_of_stream": True}
    assert page.clocks == [1722531765000000, None]


def test_the_vendors_order_may_be_another_field_than_the_clock():
    stream = Stream("x", "/x", "rows", CursorWindow())
    body = (
        b'{"rows": [{"id": 1, "created_at": "1970-01-01T00:00:05Z", "updated_at": "1970-01-01T00:00:09Z"}]}'
    )
    page = Decoder(stream).decode(body)
    assert (page.order, page.clocks) == ([5_000_000], [9_000_000])


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "2016-07-30T23:54:10.259000+00:00"),  # the example of the ULID spec
        ("01M4FMZGKXZY6T2TJTER5PJWV7", "2026-10-09T06:18:03.261000+00:00"),  # expires 28 days later to the ms
        ("01ARZ3NDEKTSV4RRFFQ69G5FA", None),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAU", None),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", None),  # beyond the year 9999
        ("", None),
    ],
)
def test_a_ulid_tells_when_it_was_made(identifier, expected):
    made = ulid_time(identifier)
    assert (None if made is None else datetime.fromtimestamp(made / 1e6, UTC).isoformat()) == expected


def test_a_survey_response_changed_when_its_newest_answer_did():
    """As recorded: the rating was changed a minute after it was given; one that is not answered was sent."""
    (stream,) = (each for each in STREAMS if each.name == "survey_responses")
    body = b"""{"survey_responses": [
        {"id": "01M4FMZGKXZY6T2TJTER5PJWV7", "answers": [
            {"type": "rating_scale", "updated_at": "2026-10-09T06:19:22.892Z"},
            {"type": "open_ended", "updated_at": "2026-10-09T06:18:21.129Z"}]},
        {"id": "01M4FN1G6MN73MBPWFKV1N9XF9", "answers": []},
        {"id": "01M4FN1G6MN73MBPWFKV1N9XF9", "answers": [{"updated_at": "redacted"}]},
        {"id": 5, "answers": "odd"}]}"""
    clocks = [
        None if at is None else datetime.fromtimestamp(at / 1e6, UTC).strftime("%H:%M:%S.%f")[:-3]
        for at in Decoder(stream).decode(body).clocks
    ]
    assert clocks == ["06:19:22.892", "06:19:08.372", "06:19:08.372", None]


def test_a_body_that_is_cut_off_is_refused():
    with pytest.raises(msgspec.DecodeError):
        Decoder(STREAMS[0]).decode(b'{"tickets": [{"id": 1}, {"id"')


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"email": "", "api_token": "t"}, "EMEA__ZENDESK_EMAIL"),
        ({"email": "a@b", "api_token": ""}, "EMEA__ZENDESK_API_TOKEN"),
        ({"email": "a@b", "api_token": "se\ncret"}, "EMEA__ZENDESK_API_TOKEN"),
        ({"oauth_token": "secrét"}, "EMEA__ZENDESK_OAUTH_TOKEN"),
    ],
)
def test_credentials_that_cannot_be_sent_are_named_not_shown(given, variable):
    with pytest.raises(PermanentError, match=variable) as caught:
        zendesk.source("emea", "https://acme.zendesk.com", **given)
    assert "cret" not in str(caught.value)


def test_sources_are_made_from_plain_settings():
    source = VENDORS["zendesk"].source("zendesk", "https://acme.zendesk.com/api/v2/", oauth_token="abc")
    assert (source.url, source.headers) == ("https://acme.zendesk.com", {"Authorization": "Bearer abc"})
    basic = zendesk.source("emea", "https://acme.zendesk.com", email="a@b.c", api_token="tok")
    assert basic.headers["Authorization"] == "Basic YUBiLmMvdG9rZW46dG9r"  # a@b.c/token:tok
    assert basic.variables[0] == "EMEA__ZENDESK_URL"
    assert typeform.source("typeform", "t").url == "https://api.typeform.com"
    assert "Bearer" not in repr(source)
