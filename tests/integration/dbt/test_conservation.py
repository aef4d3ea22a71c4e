"""Landed = staged + rejected + superseded, each counted for itself, so that the equation can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from .warehouse import Warehouse

AS_OF = "2026-06-01T00:00:00Z"
MODELS = ("new_zendesk__ticket_audits", "stg_zendesk__ticket_audits")


def audit(number: int, hour: int, ticket_id: int | None = 7) -> dict[str, Any]:
    at = f"2026-05-01T{hour:02d}:00:00Z"
    return {"id": number, "ticket_id": ticket_id, "created_at": at, "author_id": 1, "events": []}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "w")
    found.land(
        "zendesk",
        "ticket_audits",
        [audit(1, 1), audit(2, 5), audit(3, 1), audit(4, 1, None)],
        changed="created_at",
    )
    found.build(AS_OF, select=MODELS)
    return found


def balance(warehouse: Warehouse) -> tuple[int, int, int, int]:
    """Landed, staged, rejected, superseded."""
    [row] = warehouse.query(
        "select (select sum(rows)::int from control.batches),"
        " (select count(*) from staging.stg_zendesk__ticket_audits),"
        " (select count(*) from control.rejected_rows),"
        " (select coalesce(sum(rows), 0)::int from control.superseded_rows)"
    )
    return row  # type: ignore[return-value]


def test_versions_that_a_merge_replaces_are_counted(warehouse: Warehouse) -> None:
    assert balance(warehouse) == (4, 3, 1, 0)
    # A newer version of 1, an older one of 2, a new record twice.
    later = [audit(1, 2), audit(2, 4), audit(5, 1), audit(5, 2)]
    warehouse.land("zendesk", "ticket_audits", later, changed="created_at")
    warehouse.build(AS_OF, select=MODELS)
    assert balance(warehouse) == (8, 4, 1, 3)
    # Built afresh it is the same.
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("drop table staging.stg_zendesk__ticket_audits")
    warehouse.build(AS_OF, select=MODELS)
    assert balance(warehouse) == (8, 4, 1, 3)


def test_rows_that_vanish_and_batches_that_merge_twice_do_not_add_up(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("delete from staging.stg_zendesk__ticket_audits where record_id = '3'")
    # The next merge counts what is there, not what was there once.
    warehouse.land("zendesk", "ticket_audits", [audit(6, 1)], changed="created_at")
    warehouse.build(AS_OF, select=MODELS)
    assert balance(warehouse) == (5, 3, 1, 0)
    with duckdb.connect(str(warehouse.path)) as con:
        con.execute("delete from control.applied_batches")
    warehouse.build(AS_OF, select=MODELS)
    landed, staged, _, superseded = balance(warehouse)
    assert (landed, staged, superseded) == (5, 4, 3)


@pytest.mark.parametrize(
    ("stream", "column"), [("ticket_audits", "ticket_id"), ("organizations", "organization_name")]
)
def test_of_rows_of_one_time_in_a_batch_the_later_counts(stream: str, column: str, tmp_path: Path) -> None:
    """Two hundred records, each five times: neither the engine's threads nor its order decide."""
    warehouse = Warehouse(tmp_path / "w")
    rows = [
        audit(number, 1, 10 * number + turn) | {"name": str(10 * number + turn)}
        for turn in range(5)
        for number in range(1, 201)
    ]
    warehouse.land("zendesk", stream, rows, changed="created_at")
    warehouse.build(AS_OF, select=(f"new_zendesk__{stream}", f"stg_zendesk__{stream}"))
    staged = warehouse.query(f"select record_id, {column}::varchar from staging.stg_zendesk__{stream}")
    assert sorted(staged) == sorted((str(n), str(10 * n + 4)) for n in range(1, 201))
