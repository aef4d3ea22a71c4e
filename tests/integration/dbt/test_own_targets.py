"""Our clocks and the vendor's on the same tickets: one desk keeps its SLA itself, its twin leaves that to us."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.extract import fetch
from ingestion.sources import zendesk
from sandbox.catalog import GROUP_IDS, GROUP_POLICIES, POLICIES, PRIORITIES
from sandbox.server import Sandbox

from .warehouse import Warehouse
from .zendesk_records import OWN_TARGET_COLUMNS

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
METRICS = {
    "first_reply",
    "next_reply",
    "periodic_update",
    "pausable_update",
    "agent_work",
    "requester_wait",
    "total_resolution",
    "group_ownership",
}
SAID = (
    "ticket_id, metric, instance, policy, priority, group_id, agent_id, target_seconds, is_business_hours, "
    "applied_at, due_at, due_at_last_schedule, ended_at, elapsed_seconds, elapsed_seconds_last_schedule, "
    "is_paused, outcome, breached_at"
)


def policies_as_rules() -> Iterator[dict[str, object]]:
    """The sandbox's policies as rows of own_sla_targets; its premium policy is for enterprise customers."""
    for policy in POLICIES:
        for name, targets in policy.targets.items():
            for priority, minutes in zip(PRIORITIES[1:], targets, strict=True):
                yield {
                    "source": "twin",
                    "metric": name.removesuffix("_time"),
                    "policy": policy.title,
                    "priority": priority,
                    "segment": "Enterprise" if policy.tag else "",
                    "target_minutes": minutes,
                    "is_business_hours": policy.business_hours,
                }
    # The premium policy has no pausable, the standard one no periodic updates: what fits is no target there.
    for priority in PRIORITIES[1:]:
        yield {
            "source": "twin",
            "metric": "pausable_update",
            "priority": priority,
            "segment": "Enterprise",
        }
    for group_policy in GROUP_POLICIES:
        for group in group_policy.groups:
            for priority, minutes in zip(PRIORITIES[1:], group_policy.minutes, strict=True):
                yield {
                    "source": "twin",
                    "metric": "group_ownership",
                    "policy": group_policy.title,
                    "priority": priority,
                    "group_id": GROUP_IDS[group],
                    "target_minutes": minutes,
                    "is_business_hours": group_policy.business_hours,
                }


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two nights of both desks, built one after the other."""
    rules = io.StringIO()
    writer = csv.DictWriter(rules, OWN_TARGET_COLUMNS.split(","))
    writer.writeheader()
    writer.writerows(policies_as_rules())
    warehouse = Warehouse(
        tmp_path_factory.mktemp("twins"),
        time_zone="America/New_York",
        rules={"own_sla_targets.csv": rules.getvalue()},
    )
    with Sandbox(tickets=350, seed=5, now=START, profile="clean") as sandbox:
        env = sandbox.env()
        for night in range(2):
            if night:
                sandbox.advance(days=1)
            desk, twin = (
                zendesk.source(
                    name, env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
                )
                for name in ("desk", "twin")
            )
            streams = tuple(s for s in twin.streams if s.name != "ticket_metric_events")
            result = fetch([desk, dataclasses.replace(twin, streams=streams)], warehouse.landing)
            assert [each.error for each in result.streams if each.error] == []
            warehouse.build((START + timedelta(days=night)).isoformat(), select=["+sla_targets"])
    return warehouse


def test_both_say_the_same(desks: Warehouse) -> None:
    def only(one: str, other: str) -> list[tuple[object, ...]]:
        return desks.query(
            f"select {SAID} from marts.sla_targets where source = '{one}' except all "
            f"select {SAID} from marts.sla_targets where source = '{other}'"
        )

    assert (only("desk", "twin"), only("twin", "desk")) == ([], [])


def test_every_metric_and_outcome_was_compared(desks: Warehouse) -> None:
    rows = desks.query(
        "select metric, origin, count(distinct outcome) from marts.sla_targets group by metric, origin"
    )
    assert {(metric, origin) for metric, origin, _ in rows} == {
        (metric, origin) for metric in METRICS for origin in ("vendor", "own")
    }
    assert min(outcomes for *_, outcomes in rows) >= 2
