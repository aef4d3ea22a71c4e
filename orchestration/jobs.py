"""The nightly refresh: every asset and every gate, in one process, step after step."""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from orchestration.resources import OPTIONS

NIGHTLY = "nightly"
#: What Dagster calls the code location; workspace.yaml and pyproject.toml name it too.
LOCATION = "cxmarts"


@dg.config_mapping(config_schema=OPTIONS)
def _options(given: dict[str, Any]) -> dict[str, Any]:
    """What is asked of a run. Its log is for the page alone: the console would repeat every event."""
    console = {"console": {"config": {"log_level": "CRITICAL"}}}
    return {"resources": {"run": {"config": given}}, "loggers": console}


nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    config=_options,
    description="Fetch, judge, build, judge, publish. Nothing is published unless every gate passes.",
    executor_def=dg.in_process_executor,
)


def execute(
    job: dg.JobDefinition, instance: dg.DagsterInstance, config: dict[str, Any]
) -> dg.JobExecutionResult:
    """Run a job in this process, as a run of the code location: so the UI's timeline and jobs show it.

    What fails is in the result, never raised; `execute_in_process` makes runs that belong nowhere.
    """
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")
    run = instance.create_run_for_job(
        job,
        run_config=config,
        remote_job_origin=location.get_job_origin(job.name),
    )
    return execute_run(InMemoryJob(job), run, instance)
