"""The report over marts made by hand: a company without anything, with little, and with hostile words."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import pytest

from orchestration.ground.settings import LANGUAGES
from orchestration.report import charts, page, specs, texts
from orchestration.report.blocks import ROWS, Chart, Shape, Table
from orchestration.report.data import plain
from orchestration.warehouse.contracts import contracts
from quality.contracts import Contract
from tests import parsed

#: A Friday; the last whole week began on 2 March 2026, the last month was February.
MANIFEST = {
    "version": "20260313T060000000000Z-abcdef",
    "as_of": "2026-03-13T06:00:00+00:00",
    "time_zone": "Europe/Berlin",
    "gate_results": [],
}
MONDAY = date(2026, 3, 2)
EVIL = "</script><img src=x onerror=alert(1)>\u202eevil"


@pytest.fixture(scope="module")
def marts() -> dict[str, Contract]:
    return contracts(parsed.project().manifest)


class Text(HTMLParser):
    """What can be read, and every tag with its attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @property
    def all(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words)).replace("\u00a0", " ")


def version(folder: Path, marts: dict[str, Contract], **rows: list[dict[str, Any]]) -> Path:
    """A version whose marts hold these rows alone."""
    folder.mkdir()
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        for name, contract in marts.items():
            columns = ", ".join(f'"{column}" {type_}' for column, type_ in contract.types.items())
            con.execute(f"CREATE TABLE {name} ({columns})")
        for name, given in rows.items():
            for row in given:
                names = ", ".join(f'"{column}"' for column in row)
                con.execute(
                    f"INSERT INTO {name} ({names}) VALUES ({', '.join('?' * len(row))})", [*row.values()]
                )
    return folder


def made(folder: Path, marts: dict[str, Contract], before: Path | None = None, language: str = "en") -> Text:
    found = page.make(folder, MANIFEST, before, marts=marts, language=language)
    return Text(found.read_text())


def definition(kpi: str, unit: str, better: str | None, settles: int = 0) -> dict[str, Any]:
    return {
        "kpi": kpi, "mart": "kpi_" + kpi, "unit": unit, "better": better, "settles_after_days": settles,
        "definition": f"what {kpi} means", "variant": "as usual",
    }  # fmt: skip


def cell(kpi: str, start: date = MONDAY, **more: Any) -> dict[str, Any]:
    base = {"period_grain": "week", "dimension": "all", "member": "all", "is_small_n": False}
    return {"kpi": kpi, **base, "period_start": start, "is_partial_period": False, **more}


CSAT = definition("csat", "percent", "higher")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_without_anything_is_told_so(
    tmp_path: Path, marts: dict[str, Contract], language: str
) -> None:
    told = made(version(tmp_path / "v", marts), marts, language=language)
    wanted = {
        "en": ("No source has delivered anything yet", "Nothing can be judged yet", "No promise is broken"),
        "de": (
            "Noch keine Quelle hat etwas geliefert",
            "Noch lässt sich nichts",
            "Keine Zusage ist gebrochen",
        ),
    }
    assert [text for text in wanted[language] if text not in told.all] == []
    assert ("html", {"lang": language}) in told.tags
    assert not any(tag == "svg" for tag, _ in told.tags)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        pytest.param({"is_small_n": True, "n": 4}, "too few", id="small"),
        pytest.param({"signal": "beyond_limits", "shift": "worse", "center": 80.0, "lower_limit": 70.0,
                      "upper_limit": 90.0}, "worse", id="beyond its limits"),
        pytest.param({"signal": "none", "lower_limit": 40.0, "upper_limit": 90.0}, "unchanged", id="within"),
        pytest.param({"previous_value": 40.0, "is_significant_change": True}, "better", id="a real rise"),
        pytest.param({"previous_value": 70.0, "is_significant_change": True}, "worse", id="a real fall"),
        pytest.param({"previous_value": 59.0, "is_significant_change": False}, "unchanged", id="noise"),
        pytest.param({}, "not judged", id="no test"),
    ],
)  # fmt: skip
def test_one_word_says_how_a_number_stands(
    tmp_path: Path, marts: dict[str, Contract], more: dict[str, Any], word: str
) -> None:
    row = cell("csat", **{"value": 60.0, "n": 200, "ci_low": 53.1, "ci_high": 66.5, **more})
    folder = version(tmp_path / "v", marts, kpi_scorecard=[row], kpi_definitions=[CSAT])
    told = made(folder, marts).all
    assert f"CSAT 60.0 % n = {more.get('n', 200)} {word} Mar 2 – 8, 2026" in told.replace("\u2009", " ")
    assert "95 % interval: 53.1 % to 66.5 %." in told


def test_a_small_week_gives_way_to_its_month(tmp_path: Path, marts: dict[str, Contract]) -> None:
    rows = [
        cell("csat", value=100.0, n=3, is_small_n=True),
        cell("csat", date(2026, 2, 1), period_grain="month", value=61.0, n=80),
    ]
    told = made(version(tmp_path / "v", marts, kpi_scorecard=rows, kpi_definitions=[CSAT]), marts).all
    assert "CSAT 61.0 % n = 80" in told and "February 2026" in told


def test_numbers_that_may_still_change_are_not_the_headline(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    """Of KPIs that settle after seven days, the last week of a Friday is the one before the last."""
    rows = [
        cell("first_reply_time", MONDAY - timedelta(days=7 * age), value=3600.0 * (age + 1), n=50)
        for age in range(3)
    ]
    meant = [definition("first_reply_time", "seconds", "lower", settles=7)]
    folder = version(tmp_path / "v", marts, kpi_scorecard=rows, kpi_definitions=meant)
    told = made(folder, marts).all.replace("\u2009", " ")
    assert "First reply, median 2.0 h n = 50 not judged Feb 23 – Mar 1, 2026, newest settled week" in told
    # Beside numbers of the last whole week, a chat is told which week it is.
    said = page.path(folder).with_name(page.BRIEF).read_text().replace("\u2009", " ")
    assert "(not judged, Feb 23 – Mar 1, 2026, newest settled week)" in said


def test_what_is_no_noise_is_a_sentence_and_noise_is_said_too(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    limits = {"center": 70.0, "lower_limit": 60.0, "upper_limit": 80.0, "n": 90, "false_signal_rate": 0.01}
    quiet = cell("csat", value=71.0, signal="none", **limits)
    loud = cell("csat", value=41.0, signal="beyond_limits", shift="worse", **limits)
    told = made(version(tmp_path / "a", marts, kpi_scorecard=[quiet], kpi_definitions=[CSAT]), marts).all
    assert "Nothing but noise" in told
    told = made(version(tmp_path / "b", marts, kpi_scorecard=[loud], kpi_definitions=[CSAT]), marts).all
    assert "41.0 %, worse than usual; 60.0 % to 80.0 % was to be expected." in told.replace("\u2009", " ")
    assert "Nothing but noise" not in told


def test_each_number_is_told_once_the_newest_and_furthest_out_first(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    """Of two weeks of CSAT the last; what is twice as far out goes before it; members are not crowded out."""

    def loud(kpi: str, value: float, **more: Any) -> dict[str, Any]:
        limits = {"center": 70.0, "lower_limit": 60.0, "upper_limit": 80.0, "n": 90}
        return cell(kpi, value=value, signal="beyond_limits", shift="worse", **limits, **more)

    rows = [loud("csat", 55.0), loud("csat", 21.0, start=MONDAY - timedelta(days=7)), loud("nps", 40.0)]
    rows += [loud(f"kpi {number}", 59.0) for number in range(12)]
    rows += [loud("csat", 33.0, dimension="segment", member="SMB")]
    told = made(version(tmp_path / "v", marts, kpi_scorecard=rows), marts).all
    places = [told.find(text) for text in ("NPS, Mar 2", "CSAT, Mar 2", "CSAT, segment SMB, Mar 2")]
    assert -1 not in places and places == sorted(places)
    assert "CSAT, Feb 23" not in told
    # Eight over all and the member are sentences, and three more; the last is in the table.
    assert "Further signals: 3 of 3; all in kpi_scorecard, column signal" in told


def test_what_goes_on_says_since_when(tmp_path: Path, marts: dict[str, Contract]) -> None:
    """Worse in two weeks of three after a good one: since the first of those that follow each other."""
    limits = {"center": 70.0, "lower_limit": 60.0, "upper_limit": 80.0, "n": 90}
    weeks = [("none", None), ("run", "better"), ("beyond_limits", "worse"), ("run", "worse")]
    rows = [
        cell(
            "csat", MONDAY - timedelta(days=7 * (3 - place)), value=50.0, signal=signal, shift=shift, **limits
        )
        for place, (signal, shift) in enumerate(weeks)
    ]
    rows.append(cell("nps", value=50.0, signal="beyond_limits", shift="worse", **limits))
    told = made(version(tmp_path / "v", marts, kpi_scorecard=rows), marts).all.replace("\u2009", " ")
    assert "below the centre, 70. Out of the ordinary since Feb 23 – Mar 1, 2026." in told
    assert told.count("Out of the ordinary since") == 1


def test_the_first_screen_says_how_we_are_and_what_is_missing(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    """Before any table: what is better, worse, off target by more than noise, and which channel has holes."""
    real, noise = {"is_significant_change": True}, {"is_significant_change": False}
    rows = [
        cell("csat", value=60.0, n=90, previous_value=40.0, target=75.0, target_gap=-15.0,
             status="off_target", is_significant_gap=True, **real),
        cell("nps", value=9.0, n=90, previous_value=10.0, target=30.0, target_gap=-21.0, status="off_target",
             is_significant_gap=False, **noise),
        cell("sla_first_reply", value=50.0, n=90, previous_value=80.0, **real),
        cell("tickets_created", value=90.0, n=90, previous_value=30.0, **real),
    ]  # fmt: skip
    meant = [CSAT, definition("nps", "points", "higher"), definition("sla_first_reply", "percent", "higher"),
             definition("tickets_created", "tickets", None)]  # fmt: skip
    holes = [
        ("first_resolution", "warning", 2.75, 0.0),
        ("agent_wait", "unknown", 0.5, 1.0),
        ("reopens", None, 0.1, 0.0),
    ]
    gaps = [
        {"source": "s", "channel": "web", "measure": measure, "gap": gap, "expected": 400, "missing": 0,
         "unexplained": 0, "unknown": 0, "lost_pct": lost, "unknown_pct": unknown}
        for measure, gap, lost, unknown in holes
    ]  # fmt: skip
    folder = version(tmp_path / "v", marts, kpi_scorecard=rows, kpi_definitions=meant,
                     completeness_summary=gaps, publication=[{"source": "s", "is_stale": False}])  # fmt: skip
    told = made(folder, marts).all
    lead = "Better: CSAT. Worse: SLA met, first reply. Higher: Tickets created. Off target: CSAT."
    gap = (
        "Incomplete: channel web (s); 1.5 % to 2.8 % of its tickets lack a sure number for:"
        " agent’s wait, first resolution."
    )
    order = [lead, "As of Fri, Mar 13, 2026", gap, "Dashed line: target. Dotted line: centre.", "CSAT 60.0 %",
             "No promise is broken", "All sources are up to date."]  # fmt: skip
    told = told[told.index("Any period, one dimension") :]
    places = [told.find(text) for text in order]
    assert -1 not in places and places == sorted(places)
    assert gap in page.path(folder).with_name(page.BRIEF).read_text().replace("\u00a0", " ")


def test_questions_have_their_titles_and_scores_their_better_end(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    quarter = {
        "period_grain": "quarter",
        "period_start": date(2025, 10, 1),
        "dimension": "all",
        "member": "all",
    }
    scores = [("ces", "q1", 1.0, "lower_is_better"), ("csat", "q2", 5.0, "higher_is_better")]
    folder = version(
        tmp_path / "v",
        marts,
        kpi_distribution=[
            {**quarter, "source": "s", "survey": "f", "question_id": question, "kind": kind, "score": score,
             "n": 40, "answers": 40, "share_pct": 100.0}
            for kind, question, score, _ in scores
        ],
        survey_answers=[
            {"source": "s", "survey": "f", "question_id": question, "kind": kind, "direction": direction,
             "scale_min": 1.0, "scale_max": 5.0}
            for kind, question, _, direction in scores
        ],
        unmapped_questions=[
            {"source": "s", "survey": "f", "question_id": "q2", "survey_title": "After your request",
             "question_title": "How was it?"},
        ],
    )  # fmt: skip
    told = made(folder, marts).all
    assert "CSAT: scores given, After your request, How was it?" in told and "Best: 5." in told
    assert "Customer effort (CES): scores given, After your request, q1" in told and "Easiest: 1." in told


def test_what_was_changed_is_marked_and_has_its_row(tmp_path: Path, marts: dict[str, Contract]) -> None:
    rows = [cell("csat", MONDAY - timedelta(days=7 * age), value=60.0 + age, n=90) for age in range(9)]
    change = {
        "changed_on": date(2026, 1, 20), "what": "new macro", "kpi": "csat", "dimension": "all",
        "member": "all", "expected": "higher", "before_start": date(2025, 12, 1), "before_value": 58.0,
        "before_n": 88, "before_low": 47.5, "before_high": 67.8, "after_start": date(2026, 2, 1),
        "after_value": 66.0,
        "after_n": 91, "after_low": 55.8, "after_high": 74.9, "outcome": "noise",
    }  # fmt: skip
    folder = version(
        tmp_path / "v", marts, kpi_scorecard=rows, kpi_definitions=[CSAT], change_effects=[change]
    )
    told = made(folder, marts).all
    assert (
        "Jan 20, 2026new macroCSATDecember 2025: 58.0 % (n 88; 47.5 % to 67.8 %)"
        "February 2026: 66.0 % (n 91; 55.8 % to 74.9 %)may be noise"
    ) in told
    [drawing] = charts.read(page.path(folder).with_name(page.DRAWINGS)).values()
    assert "Jan 20, 2026: new macro" in json.dumps(drawing["spec"])


def test_what_has_no_tile_stands_in_a_table(tmp_path: Path, marts: dict[str, Contract]) -> None:
    """Of the last whole month that is settled: by 13 March that is February, for what waits 28 days January.

    Contacted in time: 6 and 3 of 8 and 4 are 75 %. Costs by their scenarios, from the low to the high one.
    """
    month, january = (
        {"dimension": "all", "is_partial_period": False, "period_grain": "month"},
        date(2026, 1, 1),
    )
    february = date(2026, 2, 1)
    folder = version(
        tmp_path / "v",
        marts,
        kpi_definitions=[
            definition("ces", "percent", "higher"),
            definition("follow_up", "percent", "higher", settles=2),
            definition("cost_per_ticket", "money", "lower", settles=28),
        ],
        kpi_scorecard=[
            cell("ces", february, **month, value=61.0, n=80, ci_low=50.1, ci_high=71.0, target=75.0,
                 benchmark=70.0),
            cell("ces", january, **month, value=11.0, n=80),
        ],
        kpi_follow_up=[
            {**month, "period_start": february, "kind": kind, "contacted_in_time": done, "due": due}
            for kind, done, due in (("csat", 6, 8), ("nps", 3, 4))
        ],
        kpi_cost=[
            {**month, "period_start": start, "scenario": scenario, "cost_per_ticket": cost, "solved": 50,
             "currency": "EUR"}
            for start, costs in ((january, (19.0, 20.5, 22.25)), (february, (9.0, 9.0, 9.0)))
            for scenario, cost in zip(("low", "base", "high"), costs, strict=True)
        ],
    )  # fmt: skip
    told = made(folder, marts).all
    assert (
        "Customer effort (CES)February 202661.0 %8050.1 % to 71.0 %75.0 %70.0 %"
        "Cost per ticketJanuary 202620.50 EUR5019.00 EUR to 22.25 EUR––"
        "Unhappy customers contacted in timeFebruary 202675.0 %12–––"
    ) in told


def test_where_the_time_goes_counts_tickets(tmp_path: Path, marts: dict[str, Contract]) -> None:
    """Three tickets, two of them passed on: groups hold 3 and 2 of them, which are no five tickets."""
    base = {"period_grain": "all", "clock": "calendar", "is_small_n": False}
    groups = [("all", "all", 5), ("group", "1", 3), ("group", "2", 2)]
    folder = version(
        tmp_path / "v",
        marts,
        kpi_bottlenecks=[
            {**base, "dimension": dimension, "member": member, "stage": stage, "n": n, "share_pct": 100.0}
            for dimension, member, n in groups
            for stage in ("all", "open")
        ],
        kpi_response_times=[
            {**base, "dimension": "all", "member": "all", "measure": measure, "n": n}
            for measure, n in (("full_resolution", 3), ("first_resolution", 4))
        ],
    )
    told = made(folder, marts).all
    assert "and solved since: 3." in told and "All groups3–100.0 %" in told
    assert "13–100.0 %" in told and "22–100.0 %" in told


def test_stages_that_no_source_tells_are_not_drawn(tmp_path: Path, marts: dict[str, Contract]) -> None:
    base = {
        "period_grain": "all",
        "clock": "calendar",
        "is_small_n": False,
        "dimension": "all",
        "member": "all",
    }
    stages = [{**base, "stage": stage, "n": 0} for stage in ("all", "open")]
    solved = [{**base, "measure": "full_resolution", "n": 3}]
    folder = version(tmp_path / "v", marts, kpi_bottlenecks=stages, kpi_response_times=solved)
    told = made(folder, marts)
    assert "and solved since: 3." in told.all and "No source tells when they changed" in told.all
    assert "Waits that lie across" not in told.all
    assert not any(tag == "svg" for tag, _ in told.tags)


def test_what_is_overdue_comes_first_and_the_rest_is_folded(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    """The order of the worklist, in every list; what breaks next has its own."""
    reasons = [("customer_not_contacted", 13), ("promise_broken", 2), ("promise_due", 1)]
    rows = [
        {"source": "s", "ticket_id": f"{reason}-{place}", "reason": reason, "what": "x", "work_rank": place,
         "is_overdue": place <= 2, "seconds_left": 60.0 * (place - 2.5)}
        for reason, count in reasons
        for place in range(1, count + 1)
    ]  # fmt: skip
    folder = version(tmp_path / "v", marts, worklist=[*reversed(rows)])
    told = made(folder, marts).all
    order = [
        "Promises broken: 2", "promise_broken-1", "promise_broken-2", "Promises that break next: 1",
        "promise_due-1", "Unhappy customers not yet contacted: 13, overdue 2", "customer_not_contacted-1",
        "customer_not_contacted-2", "customer_not_contacted-3", "customer_not_contacted-10",
        "lines 11 to 13", "customer_not_contacted-11", "customer_not_contacted-13",
        "Beside what is listed here, no ticket is unsolved for long.",
    ]  # fmt: skip
    places = [told.find(text) for text in order]
    assert -1 not in places and places == sorted(places)


def test_how_many_differences_there_are_is_told_with_the_largest(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    """Of five comparisons four are real, a turned one beside: three are told, the smallest is not."""
    found = [("hops", "0", 4.0), ("hops", "1", -9.0), ("hops", "2 and more", -18.0),
             ("reopened", "yes", -7.0), ("reopened", "no", 7.0), ("sla", "breached", 1.0)]  # fmt: skip
    rows = [
        {"time_span": "365 days", "kind": "csat", "factor": factor, "exposure": exposure, "n": 90,
         "others_n": 80, "value": 60.0 + difference, "others_value": 60.0, "difference": difference,
         "is_significant": abs(difference) > 1}
        for factor, exposure, difference in found
    ]  # fmt: skip
    one = [{**row, "is_significant": row["difference"] == -18.0} for row in rows]
    told = made(version(tmp_path / "v", marts, kpi_experience=rows), marts).all
    assert "CSAT: 4 of 5 comparisons are more than noise; the 3 largest:" in told
    assert told.count("CSAT with “") == 3 and "with “passed between groups: never”" not in told
    told = made(version(tmp_path / "one", marts, kpi_experience=one), marts).all
    assert "CSAT: 1 of 5 comparisons are more than noise." in told and told.count("CSAT with “") == 1


def test_a_benchmark_stands_beside_what_it_is_about(tmp_path: Path, marts: dict[str, Contract]) -> None:
    row = cell("csat", value=60.0, n=200, benchmark=77.0, benchmark_scope="all industries")
    told = made(version(tmp_path / "v", marts, kpi_scorecard=[row], kpi_definitions=[CSAT]), marts).all
    assert "Benchmark: 77.0 % (all industries)." in told


def test_single_agents_are_no_news(tmp_path: Path, marts: dict[str, Contract]) -> None:
    row = cell(
        "csat", value=1.0, n=90, signal="beyond_limits", shift="worse", dimension="agent", member="4711"
    )
    told = made(version(tmp_path / "v", marts, kpi_scorecard=[row], kpi_definitions=[CSAT]), marts).all
    assert "4711" not in told


def hostile(tmp_path: Path, marts: dict[str, Contract]) -> Path:
    """Words from outside in every place where the page shows some."""
    quarter = date(2025, 10, 1)
    limits = {"center": 70.0, "lower_limit": 60.0, "upper_limit": 80.0, "n": 90, "value": 41.0}
    rows = [
        cell("csat", signal="beyond_limits", shift="worse", **limits),
        cell("csat", quarter, period_grain="quarter", dimension="segment", member=EVIL, **limits),
        cell("csat", signal="run", shift="worse", dimension="group", member="1", member_label=EVIL, **limits),
    ]
    bottleneck = {
        "period_grain": "all", "dimension": "group", "member": "1", "member_label": EVIL, "stage": "open",
        "clock": "calendar", "n": 9, "share_pct": 100.0, "median_seconds": 60.0, "is_small_n": False,
    }  # fmt: skip
    score = {
        "period_grain": "quarter", "period_start": quarter, "dimension": "all", "member": "all",
        "source": "s",
        "survey": EVIL, "question_id": EVIL, "kind": "csat", "score": 1.0, "n": 40, "answers": 40,
        "share_pct": 100.0,
    }  # fmt: skip
    return version(
        tmp_path / "hostile",
        marts,
        kpi_scorecard=rows,
        kpi_definitions=[{**CSAT, "definition": EVIL}],
        kpi_bottlenecks=[bottleneck],
        kpi_distribution=[score],
        publication=[{"source": EVIL, "is_stale": True}],
        worklist=[
            {"source": "s", "ticket_id": '1" onclick="x', "reason": "promise_due", "what": EVIL,
             "work_rank": 1, "is_overdue": True, "seconds_left": -60.0, "priority": EVIL, "group_name": EVIL,
             "link": "javascript:alert(1)"},
            {"source": "s", "ticket_id": "2", "reason": "promise_due", "what": "first_reply", "work_rank": 2,
             "is_overdue": False, "seconds_left": 60.0, "link": 'https://example.com/2" onclick="x'},
        ],
    )  # fmt: skip


def test_what_comes_from_outside_is_text(tmp_path: Path, marts: dict[str, Contract]) -> None:
    folder = hostile(tmp_path, marts)
    told = made(folder, marts)
    assert "onerror=alert(1)>\ufffdevil" in told.all
    raw = page.path(folder).read_text()
    assert "\u202e" not in raw and "<img" not in raw
    assert {tag for tag, _ in told.tags}.isdisjoint({"img", "iframe", "object", "link", "base"})
    # The page's own, and none more: no text ended one.
    scripts = [attrs.get("id") for tag, attrs in told.tags if tag == "script"]
    assert scripts == ["cells", "words", "locale", "specs", "vega", None]
    assert not [attrs for _, attrs in told.tags if any(name.startswith("on") for name in attrs)]
    links = [
        attrs["href"] for tag, attrs in told.tags if tag == "a" and not (attrs["href"] or "").startswith("#")
    ]
    assert set(links) == {"dictionary.html", 'https://example.com/2" onclick="x'}


def test_plain_text_keeps_letters_of_all_scripts() -> None:
    assert plain("Größe 客服 الدعم") == "Größe 客服 الدعم"
    assert plain("a\u2066b\u202ec\x00\ud800") == "a\ufffdb\ufffdc\ufffd\ufffd"


def test_charts_say_what_they_are_and_have_their_numbers_beside_them(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    rows = [cell("csat", MONDAY - timedelta(days=7 * age), value=60.0 + age, n=90) for age in range(9)]
    told = made(version(tmp_path / "v", marts, kpi_scorecard=rows, kpi_definitions=[CSAT]), marts)
    [svg] = [attrs for tag, attrs in told.tags if tag == "svg"]
    ids = {attrs["id"] for _, attrs in told.tags if "id" in attrs}
    assert svg["role"] == "img" and ids.issuperset((svg["aria-labelledby"] or "").split())
    assert "The last 9 weeks: between 60.0 % and 68.0 %; the last 60.0 %." in told.all
    assert all(f"{60 + age}.0 %" in told.all for age in range(9))


def test_drawings_follow_the_schema_of_vega_lite() -> None:
    """The night does not check it. Altair does, of a specification that it reads."""
    period = {"start": "2026-03-02", "value": 1.0, "is_pale": False, "is_chosen": True}
    band = {"floor": 0.0, "ceiling": 2.0, "center": 1.0, "low": 0.5, "high": 1.5}
    row = {"label": "a", "part": "b", "number": 0, "share": 1.0, "value": 1.0, "low": 0.0, "high": 2.0}
    options = {
        "unit": "%", "target": 1.0, "line": 0, "time_format": "%b", "across": "score",
        "labels": ["a"], "parts": ["b"], "days": ["Mon"], "most": 3,
        "marks": [{"start": "2026-03-02", "tip": "new"}],
    }  # fmt: skip
    week = {"day": "Mon", "hour": 9, "n": 3, "is_open": True, "tip": "Mon 9:00: 3"}
    for kind in specs.KINDS:
        rows = [{**row, **period, **band, **week}]
        shape = Shape.of(Chart(kind, "", "", rows, options, Table([], [])))
        alt.Chart.from_dict({**specs.spec(kind, shape, options), "datasets": {ROWS: rows}})


def test_five_lines_say_it_in_a_chat(tmp_path: Path, marts: dict[str, Contract]) -> None:
    limits = {"center": 70.0, "lower_limit": 60.0, "upper_limit": 80.0, "n": 90, "false_signal_rate": 0.01}
    row = cell("csat", value=41.0, signal="beyond_limits", shift="worse", **limits)
    folder = version(tmp_path / "v", marts, kpi_scorecard=[row], kpi_definitions=[CSAT],
                     publication=[{"source": "helpdesk", "is_stale": True}])  # fmt: skip
    made(folder, marts)
    said = page.path(folder).with_name(page.BRIEF).read_text().splitlines()
    wanted = ("Fri, Mar 13, 2026, 07:00", "CSAT 41.0\u00a0% (worse); NPS – (no data)", "worse than usual",
              "No promise is broken", "Not up to date: helpdesk")  # fmt: skip
    assert [text in line for text, line in zip(wanted, said, strict=True)] == [True] * 5


def test_only_what_moved_is_drawn_anew(
    tmp_path: Path, marts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(last: float) -> list[dict[str, Any]]:
        nps = [cell("nps", value=30.0, n=90)]
        return [cell("csat", value=last, n=90), *nps]

    drawn: list[str] = []
    draw = charts._draw
    monkeypatch.setattr(
        charts, "_draw", lambda chart, *others: drawn.append(chart.title) or draw(chart, *others)
    )
    specified: list[str] = []
    specify = charts._specification
    monkeypatch.setattr(
        charts, "_specification", lambda chart, shape: specified.append(chart.title) or specify(chart, shape)
    )
    meant = [CSAT, definition("nps", "points", "higher")]
    one, two, three, anew = (
        version(tmp_path / name, marts, kpi_scorecard=rows(last), kpi_definitions=meant)
        for name, last in (("one", 60.0), ("two", 60.0), ("three", 61.0), ("anew", 61.0))
    )
    made(one, marts)
    assert drawn == ["CSAT", "NPS"]
    made(two, marts, before=one)
    assert drawn == ["CSAT", "NPS"]
    assert page.path(two).read_bytes() == page.path(one).read_bytes()
    made(three, marts, before=two)
    assert drawn == ["CSAT", "NPS", "CSAT"]
    assert specified == ["CSAT", "NPS"]
    made(anew, marts)
    assert page.path(three).read_bytes() == page.path(anew).read_bytes()
    kept = json.loads(page.path(three).with_name(page.DRAWINGS).read_text())
    assert len(kept) == 2


def test_a_report_that_fails_leaves_the_page_before_and_says_so(
    tmp_path: Path, marts: dict[str, Contract]
) -> None:
    before = version(tmp_path / "before", marts, kpi_scorecard=[cell("csat", value=60.0, n=90)],
                     kpi_definitions=[CSAT])  # fmt: skip
    made(before, marts)
    folders = [tmp_path / name for name in ("first", "second", "alone")]
    for folder in folders:
        folder.mkdir()
        (folder / "marts.duckdb").write_bytes(b"damaged")
    options: dict[str, Any] = {"marts": marts, "language": "en"}
    for folder, previous in zip(folders, (before, folders[0], None), strict=True):
        problem = page.write(folder, MANIFEST, previous, **options)
        assert problem is not None and "could not be made" in problem
    for folder in folders[:2]:
        told = Text(page.path(folder).read_text())
        assert told.all.count("could not be made") == 1 and "CSAT 60.0 %" in told.all
        assert "Fri, Mar 13, 2026, 07:00" in told.all
    assert "could not be made" in Text(page.path(folders[2]).read_text()).all
    # The drawings are still there for the night that succeeds.
    assert charts.read(page.path(folders[1]).with_name(page.DRAWINGS))


def test_every_text_is_there_in_every_language() -> None:
    table = texts.table()
    assert set(table) == set(LANGUAGES)
    english = table["en"]
    for language, given in table.items():
        assert [key for key, text in given.items() if not text.strip()] == []
        assert given.keys() == english.keys()
        gaps = {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in given.items()}
        assert gaps == {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in english.items()}, (
            language
        )


def test_every_kpi_and_dimension_that_ships_has_a_name() -> None:
    seeds = parsed.ROOT / "dbt_project" / "seeds"
    named = texts.table()["en"]
    for kind, file in (("kpi", "kpi_definitions.csv"), ("dimension", "dimensions.csv")):
        rows = (seeds / file).read_text().splitlines()[1:]
        assert [row for row in rows if f"{kind}.{row.split(',')[0]}" not in named] == []


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    english, german = texts.Texts("en"), texts.Texts("de")
    assert (
        english.value(1234.5, "percent") == "1,234.5\u00a0%"
        and german.value(1234.5, "percent") == "1.234,5\u00a0%"
    )
    assert english.value(90_000, "seconds") == "1.0\u00a0d" and german.value(5400, "seconds") == "1,5\u00a0h"
    assert english.period("quarter", date(2026, 7, 1)) == "Q3 2026"
    assert german.period("month", date(2026, 3, 1)) == "März 2026"
    assert english.interval(99.96, 99.99, "percent") == "99.96\u00a0% to 99.99\u00a0%"
