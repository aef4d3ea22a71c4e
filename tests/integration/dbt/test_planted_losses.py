"""A dozen of the planted losses (bench/losses.py), drawn by seed: the streams' agreement names each; a clean company raises nothing.

Each company is an account of its own in one warehouse, so that a dozen cost one build.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.losses import LOSSES, Loss, Named, plant
from ingestion.extract import fetch
from ingestion.sources import typeform, zendesk
from sandbox.real.company import RealCompany
from sandbox.server import PROFILES, Sandbox
from tests.parsed import ROOT

from .warehouse import Warehouse

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
SEED, DOZEN, TICKETS = 9, 12, 400
#: Made good, or in so small a company no loss: it has one page of tickets.
ELSEWHERE = {
    "scope_ai_agent", "capped_tickets", "capped_responses", "stalled_responses", "role_customers_promoted", "comments_of_a_new_type",
}  # fmt: skip
CANDIDATES = [loss for loss in LOSSES if isinstance(loss.must, Named) and loss.name not in ELSEWHERE]
DRAWN = random.Random(SEED).sample(CANDIDATES, DOZEN)
NAMES = ("comments_short", "null_rating", "role_one_agent_leaves", "role_all_agents_deleted")
MADE_GOOD = [loss for loss in LOSSES if loss.name in NAMES]


def land(warehouse: Warehouse, sandbox: Sandbox, name: str) -> None:
    """Fetch all of a running sandbox as an account of this name."""
    env = sandbox.env()
    login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
    sources = [
        zendesk.source(name, env["ZENDESK_URL"], **login),
        typeform.source(f"{name}_forms", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
    ]
    result = fetch(sources, warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []


def built(folder: Path, tickets: int, losses: Iterable[Loss]) -> Warehouse:
    """A warehouse of accounts: one as it is, and one for each loss."""
    warehouse = Warehouse(folder, time_zone="America/New_York")
    with Sandbox(company=RealCompany(7, tickets, NOW)) as sandbox:
        land(warehouse, sandbox, "clean")
        for loss in losses:
            plant(loss, sandbox)
            land(warehouse, sandbox, loss.name)
            sandbox.faults.clear()
    warehouse.build(NOW.isoformat(), select=["+stream_agreement"])
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built(tmp_path_factory.mktemp("losses"), TICKETS, [*DRAWN, *MADE_GOOD])


def named(warehouse: Warehouse, account: str) -> set[tuple[str, str]]:
    """The KPIs that are said to be incomplete, with the channel."""
    found = warehouse.query(
        "select channel, unnest(string_split(kpis, ', ')) from marts.stream_agreement"
        f" where not is_agreed and source in ('{account}', '{account}_forms')"
    )
    return {(kpi, channel) for channel, kpi in found}


def test_a_clean_company_raises_nothing(warehouse: Warehouse) -> None:
    assert named(warehouse, "clean") == set()
    checked = warehouse.query(
        "select count(distinct rule) from marts.stream_agreement where source like 'clean%'"
    )
    assert checked[0][0] > 25


def unnamed(warehouse: Warehouse, loss: Loss) -> set[str]:
    """The KPIs that a loss should name and does not."""
    assert isinstance(loss.must, Named)
    channels = (*loss.must.channels, "all")
    found = named(warehouse, loss.name)
    return set(loss.must.kpis) - {
        kpi for kpi, channel in found if not loss.must.channels or channel in channels
    }


@pytest.mark.parametrize("loss", DRAWN, ids=lambda loss: loss.name)
def test_a_loss_is_named_by_source_channel_and_kpi(warehouse: Warehouse, loss: Loss) -> None:
    assert unnamed(warehouse, loss) == set()


@pytest.mark.campaign
def test_every_loss_is_named_in_a_larger_company(tmp_path: Path) -> None:
    losses = [*CANDIDATES, *(loss for loss in LOSSES if loss.name == "capped_tickets")]
    warehouse = built(tmp_path / "losses", 1100, losses)
    assert {loss.name: unnamed(warehouse, loss) for loss in losses} == {loss.name: set() for loss in losses}
    assert named(warehouse, "clean") == set()


@pytest.mark.campaign
def test_companies_that_lost_nothing_raise_nothing(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "companies", time_zone="America/New_York")
    for seed in range(1, 9):
        days, tickets = (60, 200, 365)[seed % 3], (120, 300, 900, 2000)[seed % 4]
        for profile in PROFILES:
            with Sandbox(tickets=tickets, seed=seed, now=NOW, days=days, profile=profile) as sandbox:
                land(warehouse, sandbox, f"{profile}{seed}")
    warehouse.build(NOW.isoformat(), select=["+stream_agreement"])
    assert warehouse.query("select * from marts.stream_agreement where not is_agreed") == []
    assert warehouse.query("select count(distinct source) from marts.stream_agreement") == [(32,)]


@pytest.mark.parametrize("loss", [loss.name for loss in MADE_GOOD])
def test_a_loss_that_is_made_good_changes_neither_comments_nor_answers(
    warehouse: Warehouse, loss: str
) -> None:
    """Who said what in public; what a side-load, a role or a ticket does not tell, others do."""

    # A mark does not say in whose name a comment was written.
    comments = "ticket_id, is_public" if loss == "comments_short" else "ticket_id, is_public, actor_role"

    def told(source: str) -> list[list[tuple[int, ...]]]:
        query = f"select {{}}, count(*) from core.{{}} where source = '{source}' group by all order by all"
        return [
            warehouse.query(query.format(comments, "int_ticket_events")),
            warehouse.query(query.format("ticket_id, score, reason", "int_answers")),
        ]

    assert told(loss) == told("clean")
    assert {kpi for kpi, _ in named(warehouse, loss)} == (
        {"follow_up", "customer_turns"} if loss == "comments_short" else set()
    )


def test_what_is_named_is_a_kpi() -> None:
    seeds = ROOT / "dbt_project" / "seeds"
    with (
        (seeds / "kpi_definitions.csv").open() as definitions,
        (seeds / "stream_checks.csv").open() as checks,
    ):
        known = {row["kpi"] for row in csv.DictReader(definitions)}
        assert {kpi for row in csv.DictReader(checks) for kpi in row["kpis"].split(", ")} <= known
