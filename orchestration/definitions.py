"""The code location: everything that Dagster shows and runs, from the settings of the working folder."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from orchestration.assets import columns
from orchestration.assets.consumers import consumers
from orchestration.assets.graph import ModelGraph
from orchestration.assets.landing import landing_assets
from orchestration.assets.models import model_assets, parse_assets
from orchestration.assets.publish import KEY, publish_assets
from orchestration.checks import MAX_AGE, gate_checks
from orchestration.ground.home import Home
from orchestration.ground.process import prepare_process
from orchestration.ground.settings import Settings, load
from orchestration.jobs import nightly
from orchestration.resources import run_resource
from orchestration.schedules import nightly_schedule
from orchestration.sensors import alert_sensors, follow_up_sensor
from orchestration.warehouse.dbt import Project
from orchestration.ways_out import ways_out

LATE = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=MAX_AGE)


def build_definitions(settings: Settings, *, is_locked: bool = False) -> dg.Definitions:
    """All definitions for these settings; parses the dbt project if it changed.

    Args:
        settings: the settings.
        is_locked: the writer's lock is held for the runs to come; otherwise each takes it.
    """
    home = Home(settings.home).create()
    project = Project(home, settings.rules).prepare()
    graph = ModelGraph(project.manifest)
    assets = [
        landing_assets(project.manifest),
        parse_assets(graph),
        model_assets(graph),
        publish_assets(graph),
    ]
    if settings.postgres_url:
        # Its driver takes a while to load.
        from orchestration.assets.postgres import postgres_assets

        assets.append(postgres_assets())
    shown = columns.shown(graph, project)
    owners = [settings.owner] if settings.owner else []

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        owned = spec if spec.owners else spec.replace_attributes(owners=owners)
        return _with_freshness(owned).merge_attributes(metadata=shown.get(spec.key, {}))

    return dg.Definitions(
        assets=[
            *(asset.map_asset_specs(described) for asset in assets),
            *(described(spec) for spec in consumers(graph)),
        ],
        asset_checks=gate_checks(graph),
        jobs=[nightly, *ways_out(settings, home)],
        schedules=[nightly_schedule(settings)],
        sensors=[*alert_sensors(settings, home), follow_up_sensor(settings, home)],
        resources={"run": run_resource(settings, home, project, is_locked=is_locked)},
        executor=dg.in_process_executor,
    )


def _with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """What people read must be of today: the marts and their publication."""
    is_read = spec.key == KEY or spec.key.path[0] == "marts"
    return spec.replace_attributes(freshness_policy=LATE) if is_read else spec


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the working folder's settings."""
    settings = load()
    prepare_process(settings, Home(settings.home))
    return build_definitions(settings)
