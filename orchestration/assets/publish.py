"""Publishing as an asset. It trusts no step before it: it verifies the candidates itself."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.errors import ExpectedError
from orchestration.assets.graph import ModelGraph
from orchestration.ground import progress
from orchestration.ground.alerts import Alerts
from orchestration.ground.release import code_version
from orchestration.publication import publish
from orchestration.publication.marts_file import Description, PublishError
from orchestration.report import dictionary, page
from orchestration.resources import MARTS_TAG, VERSION_TAG
from orchestration.warehouse import control_tables
from orchestration.warehouse.contracts import contracts
from orchestration.warehouse.dbt import is_built
from orchestration.warehouse.run import Run

KEY = dg.AssetKey(["published", "publication"])
#: The fact of a run that says what is wrong with its report, or the telling of it.
REPORT_PROBLEM = "report_problem"
#: The one that says what is to be done in PostgreSQL, though it stopped nothing.
DATABASE_PROBLEM = "database_problem"


def publish_assets(graph: ModelGraph) -> dg.AssetsDefinition:
    """The last step: a new version of the marts and the switch to it."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=[spec.key for spec in graph.in_schemas("marts", "restricted")],
        kinds={"duckdb", "parquet"},
        description=(
            "The version of the marts that readers see: Parquet, one DuckDB file, a manifest and the report."
        ),
        required_resource_keys={"run"},
    )
    def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        run: Run = context.resources.run
        progress.current.phase("publish", "verifying and writing a new version", context.log.info)
        try:
            before = publish.current(run.home.published)
            found = publish_build(run, graph.marts, graph.restricted, context.run_id)
        except PublishError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        tags = {VERSION_TAG: found.version, MARTS_TAG: _changed(found, before)}
        context.instance.add_run_tags(context.run_id, tags)
        rows = {name: mart["rows"] for name, mart in found.manifest["marts"].items()}
        report = page.path(found.path)
        progress.current.facts |= {
            "published": found.is_current,
            "version": found.version,
            "as_of": run.as_of.isoformat(),
            "path": str(found.path),
            "report": str(report),
            "rows": rows,
        }
        if problem := progress.current.facts.get(REPORT_PROBLEM) or _tell(run, found):
            progress.current.facts[REPORT_PROBLEM] = problem
            context.log.warning(problem)
        return dg.MaterializeResult(
            metadata={
                "version": found.version,
                "as_of": dg.MetadataValue.timestamp(run.as_of),
                "is_current": found.is_current,
                "path": dg.MetadataValue.path(str(found.path)),
                "report": dg.MetadataValue.url(page.address(found.version)),
                "report_file": dg.MetadataValue.path(str(report)),
                "rows": sum(rows.values()),
                "marts": dg.MetadataValue.md(
                    "| mart | rows |\n|---|---|\n" + "\n".join(f"| {k} | {v:,} |" for k, v in rows.items())
                ),
            }
        )

    return publication


def _changed(found: publish.Publication, before: publish.Publication | None) -> str:
    """How many marts differ from the version before."""
    marts, former = found.manifest["marts"], before.manifest["marts"] if before else {}
    hashes = {name: mart["content_hash"] for name, mart in former.items()}
    differing = [name for name, mart in marts.items() if mart["content_hash"] != hashes.get(name)]
    return f"{len(differing)} of {len(marts)}"


def _tell(run: Run, found: publish.Publication) -> str | None:
    """Tell the webhook what the report says; why it could not be told."""
    if not (found.is_current and run.settings.webhook_url and run.settings.is_brief_sent):
        return None
    try:
        Alerts(run.home.alerts, run.settings).published(
            page.path(found.path).with_name(page.BRIEF).read_text()
        )
    except (ExpectedError, OSError) as error:
        return f"the report's five lines were not sent: {error}"
    return None


def publish_build(run: Run, marts: list[str], restricted: list[str], run_id: str) -> publish.Publication:
    """Verify this run's build and publish it: `restricted` apart, and only if the settings say so.

    Raises:
        PublishError: a mart is not of this build, the build did not pass its gate, or a batch is held of, or
            stale is, a source that may not lag. The current publication is untouched.
    """
    allowed = run.settings.allow_stale
    with run.store() as store:
        held = store.held()
        build = store.build(run.build_id)
        results = store.results(build_id=run.build_id)
    if blocking := [batch for batch in held if batch.source not in allowed]:
        named = ", ".join(f"{b.source}/{b.stream} {b.batch_id} ({b.reason})" for b in blocking[:5])
        raise PublishError(
            f"{len(blocking)} batches are held: {named}; see `cxmarts batches`, or name the source in"
            " CXMARTS_ALLOW_STALE to publish without them"
        )
    if build is None or not build.passed:
        raise PublishError(
            "the candidate marts have no passing verdict of this build: run the whole job `nightly`"
        )
    with run.connect() as con:
        status = control_tables.status(con)
        builds = control_tables.builds(con)
        compared_with = control_tables.compared_with(con)
        views = control_tables.published_sql(con)
    run.release()
    built = [*marts, *restricted, *(name for name in views if name in builds)]
    _verify_builds(run, built, builds, build.judged_at)
    _verify_sources(run, status)
    lagging = {(batch.source, batch.stream) for batch in held}
    made_of = run.mart_fingerprints()
    keys = contracts(run.project.manifest)
    facts = {
        "as_of": run.as_of.isoformat(),
        "time_zone": run.settings.timezone,
        "run_id": run_id,
        "build_id": run.build_id,
        "code_version": code_version(),
        # By mart, what tells its rows apart: the indexes of a database.
        "keys": {name: keys[name].key for name in marts},
        "fingerprints": {name: made_of[name] for name in marts},
        "sources": [
            {
                "source": s.source,
                "stream": s.stream,
                "is_stale": s.is_stale or (s.source, s.stream) in lagging,
                "last_fetched_at": s.last_fetched_at.isoformat() if s.last_fetched_at else None,
            }
            for s in status
        ],
        "held_batches": [batch.batch_id for batch in held],
        "gate_results": [
            {"subject": v.subject, "expectation": v.expectation, "severity": v.severity, "outcome": v.outcome}
            | ({"message": v.message} if not v.success else {})
            for v in results
        ],
    }

    def as_judged(rows: Mapping[str, int]) -> None:
        if differing := [name for name, count in rows.items() if build.mart_rows.get(name) != count]:
            raise PublishError(f"mart {differing[0]} changed after its gate: run the whole job `nightly`")
        # The journal of restatements goes on from the version that readers see.
        found = publish.current(run.home.published)
        if compared_with != (found.version if found else None):
            raise PublishError("the marts were compared with another version: run the whole job `nightly`")

    is_fresh = run.home.erasing.exists()

    def report(version: Path, manifest: Mapping[str, Any], previous: publish.Publication | None) -> None:
        # After an erasure nothing goes on from the version before.
        before = previous.path if previous and not is_fresh else None
        declared = contracts(run.project.manifest)
        language = run.settings.language
        problems = [
            page.write(version, manifest, before, marts=declared, language=language),
            dictionary.write(version, manifest, before, project=run.project.manifest, language=language),
        ]
        if told := "; ".join(filter(None, problems)):
            progress.current.facts[REPORT_PROBLEM] = told

    now, keep, switch = datetime.now(UTC), run.settings.keep_versions, not run.is_scratch
    described = descriptions(run.project.manifest)
    done = publish.publish(
        run.warehouse,
        run.home.published,
        marts,
        facts,
        keep=keep,
        views=views,
        descriptions=described,
        is_fresh=is_fresh,
        switch=switch,
        check=as_judged,
        add=report,
        now=now,
    )
    if run.settings.is_restricted:
        publish.publish(
            run.warehouse,
            run.home.published_restricted,
            restricted,
            facts,
            keep=keep,
            descriptions=described,
            schema="restricted",
            is_private=True,
            switch=switch,
            now=now,
        )
    elif switch:
        shutil.rmtree(run.home.published_restricted, ignore_errors=True)
    return done


def descriptions(manifest: Mapping[str, Any]) -> dict[str, Description]:
    """What the project says of each model and seed, by name."""
    return {
        node["name"]: Description(
            node["description"], {name: column["description"] for name, column in node["columns"].items()}
        )
        for node in manifest["nodes"].values()
        if is_built(node)
    }


def _verify_builds(
    run: Run, marts: list[str], builds: Mapping[str, tuple[str, datetime]], judged_at: datetime
) -> None:
    for name in marts:
        build_id, built_at = builds.get(name, (None, None))
        if build_id != run.build_id or built_at is None:
            raise PublishError(f"mart {name} was not built by this run: run the whole job `nightly`")
        if built_at > judged_at:
            raise PublishError(f"mart {name} was built again after its gate: run the whole job `nightly`")


def _verify_sources(run: Run, status: list[control_tables.StreamStatus]) -> None:
    fetched = {(s.source, s.stream) for s in status if s.build_id == run.build_id and not s.is_stale}
    allowed = run.settings.allow_stale
    stale = sorted(
        f"{source}/{stream}"
        for source, stream in run.landing.streams()
        if (source, stream) not in fetched and source not in allowed
    )
    if stale:
        raise PublishError(
            f"not fetched by this run: {', '.join(stale[:5])}; run the whole job `nightly`,"
            " or name the source in CXMARTS_ALLOW_STALE"
        )
