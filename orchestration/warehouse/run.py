"""What one refresh is: its settings, its instant, its build id, and the warehouse it writes."""

from __future__ import annotations

import functools
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.landing import Landing
from orchestration.ground.home import Home
from orchestration.ground.mishaps import open_store
from orchestration.ground.settings import Settings
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import Project, RunParameters, code_fingerprints, fingerprints
from quality.store import Store

#: Bytes of the headers that DuckDB begins a file with.
SMALLEST_WAREHOUSE = 3 * 4096


@dataclass(frozen=True)
class Run:
    """One refresh, or one part of it.

    Attributes:
        settings: the settings.
        home: where everything lives.
        project: the prepared dbt project.
        build_id: names the build; a retry of a failed run goes on under the same id.
        as_of: the instant that the numbers hold for (UTC), kept on retry.
        is_full: rebuild every model from the landing.
        is_scratch: the numbers are older than the published ones: then `current` stays where it is.
        only: the sources to fetch; all where none is named.
    """

    settings: Settings
    home: Home
    project: Project
    build_id: str
    as_of: datetime
    is_full: bool = False
    is_scratch: bool = False
    only: frozenset[str] = frozenset()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that this run writes. Its name is part of every relation's name."""
        return (
            self.home.scratch / self.build_id / "warehouse.duckdb" if self.is_scratch else self.home.warehouse
        )

    @functools.cached_property
    def _file(self) -> control_tables.KeptOpen:
        return control_tables.KeptOpen(self.warehouse)

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse, of which the file stays open until `release`."""
        return self._file.connect()

    def release(self) -> None:
        """Let others open the warehouse's file: dbt, the publication, whoever looks while we wait."""
        self._file.release()

    @property
    def landing(self) -> Landing:
        """What was fetched."""
        return Landing(self.home.landing)

    @property
    def parameters(self) -> RunParameters:
        """What the models are told."""
        return RunParameters(
            warehouse=self.warehouse,
            landing=self.home.landing,
            as_of=self.as_of,
            build_id=self.build_id,
            timezone=self.settings.timezone,
            memory_limit=self.settings.memory_limit,
            is_restricted=self.settings.is_restricted,
        )

    def leaves_out(self, source: str) -> bool:
        """Whether a source is not to be fetched."""
        return bool(self.only) and source not in self.only

    def store(self) -> AbstractContextManager[Store]:
        """The verdicts of the gates."""
        return open_store(self.home)

    def fingerprints(self) -> dict[str, str]:
        """What each model and seed should be built from. DuckDB brings the zone database."""
        return fingerprints(self.project.manifest, f"{duckdb.__version__} {self.settings.timezone}")

    def mart_fingerprints(self) -> dict[str, dict[str, str]]:
        """Of each node's code alone, and with its rules (seeds, business zone)."""
        code = code_fingerprints(self.project.manifest)
        return {name: {"code": code[name], "rules": rules} for name, rules in self.fingerprints().items()}

    def open_warehouse(self) -> None:
        """Make the file ready to build in: emptied where it cannot be built upon."""
        self.warehouse.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.warehouse.exists() and self.warehouse.stat().st_size < SMALLEST_WAREHOUSE:
            # A process was killed as it made the file: there is nothing in it.
            self.warehouse.unlink()
        fetched: list[control_tables.StreamStatus] = []
        if self.warehouse.exists() and (self.is_full or self._is_of_another_time()):
            fetched = self._fetched()
            self.release()
            self.warehouse.unlink()
            self.warehouse.with_name(f"{self.warehouse.name}.wal").unlink(missing_ok=True)
        shutil.rmtree(f"{self.warehouse}.tmp", ignore_errors=True)
        if fetched:
            with self.connect() as con:
                control_tables.save_status(con, fetched)

    def _fetched(self) -> list[control_tables.StreamStatus]:
        """How the last fetch of what landed went: that alone cannot be built from the landing."""
        landed = set(self.landing.streams())
        with self.connect() as con:
            known = control_tables.status(con) if control_tables.are_current(con) else []
        return [each for each in known if (each.source, each.stream) in landed]

    def _is_of_another_time(self) -> bool:
        """Whether another release built it, or a later instant: staging cannot step back in time."""
        with self.connect() as con:
            is_ahead = any(as_of > self.as_of for as_of in control_tables.instants(con))
            return is_ahead or not control_tables.are_current(con)
