"""Periods of the KPI tables: local dates, and what changes in periods that are long over."""

from __future__ import annotations

from pathlib import Path

from .test_incremental import BY_PERIOD, rows_that_differ
from .warehouse import Warehouse
from .zendesk_records import CUSTOMER, Account, comment

AS_OF = "2024-06-30T12:00:00Z"


def test_periods_are_local(tmp_path: Path) -> None:
    """One second before and at midnight in New York, from Sunday to Monday and from March to April."""
    warehouse = Warehouse(tmp_path, time_zone="America/New_York")
    account = Account("desk")
    for n, created in enumerate(
        ["2024-04-01T03:59:59", "2024-04-01T04:00:00", "2024-06-10T03:59:59", "2024-06-10T04:00:00"]
    ):
        account.ticket(n, created)
    account.land(warehouse)
    warehouse.build(AS_OF, select=["+kpi_volume", "+kpi_backlog"])
    rows = warehouse.query(
        "select period_grain, strftime(period_start, '%m-%d'), created, is_partial_period from "
        "marts.kpi_volume "
        "where dimension = 'all' and created > 0 order by period_grain, period_start"
    )
    assert rows == [
        ("all", None, 4, False),
        ("day", "03-31", 1, False),
        ("day", "04-01", 1, False),
        ("day", "06-09", 1, False),
        ("day", "06-10", 1, False),
        ("month", "03-01", 1, False),
        ("month", "04-01", 1, False),
        ("month", "06-01", 2, True),
        ("quarter", "01-01", 1, False),
        ("quarter", "04-01", 3, True),
        ("week", "03-25", 1, False),
        ("week", "04-01", 1, False),
        ("week", "06-03", 1, False),
        ("week", "06-10", 1, False),
    ]
    assert warehouse.query(
        "select strftime(period_start, '%m-%d'), open_at_start, arrivals, open_at_end from marts.kpi_backlog "
        "where period_grain = 'day' and dimension = 'all' and age_bucket = 'all' and arrivals > 0 order by 1"
    ) == [("03-31", 0, 1, 1), ("04-01", 1, 1, 2), ("06-09", 2, 1, 3), ("06-10", 3, 1, 4)]
    # Every period from the first ticket on has its row: 31 March to 30 June.
    assert warehouse.query(
        "select count(*) from marts.kpi_volume where period_grain = 'day' and dimension = 'all'"
    ) == [(1 + 30 + 31 + 30,)]


def test_what_begins_or_ends_long_ago_is_built_as_at_once(tmp_path: Path) -> None:
    """An earlier first ticket arrives, with it a metric that there was not; then that ticket disappears again."""
    warehouse = Warehouse(tmp_path / "nightly")
    account = opened(2, "2024-06-04T10:00")
    account.clock(2, "reply_time", "2024-06-04T10:00", "activate")
    account.apply_sla(2, "reply_time", "2024-06-04T10:00", 60, policy="p")
    account.clock(2, "reply_time", "2024-06-04T10:30", "fulfill")
    account.land(warehouse)
    warehouse.build(AS_OF, select=BY_PERIOD)

    opened(1, "2024-05-01T10:00").land(warehouse)
    account.clock(2, "requester_wait_time", "2024-06-10T10:00", "activate")
    account.apply_sla(2, "requester_wait_time", "2024-06-10T10:00", 60, policy="p")
    account.clock(2, "requester_wait_time", "2024-06-10T10:30", "fulfill")
    account.land(warehouse)
    warehouse.build(AS_OF, select=BY_PERIOD)
    # 1 May to 30 June, a row for every day.
    assert warehouse.query(
        "select count(*) from marts.kpi_volume where period_grain = 'day' and dimension = 'all'"
    ) == [(61,)]
    assert rows_that_differ(warehouse.path, at_once(warehouse, tmp_path / "arrived")) == {}

    gone = {
        "id": 1,
        "created_at": "2024-05-01T10:00:00Z",
        "updated_at": "2024-06-20T00:00:00Z",
        "requester_id": CUSTOMER,
    }
    warehouse.land("zendesk", "tickets", [gone | {"status": "deleted"}], source="desk")
    warehouse.build(AS_OF, select=BY_PERIOD)
    in_may = "period_start between '2024-04-29' and '2024-05-31'"
    assert warehouse.query(f"select * from marts.kpi_volume where created > 0 and {in_may}") == []
    assert rows_that_differ(warehouse.path, at_once(warehouse, tmp_path / "gone")) == {}


def opened(ticket_id: int, created: str) -> Account:
    account = Account("desk")
    account.ticket(ticket_id, created, comment(f"{created[:11]}20:00"))
    return account


def at_once(warehouse: Warehouse, folder: Path) -> Path:
    """The same landing built from nothing."""
    fresh = Warehouse(folder, time_zone=warehouse.time_zone)
    fresh.landing = warehouse.landing
    fresh.build(AS_OF, select=BY_PERIOD)
    return fresh.path
