"""The folders and files under `CXMARTS_HOME`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.ground.files import replace_text

INSTANCE_CONFIG = """\
# Written by cxmarts at each start.
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: orchestration.storage
  class: EventLog
  config:
    base_dir: {events}
# What steps say is in their events; capturing what they print takes four processes.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
freshness:
  enabled: true
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      success: 30
      failure: 90
"""


@dataclass(frozen=True)
class Home:
    """Where everything lives. `create` makes the private folders."""

    root: Path

    @property
    def landing(self) -> Path:
        """Parquet as fetched, append-only."""
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt writes; BI never opens it."""
        return self.root / "warehouse.duckdb"

    @property
    def lock(self) -> Path:
        """Held by the one process that may write."""
        return self.root / "warehouse.lock"

    @property
    def control(self) -> Path:
        """Verdicts, waivers and gate results."""
        return self.root / "control.sqlite"

    @property
    def journal(self) -> Path:
        """What people removed for good: a line of JSON each."""
        return self.root / "journal.jsonl"

    @property
    def erasing(self) -> Path:
        """Whom an erase is about that is not done; gone with its end."""
        return self.root / "erasing.json"

    @property
    def dbt(self) -> Path:
        """The dbt project that runs: a copy of the packaged one with the analyst's seeds over it."""
        return self.root / "dbt"

    @property
    def published(self) -> Path:
        """Versions of the marts and the pointer to the current one."""
        return self.root / "published"

    @property
    def published_restricted(self) -> Path:
        """The same for what holds names or free text; absent unless asked for."""
        return self.root / "published_restricted"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.root / "dagster"

    @property
    def alerts(self) -> Path:
        """What the webhook was told, and when."""
        return self.root / "alerts.json"

    @property
    def scratch(self) -> Path:
        """Warehouses of builds as of an earlier time."""
        return self.root / "scratch"

    def create(self) -> Home:
        """Make what is missing, for its owner only, as all that this process makes from here on.

        `published/` is for readers, should the home be opened for them. What exists keeps its mode.
        """
        os.umask(0o077)
        for folder in (self.root, self.landing, self.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.published.exists():
            self.published.mkdir()
            self.published.chmod(0o755)
        if not (self.root / ".git").exists():
            with suppress(FileExistsError), (self.root / ".gitignore").open("x") as ignore:
                ignore.write("# Written by cxmarts: nothing here belongs into a repository.\n*\n")
        config = self.dagster / "dagster.yaml"
        wanted = INSTANCE_CONFIG.format(events=json.dumps(str(self.dagster / "history" / "runs")))
        if not config.exists() or config.read_text() != wanted:
            replace_text(config, wanted)
        return self

    def exposed(self) -> Iterator[Path]:
        """What others than the owner may read, write or enter; `published/` is for them."""
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != self.published.name]
            for path in (Path(folder, name) for name in (*folders, *files)):
                with suppress(FileNotFoundError):
                    if not path.is_symlink() and path.stat().st_mode & 0o077:
                        yield path

    def make_private(self) -> None:
        """Take from others what an earlier version, or a backup put back, left to them."""
        for path in self.exposed():
            with suppress(PermissionError):  # another user's; `cxmarts doctor` names it
                path.chmod(path.stat().st_mode & 0o700)
