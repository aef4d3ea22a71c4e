"""The publication in PostgreSQL as an asset, where CXMARTS_POSTGRES_URL is set."""

from typing import Any

import dagster as dg

from orchestration.assets import publish as files
from orchestration.ground import progress
from orchestration.publication import postgres, publish
from orchestration.warehouse.run import Run

KEY = dg.AssetKey(["published", "postgres"])


def postgres_assets() -> dg.AssetsDefinition:
    """After the files: PostgreSQL shows the same version. Where that fails, the files stay published."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=[files.KEY],
        kinds={"postgres"},
        description="The published marts in PostgreSQL: schema cxmarts, one transaction a version.",
        required_resource_keys={"run"},
    )
    def loaded(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        run: Run = context.resources.run
        found = None if run.is_scratch else publish.current(run.home.published)
        if found is None:
            return dg.MaterializeResult(metadata={"loaded": "nothing: `current` stayed as it is"})
        progress.current.phase("postgres", "loading what changed", context.log.info)
        try:
            done = postgres.load(found, run.settings, forget=run.home.erasing.exists())
        except postgres.LoadError as error:
            # Without its cause: a library's own words may hold what is secret.
            raise dg.Failure(str(error), allow_retries=False) from None
        if done.warning:
            progress.current.facts[files.DATABASE_PROBLEM] = done.warning
            context.log.warning(done.warning)
        return dg.MaterializeResult(
            metadata={
                "version": done.version,
                "loaded_marts": len(done.rows),
                "loaded_rows": sum(done.rows.values()),
                "unchanged_marts": len(found.manifest["marts"]) - len(done.rows),
            }
        )

    return loaded
