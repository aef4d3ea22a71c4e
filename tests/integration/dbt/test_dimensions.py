"""Dimensions of the rule file: accounts, and one of the company's own, in the numbers of tickets and of answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import parsed

from .test_incremental import rows_that_differ
from .warehouse import Warehouse
from .zendesk_records import Account, comment, status, utc

AS_OF = "2024-06-30T12:00:00Z"
MOVING, UNPLACED = 10, 1
RULES = Path(__file__).parents[3] / "dbt_project" / "seeds"
SEEDS = {
    "dimensions.csv": (RULES / "dimensions.csv").read_text() + "region,,,,\n",
    "ticket_field_map.csv": "source,field,attribute\ndesk,Where,region\n",
}
SOUTH, NORTH = ({"custom_fields": [{"id": 78, "value": value}]} for value in ("south", "north"))


@dataclass
class Nights:
    """A night, the next one after it, and both built at once."""

    first: Warehouse
    second: Warehouse
    at_once: Warehouse


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    first = Warehouse(tmp_path_factory.mktemp("first"), rules=SEEDS)
    desk = Account("desk")
    land_first_night(desk, first)
    first.build(AS_OF)
    second = first.copy(tmp_path_factory.mktemp("second"))
    land_second_night(desk, second)
    second.build(AS_OF)
    at_once = Warehouse(tmp_path_factory.mktemp("at_once"), rules=SEEDS)
    at_once.landing = second.landing
    at_once.build(AS_OF)
    return Nights(first, second, at_once)


def organization(desk: Account, number: int, name: str, at: str) -> None:
    fields = {"region": "of five"} if number == 5 else {}
    desk.add(
        "organizations", {"id": number, "name": name, "updated_at": utc(at), "organization_fields": fields}
    )


def group(desk: Account, name: str, at: str) -> None:
    desk.add("groups", {"id": 7, "name": name, "updated_at": utc(at)})


def solved(desk: Account, number: int, day: str, **fields: Any) -> None:
    desk.ticket(number, f"{day}T10:00", comment(f"{day}T10:30"), status(f"{day}T11:00", "solved"), **fields)


def land_first_night(desk: Account, warehouse: Warehouse) -> None:
    """Two accounts, of which one is renamed; a customer who goes from the one to the other on 10 June."""
    organization(desk, 5, "Old Name", "2024-01-01T00:00")
    organization(desk, 5, "New Name", "2024-06-15T00:00")
    organization(desk, 6, "Six Ltd", "2024-01-01T00:00")
    group(desk, "Billing", "2024-01-01T00:00")
    desk.user(MOVING, "end-user", organization_id=5)
    desk.user(MOVING, "end-user", "2024-06-10T00:00", organization_id=6)
    desk.add("ticket_fields", {"id": 78, "title": "Where", "updated_at": utc("2024-01-01T00:00")})
    solved(desk, 1, "2024-05-10", requester_id=MOVING, organization_id=5, **SOUTH)
    solved(desk, 2, "2024-05-11", requester_id=MOVING, organization_id=5)
    solved(desk, 3, "2024-06-12", requester_id=MOVING, organization_id=None)
    solved(desk, 4, "2024-06-04", requester_id=UNPLACED, group_id=7)
    desk.rating(1, "good", "2024-06-20T10:00", customer=MOVING)
    for ticket, day in ((2, "2024-05-11"), (3, "2024-06-12")):
        desk.clock(ticket, "reply_time", f"{day}T10:00", "activate")
        desk.apply_sla(ticket, "reply_time", f"{day}T10:00", 60 if ticket == 2 else 20, policy="p")
    desk.clock(3, "reply_time", "2024-06-12T10:20", "breach")
    desk.clock(2, "reply_time", "2024-05-11T10:30", "fulfill")
    desk.clock(3, "reply_time", "2024-06-12T10:30", "fulfill")
    desk.land(warehouse)
    form = {
        "id": "nps",
        "title": "NPS",
        "last_updated_at": utc("2024-01-01T00:00"),
        "fields": [
            {"id": "likely", "ref": "likely", "title": "Would you recommend us?", "type": "nps"}
            | {"properties": {}}
        ],
    }
    answers = [
        ("2024-06-09T23:59", 10, {"customer_id": str(MOVING)}),
        ("2024-06-10T00:00", 0, {"customer_id": str(MOVING)}),
        ("2024-06-11T10:00", 9, {"region": "east"}),
    ]
    responses = [
        {
            "_record_id": f"nps/r{number}",
            "response_id": f"r{number}",
            "submitted_at": utc(at),
            "hidden": hidden,
            "answers": [{"field": {"id": "likely"}, "type": "number", "number": score}],
        }
        for number, (at, score, hidden) in enumerate(answers)
    ]
    warehouse.land("typeform", "forms", [form], changed="last_updated_at")
    warehouse.land("typeform", "responses", responses, changed="submitted_at")


def land_second_night(desk: Account, warehouse: Warehouse) -> None:
    """Ticket 1 of May is the other account's now, ticket 2 of another region; a group has another name."""
    changed = "2024-06-29T00:00"
    rated = {"satisfaction_rating": {"id": 1, "score": "good"}}
    solved(desk, 1, "2024-05-10", requester_id=MOVING, organization_id=6, changed=changed, **SOUTH, **rated)
    solved(desk, 2, "2024-05-11", requester_id=MOVING, organization_id=5, changed=changed, **NORTH)
    group(desk, "Accounts", changed)
    desk.streams = {name: desk.streams[name] for name in ("tickets", "groups")}
    desk.land(warehouse)


def cells(warehouse: Warehouse, table: str, dimension: str, columns: str, grain: str = "all") -> set[Any]:
    return set(
        warehouse.query(
            f"select member, {columns} from marts.{table} "
            f"where dimension = '{dimension}' and period_grain = '{grain}'"
        )
    )


def test_numbers_by_account(nights: Nights) -> None:
    """The ticket's own account, else its customer's then; an answer's is the customer's when he answered."""
    first = nights.first
    assert cells(first, "kpi_volume", "organization", "member_label, created") == {
        ("5", "New Name", 2),
        ("6", "Six Ltd", 1),
        ("(none)", None, 1),
    }
    assert cells(first, "kpi_nps", "organization", "member_label, n, nps") == {
        ("5", "New Name", 1, 100),
        ("6", "Six Ltd", 1, -100),
        ("(none)", None, 1, 100),
    }
    assert cells(first, "kpi_csat", "organization", "n, csat_pct") == {("5", 1, 100)}
    assert cells(first, "kpi_sla_compliance", "organization", "metric, met, breached") == {
        ("5", "first_reply", 1, 0),
        ("6", "first_reply", 0, 1),
    }


def test_accounts_have_the_periods_that_the_rule_file_says(nights: Nights) -> None:
    for table in ("kpi_volume", "kpi_nps", "kpi_csat", "kpi_sla_compliance"):
        assert nights.first.query(
            f"select distinct period_grain from marts.{table} where dimension = 'organization' order by 1"
        ) == [("all",), ("month",), ("quarter",)]
    columns = "strftime(period_start, '%m'), created"
    assert cells(nights.first, "kpi_volume", "organization", columns, "month") == {
        ("5", "05", 2),
        ("6", "06", 1),
        ("(none)", "06", 1),
    }


def test_a_ticket_that_passes_to_another_account_moves_its_periods(nights: Nights) -> None:
    columns = "strftime(period_start, '%m'), created"
    assert cells(nights.second, "kpi_volume", "organization", columns, "month") == {
        ("5", "05", 1),
        ("6", "05", 1),
        ("6", "06", 1),
        ("(none)", "06", 1),
    }
    assert cells(nights.second, "kpi_csat", "organization", "n, csat_pct") == {("6", 1, 100)}


def test_a_group_has_its_newest_name_in_periods_that_did_not_move(nights: Nights) -> None:
    """Agents have none: they are people."""
    for warehouse, name in ((nights.first, "Billing"), (nights.second, "Accounts")):
        rows = warehouse.query(
            "select distinct member, member_label from marts.kpi_volume where dimension = 'group'"
        )
        assert set(rows) == {("7", name), ("(none)", None)}
    for table in parsed.kpis_of("tickets"):
        assert nights.second.query(
            f"select count(*) from marts.{table} where dimension not in ('group', 'organization') "
            "and member_label is not null"
        ) == [(0,)], table


def test_a_dimension_of_ones_own_in_the_numbers_of_tickets_and_answers(nights: Nights) -> None:
    """The ticket's field, else its account's; an answer's hidden field goes before these."""
    members = {("south", 1), ("of five", 1), ("(none)", 2)}
    assert cells(nights.first, "kpi_volume", "region", "created") == members
    for table in parsed.kpis_of("tickets"):
        assert ("of five", True) in cells(nights.first, table, "region", "true"), table
    assert cells(nights.first, "kpi_sla_compliance", "region", "met, breached") == {
        ("of five", 1, 0),
        ("(none)", 0, 1),
    }
    assert cells(nights.first, "kpi_csat", "region", "n") == {("south", 1)}
    assert cells(nights.first, "kpi_nps", "region", "n") == {("east", 1), ("of five", 1), ("(none)", 1)}
    assert cells(nights.second, "kpi_volume", "region", "created") == {
        ("south", 1),
        ("north", 1),
        ("(none)", 2),
    }
    assert cells(nights.second, "kpi_sla_compliance", "region", "met", "day") >= {("north", 1)}


def test_every_table_of_tickets_and_answers_has_ones_own_dimension(nights: Nights) -> None:
    tables = {
        name
        for (name,) in nights.first.query(
            "select table_name from information_schema.columns where table_schema = 'marts' "
            "and column_name = 'member_label'"
        )
    }
    without = {
        name
        for name in tables
        if nights.first.query(f"select count(*) from marts.{name} where dimension = 'region'") == [(0,)]
    }
    # Of people; of what rule files name; no survey was sent, no effort asked, nobody unhappy followed up.
    assert without == {"kpi_team", "kpi_cost", "change_effects", "kpi_survey_response", "kpi_ces"}


def test_nights_equal_a_build_from_nothing(nights: Nights) -> None:
    assert rows_that_differ(nights.second.path, nights.at_once.path) == {}
