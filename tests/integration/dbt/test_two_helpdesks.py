"""One company seen through Zendesk and through Freshdesk, both in one warehouse: the same wherever both can know it.

Ids of tickets, agents, groups and customers are the same in both: who forgets the source takes one for the other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.extract import fetch
from ingestion.sources import freshdesk, zendesk
from sandbox.server import Sandbox
from tests.parsed import ROOT

from .warehouse import Warehouse

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
#: What rows of a KPI table are of one definition, beside its dimension and period, and what is compared of them.
COUNTS: dict[str, tuple[str, str, str]] = {
    "first_reply_time": (
        "kpi_response_times",
        "measure = 'first_reply'",
        "n, mean_seconds, median_seconds, p90_seconds",
    ),
    "next_reply_time": (
        "kpi_response_times",
        "measure = 'next_reply'",
        "n, mean_seconds, median_seconds, p90_seconds",
    ),
    "first_resolution_time": ("kpi_response_times", "measure = 'first_resolution'", "n"),
    "full_resolution_time": (
        "kpi_response_times",
        "measure = 'full_resolution'",
        "n, mean_seconds, median_seconds, p90_seconds",
    ),
    "requester_wait_time": ("kpi_response_times", "measure = 'requester_wait'", "n"),
    "agent_wait_time": ("kpi_response_times", "measure = 'agent_wait'", "n"),
    "on_hold_time": ("kpi_response_times", "measure = 'on_hold'", "n"),
    "agent_work_time": ("kpi_response_times", "measure = 'agent_work'", "n"),
    "stage_time": ("kpi_bottlenecks", "true", "n"),
    "tickets_created": ("kpi_volume", "true", "created, solved, reopened, customers"),
    "csat": ("kpi_csat", "true", "n, positive, csat_pct"),
    "reopen_rate": ("kpi_effort", "measure = 'reopens'", "n, affected, total"),
    "transfer_rate": ("kpi_effort", "measure = 'transfers'", "n"),
    "agent_transfer_rate": ("kpi_effort", "measure = 'agent_transfers'", "n"),
    "escalation_rate": ("kpi_effort", "measure = 'escalations'", "n"),
    "agent_replies": ("kpi_effort", "measure = 'agent_replies'", "n, affected, total"),
    "customer_turns": ("kpi_effort", "measure = 'customer_turns'", "n, affected, total"),
    "one_touch_rate": ("kpi_first_contact", "convention = 'one_touch'", "numerator, denominator, immature"),
    "one_touch_explore_rate": (
        "kpi_first_contact",
        "convention = 'one_touch_explore'",
        "numerator, denominator",
    ),
    "not_reopened_rate": ("kpi_first_contact", "convention = 'not_reopened'", "numerator, denominator"),
    "first_contact_resolution_rate": (
        "kpi_first_contact",
        "convention = 'first_contact_resolution'",
        "numerator, denominator",
    ),
    "survey_response": ("kpi_survey_response", "true", "sent"),
}


def told() -> dict[str, dict[str, str]]:
    """The table of the documents: what each vendor can tell of a KPI."""
    text = (ROOT / "docs" / "metrics.md").read_text().partition("\n## What each vendor can tell\n")[2]
    table = text[text.index("\n| ") :].strip().partition("\n\n")[0]
    heads, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines())
    return {
        name: dict(zip(heads[1:], answers, strict=True))
        for names, *answers in rows
        for name in re.findall(r"`(\w+)`", names)
    }


TOLD = told()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    with Sandbox(tickets=400, seed=3, now=NOW, profile="clean") as sandbox:
        # No answer of Freshdesk's tells its holidays: a rule file does.
        days = "".join(
            f"freshdesk,{schedule.id},{first},{last}\n"
            for schedule in sandbox.company.schedules
            for first, last, _ in schedule.holidays
        )
        rules = {"holidays.csv": "source,schedule_id,first_day,last_day\n" + days}
        warehouse = Warehouse(tmp_path_factory.mktemp("two"), time_zone="America/New_York", rules=rules)
        env = sandbox.env("zendesk", "freshdesk")
        sources = [
            zendesk.source(
                "zendesk", env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
            ),
            freshdesk.source("freshdesk", env["FRESHDESK_URL"], api_key=env["FRESHDESK_API_KEY"]),
        ]
        assert [each.error for each in fetch(sources, warehouse.landing).streams if each.error] == []
    warehouse.build(NOW.isoformat())
    return warehouse


def cells(warehouse: Warehouse, kpi: str, source: str) -> dict[Any, tuple[Any, ...]]:
    """Every period's cell of a source; business hours are each vendor's own."""
    table, where, columns = COUNTS[kpi]
    keys = ["period_grain", "cast(period_start as varchar)"]
    where += " and clock = 'calendar'" if table in ("kpi_response_times", "kpi_bottlenecks") else ""
    keys += ["stage"] if table == "kpi_bottlenecks" else []
    rows = warehouse.query(
        f"select {', '.join(keys)}, {columns} from marts.{table} where dimension = 'source' and member = '{source}' and {where}"
    )
    return {row[: len(keys)]: row[len(keys) :] for row in rows if any(row[len(keys) :])}


@pytest.mark.parametrize("kpi", COUNTS)
def test_cells_are_as_the_documents_say(warehouse: Warehouse, kpi: str) -> None:
    """Equal where both know all of it; of some fewer where one knows some; none where one knows nothing."""
    ours, theirs = cells(warehouse, kpi, "zendesk"), cells(warehouse, kpi, "freshdesk")
    assert ours or kpi == "survey_response"
    match TOLD[kpi]["Freshdesk"]:
        case "yes":
            assert theirs.keys() == ours.keys()
            for cell, values in ours.items():
                assert theirs[cell] == pytest.approx(values), (kpi, cell)
        case "in part":
            assert theirs != ours
            assert theirs.keys() <= ours.keys()
            assert all(theirs[cell][0] <= ours[cell][0] for cell in theirs)
        case answer:
            assert answer == "no"
            assert theirs == {}


def test_documents_name_every_kpi(warehouse: Warehouse) -> None:
    kpis = {kpi for (kpi,) in warehouse.query("select kpi from marts.kpi_definitions")}
    assert TOLD.keys() == kpis
    assert {answers["Freshdesk"] for answers in TOLD.values()} == {"yes", "in part", "no"}
    assert [
        kpi for kpi, answers in TOLD.items() if answers["Freshdesk"] != "yes" and not answers["why not"]
    ] == []


def test_every_ticket_is_the_same_in_both(warehouse: Warehouse) -> None:
    """Who holds it, who asked, when it came, was answered and solved, how often: whatever both know of it."""
    columns = (
        "created_at", "customer_id", "organization_id", "segment", "group_id", "assignee_id", "first_reply_at", "last_solved_at",
        "first_reply_seconds", "full_resolution_seconds", "public_agent_replies", "customer_turns", "reopens", "is_solved",
        "is_one_touch", "is_first_contact_resolved", "lower(product)", "lower(service_area)",
    )  # fmt: skip
    chosen = ", ".join(columns)
    both = f"select ticket_id, {chosen} from marts.tickets where source"
    assert warehouse.query(
        "select source, count(*) > 300 from marts.tickets group by source order by source"
    ) == [
        ("freshdesk", True),
        ("zendesk", True),
    ]
    assert warehouse.query(f"({both} = 'zendesk' except {both} = 'freshdesk') order by ticket_id") == []
    # Of those whose first solve Freshdesk tells, it is the same: of all that were not reopened before the fetch.
    assert warehouse.query(
        "select count(case when f.first_solved_at <> z.first_solved_at then 1 end),"
        " count(case when f.first_solved_at is null and z.first_solved_at is not null and z.reopens = 0 then 1 end)"
        " from marts.tickets as f inner join marts.tickets as z on f.ticket_id = z.ticket_id"
        " where f.source = 'freshdesk' and z.source = 'zendesk'"
    ) == [(0, 0)]
    # So is business time, where the same hours hold in both.
    assert warehouse.query(
        "select count(*) > 100, count(case when f.first_reply_business_seconds <> z.first_reply_business_seconds then 1 end)"
        " from marts.tickets as f inner join marts.tickets as z on f.ticket_id = z.ticket_id"
        " inner join core.int_ticket_schedules as sf on f.source = sf.source and f.ticket_id = sf.ticket_id and sf.is_last"
        " inner join core.int_ticket_schedules as sz on z.source = sz.source and z.ticket_id = sz.ticket_id and sz.is_last"
        " where f.source = 'freshdesk' and z.source = 'zendesk' and not sz.has_switched"
        " and split_part(sf.schedule_key, '/', 2) = split_part(sz.schedule_key, '/', 2)"
    ) == [(True, 0)]


def test_nobody_is_merged_across_helpdesks(warehouse: Warehouse) -> None:
    """A customer of both is a customer of each: no rule says that they are one."""
    rows = warehouse.query(
        "select source, count(*), count(distinct customer_id) from marts.customers group by source"
    )
    assert {source for source, *_ in rows} == {"zendesk", "freshdesk"}
    assert all(customers == distinct for _, customers, distinct in rows)
    [(both,)] = warehouse.query(
        "select customers from marts.kpi_volume where period_grain = 'all' and dimension = 'all'"
    )
    each = warehouse.query(
        "select customers from marts.kpi_volume where period_grain = 'all' and dimension = 'source'"
    )
    assert both == sum(customers for (customers,) in each)


def test_vendors_own_numbers_are_explained(warehouse: Warehouse) -> None:
    assert (
        warehouse.query(
            "select source, measure, unexplained from marts.reconciliation_summary where unexplained > 0"
        )
        == []
    )
    assert (
        warehouse.query(
            "select measure from marts.completeness_summary where source = 'freshdesk' and missing + unexplained > 0"
        )
        == []
    )
    # Waits that the vendor never tells are counted and no gap: nobody could close it.
    assert warehouse.query(
        "select count(gap), bool_or(unknown_pct > warn_pct and expected >= min_values) from marts.completeness_summary"
        " where source = 'freshdesk'"
    ) == [(0, True)]
    assert warehouse.query("select count(*) from marts.rejected_values where source = 'freshdesk'") == [(0,)]
    assert warehouse.query(
        "select rule, bool_and(is_agreed) from marts.stream_agreement where source = 'freshdesk' group by rule order by rule"
    ) == [("tickets_have_requesters", True), ("timed_replies_are_counted", True)]
