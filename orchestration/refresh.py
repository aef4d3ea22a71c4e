"""The nightly job once, in this process, with one clear outcome."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingestion.landing import Landing
from orchestration.ground import locking, mishaps, progress
from orchestration.ground.alerts import redact, secrets
from orchestration.ground.home import Home
from orchestration.ground.process import prepare_process
from orchestration.ground.settings import Settings
from orchestration.ground.sources import sources

NO_SOURCE = "no source is configured: set the credentials of one (see .env.example), or try `cxmarts demo`"


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended, for people: what, where, what to do.

    `problems` are why nothing was published, `warnings` what was no reason to stop; each is told once.
    """

    published: bool
    problems: list[str]
    facts: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def refresh(settings: Settings, *, as_of: datetime | None = None, is_full: bool = False) -> Outcome:
    """Run the nightly job in this process.

    Args:
        settings: the settings.
        as_of: the instant that the numbers hold for; else the settings', else now.
        is_full: rebuild every model from the landing.

    Raises:
        BusyError: another refresh is running.
        SettingsError, DbtError: the project cannot be prepared.
    """
    home = Home(settings.home).create()
    # Held from here on: two that start together are told apart before either loads anything.
    with locking.exclusive(home.lock, "cxmarts refresh"):
        return _refresh(settings, home, as_of, is_full)


def _refresh(settings: Settings, home: Home, as_of: datetime | None, is_full: bool) -> Outcome:
    started = time.monotonic()
    if not sources(settings) and not Landing(home.landing).streams():
        return Outcome(False, [NO_SOURCE], {})
    prepare_process(settings, home)
    progress.current.begin()
    progress.current.phase("start", "loading")

    import dagster as dg

    from orchestration.assets.publish import DATABASE_PROBLEM, REPORT_PROBLEM
    from orchestration.causes import causes, warnings
    from orchestration.definitions import build_definitions
    from orchestration.jobs import NIGHTLY, execute

    job = build_definitions(settings, is_locked=True).resolve_job_def(NIGHTLY)
    # All that is loaded lives until the end.
    gc.freeze()
    options = {"full": is_full, "as_of": as_of.isoformat() if as_of else None}
    with dg.DagsterInstance.get() as instance:
        try:
            result = execute(job, instance, options)
        except Exception as error:
            # Not even the run's log could be written.
            told = mishaps.explain(f"{type(error).__name__}: {error}", home)
            if told is None:
                raise
            return Outcome(False, [told], progress.current.facts)
        facts = progress.current.facts
        facts |= {"run_id": result.run_id, "seconds": round(time.monotonic() - started, 1)}
        hidden = secrets(settings)
        found = result.all_events
        problems = [redact(text, hidden) for text in causes(found, home)]
        warned = [redact(text, hidden) for text in warnings(found)]
        noted = [facts[kind] for kind in (REPORT_PROBLEM, DATABASE_PROBLEM) if kind in facts]
        warned += [redact(problem, hidden) for problem in noted]
        published = result.success and "version" in facts
        if not published and not problems:
            problems = ["the run ended without publishing; see it in the Dagster UI (`make ui`)"]
        return Outcome(published, problems, facts, warned)
