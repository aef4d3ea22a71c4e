"""What texts become; what cannot be read is null, listed, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from .conftest import Exports

Convert = Callable[..., tuple[Any, str | None, str | None]]


@pytest.mark.parametrize(
    ("date_format", "zone", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M", "UTC", "9/2/2016 01:16", "2016-02-09T01:16:00Z"),
        ("%d-%m-%Y", "UTC", "01-03-2021", "2021-03-01T00:00:00Z"),
        ("%m/%d/%Y %I:%M:%S %p", "America/New_York", "07/04/2024 01:02:03 PM", "2024-07-04T17:02:03Z"),
        ("%d %b %Y", "Asia/Kolkata", "04 Jun 2024", "2024-06-03T18:30:00Z"),
        ("%d.%m.%Y %H:%M %z", "", "01.06.2024 12:00 +0200", "2024-06-01T10:00:00Z"),
        ("iso8601", "", "2024-06-01T12:00:00.25+02:00", "2024-06-01T10:00:00.250000Z"),
        ("iso8601", "Europe/Berlin", "2024-06-01 12:00", "2024-06-01T10:00:00Z"),
        ("iso8601", "Europe/Berlin", "2024-06-01T12:00:00Z", "2024-06-01T12:00:00Z"),
        ("epoch_s", "", "1717236000", "2024-06-01T10:00:00Z"),
        ("epoch_ms", "", "1717236000250", "2024-06-01T10:00:00.250000Z"),
        # Clocks go back at 03:00 on 2024-10-27: 02:30 occurs twice and is read as the first.
        ("iso8601", "Europe/Berlin", "2024-10-27 02:30", "2024-10-27T00:30:00Z"),
        ("iso8601", "Europe/Berlin", "2024-10-27 03:30", "2024-10-27T02:30:00Z"),
    ],
)
def test_times(value_of: Convert, date_format: str, zone: str, text: str, expected: str) -> None:
    formats = f"{{default: '%Y-%m-%d %H:%M', closed_at: '{date_format}'}}"
    assert value_of("closed_at", text, date_format=formats, time_zone=zone or "UTC") == (expected, None, None)


@pytest.mark.parametrize(
    ("date_format", "text", "reason"),
    [
        ("%d/%m/%Y", "31/31/2023", "does not match the date format %d/%m/%Y"),
        ("%d/%m/%Y", "2023-01-31", "does not match the date format %d/%m/%Y"),
        ("%d/%m/%Y", "31/01/2023 10:00", "does not match the date format %d/%m/%Y"),
        ("%d/%m/%Y", "31/01/23", "does not match the date format %d/%m/%Y"),
        ("%d %b %Y", "04 Foo 2024", "does not match the date format %d %b %Y"),
        ("iso8601", "yesterday", "does not match the date format iso8601"),
        ("iso8601", "9999-12-31T23:00:00-05:00", "does not match the date format iso8601"),
        ("epoch_s", "soon", "does not match the date format epoch_s"),
        ("epoch_s", "NaN", "does not match the date format epoch_s"),
        ("epoch_s", "99999999999999999", "does not match the date format epoch_s"),
        # Clocks go forward at 02:00 on 2024-03-31: no clock in Berlin ever showed 02:30.
        ("iso8601", "2024-03-31 02:30", "does not exist in Europe/Berlin (clocks went forward)"),
    ],
)
def test_a_time_that_is_none_is_null_and_listed(
    value_of: Convert, date_format: str, text: str, reason: str
) -> None:
    formats = f"{{default: '%Y-%m-%d %H:%M', closed_at: '{date_format}'}}"
    value, why, reject = value_of("closed_at", text, date_format=formats, time_zone="Europe/Berlin")
    assert (value, why, reject) == (None, reason, None)


def test_iso_without_offset_and_without_a_declared_zone(exports: Exports) -> None:
    exports.mapping(date_format="iso8601", time_zone="")
    exports.file("id,created,status\n1,2024-05-01T10:00:00,open\n2,2024-05-01T10:00:00Z,open\n")
    result = exports.loaded()
    naive, exact = exports.rows()
    assert naive["payload"]["reject"] == (
        "created_at '9999-99-99a99:99:99': has no offset, and the mapping declares no `time_zone`"
    )
    assert exact["payload"]["values"]["created_at"] == "2024-05-01T10:00:00Z"
    assert result.notes[0].startswith(
        "created_at: 1 not usable, first export.csv line 2: '9999-99-99a99:99:99'"
    )


@pytest.mark.parametrize(
    ("ours", "text", "given", "expected"),
    [
        ("priority", "High ", {}, ("high", None, None)),
        ("priority", "P1", {"value_maps": "{priority: {P1: urgent}}"}, ("urgent", None, None)),
        ("priority", "P9", {"value_maps": "{priority: {P9: null}}"}, (None, None, None)),
        ("priority", "?", {"null_values": "['?', n/a]"}, (None, None, None)),
        ("reopens", "2.0", {}, (2, None, None)),
        ("reopens", "2.5", {}, (None, "is no whole number", None)),
        ("reopens", "123456789012345678", {}, (123456789012345678, None, None)),
        ("reopens", "9" * 19, {}, (None, "is no whole number", None)),
        ("reopens", "9" * 400, {}, (None, "is no whole number", None)),
        ("channel", " Phone ", {}, ("Phone", None, None)),
        ("channel", "Tel", {"value_maps": "{channel: {Fon: Phone}}"}, ("Tel", None, None)),
        ("closed_at", "n/a", {"null_values": "n/a"}, (None, None, None)),
        ("exclusion", "spam", {}, ("spam", None, None)),
    ],
)
def test_words_and_numbers(
    value_of: Convert,
    ours: str,
    text: str,
    given: dict[str, str],
    expected: tuple[Any, str | None, str | None],
) -> None:
    assert value_of(ours, text, **given) == expected


def test_an_unknown_priority_is_kept_as_the_sources_word(exports: Exports, value_of: Convert) -> None:
    value, reason, reject = value_of("priority", "Medium")
    assert value is None
    assert reason == "is no priority (low, normal, high, urgent); map it in `value_maps`"
    assert reject is None
    assert exports.first()["values"]["source_priority"] == "Medium"


@pytest.mark.parametrize(
    ("row", "reject"),
    [
        (",2024-05-01 10:00,open", "the id (id) is empty"),
        ("1,,open", "created_at is empty"),
        ("1,soon,open", "created_at 'aaaa': does not match the date format %Y-%m-%d %H:%M"),
        (
            "1,2024-05-01 10:00,weird",
            "status 'aaaaa': is no status (new, open, pending, hold, solved, closed); map it in `value_maps`",
        ),
        ("1,2024-05-01 10:00,", "status is empty"),
    ],
)
def test_a_row_that_cannot_be_used_lands_with_its_reason(exports: Exports, row: str, reject: str) -> None:
    exports.mapping()
    exports.file(f"id,created,status\n{row}\n9,2024-05-01 10:00,open\n")
    assert exports.loaded().landed == 2
    bad, good = exports.rows()
    assert bad["payload"]["reject"] == reject
    assert good["payload"]["reject"] is None


def test_sla_columns_of_any_metric(exports: Exports) -> None:
    exports.mapping(
        columns="{created_at: created, status: status, first_reply_due_at: due, first_reply_ended_at: end,"
        " vendor_verdict: ok}",
        value_maps="{vendor_verdict: {Y: met, N: breached}}",
    )
    exports.file(
        "id,created,status,due,end,ok\n"
        "1,2024-05-01 10:00,open,2024-05-01 11:00,2024-05-01 10:30,Y\n"
        "2,2024-05-01 10:00,open,2024-05-01 11:00,,\n"
        "3,2024-05-01 10:00,open,,,\n"
    )
    exports.loaded()
    first, second, third = (row["payload"]["values"].get("sla") for row in exports.rows())
    reply = {"metric": "first_reply", "due_at": "2024-05-01T11:00:00Z", "verdict": None}
    assert first == [
        reply | {"ended_at": "2024-05-01T10:30:00Z"},
        {"metric": "vendor", "due_at": None, "ended_at": None, "verdict": "met"},
    ]
    assert second == [reply | {"ended_at": None}]
    assert third is None


@pytest.mark.parametrize(
    ("score", "value", "reject"),
    [
        ("5.0", 5.0, None),
        ("Very good", 5.0, None),
        ("1", 1.0, None),
        ("", None, None),
        ("6", 6.0, None),
        ("1_0", None, "score '9_9': is no number; map it in `value_maps` or name it in `null_values`"),
        ("nan", None, "score 'aaa': is no number; map it in `value_maps` or name it in `null_values`"),
    ],
)
def test_scores_are_numbers_on_whatever_scale(
    exports: Exports, score: str, value: float | None, reject: str | None
) -> None:
    exports.mapping(
        entity="survey_answers",
        columns="{score: s, answered_at: at}",
        value_maps="{score: {Very good: 5}}",
        question="{kind: csat, id: c, scale_min: 1, scale_max: 5, positive_from: 4, text: 'Happy?'}",
    )
    exports.file(f"id,s,at\n1,{score},2024-05-01 10:00\n")
    exports.loaded()
    payload = exports.first()
    assert payload["values"].get("score") == value
    assert payload["values"].get("source_score", "") == score
    assert payload["reject"] == reject
    assert payload["mapping"]["question"] == {
        "kind": "csat",
        "id": "c",
        "text": "Happy?",
        "survey": "desk",
        "scale_min": 1.0,
        "scale_max": 5.0,
        "positive_from": 4.0,
        "direction": "higher_is_better",
    }


def test_neither_an_unanswered_row_nor_an_answer_needs_a_time_but_one_that_can_be_read(
    exports: Exports,
) -> None:
    exports.mapping(entity="survey_answers", columns="{score: s, answered_at: at}", question="{kind: nps}")
    exports.file("id,s,at\n1,,\n2,9,\n3,9,soon\n")
    exports.loaded()
    rejected = [row["payload"]["reject"] for row in exports.rows()]
    assert rejected[:2] == [None, None]
    assert rejected[2].startswith("answered_at ")


def test_an_answers_own_dimensions(exports: Exports) -> None:
    columns = "{score: s, dimension_region: where}"
    exports.mapping(entity="survey_answers", columns=columns, question="{kind: nps}")
    exports.file("id,s,where\n1,9,north\n")
    exports.loaded()
    assert exports.first()["values"]["dimension_region"] == "north"


def test_a_tickets_own_dimensions(exports: Exports) -> None:
    exports.mapping(columns="{created_at: at, status: state, dimension_region: where}")
    exports.file("id,at,state,where\n1,2024-06-01 10:00,open,north\n")
    exports.loaded()
    assert exports.first()["values"]["dimension_region"] == "north"


def test_invitations_say_what_was_sent_to_which_survey(exports: Exports) -> None:
    exports.mapping(
        entity="survey_invitations",
        columns="{sent_at: sent, delivery: state, answered_at: back, customer_id: who}",
        value_maps="{delivery: {Sent: delivered, Bounced: bounced, Opted out: null}}",
        survey="relationship",
    )
    exports.file(
        "id,sent,state,back,who\n7,2024-06-01 10:00,Sent,2024-06-02 08:30,c1\n"
        "8,2024-06-01 10:00,Opted out,,\n9,,,,\n"
    )
    exports.loaded()
    first, second, third = (row["payload"] for row in exports.rows())
    assert first["values"] == {
        "invitation_id": "7",
        "sent_at": "2024-06-01T10:00:00Z",
        "delivery": "delivered",
        "answered_at": "2024-06-02T08:30:00Z",
        "customer_id": "c1",
    }
    assert first["mapping"]["survey"] == "relationship"
    assert "delivery" not in second["values"]
    assert [each["reject"] for each in (first, second, third)] == [None, None, "sent_at is empty"]


def test_events_carry_the_ticket_when_it_is_mapped(exports: Exports) -> None:
    events = "ticket_id: n, event_at: at, sequence: seq, status: s, changed_at: at"
    exports.mapping(entity="ticket_events", id="[n, seq]", columns=f"{{{events}}}", name="bare")
    exports.mapping(
        entity="ticket_events",
        id="[n, seq]",
        columns=f"{{{events}, created_at: at, resolved_at: done, is_public: pub, kind: kind}}",
        name="whole",
    )
    exports.file("n,seq,at,s,done,pub,kind\nA,2,2024-05-01 10:00,open,,yes,comment\n")
    exports.load()
    bare, whole = (
        row["payload"] for row in sorted(exports.rows(), key=lambda r: r["payload"]["mapping"]["name"])
    )
    assert bare["mapping"] == {"name": "bare", "ticket": True, "declares": [], "question": None}
    assert whole["mapping"]["ticket"] is True
    assert whole["mapping"]["declares"] == ["resolved_at"]
    assert whole["values"] == {
        "ticket_id": "A",
        "event_at": "2024-05-01T10:00:00Z",
        "sequence": 2,
        "status": "open",
        "source_status": "open",
        "created_at": "2024-05-01T10:00:00Z",
        "is_public": True,
        "kind": "comment",
    }
    assert exports.rows()[0]["record_id"] == "A/2"
    assert exports.rows()[0]["changed_at"] == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_an_unreadable_change_time_is_null_not_guessed(exports: Exports) -> None:
    exports.mapping(columns="{created_at: created, status: status, changed_at: changed}")
    exports.file("id,created,status,changed\n1,2024-05-01 10:00,open,soon\n2,2024-05-01 10:00,open,\n")
    exports.loaded()
    assert [row["changed_at"] for row in exports.rows()] == [None, None]
    assert exports.first()["errors"][0]["column"] == "changed_at"


SURVEY = """
file: "*.csv"
format: csv
entity: survey_answers
mode: append
id: id
columns: {score: score, answered_at: answered, sent_at: sent, customer_email: mail}
date_format: {sent_at: "%Y-%m-%d %H:%M", default: iso8601}
time_zone: Europe/Berlin
question: {kind: csat, scale_min: 1, scale_max: 5, positive_from: 4}
"""


def test_a_date_without_a_time_is_the_whole_day(exports: Exports) -> None:
    exports.mapping(SURVEY)
    exports.file(
        "id,score,answered,sent,mail\n"
        "before,5,2024-06-04,2024-06-03 10:00,\n"
        "same day,5,2024-06-04,2024-06-04 10:00,\n"
        "short day,5,2024-03-31,,\n"
        "timed,5,2024-06-04T00:00,2024-06-03 10:00,\n"
    )
    assert exports.loaded().landed == 4
    assert [
        (row["payload"]["values"]["answered_at"], row["payload"]["values"].get("answered_until"))
        for row in exports.rows()
    ] == [
        ("2024-06-03T22:00:00Z", "2024-06-04T21:59:59.999999Z"),
        # The earliest instant of the day that its sending allows.
        ("2024-06-04T08:00:00Z", "2024-06-04T21:59:59.999999Z"),
        # Clocks go forward: 23 hours.
        ("2024-03-30T23:00:00Z", "2024-03-31T21:59:59.999999Z"),
        ("2024-06-03T22:00:00Z", None),
    ]


def test_a_serial_date_without_a_fraction_is_the_whole_day(exports: Exports) -> None:
    exports.mapping(SURVEY.replace("default: iso8601", "default: excel"))
    # 2024-06-04; the .0 is a data frame's.
    exports.file("id,score,answered,sent,mail\n1,5,45447,,\n2,5,45447.0,,\n3,5,45447.5,,\n")
    assert exports.loaded().landed == 3
    assert [row["payload"]["values"].get("answered_until") for row in exports.rows()] == [
        "2024-06-04T21:59:59.999999Z",
        "2024-06-04T21:59:59.999999Z",
        None,
    ]


def test_a_day_that_begins_late_is_a_day(exports: Exports) -> None:
    """In Cairo clocks went from 24:00 to 01:00: the day has no midnight, and is there all the same."""
    exports.mapping(SURVEY.replace("Europe/Berlin", "Africa/Cairo"))
    exports.file("id,score,answered,sent,mail\n1,5,2024-04-26,,\n")
    exports.loaded()
    values = exports.first()["values"]
    assert (values["answered_at"], values["answered_until"]) == (
        "2024-04-25T22:00:00Z",
        "2024-04-26T20:59:59.999999Z",
    )


def test_a_due_date_is_due_by_its_end(exports: Exports) -> None:
    exports.mapping(
        columns="{created_at: created, status: status, resolved_at: done, fix_due_at: due}",
        date_format='{created_at: "%Y-%m-%d %H:%M", default: "%d.%m.%Y"}',
        time_zone="America/New_York",
    )
    exports.file("id,created,status,done,due\n1,2024-05-01 10:00,solved,01.05.2024,02.05.2024\n")
    exports.loaded()
    values = exports.first()["values"]
    assert values["sla"][0]["due_at"] == "2024-05-03T03:59:59.999999Z"
    # Resolved on the day of its creation: not before it.
    assert values["resolved_at"] == values["created_at"] == "2024-05-01T14:00:00Z"


def test_an_address_goes_no_further_than_its_row(exports: Exports) -> None:
    exports.mapping(SURVEY)
    rows = "1,5,,, Ann@Example.org\n2,5,,,ann@example.org\n3,5,,,\n4,5,,,{{ticket.requester.email}}\n"
    exports.file(f"id,score,answered,sent,mail\n{rows}")
    assert exports.loaded().landed == 4
    payloads = [row["payload"] for row in exports.rows()]
    first, second, third, fourth = (payload["values"] for payload in payloads)
    # printf ann@example.org | sha256sum
    expected = "438c4c7afe600cdf1e455c369bec76dc970fc8ca463447c7b387a347f3c79331"
    assert first["customer_email_hash"] == second["customer_email_hash"] == expected
    assert "customer_email" not in first
    assert "customer_email_hash" not in third
    # What was never filled in is nobody's, and the answer stays.
    assert "customer_email_hash" not in fourth
    assert payloads[3]["errors"][0]["column"] == "customer_email_hash" and payloads[3]["reject"] is None
