"""What could keep a refresh from succeeding, each with what to do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from ingestion.errors import ExpectedError
from ingestion.streams import Finding
from orchestration.ground import locking, mishaps
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, SettingsError, load
from orchestration.publication import marts_file, publish
from orchestration.warehouse import control_tables

LOW_DISK_BYTES = 2 * 1024**3
PINNED = (
    "adbc-driver-postgresql",
    "dagster",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "pandas",
    "pyarrow",
)


def examine() -> Iterator[Finding]:
    """Settings, home, disk, rules, versions, and every configured source by cheap requests."""
    try:
        settings = load()
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("settings", "value", False, problem)
        return
    yield Finding("settings", "values", True, f"home {settings.home}, time zone {settings.timezone}")
    home = Home(settings.home)
    try:
        home.create()
    except OSError as error:
        told = mishaps.explain(f"{type(error).__name__}: {error}", home)
        text = told or f"{home.root}: {error.strerror}; set CXMARTS_HOME to a folder of yours"
        yield Finding("home", "folder", False, text)
    else:
        yield _permissions(home)
        if home.erasing.exists():
            text = "one broke off: start it again as it was, what it took out of the landing is elsewhere yet"
            yield Finding("home", "erase", False, text)
        yield _disk(home)
        yield from _damages(home)
        yield from _rules(settings, home)
        yield from _bots(home)
        yield from _gaps(home)
        yield from _undeclared(home)
    yield Finding("versions", f"python {sys.version.split()[0]}", True, ", ".join(map(_version, PINNED)))
    if settings.postgres_url:
        from orchestration.publication import postgres

        published = None
        # What is damaged `_damages` names.
        with contextlib.suppress(marts_file.PublishError):
            published = publish.current(home.published)
        yield from postgres.examine(settings, published.version if published else None)
    yield from _sources(settings)


def _version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def _permissions(home: Home) -> Finding:
    if exposed := list(home.exposed()):
        tops = sorted({str(home.root / path.relative_to(home.root).parts[0]) for path in exposed})
        text = f"others may read {len(exposed):,} files and folders: chmod -R go= {' '.join(tops)}"
        return Finding("home", "permissions", False, text)
    if not os.access(home.root, os.W_OK):
        text = f"{home.root} cannot be written: give yourself the right to"
        return Finding("home", "permissions", False, text)
    return Finding("home", "permissions", True, "private and writable")


def _damages(home: Home) -> Iterator[Finding]:
    """Files that a refresh could not work with, each opened as a refresh would."""
    for subject, look in (
        ("published", _look_at_versions),
        ("control.sqlite", _look_at_verdicts),
        ("warehouse", _look_at_warehouse),
        ("dagster", _look_at_history),
    ):
        try:
            yield Finding("home", subject, True, look(home))
        except Exception as error:
            yield Finding("home", subject, False, _told(error, home))


def _look_at_versions(home: Home) -> str:
    found, problems = publish.current(home.published), publish.damages(home.published)
    if problems:
        raise publish.DamagedError("; ".join(problems))
    if found is None:
        return "nothing yet"
    with marts_file.connect(found.path / publish.DATABASE) as con:
        return f"current is {found.version}, {len(control_tables.columns(con))} tables"


def _look_at_verdicts(home: Home) -> str:
    if not home.control.exists():
        return "nothing yet"
    with mishaps.open_store(home) as store:
        held = len(store.held())
    return f"{held} batches are held: `cxmarts batches`" if held else "no batch is held"


def _look_at_warehouse(home: Home) -> str:
    if not home.warehouse.exists():
        return "nothing yet"
    try:
        with (
            locking.exclusive(home.lock, "cxmarts doctor"),
            control_tables.connect(home.warehouse, read_only=True) as con,
        ):
            return f"{len(control_tables.columns(con))} tables"
    except locking.BusyError as error:
        return str(error)


def _look_at_history(home: Home) -> str:
    for file in sorted((home.dagster / "history").rglob("*.db")):
        with contextlib.closing(sqlite3.connect(file)) as con:
            con.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return "readable"


def _told(error: Exception, home: Home) -> str:
    if isinstance(error, ExpectedError):
        return str(error)
    return mishaps.explain(f"{type(error).__name__}: {error}", home) or f"{type(error).__name__}: {error}"


def _disk(home: Home) -> Finding:
    free = shutil.disk_usage(home.root if home.root.exists() else Path.cwd()).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        return Finding("home", "disk", False, f"{text}: free some, or set CXMARTS_HOME to a larger disk")
    return Finding("home", "disk", True, text)


def _rules(settings: Settings, home: Home) -> Iterator[Finding]:
    from orchestration.warehouse.dbt import DbtError, Project

    try:
        Project(home, settings.rules).prepare()
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("rules", "files", False, problem)
    except (DbtError, OSError) as error:
        yield Finding("rules", "dbt", False, _told(error, home))
    else:
        yield Finding(
            "rules", "dbt", True, f"the project parses{', with your rules' if settings.rules else ''}"
        )


def _bots(home: Home) -> Iterator[Finding]:
    """Accounts of the published marts that probably are programs, until the rule file says yes or no."""
    marts = home.published / "current" / "marts.duckdb"
    if not marts.exists():
        return
    # What is damaged `_damages` names; an earlier release's agents have no such column.
    with contextlib.suppress(duckdb.Error), duckdb.connect(str(marts.resolve()), read_only=True) as con:
        found = con.execute("select source, agent_id from agents where is_probable_bot order by all")
        for source, agent in found.fetchall():
            text = f"agent {agent} replies within seconds: say in the rule file bots whether it is a program"
            yield Finding(source, "probable bot", True, text, warns=True)


# What the vendor has and we have not, by channel.
_MISSING = """
SELECT source, channel,
    string_agg(
        replace(measure, '_', ' ') || ' ' || missing + unexplained || ' of ' || expected,
        ', ' ORDER BY measure
    )
FROM completeness_summary
WHERE gap IN ('critical', 'warning')
GROUP BY source, channel
ORDER BY source, channel
"""


def _gaps(home: Home) -> Iterator[Finding]:
    """Channels of the published marts of which too many numbers are missing or unexplained."""
    marts = home.published / "current" / "marts.duckdb"
    if not marts.exists():
        return
    # As with bots.
    with contextlib.suppress(duckdb.Error), duckdb.connect(str(marts.resolve()), read_only=True) as con:
        for source, channel, told in con.execute(_MISSING).fetchall():
            text = f"{channel}: missing or unexplained are {told}; see the mart completeness"
            yield Finding(source, "completeness", True, text, warns=True)


def _undeclared(home: Home) -> Iterator[Finding]:
    """Questions that count no more since the version before the published one, for nobody declared them."""
    marts = home.published / "current" / "marts.duckdb"
    if not marts.exists():
        return
    query = (
        "select source, survey, question_id, counted_before, questions_line from unmapped_questions"
        " where counted_before > 0 order by all"
    )
    # As with bots.
    with contextlib.suppress(duckdb.Error), duckdb.connect(str(marts.resolve()), read_only=True) as con:
        for source, survey, question, n, line in con.execute(query).fetchall():
            todo = f"in questions.csv: {line}" if line else "in questions.csv, with its kind and scale"
            text = (
                f"{question} of {survey}: {n:,} answers count no more, nobody declared it; if meant, {todo}"
            )
            yield Finding(source, "question", True, text, warns=True)


def _sources(settings: Settings) -> Iterator[Finding]:
    from ingestion.health import check
    from ingestion.http import FetchError
    from orchestration.ground.sources import sources

    try:
        found = sources(settings)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("sources", "mapping", False, problem)
        return
    except FetchError as error:
        yield Finding("sources", "credentials", False, str(error))
        return
    if not found:
        yield Finding(
            "sources", "none", False, "set the credentials of one (see .env.example), or try `cxmarts demo`"
        )
    for source in found:
        yield from check(source)
