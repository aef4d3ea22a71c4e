"""What the demo's company went through, looked for in what its first night published."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from orchestration.commands.demo import SEED
from orchestration.report.texts import Texts
from sandbox.catalog import BUSINESS_ZONE
from sandbox.demo.company import PAYROLL, DemoCompany
from sandbox.lifecycle import AGENT_REPLY

SAYS = Texts("en")


@dataclass(frozen=True)
class Night:
    """The first night of a demo: its version, what can be read on its page, and the company as it was."""

    version: Path
    page: str
    company: DemoCompany

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the published file answers."""
        with duckdb.connect(str(self.version / "marts.duckdb"), read_only=True) as con:
            return con.execute(query).fetchall()

    def created(self, first: date, days: int) -> Any:
        """Which tickets were created on these local days."""
        start, end = (
            datetime.combine(day, time(), ZoneInfo(BUSINESS_ZONE)).timestamp()
            for day in (first, first + timedelta(days=days))
        )
        return (self.company.created >= start) & (self.company.created < end)


def night(folder: Path, printed: str) -> Night:
    """Where the demo of a folder says that its first night is."""
    [version] = re.findall(r"^Published (\S+):", printed, re.MULTILINE)
    [page] = re.findall(r"^The report: (\S+) \(`cxmarts report --open`\)$", printed, re.MULTILINE)
    state = json.loads((folder / ".cxmarts" / "demo.json").read_text())
    path = folder / ".cxmarts" / "published" / "versions" / version
    assert (folder / page).is_file()
    text = (path / "report" / "index.html").read_text()
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", text, flags=re.DOTALL)
    read = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
    company = DemoCompany(SEED, state["tickets"], datetime.fromisoformat(state["now"]))
    return Night(path, read, company)


def two_years_and_a_hundred_tickets_a_week(found: Night) -> None:
    [(first,)] = found.rows("select min(period_start) from kpi_volume where period_grain = 'day'")
    whole = f"dimension = 'all' and not is_partial_period and period_start >= '{first}'"
    months = found.rows(f"select period_start from kpi_volume where {whole} and period_grain = 'month'")
    weeks = found.rows(f"select created from kpi_volume where {whole} and period_grain = 'week'")
    assert len(months) >= 24 and len(weeks) >= 104
    assert min(weeks) >= (100,)


def what_rule_files_can_do(found: Night) -> None:
    """Targets, costs, an effort question, an own dimension, benchmarks, segment sizes: a year of each."""
    for rows in (
        "kpi_scorecard where target is not null and kpi = 'sla_first_reply' and period_grain = 'month'",
        "kpi_cost where cost_per_ticket > 0 and scenario = 'low' and period_grain = 'month'",
        "kpi_ces where n >= 30 and dimension = 'all' and period_grain = 'month'",
        "kpi_sla_compliance where dimension = 'region' and member = 'Europe' and period_grain = 'month'",
        "kpi_scorecard where benchmark is not null and kpi = 'csat' and period_grain = 'month'",
        "kpi_nps where weighted_nps is not null and period_grain = 'month'",
    ):
        assert len(found.rows(f"from {rows}")) >= 12, rows


def most_unhappy_customers_are_called(found: Night) -> None:
    [(called, due)] = found.rows(
        "select sum(contacted_in_time), sum(due) from kpi_follow_up"
        " where period_grain = 'all' and dimension = 'all'"
    )
    assert 0.75 * due < called < due
    [(named,)] = found.rows("select avg((ticket_id is not null)::int) from survey_answers where kind = 'nps'")
    assert named > 0.95


def a_shift(found: Night) -> None:
    """Questions about Payroll: as many as there were in the last whole week, far beyond the limits."""
    [(start, created, center, limit, signal)] = found.rows(
        "select period_start, value, center, upper_limit, signal from kpi_scorecard"
        " where kpi = 'tickets_created' and dimension = 'product' and member = 'payroll'"
        " and period_grain = 'week' and not is_partial_period order by period_start desc limit 1"
    )
    happened = int((found.created(start, 7) & (found.company.product == PAYROLL)).sum())
    # Spam, merged tickets and those that agents open do not count.
    assert 0.85 * happened <= created <= happened
    assert created > max(limit, 1.5 * center) and signal == "beyond_limits"
    told = found.page.rpartition("What changed and is no noise")[2].partition("Do today")[0]
    week = " ".join(SAYS.period("week", start).split())
    assert f"Tickets created, product payroll, {week}: {created:.0f}, higher than usual" in told


def an_improvement(found: Night) -> None:
    """Before and after stand beside each other, are those of the targets themselves, and it did happen."""
    [(before, shown_before, after, shown_after, outcome)] = found.rows(
        "select before_start, before_value, after_start, after_value, outcome from change_effects"
        " where kpi = 'sla_first_reply' and dimension = 'all'"
    )
    months = {
        month: 100 * met / ended
        for month, met, ended in found.rows(
            "select date_trunc('month', outcome_date)::date, count(*) filter (outcome = 'met'), count(*)"
            " from sla_targets where metric = 'first_reply' and outcome in ('met', 'breached') group by 1"
        )
    }
    assert abs(months[before] - shown_before) < 1e-9 and abs(months[after] - shown_after) < 1e-9
    assert outcome == "as_expected" and shown_after > shown_before + 5
    told = found.page.rpartition("What we changed, and what came after")[2].partition("Do today")[0]
    what = "New tickets are answered before old ones SLA met, first reply"
    for month, value in ((before, shown_before), (after, shown_after)):
        assert f"{SAYS.period('month', month)}: {value:.1f} %" in told.partition(what)[2][:200]
    assert waited(found, after) < waited(found, before) / 2


def waited(found: Night, month: date) -> float:
    """Seconds that half of the tickets of a month waited for their first reply."""
    company, last = found.company, (month + timedelta(days=31)).replace(day=1)
    [tickets] = found.created(month, (last - month).days).nonzero()
    waits = []
    for ticket in tickets.tolist():
        first, *rest = company.life(ticket)
        replies = [update.t - first.t for update in rest if update.comment == AGENT_REPLY]
        waits += replies[:1]
    return median(waits)


def a_channel_with_holes(found: Night) -> None:
    """A warning, which held nothing: of the web form alone, between the limits."""
    gaps = found.rows(
        "select channel, gap, lost_pct, warn_pct, critical_pct from completeness_summary"
        " where gap is not null"
    )
    assert {(channel, gap) for channel, gap, *_ in gaps} == {("web", "warning")}
    assert all(warn < lost < critical for _, _, lost, warn, critical in gaps)
    results = json.loads((found.version / "manifest.json").read_text())["gate_results"]
    [warned] = [each for each in results if each["expectation"] == "numbers_are_not_missing"]
    assert (warned["severity"], warned["outcome"]) == ("warning", "failed")
    first, _, rest = found.page.partition("What we changed, and what came after")
    assert re.search(r"Incomplete: channel web \(zendesk\); [\d. %to]+ of its tickets lack", first)
    told = rest.rpartition("What is not known of all tickets")[2].partition("What the numbers mean")[0]
    assert re.search(r"web zendesk full resolution [\d,]+ [\d,]+ ", told)


CHECKS = (
    two_years_and_a_hundred_tickets_a_week,
    what_rule_files_can_do,
    most_unhappy_customers_are_called,
    a_shift,
    an_improvement,
    a_channel_with_holes,
)
