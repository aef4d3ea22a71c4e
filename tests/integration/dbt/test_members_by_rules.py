"""Cells that rule files make open to what they count: costs in their months, customers at their landmarks."""

import duckdb
import pytest

from tests import parsed

from .warehouse import Warehouse
from .zendesk_records import CUSTOMER, Account, comment, status

COSTS = """\
scenario,dimension,member,currency,monthly_cost,retained_pct,revenue_per_customer,deflected_per_month,\
saving_per_deflected,upsell_pct,revenue_per_upsell,valid_from,valid_to,source
base,all,all,EUR,1000,,,,,,,,,books
base,priority,high,EUR,400,,,,,,,,2024-06-01,books
high,all,all,EUR,1500,,,,,,,2024-06-01,,books
"""
#: Ticket, the day of its solve, its priority.
SOLVED = [
    (1, "2024-05-20", "high"),
    (2, "2024-05-21", "low"),
    (3, "2024-06-03", "high"),
    (4, "2024-06-04", "low"),
]
#: Scenario, period and cell -> the tickets in it, by hand. June has no rule for priority high, May none for scenario high.
CELLS = {
    ("base", "month", "2024-05-01", "all", "all"): {"1", "2"},
    ("base", "month", "2024-06-01", "all", "all"): {"3", "4"},
    ("base", "quarter", "2024-04-01", "all", "all"): {"1", "2", "3", "4"},
    ("base", "all", None, "all", "all"): {"1", "2", "3", "4"},
    ("base", "month", "2024-05-01", "priority", "high"): {"1"},
    ("base", "quarter", "2024-04-01", "priority", "high"): {"1"},
    ("base", "all", None, "priority", "high"): {"1"},
    ("high", "month", "2024-06-01", "all", "all"): {"3", "4"},
    ("high", "quarter", "2024-04-01", "all", "all"): {"3", "4"},
    ("high", "all", None, "all", "all"): {"3", "4"},
}


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    # With a dimension of the company's own: the views that kpi_cell reads say more then.
    dimensions = (parsed.ROOT / "dbt_project" / "seeds" / "dimensions.csv").read_text() + "region,,,,\n"
    rules = {
        "service_costs.csv": COSTS,
        "retention_windows.csv": "window_days\n15\n",
        "dimensions.csv": dimensions,
    }
    warehouse = Warehouse(tmp_path_factory.mktemp("members") / "w", rules=rules)
    account = Account("zendesk")
    for ticket, day, priority in SOLVED:
        told = (comment(f"{day}T10:00"), status(f"{day}T12:00", "solved"))
        account.ticket(ticket, f"{day}T09:00", *told, priority=priority)
    account.land(warehouse)
    warehouse.build("2024-06-12T12:00:00Z", select=["+metric_members", "path:models/kpis"])
    opened = duckdb.connect(str(warehouse.path), read_only=True)
    functions = opened.execute(
        "SELECT sql FROM control.published_sql WHERE name IN ('as_of', 'kpi_cell') ORDER BY place"
    ).fetchall()
    opened.execute("USE marts")
    for (function,) in functions:
        opened.execute(function.replace(" macro ", " temp macro ", 1))
    return opened


def test_a_cost_has_its_tickets(con: duckdb.DuckDBPyConnection) -> None:
    cells = con.execute(
        "SELECT scenario, period_grain, period_start::VARCHAR, dimension, member, solved FROM kpi_cost"
    ).fetchall()
    assert {cell[:5]: cell[5] for cell in cells} == {cell: len(tickets) for cell, tickets in CELLS.items()}
    for (scenario, grain, start, dimension, member), tickets in CELLS.items():
        found = con.execute(
            "SELECT ticket_id FROM kpi_cell('kpi_cost', ?, ?, ?, ?, key := ?)",
            [grain, start, dimension, member, scenario],
        ).fetchall()
        assert sorted(ticket for (ticket,) in found) == sorted(tickets)


@pytest.mark.parametrize(
    ("scenario", "month", "dimension", "member"),
    [
        ("high", "2024-05-01", "all", "all"),
        ("base", "2024-06-01", "priority", "high"),
        ("base", "2024-05-01", "priority", "low"),
    ],
)
def test_what_is_no_cell_is_empty(
    con: duckdb.DuckDBPyConnection, scenario: str, month: str, dimension: str, member: str
) -> None:
    arguments = [month, dimension, member, scenario]
    assert con.execute("FROM kpi_cell('kpi_cost', 'month', ?, ?, ?, key := ?)", arguments).fetchall() == []


def test_a_customer_stands_for_what_they_experienced(con: duckdb.DuckDBPyConnection) -> None:
    """The landmark is 28 May: the one customer had asked twice before, and came back in June."""
    cells = con.execute(
        "SELECT c.unit, c.factor, c.exposure, c.n, c.retained, m.* FROM kpi_retention AS c, LATERAL ("
        " SELECT string_agg(record_id), count(*), count(*) FILTER (in_numerator)"
        " FROM kpi_cell('kpi_retention', 'all', NULL, 'all', 'all', key := concat_ws('/', c.window_days, c.unit,"
        " c.outcome, c.factor, c.exposure))) AS m WHERE c.outcome = 'came_back' AND c.unit = 'customer'"
        " AND c.factor IN ('contacts', 'reopened') ORDER BY ALL"
    ).fetchall()
    member = (f"customer/{CUSTOMER}", 1, 1)
    assert cells == [
        ("customer", "contacts", "2 to 3", 1, 1, *member),
        ("customer", "reopened", "no", 1, 1, *member),
    ]
