"""What becomes of the planted losses: made good, named or silent. `python -m bench.planted`.

One company is fetched, built and judged as it is, then once more for each loss (`bench/losses.py`), planted
alone. What differs in the KPI tables is what the loss touched; what the streams' agreement says is what was
named. `--nights 2` plants each after a first night that went well. Exit code 1 where a loss is silent that
should not be, or where the company without any loss raises something.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.losses import LOSSES, STALLED_DAYS, Loss, Named, NotDetectable, plant
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import VENDORS
from orchestration.assets.graph import ModelGraph
from quality.contracts import Contract
from sandbox.real.company import RealCompany
from sandbox.server import Sandbox
from tests.integration.dbt.gates import judge
from tests.integration.dbt.warehouse import Warehouse
from tests.parsed import project

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
ZONE = "America/New_York"
#: The vendor's own numbers come in whole minutes.
MINUTE = 60.0
VERDICTS = MADE_GOOD, NAMED, STOPPED, PARTLY, SILENT = (
    "made good", "named", "refused to publish", "named in part", "silent",
)  # fmt: skip

#: A KPI of a channel; None for all channels.
Place = tuple[str, str | None]


@dataclass(frozen=True)
class Outcome:
    """What became of a loss.

    Args:
        loss: that was planted.
        verdict: made good, named, partly named, refused to publish or silent.
        touched: the KPIs with other numbers than without the loss.
        named: the KPIs that are said to be incomplete.
        warned: what the gates said more than without the loss.
    """

    loss: Loss
    verdict: str
    touched: frozenset[Place] = frozenset()
    named: frozenset[Place] = frozenset()
    warned: tuple[str, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether nothing can show it."""
        return isinstance(self.loss.must, NotDetectable)

    @property
    def is_right(self) -> bool:
        """Whether what must happen happened."""
        return self.is_hidden or self.verdict in (MADE_GOOD, NAMED, STOPPED)


@dataclass
class Campaign:
    """One company, and what it says of itself without a loss.

    Args:
        folder: an empty folder.
        tickets: the company's size.
        seed: of the company.
        nights: 2 to plant after a first night without a loss.
        asks_gates: whether to judge each night by the gates as well, which say the same in other words.
    """

    folder: Path
    tickets: int = 1100
    seed: int = 7
    nights: int = 1
    asks_gates: bool = False
    sandbox: Sandbox = field(init=False)
    before: Warehouse | None = field(init=False, default=None)
    clean: Warehouse = field(init=False)
    raised: list[str] = field(init=False)

    def __enter__(self) -> Campaign:
        days = timedelta(days=STALLED_DAYS)
        self.sandbox = Sandbox(company=RealCompany(self.seed, self.tickets, NOW - days))
        self.sandbox.__enter__()
        if self.nights == 2:
            before = self._warehouse("before")
            self._fetch(before)
            before.build((NOW - days).isoformat())
            self.before = before
        self.sandbox.advance(days=STALLED_DAYS)
        self.clean, _, self.raised = self._night("clean")
        return self

    def __exit__(self, *error: object) -> None:
        self.sandbox.__exit__(*error)

    def run(self, loss: Loss) -> Outcome:
        """Plant a loss, and see what becomes of it."""
        plant(loss, self.sandbox)
        try:
            warehouse, problem, said = self._night(loss.name)
        finally:
            self.sandbox.faults.clear()
        warned = tuple(text for text in said if text not in self.raised)
        if problem:
            return Outcome(loss, STOPPED, warned=(problem,))
        touched = frozenset(differing(self.clean.path, warehouse.path))
        named = frozenset(incomplete(warehouse)) - frozenset(incomplete(self.clean))
        shutil.rmtree(self.folder / loss.name)
        return Outcome(loss, _verdict(loss, touched, named), touched, named, warned)

    def _night(self, name: str) -> tuple[Warehouse, str, list[str]]:
        """A warehouse after the night, what stopped the fetch, and what the gates said."""
        warehouse = self._warehouse(name)
        problem = self._fetch(warehouse)
        if problem:
            return warehouse, problem, []
        warehouse.build(NOW.isoformat())
        if not self.asks_gates and name != "clean":
            return warehouse, "", []
        judged = judge(warehouse, NOW.isoformat(), self.folder / name)
        said = [f"{batch.source}/{batch.stream} is held: {batch.reason}" for batch in judged.held]
        return warehouse, "", [*said, *(f"{v.subject}: {v.expectation}: {v.finding}" for v in judged.marts)]

    def _warehouse(self, name: str) -> Warehouse:
        folder = self.folder / name
        if self.before is None:
            return Warehouse(folder, time_zone=ZONE)
        warehouse = self.before.copy(folder)
        shutil.copytree(self.before.landing.root, folder / "landing")
        warehouse.landing = Landing(folder / "landing")
        return warehouse

    def _fetch(self, warehouse: Warehouse) -> str:
        env = self.sandbox.env()
        login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
        sources = [
            VENDORS["zendesk"].source("zendesk", env["ZENDESK_URL"], **login),
            VENDORS["typeform"].source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
        ]
        result = fetch(sources, warehouse.landing)
        return "; ".join(f"{e.source}/{e.stream}: {e.error}" for e in result.streams if e.error)


def _verdict(loss: Loss, touched: frozenset[Place], named: frozenset[Place]) -> str:
    """Named are the KPIs that must be, in their channels; where none must be, those with other numbers."""
    must = loss.must if isinstance(loss.must, Named) else Named(tuple(kpi for kpi, _ in touched))
    if not touched:
        return MADE_GOOD
    wanted: set[Place] = {(kpi, channel) for kpi in must.kpis for channel in must.channels or (None,)}
    known = {*named, *((kpi, None) for kpi, _ in named if not must.channels)}
    silent = {(kpi, channel) for kpi, channel in wanted if not {(kpi, channel), (kpi, None)} & known}
    return NAMED if not silent else PARTLY if silent < wanted else SILENT


def incomplete(warehouse: Warehouse) -> Iterator[Place]:
    """The KPIs that a warehouse itself says to be incomplete: streams disagree, or numbers are missing."""
    query = (
        "SELECT kpis, channel FROM marts.stream_agreement WHERE NOT is_agreed"
        " UNION ALL SELECT kpis, channel FROM marts.completeness_summary WHERE gap IS NOT NULL"
    )
    for kpis, channel in warehouse.query(query):
        for kpi in kpis.split(", "):
            yield kpi, None if channel == "all" else channel


def differing(clean: Path, other: Path) -> Iterator[Place]:
    """The KPIs whose numbers differ between two warehouses by more than the vendor's whole minutes."""
    with duckdb.connect(str(other), read_only=True) as con:
        con.execute(f"ATTACH '{clean}' AS clean (READ_ONLY)")
        for name, contract in _contracts().items():
            numbers = [
                column
                for column, kind in contract.types.items()
                if kind in ("bigint", "double") and column not in {*contract.key, "n_assumed", "n_vendor"}
            ]
            differs = " OR ".join(
                f"a.{c} IS DISTINCT FROM b.{c} AND NOT coalesce(abs(a.{c} - b.{c}) <= {_least(c)}, false)"
                for c in numbers
            )
            same = " AND ".join(f"a.{c} IS NOT DISTINCT FROM b.{c}" for c in contract.key)
            keys = ", ".join(f"coalesce(a.{c}, b.{c}) AS {c}" for c in contract.key)
            rows = con.execute(
                f"SELECT DISTINCT {keys} FROM clean.marts.{name} AS a FULL JOIN marts.{name} AS b"
                f" ON {same} WHERE {differs}"
            )
            for row in rows.fetchall():
                cell = dict(zip(contract.key, row, strict=True))
                is_of_channel = cell.get("dimension") == "channel"
                yield _definition(contract.card, cell), cell["member"] if is_of_channel else None


def _least(column: str) -> float:
    """What is no difference."""
    return MINUTE if "seconds" in column else 1e-9


@functools.cache
def _contracts() -> dict[str, Contract]:
    """What is declared of the KPI tables but those that are made of others."""
    manifest = json.loads((project().folder / "target" / "manifest.json").read_text())
    contracts = ModelGraph(manifest).contracts
    return {name: each for name, each in contracts.items() if "definition" in each.card}


def _definition(card: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    told = card["definition"]
    if isinstance(told, str):
        return told.format(**cell)
    [(column, names)] = told.items()
    return str(names[cell[column]])


def main() -> int:
    """The campaign and its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=[loss.name for loss in LOSSES], metavar="NAME")
    parser.add_argument("--tickets", type=int, default=1100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--nights", type=int, choices=(1, 2), default=1)
    parser.add_argument("--verbose", action="store_true", help="tell what was touched, named and said")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    losses = [loss for loss in LOSSES if not options.only or loss.name in options.only]
    with (
        tempfile.TemporaryDirectory() as work,
        Campaign(Path(work), options.tickets, options.seed, options.nights, options.verbose) as campaign,
    ):
        unexpected = sorted(incomplete(campaign.clean), key=str)
        print(f"without a loss: {len(unexpected)} KPIs named, {len(campaign.raised)} said by the gates")
        for text in [*map(str, unexpected), *campaign.raised]:
            print(f"  {text}")
        outcomes = []
        for loss in losses:
            outcomes.append(campaign.run(loss))
            tell(outcomes[-1], options.verbose)
    counts = Counter(outcome.verdict for outcome in outcomes if not outcome.is_hidden)
    hidden = sum(outcome.is_hidden for outcome in outcomes)
    figures = ", ".join(f"{counts[name]} {name}" for name in VERDICTS)
    print(f"\n{len(outcomes)} losses: {figures}, {hidden} not detectable")
    return 0 if all(outcome.is_right for outcome in outcomes) and not unexpected else 1


def tell(outcome: Outcome, is_verbose: bool) -> None:
    """One line per loss."""
    must = outcome.loss.must
    wanted = f"; to be named: {', '.join(must.kpis)}" if isinstance(must, Named) else ""
    print(f"{outcome.loss.name:26} {outcome.verdict:18} {len(outcome.touched)} touched{wanted}", flush=True)
    if is_verbose:
        print(f"  touched: {_listed(outcome.touched)}\n  named: {_listed(outcome.named)}")
        for text in outcome.warned:
            print(f"  said: {text}", flush=True)


def _listed(places: Iterable[Place]) -> str:
    """KPIs, each with its channels."""
    by_kpi: dict[str, set[str]] = defaultdict(set)
    for kpi, channel in places:
        by_kpi[kpi] |= {channel} if channel else set()
    told = (f"{kpi} ({' '.join(sorted(c))})" if c else kpi for kpi, c in sorted(by_kpi.items()))
    return ", ".join(told) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
