"""What exports are like: other names, rows to leave out, text above, numbers and months of other places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Exports

Convert = Callable[..., tuple[Any, str | None, str | None]]
EVENTS = {
    "entity": "ticket_events",
    "mode": "append",
    "id": "[n, seq]",
    "columns": "{ticket_id: n, event_at: at, sequence: seq, status: s, group_id: g, assignee_id: a}",
}


def payloads(exports: Exports) -> dict[str, Any]:
    return {row["record_id"]: row["payload"] for row in exports.rows()}


def test_a_column_under_the_first_of_its_names_that_the_file_has(exports: Exports) -> None:
    exports.mapping(
        mode="append",
        id="[[Number, id]]",
        columns="{created_at: created, status: [State, status], closed_at: [Solved, Resolved at]}",
    )
    exports.file("id,created,status,Resolved at\n1,2024-05-01 10:00,solved,2024-05-02 10:00\n", "a.csv")
    exports.file(
        "Number,created,State,Resolved at,Solved\n"
        "2,2024-05-01 10:00,solved,2024-05-02 10:00,2024-05-03 10:00\n"
        "3,2024-05-01 10:00,open,2024-05-02 10:00,\n",
        "b.csv",
    )
    exports.loaded()
    assert {key: values.get("closed_at") for key, values in exports.current().items()} == {
        "1": "2024-05-02T10:00:00Z",
        "2": "2024-05-03T10:00:00Z",
        "3": None,
    }
    path = exports.file("nr,created,Status\n1,2024-05-01 10:00,open\n", "c.csv")
    assert exports.error().startswith(
        f"{path}: has no column `Number` or `id`, `Solved` or `Resolved at`, `State` or `status`, which"
    )


def test_another_name_for_the_id_is_no_other_id(exports: Exports) -> None:
    """An appended file that is gone keeps its rows when its successor names the column otherwise."""
    exports.mapping(mode="append")
    exports.file("id,created,status\n1,2024-05-01 10:00,open\n", "a.csv")
    exports.loaded()
    (exports.folder / "a.csv").unlink()
    exports.mapping(mode="append", id="[[id, Number]]")
    exports.file("Number,created,status\n2,2024-05-01 10:00,open\n", "b.csv")
    assert exports.loaded().tombstones == 0
    assert sorted(exports.current()) == ["1", "2"]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("{kind: {not: test}}", "1356"),
        ("{kind: {not: [test, preview]}}", "156"),
        ("{kind: {is: [test, null]}}", "2456"),
        ("{kind: {not: null}}", "1234"),
        ("{kind: {not: test}, done: {is: 'True'}}", "135"),
    ],
)
def test_rows_are_left_out_by_value(exports: Exports, where: str, kept: str) -> None:
    exports.mapping(where=where)
    kinds = ["real", " test", "preview", "test", "", " "]
    exports.file(
        "id,created,status,kind,done\n"
        + "".join(
            f"{n},2024-05-01 10:00,open,{kind},{n not in (2, 6)}\n" for n, kind in enumerate(kinds, start=1)
        )
    )
    result = exports.loaded()
    assert "".join(sorted(exports.current())) == kept
    assert result.received == len(kept)


def test_a_row_that_is_left_out_of_a_snapshot_is_deleted(exports: Exports) -> None:
    exports.mapping()
    exports.file("id,created,status,kind\n1,2024-05-01 10:00,open,\n2,2024-05-01 10:00,open,test\n")
    exports.loaded()
    exports.mapping(where="{kind: {not: test}}")
    assert exports.loaded().tombstones == 1
    assert list(exports.current()) == ["1"]
    exports.mapping(where="{kind: {is: real}}")
    assert "the files hold no row, which would delete all 1" in exports.error()


def test_text_above_the_header_and_gaps_are_no_data(exports: Exports) -> None:
    """Line numbers stay those of the file."""
    exports.mapping(skip_rows="2")
    exports.file(
        'sep=,\r\nReport "Tickets"\r\nby me, "now\r\n\r\n,,\r\nid,created,status,\r\n'
        "1,2024-05-01 10:00,open,\r\n,,,\r\n , ,\r\n2,2024-05-01 10:00,odd,,,\r\n3,2024-05-01 10:00,open\r\n"
    )
    result = exports.loaded()
    assert (result.received, sorted(exports.current())) == (3, ["1", "2", "3"])
    assert result.notes[0].startswith("status: 1 not usable, first export.csv line 10: 'aaa' is no status")


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_the_file_names_its_own_delimiter(exports: Exports, line: str) -> None:
    exports.mapping()
    exports.file(f"{line}id;created;status\n1;2024-05-01 10:00;open\n")
    exports.loaded()
    assert list(exports.current()) == ["1"]


@pytest.mark.parametrize(
    ("row", "reject"),
    [
        ("1,2024-05-01 10:00,open,x", "the row has 4 cells, the header 3"),
        ("1,2024-05-01 10:00,open,,", None),
        ("1,2024-05-01 10:00", "the row has 2 cells, the header 3"),
    ],
)
def test_cells_below_no_name(exports: Exports, row: str, reject: str | None) -> None:
    exports.mapping()
    exports.file(f"id,created,status\n{row}\n")
    exports.loaded()
    assert exports.first()["reject"] == reject


def test_three_header_rows(exports: Exports) -> None:
    """An empty cell continues the one to its left as long as those above it do."""
    exports.mapping(
        header_rows="3",
        id="Id",
        columns="{created_at: Times / UTC / opened, closed_at: Times / UTC / closed, "
        "status: Times / state, product: 'What / Thing / code', segment: 'What / Who'}",
    )
    exports.file(
        "Id,Times,,,What,\n,UTC,,state,Thing,Who\n,opened,closed,,code,\n"
        "1,2024-05-01 10:00,2024-05-02 10:00,closed,X1,Big\n"
    )
    exports.loaded()
    assert {key: exports.current()["1"][key] for key in ("closed_at", "status", "product", "segment")} == {
        "closed_at": "2024-05-02T10:00:00Z",
        "status": "closed",
        "product": "X1",
        "segment": "Big",
    }


def test_a_column_by_what_it_alone_has_in_the_header(exports: Exports) -> None:
    """As a survey tool exports it: a short name, the question, an id for machines; and previews."""
    exports.mapping(
        header_rows="3",
        entity="survey_answers",
        id="ResponseId",
        columns="{score: 'How likely are you?', answered_at: RecordedDate, comment: 'Q2 / Why? / qid2'}",
        where="{DistributionChannel: {not: preview}}",
        question="{kind: nps}",
    )
    exports.file(
        "ResponseId,RecordedDate,DistributionChannel,Q1,Q2\n"
        "Response ID,Recorded Date,Distribution Channel,How likely are you?,Why?\n"
        "rid,date,channel,qid1,qid2\n"
        "R1,2024-05-01 10:00,preview,1,no\nR2,2024-05-01 10:00,email,9,fast\n"
    )
    exports.loaded()
    assert exports.current() == {
        "R2/desk": {
            "response_id": "R2",
            "score": 9.0,
            "source_score": "9",
            "answered_at": "2024-05-01T10:00:00Z",
            "comment": "fast",
        }
    }


@pytest.mark.parametrize(
    ("ours", "text", "pattern", "given", "expected"),
    [
        ("product", "[X1] Router", r"'\[(\w+)\]'", {}, ("X1", None, None)),
        ("product", "Router", r"'\[(\w+)\]'", {}, (None, r"does not match the pattern \[(\w+)\]", None)),
        ("product", "?", r"'\[(\w+)\]'", {"null_values": "'?'"}, (None, None, None)),
        ("product", "X: ?", "'X: (.*)'", {"null_values": "'?'"}, (None, None, None)),
        (
            "closed_at",
            "Wed, 2024-05-01 10:00 (CEST)",
            "', (.{16})'",
            {},
            ("2024-05-01T10:00:00Z", None, None),
        ),
        (
            "priority",
            "P1 - down",
            "'^(P[0-9])'",
            {"value_maps": "{priority: {P1: urgent}}"},
            ("urgent", None, None),
        ),
        ("reopens", "3 times", "'([0-9]+)'", {}, (3, None, None)),
        ("customer_id", "no. 1000.0", r"'no\. (.*)'", {}, ("1000", None, None)),
    ],
)
def test_a_pattern_takes_a_part_of_a_text(
    value_of: Convert, ours: str, text: str, pattern: str, given: dict[str, str], expected: tuple[Any, ...]
) -> None:
    assert value_of(ours, text, patterns=f"{{{ours}: {pattern}}}", **given) == expected


def test_a_pattern_of_the_id(exports: Exports) -> None:
    exports.mapping(patterns="{id: '#([0-9]+)'}")
    exports.file("id,created,status\nTicket #12,2024-05-01 10:00,open\nTicket,2024-05-01 10:00,open\n")
    exports.loaded()
    good, bad = exports.rows()
    assert (good["record_id"], good["payload"]["values"]["ticket_id"]) == ("12", "12")
    assert bad["record_id"] is None
    assert bad["payload"]["reject"] == "id 'aaaaaa': does not match the pattern #([0-9]+)"


@pytest.mark.parametrize(
    ("decimal", "text", "value", "reason"),
    [
        (",", "4,5", 4.5, None),
        (",", "4", 4, None),
        (",", "1.234,5", 1234.5, None),
        (",", "1\u00a0234,5", 1234.5, None),
        (",", "1.234", 1234, None),
        (",", "4.5", None, "is no number; map it in `value_maps` or name it in `null_values`"),
        (".", "4.5", 4.5, None),
        (
            ".",
            "4,5",
            None,
            'is no number; map it in `value_maps` or name it in `null_values` (or declare `decimal: ","`)',
        ),
    ],
)
def test_a_decimal_comma(
    exports: Exports, decimal: str, text: str, value: float | None, reason: str | None
) -> None:
    question = "{kind: other, scale_min: 0, scale_max: 2000}"
    exports.mapping(
        entity="survey_answers",
        columns="{score: s}",
        question=question,
        decimal=f'"{decimal}"',
        delimiter="tab",
    )
    exports.file(f"id\ts\n1\t{text}\n")
    exports.loaded()
    assert exports.first()["values"].get("score") == value
    assert [error["reason"] for error in exports.first()["errors"]] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 janv. 2024 10:00", "2024-01-01T10:00:00Z"),
        ("29 FÉVR. 2024 10:00", "2024-02-29T10:00:00Z"),
        ("29 fe\u0301vr. 2024 10:00", "2024-02-29T10:00:00Z"),
        ("3 mai 2024 10:00", "2024-05-03T10:00:00Z"),
        ("3 may 2024 10:00", None),
        ("31 févr. 2024 10:00", None),
    ],
)
def test_months_by_a_table(value_of: Convert, text: str, expected: str | None) -> None:
    value, reason, _ = value_of(
        "closed_at",
        text,
        date_format='{default: "%Y-%m-%d %H:%M", closed_at: "%d %b %Y %H:%M"}',
        months="{janv.: 1, févr.: 2, mai: 5}",
    )
    assert value == expected
    assert (reason is None) is (expected is not None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000", "1000"),
        ("1000.0", "1000"),
        ("1000.00", "1000"),
        ("-1.0", "-1"),
        ("012", "012"),
        ("012.0", "012.0"),
        ("1.000", "1.000"),
        ("1.5", "1.5"),
        ("A-1.0", "A-1.0"),
        ("1E5", "1E5"),
        ("9007199254740993.0", "9007199254740993"),
    ],
)
def test_numeric_ids(exports: Exports, text: str, expected: str) -> None:
    columns = "{created_at: created, status: status, customer_id: who, organization_id: who, group_id: who}"
    exports.mapping(columns=columns, id="[id, status]")
    exports.file(f"id,created,status,who\n{text},2024-05-01 10:00,open,{text}\n")
    exports.loaded()
    assert exports.rows()[0]["record_id"] == f"{expected}/open"
    values = exports.first()["values"]
    assert {values[name] for name in ("customer_id", "organization_id", "group_id")} == {expected}


@pytest.mark.parametrize(
    ("text", "shape", "reason"),
    [
        ("1.23457E+15", "9.99999a+99", "is a rounded number, its last digits are lost; export ids as text"),
        ("1e+16", "9a+99", "is a rounded number, its last digits are lost; export ids as text"),
        ("#N/A", "#a/a", "is the error of a formula; name it in `null_values` if it means nothing"),
        ("#REF!", "#aaa!", "is the error of a formula; name it in `null_values` if it means nothing"),
    ],
)
def test_ids_that_are_none(exports: Exports, text: str, shape: str, reason: str) -> None:
    exports.mapping(columns="{created_at: created, status: status, customer_id: who}")
    exports.file(f"id,created,status,who\n1,2024-05-01 10:00,open,{text}\n{text},2024-05-01 10:00,open,\n")
    exports.loaded()
    whose, itself = (row["payload"] for row in exports.rows())
    assert (whose["reject"], whose["errors"]) == (
        None,
        [{"column": "customer_id", "value": text, "reason": reason}],
    )
    assert itself["reject"] == f"id {shape!r}: {reason}"


def test_ids_respelled_by_an_upgrade_withdraw_the_old_ones(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What landed as 1000.0 before is 1000 now; a row whose file is gone stays."""
    exports.mapping(mode="append", id="[id, status]")
    exports.file("id,created,status\n7,2024-05-01 10:00,open\n", "gone.csv")
    exports.file("id,created,status\n1000.0,2024-05-01 10:00,open\n8,2024-05-01 10:00,open\n")
    with monkeypatch.context() as before:
        before.setattr("ingestion.sources.files.load.SPEC_VERSION", 1)
        before.setattr("ingestion.sources.files.convert._id_reader", lambda _: str)
        exports.loaded()
    (exports.folder / "gone.csv").unlink()
    assert "1000.0/open" in exports.current()
    assert exports.loaded().tombstones == 1
    assert sorted(exports.current()) == ["1000/open", "7/open", "8/open"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["G/Ann", "/", "G/?", "/Bob"]),
        ({"empty": "keeps"}, ["G/Ann", "?/?", "G/?", "?/Bob"]),
        ({"null_values": "'-'"}, ["G/Ann", "/", "G/", "/Bob"]),
    ],
)
def test_an_empty_holder_of_a_whole_state_is_nobody(
    exports: Exports, given: dict[str, str], expected: list[str]
) -> None:
    """'?' stands for no news: the value is absent. A value that cannot be read says nothing either."""
    exports.mapping(**EVENTS, **{"patterns": "{assignee_id: '([A-Z].*)'}", **given})
    exports.file(
        "n,seq,at,s,g,a\n1,1,2024-05-01 10:00,new,G,Ann\n1,2,2024-05-01 11:00,open,,\n"
        "1,3,2024-05-01 12:00,open,G,-\n1,4,2024-05-01 13:00,open,, Bob\n"
    )
    exports.loaded()
    found = [row["payload"]["values"] for row in exports.rows()]
    assert [f"{each.get('group_id', '?')}/{each.get('assignee_id', '?')}" for each in found] == expected


def test_events_beside_tickets_say_nothing_by_an_empty_cell(exports: Exports) -> None:
    exports.mapping(name="tickets", source="desk", file="t.csv")
    exports.mapping(name="events", source="desk", file="e.csv", **EVENTS)
    exports.file("id,created,status\n1,2024-05-01 10:00,open\n", "t.csv")
    exports.file("n,seq,at,s,g,a\n1,1,2024-05-01 10:00,new,,\n", "e.csv")
    assert [result.error for result in exports.load()] == [None, None]
    event = payloads(exports)["1/1"]
    assert event["mapping"]["ticket"] is False
    assert event["values"].keys() == {"ticket_id", "event_at", "sequence", "status", "source_status"}


def test_the_health_check_tells_where_tickets_come_from(exports: Exports) -> None:
    from ingestion.sources import files

    def text() -> tuple[bool, str]:
        (source,) = files.sources(exports.folder)
        assert source.checker
        finding = next(each for each in source.checker(source) if each.subject == "events")
        return finding.ok, finding.text

    exports.file("n,seq,at,s,g,a\n1,1,2024-05-01 10:00,new,,\n")
    exports.mapping(name="events", source="desk", **EVENTS)
    assert text() == (
        True,
        "1 file(s), newest export.csv; 1 row; no column is `created_at`: "
        "a ticket is created with its first event",
    )
    exports.mapping(name="events", source="desk", **EVENTS | {"columns": "{ticket_id: n, event_at: at}"})
    assert text() == (
        False,
        "1 file(s), newest export.csv; 1 row; no mapping of this source has the tickets of these events, "
        "so that they count nowhere",
    )


def test_a_line_of_json_costs_no_more_than_itself(exports: Exports) -> None:
    deep = (
        '{"id": "3", "created": "2024-05-01 10:00", "status": "open", "x": '
        + "[" * 100_000
        + "]" * 100_000
        + "}"
    )
    exports.mapping(
        file="*.jsonl", format="jsonl", columns="{created_at: created, status: status, product: p}"
    )
    exports.file(
        '{"id": "1", "created": "2024-05-01 10:00", "status": "open", "p": "cut \\ud83d"}\n'
        '{"id": "2", "created": "2024-05-01 10:00", "status": "open", "p": NaN}\n'
        f"{deep}\n"
        '{"id": "4", "created": "2024-05-01 10:00", "status": "open", "p": "\\ud83d\\ude00"}\n',
        "e.jsonl",
    )
    assert exports.loaded().landed == 4
    found = payloads(exports)
    assert [found[key]["values"].get("product") for key in "124"] == ["cut \ufffd", None, "😀"]
    assert [found[key]["reject"] for key in "1234"] == [
        None,
        None,
        "a value is nested deeper than 500 levels",
        None,
    ]
    assert [error["reason"] for error in found["1"]["errors"]] == [
        "holds text that is no JSON (half a character); U+FFFD stands for what is lost"
    ]


def test_a_torn_line_of_json_is_refused(exports: Exports) -> None:
    exports.mapping(file="*.jsonl", format="jsonl")
    path = exports.file(
        '{"id": "1", "created": "2024-05-01 10:00", "status": "open"}\n{"id": "2", "cre', "e.jsonl"
    )
    assert exports.error().startswith(f"{path}: line 2: no JSON object (Input data was truncated")
