"""Publishing: a new version folder, verified, then one atomic switch of a pointer.

    published/versions/<version>/marts.duckdb        tables in schema main, storage readable by DuckDB 1.0+
    published/versions/<version>/marts/<name>.parquet
    published/versions/<version>/manifest.json
    published/current -> versions/<version>

`published_restricted/` beside it has the same layout and version names, for what holds names or free text.

Views and functions stand in the database alone: they read its tables, so they hold no rows of their own.

A version appears complete or not at all, and is never changed afterwards. Readers that hold an old
version open keep it: the pointer moves, files are only ever unlinked.

A column `version` says which version showed a row first: it is null in the warehouse and filled here.

Content hash of a mart: over its rows as a multiset, without the columns in `RUN_COLUMNS`: the 128-bit
sums of DuckDB's 64-bit row hash, taken over the columns in order and in reverse, together with the row
count and the columns' names and types. It does not depend on row order, process or machine; another
DuckDB release may compute another one, so the manifest names the release. A mart whose hash equals the
current version's shares that version's Parquet file (hard link).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

FORMAT = 1
VERSION_COLUMN = "version"
#: The mart that says what each KPI means.
DEFINITIONS = "kpi_definitions"
RUN_COLUMNS = frozenset({"as_of", "built_at", "build_id", "run_id", "published_at", VERSION_COLUMN})
# Read by every DuckDB since 1.0, which BI drivers still embed.
STORAGE_VERSION = "v1.0.0"


class PublishError(Exception):
    """Nothing was published; the current version is what it was."""


@dataclass(frozen=True)
class Mart:
    """A published table: row count, content hash, and its columns as (name, type)."""

    name: str
    rows: int
    content_hash: str
    columns: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class Description:
    """What a mart or view is in words, and what its columns are, by name."""

    text: str
    columns: Mapping[str, str]


NOTHING_SAID = Description("", {})


@dataclass(frozen=True)
class Publication:
    """One version: its folder and its manifest."""

    path: Path
    manifest: Mapping[str, Any] = field(repr=False)
    is_current: bool = False

    @property
    def version(self) -> str:
        """The name of the version; names sort by time."""
        return self.path.name

    @property
    def as_of(self) -> datetime:
        """The event time the numbers hold for (UTC)."""
        return datetime.fromisoformat(self.manifest["as_of"])


def publish(
    warehouse: Path,
    published: Path,
    marts: Sequence[str],
    facts: Mapping[str, Any],
    *,
    keep: int,
    views: Mapping[str, str] | None = None,
    descriptions: Mapping[str, Description] | None = None,
    schema: str = "marts",
    is_private: bool = False,
    switch: bool = True,
    check: Callable[[Mapping[str, int]], None] | None = None,
    now: datetime | None = None,
) -> Publication:
    """Copy the candidate marts of `warehouse` into a new version and make it the current one.

    Args:
        warehouse: the DuckDB file; no connection of this process may hold it open for writing.
        published: the folder of versions.
        marts: names of the tables.
        facts: goes into the manifest as it is; must hold `as_of` (ISO, UTC) and `build_id`.
        keep: how many versions stay, the current one always among them.
        views: name -> the statement that creates a view or a function over the marts' bare names, in order.
        descriptions: of marts and views, by name: they become comments in the database.
        schema: the warehouse's schema that holds the marts.
        is_private: nobody but the owner may enter the folder.
        switch: False writes the version but leaves the pointer alone.
        check: called with the row count of each mart before anything is written; raises to refuse.
        now: the time of publication; the clock's by default.

    Raises:
        PublishError: a mart is missing, or what was written differs from the candidate.
    """
    if not marts:
        raise PublishError("there are no marts to publish")
    now = now or datetime.now(UTC)
    published.mkdir(parents=True, exist_ok=True)
    if is_private:
        published.chmod(0o700)
    versions = published / "versions"
    versions.mkdir(exist_ok=True)
    _remove_drafts(versions)
    previous = current(published)
    version = f"{now:%Y%m%dT%H%M%S%fZ}-{hashlib.sha256(str(facts['build_id']).encode()).hexdigest()[:6]}"
    draft = versions / f".{version}"
    (draft / "marts").mkdir(parents=True)
    try:
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"ATTACH {_text(warehouse)} AS {_name(warehouse.stem)} (READ_ONLY)")
            source = f"{_name(warehouse.stem)}.{_name(schema)}"
            candidates = [measure(con, source, mart) for mart in sorted(marts)]
            if check:
                check({mart.name: mart.rows for mart in candidates})
            definitions = _definitions(con, source) if DEFINITIONS in marts else {}
            described = _with_meanings(descriptions or {}, definitions)
            versions_of = _write_database(
                con, source, draft / "marts.duckdb", candidates, views or {}, version, described
            )
        _verify_and_export(draft, candidates, previous)
        manifest = {
            "format": FORMAT,
            "version": version,
            "published_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "duckdb_version": duckdb.__version__,
            **facts,
            "definition_versions": versions_of,
            "definitions": definitions,
            "views": list(views or {}),
            "marts": {
                mart.name: {
                    "rows": mart.rows,
                    "content_hash": mart.content_hash,
                    "columns": [{"name": name, "type": type_} for name, type_ in mart.columns],
                }
                for mart in candidates
            },
        }
        (draft / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        for file in sorted(draft.rglob("*")):
            _sync(file)
        _sync(draft)
        draft.rename(versions / version)
        _sync(versions)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if switch:
        _point(published, version)
    _retire(published, keep)
    return Publication(versions / version, manifest, is_current=switch)


def current(published: Path) -> Publication | None:
    """The version that readers see; None before the first."""
    pointer = published / "current"
    if not pointer.exists():
        return None
    return _read(pointer.resolve(), is_current=True)


def publications(published: Path) -> list[Publication]:
    """All versions, the newest first."""
    now_current = (published / "current").resolve()
    folders = sorted((published / "versions").glob("[0-9]*"), reverse=True)
    return [_read(folder, is_current=folder.resolve() == now_current) for folder in folders]


def rollback(published: Path, version: str) -> Publication:
    """Point `current` at an earlier version.

    Raises:
        PublishError: there is no such version.
    """
    known = {publication.version: publication for publication in publications(published)}
    if version not in known:
        raise PublishError(f"there is no version {version!r}; see `cxmarts publications`")
    _point(published, version)
    return Publication(known[version].path, known[version].manifest, is_current=True)


def follow(published: Path, version: str) -> None:
    """Point `current` at this version, and at none where there is no such version."""
    if (published / "versions" / version).is_dir():
        _point(published, version)
    else:
        (published / "current").unlink(missing_ok=True)


def _read(folder: Path, *, is_current: bool) -> Publication:
    return Publication(folder, json.loads((folder / "manifest.json").read_text()), is_current)


def measure(con: duckdb.DuckDBPyConnection, schema: str, mart: str) -> Mart:
    """Rows, columns and content hash of one table; `schema` is SQL.

    Raises:
        PublishError: there is no such table.
    """
    table = f"{schema}.{_name(mart)}"
    try:
        described = con.execute(f"DESCRIBE {table}").fetchall()
    except duckdb.CatalogException:
        raise PublishError(f"mart {mart} is not in the warehouse") from None
    columns = tuple((str(row[0]), str(row[1])) for row in described)
    hashed = [_name(name) for name, _ in columns if name not in RUN_COLUMNS]
    forward, backward = ", ".join(hashed), ", ".join(reversed(hashed))
    [sums] = con.execute(
        f"SELECT count(*), sum(hash({forward})::HUGEINT), sum(hash({backward})::HUGEINT) FROM {table}"  # noqa: S608
    ).fetchall()
    fingerprint = json.dumps([columns, *map(str, sums)])
    return Mart(mart, int(sums[0]), hashlib.sha256(fingerprint.encode()).hexdigest()[:32], columns)


def _write_database(
    con: duckdb.DuckDBPyConnection,
    source: str,
    path: Path,
    marts: Sequence[Mart],
    views: Mapping[str, str],
    version: str,
    descriptions: Mapping[str, Description],
) -> dict[str, list[str]]:
    """Copy and describe tables, name the version, add the views; return the definitions' versions."""
    con.execute(f"ATTACH {_text(path)} AS target (STORAGE_VERSION {_text(STORAGE_VERSION)})")
    con.execute("USE target")
    versions: dict[str, list[str]] = {}
    for mart in marts:
        table = _name(mart.name)
        con.execute(f"CREATE TABLE {table} AS FROM {source}.{table}")
        if VERSION_COLUMN in dict(mart.columns):
            con.execute(f"UPDATE {table} SET version = ? WHERE version IS NULL", [version])  # noqa: S608
        if "definition_version" in dict(mart.columns):
            found = con.execute(f"SELECT DISTINCT definition_version::VARCHAR FROM {table} ORDER BY 1")  # noqa: S608
            versions[mart.name] = [row[0] for row in found.fetchall() if row[0] is not None]
    for statement in views.values():
        con.execute(statement)
    con.execute(_comments(con, descriptions))
    con.execute("USE memory; DETACH target")
    return versions


def _comments(con: duckdb.DuckDBPyConnection, descriptions: Mapping[str, Description]) -> str:
    """The statements that put each description on what the database at hand holds of it."""
    statements = []
    for kind, catalog in (("TABLE", "duckdb_tables()"), ("VIEW", "duckdb_views()")):
        found = con.execute(
            f"SELECT {kind}_name FROM {catalog} WHERE database_name = current_database() AND NOT internal"  # noqa: S608
        )
        for (name,) in found.fetchall():
            if text := descriptions.get(name, NOTHING_SAID).text:
                statements.append(f"COMMENT ON {kind} {_name(name)} IS {_text(text)}")
    columns = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns()"
        " WHERE database_name = current_database() AND NOT internal"
    )
    for name, column in columns.fetchall():
        if meaning := descriptions.get(name, NOTHING_SAID).columns.get(column):
            statements.append(f"COMMENT ON COLUMN {_name(name)}.{_name(column)} IS {_text(meaning)}")
    return ";\n".join(statements)


def _definitions(con: duckdb.DuckDBPyConnection, source: str) -> dict[str, dict[str, Any]]:
    """What each KPI means, by its name."""
    found = con.execute(f"SELECT * FROM {source}.{DEFINITIONS} ORDER BY kpi")  # noqa: S608
    names = [str(column[0]) for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row.pop("kpi"): row for row in rows}


def _with_meanings(
    descriptions: Mapping[str, Description], definitions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Description]:
    """The same descriptions; on a column that holds the value of KPIs, what these mean too."""
    described = dict(descriptions)
    for kpi, each in definitions.items():
        mart, column = each["mart"], each["value_column"]
        if column:
            before = described.get(mart, NOTHING_SAID)
            meaning = f"{kpi}, version {each['definition_version']}: {each['definition']} ({each['variant']})"
            text = "\n".join(filter(None, (before.columns.get(column), meaning)))
            described[mart] = replace(before, columns={**before.columns, column: text})
    return described


def _verify_and_export(draft: Path, candidates: Sequence[Mart], previous: Publication | None) -> None:
    """Read the written database back, compare it with the candidates, and export each mart to Parquet."""
    before = previous.manifest["marts"] if previous else {}
    with duckdb.connect(str(draft / "marts.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for mart in candidates:
            if measure(con, "main", mart.name) != mart:
                raise PublishError(f"mart {mart.name}: the written file differs from the candidate")
            target = draft / "marts" / f"{mart.name}.parquet"
            unchanged = before.get(mart.name, {}).get("content_hash") == mart.content_hash
            if previous and unchanged and RUN_COLUMNS.isdisjoint(dict(mart.columns)):
                _link(previous.path / "marts" / target.name, target)
            if not target.exists():
                con.execute(f"COPY {_name(mart.name)} TO {_text(target)} (FORMAT parquet, COMPRESSION zstd)")
            written = con.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [str(target)])
            if written.fetchall()[0][0] != mart.rows:
                raise PublishError(f"mart {mart.name}: the Parquet file has another number of rows")


def _link(existing: Path, target: Path) -> None:
    try:
        target.hardlink_to(existing)
    except OSError:
        target.unlink(missing_ok=True)


def _point(published: Path, version: str) -> None:
    draft = published / f".current.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("versions") / version)
    draft.replace(published / "current")
    _sync(published)


def _retire(published: Path, keep: int) -> None:
    for publication in publications(published)[keep:]:
        if not publication.is_current:
            # Hidden first, so that a kill half-way leaves no version that lacks files.
            hidden = publication.path.rename(publication.path.with_name(f".{publication.version}"))
            shutil.rmtree(hidden, ignore_errors=True)


def _remove_drafts(versions: Path) -> None:
    """Drafts are left by killed runs only: publishing happens under the writer's lock."""
    for draft in versions.glob(".[0-9]*"):
        shutil.rmtree(draft, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
