"""The tickets behind the cells that the report speaks of: the published file's own `kpi_cell` names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from orchestration.report.data import Row, plain
from quality.contracts import Contract

#: How many of a cell's tickets are named, and of how many cells.
TICKETS, CELLS = 20, 6
CELL = ("period_grain", "period_start", "dimension", "member")

# What weighs down a share comes first, then the newest.
_BEHIND = f"""
SELECT c.ticket_id, t.link, count(*) OVER () AS tickets FROM (
    SELECT source, ticket_id, bool_or(in_numerator) AS counts, max(day) AS day
    FROM kpi_cell(?, ?, ?, ?, ?, key := ?) WHERE in_denominator AND ticket_id IS NOT NULL
    GROUP BY source, ticket_id
) AS c
LEFT JOIN tickets AS t ON c.source = t.source AND c.ticket_id = t.ticket_id
ORDER BY c.counts NULLS FIRST, c.day DESC, c.source, c.ticket_id
LIMIT {TICKETS}
"""  # noqa: S608


@dataclass(frozen=True)
class Behind:
    """Id and address of some tickets of a cell, and how many there are."""

    tickets: Sequence[tuple[str, str | None]]
    count: int


def behind(
    con: duckdb.DuckDBPyConnection, cells: Sequence[Row], marts: Mapping[str, Contract]
) -> dict[int, Behind]:
    """The tickets of the first cells, by their place; one without any, or that cannot be told, is left out.

    Args:
        con: the version's file.
        cells: rows of the scorecard: `kpi`, `grain`, `start`, `dimension`, `member`.
        marts: the contracts of the version's marts; their cards tell which cell a row of the scorecard is.
    """
    found: dict[int, Behind] = {}
    for place, row in enumerate(cells[:CELLS]):
        if (told := cell_of(row["kpi"], marts)) is None:
            continue
        mart, key = told
        asked = [mart, row["grain"], row["start"], row["dimension"], row["member"], key]
        # Members are shown as plain text: one that had to be changed for that is no member.
        with suppress(duckdb.Error):
            if rows := con.execute(_BEHIND, asked).fetchall():
                found[place] = Behind([(plain(ticket), link) for ticket, link, _ in rows], rows[0][2])
    return found


def cell_of(kpi: str, marts: Mapping[str, Contract]) -> tuple[str, str] | None:
    """The table and the key of a KPI of the scorecard, by the headlines of the cards."""
    for name, contract in marts.items():
        for line in contract.card.get("headlines", ()):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(line.get("kpi", "")))
            if found := re.fullmatch(pattern, kpi):
                known = {**line.get("where", {}), **found.groupdict()}
                return name, "/".join(str(known[c]) for c in contract.key if c not in CELL and c in known)
    return None
