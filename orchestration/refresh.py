"""The nightly job once, in this process, with one clear outcome."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.errors import ExpectedError
from ingestion.landing import Landing
from orchestration import locking, progress
from orchestration.alerts import redact, secrets
from orchestration.home import Home
from orchestration.run import sources
from orchestration.settings import Settings

# Nothing but the sources may be called: every library's own telemetry stays off.
QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_EVENT_BATCH_SIZE": "200",
}

NO_SOURCE = "no source is configured: set the credentials of one (see .env.example), or try `cxmarts demo`"
# How the kernel, DuckDB and SQLite say that a write was refused for want of room.
NO_ROOM = re.compile(r"no space left|file too large|disk quota exceeded|disk is full|disk I/O error", re.I)


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended. `problems` are for people: what, where, what to do."""

    published: bool
    problems: list[str]
    facts: dict[str, Any]


def prepare_process(settings: Settings, home: Home) -> None:
    """Set what libraries read from the environment of this process."""
    os.environ.update(QUIET, DAGSTER_HOME=str(home.dagster))
    if settings.ca_file:
        os.environ["SSL_CERT_FILE"] = str(settings.ca_file)


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
    started = time.monotonic()
    home = Home(settings.home).create()
    # Told before anything is loaded; the run itself takes the lock.
    with locking.exclusive(home.lock, "starting a refresh"):
        pass
    if not sources(settings) and not Landing(home.landing).streams():
        return Outcome(False, [NO_SOURCE], {})
    prepare_process(settings, home)
    progress.current.begin()
    progress.current.phase("start", "loading")

    import dagster as dg

    from orchestration.definitions import build_definitions
    from orchestration.jobs import NIGHTLY
    from orchestration.resources import AS_OF_TAG, FULL_TAG

    job = build_definitions(settings).resolve_job_def(NIGHTLY)
    tags = {AS_OF_TAG: as_of.isoformat()} if as_of else {}
    tags |= {FULL_TAG: "true"} if is_full else {}
    with dg.DagsterInstance.get() as instance:
        try:
            result = job.execute_in_process(
                instance=instance,
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        except Exception as error:
            # Not even the run's log could be written.
            if not NO_ROOM.search(str(error)):
                raise
            return Outcome(False, _without_room([str(error)], home), progress.current.facts)
        facts = progress.current.facts
        facts |= {"run_id": result.run_id, "seconds": round(time.monotonic() - started, 1)}
        hidden = secrets(settings)
        problems = _without_room([redact(text, hidden) for text in _problems(result)], home)
        published = result.success and "version" in facts
        if not published and not problems:
            problems = ["the run ended without publishing; see it in the Dagster UI (`make ui`)"]
        return Outcome(published, problems, facts)


def _problems(result: Any) -> list[str]:
    """Why a run failed: its gates' words first, then the steps' own."""
    checks, steps, others = [], [], []
    for event in result.all_events:
        kind = event.event_type_value
        if kind == "ASSET_CHECK_EVALUATION":
            found = event.asset_check_evaluation_data
            if not found.passed and found.severity.value == "ERROR":
                checks += _messages(found)
        elif kind == "STEP_FAILURE":
            steps.append(_step_problem(event))
        elif kind == "PIPELINE_FAILURE" and event.job_failure_data and event.job_failure_data.error:
            others.append(_innermost(event.job_failure_data.error))
    # A step that only says that its checks failed adds nothing to what they said.
    telling = [text for text in steps if text]
    return list(dict.fromkeys([*checks, *telling])) or others


def _without_room(problems: list[str], home: Home) -> list[str]:
    """The same problems; but of a full disk, under which everything fails, once and with what to do."""
    for text in problems:
        if NO_ROOM.search(text) and not text.startswith("Cannot write"):
            first = text.partition("\n")[0]
            return [
                f"Cannot write below {home.root}: {first}. "
                "Free space there (`cxmarts doctor` tells what is left) and run again: what landed is kept"
            ]
    return problems


def _messages(evaluation: Any) -> list[str]:
    metadata = evaluation.metadata.get("messages")
    if metadata is not None:
        return [str(text) for text in metadata.value]
    name = f"{evaluation.asset_key.to_user_string()}:{evaluation.check_name}"
    return [f"check {name}: {evaluation.description or 'failed'}"]


def _step_problem(event: Any) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    if data.error is None or data.error.cls_name == "DagsterAssetCheckFailedError":
        return ""
    return f"step {event.step_key}: {_innermost(data.error)}"


def _innermost(error: Any) -> str:
    """The message of the error at the end of a chain of causes, without its stack."""
    while error.cause is not None:
        error = error.cause
    name = (error.cls_name or "").rpartition(".")[2]
    text = re.sub(r"^[\w.]*(Error|Exception|Exit|Interrupt): ", "", error.message.strip()).partition("\n")[0]
    return text if name in _names(ExpectedError) else f"{name}: {text}"


def _names(kind: type[Exception]) -> set[str]:
    """A class and all its subclasses: Dagster tells of an error no more than its name."""
    return {kind.__name__}.union(*map(_names, kind.__subclasses__()))
