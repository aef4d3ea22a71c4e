"""Jobs with a form each for the ways out of a night that failed, for whoever has only the UI."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from ingestion.errors import ExpectedError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, parse_time
from orchestration.publication import remedies

REFETCH = {
    "target": dg.Field(str, description="A source or one of its streams, `<source>/<stream>`."),
    "since": dg.Field(
        dg.Noneable(str),
        default_value=None,
        is_required=False,
        description="Read changes from this instant on, ISO with zone; without it: from the start.",
    ),
}
WAIVE = {
    "batches": dg.Field(
        [str], description="Ids of held batches, as the gate and `cxmarts batches` name them."
    ),
    "why": dg.Field(str, description="Why the data are right although they were held; kept with your name."),
}
ROLLBACK = {
    "version": dg.Field(
        str,
        description=(
            "A published version, as the list of runs, the events of published/publication and "
            "`cxmarts publications` name them."
        ),
    ),
}


def ways_out(settings: Settings, home: Home) -> list[dg.JobDefinition]:
    """The jobs for these settings."""

    def refetch(given: Mapping[str, Any]) -> list[str]:
        try:
            since = parse_time(given["since"]) if given["since"] else None
        except ValueError as error:
            raise remedies.RemedyError(f"since: {given['since']!r}: {error}") from None
        return remedies.refetch(settings, given["target"], since)

    return [
        _job("refetch", "Make the next refresh read a source or stream again.", REFETCH, refetch),
        _job(
            "waive",
            "Let held batches through, with a reason; the next refresh takes them in.",
            WAIVE,
            lambda given: remedies.waive(home, given["batches"], given["why"]),
        ),
        _job(
            "rollback",
            "Lead readers to an earlier version; the next refresh publishes anew.",
            ROLLBACK,
            lambda given: remedies.rollback(settings, given["version"]),
        ),
    ]


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    """What the list of runs says of a form; the reason stands in the run's config alone."""
    asked = {name: value for name, value in given.items() if value and name != "why"}
    return {f"cxmarts/{name}": ", ".join(v) if isinstance(v, list) else v for name, v in asked.items()}


def _job(
    name: str, about: str, form: dict[str, dg.Field], act: Callable[[Mapping[str, Any]], list[str]]
) -> dg.JobDefinition:
    """A job of one step, which takes its form and tells in its log what it did."""

    # A job and its step may not share a name.
    @dg.op(name=f"{name}_step", description=about, config_schema=form)
    def step(context: dg.OpExecutionContext) -> None:
        try:
            told = act(context.op_config)
        except ExpectedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.instance.add_run_tags(context.run_id, _tags(context.op_config))
        context.log.info("\n".join(told))

    @dg.config_mapping(config_schema=form)
    def filled(given: dict[str, Any]) -> dict[str, Any]:
        return {"ops": {f"{name}_step": {"config": given}}}

    @dg.job(name=name, description=about, config=filled, executor_def=dg.in_process_executor)
    def job() -> None:
        step()

    return job
