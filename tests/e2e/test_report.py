"""The report of a real refresh: its numbers are the KPI tables', and browsers show it as it is meant."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.browser import Browser, Page, browser
from tests.homes import run, said
from tests.parsed import ROOT

AXE = "4.14.1"
#: Widths of a desk, a tablet and a phone.
WIDTHS = (1280, 800, 380)
THEMES = ("light", "dark")


class Tables(HTMLParser):
    """The tables of a page, by caption: rows of texts, the head first."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption: str | None = None
        self._cell: list[str] | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th", "caption"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption") and self._cell is not None:
            text = "".join(self._cell).replace("\u00a0", " ").replace("\u2009", " ")
            self._cell = None
            if tag == "caption":
                self._caption = text
            else:
                self._rows[-1].append(text)
        elif tag == "table" and self._caption:
            self.found[self._caption] = self._rows


@pytest.fixture(scope="module")
def version(first: Path) -> Path:
    return (first / ".cxmarts" / "published" / "current").resolve()


@pytest.fixture(scope="module")
def report(version: Path) -> Path:
    return version / "report" / "index.html"


#: What a tile shows -> the same figure by its own table, with how it is written.
FIGURES = {
    "CSAT": ("csat_pct", "kpi_csat", "true", "%"),
    "NPS": ("nps", "kpi_nps", "true", ""),
    "SLA met, first reply": ("attainment_pct", "kpi_sla_compliance", "metric = 'first_reply'", "%"),
    "First reply, median": (
        "median_seconds", "kpi_response_times", "measure = 'first_reply' and clock = 'calendar'", "s"),
    "Backlog": ("open_at_end", "kpi_backlog", "age_bucket = 'all'", "n"),
    "Tickets created": ("created", "kpi_volume", "true", "n"),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_their_own_tables(version: Path, report: Path, name: str) -> None:
    column, mart, where, unit = FIGURES[name]
    with duckdb.connect(str(version / "marts.duckdb"), read_only=True) as con:
        found = con.execute(
            f"select period_grain, period_start, {column} from {mart} where {where} and dimension = 'all'"
            " and not is_partial_period and period_start is not null"
        ).fetchall()
    cells = {written(*row, unit) for row in found if row[2] is not None}
    # Of so small a company the last whole week, month and quarter may hold no answer.
    shown = Tables(report.read_text()).found.get(name, [[]])[1:]
    assert shown or name == "NPS"
    assert [row for row in shown if row[1] != "–" and (row[0], row[1]) not in cells] == []


def written(grain: str, start: object, value: float, unit: str) -> tuple[str, str]:
    """Period and figure as an English page writes them, by another route than the page's."""
    from datetime import date, timedelta

    assert isinstance(start, date)
    if grain == "month":
        period = f"{start:%B %Y}"
    elif grain == "quarter":
        period = f"Q{(start.month + 2) // 3} {start:%Y}"
    else:
        end = start + timedelta(days=6)
        if start.year != end.year:
            period = f"{start:%b} {start.day}, {start:%Y} – {end:%b} {end.day}, {end:%Y}"
        elif start.month != end.month:
            period = f"{start:%b} {start.day} – {end:%b} {end.day}, {end:%Y}"
        else:
            period = f"{start:%b} {start.day} – {end.day}, {end:%Y}"
    if unit == "s":
        size, name = next((s, n) for s, n in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")) if value >= s)
        return period, f"{value / size:.1f} {name}" if size > 1 else f"{value:.0f} s"
    return period, {"%": f"{value:.1f} %", "n": f"{value:.0f}"}.get(unit, f"{value:.1f}")


def test_what_is_due_is_the_worklist(version: Path, report: Path) -> None:
    with duckdb.connect(str(version / "marts.duckdb"), read_only=True) as con:
        found = con.execute(
            "select ticket_id from worklist where reason = 'promise_broken' order by work_rank"
        ).fetchall()
    rows = Tables(report.read_text()).found[f"Promises broken: {len(found)}"]
    assert found and [row[0] for row in rows[1:]] == [ticket for (ticket,) in found[:10]]


def test_demand_is_that_of_its_table(version: Path, report: Path) -> None:
    with duckdb.connect(str(version / "marts.duckdb"), read_only=True) as con:
        found = con.execute(
            "select hour_of_week, created from kpi_demand where period_grain = 'all' and dimension = 'all'"
        ).fetchall()
    rows = Tables(report.read_text()).found["When tickets come, by hour of the week"][1:]
    shown = {day * 24 + hour: int(rows[hour][1 + day]) for day in range(7) for hour in range(24)}
    assert sum(shown.values()) > 0 and shown == dict(found)


def test_the_refresh_and_the_command_lead_to_it(first: Path, report: Path) -> None:
    assert Path(said(first)["report"]).name == "index.html"
    done = run(first, "report")
    assert done.returncode == 0
    assert Path(done.stdout.strip()).resolve() == report


def test_it_is_opened_in_the_browser(first: Path) -> None:
    page, opened = run(first, "report", "--open", BROWSER="echo opened %s").stdout.splitlines()
    assert opened == f"opened {Path(page).as_uri()}"
    done = run(first, "report", "--open", BROWSER="false %s")
    assert done.returncode == 1 and "no browser could be started" in done.stderr


def test_before_the_first_publication_there_is_none(tmp_path: Path) -> None:
    done = run(tmp_path, "report")
    assert done.returncode == 1 and "run `cxmarts refresh`" in done.stderr


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def axe() -> str:
    """The accessibility checks, from the npm registry."""
    folder = ROOT / ".pytest_cache" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm, which brings axe-core, is installed")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--ignore-scripts", "--prefix", str(folder), f"axe-core@{AXE}"]
        if subprocess.run(command, capture_output=True, timeout=120).returncode:
            pytest.skip("axe-core cannot be had from the npm registry")
    return script.read_text()


def opened(chromium: Browser, report: Path, width: int, theme: str, *, has_script: bool = True) -> Page:
    tab = chromium.page()
    for domain in ("Network", "Log", "Runtime"):
        tab.call(f"{domain}.enable")
    tab.call("Emulation.setScriptExecutionDisabled", value=not has_script)
    tab.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
    )
    features = [{"name": "prefers-color-scheme", "value": theme}]
    tab.call("Emulation.setEmulatedMedia", media="screen", features=features)
    tab.open(report.as_uri())
    tab.wait("!!document.querySelector('footer')")
    return tab


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_browsers_show_it_whole_and_quietly(
    chromium: Browser, report: Path, axe: str, width: int, theme: str
) -> None:
    """No request, no word on the console, nothing wider than the screen, nothing that axe finds."""
    tab = opened(chromium, report, width, theme)
    assert fits(tab)
    tab.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert violations(tab, axe) == []
    tab.run("Promise.all([...document.querySelectorAll('[data-chart]')].map(cxmarts.enliven)).then(() => 1)")
    alive = tab.run("[...document.querySelectorAll('[data-chart]')].map(e => e.dataset.state)")
    assert alive and set(alive) == {"alive"}
    assert fits(tab)
    assert violations(tab, axe) == []
    told = [
        event for event in tab.events if event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled")
    ]
    assert told == []
    asked = [e["params"]["request"]["url"] for e in tab.events if e["method"] == "Network.requestWillBeSent"]
    assert asked == [report.as_uri()]


def fits(tab: Page) -> bool:
    sizes = tab.run(
        "[...document.querySelectorAll('.chart svg:not(.hidden)')].map(e => e.getBoundingClientRect().width)"
    )
    return min(sizes) > 200 and bool(tab.run("document.documentElement.scrollWidth <= window.innerWidth"))


def violations(tab: Page, axe: str) -> list[Any]:
    tab.call("Runtime.evaluate", expression=axe)
    found = "r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)])"
    return list(tab.run(f"axe.run().then(r => {found})"))


@pytest.mark.slow
def test_without_scripts_all_but_the_filters_is_there(chromium: Browser, report: Path) -> None:
    tab = opened(chromium, report, 800, "light", has_script=False)
    assert "Where we stand" in tab.text() and "Any period, one dimension" not in tab.text()
    assert tab.run("typeof cxmarts") == "undefined"
    assert fits(tab)


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_dictionary_is_searched_whole_and_quietly(
    chromium: Browser, report: Path, axe: str, width: int, theme: str
) -> None:
    page = report.with_name("dictionary.html")
    tab = opened(chromium, page, width, theme)
    assert violations(tab, axe) == []
    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth")
    every = shown_rows(tab)
    searched(tab, "First assignment  business_seconds")
    found = shown_rows(tab)
    assert [text.split()[0] for text in found if "first_assignment_business" not in text] == []
    assert 1 < len(found) < 9 and f"{len(found)} of {len(every)} entries" in tab.text()
    searched(tab, "kpi_response_times p90")
    assert [text.split()[0] for text in shown_rows(tab)] == ["p90_seconds"]
    assert violations(tab, axe) == []
    searched(tab, "no such word")
    assert shown_rows(tab) == [] and "Nothing holds all of these words." in tab.text()
    searched(tab, "")
    assert len(shown_rows(tab)) == len(every)
    told = [e for e in tab.events if e["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled")]
    assert told == []
    asked = [e["params"]["request"]["url"] for e in tab.events if e["method"] == "Network.requestWillBeSent"]
    assert asked == [page.as_uri()]


def searched(tab: Page, words: str) -> None:
    """Type into the field, as people do."""
    tab.run("(() => { const e = document.getElementById('words'); e.focus(); e.select(); })()")
    if words:
        tab.call("Input.insertText", text=words)
    else:
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Backspace", windowsVirtualKeyCode=8)


def shown_rows(tab: Page) -> list[str]:
    rows = "[...document.querySelectorAll('tbody tr')].filter(e => e.checkVisibility())"
    return list(tab.run(f"{rows}.map(e => e.innerText)"))


@pytest.mark.slow
def test_report_and_dictionary_lead_to_each_other_without_scripts(chromium: Browser, report: Path) -> None:
    tab = opened(chromium, report, 800, "light", has_script=False)
    tab.follow("Data dictionary")
    assert tab.run("location.pathname.endsWith('/dictionary.html')")
    assert tab.run("document.getElementById('search').hidden") and len(shown_rows(tab)) > 900
    tab.follow("The report")
    assert tab.run("location.pathname.endsWith('/index.html')")


#: KPI -> its table, and there value, n, what is divided by n, and a condition.
SLA = ("kpi_sla_compliance", "attainment_pct", "met + breached", "100.0 * met")
CELLS = {
    "csat": ("kpi_csat", "csat_pct", "n", "100.0 * positive", "true"),
    "nps": ("kpi_nps", "nps", "n", "100.0 * (promoters - detractors)", "true"),
    "ces": ("kpi_ces", "ces_pct", "n", "100.0 * easy", "true"),
    "sla_first_reply": (*SLA, "metric = 'first_reply'"),
    "sla_next_reply": (*SLA, "metric = 'next_reply'"),
    "tickets_created": ("kpi_volume", "created", "created", None, "true"),
}
EVERY_FIGURE = """
(() => {
  const { told, figure } = cxmarts, found = [];
  for (const kpi of Object.keys(told.kpis))
    for (const [grain, starts] of Object.entries(told.periods))
      for (const [dimension, { members }] of Object.entries(told.dimensions))
        members.forEach(([member], place) => {
          const add = (span, first, last) => {
            const cell = figure(kpi, grain, first, last, dimension, place);
            if (cell) found.push([kpi, grain, span, dimension, member, cell.value, cell.n]);
          };
          starts.forEach(([start], at) => add(start, at, at));
          add("all", 0, starts.length - 1);
        });
  return found;
})()
"""


@pytest.mark.slow
def test_every_filtered_figure_is_the_marts_cell(chromium: Browser, version: Path, report: Path) -> None:
    """Each cell is its row's own value; all periods together are the parts summed, and divided once."""
    tab = opened(chromium, report, 1280, "light")
    told = {tuple(row[:5]): (row[5], row[6]) for row in tab.run(EVERY_FIGURE)}
    wanted: dict[tuple[str, ...], tuple[float, int]] = {}
    with duckdb.connect(str(version / "marts.duckdb"), read_only=True) as con:
        for kpi, (mart, value, n, part, where) in CELLS.items():
            whole = f"sum({part}) / sum({n})" if part else f"sum({n})"
            rows = (
                f"from {mart} where {where} and {n} > 0 and period_grain in ('week', 'month')"
                " and not is_partial_period and dimension not in ('agent', 'organization')"
            )
            found = con.execute(
                f"select period_grain, period_start::varchar, dimension, member, {value}, {n} {rows}"
                f" union all select period_grain, 'all', dimension, member, {whole}, sum({n}) {rows}"
                " group by all"
            ).fetchall()
            wanted |= {(kpi, *key): (worth, int(count)) for *key, worth, count in found}
    assert len(wanted) > 500
    assert told.keys() == wanted.keys()
    assert [key for key in wanted if told[key] != pytest.approx(wanted[key])] == []


@pytest.mark.slow
def test_a_choice_changes_the_table(chromium: Browser, report: Path) -> None:
    tab = opened(chromium, report, 1280, "light")
    before = tab.run("document.getElementById('figures-body').innerText")
    tab.run(
        "(() => { const e = document.getElementById('dimension'); e.value = 'segment';"
        " e.dispatchEvent(new Event('change')); })()"
    )
    after = tab.run("document.getElementById('figures-body').innerText")
    assert after != before and "Enterprise" in after
    assert tab.run("[...document.querySelectorAll('#explore select')].every(e => e.options.length > 1)")


@pytest.mark.slow
def test_either_end_of_a_span_can_be_chosen_first(chromium: Browser, report: Path) -> None:
    """Who chooses an end before the beginning, or the other way round, gets that one period."""
    tab = opened(chromium, report, 1280, "light")
    spans = []
    for end, place in (("first", "1"), ("last", "0"), ("first", "1")):
        tab.run(
            f"(() => {{ const e = document.getElementById('{end}'); e.value = '{place}';"
            " e.dispatchEvent(new Event('change')); })()"
        )
        spans.append(tab.run("['first', 'last'].map(id => document.getElementById(id).value)"))
    assert spans[0][0] == "1" and spans[1:] == [["0", "0"], ["1", "1"]]


@pytest.mark.slow
def test_it_prints_on_a4(chromium: Browser, report: Path) -> None:
    import base64

    tab = opened(chromium, report, 800, "dark")
    tab.call("Emulation.setEmulatedMedia", media="print", features=[])
    told = tab.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    pages = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", base64.b64decode(told))
    assert 2 <= len(pages) <= 12
    assert {(round(float(w)), round(float(h))) for w, h in pages} == {(595, 842)}
