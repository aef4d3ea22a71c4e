"""Part of the installation, `python -m orchestration.commands.install`: what no home need find out by itself.

The project is parsed, and built once over empty streams: so its templates are compiled, and columns of its
models and what they are made from are known, before the first refresh.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing_format import SCHEMA
from orchestration.assets import columns
from orchestration.assets.graph import ModelGraph
from orchestration.ground.home import Home
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import PACKAGED, DbtError, Project, RunParameters


def main() -> None:
    """Leave the parsed project and what goes with it in the packaged project.

    Raises:
        DbtError: it does not parse, or a model cannot be built of nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).create()
        project = Project(home).prepare()
        _build(home, project)
        project.keep(PACKAGED / "target" / "parsed")


def _build(home: Home, project: Project) -> None:
    graph = ModelGraph(project.manifest)
    empty = home.landing / "empty.parquet"
    pq.write_table(pa.Table.from_pylist([], SCHEMA), empty)
    streams = [
        control_tables.BatchRow(vendor, vendor, stream, f"{vendor}_{stream}", str(empty), 0, "passed")
        for vendor, stream in graph.parsed.values()
    ]
    with control_tables.connect(home.warehouse) as con:
        control_tables.register_batches(con, streams)
    parameters = RunParameters(
        warehouse=home.warehouse,
        landing=home.landing,
        as_of=datetime(2000, 1, 1, tzinfo=UTC),
        build_id="installation",
        timezone="UTC",
        memory_limit="1GB",
    )
    failed = [each for each in project.build(graph.order, parameters, closes_build=True) if each.is_failed]
    if failed:
        raise DbtError(f"{failed[0].name}: {failed[0].message}")
    with control_tables.connect(home.warehouse) as con:
        columns.read_built(graph, project, graph.order, control_tables.columns(con))


if __name__ == "__main__":
    main()
