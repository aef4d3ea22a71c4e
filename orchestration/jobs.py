"""The nightly refresh: every asset and every gate, in one process, step after step."""

from __future__ import annotations

import dagster as dg

NIGHTLY = "nightly"
#: What Dagster calls the code location; workspace.yaml and pyproject.toml name it too.
LOCATION = "cxmarts"

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    description="Fetch, judge, build, judge, publish. Nothing is published unless every gate passes.",
    executor_def=dg.in_process_executor,
)
