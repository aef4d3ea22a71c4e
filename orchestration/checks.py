"""Gate verdicts as asset checks: one check per gate and asset, blocking where an expectation is critical."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from orchestration.assets.graph import ModelGraph
from orchestration.assets.landing import landing_specs
from orchestration.causes import CAUSES, WARNINGS
from orchestration.ground import progress
from orchestration.ground.forget import forgotten_since
from orchestration.ground.process import give_back_memory
from orchestration.ground.release import code_version
from orchestration.publication.publish import Publication, current
from orchestration.warehouse import control_tables
from orchestration.warehouse.contracts import with_dimensions
from orchestration.warehouse.holidays import days_off
from orchestration.warehouse.run import Run
from quality.contracts import Contract
from quality.gates import (
    batch_groups,
    judge_batches,
    judge_marts,
    judge_staged,
    lenient,
    mart_columns,
    staged_columns,
)
from quality.report import markdown
from quality.store import Store
from quality.suites import marts
from quality.verdicts import Verdict

if TYPE_CHECKING:
    import pandas as pd

MAX_TOLD, MAX_ROWS = 50, 20
#: What can be done about a gate that blocks, in the UI and at a terminal.
OF_BATCHES = """\
The rows at fault stand in the check; `cxmarts rejected` lists all of them. What is published stays as it is.

- The source was wrong and is right again: the job `refetch`, then `nightly`.
- The data are right: the job `waive`, with the reason, then `nightly`.
- The others cannot wait: name the source in `CXMARTS_ALLOW_STALE`.
"""
OF_MARTS = """\
The rows at fault stand in the check of each mart. What is published stays as it is.

- A rule or a limit is wrong: correct its file in `CXMARTS_RULES`, then `nightly`.
- A source gave too little: the job `refetch`, then `nightly`.
- The message says so: report it.
"""
#: Older than this, what was fetched and what is published are late.
MAX_AGE = timedelta(hours=36)
STREAMS_MART = "publication"


def gate_spec(asset: dg.AssetKey, gate: str, description: str) -> dg.AssetCheckSpec:
    """The check that stands for a gate on an asset."""
    return dg.AssetCheckSpec(f"{gate}_gate", asset=asset, description=description, blocking=True)


def gate_result(
    asset: dg.AssetKey,
    gate: str,
    verdicts: Sequence[Verdict],
    numbers: dict[str, Any] | None = None,
    rows: Sequence[Mapping[str, str]] = (),
) -> dg.AssetCheckResult:
    """A gate's verdicts on an asset: failed if any failed, an error if one blocks publishing.

    `rows` are shown as the rows at fault, in place of the verdicts' own examples.
    """
    failed = sorted((v for v in verdicts if not v.success), key=lambda v: not v.blocks)
    blocks = any(verdict.blocks for verdict in failed)
    metadata: dict[str, Any] = {"expectations": len(verdicts), "failed": len(failed), **(numbers or {})}
    if failed:
        metadata["failures"] = dg.MetadataValue.md(markdown(failed))
        for name, blocking in ((CAUSES, True), (WARNINGS, False)):
            told = [describe(verdict) for verdict in failed if verdict.blocks == blocking]
            metadata[name] = dg.MetadataValue.json(told[:MAX_TOLD])
        if shown := list(rows) or [
            {"subject": verdict.subject, "expectation": verdict.expectation, **example}
            for verdict in failed
            for example in verdict.examples
        ]:
            metadata["failing_rows"] = _records(shown[:MAX_ROWS])
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=f"{gate}_gate",
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description=describe(failed[0]) if failed else None,
        metadata=metadata,
    )


def _ended(results: Iterable[dg.AssetCheckResult], ways_out: str) -> Iterator[dg.AssetCheckResult]:
    """The results of a gate; if one blocks, the step then fails with the reasons first and the ways out."""
    give_back_memory()
    causes: list[str] = []
    for result in results:
        yield result
        if not result.passed and result.severity == dg.AssetCheckSeverity.ERROR:
            told: Any = result.metadata[CAUSES]
            causes += told.value
    if causes:
        raise dg.Failure(
            "\n".join(causes), metadata={"ways_out": dg.MetadataValue.md(ways_out)}, allow_retries=False
        )


def _records(rows: Sequence[Mapping[str, str]]) -> dg.MetadataValue[Any]:
    columns = dict.fromkeys(column for row in rows for column in row)
    return dg.MetadataValue.table(
        [dg.TableRecord({column: row.get(column, "") for column in columns}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(column, "string") for column in columns]),
    )


def describe(verdict: Verdict) -> str:
    """A failed verdict in one line: where, what, which rows, what to do."""
    where = "/".join(part for part in (verdict.source, verdict.stream) if part)
    subject = f"{where} {verdict.subject}" if where and where != verdict.subject else verdict.subject
    return f"{verdict.gate} gate, {subject}: {verdict.expectation}: {verdict.message}"


def gate_checks(graph: ModelGraph) -> list[dg.AssetChecksDefinition]:
    """The three gates: what landed, what was parsed, what would be published."""
    return [
        _landing_gate(landing_specs(graph.manifest)),
        _staged_gate(graph),
        _marts_gate(graph),
    ]


def _landing_gate(specs: Sequence[dg.AssetSpec]) -> dg.AssetChecksDefinition:
    known = {spec.key for spec in specs}

    @dg.multi_asset_check(
        name="landing_gate",
        specs=[
            gate_spec(spec.key, "landing", "Batches as they landed: ids, times, fetched = landed, volume.")
            for spec in specs
        ],
        can_subset=True,
        required_resource_keys={"run"},
    )
    def landing_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        run: Run = context.resources.run
        progress.current.phase("landing_gate", "judging new batches", context.log.info)
        with run.connect() as con, run.store() as store:
            failed = {(s.source, s.stream) for s in control_tables.status(con) if s.is_stale}
            report = judge_batches(
                store,
                run.landing.batches(),
                incomplete=failed,
                lagging=control_tables.lagging(con),
                days_off=days_off(run.landing, run.project.folder / "seeds"),
                progress=_told("batches"),
            )
            # A held batch blocks until it passes, is refetched or is waived: say so every night. Of one that
            # the staged gate holds that gate says it, which judges it again.
            held = [
                verdict
                for batch in report.held
                if not batch.is_to_be_staged
                for verdict in store.results(batch_id=batch.batch_id, failed_only=True)
            ]
            vendors = {b.source: b.vendor for b in store.batches() if b.vendor}
            _keep_held_rows(con, store, [batch.batch_id for batch in report.batches], report.faulty)
        told = lenient([*report.verdicts, *held], run.settings.allow_stale)
        keys = [check.asset_key for check in context.selected_asset_check_keys]
        by_key: dict[dg.AssetKey, list[Verdict]] = {}
        for verdict in {(v.gate, v.subject, v.expectation, v.observed): v for v in told}.values():
            key = dg.AssetKey([f"raw_{vendors.get(verdict.source, '')}", verdict.stream])
            if key not in known:
                # It is said of a source, or of one whose only file cannot be read: nobody knows its vendor.
                vendor = f"raw_{vendors.get(verdict.source, '')}"
                key = next((k for k in keys if verdict.stream == k.path[1] or vendor == k.path[0]), keys[0])
            by_key.setdefault(key, []).append(verdict)
        results = []
        for key in keys:
            verdicts = by_key.get(key, [])
            judged = [b for b in report.batches if (f"raw_{b.vendor}", b.stream) == tuple(key.path)]
            numbers = {"batches": len(judged), "rows": sum(b.rows for b in judged)}
            results.append(gate_result(key, "landing", verdicts, numbers))
        yield from _ended(results, OF_BATCHES)

    return landing_gate


def _staged_gate(graph: ModelGraph) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="staged_gate",
        specs=[
            gate_spec(
                graph.keys[name],
                "staged",
                "Parsed rows before they merge: types, known values, scales, dates.",
            )
            for name in graph.parsed
        ],
        can_subset=True,
        required_resource_keys={"run"},
    )
    def staged_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        run: Run = context.resources.run
        progress.current.phase("staged_gate", "judging parsed rows", context.log.info)
        judged = []
        with run.connect() as con, run.store() as store:
            waiting = control_tables.pending(con, graph.staging)
            due = {f"new_{name.removeprefix('stg_')}" for name in waiting}
            for check in context.selected_asset_check_keys:
                name = graph.names[check.asset_key]
                found = list(_judge_parsed(con, store, graph, name)) if name in due else []
                verdicts = lenient(found, run.settings.allow_stale)
                rows = sum(v.element_count for v in verdicts if v.expectation == "rows_are_accepted")
                judged.append(gate_result(check.asset_key, "staged", verdicts, {"rows": rows}))
        yield from _ended(judged, OF_BATCHES)

    return staged_gate


def _judge_parsed(
    con: duckdb.DuckDBPyConnection, store: Store, graph: ModelGraph, name: str
) -> Iterator[Verdict]:
    """Judge the rows of a parsed model, a bounded number at a time, and mark them as seen."""
    vendor, stream = graph.parsed[name]
    counts = con.execute(
        f'SELECT batch_id, count(*) FROM parse."{name}" GROUP BY batch_id ORDER BY batch_id'  # noqa: S608
    ).fetchall()
    progress.current.update(f"{name}: {sum(count for _, count in counts):,} rows")
    landed = {batch.batch_id: batch for batch in store.batches(stream=stream) if batch.vendor == vendor}
    for batch_id, count in counts:
        if count != landed[batch_id].rows:
            raise dg.Failure(
                f"{name}: batch {batch_id} landed {landed[batch_id].rows:,} rows, parsed are {count:,}: the"
                " file or the model lost some. Nothing is published; report it",
                allow_retries=False,
            )
    available = [row[0] for row in con.execute(f'DESCRIBE parse."{name}"').fetchall()]
    columns = ", ".join(f"{sql} AS {alias}" for alias, sql in staged_columns(name, available).items())
    for group in batch_groups(dict(counts)):
        rows = con.execute(
            f'SELECT {columns} FROM parse."{name}" WHERE batch_id IN (SELECT unnest(?))',  # noqa: S608
            [group],
        )
        report = judge_staged(store, name, _frame(rows))
        _keep_held_rows(con, store, group, report.faulty)
        for verdict in report.verdicts:
            # What is wrong with a waived batch is still said, but no longer blocks.
            is_waived = verdict.blocks and verdict.subject not in report.held
            yield replace(verdict, severity="warning") if is_waived else verdict
    control_tables.save_judged(con, name, vendor, stream)


def _keep_held_rows(
    con: duckdb.DuckDBPyConnection, store: Store, judged: Sequence[str], faulty: "pd.DataFrame"
) -> None:
    control_tables.save_held_rows(con, judged, [batch.batch_id for batch in store.held()], faulty)


def _marts_gate(graph: ModelGraph) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="marts_gate",
        specs=[
            gate_spec(
                graph.keys[name], "marts", "Candidates before publishing: ranges, keys, ratios, conservation."
            )
            for name in graph.marts
        ],
        can_subset=True,
        required_resource_keys={"run"},
    )
    def marts_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        run: Run = context.resources.run
        progress.current.phase("marts_gate", "judging the candidate marts", context.log.info)
        judged = sorted(graph.names[check.asset_key] for check in context.selected_asset_check_keys)
        # What holds for an earlier instant has fewer rows by right.
        published = None if run.is_scratch else current(run.home.published)
        with run.connect() as con, run.store() as store:
            # What is said of a stream or a batch stands on the mart that shows it.
            shown: dict[str, pd.DataFrame] = {}
            if STREAMS_MART in judged:
                shown = {
                    "conservation": _conservation(con, store),
                    "rejections": _rejections(con, run.settings.allow_stale),
                    "freshness": _freshness(con, run),
                }
            contracts = _contracts(con, graph, judged)
            subjects = control_tables.subjects(con, {name: _suite(each) for name, each in contracts.items()})
            kept = _kept(con, store, contracts, subjects)
            changed = {name: each for name, each in contracts.items() if name not in kept}
            report = judge_marts(
                store,
                run.build_id,
                run.as_of,
                _frames(con, changed),
                contracts,
                kept=kept,
                rows=_row_counts(con, judged),
                previous_rows=_previous_rows(con, run, published) if published else {},
                **shown,
            )
            control_tables.save_judged_marts(con, subjects, run.build_id)
            rejected = _rejected_rows(con, judged, report.verdicts)
        by_mart: dict[str, list[Verdict]] = {}
        for verdict in report.verdicts:
            name = verdict.subject if verdict.subject in graph.marts else STREAMS_MART
            by_mart.setdefault(name, []).append(verdict)
        results = []
        for name in judged:
            numbers = {"rows": report.build.mart_rows.get(name, 0)}
            rows = rejected if name == STREAMS_MART else ()
            results.append(gate_result(graph.keys[name], "marts", by_mart.get(name, []), numbers, rows))
        yield from _ended(results, OF_MARTS)

    return marts_gate


def _previous_rows(con: duckdb.DuckDBPyConnection, run: Run, published: Publication) -> dict[str, int]:
    """Rows by published mart; of sources that were forgotten since, none."""
    marts = published.manifest["marts"]
    forgotten = forgotten_since(run.home, datetime.fromisoformat(published.manifest["published_at"]))
    if not forgotten:
        return {name: mart["rows"] for name, mart in marts.items()}
    rows = {}
    for name, mart in marts.items():
        # Where no column tells the source, nobody knows how much was of it.
        if "source" in {column["name"] for column in mart["columns"]}:
            path = str(published.path / "marts" / f"{name}.parquet")
            found = con.execute(
                "SELECT count(*) FROM read_parquet($1) WHERE NOT list_contains($2::VARCHAR[], source)",
                [path, list(forgotten)],
            )
            rows[name] = found.fetchall()[0][0]
    return rows


def _contracts(
    con: duckdb.DuckDBPyConnection, graph: ModelGraph, names: Iterable[str]
) -> dict[str, Contract]:
    """What is declared of the marts, with the dimensions of the rule file that they were built by."""
    dimensions = [name for (name,) in con.execute("SELECT dimension FROM rules.dimensions").fetchall()]
    return {name: with_dimensions(graph.contracts[name], dimensions) for name in names}


def _suite(contract: Contract) -> str:
    """What is asked of a mart, and by which release."""
    return hashlib.sha256(f"{code_version()} {marts.suite(contract)!r}".encode()).hexdigest()[:32]


def _kept(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    contracts: Mapping[str, Contract],
    subjects: Mapping[str, control_tables.Subject],
) -> dict[str, list[Verdict]]:
    """What the build before was told of marts that hold the same rows and are asked the same."""
    kept = {}
    for name, build_id in control_tables.judged_before(con, subjects).items():
        asked = {expectation.name for expectation in marts.suite(contracts[name]).expectations}
        told = store.results(gate=marts.GATE, build_id=build_id, subject=name)
        found = [verdict for verdict in told if verdict.expectation in asked]
        if {verdict.expectation for verdict in found} == asked:
            kept[name] = found
    return kept


def _frames(
    con: duckdb.DuckDBPyConnection, contracts: Mapping[str, Contract]
) -> Iterator[tuple[str, "pd.DataFrame"]]:
    """The judged columns of each mart, one mart at a time."""
    for done, (name, contract) in enumerate(contracts.items(), start=1):
        started = time.monotonic()
        progress.current.update(name, done, len(contracts))
        available = [row[0] for row in con.execute(f'DESCRIBE marts."{name}"').fetchall()]
        columns = ", ".join(f'"{column}"' for column in mart_columns(contract, available)) or "1 AS row"
        frame = _frame(con.execute(f'SELECT {columns} FROM marts."{name}"'))  # noqa: S608
        yield name, frame
        spent = time.monotonic() - started
        line = f"judged {done} of {len(contracts)}: marts.{name}, {len(frame):,} rows, {spent:.1f} s"
        progress.current.tell(line)


def _frame(rows: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """By way of Arrow, so that texts do not become Python objects."""
    frame: pd.DataFrame = rows.to_arrow_table().to_pandas(date_as_object=False)
    return frame


def _row_counts(con: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> dict[str, int]:
    return {
        name: con.execute(f'SELECT count(*) FROM marts."{name}"').fetchall()[0][0]  # noqa: S608
        for name in marts
    }


def _conservation(con: duckdb.DuckDBPyConnection, store: Store) -> "pd.DataFrame":
    """What each stream gave against what staging holds of it.

    That is what passed, and what is staged of batches that no longer count (their file is gone, say).
    """
    import pandas as pd

    counts = ["received", "tombstones", "landed", "duplicates", "unchanged"]
    staged_ids = control_tables.applied(con)
    batches = [
        b for b in store.batches() if b.verdict in control_tables.MERGEABLE or b.batch_id in staged_ids
    ]
    landed = pd.DataFrame(
        [[b.source, b.stream, *(getattr(b, name) or 0 for name in counts)] for b in batches],
        columns=["source", "stream", *counts],
    )
    staged = con.execute(
        "SELECT source, stream, staged_rows AS staged, rejected_rows AS rejected,"
        " superseded_rows AS superseded FROM marts.publication"
    ).df()
    summed = landed.groupby(["source", "stream"], as_index=False)[counts].sum()
    return summed.merge(staged, on=["source", "stream"], how="left")


def _rejections(con: duckdb.DuckDBPyConnection, allow_stale: Collection[str]) -> "pd.DataFrame":
    """The batches of which rows were rejected, with how many."""
    return con.execute(
        "SELECT b.source, b.stream, b.batch_id, any_value(b.rows) AS rows, count(*) AS rejected,"
        " list_contains($1::VARCHAR[], b.source) AS is_stale_allowed"
        " FROM control.rejected_rows AS r INNER JOIN control.batches AS b ON b.batch_id = r.batch_id"
        " WHERE b.verdict IN ('passed', 'waived') GROUP BY b.source, b.stream, b.batch_id",
        [list(allow_stale)],
    ).df()


def _rejected_rows(
    con: duckdb.DuckDBPyConnection, judged: Sequence[str], verdicts: Sequence[Verdict]
) -> list[dict[str, str]]:
    """Some of the rows of which the verdicts say that they are rejected."""
    names = {expectation.name for expectation in marts.REJECTIONS.expectations}
    sources = {v.source for v in verdicts if not v.success and v.expectation in names}
    if not sources or "rejected_rows" not in judged:
        return []
    rows = control_tables.rejected_rows(con, sources, with_held=False, limit=MAX_ROWS)
    return [
        {"source": source, "stream": stream, "record_id": record_id or "", "reason": reason}
        for source, stream, _, record_id, reason, _ in rows
    ]


def _freshness(con: duckdb.DuckDBPyConnection, run: Run) -> "pd.DataFrame":
    """How old each stream's last successful fetch is, of the streams that have data."""
    import pandas as pd

    now = datetime.now(UTC)
    landed = set(run.landing.streams())
    rows = [
        {
            "source": s.source,
            "stream": s.stream,
            "age_seconds": (now - s.last_fetched_at).total_seconds() if s.last_fetched_at else None,
            "max_age_seconds": MAX_AGE.total_seconds(),
            "is_stale_allowed": s.source in run.settings.allow_stale,
        }
        for s in control_tables.status(con)
        if (s.source, s.stream) in landed
    ]
    columns = ["source", "stream", "age_seconds", "max_age_seconds", "is_stale_allowed"]
    return pd.DataFrame(rows, columns=columns).astype({"age_seconds": "float64"})


def _told(what: str) -> Callable[[int, int, str], None]:
    return lambda done, total, text: progress.current.update(text or what, done, total)
