"""Why a run failed and what it warned of, for people: each cause once, in its own words, without stacks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError

from ingestion.errors import ExpectedError
from orchestration.ground.home import Home
from orchestration.ground.mishaps import explain

#: Metadata of a check: what blocks publishing, what does not.
CAUSES, WARNINGS = "causes", "warnings"
KINDS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
}


def events(instance: dg.DagsterInstance, run_id: str) -> list[dg.DagsterEvent]:
    """What the functions below read, of a run that is over."""
    records = instance.get_records_for_run(run_id, of_type=KINDS).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def causes(of: Iterable[dg.DagsterEvent], home: Home) -> list[str]:
    """Why a run failed: its gates' words first, then the steps' own, else what became of its process.

    Args:
        of: the run's events.
        home: where it ran. Under what the machine does to it everything fails: that is told once.
    """
    checks, steps, ends = [], [], []
    for event in of:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            checks += _messages(event, CAUSES, dg.AssetCheckSeverity.ERROR)
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            # A step that only says that its checks failed adds nothing to what they said.
            steps += _step(event)
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE:
            ends += _end(event)
    texts = list(dict.fromkeys([*checks, *steps])) or ends
    told = (explain(text, home) for text in texts)
    return next(([text] for text in told if text), texts)


def warnings(of: Iterable[dg.DagsterEvent]) -> list[str]:
    """What the checks of a run found that is no reason to stop, each once."""
    evaluated = [event for event in of if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION]
    told = [text for event in evaluated for text in _messages(event, WARNINGS, dg.AssetCheckSeverity.WARN)]
    return list(dict.fromkeys(told))


def _messages(event: dg.DagsterEvent, kind: str, severity: dg.AssetCheckSeverity) -> list[str]:
    """What a gate's check tells of one kind; a test of dbt is of one kind as a whole."""
    found: Any = event.asset_check_evaluation_data
    if found.passed:
        return []
    if metadata := found.metadata.get(kind):
        return [str(text) for text in metadata.value]
    return [_check(found, found.description)] if found.severity == severity else []


def _check(found: Any, text: str | None) -> str:
    return f"check {found.asset_key.to_user_string()}:{found.check_name}: {text or 'failed'}"


def _step(event: dg.DagsterEvent) -> list[str]:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description.splitlines()
    if data.error is None or data.error.cls_name == DagsterAssetCheckFailedError.__name__:
        return []
    return [f"step {event.step_key}: {_innermost(data.error)}"]


def _end(event: dg.DagsterEvent) -> list[str]:
    if error := getattr(event.event_specific_data, "error", None):
        return [_innermost(error)]
    return [
        f"it died with no step failure: {event.message or 'no reason given'};"
        " the machine, the process or its memory ended it. Start it again: it goes on from there"
    ]


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
