"""The nightly refresh: every asset and every gate, in one process, step after step."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

NIGHTLY = "nightly"
#: What Dagster calls the code location; workspace.yaml and pyproject.toml name it too.
LOCATION = "cxmarts"

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    description="Fetch, judge, build, judge, publish. Nothing is published unless every gate passes.",
    executor_def=dg.in_process_executor,
)


def execute(
    job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.JobExecutionResult:
    """Run a job in this process, as a run of the code location: so the UI's timeline and jobs show it.

    What fails is in the result, never raised; `execute_in_process` makes runs that belong nowhere.
    """
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")
    run = instance.create_run_for_job(
        job,
        tags=tags,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        remote_job_origin=location.get_job_origin(job.name),
    )
    return execute_run(InMemoryJob(job), run, instance)
