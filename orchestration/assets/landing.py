"""What the vendors sent: one step fetches every stream of every source, with threads inside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.erasing import personal_of
from ingestion.extract import FetchResult, fetch
from ingestion.http import FetchError, TransientError
from ingestion.landing_format import COLUMNS, ROW_NUMBER
from ingestion.streams import Source, StreamResult
from orchestration.assets.graph import PERSONAL, SENSITIVITY_TAG, VENDOR_TAG
from orchestration.ground import progress
from orchestration.ground.process import give_back_memory
from orchestration.ground.sources import sources
from orchestration.resources import LANDED_TAG
from orchestration.warehouse import control_tables
from orchestration.warehouse.control_tables import StreamStatus
from orchestration.warehouse.run import Run

RETRIES_TAG = "cxmarts/landing_retries"
FIRST_WAIT_SECONDS = 60
SHOWN_STREAMS = 3
LANDED = dg.TableSchema(
    [dg.TableColumn(name, str(type_), text) for name, (type_, text) in COLUMNS.items()]
    + [dg.TableColumn(ROW_NUMBER, "int64", "The row's place in its file, as the engine counts.")]
)


def landing_specs(manifest: Mapping[str, Any]) -> list[dg.AssetSpec]:
    """One asset per stream that a dbt source declares: key `raw_<vendor>/<stream>`."""
    return [
        dg.AssetSpec(
            [source["source_name"], source["name"]],
            group_name="landing",
            description=source["description"],
            metadata={"dagster/column_schema": LANDED},
            kinds={source["source_name"].removeprefix("raw_"), "parquet"},
            tags=_tags(source["source_name"].removeprefix("raw_"), source["name"]),
            skippable=True,
        )
        for source in sorted(manifest["sources"].values(), key=lambda source: source["unique_id"])
        if source["source_name"].startswith("raw_")
    ]


def _tags(vendor: str, stream: str) -> dict[str, str]:
    is_personal = stream not in personal_of(vendor).nothing_personal
    return {VENDOR_TAG: vendor} | ({SENSITIVITY_TAG: PERSONAL} if is_personal else {})


def landing_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The landing step."""

    @dg.multi_asset(
        name="landing", specs=landing_specs(manifest), can_subset=True, required_resource_keys={"run"}
    )
    def landing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        run: Run = context.resources.run
        progress.current.phase("landing", "fetching what is new", context.log.info)
        wanted = {(key.path[0].removeprefix("raw_"), key.path[1]) for key in context.selected_asset_keys}
        chosen = [
            _narrowed(source, wanted) for source in sources(run.settings) if not run.leaves_out(source.name)
        ]
        uncounted = _uncounted(run)
        # To fetch may take hours.
        run.release()
        result = fetch(
            [source for source in chosen if source],
            run.landing,
            uncounted=uncounted,
            progress=_report,
        )
        give_back_memory()
        for each in result.streams:
            progress.current.tell(line(each))
        status = record(run, result, wanted)
        problems, lagging = _problems(run, result, status)
        with run.connect() as con:
            control_tables.save_lagging(con, lagging)
        _retry_if_transient(context, run, result, problems)
        progress.current.facts["requests"] = sum(t.requests for t in result.traffic.values())
        landed = sum(each.landed for each in result.streams)
        progress.current.facts["landed"] = landed
        context.instance.add_run_tags(context.run_id, {LANDED_TAG: str(landed)})
        for key in context.selected_asset_keys:
            rows = [s for s in status if (f"raw_{s.vendor}", s.stream) == tuple(key.path)]
            yield dg.MaterializeResult(asset_key=key, metadata=_metadata(rows, result))
        if problems:
            raise dg.Failure("\n".join(problems), allow_retries=False)

    return landing


def _uncounted(run: Run) -> set[str]:
    """The batches that are held, or were when all of them was read again, and of which nothing is staged."""
    with run.store() as store, run.connect() as con:
        batches = [*store.held(), *store.batches(verdict="superseded")]
        return {batch.batch_id for batch in batches} - control_tables.applied(con)


def _narrowed(source: Source, wanted: set[tuple[str, str]]) -> Source | None:
    """The source with the wanted streams only; exported files are read as a whole."""
    if source.reader:
        return source if any(vendor == source.vendor for vendor, _ in wanted) else None
    streams = tuple(stream for stream in source.streams if (source.vendor, stream.name) in wanted)
    return replace(source, streams=streams) if streams else None


def _report(result: StreamResult) -> None:
    progress.current.update(line(result))


def line(result: StreamResult) -> str:
    """What a stream has done so far."""
    failed = " (failed)" if result.error else ""
    return f"{result.source}/{result.stream}: {result.landed:,} records{_pace(result)}{failed}"


def _pace(result: StreamResult) -> str:
    """How far a stream is that is read part by part, how fast, and for how long it still will be."""
    left = result.of_parts - result.parts
    if not (result.parts and left and result.seconds):
        return ""
    rate = 60 * result.parts / result.seconds
    minutes = left / rate
    rest = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{minutes:.0f} minutes"
    return f", {result.parts:,} of {result.of_parts:,} parts, {rate:,.0f} a minute, {rest} left"


def record(run: Run, result: FetchResult, wanted: set[tuple[str, str]]) -> list[StreamStatus]:
    """Write how each stream's fetch went to the warehouse; what was not wanted keeps its last status."""
    with run.connect() as con:
        before = {(s.source, s.stream): s for s in control_tables.status(con)}
        now = datetime.now(UTC)
        after = dict(before)
        for each in result.streams:
            key, last = (each.source, each.stream), before.get((each.source, each.stream))
            is_fresh = each.error is None
            after[key] = StreamStatus(
                source=each.source,
                vendor=each.vendor,
                stream=each.stream,
                is_on=True,
                is_stale=not is_fresh,
                last_fetched_at=now if is_fresh else (last.last_fetched_at if last else None),
                received=each.received,
                landed=each.landed,
                duplicates=each.duplicates,
                unchanged=each.unchanged,
                tombstones=each.tombstones,
                build_id=run.build_id if is_fresh else None,
            )
        fetched = {(each.source, each.stream) for each in result.streams}
        for source, stream in run.landing.streams():
            if (source, stream) not in fetched:
                vendor = _vendor(run, source, stream, before)
                if (vendor, stream) in wanted:
                    last = before.get((source, stream))
                    at = last.last_fetched_at if last else None
                    is_on = run.leaves_out(source) and last is not None and last.is_on
                    after[source, stream] = StreamStatus(
                        source, vendor, stream, is_on, True, at, 0, 0, 0, 0, 0, None
                    )
        status = sorted(after.values(), key=lambda s: (s.source, s.stream))
        control_tables.save_status(con, status)
        return status


def _vendor(run: Run, source: str, stream: str, known: Mapping[tuple[str, str], StreamStatus]) -> str:
    if (source, stream) in known:
        return known[source, stream].vendor
    latest = run.landing.latest(source, stream)
    return latest.vendor if latest else ""


def _problems(
    run: Run, result: FetchResult, status: Sequence[StreamStatus]
) -> tuple[list[str], list[tuple[str, str]]]:
    """What is said of sources that failed or are off, and of those that may be so, with their names."""
    allowed, fetched = run.settings.allow_stale, {s.source for s in status if s.is_on}
    problems: list[str] = []
    lagging: list[tuple[str, str]] = []
    for source in dict.fromkeys([*(each.source for each in result.streams), *(s.source for s in status)]):
        off = [s for s in status if s.source == source and not s.is_on and s.is_stale]
        targets = [f"{source}/{s.stream}" for s in off] if source in fetched else [source] * bool(off)
        told = _told_once([each for each in result.streams if each.source == source])
        told += (
            [f"{source}: left out of this run, it stays as it landed last"]
            if run.leaves_out(source)
            else [_off(target, off[0].vendor) for target in targets]
        )
        if source not in allowed:
            problems += told
        else:
            lagging += [(source, text) for text in told]
    return problems, lagging


def _off(target: str, vendor: str) -> str:
    """That a source or stream has landed data which nothing fetches any more, with the ways out."""
    if vendor == "files":
        what = "has landed data, but no mapping that can be read declares it"
        put = "put the mapping back into CXMARTS_FILES"
    else:
        what, put = "has landed data but is off (its settings are not set)", "set them again"
    source = target.partition("/")[0]
    return (
        f"{target}: {what}; {put}, or take its data out with `cxmarts forget {target}`, or name {source} in "
        "CXMARTS_ALLOW_STALE to keep them as they are"
    )


def _told_once(results: Sequence[StreamResult]) -> list[str]:
    """Each cause once, with the streams that it stopped; what stops one stream only, with its request."""
    found: dict[tuple[str, str], list[StreamResult]] = {}
    for each in results:
        if each.error is not None:
            reason = each.error.reason if isinstance(each.error, FetchError) else str(each.error)
            found.setdefault((each.source, reason), []).append(each)
    return [
        f"{'/'.join(filter(None, (source, streams[0].stream)))}: {streams[0].error}"
        if len(streams) == 1
        else f"{len(streams)} streams of {source}{_named(streams)}: {reason}"
        for (source, reason), streams in found.items()
    ]


def _named(streams: Sequence[StreamResult]) -> str:
    return f" ({', '.join(each.stream for each in streams)})" if len(streams) <= SHOWN_STREAMS else ""


def _retry_if_transient(
    context: dg.AssetExecutionContext, run: Run, result: FetchResult, problems: Sequence[str]
) -> None:
    """Ask for another attempt later where every failure may pass by itself and the run may wait."""
    errors = [each.error for each in result.streams if each.error is not None]
    retries = int(context.run.tags.get(RETRIES_TAG, "0"))
    if (
        problems
        and errors
        and all(isinstance(e, TransientError) for e in errors)
        and context.retry_number < retries
    ):
        run.release()
        raise dg.RetryRequested(retries, seconds_to_wait=FIRST_WAIT_SECONDS * 4**context.retry_number)


def _metadata(rows: Sequence[StreamStatus], result: FetchResult) -> dict[str, Any]:
    names = {(row.source, row.stream) for row in rows}
    results = [each for each in result.streams if (each.source, each.stream) in names]
    at = [row.last_fetched_at for row in rows if row.last_fetched_at]
    metadata: dict[str, Any] = {
        "landed": sum(row.landed for row in rows if row.is_on),
        "received": sum(row.received for row in rows if row.is_on),
        "requests": sum(each.requests for each in results),
        "status": "; ".join(_status(row) for row in rows) or "off: nothing configured, nothing landed",
    }
    if at:
        metadata["last_fetched_at"] = dg.MetadataValue.timestamp(min(at))
    if notes := [note for each in results for note in each.notes]:
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in notes[:50]))
    return metadata


def _status(row: StreamStatus) -> str:
    if not row.is_on:
        return f"{row.source}: off"
    return f"{row.source}: {'failed' if row.is_stale else 'fetched'}"
