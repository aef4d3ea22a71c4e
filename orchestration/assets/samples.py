"""What a night shows of a mart: the number of its last whole period, and a few rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb

#: How much of a mart a night's event holds at most.
ROWS, COLUMNS, LENGTH, DECIMALS = 10, 20, 40, 4
#: Columns by which a record, and so a person, can be found.
IDENTIFYING = re.compile(r"(.*_)?(id|hash)|item|link")


def last_whole(
    con: duckdb.DuckDBPyConnection, table: str, plot: Mapping[str, Any], today: date
) -> dict[str, Any]:
    """The plotted number of the last whole month, else week, with the n it rests on.

    Args:
        con: the warehouse.
        table: the KPI's table, as SQL.
        plot: what its card says of the plot.
        today: the local day of the run's instant.

    Returns:
        Metadata: `last_month_<column>`, `last_month_n`, and which month it is; nothing without a number.
    """
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    week = today - timedelta(days=today.weekday() + 7)
    for grain, start in (("month", month), ("week", week)):
        wanted = {"period_grain": grain, "period_start": start, "dimension": "all", **plot.get("where", {})}
        found = con.execute(
            f"SELECT {plot['column']}, {plot.get('n', 'NULL')} FROM {table}"  # noqa: S608
            f" WHERE {' AND '.join(f'{column} = ?' for column in wanted)}",
            list(wanted.values()),
        ).fetchone()
        if found and found[0] is not None:
            value, n = found
            number = round(float(value), DECIMALS)
            told = {f"last_{grain}_{plot['column']}": number, f"last_{grain}": start.isoformat()}
            return told if n is None else {**told, f"last_{grain}_n": int(n)}
    return {}


def preview(con: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str]) -> dg.MarkdownMetadataValue:
    """Ten rows of a mart as a table of Markdown, of cells the newest months.

    Columns without a value stay out, and those that identify: some ids are those of people, and what is in
    the history of runs is hard to erase.

    Args:
        con: the warehouse.
        table: the mart, as SQL.
        columns: its columns in order.
    """
    names = [column for column in columns if not IDENTIFYING.fullmatch(column)]
    has_cells = {"period_grain", "dimension"} <= set(names)
    cells = (
        "WHERE period_grain = 'month' AND dimension = 'all' ORDER BY period_start DESC" if has_cells else ""
    )
    rows = con.execute(
        f"SELECT {', '.join(names)} FROM {table} {cells} LIMIT {ROWS}"  # noqa: S608
    ).fetchall()
    filled = [at for at in range(len(names)) if not rows or any(row[at] is not None for row in rows)]
    shown = filled[:COLUMNS]
    lines = [
        [names[at] for at in shown],
        ["---"] * len(shown),
        *([_cell(row[at]) for at in shown] for row in rows),
    ]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: Any) -> str:
    """A value as short as it can be read, in which nothing means anything to Markdown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return re.sub(r"([\\`*_{}\[\]<>#|!~&])", r"\\\1", " ".join(str(value).split())[:LENGTH])
