"""Mistakes in a mapping are refused before anything is read, and say where, what and what to do."""

from __future__ import annotations

import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .conftest import Exports

HEADER = "id,created,status\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"colums": "{}"}, "unknown key `colums`; known: file, format"),
        ({"columns": "{created_at: created, status: status, colour: c}"}, "`colour` is no column of tickets"),
        ({"columns": "{created_at: created}"}, "`columns` of tickets must name `status`"),
        ({"columns": "{ticket_id: id, created_at: created, status: s}"}, "(it is the `id`)"),
        (
            {"entity": "users"},
            "`entity` is users; it must be one of tickets, ticket_events, survey_answers, survey_invitations",
        ),
        ({"mode": "merge"}, "`mode` is merge; it must be one of snapshot, append"),
        ({"format": "xls"}, "`format` is xls; it must be one of csv, parquet, jsonl, xlsx, ods"),
        ({"encoding": "ansi8"}, "unknown encoding `ansi8`"),
        ({"delimiter": "'||'"}, "`delimiter` is '||'; use one character"),
        ({"header_rows": "4"}, "`header_rows` is 4; it must be a whole number from 1 to 3"),
        ({"id": ""}, "`id` is missing"),
        ({"date_format": ""}, "`date_format` is missing for `created_at`: dates are never guessed"),
        ({"date_format": "'%d/%m %H:%M'"}, "does not name a whole date"),
        ({"date_format": "dd/mm/yyyy"}, "is no strptime format"),
        ({"date_format": "'%d/%m/%Y %Q'"}, "is no strptime format"),
        ({"date_format": "'%d/%m/%Y %Z'"}, "zone names are ambiguous"),
        ({"date_format": "{default: iso8601, closed_at: iso8601}"}, "unknown time column `closed_at`"),
        ({"time_zone": ""}, "`time_zone` is missing and created_at carry no offset"),
        ({"time_zone": "Central Europe"}, "unknown `time_zone` 'Central Europe'; use an IANA name"),
        ({"value_maps": "{status: {Neu: fresh}}"}, "`fresh` is no status; use one of new, open, pending"),
        (
            {"value_maps": "{priority: {P1: urgent}}"},
            "`value_maps` names `priority`, which `columns` does not",
        ),
        ({"value_maps": "{created_at: {never: null}}"}, "`created_at` is a time"),
        ({"question": "{kind: nps}"}, "`question` belongs to survey_answers, not to tickets"),
        ({"survey": "nps"}, "`survey` belongs to survey_invitations, not to tickets"),
        ({"source": "My Desk"}, "`source` is 'My Desk'"),
    ],
)
def test_a_mistake_is_named_with_its_line(exports: Exports, given: dict[str, str], expected: str) -> None:
    path = exports.mapping(**given)
    exports.file(HEADER)
    message = exports.error()
    assert expected in message
    assert message.startswith(f"{path}:")
    assert exports.rows() == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("{}", "`question.kind` is missing; use csat, nps, ces or other"),
        ("{kind: csat, scale_min: 1, scale_max: 5}", "needs `positive_from`"),
        ("{kind: csat, scale_min: 5, scale_max: 1}", "`scale_min` below `scale_max`"),
        ("{kind: csat, scale_min: 1, scale_max: 5, positive_from: 6}", "must lie in 1 to 5"),
        ("{kind: csat, scale_min: one, scale_max: 5}", "`question.scale_min` is 'one', not a number"),
        ("{kind: nps, scale_max: 5}", "an nps `question` runs from 0 to 10"),
        ("{kind: ces, scale_min: 1, scale_max: 7}", "`question.direction` is missing"),
        ("{kind: nps, colour: red}", "unknown key of `question` `colour`"),
    ],
)
def test_a_question_must_be_whole(exports: Exports, question: str, expected: str) -> None:
    exports.mapping(entity="survey_answers", columns="{score: s}", question=question)
    assert expected in exports.error()


def test_all_mistakes_are_shown_at_once_each_with_its_line(exports: Exports) -> None:
    path = exports.mapping(
        "file: a.csv\nformat: csv\nentity: tickets\nmode: all\nid: n\nid: m\ncolumns:\n  x: y\n"
    )
    lines = exports.error().splitlines()
    assert f"{path}:6: `id` stands here twice; keep one" in lines
    assert any(line.startswith(f"{path}:8: `x` is no column of tickets") for line in lines)
    assert any(line.startswith(f"{path}:4: `mode` is all") for line in lines)


SCORES = "file: a.csv\nformat: csv\nentity: survey_answers\nmode: append\nid: n\ncolumns: {score: s}\n"
ALIASES = "x: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("added", "line", "expected"),
    [
        ('date_format: "%Y-%m-%d %H:%M:%M"', 2, "names a part of the date twice (%M is the minute"),
        ('date_format: "%Y-%m-%d %I:%M"', 2, "uses %I, the hour of a 12-hour clock, without %p"),
        ("# Grüße".encode("cp1252"), 2, "is not UTF-8 text (byte 0xFC); save the file as UTF-8"),
        ("encoding: base64", 2, "unknown encoding `base64`"),
        ("encoding: undefined", 2, "unknown encoding `undefined`"),
        ("delimiter: '\"'", 2, "`delimiter` is '\"'; use one character"),
        ("{{ x }}: y", 2, "a key must be text; quote a name with {} or []"),
        ("value_maps: {score: {[1, 2]: 3}}", 2, "a key must be text"),
        ("question: {kind: nps, id: [a]}", 2, "`question.id` must be one value"),
        ("question: {kind: csat, scale_min: nan, scale_max: 5}", 2, "`question.scale_min` is 'nan'"),
        (ALIASES, 2, "holds more than 100,000 keys and values"),
        ("x: &a [*a]", 2, "nested deeper than 20 levels, or within itself"),
        ("x: &a {b: *a}", 2, "nested deeper than 20 levels, or within itself"),
        ("x: " + "[" * 5000, 0, "not valid YAML: nested too deeply"),
        ('x: "\\ud83d"', 2, "holds half a character; write it whole"),
        ("x: \x07", 2, "not valid YAML: unacceptable character"),
        ("# " + "x" * 2**20, 0, "is larger than 1024 KiB"),
        ("patterns: {score: '('}", 2, "`(` is no regular expression: missing )"),
        ("patterns: {score: '[0-9]+'}", 2, "needs one group (...), the part that counts; it has 0"),
        ("patterns: {agent_id: '(a)'}", 2, "`patterns` names `agent_id`, which `columns` does not"),
        ("months: {janvier: 13}", 2, "`janvier` must be the number of a month, 1 to 12"),
        ("months: {janvier: 1}", 2, "`months` needs a `date_format` with %b or %B"),
        ("where: {s: x}", 2, "`where` of `s` must be {is: values}, rows to keep, or {not: values}"),
        ("skip_rows: -1", 2, "`skip_rows` is -1; it must be a whole number from 0 to 9999"),
        ("decimal: ';'", 2, "`decimal` is ;; it must be one of ., ,"),
        ("empty: keeps", 2, "`empty` belongs to ticket_events, not to survey_answers"),
        ("sheet: Answers", 2, "`sheet` belongs to xlsx and ods, not to csv"),
    ],
)
def test_a_slip_costs_its_source_and_is_told_with_its_line(
    exports: Exports, added: str | bytes, line: int, expected: str
) -> None:
    exports.mapping(name="good")
    exports.file(HEADER + "1,2024-05-01 10:00,open\n")
    path = exports.folder / "bad.yml"
    slip = added if isinstance(added, bytes) else added.encode()
    path.write_bytes(b"\n".join([b"source: phone", slip, SCORES.encode()]))
    results = {result.source: result for result in exports.load()}
    assert results["good"].landed == 1
    assert isinstance(results["phone"].error, files.MappingError)
    told = str(results["phone"].error).splitlines()
    place = f"{path}:{line}: " if line else f"{path}: "
    assert [text for text in told if text.startswith(place) and expected in text], told


@pytest.mark.parametrize("pattern", ["exports/**.csv", ".", "/", '"a\\0b"', "a" * 5000])
def test_a_file_that_cannot_be_searched_for(exports: Exports, pattern: str) -> None:
    path = exports.mapping()
    path.write_text(path.read_text().replace('"*.csv"', pattern))
    assert exports.error().startswith(f"{path}:2: ")


def test_a_name_that_an_account_has_costs_its_mapping_alone(exports: Exports) -> None:
    path = exports.mapping(name="zendesk")
    exports.mapping(name="tickets", source="emea")
    exports.mapping(name="good")
    exports.file(HEADER + "1,2024-05-01 10:00,open\n")
    found = files.sources(exports.folder, {"zendesk", "emea"})
    assert [source.name for source in found] == ["good", "tickets", "zendesk_files"]
    results = {each.source: each for each in fetch(found, exports.landing).streams}
    assert results["good"].landed == 1
    assert str(results["zendesk_files"].error).startswith(f"{path}:1: an account is named `zendesk` already")
    assert "tickets.yml:10: an account is named `emea` already" in str(results["tickets"].error)


def test_names_of_mappings_are_theirs_alone(exports: Exports) -> None:
    exports.mapping()
    (exports.folder / "desk.yaml").write_text("file: b.csv\n")
    exports.file(HEADER + "1,2024-05-01 10:00,open\n")
    (taken, landed) = exports.load()
    assert (landed.error, landed.landed) == (None, 1)
    assert str(taken.error).endswith("desk.yaml: there is a mapping desk.yml too; rename one of them")


def test_values_stay_as_written(exports: Exports) -> None:
    """YAML 1.1 would read No as false, 012 as ten and 2024-01-01 as a date."""
    exports.mapping(
        columns="{created_at: created, status: status, segment: country, product: code}",
        value_maps="{segment: {No: Norway}, product: {012: Basic}}",
    )
    exports.file("id,created,status,country,code\n1,2024-05-01 10:00,open,No,012\n")
    exports.loaded()
    assert exports.current()["1"].items() >= {"segment": "Norway", "product": "Basic"}.items()


def test_text_that_is_no_mapping(exports: Exports) -> None:
    exports.mapping("- a\n- b\n")
    assert "a mapping is a list of `key: value` lines" in exports.error()
    exports.mapping("file: [")
    assert "not valid YAML" in exports.error()


def test_a_bad_mapping_does_not_stop_the_others(exports: Exports) -> None:
    exports.mapping(name="good")
    exports.mapping("nonsense: 1", name="bad")
    exports.file(HEADER + "1,2024-05-01 10:00,open\n")
    results = {result.source: result for result in exports.load()}
    assert results["good"].landed == 1
    assert results["good"].error is None
    assert isinstance(results["bad"].error, files.MappingError)


def test_a_folder_without_mappings(exports: Exports) -> None:
    with pytest.raises(files.MappingError, match="no mapping"):
        files.sources(exports.folder)


def test_the_health_check_reads_whole_files(exports: Exports) -> None:
    exports.mapping()
    (source,) = files.sources(exports.folder)
    assert source.checker
    (missing,) = source.checker(source)
    assert not missing.ok
    assert "no file matches '*.csv'" in missing.text
    exports.file(HEADER + "1,01.05.2024,open\n")
    (wrong,) = source.checker(source)
    assert not wrong.ok
    assert "created_at '01.05.2024' does not match the date format %Y-%m-%d %H:%M" in wrong.text
    rows = [f"{n},2024-05-01 10:00,{'odd' if n % 50 == 0 else 'open'}\n" for n in range(1, 301)]
    exports.file(HEADER + "".join(rows) + "301,,open\n302,soon,open\n")
    (dirty,) = source.checker(source)
    assert not dirty.ok
    assert dirty.text.split("; ") == [
        "1 file(s), newest export.csv",
        "302 rows, 8 not usable",
        "status 'odd' is no status (new, open, pending, hold, solved, closed)",
        "map it in `value_maps`: 6 rows (export.csv line 51, 101, 151, ...)",
        "row created_at is empty: 1 row (export.csv line 302)",
        "created_at 'soon' does not match the date format %Y-%m-%d %H:%M: 1 row (export.csv line 303)",
    ]
    exports.file(HEADER + "".join(rows).replace("odd", "open") + "301,,open\n")
    (good,) = source.checker(source)
    assert good.ok  # one row in three hundred costs that row
    assert "row created_at is empty: 1 row (export.csv line 302)" in good.text
