"""Formats, encodings, headers: the same rows, however they were exported."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import Exports

GROUP = "{created_at: created, status: status, group_id: größe}"
TEXT = "id,created,status,größe\n1,2024-05-01 10:00,open,Zürich\n"
VALUES = {
    "ticket_id": "1",
    "created_at": "2024-05-01T10:00:00Z",
    "status": "open",
    "source_status": "open",
    "group_id": "Zürich",
}


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-8", TEXT.encode()),
        ("utf-8", TEXT.encode("utf-8-sig")),
        ("utf-8", b"\xef\xbb\xbf" + TEXT.encode("utf-8-sig")),
        ("utf-8", ('\ufeff"id"' + TEXT.removeprefix("id")).encode()),
        ("utf-16", TEXT.encode("utf-16")),
        ("cp1252", TEXT.encode("cp1252")),
        ("latin-1", TEXT.replace("\n", "\r\n").encode("latin-1")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(exports: Exports, encoding: str, content: bytes, packed: bool) -> None:
    exports.mapping(file="export.*", encoding=encoding, columns=GROUP)
    if packed:
        exports.file(gzip.compress(content), "export.csv.gz")
    else:
        exports.file(content)
    exports.loaded()
    assert exports.current() == {"1": VALUES}


def test_a_mark_inside_the_first_header_is_no_part_of_the_name(exports: Exports) -> None:
    exports.mapping()
    exports.file('"\ufeffid",created,status\n1,2024-05-01 10:00,open\n')
    exports.loaded()
    assert "id" in exports.first()["raw"]


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("utf-8", TEXT.encode("cp1252"), "not utf-8 at the byte 0xF6; declare the encoding"),
        ("cp1252", TEXT.encode("utf-8-sig"), "is UTF-8, not cp1252; correct"),
    ],
)
def test_a_wrong_encoding_is_refused(exports: Exports, encoding: str, content: bytes, expected: str) -> None:
    exports.mapping(encoding=encoding, columns=GROUP)
    exports.file(content)
    assert expected in exports.error()


def test_delimiters_and_quotes(exports: Exports) -> None:
    exports.mapping(delimiter="tab", columns="{created_at: created, status: status, product: p}")
    exports.file('id\tcreated\tstatus\tp\n1\t2024-05-01 10:00\topen\t"two\nlines, ""quoted"""\n')
    exports.loaded()
    assert exports.current()["1"]["product"] == 'two\nlines, "quoted"'


def test_two_header_rows(exports: Exports) -> None:
    """As survey tools export: the question above, its parts below, an empty cell continues the left one."""
    exports.mapping(
        header_rows="2",
        entity="survey_answers",
        id="RespondentID",
        columns="{score: How likely / Score, comment: 'How likely / Why?', segment: Region}",
        question="{kind: nps, id: q1}",
    )
    exports.file("RespondentID,How likely,,Region\n,Score,Why?,\n77,9,fast,EU\n")
    exports.loaded()
    payload = exports.first()
    assert payload["values"] == {
        "response_id": "77",
        "score": 9.0,
        "source_score": "9",
        "comment": "fast",
        "segment": "EU",
    }
    assert exports.rows()[0]["record_id"] == "77/q1"


def test_nameless_and_repeated_columns_get_names(exports: Exports) -> None:
    exports.mapping(id="column 1", columns="{created_at: at, status: 'at [2]'}")
    exports.file(",at,at\n5,2024-05-01 10:00,open\n")
    exports.loaded()
    assert exports.current()["5"]["status"] == "open"


RECORDS: list[dict[str, Any]] = [
    {"id": 1, "created": "2024-05-01 10:00", "status": "open", "größe": "Zürich", "extra": {"a": [1, True]}},
    {"id": 2.0, "created": "2024-05-01 11:00", "status": "new", "größe": None},
]


def test_json_lines(exports: Exports) -> None:
    exports.mapping(file="*.jsonl", format="jsonl", columns=GROUP)
    exports.file("\n".join(json.dumps(record) for record in RECORDS) + "\n\n", "export.jsonl")
    assert exports.loaded().received == 2
    assert exports.current() == {
        "1": VALUES,
        "2": {
            "ticket_id": "2",
            "created_at": "2024-05-01T11:00:00Z",
            "status": "new",
            "source_status": "new",
        },
    }
    assert exports.first()["raw"]["extra"] == '{"a": [1, true]}'


def test_broken_json_names_the_line(exports: Exports) -> None:
    exports.mapping(file="*.jsonl", format="jsonl")
    exports.file('{"id": 1}\n[2]\n', "export.jsonl")
    assert "line 2: no JSON object" in exports.error()


def test_parquet_with_typed_columns(exports: Exports) -> None:
    berlin = timezone(timedelta(hours=2))
    table = pa.table(
        {
            "id": pa.array([1.0, None]),
            "created": pa.array(
                [datetime(2024, 5, 1, 12, tzinfo=berlin)] * 2, pa.timestamp("us", "Europe/Berlin")
            ),
            "closed": pa.array([datetime(2024, 5, 2, 9, 30)] * 2, pa.timestamp("us")),  # noqa: DTZ001
            "status": ["open", "open"],
            "n": pa.array([3.0, float("nan")]),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    exports.mapping(
        file="*.parquet",
        format="parquet",
        columns="{created_at: created, closed_at: closed, status: status, reopens: n}",
        date_format="iso8601",
        time_zone="America/New_York",
    )
    exports.file(sink.getvalue(), "export.parquet")
    exports.loaded()
    good, nameless = exports.rows()
    assert good["record_id"] == "1"
    assert good["payload"]["values"]["created_at"] == "2024-05-01T10:00:00Z"  # carries its own zone
    assert good["payload"]["values"]["closed_at"] == "2024-05-02T13:30:00Z"  # New York summer time: UTC-4
    assert good["payload"]["values"]["reopens"] == 3
    assert nameless["record_id"] is None
    assert nameless["payload"]["reject"] == "the id (id) is empty"
    assert "reopens" not in nameless["payload"]["values"]


def test_a_missing_column_is_refused_and_the_columns_are_listed(exports: Exports) -> None:
    path = exports.mapping()
    exports.file("id;created;status\n1;2;3\n")
    message = exports.error()
    assert f"has no column `created`, `id`, `status`, which {path}:" in message
    assert "it has 1: `id;created;status`" in message
    assert "`delimiter`" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "has no header"),
        ('id,created,status\n1,"2024-05-01 10:00,open\n', "line 2: unexpected end of data"),
        ('id,created,status\n1,"2024"x,open\n', "line 2: ',' expected after '\"'"),
    ],
)
def test_a_broken_file_is_refused(exports: Exports, content: str, expected: str) -> None:
    exports.mapping()
    exports.file(content)
    assert expected in exports.error()


@pytest.mark.parametrize(
    "damage", [lambda z: z[:-20], lambda z: z[:30] + b"\xff" * 40 + z[70:], lambda z: b"no gzip at all"]
)
def test_a_broken_gzip_is_refused_and_deletes_nothing(exports: Exports, damage: Any) -> None:
    text = "id,created,status\n" + "".join(f"{i},2024-05-01 10:00,open\n" for i in range(500))
    exports.mapping(file="*.gz")
    exports.file(gzip.compress(text.encode()), "export.csv.gz")
    exports.loaded()
    exports.file(damage(gzip.compress(text.encode())), "export.csv.gz", mtime=1_700_000_100)
    assert "cannot be read to its end as csv" in exports.error()
    assert len(exports.current()) == 500


def test_a_row_with_the_wrong_number_of_cells_lands_rejected(exports: Exports) -> None:
    exports.mapping()
    exports.file("id,created,status\n1,2024-05-01 10:00\n\n2,2024-05-01 10:00,open\n")
    result = exports.loaded()
    short, whole = exports.rows()
    assert short["payload"]["reject"] == "the row has 2 cells, the header 3"
    assert whole["payload"]["reject"] is None
    assert result.notes == ["row: 1 not usable, first export.csv line 2: the row has 2 cells, the header 3"]


def test_times_of_rows_without_a_change_clock_are_the_files(exports: Exports) -> None:
    exports.mapping()
    exports.file("id,created,status\n1,2024-05-01 10:00,open\n", mtime=1_714_600_000)
    exports.loaded()
    assert exports.rows()[0]["changed_at"] == datetime.fromtimestamp(1_714_600_000, UTC)
