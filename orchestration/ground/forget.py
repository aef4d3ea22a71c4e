"""Taking a source out for good: landing, verdicts, warehouse. The journal keeps who did it, when and what."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingestion.landing import Landing
from ingestion.landing_format import Place
from orchestration.ground.home import Home
from orchestration.ground.mishaps import open_store
from orchestration.ground.settings import Settings


@dataclass(frozen=True)
class Forgettable:
    """What there is of a source, or of one stream of it."""

    source: str
    streams: tuple[str, ...]
    files: int
    size: int
    batches: tuple[str, ...]

    def about(self) -> str:
        """It in a line."""
        megabytes = f"{self.size / 1e6:,.1f} MB"
        return f"{self.source}: {', '.join(self.streams)}; {self.files:,} landing files, {megabytes}"


def find(home: Home, source: str, stream: str | None) -> Forgettable | None:
    """What landed of a source or stream, or is remembered of it; None if nothing is."""
    with open_store(home) as store:
        batches = [b for b in store.batches(source=source) if stream in (None, b.stream)]
    files = {path: Place.of(path) for path in Landing(home.landing).batches()}
    paths = [path for path, at in files.items() if at.source == source and stream in (None, at.stream)]
    streams = sorted({*(files[path].stream for path in paths), *(batch.stream for batch in batches)})
    if not streams:
        return None
    size = sum(path.stat().st_size for path in paths)
    return Forgettable(source, tuple(streams), len(paths), size, tuple(b.batch_id for b in batches))


def configured(settings: Settings, source: str, streams: Collection[str]) -> str | None:
    """What still declares one of these streams, to be removed first; None if nothing does."""
    for account in settings.sources:
        if account.name == source:
            return f"the settings of the {account.vendor} account {source}"
    if settings.files:
        from ingestion.sources.files import declared

        for path, name, entity in declared(settings.files):
            if name == source and (not entity or entity in streams):
                return f"the mapping {path}"
    return None


def forget(home: Home, found: Forgettable, *, by: str) -> None:
    """Take it out. Whoever is killed in between starts again: what is left is found again.

    Args:
        home: the home; its lock is held by the caller.
        found: what `find` told.
        by: who does it, for the journal.
    """
    line = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "by": by,
        "did": "forget",
        "source": found.source,
        "streams": found.streams,
        "files": found.files,
        "bytes": found.size,
    }
    with os.fdopen(os.open(home.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as journal:
        journal.write(json.dumps(line) + "\n")
        journal.flush()
        os.fsync(journal.fileno())
    Landing(home.landing).forget(found.source, found.streams)
    # The rest is built anew; deleted rows would stay in the file's blocks for a while.
    for path in (home.warehouse, home.warehouse.with_name(f"{home.warehouse.name}.wal")):
        path.unlink(missing_ok=True)
    for folder in (Path(f"{home.warehouse}.tmp"), home.scratch):
        shutil.rmtree(folder, ignore_errors=True)
    with open_store(home) as store:
        store.forget(found.batches)


def forgotten_since(home: Home, at: datetime) -> set[str]:
    """The sources of which something was forgotten since a time."""
    try:
        lines = [json.loads(line) for line in home.journal.read_text().splitlines()]
    except FileNotFoundError:
        return set()
    return {
        line["source"]
        for line in lines
        if line["did"] == "forget" and datetime.fromisoformat(line["at"]) >= at
    }
