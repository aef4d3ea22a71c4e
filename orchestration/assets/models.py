"""dbt's seeds, models and tests as assets and checks, built by dbt inside this process."""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from orchestration.assets import columns, samples
from orchestration.assets.graph import ModelGraph
from orchestration.causes import CAUSES
from orchestration.ground import progress
from orchestration.publication.baseline import published_marts
from orchestration.publication.publish import current
from orchestration.warehouse import control_tables, cutoff
from orchestration.warehouse.dbt import NodeResult
from orchestration.warehouse.run import Run
from quality.store import Batch

#: With fewer rows to bring in, a second thread of the engine costs CPU time and saves none of the clock's.
LARGE_LOAD_ROWS = 200_000
BuildEvent = dg.MaterializeResult[Any] | dg.AssetCheckResult


def parse_assets(graph: ModelGraph) -> dg.AssetsDefinition:
    """The step that loads changed seeds and parses what staging has not applied yet."""
    specs = graph.in_schemas("rules", "parse")

    @dg.multi_asset(
        name="staging_parse",
        specs=specs,
        check_specs=graph.checks_of(specs),
        can_subset=True,
        required_resource_keys={"run"},
    )
    def staging_parse(context: dg.AssetExecutionContext) -> Iterator[BuildEvent]:
        run: Run = context.resources.run
        selected = {graph.names[key] for key in context.selected_asset_keys}
        with run.connect() as con, run.store() as store:
            # What the staged gate holds is parsed again, for that gate to judge it again.
            control_tables.register_batches(
                con, [_row(run, b, "passed" if b.is_to_be_staged else b.verdict) for b in store.batches()]
            )
            changed = set(control_tables.drop_changed(con, run.project.manifest, run.fingerprints()))
            waiting = control_tables.pending(con, graph.staging)
            parse = {name for name, stream in graph.parsed.items() if _is_due(graph, stream, waiting)}
            parse |= changed & graph.parsed.keys()
            control_tables.forget_judged(con, parse & selected)
        due = (parse | {name for name in changed if graph.schemas[name] == "rules"}) & selected
        progress.current.phase(
            "staging_parse", f"{len(due)} of {len(selected)} seeds and streams are new", context.log.info
        )
        yield from _build(context, graph, run, due, selected)

    return staging_parse


def model_assets(graph: ModelGraph) -> dg.AssetsDefinition:
    """The step that merges what passed, builds core and marts, and runs dbt's tests."""
    specs = graph.in_schemas("staging", "vendors", "core", "marts", "restricted")

    @dg.multi_asset(
        name="dbt",
        specs=specs,
        check_specs=graph.checks_of(specs),
        can_subset=True,
        required_resource_keys={"run"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[BuildEvent]:
        run: Run = context.resources.run
        selected = {graph.names[key] for key in context.selected_asset_keys}
        with run.connect() as con, run.store() as store:
            control_tables.register_batches(con, [_row(run, b, b.verdict) for b in store.batches()])
            control_tables.hold_unjudged(con, graph.staging)
            published = current(run.home.published)
            control_tables.register_published(
                con,
                published_marts(published, graph.manifest, run.mart_fingerprints()),
                published.manifest.get("held_batches", ()) if published else (),
            )
            idle = graph.staging.keys() - control_tables.pending(con, graph.staging)
        due = selected - idle
        progress.current.phase("dbt", f"{len(due)} models", context.log.info)
        yield from _build(context, graph, run, due, selected, closes=len(selected) == len(specs))

    return models


def _is_due(graph: ModelGraph, stream: tuple[str, str], waiting: Collection[str]) -> bool:
    return any(graph.staging[name] == stream for name in waiting)


def _row(run: Run, batch: Batch, verdict: str) -> control_tables.BatchRow:
    # The home may have been moved since the batch was judged.
    path = str(run.landing.here(batch.path))
    about = (batch.source, batch.vendor, batch.stream, batch.batch_id)
    return control_tables.BatchRow(*about, path, batch.rows, verdict, batch.reason, batch.held_since)


def _build(
    context: dg.AssetExecutionContext,
    graph: ModelGraph,
    run: Run,
    due: Collection[str],
    selected: Collection[str],
    *,
    closes: bool = False,
) -> Iterator[BuildEvent]:
    """Run dbt over what is due and report every selected asset: an idle one is as it was."""
    wanted = run.fingerprints()
    with run.connect() as con:
        is_large = control_tables.rows_to_merge(con) > LARGE_LOAD_ROWS
        cut_off = None
        if closes:
            cut_off = cutoff.prepare(
                con, graph.manifest, wanted, run.build_id, run.as_of, is_restricted=run.settings.is_restricted
            )
    if due:
        run.release()
    parameters = replace(run.parameters, threads=(os.cpu_count() or 1) if is_large else 1)
    reporter = _reporter(context, graph, len(due))
    results = (
        run.project.build(sorted(due), parameters, closes_build=closes, cut_off=cut_off, on_node=reporter)
        if due
        else []
    )
    progress.current.update("counting rows", len(due), len(due))
    unchanged = cut_off.unchanged if cut_off else set()
    if cut_off:
        why = [f"{graph.schemas[name]}.{name}: {reason}" for name, reason in cut_off.reasons.items()]
        progress.current.tell(
            "\n".join([f"built {len(why)} models, {len(unchanged)} are as they were", *why])
        )
    nodes = {result.name: result for result in results if result.unique_id in graph.specs}
    built = {name for name, result in nodes.items() if not result.is_failed} - unchanged
    failed = [result for result in results if result.is_failed and result.status != "skipped"]
    told: list[BuildEvent] = []
    with run.connect() as con:
        # What fails a test is not done with: the next run builds it anew, and asks again.
        done = built - {name for result in failed for name in graph.tested.get(result.unique_id, ())}
        control_tables.save_fingerprints(con, {name: wanted[name] for name in done})
        if cut_off:
            cutoff.save(con, cut_off, run.settings.timezone)
        columns.read_built(graph, run.project, built, control_tables.columns(con))
        for name in (name for name in graph.order if name in selected):
            if name in built or name in unchanged or name not in due:
                metadata = _metadata(con, graph, run, name, nodes.get(name) if name in built else None)
                told.append(dg.MaterializeResult(asset_key=graph.keys[name], metadata=metadata))
        failures = {
            result.unique_id: _describe_test(result, graph.checks[result.unique_id], con)
            if result.failures and result.unique_id in graph.checks
            else describe(result)
            for result in failed
        }
    # Only now: whoever takes an event may fail, and would leave the warehouse open.
    yield from told
    asked = {result.unique_id: result for result in results if result.status != "skipped"}
    for unique_id, check in graph.checks.items():
        if check.key in context.selected_asset_check_keys and (unique_id in asked or not failed):
            yield _check_result(check, asked.get(unique_id), failures.get(unique_id))
    if failures:
        raise dg.Failure("\n".join(failures.values()), allow_retries=False)


def _reporter(
    context: dg.AssetExecutionContext, graph: ModelGraph, total: int
) -> Callable[[NodeResult], None]:
    done = 0

    def on_node(result: NodeResult) -> None:
        nonlocal done
        if result.is_failed:
            context.log.error(f"{result.name}: {result.message}")
        elif result.name in graph.schemas:
            done += 1
            rows = f", {result.rows:,} rows" if result.rows is not None else ""
            relation = f"{graph.schemas[result.name]}.{result.name}"
            progress.current.tell(f"built {done} of {total}: {relation}{rows}, {result.seconds:.1f} s")
        progress.current.update(result.name, done, total)

    return on_node


def describe(result: NodeResult) -> str:
    """Which node failed, why, and what to do."""
    hint = ". Give it more: CXMARTS_MEMORY_LIMIT" if "Out of Memory" in result.message else ""
    return f"dbt {result.unique_id.split('.')[0]} {result.name}: {result.message}{hint}"


def _describe_test(result: NodeResult, check: dg.AssetCheckSpec, con: duckdb.DuckDBPyConnection) -> str:
    """Of what a test found rows, how many, one of them, and what to do."""
    found = con.execute(result.sql)
    names = [column[0] for column in found.description or ()]
    example = ", ".join(
        f"{name} {value!r}" for name, value in zip(names, found.fetchone() or (), strict=False)
    )
    rows = f"{result.failures:,} row{'s' if result.failures != 1 else ''}"
    where = check.asset_key.to_user_string()
    todo = "correct the rule file" if where.startswith("rules/") else "report it: a model makes what none may"
    return f"{where}: {result.name}: {rows}, such as {example}; {todo}"


def _check_result(
    check: dg.AssetCheckSpec, result: NodeResult | None, failure: str | None
) -> dg.AssetCheckResult:
    """Without a result the test had nothing new to ask: what it asks of passed when it was built."""
    warns = not check.blocking or (result is not None and result.status == "warn")
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=result is None or result.status in ("pass", "success"),
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        description=failure or (result.message if result else "unchanged since it passed") or None,
        metadata={"failing_rows": (result.failures if result else 0) or 0}
        | ({CAUSES: dg.MetadataValue.json([failure])} if failure else {}),
    )


def _metadata(con: Any, graph: ModelGraph, run: Run, name: str, result: NodeResult | None) -> dict[str, Any]:
    """Rows, time, the number to plot, and of a mart that was built some rows.

    Names come from the parsed project.
    """
    table = f'{graph.schemas[name]}."{name}"'
    plot = graph.contracts[name].card.get("plot") if name in graph.contracts else None
    metadata: dict[str, Any] = {}
    # To count a view is to compute it: millions of members every night.
    if name not in graph.views:
        metadata["dagster/row_count"] = con.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    if result:
        metadata["seconds"] = round(result.seconds, 3)
    else:
        metadata["status"] = "unchanged: nothing new to read"
    if plot:
        today = run.as_of.astimezone(ZoneInfo(run.settings.timezone)).date()
        metadata |= samples.last_whole(con, table, plot, today)
    if result and name in graph.marts:
        metadata["preview"] = samples.preview(con, table, graph.descriptions[name])
    return metadata
