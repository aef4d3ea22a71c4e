"""The gates over a warehouse of the dbt tests, asked what a refresh asks them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import checks
from orchestration.assets.graph import ModelGraph
from quality.gates import judge_batches, judge_marts
from quality.store import Batch, Store
from quality.verdicts import Verdict
from tests import parsed

from .warehouse import Warehouse


@dataclass(frozen=True)
class Judged:
    """What the gates failed: batches held by the first two, and verdicts of the third."""

    held: list[Batch]
    marts: list[Verdict]

    @property
    def blocking(self) -> list[Verdict]:
        return [verdict for verdict in self.marts if verdict.blocks]


def judge(
    warehouse: Warehouse, as_of: str, folder: Path, previous: Mapping[str, int] | None = None
) -> Judged:
    """Judges a built warehouse; what is held is waived afterwards, as by a person who knows the rows.

    Args:
        warehouse: Built, all batches merged.
        as_of: The instant it was built for.
        folder: Where the verdicts are kept.
        previous: Rows by mart of the publication before.
    """
    graph = _graph()
    with Store(folder / "verdicts.sqlite") as store, duckdb.connect(str(warehouse.path)) as con:
        con.execute("set TimeZone = 'UTC'")
        held = judge_batches(store, warehouse.landing.batches()).held
        for name in graph.parsed:
            list(checks._judge_parsed(con, store, graph, name))
        held = list({batch.batch_id: batch for batch in [*held, *store.held()]}.values())
        if held:
            store.waive([batch.batch_id for batch in held], why="a test", by="a test")
        contracts = checks._contracts(con, graph, graph.marts)
        report = judge_marts(
            store,
            f"build-{warehouse.builds}",
            datetime.fromisoformat(as_of),
            checks._frames(con, contracts),
            contracts,
            rows=checks._row_counts(con, graph.marts),
            previous_rows=previous,
            conservation=checks._conservation(con, store),
            rejections=checks._rejections(con, []),
        )
    return Judged(held, [verdict for verdict in report.verdicts if not verdict.success])


@functools.cache
def _graph() -> ModelGraph:
    return ModelGraph(json.loads((parsed.project().folder / "target" / "manifest.json").read_text()))
