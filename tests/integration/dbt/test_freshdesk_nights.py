"""Freshdesk over nights: built one after the other as from nothing, and what nights tell that one fetch does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.extract import fetch
from ingestion.sources import freshdesk
from sandbox.server import Sandbox

from .test_incremental import rows_that_differ
from .warehouse import Warehouse

START = datetime(2026, 11, 17, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Warehouse]:
    """Three nights built one after the other, and the same landing built at once."""
    nightly = Warehouse(tmp_path_factory.mktemp("nightly"), time_zone="America/New_York")
    with Sandbox(tickets=300, seed=11, now=START, profile="clean") as sandbox:
        env = sandbox.env("freshdesk")
        source = freshdesk.source("freshdesk", env["FRESHDESK_URL"], api_key=env["FRESHDESK_API_KEY"])
        for night in range(3):
            if night:
                sandbox.advance(days=2)
            assert [each.error for each in fetch([source], nightly.landing).streams if each.error] == []
            nightly.build((START + timedelta(days=2 * night)).isoformat())
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"), time_zone="America/New_York")
    at_once.landing = nightly.landing
    at_once.build((START + timedelta(days=4)).isoformat())
    return nightly, at_once


def test_nightly_builds_equal_one_full_build(nights: tuple[Warehouse, Warehouse]) -> None:
    nightly, at_once = nights
    assert rows_that_differ(Path(nightly.path), Path(at_once.path)) == {}


def test_versions_tell_a_history(nights: tuple[Warehouse, Warehouse]) -> None:
    """Who took a ticket between two fetches did so by the later one, nobody knows when; others have the newest value."""
    warehouse, _ = nights
    [(tickets, moved)] = warehouse.query(
        "select count(distinct ticket_id), count(distinct case when has_assignee_history then ticket_id end) from marts.ticket_states"
    )
    assert 0 < moved < tickets
    assert warehouse.query(
        "select count(group_hops), count(assignee_hops), count(first_assigned_at) from marts.tickets"
    ) == [(0, 0, 0)]
