"""Workbooks (.xlsx, .ods): one sheet of them, refused where reading it would not end well."""

import re
from collections import defaultdict
from posixpath import join
from typing import IO
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

PARTS = {"xlsx": "xl/workbook.xml", "ods": "content.xml"}
"""The member by which an archive is known as a workbook of its format."""

MAX_BYTES = 2 * 1024**3
"""Of a workbook, unpacked; it is read in one piece."""
MAX_CELLS = 60_000_000
"""From the first to the last cell of a sheet; memory is taken for each of them."""
_DIMENSION = re.compile(rb'<dimension ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')


class WorkbookError(ValueError):
    """The workbook has no such sheet, or reading it would not end well; the message says what to do."""


def open_sheet(data: IO[bytes], file_format: str, name: str | None) -> CalamineSheet:
    """The sheet of this name; without one the only visible sheet.

    Raises:
        WorkbookError: there is no such sheet, or no way to read it.
        CalamineError, BadZipFile: the workbook is damaged.
    """
    workbook = _open(data, file_format)
    chosen = _choose(workbook, name)
    if file_format == "xlsx":
        with ZipFile(data) as archive:
            _refuse_far_cells(archive, chosen)
    sheet = workbook.get_sheet_by_name(chosen)
    if sheet.start is None:
        raise WorkbookError(f"the sheet `{chosen}` is empty")
    return sheet


def merged_below(sheet: CalamineSheet) -> dict[int, list[int]]:
    """Columns, by row number, whose cell is one with the cell above it; .xlsx alone tells."""
    merged = defaultdict(list)
    if sheet.start and sheet.end:
        for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
            for row in range(top + 1, min(bottom, sheet.end[0]) + 1):
                merged[row + 1].append(column - sheet.start[1])
    return merged


def sheet_names(data: IO[bytes], file_format: str) -> list[str]:
    """The visible sheets of a workbook.

    Raises:
        WorkbookError: there is no way to read it.
        CalamineError, BadZipFile: it is damaged.
    """
    return _names(_open(data, file_format), None)


def _open(data: IO[bytes], file_format: str) -> CalamineWorkbook:
    with ZipFile(data) as archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_BYTES:
            raise WorkbookError(f"it unpacks to more than {MAX_BYTES // 1024**3} GiB: export it as CSV")
        if file_format == "ods":
            _refuse_broken_xml(archive)
    data.seek(0)
    return CalamineWorkbook.from_filelike(data)


def _names(workbook: CalamineWorkbook, hidden: str | None) -> list[str]:
    return [
        each.name
        for each in workbook.sheets_metadata
        if each.typ == SheetTypeEnum.WorkSheet
        and (each.visible == SheetVisibleEnum.Visible or each.name == hidden)
    ]


def _choose(workbook: CalamineWorkbook, name: str | None) -> str:
    names = _names(workbook, name)
    if name in names or (name is None and len(names) == 1):
        return name or names[0]
    held = f"it has {', '.join(f'`{each}`' for each in names) or 'none'}"
    raise WorkbookError(
        f"has no sheet `{name}`; {held}" if name else f"needs `sheet`, the name of one; {held}"
    )


def _refuse_broken_xml(archive: ZipFile) -> None:
    """The reader of .ods does not come back from XML that is not well-formed."""
    with archive.open(PARTS["ods"]) as content:
        try:
            ParserCreate().ParseFile(content)
        except (ExpatError, LookupError, ValueError) as error:
            raise WorkbookError(f"its XML is broken: {error}; save it again") from error


def _refuse_far_cells(archive: ZipFile, name: str) -> None:
    """Nor does the reader of .xlsx from a sheet with a cell far off: it asks for memory that nobody has."""
    try:
        book = ElementTree.fromstring(archive.read(PARTS["xlsx"]))  # noqa: S314 expat bounds entities
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        (sheet,) = (each for each in book.iterfind(".//{*}sheet") if each.get("name") == name)
        (link,) = (value for key, value in sheet.items() if key.endswith("}id"))
        (target,) = (each.get("Target", "") for each in links if each.get("Id") == link)
        with archive.open(join("/xl", target)[1:]) as part:
            found = _DIMENSION.search(part.read(4096))
    except (ElementTree.ParseError, KeyError, ValueError):
        return
    if found:
        left, top, right, bottom = found.groups()
        cells = (int(bottom) - int(top) + 1) * (_number(right) - _number(left) + 1)
        if cells > MAX_CELLS:
            raise WorkbookError(
                f"the sheet `{name}` reaches from {(left + top).decode()} to {(right + bottom).decode()}: "
                "delete what stands far from the table (Ctrl+End goes there), or export it as CSV"
            )


def _number(letters: bytes) -> int:
    """A column's number: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
