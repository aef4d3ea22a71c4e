"""What a machine does to a home (a full disk, lost rights, damaged files), told with what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.errors import ExpectedError
from orchestration.ground.home import Home
from quality.store import Store

# How the kernel, DuckDB, SQLite and Arrow put it.
_NO_ROOM = re.compile(r"no space left|file too large|disk quota exceeded|disk is full|disk I/O error", re.I)
_NO_RIGHT = re.compile(
    r"permission denied|read-only file system|not permitted|readonly database|unable to open database", re.I
)
_OPEN_ELSEWHERE = re.compile(r"Could not set lock on file", re.I)
_DAMAGED = re.compile(
    r"could not read enough bytes|not a valid duckdb database|corrupt database file|failed to load metadata"
    r"|no magic bytes|too small to be a parquet|parquet magic bytes|not a parquet file"
    r"|file is not a database|disk image is malformed",
    re.I,
)
_SQLITE = re.compile(r"sqlite|(not a|readonly|open) database|disk image is malformed", re.I)


class HomeError(ExpectedError):
    """Something below CXMARTS_HOME is damaged; the text says what to do about it."""


@contextmanager
def open_store(home: Home) -> Iterator[Store]:
    """The verdicts of the gates.

    Raises:
        HomeError: the file is damaged.
    """
    try:
        with Store(home.control) as store:
            yield store
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise HomeError(
            f"{home.control} is damaged ({error}): move it away and refresh; every batch is judged again, "
            "waivers are lost"
        ) from None


def explain(text: str, home: Home) -> str | None:
    """What an error of the kernel or of a library means for a home, and what to do; None if it is no such.

    Args:
        text: the error as it was said, on its first line.
        home: where it happened.
    """
    # dbt goes on with the place in the SQL.
    said = re.sub(r" \| LINE \d.*", "", text.partition("\n")[0]).rstrip(".!")
    if said.startswith(("Cannot ", "PostgreSQL at ")) or "is damaged" in said:
        return None  # told already
    if _NO_ROOM.search(said):
        return (
            f"Cannot write below {home.root}: {said}. "
            "Free space there (`cxmarts doctor` tells what is left) and run again: what landed is kept"
        )
    if _NO_RIGHT.search(said) and (str(home.root) in said or _SQLITE.search(said)):
        return (
            f"Cannot read or write below {home.root}: {said}. Give the user that runs cxmarts the right to, "
            "or set CXMARTS_HOME to a folder of its own"
        )
    if _OPEN_ELSEWHERE.search(said):
        return (
            f"{said}. Close the program that has the file open and run again; readers open "
            f"{home.published / 'current'}"
        )
    if _DAMAGED.search(said):
        return f"{said}. {_mend(said, home)}"
    return None


def _mend(said: str, home: Home) -> str:
    """What to do about a damaged file of the home."""
    if str(home.landing) in said:
        return "Restore it from backup, or move it away and run `cxmarts refetch` for its stream"
    if str(home.published) in said:
        return (
            "`cxmarts rollback` leads readers to another version, and the next refresh goes on from that one "
            f"(where there is none, remove {home.published})"
        )
    if _SQLITE.search(said):
        return f"Dagster's history is damaged: remove {home.dagster}; only the history of runs is lost"
    return f"The warehouse is damaged: remove {home.warehouse}; the next refresh rebuilds it from the landing"
