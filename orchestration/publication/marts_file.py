"""The DuckDB file of a published version: the candidate marts with their comments, views and functions.

It starts as a copy of the version before: most marts hardly change from night to night, so only differing
rows are written. A file that cannot be carried on (damaged, or mostly free blocks) is written afresh.
What is written is read back and compared with the candidates, mart by mart. Of the marts that did not change
the copy is, byte for byte, the file that was compared when it was written; if it is not, they are read too.

Content hash of a mart: over its rows as a multiset, without the columns in `RUN_COLUMNS`: the 128-bit sums
of DuckDB's 64-bit row hash and of that hash's own hash, together with the row count and the columns' names
and types. It does not depend on row order, process or machine; another DuckDB release may compute another
one, so the manifest names the release.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.errors import ExpectedError
from orchestration.ground.process import limit_memory
from orchestration.ground.sql import quoted_name, quoted_text
from orchestration.warehouse import control_tables
from orchestration.warehouse.cutoff import RUN_COLUMNS

VERSION_COLUMN = "version"
# Read by every DuckDB since 1.0, which BI drivers still embed.
STORAGE_VERSION = "v1.0.0"
# Deleted rows keep their place in the file. A table with more of them than this share is written anew.
MAX_DELETED = 0.1


class PublishError(ExpectedError):
    """Nothing was published; the current version is what it was."""


@dataclass(frozen=True)
class Mart:
    """A published table: its row count, what identifies its content, and its columns as (name, type).

    Attributes:
        content: the count and the two sums of hashes, as text.
    """

    name: str
    rows: int
    content: str
    columns: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def content_hash(self) -> str:
        """One word for the content and the columns."""
        told = json.dumps([self.columns, *self.content.split("/")])
        return hashlib.sha256(told.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Description:
    """What a mart or view is in words, and what its columns are, by name."""

    text: str
    columns: Mapping[str, str]


NOTHING_SAID = Description("", {})


def connect(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in UTC, to a file for reading or to nothing yet.

    One thread: a second one makes writing cost half as much again, and hardly faster.
    """
    con = duckdb.connect(str(path), read_only=True) if path else duckdb.connect()
    con.execute("SET TimeZone = 'UTC'; SET threads = 1")
    limit_memory(con)
    return con


def measure(con: duckdb.DuckDBPyConnection, schema: str, mart: str) -> Mart:
    """Rows, columns and content hash of one table; `schema` is SQL.

    Raises:
        PublishError: there is no such table.
    """
    columns = _columns(con, schema, mart)
    row = _row_hash(column for column in columns if column[0] not in RUN_COLUMNS)
    [sums] = con.execute(
        "SELECT count(*), coalesce(sum(h::HUGEINT), 0), coalesce(sum(hash(h)::HUGEINT), 0)"  # noqa: S608
        f" FROM (SELECT {row} AS h FROM {schema}.{quoted_name(mart)})"
    ).fetchall()
    return Mart(mart, int(sums[0]), "/".join(map(str, sums)), columns)


def candidates(
    con: duckdb.DuckDBPyConnection, database: str, schema: str, marts: Iterable[str]
) -> list[Mart]:
    """The same of marts in the warehouse, by what their models recorded of them: what is written is measured.

    Raises:
        PublishError: there is no such table.
    """
    place = f"{quoted_name(database)}.{quoted_name(schema)}"
    recorded: dict[str, list[int]] = {}
    with suppress(duckdb.CatalogException):
        told = con.execute(
            f"SELECT model, rows, sum_1, sum_2 FROM {quoted_name(database)}.control.contents"  # noqa: S608
        )
        recorded = {model: sums for model, *sums in told.fetchall()}
    found = []
    for mart in marts:
        columns = _columns(con, place, mart)
        [(rows,)] = con.execute(f"SELECT count(*) FROM {place}.{quoted_name(mart)}").fetchall()  # noqa: S608
        sums = recorded.get(mart)
        is_told = sums is not None and sums[0] == rows
        content = "/".join(map(str, sums or ()))
        found.append(Mart(mart, rows, content, columns) if is_told else measure(con, place, mart))
    return found


def _columns(con: duckdb.DuckDBPyConnection, schema: str, mart: str) -> tuple[tuple[str, str], ...]:
    try:
        described = con.execute(f"DESCRIBE {schema}.{quoted_name(mart)}").fetchall()
    except duckdb.CatalogException:
        raise PublishError(f"mart {mart} is not in the warehouse") from None
    return tuple((str(row[0]), str(row[1])) for row in described)


def write(
    con: duckdb.DuckDBPyConnection,
    source: str,
    path: Path,
    marts: Sequence[Mart],
    *,
    version: str,
    views: Mapping[str, str],
    descriptions: Mapping[str, Description],
    before: Path | None,
    digest: str | None,
    unchanged: Collection[str],
) -> None:
    """Write the file of a version, and verify it.

    Args:
        con: a connection that sees the candidates.
        source: their schema, as SQL.
        path: the file to write.
        marts: the candidates, as measured there.
        version: its name, for the rows that have none yet.
        views: name -> the statement that creates a view or a function, in order.
        descriptions: of marts and views, by name: they become comments.
        before: the file of the version before.
        digest: of that file, as it was written; None if nobody knows.
        unchanged: the marts of which `before` holds the candidates' rows.

    Raises:
        PublishError: what was written differs from the candidates.
    """
    for start in (before, None):
        try:
            if start:
                shutil.copyfile(start, path)
            is_known = start is not None and digest_of(path) == digest
            con.execute(
                f"ATTACH {quoted_text(path)} AS target (STORAGE_VERSION {quoted_text(STORAGE_VERSION)})"
            )
            try:
                con.execute("USE target")
                if start:
                    _refuse_holes(con)
                kept = unchanged if start else ()
                carried_on = _make_room(con, source, marts, version, kept)
                con.begin()
                _fill(con, source, marts, version, kept, carried_on)
                for statement in views.values():
                    con.execute(statement)
                con.execute(_comments(con, descriptions))
                con.commit()
            finally:
                # Of what failed half-way: nothing else can be asked before.
                with suppress(duckdb.TransactionException):
                    con.rollback()
                con.execute("USE memory; DETACH target")
            _verify(path, [mart for mart in marts if not (is_known and mart.name in kept)])
        except (duckdb.Error, OSError, PublishError):
            if not start:
                raise
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()
        else:
            return


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_holes(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        "SELECT free_blocks, used_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    )
    [(free, used)] = found.fetchall()
    if free > used:
        raise PublishError("the version before is mostly free blocks")


def _make_room(
    con: duckdb.DuckDBPyConnection,
    source: str,
    marts: Sequence[Mart],
    version: str,
    unchanged: Collection[str],
) -> set[str]:
    """Leave in the database at hand only the tables to go on from; returns those in which rows differ."""
    present, stored = control_tables.columns(con), _stored(con)
    carried_on = {
        mart.name
        for mart in marts
        if mart.name not in unchanged
        and present.get(("main", mart.name)) == [*mart.columns]
        and _find_differing(con, source, mart, version) >= (1 - MAX_DELETED) * stored[mart.name]
    }
    stay = carried_on.union(unchanged)
    for kind, name in _objects(con):
        if not (kind == "TABLE" and name in stay):
            con.execute(f"DROP {kind} {quoted_name(name)}")
    # Frees the blocks of what was dropped, for what is written next.
    con.execute("CHECKPOINT")
    return carried_on


def _fill(
    con: duckdb.DuckDBPyConnection,
    source: str,
    marts: Sequence[Mart],
    version: str,
    unchanged: Collection[str],
    carried_on: Collection[str],
) -> None:
    """Make the tables of the database at hand hold the candidates' rows."""
    for mart in marts:
        table, rows = quoted_name(mart.name), _rows(source, mart, version)
        if mart.name in carried_on:
            differing = _differing(mart)
            con.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT goes FROM {differing})")  # noqa: S608
            con.execute(f"INSERT INTO {table} {rows} WHERE rowid IN (SELECT comes FROM {differing})")  # noqa: S608
        elif mart.name not in unchanged:
            con.execute(f"CREATE TABLE {table} AS {rows}")


def _stored(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows have a place in each table of the database at hand, deleted ones too."""
    return dict(
        con.execute(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall()
    )


def _find_differing(con: duckdb.DuckDBPyConnection, source: str, mart: Mart, version: str) -> int:
    """List the rows that go and those that come; how many are left."""
    table, row = quoted_name(mart.name), _row_hash(mart.columns)
    rows = _rows(source, mart, version, "rowid AS place, ")
    con.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {_differing(mart)} AS"  # noqa: S608
        " SELECT before.place AS goes, now.place AS comes"
        f" FROM (SELECT rowid AS place, {row} AS row FROM {table}) AS before"
        f" FULL JOIN (SELECT place, {row} AS row FROM ({rows})) AS now"
        " ON before.row = now.row WHERE before.place IS NULL OR now.place IS NULL"
    )
    [(left,)] = con.execute(
        f"SELECT (SELECT count(*) FROM {table}) - count(goes) FROM {_differing(mart)}"  # noqa: S608
    ).fetchall()
    return int(left)


def _differing(mart: Mart) -> str:
    return f"temp.{quoted_name(f'{mart.name} differing')}"


def _rows(source: str, mart: Mart, version: str, also: str = "") -> str:
    """The query for what the file shall hold of a mart; `also` are columns before its own."""
    shown = "*"
    if VERSION_COLUMN in dict(mart.columns):
        shown = f"* REPLACE (coalesce({VERSION_COLUMN}, {quoted_text(version)}) AS {VERSION_COLUMN})"
    return f"SELECT {also}{shown} FROM {source}.{quoted_name(mart.name)}"  # noqa: S608


def _row_hash(columns: Iterable[tuple[str, str]]) -> str:
    return f"hash({', '.join(quoted_name(name) for name, _ in columns)})"


def _objects(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Kind and name of everything in the database at hand."""
    return con.execute(
        "SELECT 'TABLE', table_name FROM duckdb_tables() WHERE database_name = current_database()"
        " UNION ALL SELECT 'VIEW', view_name FROM duckdb_views()"
        " WHERE database_name = current_database() AND NOT internal"
        " UNION ALL SELECT DISTINCT if(function_type = 'macro', 'MACRO', 'MACRO TABLE'), function_name"
        " FROM duckdb_functions() WHERE database_name = current_database() AND NOT internal"
    ).fetchall()


def _comments(con: duckdb.DuckDBPyConnection, descriptions: Mapping[str, Description]) -> str:
    """The statements that make the comments of the database at hand say what the descriptions say."""
    found = con.execute(
        "SELECT 'TABLE', table_name, NULL, comment FROM duckdb_tables()"
        " WHERE database_name = current_database()"
        " UNION ALL SELECT 'VIEW', view_name, NULL, comment FROM duckdb_views()"
        " WHERE database_name = current_database() AND NOT internal"
        " UNION ALL SELECT 'COLUMN', table_name, column_name, comment FROM duckdb_columns()"
        " WHERE database_name = current_database() AND NOT internal"
    )
    statements = []
    for kind, name, column, comment in found.fetchall():
        described = descriptions.get(name, NOTHING_SAID)
        wanted = (described.columns.get(column) if column else described.text) or None
        if wanted != comment:
            what = f"{quoted_name(name)}.{quoted_name(column)}" if column else quoted_name(name)
            statements.append(f"COMMENT ON {kind} {what} IS {quoted_text(wanted) if wanted else 'NULL'}")
    return ";\n".join(statements)


def _verify(path: Path, candidates: Iterable[Mart]) -> None:
    with connect(path) as con:
        for mart in candidates:
            if measure(con, "main", mart.name) != mart:
                raise PublishError(f"mart {mart.name}: the written file differs from the candidate")
