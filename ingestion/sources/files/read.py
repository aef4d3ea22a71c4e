"""Reading exported files: rows of text, one at a time, whatever the format."""

import codecs
import csv
import gzip
import json
import math
import re
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError

from ingestion import mending
from ingestion.sources.files.mapping import SHEETS, TEXTS, Layout, MappingError, Names, any_of
from ingestion.sources.files.workbooks import PARTS, WorkbookError, merged_below, open_sheet

CELLS = ""
"""Key of a row's remark on its cells, which costs the row; no column has an empty name."""

LOST = "\ufffd"
"""Key of a row's remark on text that was lost; it costs that text alone."""

REMARKS = (CELLS, LOST)

_PARQUET_ROWS = 10_000
_EXACT_FLOATS = 2.0**53
_MISREAD_MARK = codecs.BOM_UTF8.decode("latin-1")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\xd0\xcf\x11\xe0": "xls",
    b"\x1f\x8b": "gzip",
    b"PAR1": "parquet",
}
ADVICE = {
    "xlsx": "an Excel workbook (.xlsx): declare `format: xlsx`",
    "ods": "an OpenDocument spreadsheet (.ods): declare `format: ods`",
    "xls": "an old Excel workbook (.xls), or one with a password: save it as .xlsx without one",
    "parquet": "a Parquet file: declare `format: parquet`",
    "zip": "a zip archive: let its name end in .zip, and hold one member",
    "gzip": "compressed by gzip: let its name end in .gz",
}
csv.field_size_limit(2**24)

UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    BadZipFile,
    NotImplementedError,
    pa.ArrowException,
    CalamineError,
)

Row = dict[str, str | None]


def rows(layout: Layout, path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a file as (line or row number, column -> text as written), in the file's order.

    Rows whose cells are all empty are none. A row that cannot be used as it stands (too many or too few
    cells) carries a remark under the key `CELLS`, one that lost text one under `LOST`.

    Raises:
        MappingError: the file is not what the mapping declares (format, encoding, sheet, columns, quoting).
    """
    try:
        with _open(layout, path) as data:
            for line, row in _READERS[layout.format](layout, path, data):
                if any(name not in REMARKS and text and not text.isspace() for name, text in row.items()):
                    yield line, row
    except UnicodeDecodeError as error:
        raise MappingError(
            f"{path}: not {layout.encoding} at the byte 0x{error.object[error.start]:02X}; declare the "
            f"encoding that the file was exported with at {layout.at('encoding')} (often cp1252 or utf-16)"
        ) from error
    except UnicodeError as error:
        raise MappingError(f"{path}: not {layout.encoding} ({error}); see {layout.at('encoding')}") from None
    except WorkbookError as error:
        raise MappingError(f"{path}: {error}; see {layout.at('sheet')}") from error
    except UNREADABLE as error:
        raise MappingError(
            f"{path}: cannot be read to its end as {layout.format}: {error}; export or copy it again"
        ) from error


@contextmanager
def _open(layout: Layout, path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked; one that can be read in any order where the format asks for that."""
    with unpacked(path, in_order=layout.format in TEXTS) as data:
        found = kind(data)
        if found != layout.format and (found or layout.format not in TEXTS):
            advice = ADVICE.get(found, "neither a workbook nor Parquet: is it `format: csv`?")
            raise MappingError(f"{path}: not {layout.format} but {advice} at {layout.at('format')}")
        yield data


@contextmanager
def unpacked(path: Path, *, in_order: bool) -> Iterator[IO[bytes]]:
    """A file's bytes, out of their `.gz` or `.zip`; `in_order`: they are read from first to last."""
    with ExitStack() as stack:
        raw: IO[bytes] = stack.enter_context(path.open("rb"))
        data, packed = raw, path.suffix.lower()
        if packed == ".gz":
            data = cast(IO[bytes], stack.enter_context(gzip.open(raw)))
        elif packed == ".zip":
            data = stack.enter_context(_only_member(path, stack.enter_context(ZipFile(raw))))
        if data is not raw and not in_order:
            copy = stack.enter_context(tempfile.TemporaryFile())
            copyfileobj(data, copy)
            data = copy
        data.seek(0)
        yield data


def _only_member(path: Path, archive: ZipFile) -> IO[bytes]:
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/") and Path(name).name[:1] != "."
    ]
    if len(names) != 1:
        held = ", ".join(names[:10]) or "none"
        raise MappingError(f"{path}: holds {len(names)} files ({held}), not one; unpack it")
    if archive.getinfo(names[0]).flag_bits & 1:
        raise MappingError(f"{path}: is encrypted; unpack it")
    return archive.open(names[0])


def kind(data: IO[bytes]) -> str:
    """What the first bytes say that a file is; "" for text and anything else."""
    head = data.read(4)
    data.seek(0)
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    if found != "zip" or not data.seekable():
        return found
    with ZipFile(data) as archive:
        names = archive.namelist()
    data.seek(0)
    return next((kind for kind, part in PARTS.items() if part in names), found)


def _text_lines(layout: Layout, path: Path, data: IO[bytes]) -> Iterator[str]:
    """Lines without the byte-order mark, which is no part of the first column's name."""
    text = TextIOWrapper(data, encoding=layout.encoding, newline="")
    first = text.readline()
    if first.startswith(_MISREAD_MARK):
        raise MappingError(f"{path}: is UTF-8, not {layout.encoding}; correct {layout.at('encoding')}")
    return chain([first.lstrip("\ufeff")] if first else [], text)


def _csv_rows(layout: Layout, path: Path, data: IO[bytes]) -> Iterator[tuple[int, Row]]:
    lines, delimiter, above = _text_lines(layout, path, data), layout.delimiter, layout.skip_rows
    first = next(lines, "")
    if declared := _SEPARATOR.fullmatch(first):
        delimiter, above = declared[1], above + 1
    lines = islice(chain([first] if first else [], lines), above, None)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        names, width = _header(layout, path, reader)
        for cells in reader:
            row: Row = dict(zip(names, cells, strict=False))
            # Empty cells at the end, below no name, are no part of the table.
            if len(cells) < width or any(cells[len(names) :]):
                row[CELLS] = f"the row has {len(cells)} cells, the header {len(names)}"
            if cells:
                yield above + reader.line_num, row
    except csv.Error as error:
        raise MappingError(
            f"{path}: line {above + reader.line_num}: {error}; export it again with standard quoting, "
            f"or correct `delimiter` at {layout.at('delimiter')}"
        ) from error


def _sheet_rows(layout: Layout, path: Path, data: IO[bytes]) -> Iterator[tuple[int, Row]]:
    sheet = open_sheet(data, layout.format, layout.sheet)
    texts = ([_text(value, layout.decimal) or "" for value in cells] for cells in sheet.iter_rows())
    numbered = islice(enumerate(texts, 1), layout.skip_rows, None)
    names, _ = _header(layout, path, (cells for _, cells in numbered))
    merged, above = merged_below(sheet), [""] * len(names)
    for number, cells in numbered:
        for column in merged.get(number, ()):
            cells[column] = above[column]
        above = cells
        yield number, dict(zip(names, cells, strict=True))


def _header(layout: Layout, path: Path, table: Iterator[list[str]]) -> tuple[list[str], int]:
    """Column names from the next header rows, and how many columns there are up to the last that is named.

    Rows without any text above them are passed over.
    """
    found = (cells for cells in table if any(map(str.strip, cells)))
    head = [*islice(found, 1), *islice(table, layout.header_rows - 1)]
    if len(head) < layout.header_rows:
        raise MappingError(f"{path}: has no header; an export starts with the names of its columns")
    names = _names(head)
    if len(head) > 1:
        _take_parts(names, head, layout.missing(names))
    _require(layout, path, names, layout.missing(names))
    return names, max(i for cells in head for i, cell in enumerate(cells, 1) if cell.strip())


def _names(head: list[list[str]]) -> list[str]:
    """Column names from one to three header rows, made unique.

    With several (survey exports), an empty cell above the last continues the one to its left, as long as
    those above it do: `Question / Choice`.
    """
    width = max(map(len, head))
    levels = [
        [*(cell.strip("\ufeff \t\r\n") for cell in cells), *[""] * (width - len(cells))] for cells in head
    ]
    continued = [True] * width
    for cells in levels[:-1]:
        for i in range(1, width):
            continued[i] = continued[i] and not cells[i]
            if continued[i]:
                cells[i] = cells[i - 1]
    counts: dict[str, int] = {}
    names = []
    for i, parts in enumerate(zip(*levels, strict=True), 1):
        name = " / ".join(filter(None, parts)) or f"column {i}"
        counts[name] = counts.get(name, 0) + 1
        names.append(name if counts[name] == 1 else f"{name} [{counts[name]}]")
    return names


def _take_parts(names: list[str], head: list[list[str]], missing: Collection[Names]) -> None:
    """Name a column as it is asked for, by what it alone has in one of the header rows."""
    for asked in missing:
        for name in asked:
            places = [i for cells in head for i, cell in enumerate(cells) if cell.strip() == name]
            if len(places) == 1:
                names[places[0]] = name
                break


def _require(layout: Layout, path: Path, found: Collection[str], missing: Collection[Names]) -> None:
    if missing:
        shown = ", ".join(f"`{name}`" for name in list(found)[:40])
        raise MappingError(
            f"{path}: has no column {', '.join(sorted(map(any_of, missing)))}, which {layout.at('columns')} "
            f"names; it has {len(found)}: {shown}. Correct `columns` or `id` (or `delimiter`, `skip_rows`, "
            "`header_rows`, `encoding`, `sheet`)"
        )


def _json_rows(layout: Layout, path: Path, data: IO[bytes]) -> Iterator[tuple[int, Row]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    seen: set[str] = set()
    for number, line in enumerate(_text_lines(layout, path, data), 1):
        if not line.strip():
            continue
        try:
            record, whole = mending.read(line.encode(), decode)
        except (msgspec.DecodeError, RecursionError) as error:
            raise MappingError(f"{path}: line {number}: no JSON object ({error}); export again") from error
        seen.update(record)
        row = {name: _text(value, layout.decimal) for name, value in record.items() if name}
        if mending.LOST_VALUE.encode() in whole:
            row[CELLS] = f"a value is nested deeper than {mending.LEVELS} levels"
        if mending.LOST_TEXT.encode() in whole:
            row[LOST] = "holds text that is no JSON (half a character); U+FFFD stands for what is lost"
        yield number, row
    if seen:
        # Absent is how JSON lines write null: any other column may be missing from all of them.
        _require(layout, path, sorted(seen), [each for each in layout.id if seen.isdisjoint(each)])


def _parquet_rows(layout: Layout, path: Path, data: IO[bytes]) -> Iterator[tuple[int, Row]]:
    with pq.ParquetFile(data) as file:
        names = file.schema_arrow.names
        _require(layout, path, names, layout.missing(names))
        number = 0
        for batch in file.iter_batches(_PARQUET_ROWS):
            for record in batch.to_pylist():
                number += 1
                yield number, {name: _text(value, layout.decimal) for name, value in record.items()}


_READERS = {
    "csv": _csv_rows,
    "jsonl": _json_rows,
    "parquet": _parquet_rows,
    **dict.fromkeys(SHEETS, _sheet_rows),
}


def _text(value: Any, decimal: str) -> str | None:
    """A typed value as an export would have written it.

    Whole numbers are plain, times ISO 8601, times spent seconds, numbers have the mapping's decimal mark. A
    float too large to be exact says so (`1.0E+20`).
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float):
        if abs(value) >= _EXACT_FLOATS:
            return f"{value:E}"
        value = int(value) if value.is_integer() else Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", decimal)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
