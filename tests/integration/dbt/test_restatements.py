"""What was published of June and is told differently on 2 July, and why: worked out by hand."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from orchestration.publication import marts_file, publish
from orchestration.publication.baseline import published_marts
from orchestration.warehouse import control_tables
from tests import parsed

from .warehouse import Warehouse
from .zendesk_records import CUSTOMER, Account, comment, status, utc

FIRST, SECOND, SECOND_AGAIN, THIRD = (
    "2024-07-01T06:00:00Z",
    "2024-07-02T06:00:00Z",
    "2024-07-02T07:00:00Z",
    "2024-07-03T06:00:00Z",
)
OPENED, REPLIED, SOLVED = "2024-06-04T10:00", "2024-06-04T10:30", "2024-06-04T11:00"
SINCE = "2024-07-01T12:00"
UNKNOWN = 13
JOURNAL = ("+restatements", "excluded_tickets")
SOURCES = ("late", "gone", "back", "edited", "open", "author", "rated", "clock")


def first_night() -> dict[str, Account]:
    accounts = {name: Account(name) for name in SOURCES}
    for name, account in accounts.items():
        fields = {"custom_fields": segment("silver")} if name == "edited" else {}
        account.ticket(1, OPENED, comment(REPLIED), status(SOLVED, "solved"), **fields)
    accounts["open"].streams = {}
    accounts["open"].ticket(1, OPENED, comment(REPLIED))
    accounts["gone"].ticket(2, OPENED, comment(REPLIED), status(SOLVED, "solved"))
    accounts["back"].add("tickets", ticket(2, "2024-06-20T00:00", status="deleted"))
    accounts["edited"].add(
        "ticket_fields", {"id": 77, "title": "Segment", "updated_at": utc("2024-01-01T00:00")}
    )
    accounts["author"].ticket(
        2, OPENED, comment("2024-06-04T10:20", UNKNOWN), comment(REPLIED), status(SOLVED, "solved")
    )
    accounts["clock"].clock(1, "reply_time", OPENED, "activate")
    accounts["clock"].apply_sla(1, "reply_time", OPENED, 60, policy="p")
    return accounts


def second_night(accounts: dict[str, Account]) -> None:
    """What lands on 2 July: of June where nothing else is said."""
    accounts["late"].event(1, comment("2024-06-04T10:15"))
    accounts["gone"].add("tickets", ticket(2, SINCE, status="deleted"))
    accounts["back"].add("tickets", ticket(2, SINCE, status="new"))
    accounts["edited"].add("tickets", ticket(1, SINCE, status="solved", custom_fields=segment("gold")))
    accounts["open"].event(1, status("2024-07-01T10:00", "solved"))
    accounts["author"].user(UNKNOWN, "end-user")
    accounts["rated"].rating(1, "good", "2024-06-20T10:00")
    accounts["clock"].clock(1, "reply_time", REPLIED, "fulfill")


def ticket(ticket_id: int, at: str, **fields: Any) -> dict[str, Any]:
    opened = {"id": ticket_id, "created_at": utc(OPENED), "requester_id": CUSTOMER}
    return {**opened, "updated_at": utc(at), **fields}


def segment(value: str) -> list[dict[str, Any]]:
    return [{"id": 77, "value": value}]


def publish_marts(warehouse: Warehouse, as_of: str) -> publish.Publication:
    """Publishes what is built, and tells the warehouse so, as a refresh does before its next build."""
    marts = [
        name
        for (name,) in warehouse.query("select table_name from duckdb_tables() where schema_name = 'marts'")
    ]
    prints = {name: {"code": "same", "rules": "same"} for name in marts}
    facts = {"as_of": as_of, "build_id": as_of, "fingerprints": prints}
    done = publish.publish(warehouse.path, warehouse.path.parent / "published", marts, facts, keep=9)
    tell(warehouse, done)
    return done


def tell(warehouse: Warehouse, done: publish.Publication) -> None:
    manifest = parsed.project().manifest
    with control_tables.connect(warehouse.path) as con:
        compared = published_marts(done, manifest, done.manifest["fingerprints"])
        control_tables.register_published(con, compared)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three publications, a build between that was not published, and the second night built from nothing."""
    warehouse = Warehouse(tmp_path_factory.mktemp("nightly"))
    accounts = first_night()
    for account in accounts.values():
        account.land(warehouse)
    warehouse.build(FIRST, select=JOURNAL)
    first = publish_marts(warehouse, FIRST)
    second_night(accounts)
    for account in accounts.values():
        account.land(warehouse, fetched_at="2030-01-02T00:00:00Z")
    warehouse.build(SECOND, select=JOURNAL)
    warehouse.build(SECOND_AGAIN, select=JOURNAL)
    fresh = Warehouse(tmp_path_factory.mktemp("fresh"))
    fresh.landing = warehouse.landing
    tell(fresh, first)
    fresh.build(SECOND_AGAIN, select=JOURNAL)
    second = publish_marts(warehouse, SECOND_AGAIN)
    warehouse.build(THIRD, select=JOURNAL)
    third = publish_marts(warehouse, THIRD)
    return {"first": first, "second": second, "third": third, "fresh": fresh.path}


def listed(
    nights: dict[str, Any], where: str, columns: str = "mart, column_name, before, after, cause"
) -> list[Any]:
    journal = f"'{nights['second'].path}/marts/restatements.parquet'"
    return duckdb.sql(f"select {columns} from {journal} where {where} order by all").fetchall()


def month(member: str, mart: str, dimension: str = "source") -> str:
    return f"mart = '{mart}' and period_grain = 'month' and dimension = '{dimension}' and member = '{member}'"


def test_nothing_is_restated_at_first(nights: dict[str, Any]) -> None:
    assert nights["first"].manifest["marts"]["restatements"]["rows"] == 0


def test_a_late_comment_restates_the_month_it_belongs_to(nights: dict[str, Any]) -> None:
    """First reply after 15 instead of 30 minutes, by day, week, month and quarter."""
    assert listed(
        nights,
        month("late", "kpi_response_times"),
        "column_name, before, after, cause, period_start::varchar",
    ) == [
        (column, 1800, 900, "late data", "2024-06-01")
        for column in ("mean_seconds", "median_seconds", "p90_seconds")
    ]
    grains = listed(nights, "member = 'late' and mart = 'kpi_response_times'", "distinct period_grain")
    assert grains == [("day",), ("month",), ("quarter",), ("week",)]
    [key] = listed(nights, month("late", "kpi_response_times"), "distinct key")
    assert key == ("month/2024-06-01/source/late/first_reply/calendar",)


def test_a_tombstone_that_arrives_later_restates_the_volume(nights: dict[str, Any]) -> None:
    counts = "column_name in ('created', 'solved')"
    assert listed(nights, f"{month('gone', 'kpi_volume')} and {counts}") == [
        ("kpi_volume", "created", 2, 1, "deletion"),
        ("kpi_volume", "solved", 2, 1, "deletion"),
    ]


def test_a_restored_ticket_restates_the_volume(nights: dict[str, Any]) -> None:
    assert listed(nights, f"{month('back', 'kpi_volume')} and column_name = 'created'") == [
        ("kpi_volume", "created", 1, 2, "deletion")
    ]


def test_an_edited_segment_is_a_correction(nights: dict[str, Any]) -> None:
    assert [
        listed(nights, f"{month(member, 'kpi_volume', 'segment')} and column_name in ('created', 'solved')")
        for member in ("silver", "gold")
    ] == [
        [("kpi_volume", column, 1, None, "correction") for column in ("created", "solved")],
        [("kpi_volume", column, None, 1, "correction") for column in ("created", "solved")],
    ]
    assert listed(nights, month("edited", "kpi_volume")) == []


def test_an_author_who_turns_out_to_be_a_customer_is_a_correction(nights: dict[str, Any]) -> None:
    """The first reply of two tickets after 30 and 20, then 30 and 30 minutes."""
    assert listed(
        nights,
        f"{month('author', 'kpi_response_times')} and column_name = 'mean_seconds' and key like '%first_reply%'",
    ) == [("kpi_response_times", "mean_seconds", 1500, 1800, "correction")]


def test_an_answer_and_a_fulfilment_that_landed_late(nights: dict[str, Any]) -> None:
    assert listed(nights, f"{month('rated', 'kpi_csat')} and column_name in ('n', 'csat_pct')") == [
        ("kpi_csat", "csat_pct", None, 100, "late data"),
        ("kpi_csat", "n", None, 1, "late data"),
    ]
    assert listed(nights, f"{month('clock', 'kpi_sla_compliance')} and column_name = 'met'") == [
        ("kpi_sla_compliance", "met", None, 1, "late data")
    ]


def test_maturing_is_summed(nights: dict[str, Any]) -> None:
    """The ticket that was open is solved: a cell of each grain, one row for all four."""
    assert listed(nights, "member = 'open'") == []
    assert listed(nights, "mart = 'kpi_volume' and cause = 'matured'", "key, column_name, cells, before") == [
        ("*", "*", 4, None)
    ]


def test_where_causes_mix_the_strongest_stands(nights: dict[str, Any]) -> None:
    assert listed(nights, month("all", "kpi_response_times", "all"), "distinct cause") == [("deletion",)]


def test_a_row_names_the_publications_that_it_lies_between(nights: dict[str, Any]) -> None:
    assert listed(nights, "true", "distinct before_version, version") == [
        (nights["first"].version, nights["second"].version)
    ]


def test_what_was_not_published_counts_once_and_rebuilding_changes_nothing(nights: dict[str, Any]) -> None:
    with duckdb.connect(str(nights["fresh"]), read_only=True) as con:
        rebuilt = marts_file.measure(con, "marts", "restatements")
    assert nights["second"].manifest["marts"]["restatements"]["content_hash"] == rebuilt.content_hash
    assert rebuilt.rows > 0


def test_the_journal_goes_on(nights: dict[str, Any]) -> None:
    """A quiet night adds nothing and changes nothing that stands."""
    second, third = (f"'{nights[night].path}/marts/restatements.parquet'" for night in ("second", "third"))
    assert duckdb.sql(f"from {second} except all from {third}").fetchall() == []
    assert duckdb.sql(f"select distinct cause from (from {third} except all from {second})").fetchall() in (
        [],
        [("matured",)],
    )
