"""Workbooks and archives: the same rows from every format, and what each of them can have in it."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from ingestion.sources.files.convert import Converter
from ingestion.sources.files.parse import load
from ingestion.sources.files.read import rows

from .conftest import Exports
from .tables import WRITERS, as_csv, as_jsonl, as_ods, as_parquet, as_xlsx, saved, zipped

local = datetime.fromisoformat
HEADER = ["id", "ticket", "customer", "score", "seconds", "at", "said", "public"]
MAPPING = """
file: "*.{format}"
format: {format}
entity: ticket_events
mode: append
id: [ticket, id]
columns:
  ticket_id: ticket
  customer_id: customer
  event_at: at
  handle_seconds: seconds
  segment: said
  is_public: public
date_format: iso8601
time_zone: Europe/Berlin
"""

texts = st.text(
    st.characters(codec="latin-1", categories=["L", "N", "P", "S"]), min_size=1, max_size=12
).filter(lambda text: text[0] not in "=#'" and "_x" not in text)
moments = st.datetimes(local("1990-01-01"), local("2060-01-01")).map(lambda at: at.replace(microsecond=0))
table_rows = st.lists(
    st.tuples(
        st.integers(0, 2**53 - 1),
        st.integers(0, 2**53 - 1),
        st.one_of(st.none(), texts, st.integers(0, 10**6).map("{:08d}".format)),
        st.floats(0, 1e6, allow_nan=False).map(lambda x: round(x, 3)),
        st.one_of(st.none(), st.integers(0, 10**9)),
        moments,
        st.one_of(st.none(), texts),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    for name in WRITERS:
        (folder / f"{name}.yml").write_text(MAPPING.format(format=name))
    return folder


@settings(max_examples=60, deadline=None)
@given(table=table_rows)
def test_a_table_reads_the_same_from_every_format(folder: Path, table: list[tuple[Any, ...]]) -> None:
    """Numbers as data frames leave them: a column with a gap, or of many sizes, is one of floats."""
    as_floats = [(float(row[0]), *row[1:]) for row in table]
    read = {}
    for name, write in WRITERS.items():
        path = folder / f"export.{name}"
        path.write_bytes(write(HEADER, as_floats if name != "parquet" else table))
        mapping = load(folder / f"{name}.yml")
        converter = Converter(mapping)
        records = [converter.record(row) for _, row in rows(mapping, path)]
        read[name] = [(each.id, json.loads(each.payload)["values"], each.errors) for each in records]
    assert all(found == read["parquet"] for found in read.values()), read
    assert [each[0] for each in read["csv"]] == [f"{row[1]}/{row[0]}" for row in table]
    assert [each[1].get("customer_id") for each in read["csv"]] == [row[2] for row in table]


TABLE = [[1, local("2024-05-01T10:00"), "open"], [2, local("2024-05-01T12:30"), "solved"]]
TICKETS = ["id", "created", "status"]
CURRENT = {"1": ("2024-05-01T10:00:00Z", "open"), "2": ("2024-05-01T12:30:00Z", "solved")}


def current(exports: Exports) -> dict[str, tuple[str, str]]:
    return {key: (values["created_at"], values["status"]) for key, values in exports.current().items()}


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("e.xlsx", "xlsx", as_xlsx(TICKETS, TABLE)),
        ("e.ods", "ods", as_ods(TICKETS, TABLE)),
        ("e.csv.zip", "csv", zipped(e__csv=as_csv(TICKETS, TABLE))),
        ("e.zip", "jsonl", zipped(e__jsonl=as_jsonl(TICKETS, TABLE))),
        ("e.ZIP", "parquet", zipped(e__parquet=as_parquet(TICKETS, TABLE))),
        ("e.zip", "xlsx", zipped(e__xlsx=as_xlsx(TICKETS, TABLE))),
        (
            "e.zip",
            "csv",
            zipped(**{"__MACOSX/._e__csv": b"x", "folder/": b"", "folder/e__csv": as_csv(TICKETS, TABLE)}),
        ),
        ("e.parquet.gz", "parquet", gzip.compress(as_parquet(TICKETS, TABLE))),
        ("e.ods.gz", "ods", gzip.compress(as_ods(TICKETS, TABLE))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_workbooks_and_packed_files(exports: Exports, name: str, kind: str, content: bytes) -> None:
    exports.mapping(file="e.*", format=kind, date_format="iso8601")
    exports.file(content, name)
    exports.loaded()
    assert current(exports) == CURRENT


@pytest.mark.parametrize(
    ("name", "kind", "content", "expected"),
    [
        (
            "e.xlsx",
            "csv",
            as_xlsx(TICKETS, TABLE),
            "not csv but an Excel workbook (.xlsx): declare `format: xlsx` at",
        ),
        (
            "e.csv",
            "csv",
            as_ods(TICKETS, TABLE),
            "not csv but an OpenDocument spreadsheet (.ods): declare `format: ods`",
        ),
        ("e.csv", "csv", zipped(e__csv=b"id\n"), "not csv but a zip archive: let its name end in .zip"),
        ("e.zip", "csv", zipped(e__xlsx=as_xlsx(TICKETS, TABLE)), "not csv but an Excel workbook (.xlsx)"),
        ("e.csv", "csv", gzip.compress(b"id\n"), "not csv but compressed by gzip: let its name end in .gz"),
        (
            "e.csv",
            "jsonl",
            as_parquet(TICKETS, TABLE),
            "not jsonl but a Parquet file: declare `format: parquet`",
        ),
        (
            "e.xlsx",
            "xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "not xlsx but an old Excel workbook (.xls), or one with",
        ),
        ("e.xlsx", "xlsx", as_ods(TICKETS, TABLE), "not xlsx but an OpenDocument spreadsheet"),
        (
            "e.xlsx",
            "xlsx",
            b"id,created\n",
            "not xlsx but neither a workbook nor Parquet: is it `format: csv`?",
        ),
        ("e.parquet", "parquet", b"id,created\n", "not parquet but neither a workbook nor Parquet"),
        ("e.zip", "csv", zipped(a__csv=b"", b__csv=b""), "holds 2 files (a.csv, b.csv), not one; unpack it"),
        ("e.zip", "csv", zipped(), "holds 0 files (none), not one"),
        ("e.zip", "csv", b"PK\x03\x04cut", "cannot be read to its end as csv: File is not a zip file"),
        ("e.xlsx", "xlsx", as_xlsx(TICKETS, TABLE)[:-200], "cannot be read to its end as xlsx: "),
        ("e.xlsx", "xlsx", zipped(**{"xl/workbook__xml": b"<x/>"}), "cannot be read to its end as xlsx: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_says_what_it_is(
    exports: Exports, name: str, kind: str, content: bytes, expected: str
) -> None:
    exports.mapping(file="e.*", format=kind, date_format="iso8601")
    path = exports.file(content, name)
    assert exports.error().startswith(f"{path}: ")
    assert expected in exports.error()


def test_a_sheet_by_its_name(exports: Exports) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    hidden = book.create_sheet("Lists")
    hidden.sheet_state = "hidden"
    hidden.append(["id"])
    book.create_chartsheet("Chart")
    for row in (TICKETS, *TABLE):
        book.create_sheet("Tickets") if "Tickets" not in book.sheetnames else None
        book["Tickets"].append(row)
    exports.file(saved(book), "e.xlsx")
    path = exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601")
    told = f"e.xlsx: needs `sheet`, the name of one; it has `Read me`, `Tickets`; see {path}:1"
    assert exports.error().endswith(told)
    exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601", sheet="tickets")
    assert "has no sheet `tickets`; it has `Read me`, `Tickets`" in exports.error()
    exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601", sheet="Tickets")
    exports.loaded()
    assert current(exports) == CURRENT
    exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601", sheet="Lists")
    assert "has no column `created`" in exports.error()


def test_what_a_sheet_can_have_in_it(exports: Exports) -> None:
    """Text above, gaps around, merged cells, formulas without a value, formatted emptiness far below."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["C2"] = "Tickets of May"
    for row in (
        ["number", "opened", "state", "product", "spent", None, "share"],
        [1000, local("2024-05-01T10:30:15"), "open", "Router", timedelta(hours=30), None, 0.8],
        [1000.5, local("2024-05-01").date(), "open", None, 90, None, "=1/0"],
        ["012", 45413.5, "open", None, None, None, None],
        [None] * 7,
        ["A-1", "05/06/2024 07:08", "open", True, 1.5, None, None],
        ["1E5", time(10, 30), "open", "=A1", None, None, None],
    ):
        sheet.append([None, *row])
    sheet.merge_cells("E4:E6")
    sheet.row_dimensions[1000].height = 40
    sheet["J1000"].number_format = "0.00"
    exports.file(saved(book), "e.xlsx")
    exports.mapping(
        file="e.xlsx",
        format="xlsx",
        skip_rows="2",
        id="number",
        columns="{created_at: opened, status: state, product: product, handle_seconds: spent}",
        date_format='"%d/%m/%Y %H:%M"',
    )
    result = exports.loaded()
    assert (result.received, result.landed) == (5, 5)
    found = {row["record_id"]: row["payload"] for row in exports.rows()}
    assert found["1000"]["values"] == {
        "ticket_id": "1000",
        "created_at": "2024-05-01T10:30:15Z",
        "status": "open",
        "source_status": "open",
        "product": "Router",
        "handle_seconds": 108_000,
    }
    assert found["1000"]["raw"]["share"] == "0.8"
    assert found["1000"]["raw"]["column 6"] == ""
    assert found["1000.5"]["values"]["created_at"] == "2024-05-01T00:00:00Z"
    assert [found[key]["values"].get("product") for key in ("1000.5", "012", "A-1", "1E5")] == [
        "Router",
        "Router",
        "true",
        None,
    ]
    assert found["012"]["reject"] == (
        "created_at '99999.9': does not match the date format %d/%m/%Y %H:%M; Excel's serial numbers need "
        "`date_format: excel`"
    )
    assert found["A-1"]["values"]["created_at"] == "2024-06-05T07:08:00Z"
    assert found["A-1"]["errors"] == [
        {"column": "handle_seconds", "value": "1.5", "reason": "is no whole number"}
    ]
    assert found["1E5"]["reject"] == "created_at '99:99:99': does not match the date format %d/%m/%Y %H:%M"


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("45413", "2024-05-01T00:00:00Z"),
        ("45413.4375", "2024-05-01T10:30:00Z"),
        ("45303.70832175926", "2024-01-12T16:59:59Z"),
        ("61", "1900-03-01T00:00:00Z"),
        ("60", None),  # 29 February 1900, which never was
        ("-5", None),
        ("99999999", None),
        ("2024-05-01", None),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_serial_dates(exports: Exports, kind: str, serial: str, expected: str | None) -> None:
    exports.mapping(file="e.*", format=kind, date_format="excel")
    exports.file(WRITERS[kind](TICKETS, [[1, serial, "open"]]), f"e.{kind}")
    exports.loaded()
    if (kind, serial) == ("xlsx", "2024-05-01"):
        expected = "2024-05-01T00:00:00Z"  # a date by itself
    assert exports.first()["values"].get("created_at") == expected


def test_a_workbook_that_counts_from_1904(exports: Exports) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in (TICKETS, *TABLE):
        book.active.append(row)
    exports.mapping(file="e.xlsx", format="xlsx")
    exports.file(saved(book), "e.xlsx")
    exports.loaded()
    assert current(exports) == CURRENT


def test_dates_of_a_workbook_need_a_zone_and_no_format(exports: Exports) -> None:
    exports.file(as_xlsx(TICKETS, TABLE), "e.xlsx")
    exports.mapping(file="e.xlsx", format="xlsx", date_format="", time_zone="")
    assert "`time_zone` is missing and created_at carry no offset" in exports.error()
    exports.mapping(file="e.xlsx", format="xlsx", date_format="", time_zone="Asia/Tokyo")
    exports.loaded()
    assert exports.current()["1"]["created_at"] == "2024-05-01T01:00:00Z"


def test_a_cell_far_off_is_refused(exports: Exports) -> None:
    """Reading it would ask for 23 GB and end the process."""
    book = openpyxl.Workbook()
    for row in (TICKETS, *TABLE):
        book.active.append(row)
    book.active["ZZ1048576"] = " "
    exports.file(saved(book), "e.xlsx")
    exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601")
    assert (
        "the sheet `Sheet` reaches from A1 to ZZ1048576: delete what stands far from the table"
        in exports.error()
    )


def test_broken_xml_of_a_workbook_is_refused(exports: Exports) -> None:
    """The reader would go on for ever."""
    whole = as_ods(TICKETS, TABLE)
    with ZipFile(BytesIO(whole)) as archive:
        parts = {name.replace(".", "__"): archive.read(name) for name in archive.namelist()}
    parts["content__xml"] = parts["content__xml"].replace(b"</table:table-row>", b'</630"<<', 1)
    exports.file(zipped(**parts), "e.ods")
    exports.mapping(file="e.ods", format="ods")
    assert "its XML is broken: not well-formed" in exports.error()


def test_a_damaged_workbook_never_ends_in_a_stack_trace(exports: Exports) -> None:
    """Every eighth byte of the first and the last kilobyte, one at a time."""
    whole = as_xlsx(TICKETS, TABLE)
    places = [*range(0, 1024, 8), *range(len(whole) - 1024, len(whole), 8)]
    path = exports.file(whole, "e.xlsx")
    mapping = load(exports.mapping(file="e.xlsx", format="xlsx", date_format="iso8601"))
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            list(rows(mapping, path))
        except ValueError as error:
            assert str(error).startswith(str(path)), error
