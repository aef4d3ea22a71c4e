"""Logs as tools export them: no column tells the creation, each row the whole state; later files tell of earlier times."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .test_incremental import rows_that_differ
from .warehouse import Warehouse

MAPPING = """
file: "*.csv"
format: csv
entity: ticket_events
mode: append
id: [n, at]
columns: {ticket_id: n, event_at: at, status: s, group_id: g, assignee_id: a, customer_id: c}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
"""
FIRST = """n,at,s,g,a,c
1,2024-05-02 10:00,new,G,Ann,c1
1,2024-05-02 12:00,open,,,c1
1,2024-05-03 09:00,,H,Bob,c1
2,2024-05-06 09:00,new,,,c1
2,2024-05-06 10:30,solved,,Ann,c1
3,2024-05-07 09:00,new,,,c2
3,2024-05-07 09:30,solved,,Ann,c2
"""
#: What was lacking: how the first ticket began and ended, and a ticket that followed the third.
LATER = """n,at,s,g,a,c
1,2024-05-01 08:00,new,,,c1
1,2024-05-03 10:00,solved,H,Bob,c1
4,2024-05-09 09:00,new,,,c2
"""
STATES = "strftime(started_at, '%d %H:%M'), status, group_id, assignee_id, is_before_assignment"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    (folder / "log.yml").write_text(MAPPING)
    (folder / "first.csv").write_text(FIRST)
    return folder


@pytest.fixture(scope="module")
def before(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("night"))
    load(log, warehouse)
    warehouse.build("2024-05-20T00:00:00Z")
    return warehouse


@pytest.fixture(scope="module")
def after(before: Warehouse, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = before.copy(tmp_path_factory.mktemp("next"))
    (log / "later.csv").write_text(LATER)
    load(log, warehouse)
    warehouse.build("2024-05-21T00:00:00Z")
    return warehouse


def load(log: Path, warehouse: Warehouse) -> None:
    (result,) = fetch(files.sources(log), warehouse.landing).streams
    assert (result.error, result.notes) == (None, [])


def tickets(warehouse: Warehouse, columns: str) -> list[tuple[object, ...]]:
    return warehouse.query(f"select ticket_id, {columns} from marts.tickets order by ticket_id")


def states(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.query(
        f"select {STATES} from marts.ticket_states where ticket_id = '1' order by started_at"
    )


def test_a_ticket_begins_with_its_first_event(before: Warehouse) -> None:
    assert tickets(before, "strftime(created_at, '%d %H:%M'), status, first_resolution_seconds / 3600") == [
        ("1", "02 10:00", "open", None),
        ("2", "06 09:00", "solved", 1.5),
        ("3", "07 09:00", "solved", 0.5),
    ]


def test_an_empty_holder_is_nobody_and_an_empty_status_no_news(before: Warehouse) -> None:
    assert states(before) == [
        ("02 10:00", "new", "G", "Ann", False),
        ("02 12:00", "open", None, None, False),
        ("03 09:00", "open", "H", "Bob", False),
    ]
    assert tickets(before, "group_id, assignee_id, first_assignment_seconds / 3600") == [
        ("1", "H", "Bob", 0.0),
        ("2", None, "Ann", 1.5),
        ("3", None, "Ann", 0.5),
    ]


def test_an_earlier_event_that_comes_later_moves_the_creation(after: Warehouse) -> None:
    assert tickets(after, "strftime(created_at, '%d %H:%M'), first_resolution_seconds / 3600")[:2] == [
        ("1", "01 08:00", 50.0),
        ("2", "06 09:00", 1.5),
    ]
    assert states(after)[0] == ("01 08:00", "new", None, None, True)
    assert tickets(after, "first_assignment_seconds / 3600")[:2] == [("1", 26.0), ("2", 1.5)]


def test_the_same_customers_next_ticket_is_a_repeat_contact(before: Warehouse, after: Warehouse) -> None:
    """Of the third ticket nothing is new but the fourth, whose creation no column tells."""
    told = "has_repeat_contact"
    assert tickets(before, told) == [("1", None), ("2", False), ("3", False)]
    assert tickets(after, told) == [("1", True), ("2", False), ("3", True), ("4", None)]


def test_a_night_equals_a_build_from_nothing(
    after: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"))
    at_once.landing = after.landing
    at_once.build("2024-05-21T00:00:00Z")
    assert rows_that_differ(after.path, at_once.path) == {}


def test_a_ticket_of_which_nobody_tells_a_status_is_unsolved_whatever_its_solve_reads(tmp_path: Path) -> None:
    (tmp_path / "log.yml").write_text(MAPPING.replace("status: s,", "status: s, resolved_at: r,"))
    (tmp_path / "first.csv").write_text("n,at,s,r,g,a,c\n1,2024-05-02 10:00,,soon,G,Ann,c1\n")
    warehouse = Warehouse(tmp_path / "night")
    fetch(files.sources(tmp_path), warehouse.landing)
    warehouse.build("2024-05-20T00:00:00Z", select=["+tickets"])
    assert warehouse.query("select is_solved, last_solved_at from marts.tickets") == [(False, None)]
