"""One table written in every format, as the tools that export it write it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any
from zipfile import ZipFile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Rows = Sequence[Sequence[Any]]


def as_csv(header: Sequence[str], rows: Rows) -> bytes:
    """As a data frame writes it: a whole number beside a gap reads `1000.0`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_written(value) for value in row])
    return text.getvalue().encode()


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def as_jsonl(header: Sequence[str], rows: Rows) -> bytes:
    """A line per row; dates are text, as JSON has none."""
    lines = (
        json.dumps({name: _written(value) for name, value in zip(header, row, strict=True)}) for row in rows
    )
    return "".join(f"{line}\n" for line in lines).encode()


def as_parquet(header: Sequence[str], rows: Rows) -> bytes:
    """Typed columns."""
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in header]
    target = io.BytesIO()
    pq.write_table(
        pa.table({name: list(values) for name, values in zip(header, columns, strict=True)}), target
    )
    return target.getvalue()


def as_xlsx(header: Sequence[str], rows: Rows, sheet: str = "Export") -> bytes:
    """One sheet, real dates."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in (header, *rows):
        book.active.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def as_ods(header: Sequence[str], rows: Rows, sheet: str = "Export") -> bytes:
    """One sheet, real dates."""
    book, table = OpenDocumentSpreadsheet(), Table(name=sheet)
    for row in (header, *rows):
        line = TableRow()
        for value in row:
            line.addElement(_cell(value))
        table.addElement(line)
    book.spreadsheet.addElement(table)
    target = io.BytesIO()
    book.write(target)
    return target.getvalue()


def _cell(value: Any) -> TableCell:
    if value is None:
        return TableCell()
    if isinstance(value, bool):
        return TableCell(valuetype="boolean", booleanvalue=str(value).lower())
    if isinstance(value, (int, float)):
        return TableCell(valuetype="float", value=value)
    if isinstance(value, (date, datetime)):
        return TableCell(valuetype="date", datevalue=value.isoformat())
    if isinstance(value, time):
        return TableCell(valuetype="time", timevalue=value.strftime("PT%HH%MM%SS"))
    cell = TableCell(valuetype="string")
    cell.addElement(P(text=value))
    return cell


def zipped(**members: bytes) -> bytes:
    """An archive; `a__csv` is the member `a.csv`."""
    target = io.BytesIO()
    with ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return target.getvalue()


WRITERS: dict[str, Callable[[Sequence[str], Rows], bytes]] = {
    "csv": as_csv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "xlsx": as_xlsx,
    "ods": as_ods,
}
