"""A vendor that misbehaves stops publishing, with one message, and nothing else; the next refresh goes on."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.extract import refetch
from ingestion.http import ATTEMPTS
from ingestion.landing import Landing
from ingestion.mending import LOST_TEXT
from orchestration.assets import landing
from orchestration.definitions import build_definitions
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.sources import sources
from orchestration.jobs import NIGHTLY
from orchestration.publication import publish
from sandbox.server import Sandbox

from .conftest import Night

pytestmark = pytest.mark.usefixtures("no_waits")
TICKETS = "/incremental/tickets/cursor"
NO_SURVEYS = {"TYPEFORM_TOKEN": "", "TYPEFORM_URL": ""}


def set_to(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda record: record.__setitem__(field, value)


def once(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """Spoil the first record only."""
    left = [change]
    return lambda record: left.pop()(record) if left else None


DEEP = b'"deep":' + b"[" * 100_000 + b"]" * 100_000 + b","


def read_again(settings: Settings, *streams: str) -> None:
    """What the messages say to do: `cxmarts refetch zendesk/<stream>`."""
    [zendesk] = [source for source in sources(settings) if source.name == "zendesk"]
    for stream in streams:
        refetch(Landing(Home(settings.home).landing), zendesk, stream)


@pytest.mark.parametrize(
    ("kind", "said"), [("500", "500"), ("html", "JSON"), ("truncated", "cut off or not JSON")]
)
def test_a_misbehaving_vendor(night: Night, kind: str, said: str) -> None:
    night.sandbox.faults.add(kind, path=TICKETS, times=None)
    [problem] = night.problems()
    assert problem.startswith("zendesk/tickets: GET http://127.0.0.1")
    assert said in problem


def test_missing_ids_are_told_by_the_landing_gate(night: Night) -> None:
    night.sandbox.faults.mutate(TICKETS, "tickets", lambda record: record.pop("id"))
    [problem] = [text for text in night.problems() if "record_id_is_present" in text]
    assert problem.startswith("landing gate, zendesk/tickets 20")
    assert "rows (100.00%) without a record id (up to 1% is a warning), e.g. row 1, record_id null" in problem
    assert "Refetch the stream when the source is right again" in problem


def test_other_types_and_impossible_dates_are_told_by_the_staged_gate(night: Night) -> None:
    for field, value in {"status": 5, "tags": "vip", "custom_fields": {"a": 1}, "metric_set": "none"}.items():
        night.sandbox.faults.mutate(TICKETS, "tickets", set_to(field, value))
    night.sandbox.faults.mutate(
        "/incremental/ticket_events", "ticket_events", set_to("created_at", "2026-02-31T10:00:00Z")
    )
    read_again(night.settings(), "tickets", "ticket_events")
    said = "\n".join(night.problems())
    assert "staged gate, zendesk/tickets 20" in said
    assert "reject_reason status has an unknown value" in said
    assert "staged gate, zendesk/ticket_events 20" in said
    assert "reject_reason created_at is no date" in said
    assert "Refetch the stream when the source is right again" in said


def test_a_source_that_is_off_blocks(night: Night) -> None:
    problems = night.problems(**NO_SURVEYS)
    assert any("typeform: has landed data but is off" in problem for problem in problems)


def test_a_mended_vendor_is_published_and_a_source_may_be_stale(night: Night) -> None:
    """But for one record in a thousand, which stays out with its reason; half an emoji costs nothing."""
    read_again(night.settings(), "tickets", "ticket_events", "ticket_metric_events")
    night.sandbox.faults.mutate(
        "/incremental/ticket_metric_events", "ticket_metric_events", once(set_to("time", "yesterday"))
    )
    night.sandbox.faults.rewrite(TICKETS, lambda body: body.replace(b'"subject":"', rb'"subject":"\ud83d', 1))
    night.sandbox.faults.rewrite(
        "/incremental/ticket_events", lambda body: body.replace(b'"via":', DEEP + b'"via":', 1)
    )
    outcome = night.publish(**NO_SURVEYS, CXMARTS_ALLOW_STALE="typeform")
    [stale] = [text for text in outcome.warnings if "has landed data but is off" in text]
    assert "typeform" in stale
    assert "The source may lag (CXMARTS_ALLOW_STALE)" in stale
    current = publish.current(night.home / "published")
    assert current is not None
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        rejected = con.execute("SELECT DISTINCT stream, reason FROM rejected_rows ORDER BY ALL").fetchall()
        tickets = {ticket for (ticket,) in con.execute("SELECT ticket_id FROM tickets").fetchall()}
        values = con.execute(
            "SELECT record_id, field, reason FROM rejected_values WHERE stream = 'zendesk__tickets'"
        ).fetchall()
    assert rejected == [
        ("zendesk__ticket_events", "a value is nested deeper than 500 levels"),
        ("zendesk__ticket_metric_events", "time is no date"),
    ]
    newest = pq.read_table(Landing(Home(night.home).landing).batches("zendesk", "tickets")[-1])
    [spoilt] = [row["record_id"] for row in newest.to_pylist() if LOST_TEXT in row["payload"]]
    assert spoilt in tickets
    assert values == [(spoilt, "subject", "is no JSON in part, such as half an emoji")]


def land(settings: Settings, retries: int) -> tuple[bool, int]:
    """The landing step as a scheduled run does it: whether it ended well, and how often it was repeated."""
    definitions = build_definitions(settings)
    keys = [
        key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path[0][:4] == "raw_"
    ]
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        result = definitions.resolve_job_def(NIGHTLY).execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys,
            tags={landing.RETRIES_TAG: str(retries)},
        )
    repeated = [event for event in result.all_events if event.is_step_up_for_retry]
    return result.success, len(repeated)


@pytest.mark.parametrize(
    ("kind", "failing_attempts", "wanted"),
    [
        ("503", 2, (True, 2)),
        ("503", None, (False, 3)),
        ("html", None, (False, 0)),
    ],
    ids=["passes by itself", "does not pass", "permanent"],
)
def test_a_scheduled_run_waits_for_what_may_pass_by_itself(
    home: Callable[..., Settings],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    failing_attempts: int | None,
    wanted: tuple[bool, int],
) -> None:
    monkeypatch.setattr(landing, "FIRST_WAIT_SECONDS", 0)
    sandbox.faults.add(kind, path=TICKETS, times=failing_attempts and failing_attempts * ATTEMPTS)
    try:
        assert land(home(), retries=3) == wanted
    finally:
        sandbox.faults.clear()


def test_a_refused_token_is_not_tried_again(home: Callable[..., Settings]) -> None:
    assert land(home(ZENDESK_API_TOKEN="wrong"), retries=3) == (False, 0)


def test_a_run_by_hand_tells_at_once(home: Callable[..., Settings], sandbox: Sandbox) -> None:
    sandbox.faults.add("503", path=TICKETS, times=None)
    try:
        assert land(home(), retries=0) == (False, 0)
    finally:
        sandbox.faults.clear()
