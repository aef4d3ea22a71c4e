"""The one resource: the run, which holds the writer's lock as long as it lasts."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.errors import ExpectedError
from ingestion.landing import Landing
from orchestration.ground import locking
from orchestration.ground.home import Home
from orchestration.ground.mishaps import HomeError
from orchestration.ground.settings import Settings, parse_time
from orchestration.ground.sources import sources
from orchestration.history import prune
from orchestration.publication.publish import Publication, current, publications
from orchestration.warehouse.dbt import Project
from orchestration.warehouse.run import Run

#: Tags by which a list of runs says what each of them did.
AS_OF_TAG = "cxmarts/as_of"
FULL_TAG = "cxmarts/full"
SOURCES_TAG = "cxmarts/sources"
LANDED_TAG = "cxmarts/records_landed"
MARTS_TAG = "cxmarts/marts_changed"
VERSION_TAG = "cxmarts/version"
#: Those that a run earns late: a retry, which takes over the tags of what it repeats, has not yet.
LATE_TAGS = (LANDED_TAG, MARTS_TAG, VERSION_TAG)

#: What may be asked of a run, as the launchpad shows it.
OPTIONS = {
    "full": dg.Field(
        bool, default_value=False, is_required=False, description="Rebuild every model from the landing."
    ),
    "as_of": dg.Field(
        dg.Noneable(str),
        default_value=None,
        is_required=False,
        description=(
            "The instant that the numbers hold for, ISO with zone (2026-11-21T00:00:00Z). Before the "
            "published one: the version is written beside it. Else CXMARTS_AS_OF, else the start of the run."
        ),
    ),
    "sources": dg.Field(
        [str],
        default_value=[],
        is_required=False,
        description=(
            "Names of the sources to fetch. The others may lag, as in CXMARTS_ALLOW_STALE: they stay as they "
            "landed last. None named: all are fetched."
        ),
    ),
}


class OptionError(ExpectedError):
    """What is asked of a run cannot be meant; the message names the option."""


def run_resource(
    settings: Settings, home: Home, project: Project, *, is_locked: bool
) -> dg.ResourceDefinition:
    """The resource `run` for these settings."""

    @dg.resource(
        config_schema=OPTIONS,
        description="What the run is about: settings, instant, build id. Holds the writer's lock.",
    )
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
            given: dict[str, Any] = context.resource_config
            asked = _instant(given["as_of"] or dagster_run.tags.get(AS_OF_TAG)) or settings.as_of
            as_of = asked or _created(context.instance, root)
            only = frozenset(given["sources"])
            published = current(home.published)
            is_scratch = published is not None and as_of < published.as_of
            if published and is_scratch and asked is None:
                raise HomeError(_stale_clock(home, as_of, published))
            chosen = _narrowed(settings, home, only) if only else settings
            begun = Run(chosen, home, project, root, as_of, given["full"], is_scratch, only)
            # So short that the list of runs shows it whole.
            tags = {AS_OF_TAG: as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")}
            tags |= {FULL_TAG: "true"} if given["full"] else {}
            tags |= {SOURCES_TAG: ", ".join(sorted(only))} if only else {}
            tags |= {tag: "none" for tag in LATE_TAGS if tag in dagster_run.tags}
            context.instance.add_run_tags(dagster_run.run_id, tags)
            begun.open_warehouse()
            try:
                yield begun
            finally:
                begun.release()

    return run


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError as error:
        raise OptionError(f"as_of: {text!r}: {error}") from None


def _narrowed(settings: Settings, home: Home, only: frozenset[str]) -> Settings:
    """The settings of a run that fetches these sources only: what else landed may lag."""
    configured = {source.name for source in sources(settings)}
    if unknown := sorted(only - configured):
        known = ", ".join(sorted(configured)) or "none"
        raise OptionError(f"sources: {unknown[0]!r} is not configured; configured: {known}")
    landed = {source for source, _ in Landing(home.landing).streams()}
    return replace(settings, allow_stale=settings.allow_stale | ((configured | landed) - only))


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
