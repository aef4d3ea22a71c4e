"""The marts agree with the sandbox company's own truth, which plain Python works out from the tickets' lives."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sandbox import journeys
from sandbox.catalog import CSAT_FORM, GROUP_IDS
from sandbox.rendering import ticket_id
from sandbox.server import Sandbox
from sandbox.truth import by_organization, demand, targets, tickets, truth
from sandbox.vendors.zendesk.people import organization

from .conftest import fetch_sandbox
from .warehouse import Warehouse

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ALL = "period_grain = 'all' and dimension = 'all'"
MARTS = (
    "+completeness_summary",
    "+excluded_tickets",
    "+experience",
    "+kpi_backlog",
    "+kpi_bottlenecks",
    "+kpi_cost",
    "+kpi_csat",
    "+kpi_demand",
    "+kpi_effort",
    "+kpi_experience",
    "+kpi_first_contact",
    "+kpi_follow_up",
    "+kpi_nps",
    "+kpi_response_times",
    "+kpi_retention",
    "+kpi_scorecard",
    "+kpi_team",
    "+kpi_volume",
    "+reconciliation_summary",
    "+rejected_values",
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, dict[str, Any]]:
    rules = {
        "service_costs.csv": "scenario,dimension,member,currency,monthly_cost,retained_pct,revenue_per_customer,"
        "deflected_per_month,saving_per_deflected,upsell_pct,revenue_per_upsell,valid_from,valid_to,source\n"
        "base,all,all,USD,9000,,,,,,,,,\nhigh,all,all,USD,12000,,,,,,,,,\n"
    }
    warehouse = Warehouse(tmp_path_factory.mktemp("truth"), time_zone="America/New_York", rules=rules)
    with Sandbox(tickets=1500, seed=3, now=NOW, profile="clean") as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
        expected = truth(sandbox.company)
        counted = {int(t.ticket_id) - 1 for t in tickets(sandbox.company) if t.excluded is None}
        expected["targets"] = [
            (str(ticket_id(ticket)), *target) for ticket, target in targets(sandbox.company, counted)
        ]
        expected["journeys"] = journeys.journeys(sandbox.company)
        counted_tickets = [t for t in tickets(sandbox.company) if t.excluded is None]
        expected["by_organization"] = by_organization(sandbox.company, counted_tickets)
        expected["organizations"] = [
            organization(sandbox.company, index)[1] for index in range(sandbox.company.organizations)
        ]
        expected["team"] = journeys.team(expected["journeys"], sandbox.company.team.ids)
        expected["experience"] = journeys.experiences(sandbox.company, expected["journeys"])
        expected["follow_ups"] = journeys.follow_ups(
            sandbox.company, expected["journeys"], 48 * 3600, 90 * 86_400
        )
        expected["comebacks"] = journeys.comebacks(sandbox.company, expected["journeys"], 90)
        expected["demand"] = demand(sandbox.company, counted_tickets, sandbox.company.now)
        expected["backlog"] = journeys.backlog(sandbox.company, expected["journeys"])
    warehouse.build(NOW.isoformat(), select=MARTS)
    return warehouse, expected


def test_population(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    assert (
        dict(warehouse.query("select reason, count(*) from marts.excluded_tickets group by reason"))
        == expected["excluded"]
    )
    assert warehouse.query("select count(*) from marts.tickets") == [(expected["tickets"],)]
    assert warehouse.query("select count(*) from marts.rejected_values") == [(0,)]
    [(created, solved)] = warehouse.query(f"select created, solved from marts.kpi_volume where {ALL}")
    assert (created, solved) == (expected["volume"]["created"], expected["volume"]["solved"])


def test_csat(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select case when dimension = 'all' then 'all' when member = 'helpdesk rating' then 'helpdesk' else member end, n, positive "
        "from marts.kpi_csat where period_grain = 'all' and dimension in ('all', 'survey')"
    )
    assert {name: (n, positive) for name, n, positive in rows} == {
        name: (cell["n"], cell["positive"]) for name, cell in expected["csat"].items()
    }


def test_nps_by_segment(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select member, n, promoters, passives, detractors from marts.kpi_nps "
        "where period_grain = 'all' and dimension in ('all', 'segment')"
    )
    assert {row[0]: row[1:] for row in rows} == {
        name: (cell["n"], cell["promoters"], cell["passives"], cell["detractors"])
        for name, cell in expected["nps"].items()
    }


def test_demand_by_hour_of_the_week(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Each hour of the week has its row; open hours are those of the schedules, across the changes of clocks."""
    warehouse, expected = company
    for column in ("created", "solved"):
        rows = warehouse.query(f"select hour_of_week, {column} from marts.kpi_demand where {ALL}")
        assert len(rows) == 168
        assert {hour: n for hour, n in rows if n} == expected["demand"][column]
    rows = warehouse.query(
        "select case dimension when 'all' then 'open' else split_part(member, '/', 2) end, hour_of_week, open_hours"
        " from marts.kpi_demand where period_grain = 'all' and open_hours > 0"
    )
    names = {name for name, _, _ in rows}
    assert len(names) > 2
    for name in names:
        assert {hour: hours for of, hour, hours in rows if of == name} == pytest.approx(
            expected["demand"][name]
        )


def test_by_organization(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Every account's tickets, answers and targets, under its newest name."""
    warehouse, expected = company
    columns = {
        "volume": ("kpi_volume", "created"),
        "csat": ("kpi_csat", "n, positive"),
        "nps": ("kpi_nps", "n, promoters, passives, detractors"),
    }
    for kpi, (table, counts) in columns.items():
        rows = warehouse.query(
            f"select member, {counts} from marts.{table} where dimension = 'organization' and period_grain = 'all'"
        )
        names = counts.split(", ")
        assert {member: Counter(dict(zip(names, found, strict=True))) for member, *found in rows} == (
            expected["by_organization"][kpi]
        ), kpi
    rows = warehouse.query(
        "select member, metric, met, breached, active from marts.kpi_sla_compliance "
        "where dimension = 'organization' and period_grain = 'all'"
    )
    targets_of: dict[str, Counter[str]] = {}
    for member, metric, *found in rows:
        named = zip(("met", "breached", "active"), found, strict=True)
        targets_of.setdefault(member, Counter()).update({f"{metric}/{name}": n for name, n in named})
    assert targets_of == expected["by_organization"]["sla"]
    rows = warehouse.query(
        "select distinct member, member_label from marts.kpi_volume "
        "where dimension = 'organization' and member <> '(none)'"
    )
    names = {str(record["id"]): record["name"] for record in expected["organizations"]}
    assert dict(rows).items() <= names.items()
    for table in ("kpi_csat", "kpi_nps", "kpi_sla_compliance", "kpi_volume"):
        [(whole, split, grains)] = warehouse.query(
            "select count(distinct period_start) filter (dimension = 'all'), "
            "count(distinct period_start) filter (dimension = 'organization'), "
            "string_agg(distinct period_grain, ' ' order by period_grain) filter (dimension = 'organization') "
            f"from marts.{table} where period_grain not in ('day', 'week') or dimension = 'organization'"
        )
        assert (grains, split <= whole) == ("all month quarter", True), table
    assert warehouse.query("select count(*) from marts.kpi_scorecard where dimension = 'organization'") == [
        (0,)
    ]


def test_times(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        f"select measure || '/' || clock, n, mean_seconds, median_seconds, p90_seconds from marts.kpi_response_times where {ALL}"
    )
    assert {row[0] for row in rows} == set(expected["response_times"])
    for name, n, mean, median, p90 in rows:
        cell = expected["response_times"][name]
        assert n == cell["n"], name
        assert (mean, median, p90) == pytest.approx(
            (cell["mean_seconds"], cell["median_seconds"], cell["p90_seconds"]), rel=1e-9
        ), name


def test_sla(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query("select metric, outcome, count(*) from marts.sla_targets group by all")
    assert {(metric, outcome): n for metric, outcome, n in rows} == {
        (metric, outcome): cell[outcome]
        for metric, cell in expected["sla"].items()
        for outcome in ("met", "breached", "active", "superseded", "cancelled")
        if cell[outcome]
    }


def test_every_sla_target(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Ticket, metric, applied, target, ended, seconds on the clock and outcome, of every target that ever stood."""
    warehouse, expected = company
    rows = warehouse.query(
        "select ticket_id, metric, epoch(applied_at)::bigint, target_seconds::bigint, epoch(ended_at)::bigint, "
        "elapsed_seconds, outcome from marts.sla_targets"
    )
    assert len({metric for _, metric, *_ in rows}) == 8
    assert sorted(rows, key=str) == sorted(expected["targets"], key=str)


def test_our_clocks_agree_with_the_vendors_breach_stamps(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Two routes to one answer: where our due time lies before the end, the vendor stamped a breach, and nowhere else."""
    warehouse, _ = company
    assert (
        warehouse.query(
            """
        select metric, ticket_id, applied_at, due_at, ended_at, outcome, breached_at from marts.sla_targets
        where (outcome = 'met' and due_at < ended_at)
           or (outcome = 'breached' and breached_at <> greatest(due_at, applied_at))
        """
        )
        == []
    )
    [(judged,)] = warehouse.query(
        "select count(*) from marts.sla_targets where due_at is not null and outcome in ('met', 'breached')"
    )
    assert judged > 1000


def test_every_number_of_the_vendor_agrees_or_is_explained(
    company: tuple[Warehouse, dict[str, Any]],
) -> None:
    """The sandbox computes Zendesk's metric sets and clocks on a way of its own."""
    warehouse, expected = company
    assert warehouse.query("select * from marts.reconciliation where not is_explained") == []
    [(numbers, sets, unexplained)] = warehouse.query(
        "select count(*), max(compared), sum(unexplained) from marts.reconciliation_summary"
    )
    assert (numbers, sets, unexplained) == (28, expected["tickets"], 0)
    assert warehouse.query("select distinct reason, reading from marts.reconciliation order by all") == [
        ("schedule_convention", "schedule_at_event"),
        ("vendor_clock_rule", "ends_at_solve"),
        ("vendor_clock_rule", "from_question"),
        ("vendor_clock_rule", "so_far"),
        ("vendor_clock_rule", "unsolved_only"),
    ]


def test_nothing_is_missing(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    assert (
        warehouse.query(
            "select * from marts.completeness_summary where missing + unexplained + unknown > 0 or gap is not null"
        )
        == []
    )
    assert warehouse.query(
        "select measure, sum(expected), sum(confirmed) from marts.completeness_summary "
        "where measure in ('first_reply', 'public_agent_replies') group by measure order by measure"
    ) == [
        ("first_reply", 1413, 1335),
        ("public_agent_replies", expected["tickets"], expected["tickets"]),
    ]


def test_replies(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select ticket_id, reply_no, epoch(waits_from)::bigint, epoch(replied_at)::bigint, agent_id, group_id, "
        "business_seconds from marts.ticket_replies"
    )
    assert set(rows) == {
        (
            one.ticket_id,
            reply.number,
            reply.waits_from,
            reply.replied_at,
            None if reply.agent is None else str(reply.agent),
            str(GROUP_IDS[reply.group]),
            reply.business_seconds,
        )
        for one in expected["journeys"]
        for reply in one.replies
    }
    assert len(rows) > 2000
    assert warehouse.query(
        "select count(*) from marts.ticket_replies where seconds is not null and reply_no > 1"
    ) == (
        warehouse.query(
            f"select n from marts.kpi_response_times where {ALL} and measure = 'next_reply' and clock = 'calendar'"
        )
    )


def test_the_way_of_each_ticket(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select ticket_id, epoch(first_assigned_at)::bigint, group_hops, assignee_hops, priority_raises, reopens, "
        "unassigned_seconds, unassigned_business_seconds, has_repeat_contact, is_reopened_in_window, "
        "is_first_contact_resolved, customer_turns from marts.tickets"
    )
    assert set(rows) == {
        (
            one.ticket_id,
            one.first_assigned,
            one.group_hops,
            one.assignee_hops,
            one.priority_raises,
            len(one.reopened),
            *(one.unassigned or (None, None)),
            one.has_repeat_contact,
            one.is_reopened_in_window,
            one.is_first_contact_resolved,
            one.customer_turns,
        )
        for one in expected["journeys"]
    }


def test_first_contact(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        f"select convention, numerator, denominator, immature from marts.kpi_first_contact where {ALL}"
    )
    found = {row[0]: row[1:] for row in rows}
    assert found == journeys.first_contact(expected["journeys"])
    assert all(0 < yes < of for yes, of, _ in found.values())


def test_effort(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """The sandbox's helpdesk tracks no handle time."""
    warehouse, expected = company
    names = ("n", "affected", "total", "median_per_ticket", "p90_per_ticket")
    rows = warehouse.query(f"select measure, {', '.join(names)} from marts.kpi_effort where {ALL}")
    assert {measure: dict(zip(names, numbers, strict=True)) for measure, *numbers in rows} == {
        **journeys.effort(expected["journeys"]),
        "handle_seconds": {
            "n": 0, "affected": 0, "total": None, "median_per_ticket": None, "p90_per_ticket": None,
        },
    }  # fmt: skip


def test_team(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select period_start, dimension, member, solved, reopened, replies from marts.kpi_team "
        "where period_grain = 'month' and dimension <> 'all' and solved + replies > 0"
    )
    assert {row[:3]: row[3:] for row in rows} == {
        key: (count["solved"], count["reopened"], count["replies"]) for key, count in expected["team"].items()
    }
    [(csat, positive, met, breached)] = warehouse.query(
        f"select csat_n, csat_positive, sla_met, sla_breached from marts.kpi_team where {ALL}"
    )
    assert (csat, positive) == (expected["csat"]["all"]["n"], expected["csat"]["all"]["positive"])
    assert [met, breached] == [
        sum(cell[outcome] for cell in expected["sla"].values()) for outcome in ("met", "breached")
    ]


def test_cost_per_ticket(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """9,000 or 12,000 a month over the tickets solved in it; of July half a day has passed, which counts as one."""
    warehouse, expected = company
    solved = Counter[date]()
    for (month, dimension, _), count in expected["team"].items():
        if dimension == "group":
            solved[month] += count["solved"]
    rows = warehouse.query(
        "select scenario, period_start, solved, cost, cost_per_ticket from marts.kpi_cost "
        "where period_grain = 'month' and solved > 0"
    )
    assert {row[1]: row[2] for row in rows} == {month: n for month, n in solved.items() if n}
    for scenario, month, n, cost, per_ticket in rows:
        share = 1 / 31 if month == date(2026, 7, 1) else 1
        assert cost == pytest.approx({"base": 9000, "high": 12000}[scenario] * share)
        assert per_ticket == pytest.approx(cost / n)


def test_who_came_back(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Nobody is declared lost, so who stayed is not known."""
    warehouse, expected = company
    rows = warehouse.query(
        "select factor, exposure, n, retained from marts.kpi_retention where window_days = 90 "
        "and unit = 'customer' and outcome = 'came_back' and factor in ('reopened', 'contacts')"
    )
    assert {row[:2]: row[2:] for row in rows} == expected["comebacks"]
    assert len(rows) >= 4
    assert warehouse.query("select * from marts.kpi_retention where outcome = 'stayed'") == []


def test_experience(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """What had happened on each ticket when the form was answered, and how answers differ by it."""
    warehouse, expected = company
    rows = warehouse.query(
        "select ticket_id, points = 100, reopens, group_hops, first_reply_seconds::bigint, resolution_seconds::bigint "
        f"from marts.experience where survey = '{CSAT_FORM}'"
    )
    assert {row[0]: row[1:] for row in rows} == expected["experience"]
    assert len(rows) > 100
    for name, low, high in [("0", 0, 0), ("1", 1, 1), ("2 and more", 2, 99)]:
        [(n, value, others)] = warehouse.query(
            "select n, value, others_value from marts.kpi_experience where time_span = 'all' and kind = 'csat' "
            f"and factor = 'hops' and exposure = '{name}'"
        )
        points = warehouse.query(
            f"select points, group_hops between {low} and {high} from marts.experience "
            "where kind = 'csat' and group_hops is not null"
        )
        sides = [[p for p, is_exposed in points if is_exposed is side] for side in (True, False)]
        assert n == len(sides[0])
        assert (value, others) == pytest.approx([sum(side) / len(side) for side in sides])


def test_what_was_done_about_bad_ratings(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """Contact is due two days after the answer, by the rule file as it is shipped; a public reply is contact."""
    warehouse, expected = company
    rows = warehouse.query(
        "select f.ticket_id, f.score::integer, epoch(f.flagged_at)::bigint, epoch(f.contacted_at)::bigint, f.outcome "
        "from marts.follow_ups as f inner join marts.tickets using (ticket_id) "
        f"where f.survey = '{CSAT_FORM}'"
    )
    assert {row[0]: row[1:] for row in rows} == expected["follow_ups"]
    outcomes = Counter(row[-1] for row in rows)
    assert outcomes.keys() >= {"contacted_in_time", "overdue"}
    [counted] = warehouse.query(
        "select count(*), count(*) filter (outcome = 'contacted_in_time'), count(*) filter (outcome = 'overdue') "
        "from marts.follow_ups where kind = 'csat'"
    )
    assert warehouse.query(
        f"select flagged, contacted_in_time, overdue from marts.kpi_follow_up where {ALL} and kind = 'csat'"
    ) == [counted]


def test_stages(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    rows = warehouse.query(
        "select member, stage, clock, n, sum_seconds, share_pct, mean_seconds, median_seconds, p90_seconds "
        "from marts.kpi_bottlenecks where period_grain = 'all' and dimension in ('all', 'group') and n > 0"
    )
    truth_of = {
        key: cell for key, cell in journeys.stages(expected["journeys"]).items() if key[1] != "deleted"
    }
    assert {row[:3] for row in rows} == set(truth_of)
    names = ("sum_seconds", "share_pct", "mean_seconds", "median_seconds", "p90_seconds")
    for member, stage, clock, n, *numbers in rows:
        cell = truth_of[member, stage, clock]
        assert n == cell["n"], (member, stage, clock)
        assert numbers == pytest.approx([cell[name] for name in names], rel=1e-9), (member, stage, clock)


def test_backlog(company: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, expected = company
    days = "from marts.kpi_backlog where period_grain = 'day'"
    by_age = warehouse.query(
        "select period_start, case when age_bucket = 'all' then 'all' else age_from_days::varchar end, open_at_end "
        f"{days} and dimension = 'all' and open_at_end > 0"
    )
    assert {row[:2]: row[2] for row in by_age} == expected["backlog"]["open"]
    by_group = warehouse.query(
        f"select period_start, member, open_at_end {days} and dimension = 'group' and age_bucket = 'all' and open_at_end > 0"
    )
    assert {row[:2]: row[2] for row in by_group} == expected["backlog"]["group"]
    for column in ("arrivals", "departures"):
        moved = warehouse.query(
            f"select period_start, 'all', {column} {days} and dimension = 'all' and age_bucket = 'all' and {column} > 0"
        )
        assert {row[:2]: row[2] for row in moved} == expected["backlog"][column]


def test_backlogs_hang_together(company: tuple[Warehouse, dict[str, Any]]) -> None:
    """What is open adds up over members and ages; one period ends as the next begins; the last is what is unsolved."""
    warehouse, _ = company
    assert (
        warehouse.query(
            """
            select s.*, w.open_at_end
            from (
                select period_grain, period_start, dimension, age_bucket, sum(open_at_end) as open_at_end
                from marts.kpi_backlog group by all
                union all
                select period_grain, period_start, 'by age', 'all', sum(open_at_end)
                from marts.kpi_backlog where dimension = 'all' and age_bucket <> 'all' group by all
            ) as s
            join marts.kpi_backlog as w
                on w.dimension = 'all' and w.age_bucket = s.age_bucket and w.period_grain = s.period_grain
                and w.period_start is not distinct from s.period_start
            where s.open_at_end <> w.open_at_end
            """
        )
        == []
    )
    assert (
        warehouse.query(
            """
            select * from (
                select *, lag(open_at_end) over (
                    partition by period_grain, age_bucket order by period_start
                ) as before
                from marts.kpi_backlog where dimension = 'all' and period_grain <> 'all'
            )
            where open_at_start <> coalesce(before, 0)
            """
        )
        == []
    )
    for grain in ("day", "week", "month", "quarter", "all"):
        assert warehouse.query(
            f"select open_at_end, is_partial_period from marts.kpi_backlog where period_grain = '{grain}' "
            "and dimension = 'all' and age_bucket = 'all' order by period_start desc limit 1"
        ) == [
            (
                *warehouse.query("select count(*) from marts.tickets where unsolved_age_seconds is not null")[
                    0
                ],
                grain != "all",
            )
        ]
