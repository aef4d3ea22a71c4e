"""A handful of the campaigns in bench/: killed refreshes, vendors that misbehave, hostile records."""

from pathlib import Path

import pytest

from bench import crash, faults
from sandbox.server import Sandbox

COMPANY = 7, 120  # the seed and the size of `tests.homes.small_company`


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vendor_that_misbehaves_costs_nothing(seed: int, tmp_path: Path) -> None:
    figures = faults.Figures()
    faults.ingestion(seed, 80, tmp_path, figures)
    assert figures.losses == []
    assert len(figures.seeds) == 1


def test_a_loss_is_seen(tmp_path: Path) -> None:
    """A record less, and one that is older."""
    with Sandbox(tickets=80, seed=1, now=crash.SEEN, days=60) as sandbox:
        faults.fetched(sandbox, tmp_path, 100)
    truth, ours = crash.newest(tmp_path), crash.newest(tmp_path)
    ours["zendesk/tickets"].popitem()
    some = next(iter(ours["zendesk/users"]))
    ours["zendesk/users"][some] = (b"{}", False)
    assert [text.partition(",")[0] for text in crash.landed_otherwise(truth, ours)] == [
        "zendesk/tickets: 1 records differ",
        "zendesk/users: 1 records differ",
    ]


@pytest.mark.campaign
def test_refreshes_killed_at_random_instants_lose_nothing(tmp_path: Path) -> None:
    seed, tickets = COMPANY
    figures = crash.campaign(kills=2, seed=seed, tickets=tickets, work=tmp_path)
    assert figures.losses == []
    assert (figures.killed, figures.comparisons) == (2, 2)
    landed = crash.newest(tmp_path / "undisturbed" / "home" / "landing")
    assert landed["freshdesk/conversations"] and landed["zendesk/ticket_events"]


@pytest.mark.campaign
def test_hostile_records_cost_no_other(first: Path, tmp_path: Path) -> None:
    figures = faults.Figures()
    truth = first / ".cxmarts" / "published" / "current" / "marts.duckdb"
    faults.hostile(*COMPANY, tmp_path, figures, truth)
    assert figures.losses == []
    assert len(figures.seeds) == 2
