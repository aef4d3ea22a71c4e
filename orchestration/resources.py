"""The one resource: the run, which holds the writer's lock as long as it lasts."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime

import dagster as dg

from orchestration.ground import locking
from orchestration.ground.home import Home
from orchestration.ground.mishaps import HomeError
from orchestration.ground.settings import Settings, parse_time
from orchestration.history import prune
from orchestration.publication.publish import Publication, current, publications
from orchestration.warehouse.dbt import Project
from orchestration.warehouse.run import Run

AS_OF_TAG = "cxmarts/as_of"
FULL_TAG = "cxmarts/full"
VERSION_TAG = "cxmarts/version"


def run_resource(
    settings: Settings, home: Home, project: Project, *, is_locked: bool
) -> dg.ResourceDefinition:
    """The resource `run` for these settings."""

    @dg.resource(description="What the run is about: settings, instant, build id. Holds the writer's lock.")
    def run(context: dg.InitResourceContext) -> Iterator[Run]:
        dagster_run = context.dagster_run
        if dagster_run is None or context.instance is None:
            raise dg.DagsterInvariantViolationError("the resource needs a run")
        # A retry goes on with what the first attempt fixed: its build id and its instant.
        root = dagster_run.root_run_id or dagster_run.run_id
        purpose = f"run {dagster_run.run_id[:8]} of job {dagster_run.job_name}"
        with nullcontext() if is_locked else locking.exclusive(home.lock, purpose):
            _end_dead_runs(context.instance, dagster_run.run_id)
            prune(context.instance, datetime.now(UTC))
            fixed = dagster_run.tags.get(AS_OF_TAG)
            asked = parse_time(fixed) if fixed else settings.as_of
            as_of = asked or _created(context.instance, root)
            is_full = dagster_run.tags.get(FULL_TAG) == "true"
            published = current(home.published)
            is_scratch = published is not None and as_of < published.as_of
            if published and is_scratch and asked is None:
                raise HomeError(_stale_clock(home, as_of, published))
            begun = Run(settings, home, project, root, as_of, is_full, is_scratch)
            tags = {AS_OF_TAG: as_of.isoformat()}
            # A retry takes over the tags of what it repeats.
            tags |= {VERSION_TAG: "none"} if VERSION_TAG in dagster_run.tags else {}
            context.instance.add_run_tags(dagster_run.run_id, tags)
            begun.open_warehouse()
            yield begun

    return run


def _end_dead_runs(instance: dg.DagsterInstance, run_id: str) -> None:
    """Whoever holds the lock is the only one alive: other runs that seem to go on were killed."""
    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    for other in started:
        if other.run_id != run_id:
            instance.report_run_failed(other, "its process ended before the run did")


def _stale_clock(home: Home, as_of: datetime, published: Publication) -> str:
    """What to do about an instant that nobody asked for and that lies before the published one."""
    said = (
        f"the published numbers hold for {published.as_of:%Y-%m-%dT%H:%M:%SZ}, later than this run's "
        f"{as_of:%Y-%m-%dT%H:%M:%SZ}"
    )
    if datetime.now(UTC) >= published.as_of:
        return f"{said}: it repeats an older run; start a new one (`cxmarts refresh`)"
    before = [each for each in publications(home.published) if each.as_of <= as_of]
    way = (
        f"`cxmarts rollback {before[0].version}`, then `cxmarts refresh`"
        if before
        else f"remove {home.published}, which holds nothing older, then `cxmarts refresh`"
    )
    return (
        f"{said}: either this machine's clock is behind, or it ran ahead when they were published. Set "
        f"it right; if they were ahead: {way}. For an earlier instant on purpose: --as-of"
    )


def _created(instance: dg.DagsterInstance, run_id: str) -> datetime:
    record = instance.get_run_record_by_id(run_id)
    moment = record.create_timestamp if record else datetime.now(UTC)
    # The storage gives UTC, in some versions without saying so.
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=0)
