"""What could keep a refresh from succeeding, each with what to do."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ingestion.streams import Finding
from orchestration.home import Home
from orchestration.settings import Settings, SettingsError, load

LOW_DISK_BYTES = 2 * 1024**3
PINNED = (
    "dagster",
    "dagster-dbt",
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
    yield _home(home)
    yield _disk(home)
    yield from _rules(settings, home)
    yield Finding("versions", f"python {sys.version.split()[0]}", True, ", ".join(map(_version, PINNED)))
    yield from _sources(settings)


def _version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def _home(home: Home) -> Finding:
    try:
        home.create()
        mode = home.landing.stat().st_mode & 0o077
    except OSError as error:
        return Finding(
            "home", "folder", False, f"{home.root}: {error.strerror}; set CXMARTS_HOME to a folder of yours"
        )
    if mode:
        return Finding(
            "home", "permissions", False, f"others can read {home.landing}: chmod 700 {home.landing}"
        )
    if not os.access(home.root, os.W_OK):
        return Finding(
            "home", "permissions", False, f"{home.root} cannot be written: give yourself the right to"
        )
    return Finding("home", "permissions", True, "private and writable")


def _disk(home: Home) -> Finding:
    free = shutil.disk_usage(home.root if home.root.exists() else Path.cwd()).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < LOW_DISK_BYTES:
        return Finding("home", "disk", False, f"{text}: free some, or set CXMARTS_HOME to a larger disk")
    return Finding("home", "disk", True, text)


def _rules(settings: Settings, home: Home) -> Iterator[Finding]:
    from orchestration.dbt import DbtError, Project

    try:
        Project(home, settings.rules).prepare()
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("rules", "files", False, problem)
    except DbtError as error:
        yield Finding("rules", "dbt", False, str(error))
    else:
        yield Finding(
            "rules", "dbt", True, f"the project parses{', with your rules' if settings.rules else ''}"
        )


def _sources(settings: Settings) -> Iterator[Finding]:
    from ingestion.health import check
    from ingestion.http import FetchError
    from orchestration.run import sources

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
