"""Publishing: a new version folder, verified, then one atomic switch of a pointer.

    published/versions/<version>/marts.duckdb        tables in schema main, storage readable by DuckDB 1.0+
    published/versions/<version>/marts/<name>.parquet
    published/versions/<version>/manifest.json
    published/versions/<version>/report/index.html
    published/current -> versions/<version>

`published_restricted/` beside it has the same layout and version names, for what holds names or free text.

Views and functions stand in the database alone: they read its tables, so they hold no rows of their own.

A version appears complete or not at all, and is never changed afterwards. Readers that hold an old
version open keep it: the pointer moves, files are only ever unlinked.

A column `version` says which version showed a row first: it is null in the warehouse and filled here.

A mart whose content hash (`marts_file`) equals the current version's shares that version's Parquet file (hard
link).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from pyarrow import parquet

from orchestration.ground.sql import quoted_name, quoted_text
from orchestration.publication import marts_file
from orchestration.publication.marts_file import (
    NOTHING_SAID,
    Description,
    Mart,
    PublishError,
    candidates,
    connect,
)
from orchestration.warehouse.cutoff import RUN_COLUMNS

FORMAT = 1
#: The mart that says what each KPI means.
DEFINITIONS = "kpi_definitions"
DATABASE = "marts.duckdb"


class DamagedError(PublishError):
    """A version is not whole."""


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
    is_fresh: bool = False,
    switch: bool = True,
    check: Callable[[Mapping[str, int]], None] | None = None,
    add: Callable[[Path, Mapping[str, Any], Publication | None], None] | None = None,
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
        is_fresh: the database does not go on from the one before: deleted rows stay in blocks for a while.
        switch: False writes the version but leaves the pointer alone.
        check: called with the row count of each mart before anything is written; raises to refuse.
        add: called with the folder of the finished version before it appears, its manifest and the current
            publication; adds what is made of the marts.
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
    versions.chmod(stat.S_IMODE(published.stat().st_mode))
    _remove_drafts(versions)
    previous = current(published)
    version = f"{now:%Y%m%dT%H%M%S%fZ}-{hashlib.sha256(str(facts['build_id']).encode()).hexdigest()[:6]}"
    draft = versions / f".{version}"
    (draft / "marts").mkdir(parents=True)
    try:
        with connect() as con:
            con.execute(f"SET temp_directory = {quoted_text(f'{warehouse}.tmp')}")
            con.execute(f"ATTACH {quoted_text(warehouse)} AS {quoted_name(warehouse.stem)} (READ_ONLY)")
            source = f"{quoted_name(warehouse.stem)}.{quoted_name(schema)}"
            wanted = candidates(con, warehouse.stem, schema, sorted(marts))
            unchanged = _unchanged(wanted, previous)
            if check:
                check({mart.name: mart.rows for mart in wanted})
            definitions = _definitions(con, source) if DEFINITIONS in marts else {}
            marts_file.write(
                con,
                source,
                draft / DATABASE,
                wanted,
                version=version,
                views=views or {},
                descriptions=_with_meanings(descriptions or {}, definitions),
                # Deleted rows stay in a file's blocks for a while: names and free text may not.
                before=previous.path / DATABASE if previous and not (is_private or is_fresh) else None,
                digest=previous.manifest.get("database_sha256") if previous else None,
                unchanged=unchanged,
            )
            versions_of = _definition_versions(con, source, wanted)
        manifest = {
            "format": FORMAT,
            "version": version,
            "published_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "duckdb_version": duckdb.__version__,
            **facts,
            "definition_versions": versions_of,
            "definitions": definitions,
            "views": list(views or {}),
            "database_sha256": marts_file.digest_of(draft / DATABASE),
            "marts": {
                mart.name: {
                    "rows": mart.rows,
                    "content_hash": mart.content_hash,
                    "content": mart.content,
                    "columns": [{"name": name, "type": type_} for name, type_ in mart.columns],
                }
                for mart in wanted
            },
        }
        (draft / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        # Open throughout: whoever reads the file meanwhile need not open it anew.
        with connect(draft / DATABASE) as con:
            _export(con, draft, wanted, previous, unchanged)
            if add:
                add(draft, manifest, previous)
        for path in (*sorted(draft.rglob("*")), draft):
            _open_like(published, path)
            _sync(path)
        draft.rename(versions / version)
        _sync(versions)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if switch:
        _point(published, version)
    retire(published, keep)
    return Publication(versions / version, manifest, is_current=switch)


def current(published: Path) -> Publication | None:
    """The version that readers see; None before the first.

    Raises:
        PublishError: it is damaged or gone; the text says how to get on.
    """
    pointed = _pointed(published)
    if pointed is None:
        return None
    try:
        return _read(pointed, is_current=True)
    except DamagedError as error:
        whole = publications(published)
        way = (
            f"`cxmarts rollback {whole[0].version}` leads readers to another version, and the next refresh "
            "goes on from that one"
            if whole
            else f"there is no other version: remove {published}, and the next refresh publishes anew"
        )
        raise PublishError(f"{error}; {way}") from None


def publications(published: Path) -> list[Publication]:
    """All versions that are whole, the newest first."""
    pointed = _pointed(published)
    found = []
    for folder in _versions(published):
        with suppress(DamagedError):
            found.append(_read(folder, is_current=folder.resolve() == pointed))
    return found


def damages(published: Path) -> list[str]:
    """What is wrong with versions that are not whole, and what to do; of the current one `current` tells."""
    problems, pointed = [], _pointed(published)
    for folder in _versions(published):
        if folder.resolve() != pointed:
            try:
                _read(folder, is_current=False)
            except DamagedError as error:
                problems.append(f"{error}; remove the folder, or restore it from backup")
    return problems


def rollback(published: Path, version: str) -> Publication:
    """Point `current` at an earlier version.

    Raises:
        PublishError: there is no such version.
    """
    known = {publication.version: publication for publication in publications(published)}
    if version not in known:
        kept = ", ".join(known) or "none"
        raise PublishError(f"there is no version {version!r}; kept are, the newest first: {kept}")
    _point(published, version)
    return Publication(known[version].path, known[version].manifest, is_current=True)


def follow(published: Path, version: str) -> None:
    """Point `current` at this version, and at none where there is no such version."""
    if (published / "versions" / version).is_dir():
        _point(published, version)
    else:
        _put_aside(published / "current")


def _versions(published: Path) -> list[Path]:
    """The folders of the versions, the newest first."""
    return sorted((published / "versions").glob("[0-9]*"), reverse=True)


def _read(folder: Path, *, is_current: bool) -> Publication:
    """A version by its manifest.

    Raises:
        DamagedError: the manifest is gone or torn.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        datetime.fromisoformat(manifest["as_of"])
        return Publication(folder, manifest, is_current)
    except FileNotFoundError:
        raise DamagedError(f"{folder} is damaged: it has no manifest.json") from None
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DamagedError(f"{folder} is damaged: its manifest.json cannot be read ({reason})") from None


def _unchanged(candidates: Iterable[Mart], previous: Publication | None) -> set[str]:
    """The marts of which the previous version shows the very same rows."""
    if previous is None or previous.manifest["duckdb_version"] != duckdb.__version__:
        return set()
    before = previous.manifest["marts"]
    return {
        mart.name
        for mart in candidates
        if before.get(mart.name, {}).get("content_hash") == mart.content_hash
        and RUN_COLUMNS.isdisjoint(dict(mart.columns))
    }


def _definition_versions(
    con: duckdb.DuckDBPyConnection, source: str, marts: Iterable[Mart]
) -> dict[str, list[str]]:
    """The versions of the definitions that each mart's rows follow."""
    return {
        mart.name: [
            version
            for (version,) in con.execute(
                f"SELECT DISTINCT definition_version::VARCHAR AS v FROM {source}.{quoted_name(mart.name)}"  # noqa: S608
                " WHERE definition_version IS NOT NULL ORDER BY v"
            ).fetchall()
        ]
        for mart in marts
        if "definition_version" in dict(mart.columns)
    }


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


def _export(
    con: duckdb.DuckDBPyConnection,
    draft: Path,
    marts: Iterable[Mart],
    previous: Publication | None,
    unchanged: Collection[str],
) -> None:
    """Export each mart of the written file to Parquet, or share the previous version's."""
    files = {mart.name: draft / "marts" / f"{mart.name}.parquet" for mart in marts}
    for name, target in files.items():
        if previous and name in unchanged:
            _link(previous.path / "marts" / target.name, target)
        if not target.exists():
            con.execute(
                f"COPY {quoted_name(name)} TO {quoted_text(target)} (FORMAT parquet, COMPRESSION zstd)"
            )
    for mart in marts:
        if parquet.read_metadata(files[mart.name]).num_rows != mart.rows:
            raise PublishError(f"mart {mart.name}: the Parquet file has another number of rows")


def _link(existing: Path, target: Path) -> None:
    try:
        target.hardlink_to(existing)
    except OSError:
        target.unlink(missing_ok=True)


def _pointed(published: Path) -> Path | None:
    """The folder of the version that `current` leads to; a copy that followed links has the version there."""
    pointer = published / "current"
    if pointer.is_symlink():
        return pointer.resolve()
    with suppress(OSError, ValueError, TypeError, KeyError):
        version = str(json.loads((pointer / "manifest.json").read_text())["version"])
        return (published / "versions" / version).resolve()
    return None


def _point(published: Path, version: str) -> None:
    draft = published / f".current.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("versions") / version)
    pointer = published / "current"
    if not pointer.is_symlink():
        _put_aside(pointer)
    draft.replace(pointer)
    _sync(published)


def _put_aside(pointer: Path) -> None:
    if pointer.is_dir() and not pointer.is_symlink():
        shutil.rmtree(pointer.rename(pointer.with_name(f".copied.{os.getpid()}")))
    else:
        pointer.unlink(missing_ok=True)


def retire(published: Path, keep: int) -> None:
    """Remove all versions but the newest; the current one stays."""
    for publication in publications(published)[keep:]:
        if not publication.is_current:
            # Hidden first, so that a kill half-way leaves no version that lacks files.
            hidden = publication.path.rename(publication.path.with_name(f".{publication.version}"))
            shutil.rmtree(hidden, ignore_errors=True)


def _remove_drafts(versions: Path) -> None:
    """Drafts are left by killed runs only: publishing happens under the writer's lock."""
    for draft in versions.glob(".[0-9]*"):
        shutil.rmtree(draft, ignore_errors=True)


def _open_like(published: Path, path: Path) -> None:
    """A version is as open as the folder of all of them: who may read is decided there, once."""
    mode = stat.S_IMODE(published.stat().st_mode)
    path.chmod(mode if path.is_dir() else mode & 0o666)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
