"""What one refresh is: its settings, its instant, its build id, and the warehouse it writes."""

from __future__ import annotations

import functools
import importlib.metadata
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.landing import Landing
from ingestion.sources import VENDORS
from ingestion.streams import Source
from orchestration import control, publish
from orchestration.dbt import Project, RunParameters, fingerprints
from orchestration.home import Home
from orchestration.mishaps import HomeError, open_store
from orchestration.settings import Settings, SettingsError
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
    """

    settings: Settings
    home: Home
    project: Project
    build_id: str
    as_of: datetime
    is_full: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def is_scratch(self) -> bool:
        """Whether the numbers are older than the published ones: then `current` stays where it is."""
        published = publish.current(self.home.published)
        return published is not None and self.as_of < published.as_of

    def refuse_stale_clock(self) -> None:
        """Refuse an instant that nobody asked for and that lies before the published one.

        Raises:
            HomeError: with what to do about it.
        """
        published = publish.current(self.home.published)
        if published is None or not self.is_scratch:
            return
        said = (
            f"the published numbers hold for {published.as_of:%Y-%m-%dT%H:%M:%SZ}, later than this run's "
            f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}"
        )
        if datetime.now(UTC) >= published.as_of:
            raise HomeError(f"{said}: it repeats an older run; start a new one (`cxmarts refresh`)")
        before = [p for p in publish.publications(self.home.published) if p.as_of <= self.as_of]
        way = (
            f"`cxmarts rollback {before[0].version}`, then `cxmarts refresh`"
            if before
            else f"remove {self.home.published}, which holds nothing older, then `cxmarts refresh`"
        )
        raise HomeError(
            f"{said}: either this machine's clock is behind, or it ran ahead when they were published. Set "
            f"it right; if they were ahead: {way}. For an earlier instant on purpose: --as-of"
        )

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that this run writes. Its name is part of every relation's name."""
        return (
            self.home.scratch / self.build_id / "warehouse.duckdb" if self.is_scratch else self.home.warehouse
        )

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

    def store(self) -> AbstractContextManager[Store]:
        """The verdicts of the gates."""
        return open_store(self.home)

    def fingerprints(self) -> dict[str, str]:
        """What each model and seed should be built from. DuckDB brings the zone database."""
        return fingerprints(self.project.manifest, f"{duckdb.__version__} {self.settings.timezone}")

    def mart_fingerprints(self) -> dict[str, dict[str, str]]:
        """Of each node's code alone, and with its rules (seeds, business zone)."""
        code = fingerprints(self.project.manifest, duckdb.__version__, with_contents=False)
        return {name: {"code": code[name], "rules": rules} for name, rules in self.fingerprints().items()}

    def open_warehouse(self) -> None:
        """Make the file ready to build in: emptied where it cannot be built upon."""
        self.warehouse.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.warehouse.exists() and self.warehouse.stat().st_size < SMALLEST_WAREHOUSE:
            # A process was killed as it made the file: there is nothing in it.
            self.warehouse.unlink()
        if self.warehouse.exists() and (self.is_full or self._is_ahead()):
            self.warehouse.unlink()
            self.warehouse.with_name(f"{self.warehouse.name}.wal").unlink(missing_ok=True)
        shutil.rmtree(f"{self.warehouse}.tmp", ignore_errors=True)

    def _is_ahead(self) -> bool:
        """Whether the warehouse was built for a later instant; staging cannot step back in time."""
        with control.connect(self.warehouse) as con:
            return any(as_of > self.as_of for as_of in control.instants(con))


def sources(settings: Settings) -> list[Source]:
    """The sources to fetch, as the settings declare them.

    Raises:
        SettingsError: the folder of mappings holds none.
    """
    found = []
    for account in settings.sources:
        if account.vendor == "zendesk":
            secret = {"oauth_token": account.token} if account.is_oauth else {"api_token": account.token}
            options: dict[str, Any] = {"url": account.url, "email": account.email or "", **secret}
        else:
            options = {"url": account.url, "token": account.token}
        found.append(VENDORS[account.vendor](account.name, start_at=account.start_at, **options))
    if settings.files:
        from ingestion.sources.files import MappingError
        from ingestion.sources.files import sources as file_sources

        try:
            found += file_sources(settings.files, {source.name for source in found})
        except MappingError as error:
            raise SettingsError([f"CXMARTS_FILES: {error}"]) from None
    return found


def code_version() -> str:
    """The package's version, with the commit where it runs from a checkout."""
    version = importlib.metadata.version("cxmarts")
    git = Path(__file__).parent.parent / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return version
    return f"{version}+g{head[:12]}"
