"""What a version's file holds for the report, as plain rows: one query each, in `queries/`."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

QUERIES = Path(__file__).parent / "queries"

Row = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """A version's numbers, by query; times are UTC, `today` is the local day of `as_of`.

    Attributes:
        warnings: what the gates found that is no reason to stop: what it is about, and the message.
    """

    version: str
    as_of: datetime
    zone: ZoneInfo
    warnings: list[tuple[str, str]]
    rows: Mapping[str, list[Row]] = field(repr=False)

    @property
    def today(self) -> date:
        """The local day at which the numbers hold."""
        return self.as_of.astimezone(self.zone).date()

    def __getitem__(self, query: str) -> list[Row]:
        return self.rows[query]


def connect(database: Path) -> duckdb.DuckDBPyConnection:
    """The file of a version, to read from, in UTC.

    Raises:
        duckdb.Error: it cannot be read.
    """
    con = duckdb.connect(str(database), read_only=True)
    con.execute("SET TimeZone = 'UTC'; SET threads = 1")
    return con


def read(con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> Data:
    """Read what the report says.

    Args:
        con: the version's file.
        manifest: its manifest: `version`, `as_of`, `time_zone` and `gate_results`.

    Raises:
        duckdb.Error: the file lacks a mart.
    """
    as_of = datetime.fromisoformat(manifest["as_of"]).astimezone(UTC)
    zone = ZoneInfo(manifest["time_zone"])
    con.execute("SET VARIABLE as_of = ?::TIMESTAMP", [as_of.replace(tzinfo=None)])
    con.execute("SET VARIABLE today = ?::DATE", [as_of.astimezone(zone).date()])
    con.execute("SET VARIABLE version = ?::VARCHAR", [manifest["version"]])
    rows = {path.stem: _rows(con, path.read_text()) for path in sorted(QUERIES.glob("*.sql"))}
    found = manifest.get("gate_results", [])
    warnings = [(each["subject"], plain(each["message"])) for each in found if "message" in each]
    return Data(manifest["version"], as_of, zone, warnings, rows)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found = con.execute(query)
    names = [str(column[0]) for column in found.description or []]
    return [
        {name: plain(v) if isinstance(v, str) else v for name, v in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


def plain(text: str) -> str:
    """The text as it can be shown anywhere: controls, and marks that turn the direction, as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\ufffd" for c in text)
