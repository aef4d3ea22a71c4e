"""Records that are not what the vendor promises, served over HTTP to whole refreshes: told, held, mended."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.extract import refetch
from ingestion.landing import Landing
from orchestration import publish
from orchestration.home import Home
from orchestration.refresh import refresh
from orchestration.run import sources
from orchestration.settings import Settings, load
from sandbox.server import Sandbox
from tests.trees import tree

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A company of its own: its clock is moved."""
    with Sandbox(tickets=100, now=NOW, days=45) as served:
        yield served


def set_to(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda record: record.__setitem__(field, value)


def once(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """Spoil the first record only."""
    left = [change]
    return lambda record: left.pop()(record) if left else None


def read_again(settings: Settings, *streams: str) -> None:
    """What the messages say to do: `cxmarts refetch zendesk/<stream>`."""
    [zendesk] = [source for source in sources(settings) if source.name == "zendesk"]
    for stream in streams:
        refetch(Landing(Home(settings.home).landing), zendesk, stream)


def test_bad_records_are_told_and_held_until_the_vendor_is_mended(sandbox: Sandbox, tmp_path: Path) -> None:
    def settings() -> Settings:
        as_of = {
            "CXMARTS_HOME": str(tmp_path / "home"),
            "CXMARTS_AS_OF": (NOW + timedelta(days=1)).isoformat(),
        }
        return load({**sandbox.env(), **as_of})

    assert refresh(
        load({**sandbox.env(), "CXMARTS_HOME": str(tmp_path / "home"), "CXMARTS_AS_OF": NOW.isoformat()})
    ).published
    published = tree(tmp_path / "home" / "published")
    sandbox.advance(days=1)

    # Ids are missing: the landing gate.
    sandbox.faults.mutate("/incremental/tickets/cursor", "tickets", lambda record: record.pop("id"))
    outcome = refresh(settings())
    sandbox.faults.clear()
    [problem] = [text for text in outcome.problems if "record_id_is_present" in text]
    assert not outcome.published
    assert problem.startswith("landing gate, zendesk/tickets 20")
    assert "rows (100.00%) without a record id (up to 1% is a warning), e.g. row 1, record_id null" in problem
    assert "refetch the stream when the source is right again" in problem
    assert tree(tmp_path / "home" / "published") == published

    # Fields of another type, and dates that are none: the staged gate.
    for field, value in {"status": 5, "tags": "vip", "custom_fields": {"a": 1}, "metric_set": "none"}.items():
        sandbox.faults.mutate("/incremental/tickets/cursor", "tickets", set_to(field, value))
    sandbox.faults.mutate(
        "/incremental/ticket_events", "ticket_events", set_to("created_at", "2026-02-31T10:00:00Z")
    )
    read_again(settings(), "tickets", "ticket_events")
    outcome = refresh(settings())
    sandbox.faults.clear()
    assert not outcome.published
    said = "\n".join(outcome.problems)
    assert "staged gate, zendesk/tickets 20" in said
    assert "reject_reason status has an unknown value" in said
    assert "staged gate, zendesk/ticket_events 20" in said
    assert "reject_reason created_at is no date" in said
    assert "refetch it when the source is right again" in said
    assert tree(tmp_path / "home" / "published") == published

    # Mended but for one record in a thousand, which stays out with its reason.
    read_again(settings(), "tickets", "ticket_events", "ticket_metric_events")
    sandbox.faults.mutate(
        "/incremental/ticket_metric_events", "ticket_metric_events", once(set_to("time", "yesterday"))
    )
    outcome = refresh(settings())
    sandbox.faults.clear()
    assert outcome.problems == []
    assert outcome.published
    current = publish.current(tmp_path / "home" / "published")
    assert current is not None
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        rejected = con.execute("SELECT source, stream, reason FROM rejected_rows").fetchall()
    assert rejected == [("zendesk", "zendesk__ticket_metric_events", "time is no date")]
