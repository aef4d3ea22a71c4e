"""Real exports from their files to a publication, through all gates, by the commands as users run them.

The figures stand in ../shared/README.md, worked out there by two other routes, or are counted here.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.homes import new_folder, run
from tests.parsed import ROOT
from tests.shell import Shell

pytestmark = pytest.mark.campaign

DATA = ROOT.parent / "shared" / "data"
MAPPINGS = ROOT / "tests" / "integration" / "files" / "mappings"
CURRENT = Path(".cxmarts", "published", "current", "marts.duckdb")
EXAMPLE = (
    "CXMARTS_HOME=.servicenow CXMARTS_FILES=sandbox/examples/servicenow CXMARTS_AS_OF=2016-05-16T00:00:00Z"
    " .venv/bin/cxmarts refresh"
)


class Marts:
    """Published marts, read only."""

    def __init__(self, file: Path) -> None:
        self.con = duckdb.connect(file, read_only=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def kpi(self, table: str, source: str, values: str, where: str = "true") -> tuple[Any, ...]:
        """A KPI of one source, of all time."""
        [row] = self.query(
            f"select {values} from {table} where period_grain = 'all' and dimension = 'source'"
            f" and member = '{source}' and {where}"
        )
        return row

    def rejected(self, source: str) -> set[tuple[str, str]]:
        """Tickets and their values that cannot be."""
        return set(self.query(f"select ticket_id, field from rejected_values where source = '{source}'"))

    def median(self, source: str, measure: str, unit_seconds: int) -> tuple[int, float]:
        """How many, and their median by the calendar."""
        clock = f"measure = '{measure}' and clock = 'calendar'"
        n, seconds = self.kpi("kpi_response_times", source, "n, median_seconds", clock)
        return n, round(seconds / unit_seconds, 4)


MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.slow
@pytest.mark.documents(EXAMPLE)
def test_the_example_of_the_readme(shell: Shell, checkout: Path) -> None:
    assert shell(checkout, EXAMPLE).stdout.startswith("Published ")
    marts = Marts(checkout / ".servicenow/published/current/marts.duckdb")
    assert marts.query("select count(*) from tickets") == [(20_769,)]
    n, median = marts.median("servicenow", "full_resolution", HOUR)
    assert (n, round(median, 1)) == (18_170, 20.9)
    [met] = marts.kpi("kpi_sla_compliance", "servicenow", "attainment_pct", "metric = 'vendor'")
    assert round(met, 2) == 68.09
    # The rows of the export whose sys_updated_at is before their opened_at.
    assert marts.rejected("servicenow") == {
        (f"INC0000{number}", "event_at") for number in (130, 131, 134, 135, 164)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All other exports in one home, as one company would have them."""
    if not DATA.is_dir():
        pytest.skip(f"needs the real exports in {DATA}")
    folder = new_folder(tmp_path_factory.mktemp("real") / "folder")
    done = run(folder, "refresh", CXMARTS_FILES=str(MAPPINGS))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def marts(folder: Path) -> Iterator[Marts]:
    marts = Marts(folder / CURRENT)
    with marts.con:
        yield marts


def test_the_doctor_finds_nothing_wrong(folder: Path) -> None:
    done = run(folder, "doctor", CXMARTS_FILES=str(MAPPINGS))
    assert done.returncode == 0, done.stdout


def test_no_row_is_lost(marts: Marts) -> None:
    rows = marts.query("select source, stream, records, rejected_rows from publication order by all")
    assert rows == [
        # 64 of the 10,718 events come twice.
        ("helpdesk_italian", "ticket_events", 10_654, 0),
        ("limesurvey", "survey_answers", 2 * 253, 0),
        ("nps_bank", "survey_answers", 2465, 0),
        ("preppin_050", "survey_answers", 26, 0),
        ("surveymonkey_comma", "survey_answers", 1129, 0),
        ("surveymonkey_weather", "survey_answers", 928, 0),
        ("technical_support", "survey_answers", 1181, 0),
        ("technical_support", "tickets", 1181, 0),
        ("volvo_problems", "ticket_events", 6660, 0),
    ]


def test_technical_support(marts: Marts) -> None:
    """Two of 1,176 first responses lie before creation: no durations, and no verdict by their times."""
    assert marts.query("select count(*) from tickets where source = 'technical_support'") == [(1181,)]
    assert marts.median("technical_support", "first_reply", MINUTE) == (1174, 5.6830)
    assert marts.median("technical_support", "full_resolution", HOUR) == (950, 20.2905)
    outcomes = marts.query(
        "select metric, outcome, ended_at is not null, count(*) from sla_targets"
        " where source = 'technical_support' group by all"
    )
    assert {row[:3]: row[3] for row in outcomes} == {
        ("first_reply", "met", True): 1007,
        ("first_reply", "unknown", False): 2,
        ("first_reply", "breached", True): 1176 - 1009,
        ("first_reply", "breached", False): 5,
        ("total_resolution", "met", True): 834,
        ("total_resolution", "breached", True): 950 - 834,
        ("total_resolution", "breached", False): 231,
    }
    assert marts.rejected("technical_support") == {
        (ticket, field) for ticket in ("1288", "2135") for field in ("first_reply_at", "first_reply_ended_at")
    }
    n, csat = marts.kpi("kpi_csat", "technical_support", "n, csat_pct")
    assert (n, round(csat, 4)) == (560, 55.7143)


def test_bank_nps_by_market(marts: Marts) -> None:
    rows = marts.query(
        "select member, n, round(nps, 4) from kpi_nps where period_grain = 'all'"
        " and (dimension, member) in"
        " (('source', 'nps_bank'), ('segment', 'MEX'), ('segment', 'UK'), ('segment', 'US'))"
    )
    assert {member: row for member, *row in rows} == {
        "nps_bank": [2465, 12.8195],
        "MEX": [825, 13.2121],
        "UK": [825, 9.697],
        "US": [815, 15.5828],
    }


def test_helpdesk_log_as_exported(marts: Marts, folder: Path) -> None:
    """No column tells the creation: it is the first event. Taking in charge is the first assignment."""
    [row] = marts.query(
        "select count(*), count(first_resolution_seconds), median(first_resolution_seconds) / 86400,"
        " count(first_assignment_seconds), median(first_assignment_seconds) / 3600"
        " from tickets where source = 'helpdesk_italian'"
    )
    n, resolved, first_resolve, assigned, taken = row
    assert (n, resolved, round(first_resolve, 4)) == (2290, 2282, 6.0125)
    assert (assigned, round(taken, 4)) == (2139, 17.7039)
    with duckdb.connect(folder / ".cxmarts" / "warehouse.duckdb", read_only=True) as con:
        [(duration,)] = con.execute(
            "select median(epoch(last_at - created_at)) / 86400 from marts.tickets inner join ("
            "select ticket_id, max(event_at) as last_at from staging.stg_files__ticket_events"
            " where source = 'helpdesk_italian' group by 1) using (ticket_id)"
        ).fetchall()
    assert round(duration, 4) == 39.9881


def test_problem_log_as_exported(marts: Marts) -> None:
    """Medians of the first and the last closing since the first event, counted in plain Python."""
    [(n, first, last)] = marts.query(
        "select count(last_solved_at), median(first_resolution_seconds) / 86400,"
        " median(full_resolution_seconds) / 86400 from tickets where source = 'volvo_problems'"
    )
    assert (n, round(first, 4), round(last, 4)) == (1487, 79.9746, 81.9805)


def test_worked_case_of_nps(marts: Marts) -> None:
    """The classes that the case's own answer gives each of its customers, by country."""
    classes = ("Promoter", "Passive", "Detractor")
    answer = DATA / "worked_cases" / "preppin_050" / "expected" / "output_01.csv"
    with answer.open(encoding="utf-8-sig") as file:
        given = Counter(
            (row["Country"], name.lower())
            for row in csv.DictReader(file)
            for name in classes
            if row[name] == "1"
        )
    rows = marts.query(
        "select segment, nps_class, count(*) from survey_answers where source = 'preppin_050' group by all"
    )
    assert {tuple(row[:2]): row[2] for row in rows} == given
    assert len({country for country, _ in given}) == 4
    assert marts.query(
        "select n, nps from kpi_nps"
        " where period_grain = 'all' and dimension = 'segment' and member = 'England'"
    ) == [(16, -25)]


def test_satisfaction_on_a_scale_with_labelled_ends(marts: Marts) -> None:
    """Answers without a date count for all time; 75 of 219 said 8 or more, 5 of them by the label."""
    assert marts.kpi("kpi_csat", "limesurvey", "n, positive") == (219, 75)
    assert marts.query(
        "select count(*) from survey_answers"
        " where original_answer = '10 - Completely satisfied' and score = 10"
    ) == [(5,)]


def column(export: str, name: str) -> Counter[str]:
    """How often each value of a column that begins so occurs."""
    with gzip.open(DATA / "survey_exports" / export, "rt", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        [found] = [each for each in rows.fieldnames or () if each.startswith(name)]
        return Counter(row[found] for row in rows)


@pytest.mark.parametrize(
    ("source", "question", "export", "asked", "answers"),
    [
        pytest.param(
            "surveymonkey_weather",
            "surveymonkey_weather",
            "surveymonkey_weather-check.csv.gz",
            "If you had a smartwatch",
            {1: "Very unlikely", 2: "Somewhat unlikely", 3: "Somewhat likely", 4: "Very likely"},
            id="weather",
        ),
        pytest.param(
            "surveymonkey_comma",
            "surveymonkey_comma",
            "surveymonkey_comma-survey.csv.gz",
            "In your opinion, how important or unimportant is proper use of grammar",
            {
                1: "Very unimportant",
                2: "Somewhat unimportant",
                3: "Neither important nor unimportant (neutral)",
                4: "Somewhat important",
                5: "Very important",
            },
            id="comma",
        ),
        pytest.param(
            "limesurvey",
            "rse3",
            "limesurvey_2017_uk.csv.gz",
            "rse3[SQ001]",
            {0: "0 - Mostly me", 1: "1", 2: "2", 3: "3", 4: "4", 5: "5 - Mostly other people"},
            id="limesurvey",
        ),
    ],
)
def test_other_ratings_as_a_distribution(
    marts: Marts, source: str, question: str, export: str, asked: str, answers: dict[int, str]
) -> None:
    values = column(export, asked)
    counts = {score: values[text] for score, text in answers.items()}
    rows = marts.query(
        "select score, n, answers from kpi_distribution where period_grain = 'all' and dimension = 'all'"
        f" and source = '{source}' and question_id = '{question}'"
    )
    assert {score: n for score, n, _ in rows} == counts
    assert {total for *_, total in rows} == {sum(counts.values())}
