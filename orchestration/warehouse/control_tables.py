"""The warehouse's book-keeping, in schema `control`: what dbt is told, and what it did.

`control_tables.sql` creates all tables. The dbt project writes those of its models, the functions here the
others, between its runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from orchestration.ground.process import limit_memory
from orchestration.ground.sql import naive, quoted_name
from orchestration.warehouse.dbt import is_built

if TYPE_CHECKING:
    import pandas as pd

MERGEABLE = ("passed", "waived")

_TABLES = Path(__file__).with_suffix(".sql").read_text()


class BatchRow(NamedTuple):
    """A batch as the models see it: where it lies and what was decided; `held_since` in UTC."""

    source: str
    vendor: str
    stream: str
    batch_id: str
    path: str
    rows: int
    verdict: str
    reason: str = ""
    held_since: datetime | None = None


@contextmanager
def connect(warehouse: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is closed again at once: nobody else can open the file meanwhile.

    Whoever may write finds all control tables there.
    """
    with duckdb.connect(str(warehouse), read_only=read_only) as con:
        con.execute("SET TimeZone = 'UTC'")
        limit_memory(con)
        if not read_only:
            con.execute(_TABLES)
        yield con


class KeptOpen:
    """A warehouse of which the file stays open from one connection to the next, until it is released.

    To open and close it takes a tenth of a CPU second. Nobody else can open it meanwhile.
    """

    def __init__(self, warehouse: Path) -> None:
        self._warehouse = warehouse
        self._con: duckdb.DuckDBPyConnection | None = None
        self._stack = ExitStack()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection as `connect` gives it."""
        self._con = self._con or self._stack.enter_context(connect(self._warehouse))
        with self._con.cursor() as con:
            con.execute("SET TimeZone = 'UTC'")
            yield con

    def release(self) -> None:
        """Close the file."""
        self._con = None
        self._stack.close()


def are_current(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the control tables have the columns of this release; another one's warehouse is built anew."""
    with duckdb.connect() as empty:
        empty.execute(_TABLES)
        wanted = columns(empty)
    found = columns(con)
    return all(found.get(table) == wanted[table] for table in wanted)


def register_batches(con: duckdb.DuckDBPyConnection, batches: Sequence[BatchRow]) -> None:
    """Replace `control.batches` by this complete list."""
    con.begin()
    con.execute("DELETE FROM control.batches")
    if batches:
        columns = [list(column) for column in zip(*batches, strict=True)]
        columns[-1] = [at and naive(at) for at in columns[-1]]
        marks = ", ".join(f"unnest(${n})" for n in range(1, len(columns) + 1))
        con.execute(f"INSERT INTO control.batches SELECT {marks}", columns)
    con.commit()


def save_held_rows(
    con: duckdb.DuckDBPyConnection, judged: Collection[str], held: Collection[str], rows: pd.DataFrame
) -> None:
    """Keep the faulty rows of held batches, in place of what was kept of the batches that were judged.

    Args:
        con: the warehouse.
        judged: ids of the batches that a gate judged.
        held: ids of all batches that are held.
        rows: source, stream, batch_id, record_id, reason.
    """
    con.begin()
    con.execute(
        "DELETE FROM control.held_rows WHERE batch_id IN (SELECT unnest($1))"
        " OR batch_id NOT IN (SELECT unnest($2))",
        [list(judged), list(held)],
    )
    if len(rows):
        con.register("faulty_rows", rows)
        con.execute("INSERT INTO control.held_rows BY NAME SELECT * FROM faulty_rows")
        con.unregister("faulty_rows")
    con.commit()


def rejected_rows(
    con: duckdb.DuckDBPyConnection,
    sources: Collection[str] | None = None,
    *,
    with_held: bool = True,
    limit: int | None = None,
) -> list[tuple[str, str, str | None, str | None, str, bool]]:
    """Rows of the last run that may not enter the marts: those of held batches, then those of the last build.

    Args:
        con: the warehouse.
        sources: only of these; None: of all.
        with_held: also those of held batches.
        limit: so many at most; None: all.

    Returns:
        source, stream, batch_id, record_id, reason, whether the batch is held.
    """
    tables = columns(con)
    queries = []
    if with_held and ("control", "held_rows") in tables:
        queries.append("SELECT source, stream, batch_id, record_id, reason, true FROM control.held_rows")
    if ("is_held", "BOOLEAN") in tables.get(("marts", "rejected_rows"), ()):
        queries.append(
            "SELECT source, regexp_replace(stream, '^.*__', ''), batch_id, record_id, reason, false"
            " FROM marts.rejected_rows WHERE NOT is_held"
        )
    chosen = None if sources is None else list(sources)
    found: list[Any] = []
    for sql in queries:
        found += con.execute(
            f"SELECT * FROM ({sql}) AS r WHERE $1 IS NULL OR list_contains($1::VARCHAR[], source)"  # noqa: S608
            " ORDER BY ALL LIMIT $2",
            [chosen, limit],
        ).fetchall()
    return found[:limit]


@dataclass(frozen=True)
class PublishedMart:
    """A published mart that a candidate of the same name can be compared with.

    Attributes:
        name: the mart.
        version: the version that holds it.
        as_of: the instant that this version's numbers hold for.
        path: its Parquet file.
        columns: name -> type, of those that both have.
        key: the columns that tell its rows apart; empty where they changed.
        meta: what its model says of itself.
        cause: why any row may differ: `code`, `rules`, or None if neither changed.
        content: how many rows it has, and the sums of their hashes, as `control.contents` has them.
    """

    name: str
    version: str
    as_of: datetime
    path: Path
    columns: Mapping[str, str]
    key: Sequence[str]
    meta: Mapping[str, Any]
    cause: str | None
    content: str = ""


def register_published(
    con: duckdb.DuckDBPyConnection, marts: Sequence[PublishedMart], unpublished: Iterable[str] = ()
) -> None:
    """Replace `control.published`: what readers see now; `unpublished` are batches that were held then."""
    con.begin()
    con.execute("DELETE FROM control.published")
    con.execute("DELETE FROM control.unpublished_batches")
    con.execute("INSERT INTO control.unpublished_batches SELECT unnest($1::VARCHAR[])", [list(unpublished)])
    for mart in marts:
        declared = {"columns": mart.columns, "key": mart.key, "meta": mart.meta, "content": mart.content}
        con.execute(
            "INSERT INTO control.published VALUES (?, ?, ?, ?, ?, ?)",
            [
                mart.name,
                mart.version,
                naive(mart.as_of),
                str(mart.path),
                json.dumps(declared),
                mart.cause,
            ],
        )
    con.commit()


def published_sql(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Name -> statement of the views and functions that readers get beside the marts, in order."""
    return dict(con.execute("SELECT name, sql FROM control.published_sql ORDER BY place").fetchall())


def compared_with(con: duckdb.DuckDBPyConnection) -> str | None:
    """The version that the marts were compared with; None if with none."""
    found = con.execute("SELECT version FROM control.published LIMIT 1").fetchone()
    return found[0] if found else None


def drop_changed(
    con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], wanted: Mapping[str, str]
) -> list[str]:
    """Drop every table whose fingerprint is not the wanted one, so that it is built afresh.

    A staging table also forgets the batches it applied. Tables of models that no longer exist go too.

    Args:
        con: the warehouse.
        manifest: the parsed project.
        wanted: node name -> fingerprint.

    Returns:
        The names of what was dropped or never built.
    """
    found = dict(con.execute("SELECT model, fingerprint FROM control.fingerprints").fetchall())
    schemas = {node["schema"] for node in manifest["nodes"].values() if is_built(node)}
    relations = con.execute(
        "SELECT schema_name, table_name, 'TABLE' FROM duckdb_tables()"
        " WHERE database_name = current_database()"
        " UNION ALL SELECT schema_name, view_name, 'VIEW' FROM duckdb_views()"
        " WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    present = {name: (schema, kind) for schema, name, kind in relations if schema in schemas}
    changed = [name for name in wanted if found.get(name) != wanted[name] or name not in present]
    stale = [name for name in present if name not in wanted or name in changed]
    con.begin()
    for name in stale:
        schema, kind = present[name]
        con.execute(f"DROP {kind} {quoted_name(schema)}.{quoted_name(name)}")
    forget(con, [*changed, *stale, *(found.keys() - wanted.keys())])
    con.commit()
    return changed


def forget(con: duckdb.DuckDBPyConnection, models: Iterable[str]) -> None:
    """Remove what is recorded of these models."""
    names = [[name] for name in dict.fromkeys(models)]
    tables = [
        table
        for (schema, table), found in columns(con).items()
        if schema == "control" and "model" in dict(found)
    ]
    for table in tables if names else ():
        con.executemany(f"DELETE FROM control.{table} WHERE model = ?", names)  # noqa: S608


def save_fingerprints(con: duckdb.DuckDBPyConnection, built: Mapping[str, str]) -> None:
    """Record what was built with which fingerprint."""
    if built:
        con.begin()
        con.executemany("DELETE FROM control.fingerprints WHERE model = ?", [[name] for name in built])
        con.executemany(
            "INSERT INTO control.fingerprints VALUES (?, ?)", [list(pair) for pair in built.items()]
        )
        con.commit()


def pending(con: duckdb.DuckDBPyConnection, staging: Mapping[str, tuple[str, str]]) -> set[str]:
    """The staging models that have something to merge, or that do not exist yet.

    Args:
        con: the warehouse, with `control.batches` filled.
        staging: staging model -> its (vendor, stream).
    """
    present = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    absent = set(staging) - present
    for model, (vendor, stream) in staging.items():
        found = con.execute(
            "SELECT 1 FROM control.batches AS b"
            " WHERE vendor = ? AND stream = ? AND verdict IN ('passed', 'waived')"
            " AND NOT EXISTS (SELECT 1 FROM control.applied_batches AS a"
            " WHERE a.model = ? AND a.batch_id = b.batch_id) LIMIT 1",
            [vendor, stream, model],
        ).fetchall()
        if found:
            absent.add(model)
    return absent


def rows_to_merge(con: duckdb.DuckDBPyConnection) -> int:
    """How many landed rows passed the gates and are not in staging yet."""
    [(rows,)] = con.execute(
        "SELECT coalesce(sum(rows), 0) FROM control.batches AS b WHERE verdict IN ('passed', 'waived')"
        " AND NOT EXISTS (SELECT 1 FROM control.applied_batches AS a WHERE a.batch_id = b.batch_id)"
    ).fetchall()
    return int(rows)


def applied(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The batches of which staging holds the rows; none before the first build."""
    return {row[0] for row in con.execute("SELECT batch_id FROM control.applied_batches").fetchall()}


def forget_judged(con: duckdb.DuckDBPyConnection, models: Iterable[str]) -> None:
    """These parsed models are about to be built anew: the staged gate has not seen their rows."""
    for name in models:
        con.execute("DELETE FROM control.judged_batches WHERE model = ?", [name])


def save_judged(con: duckdb.DuckDBPyConnection, model: str, vendor: str, stream: str) -> None:
    """The staged gate has seen everything that this parsed model holds."""
    con.begin()
    forget_judged(con, [model])
    con.execute(
        "INSERT INTO control.judged_batches SELECT $1, batch_id FROM control.batches"
        " WHERE vendor = $2 AND stream = $3 AND verdict IN ('passed', 'waived')",
        [model, vendor, stream],
    )
    con.commit()


class Subject(NamedTuple):
    """What gate 3 judges of a mart: the version of its rows, and what is asked of them."""

    version: str
    suite: str


def subjects(con: duckdb.DuckDBPyConnection, suites: Mapping[str, str]) -> dict[str, Subject]:
    """The marts whose content is known, with what is asked of each."""
    found = con.execute(
        "SELECT model, rows || '/' || sum_1 || '/' || sum_2 FROM control.contents"
        " WHERE model IN (SELECT unnest($1::VARCHAR[]))",
        [list(suites)],
    ).fetchall()
    return {name: Subject(version, suites[name]) for name, version in found}


def judged_before(con: duckdb.DuckDBPyConnection, wanted: Mapping[str, Subject]) -> dict[str, str]:
    """The marts that were judged as they are and by what they are asked, with the build that was told."""
    found = con.execute("SELECT model, version, suite, build_id FROM control.judged_marts").fetchall()
    return {
        name: build_id
        for name, version, suite, build_id in found
        if wanted.get(name) == Subject(version, suite)
    }


def save_judged_marts(con: duckdb.DuckDBPyConnection, judged: Mapping[str, Subject], build_id: str) -> None:
    """These marts were judged in this build."""
    con.begin()
    for name, subject in judged.items():
        con.execute("DELETE FROM control.judged_marts WHERE model = ?", [name])
        con.execute("INSERT INTO control.judged_marts VALUES (?, ?, ?, ?)", [name, *subject, build_id])
    con.commit()


def hold_unjudged(con: duckdb.DuckDBPyConnection, staging: Mapping[str, tuple[str, str]]) -> None:
    """Hold every batch that staging would merge without the staged gate having seen its rows."""
    for model, (vendor, stream) in staging.items():
        con.execute(
            "UPDATE control.batches AS b SET verdict = 'held'"
            " WHERE vendor = $2 AND stream = $3 AND verdict IN ('passed', 'waived')"
            " AND NOT EXISTS (SELECT 1 FROM control.applied_batches AS a"
            " WHERE a.model = $1 AND a.batch_id = b.batch_id)"
            " AND NOT EXISTS (SELECT 1 FROM control.judged_batches AS j"
            " WHERE j.model = replace($1, 'stg_', 'new_') AND j.batch_id = b.batch_id)",
            [model, vendor, stream],
        )


def columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(schema, table) -> its columns in order, as (name, type)."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, type_ in con.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE database_name = current_database() AND NOT internal ORDER BY column_index"
    ).fetchall():
        found.setdefault((schema, table), []).append((name, type_))
    return found


def builds(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, datetime]]:
    """Model -> (build id, when it was built, UTC), as each model recorded in its own transaction."""
    rows = con.execute("SELECT model, build_id, built_at FROM control.model_builds").fetchall()
    return {model: (build_id, built_at.replace(tzinfo=UTC)) for model, build_id, built_at in rows}


def instants(con: duckdb.DuckDBPyConnection) -> set[datetime]:
    """The as_of of what is built (UTC)."""
    rows = con.execute("SELECT DISTINCT as_of FROM control.model_builds").fetchall()
    return {as_of.replace(tzinfo=UTC) for (as_of,) in rows if as_of is not None}


@dataclass(frozen=True)
class StreamStatus:
    """How the last fetch of a stream went. `build_id` is the build whose landing step fetched it."""

    source: str
    vendor: str
    stream: str
    is_on: bool
    is_stale: bool
    last_fetched_at: datetime | None
    received: int
    landed: int
    duplicates: int
    unchanged: int
    tombstones: int
    build_id: str | None


def save_status(con: duckdb.DuckDBPyConnection, status: Sequence[StreamStatus]) -> None:
    """Replace `control.source_status`."""
    con.begin()
    con.execute("DELETE FROM control.source_status")
    if status:
        rows = [
            [naive(value) if isinstance(value, datetime) else value for value in astuple(s)] for s in status
        ]
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"INSERT INTO control.source_status VALUES ({marks})", rows)  # noqa: S608
    con.commit()


def status(con: duckdb.DuckDBPyConnection) -> list[StreamStatus]:
    """What `save_status` wrote last; empty before."""
    rows = con.execute("SELECT * FROM control.source_status ORDER BY source, stream").fetchall()
    return [_status(row) for row in rows]


def save_lagging(con: duckdb.DuckDBPyConnection, lagging: Iterable[tuple[str, str]]) -> None:
    """Replace `control.lagging`: the sources that were not fetched and may lag, with what is wrong."""
    con.execute("DELETE FROM control.lagging")
    for each in lagging:
        con.execute("INSERT INTO control.lagging VALUES (?, ?)", each)


def lagging(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """What `save_lagging` wrote last; empty before."""
    return con.execute("SELECT source, problem FROM control.lagging").fetchall()


def _status(row: Any) -> StreamStatus:
    read = StreamStatus(*row)
    return replace(read, last_fetched_at=read.last_fetched_at and read.last_fetched_at.replace(tzinfo=UTC))
