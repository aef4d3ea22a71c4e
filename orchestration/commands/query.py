"""A query on the published marts, for people at a terminal or for a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

import duckdb
from rich.console import Console
from rich.table import Table

from ingestion.errors import ExpectedError

#: So many rows of a table are shown.
SHOWN = 200
_ROWS_AT_ONCE = 10_000


class QueryError(ExpectedError):
    """The query cannot be run; the message is the engine's."""


def run(current: Path, sql: str, out: TextIO, *, is_csv: bool) -> None:
    """Run SQL on the marts of a version and write what the last statement gives.

    Args:
        current: the version's folder; its file is opened for reading only, times are UTC.
        sql: one or more statements of DuckDB.
        out: where to.
        is_csv: all rows as CSV with a header, nulls empty; else the first rows as a table.

    Raises:
        QueryError: the engine refuses it, or it gives nothing.
    """
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        try:
            found = con.execute(sql)
            columns = [column[0] for column in found.description or ()] if found else []
            if not columns:
                raise QueryError("the query gives nothing")
            if is_csv:
                _write(found, columns, out)
            else:
                _show(found, columns, out)
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


def _write(found: duckdb.DuckDBPyConnection, columns: list[str], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        writer.writerows(rows)


def _show(found: duckdb.DuckDBPyConnection, columns: list[str], out: TextIO) -> None:
    table = Table()
    rows = found.fetchmany(SHOWN + 1)
    for number, name in enumerate(columns):
        is_number = all(isinstance(row[number], int | float) or row[number] is None for row in rows)
        table.add_column(name, justify="right" if is_number and rows else "left", overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console(file=out, markup=False, highlight=False)
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"The first {SHOWN} rows; --csv gives all.")
