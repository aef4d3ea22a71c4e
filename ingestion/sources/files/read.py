"""Reading exported files: rows of text, one at a time, whatever the format."""

import codecs
import csv
import gzip
import json
import math
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.sources.files.mapping import Mapping, MappingError

CELLS = ""
"""Key of a row's remark on its number of cells; no column has an empty name."""

_PARQUET_ROWS = 10_000
_MISREAD_MARK = codecs.BOM_UTF8.decode("latin-1")
csv.field_size_limit(2**24)

Row = dict[str, str | None]


def rows(mapping: Mapping, path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a file as (line or row number, column -> text as written), in the file's order.

    A row with more or fewer cells than the header carries a remark under the key `CELLS`.

    Raises:
        MappingError: the file is not what the mapping declares (format, encoding, columns, quoting).
    """
    reader = {"csv": _csv_rows, "jsonl": _json_rows, "parquet": _parquet_rows}[mapping.format]
    try:
        yield from reader(mapping, path)
    except UnicodeDecodeError as error:
        raise MappingError(
            f"{path}: not {mapping.encoding} at the byte 0x{error.object[error.start]:02X}; declare the "
            f"encoding that the file was exported with at {mapping.at('encoding')} (often cp1252 or utf-16)"
        ) from error
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise MappingError(
            f"{path}: cannot be read to its end as {mapping.format}: {error}; export or copy it again"
        ) from error


@contextmanager
def _open(mapping: Mapping, path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if path.suffix.lower() != ".gz":
            yield raw
            return
        with gzip.open(raw) as unpacked:
            yield cast(IO[bytes], unpacked)


@contextmanager
def _text_lines(mapping: Mapping, path: Path) -> Iterator[Iterator[str]]:
    """Lines without the byte-order mark, which is no part of the first column's name."""
    with _open(mapping, path) as data, TextIOWrapper(data, encoding=mapping.encoding, newline="") as text:
        first = text.readline()
        if first.startswith(_MISREAD_MARK):
            raise MappingError(f"{path}: is UTF-8, not {mapping.encoding}; correct {mapping.at('encoding')}")
        yield chain([first.lstrip("\ufeff")] if first else [], text)


def _csv_rows(mapping: Mapping, path: Path) -> Iterator[tuple[int, Row]]:
    with _text_lines(mapping, path) as lines:
        reader = csv.reader(lines, delimiter=mapping.delimiter, strict=True)
        try:
            head = [cells for _, cells in zip(range(mapping.header_rows), reader, strict=False)]
            if len(head) < mapping.header_rows or not any(head[0]):
                raise MappingError(f"{path}: has no header; an export starts with the names of its columns")
            header = _names(head)
            _require(mapping, path, header, mapping.their_columns)
            for cells in reader:
                if len(cells) == len(header):
                    yield reader.line_num, dict(zip(header, cells, strict=True))
                elif cells:
                    row: Row = dict(zip(header, cells, strict=False))
                    row[CELLS] = f"the row has {len(cells)} cells, the header {len(header)}"
                    yield reader.line_num, row
        except csv.Error as error:
            raise MappingError(
                f"{path}: line {reader.line_num}: {error}; export it again with standard quoting, "
                f"or correct `delimiter` at {mapping.at('delimiter')}"
            ) from error


def _names(head: list[list[str]]) -> list[str]:
    """Column names from one or two header rows, made unique.

    With two (survey exports), an empty upper cell continues the one to its left: `Question / Choice`.
    """
    names = [name.strip("\ufeff \t") for name in head[0]]
    if len(head) == 2:
        lower = [name.strip() for name in head[1]] + [""] * (len(names) - len(head[1]))
        upper = ""
        for i, name in enumerate(names):
            upper = name or upper
            names[i] = f"{upper} / {lower[i]}" if upper and lower[i] else upper or lower[i]
    counts: dict[str, int] = {}
    for i, name in enumerate(names):
        name = name or f"column {i + 1}"
        counts[name] = counts.get(name, 0) + 1
        names[i] = name if counts[name] == 1 else f"{name} [{counts[name]}]"
    return names


def _require(mapping: Mapping, path: Path, found: Collection[str], needed: Collection[str]) -> None:
    missing = [f"`{name}`" for name in sorted(set(needed) - set(found))]
    if missing:
        shown = ", ".join(f"`{name}`" for name in list(found)[:40])
        raise MappingError(
            f"{path}: has no column {', '.join(missing)}, which {mapping.path} names; it has {len(found)}: "
            f"{shown}. Correct `columns` or `id` (or `delimiter`, `header_rows`, `encoding`)"
        )


def _json_rows(mapping: Mapping, path: Path) -> Iterator[tuple[int, Row]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    seen: set[str] = set()
    with _text_lines(mapping, path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = decoder.decode(line)
            except msgspec.DecodeError as error:
                raise MappingError(
                    f"{path}: line {number}: no JSON object ({error}); export again"
                ) from error
            seen.update(record)
            yield number, {name: _text(value) for name, value in record.items() if name}
    if seen:
        # Absent is how JSON lines write null: any other column may be missing from all of them.
        _require(mapping, path, sorted(seen), mapping.id)


def _parquet_rows(mapping: Mapping, path: Path) -> Iterator[tuple[int, Row]]:
    with pq.ParquetFile(path) as file:
        _require(mapping, path, file.schema_arrow.names, mapping.their_columns)
        number = 0
        for batch in file.iter_batches(_PARQUET_ROWS):
            for record in batch.to_pylist():
                number += 1
                yield number, {name: _text(value) for name, value in record.items()}


def _text(value: Any) -> str | None:
    """A typed value as an export would have written it: whole numbers plain, times as ISO 8601."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
