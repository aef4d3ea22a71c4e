"""How a file is written: format, encoding, delimiter, where its header stands."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Self

import chardet

from ingestion.sources.files.draft import dates
from ingestion.sources.files.mapping import SHEETS, Layout, MappingError
from ingestion.sources.files.read import ADVICE, UNREADABLE, Row, kind, rows, unpacked
from ingestion.sources.files.workbooks import WorkbookError, sheet_names

_BLOCK = 1 << 20
_HEAD = 200
"""So many lines tell how the others are written."""
_ABOVE = 20
"""So many lines may stand above a header."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_ENCODINGS = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "mac-roman", "cp850",
    "cp852", "koi8-r", "cp932", "gb18030", "big5", "cp949", "euc-jp",
)  # fmt: skip
_USUAL = "cp1252"
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_STRANGE = re.compile(r"[^\W\d]*[^\x00-\x7f][^\W\d]*")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")
_NO_TABLES = {
    "%PDF": "a PDF",
    "<!DO": "a web page",
    "<htm": "a web page",
    "<?xm": "XML",
    "[": "a list in JSON",
    "{": "JSON",
}


_WAY_OUT = {
    "xls": "save it as .xlsx without a password",
    "gzip": "let its name end in .gz",
    "zip": "let its name end in .zip",
}


def layout(path: Path) -> tuple[Layout, dict[str, str]]:
    """How a file is written, with a remark on some keys.

    Raises:
        MappingError: it is no table, or nothing that can be read.
    """
    try:
        if not path.is_file():
            raise MappingError(f"{path}: there is no such file")
        with unpacked(path, in_order=True) as data:
            head = data.read(_BLOCK)
        if not head.strip():
            raise MappingError(f"{path}: is empty; export it again")
        with unpacked(path, in_order=False) as data:
            found = kind(data)
            if found in SHEETS:
                return _sheet(path, found, sheet_names(data, found))
        if found == "parquet":
            return Layout(format=found), {}
        if found:
            raise MappingError(
                f"{path}: is {ADVICE[found].split(':')[0]}; {_WAY_OUT.get(found, 'unpack it')}"
            )
        return _text(path, head)
    except (WorkbookError, *UNREADABLE) as error:
        raise MappingError(f"{path}: cannot be read: {error}; export or copy it again") from error


# Text


def _text(path: Path, head: bytes) -> tuple[Layout, dict[str, str]]:
    encoding, remark = _encoding(path, head)
    remarks = {"encoding": remark} if remark else {}
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).lstrip("\ufeff")
    if "\0" in text:
        raise MappingError(f"{path}: is no text and no format known here (csv, jsonl, parquet, xlsx, ods)")
    first = text.lstrip()
    if first.startswith("{"):
        with suppress(MappingError):
            jsonl = Layout(format="jsonl", encoding=encoding)
            if any(True for _ in islice(rows(jsonl, path), 5)):
                return jsonl, remarks
    for start, what in _NO_TABLES.items():
        if first.startswith(start):
            raise MappingError(f"{path}: is {what}; export it as CSV, JSON lines, Parquet, .xlsx or .ods")
    lines = list(islice(StringIO(text, newline=""), _HEAD + _ABOVE))
    delimiter, above, table = _delimited(lines)
    if len(table[0]) == 1:
        remarks["delimiter"] = "ask: one column; is it this delimiter?"
    header = _header_rows(table)
    return Layout(
        format="csv", encoding=encoding, delimiter=delimiter, skip_rows=above, header_rows=header
    ), remarks


def _encoding(path: Path, head: bytes) -> tuple[str, str]:
    """The encoding of the whole file, with a remark where it is a guess."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name, "by its byte-order mark"
    for name, nulls in (("utf-16-le", head[1:200:2]), ("utf-16-be", head[0:200:2])):
        if nulls and nulls.count(0) > 0.8 * len(nulls):
            return name, "by its zero bytes"
    strange = b""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    with unpacked(path, in_order=True) as data:
        try:
            for block in iter(lambda: data.read(_BLOCK), b""):
                decode(block)
            decode(b"", True)
        except UnicodeDecodeError as error:
            begin = error.object.rfind(b"\n", 0, error.start) + 1
            strange = _strange_cells(error.object[begin:] + data.read(_BLOCK))
    if not strange:
        return "utf-8", ""
    found = chardet.detect(strange, include_encodings=_ENCODINGS, compat_names=False)["encoding"] or _USUAL
    text = strange.decode(found, "replace")
    if strange.decode(_USUAL, "replace") == text:
        found = _USUAL
    words = list(dict.fromkeys(_STRANGE.findall(text)))
    return found, f"a guess; ask: does this read well? {' '.join(words[:4])}"


def _strange_cells(text: bytes) -> bytes:
    """The cells with other letters than those of ASCII: beside many others they would count for little."""
    return b"\n".join([cell for cell in re.split(rb"[,;\t|\r\n]+", text) if not cell.isascii()][:1000])


def _delimited(lines: Sequence[str]) -> tuple[str, int, list[list[str]]]:
    """Delimiter, lines above the header, and the table from there on."""
    declared = _SEPARATOR.fullmatch(lines[0])
    if declared:
        lines = lines[1:]
    found = [_Table.parsed(lines, each) for each in (declared[1] if declared else _DELIMITERS)]
    best = max(found, key=lambda table: (table.share, table.width))
    skipped = _skipped(best.rows, best.width)
    return best.delimiter, best.ends[skipped - 1] if skipped else 0, best.rows[skipped:]


@dataclass(frozen=True)
class _Table:
    """Lines, split by a delimiter.

    Attributes:
        ends: The line that each row ends at.
        width: Cells that most rows have.
        share: Of the rows, those that have as many; 0 if it is one.
    """

    delimiter: str
    rows: list[list[str]]
    ends: list[int]
    width: int
    share: float

    @classmethod
    def parsed(cls, lines: Sequence[str], delimiter: str) -> Self:
        """As far as the lines can be read with a delimiter."""
        rows, ends = [], []
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        with suppress(csv.Error):
            for cells in reader:
                if cells:
                    rows.append(cells)
                    ends.append(reader.line_num)
        widths = Counter(map(len, rows))
        width = max(widths, key=lambda each: (each > 1 and widths[each], each), default=1)
        return cls(delimiter, rows, ends, width, widths[width] / len(rows) if width > 1 else 0)


def _skipped(table: Sequence[Sequence[str]], width: int) -> int:
    """Rows above the header: titles, which are shorter than the table or have one or two cells filled."""
    for number, cells in enumerate(table[:_ABOVE]):
        filled = sum(bool(cell.strip()) for cell in cells)
        if len(cells) >= width and (filled > 2 or filled == width):
            return number
    return 0


# Header


def _header_rows(table: Sequence[Sequence[str]]) -> int:
    """How many rows name the columns: the first, and those below it that are unlike all others."""
    for count in (3, 2):
        body = table[count:_HEAD]
        if len(body) >= 3 and all(_is_header(table[row], body) for row in range(1, count)):
            return count
    return 1


def _is_header(cells: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row stands above columns of numbers and times without being one of their rows."""
    is_typed = False
    for column, cell in enumerate(cells):
        below = [row[column].strip() for row in body if column < len(row)]
        typed = [_is_typed(text) for text in below if text]
        if len(typed) >= 0.9 * len(below) and typed and sum(typed) >= 0.95 * len(typed):
            is_typed = True
            if _is_typed(cell.strip()):
                return False
    return is_typed and any(cell.strip() for cell in cells)


def _is_typed(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or any(dates.fits(each, text) for each in dates.candidates(text))


# Workbooks


def _sheet(path: Path, found: str, names: Sequence[str]) -> tuple[Layout, dict[str, str]]:
    """The sheet with the largest table, and where its header stands."""
    tables = {}
    for name in names:
        with suppress(MappingError):
            given = Layout(format=found, sheet=name)
            tables[name] = _grid([row for _, row in islice(rows(given, path), _HEAD)])
    if not tables:
        raise MappingError(f"{path}: has no sheet with a table; it has {', '.join(names) or 'none'}")
    name = max(tables, key=lambda each: len(tables[each]) * max(map(len, tables[each])))
    table = tables[name]
    skipped = _skipped(table, max(map(len, table)))
    chosen = Layout(format=found, sheet=name, skip_rows=skipped, header_rows=_header_rows(table[skipped:]))
    others = [each for each in names if each != name]
    return chosen, {"sheet": f"the largest; the others: {', '.join(others)}"} if others else {}


def _grid(found: Sequence[Row]) -> list[list[str]]:
    """A sheet's rows as they stand, the first one from the names of the columns."""
    names = list(found[0]) if found else []
    unnamed = re.compile(r"column \d+")
    first = ["" if unnamed.fullmatch(name) else name for name in names]
    return [first, *([row.get(name) or "" for name in names] for row in found)]
