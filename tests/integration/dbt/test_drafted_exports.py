"""Drafted mappings of the real exports give the figures of ../shared/README.md in the marts, after at most three edits.

Each export is drafted three times: as it is, with its columns in another order under names that somebody else would give
them, and so with names that tell nothing. All of it lies in one warehouse.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from ingestion.extract import fetch
from ingestion.sources import files
from ingestion.sources.files.draft import draft

from .warehouse import Warehouse

DATA = Path(__file__).parents[4] / "shared" / "data"
MOST_EDITS = 3
MARTS = (
    "tickets", "ticket_states", "survey_answers", "sla_targets", "rejected_rows", "kpi_response_times",
    "kpi_sla_compliance", "kpi_csat",
)  # fmt: skip
AS_IS, RENAMED, NAMELESS = VARIANTS = ("as_is", "renamed", "nameless")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Edit:
    """A line that a person changes, by how it begins, or adds below the one that begins so."""

    begins: str
    new: str
    is_added: bool = False


def added(below: str, new: str) -> Edit:
    return Edit(below, new, is_added=True)


@dataclass(frozen=True)
class Export:
    """A real export and what is to be edited in its drafts.

    Attributes:
        check: Asserts the figures of a source, of the rows that were drafted.
        names: What somebody else would call the columns.
        edits: By variant; `{Real name}` stands for the column's name in it.
        score: The column of answers to draft; `second`: the answers in a file of tickets.
        some: So many rows are enough.
    """

    file: str
    check: Callable[[Warehouse, str, Rows], None]
    names: dict[str, str]
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    score: str | None = None
    second: bool = False
    some: int | None = None


def resolution(warehouse: Warehouse, source: str) -> tuple[int, float]:
    [found] = warehouse.query(
        "select n, median_seconds / 3600 from marts.kpi_response_times where period_grain = 'all' and dimension = 'source' "
        f"and member = '{source}' and measure = 'full_resolution' and clock = 'calendar'"
    )
    return found


def minutes(text: str) -> float:
    day, month, year, hour, minute = map(int, re.split(r"\D", text))
    return datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() / 60


def service_now(warehouse: Warehouse, source: str, rows: Rows) -> None:
    """Of the last row of each incident, in the order that the log itself counts."""
    last: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: int(row["sys_mod_count"])):
        last[row["number"]] = row
    spans = [
        minutes(row["resolved_at"]) - minutes(row["opened_at"])
        for row in last.values()
        if row["resolved_at"] != "?"
    ]
    hours = statistics.median(spans) / 60
    met = 100 * sum(row["made_sla"] == "true" for row in last.values()) / len(last)
    if len(rows) == 119_998:
        assert (len(last), len(spans), round(hours, 1), round(met, 2)) == (20_769, 19_351, 24.6, 60.64)
    assert warehouse.query(f"select count(*) from marts.tickets where source = '{source}'") == [(len(last),)]
    n, median = resolution(warehouse, source)
    assert (n, round(median, 6)) == (len(spans), round(hours, 6))
    [(attainment,)] = warehouse.query(
        "select attainment_pct from marts.kpi_sla_compliance where period_grain = 'all' and dimension = 'source' "
        f"and member = '{source}' and metric = 'vendor'"
    )
    assert round(attainment, 6) == round(met, 6)


def technical_support(warehouse: Warehouse, source: str, _: Rows) -> None:
    """Of 1,176 first responses, 1,009 of them met, two lie before the ticket's creation."""
    assert warehouse.query(f"select count(*) from marts.tickets where source = '{source}'") == [(1181,)]
    assert warehouse.query(
        "select count(first_reply_seconds), round(median(first_reply_seconds) / 60, 3), count(full_resolution_seconds), "
        f"round(median(full_resolution_seconds) / 3600, 4) from marts.tickets where source = '{source}'"
    ) == [(1174, 5.683, 950, 20.2905)]
    assert warehouse.query(
        "select metric, count(*) filter (outcome = 'met'), count(ended_at) from marts.sla_targets "
        f"where source = '{source}' and metric <> 'vendor' group by 1 order by 1"
    ) == [("first_reply", 1007, 1174), ("total_resolution", 834, 950)]


def technical_support_csat(warehouse: Warehouse, source: str, _: Rows) -> None:
    assert warehouse.query(
        "select n, round(csat_pct, 4) from marts.kpi_csat where period_grain = 'all' and dimension = 'source' "
        f"and member = '{source}'"
    ) == [(560, 55.7143)]
    assert warehouse.query(
        f"select count(*), count(ticket_id), count(answered_at) from marts.survey_answers where source = '{source}'"
    ) == [(560, 560, 560)]


def bank(warehouse: Warehouse, source: str, _: Rows) -> None:
    sql = """
        select segment, count(*), round(100 * avg(case nps_class when 'promoter' then 1 when 'detractor' then -1 else 0 end), 4)
        from marts.survey_answers where source = '{}' group by rollup (segment) order by segment nulls first"""
    assert warehouse.query(sql.format(source)) == [
        (None, 2465, 12.8195),
        ("MEX", 825, 13.2121),
        ("UK", 825, 9.697),
        ("US", 815, 15.5828),
    ]
    assert warehouse.query(
        f"select min(answered_at)::date::text, max(answered_at)::date::text from marts.survey_answers where source = '{source}'"
    ) == [("2021-01-01", "2021-06-30")]


def italian_helpdesk(warehouse: Warehouse, source: str, _: Rows) -> None:
    """Taking in charge is the first time that a ticket is open; the medians are of all who have it."""
    sql = f"""
        with firsts as (
            select ticket_id, min(t.created_at) as created_at, any_value(t.first_resolution_seconds) as resolved,
                min(s.started_at) filter (s.status = 'open') as taken_at
            from marts.tickets as t left join marts.ticket_states as s using (source, ticket_id)
            where source = '{source}' group by 1
        )
        select count(*), count(resolved), round(median(resolved) / 86400, 4), count(taken_at),
            round(median(epoch(taken_at - created_at)) / 3600, 4)
        from firsts"""
    assert warehouse.query(sql) == [(2290, 2282, 6.0125, 2139, 17.7039)]
    assert warehouse.query(
        "select round(median(epoch(last_at - created_at)) / 86400, 4) from marts.tickets inner join ("
        f"select ticket_id, max(event_at) as last_at from staging.stg_files__ticket_events where source = '{source}' group by 1"
        f") using (ticket_id) where source = '{source}'"
    ) == [(39.9881,)]


def volvo_problems(warehouse: Warehouse, source: str, _: Rows) -> None:
    assert warehouse.query(
        f"select count(*) from staging.stg_files__ticket_events where source = '{source}'"
    ) == [(6660,)]
    assert warehouse.query(
        "select count(last_solved_at), round(median(first_resolution_seconds) / 86400, 4), "
        f"round(median(full_resolution_seconds) / 86400, 4) from marts.tickets where source = '{source}'"
    ) == [(1487, 79.9746, 81.9805)]


def scores(expected: dict[int, int]) -> Callable[[Warehouse, str, Rows], None]:
    """How often each score stands in a source, counted in the exports with a few lines of plain Python."""

    def check(warehouse: Warehouse, source: str, _: Rows) -> None:
        found = warehouse.query(
            f"select score, count(*) from marts.survey_answers where source = '{source}' group by 1 order by 1"
        )
        assert dict(found) == expected

    return check


def satisfaction(warehouse: Warehouse, source: str, _: Rows) -> None:
    """75 of 219 said 8 or more."""
    assert warehouse.query(
        "select n, positive from marts.kpi_csat where period_grain = 'all' and dimension = 'source' "
        f"and member = '{source}'"
    ) == [(219, 75)]


TICKET_WORDS = {
    "Status": "Bearbeitungsstatus", "Ticket ID": "Vorgangsnummer", "Priority": "Dringlichkeit", "Source": "Eingangskanal",
    "Topic": "Thema", "Agent Group": "Gruppe", "Agent Name": "Bearbeiter", "Created time": "Erstellt am",
    "Expected SLA to resolve": "Frist Lösung", "Expected SLA to first response": "Frist Erstreaktion",
    "First response time": "Erste Antwort", "SLA For first response": "SLA Erstreaktion", "Resolution time": "Gelöst am",
    "SLA For Resolution": "SLA Lösung", "Close time": "Geschlossen am", "Agent interactions": "Anzahl Antworten",
    "Survey results": "Kundenbewertung", "Product group": "Produktgruppe", "Support Level": "Supportstufe",
    "Country": "Land", "Latitude": "Breite", "Longitude": "Länge",
}  # fmt: skip
SATISFIED = "satisGen1[SQ001]. In general, how satisfied are you with: [Your current position]"
USERS = "rse3[SQ001]. Who uses the code that you write? []"
CHECKS_WEATHER = (
    "If you had a smartwatch (like the soon to be released Apple Watch), how likely or unlikely would you be to check the "
    "weather on that device?"
)
GRAMMAR = "In your opinion, how important or unimportant is proper use of grammar?"

EXPORTS = {
    "servicenow": Export(
        "servicenow_incidents/incident_event_log.csv.gz",
        service_now,
        {
            "number": "Incident No.",
            "incident_state": "Current state",
            "reopen_count": "Times reopened",
            "sys_mod_count": "Revision",
            "made_sla": "Within SLA?",
            "caller_id": "Requester",
            "opened_at": "When opened",
            "sys_updated_by": "Changed by",
            "sys_updated_at": "Last change",
            "contact_type": "Via",
            "category": "Topic",
            "priority": "Severity",
            "assignment_group": "Team",
            "assigned_to": "Owner",
            "resolved_at": "Solved on",
            "closed_at": "Date closed",
            "sys_created_at": "Logged at",
            "sys_created_by": "Logged by",
        },
        {
            NAMELESS: [
                Edit("# vendor_verdict: {made_sla} ", "  vendor_verdict: {made_sla}"),
                Edit("# vendor_verdict: {", '  vendor_verdict: {"true": met, "false": breached}'),
                Edit("# resolved_at: {resolved_at} ", "  resolved_at: {resolved_at}"),
            ],
        },
        some=15_000,
    ),
    "support": Export("technical_support/tickets_2023_h1.csv.gz", technical_support, TICKET_WORDS),
    "support_csat": Export(
        "technical_support/tickets_2023_h1.csv.gz",
        technical_support_csat,
        TICKET_WORDS,
        second=True,
    ),
    "bank": Export(
        "nps_bank/answers_2021_h1.csv.gz",
        bank,
        {
            "ID": "Identifiant",
            "Market": "Marché",
            "Survey date": "Date de réponse",
            "Customer Name": "Nom du client",
            "Month": "Mois",
            "Quarter": "Trimestre",
            "NPS": "Recommandation",
        },
        {
            NAMELESS: [
                added("columns:", "  segment: {Market}"),
                added("columns:", "  answered_at: {Survey date}"),
            ]
        },
    ),
    "italian": Export(
        "helpdesk_italian/events_odd_cases.csv.gz",
        italian_helpdesk,
        {
            "concept:name": "Attività svolta",
            "lifecycle:transition": "Transizione",
            "org:resource": "Eseguito da",
            "time:timestamp": "Data e ora",
            "Activity": "Attività",
            "Resource": "Risorsa",
            "case:concept:name": "Numero caso",
            "case:variant": "Variante",
            "case:variant-index": "N. variante",
            "case:creator": "Creato da",
        },
    ),
    "volvo": Export(
        "volvo_problems/closed_problems.csv.gz",
        volvo_problems,
        {
            "org:group": "Equipo",
            "resource country": "País",
            "organization country": "País de la empresa",
            "org:resource": "Agente",
            "organization involved": "Unidad",
            "org:role": "Función",
            "concept:name": "Fase",
            "impact": "Prioridad",
            "product": "Producto",
            "lifecycle:transition": "Estado",
            "time:timestamp": "Fecha del evento",
            "case:concept:name": "Número de caso",
        },
    ),
    "limesurvey": Export(
        "survey_exports/limesurvey_2017_uk.csv.gz",
        satisfaction,
        {"": "Antwort-ID", SATISFIED: "Zufriedenheit mit der Stelle"},
        {
            # Which of two questions on satisfaction is meant, only a person knows.
            RENAMED: [Edit('score: "satisGen1[SQ002]', "  score: {" + SATISFIED + "}")],
            NAMELESS: [Edit("score: c", "  score: {" + SATISFIED + "}")],
        },
    ),
    "limesurvey_users": Export(
        "survey_exports/limesurvey_2017_uk.csv.gz",
        scores({0: 7, 1: 34, 2: 31, 3: 38, 4: 60, 5: 76}),
        {"": "Antwort-ID", USERS: "Wer nutzt den Code?"},
        score=USERS,
    ),
    "comma": Export(
        "survey_exports/surveymonkey_comma-survey.csv.gz",
        scores({1: 5, 2: 7, 3: 26, 4: 333, 5: 688}),
        {"RespondentID": "Participant", GRAMMAR: "Q7 importance"},
    ),
    "weather": Export(
        "survey_exports/surveymonkey_weather-check.csv.gz",
        scores({1: 208, 2: 73, 3: 274, 4: 362}),
        {"RespondentID": "Participant", CHECKS_WEATHER: "Q4 smartwatch"},
    ),
}


@cache
def table(file: str) -> tuple[list[str], list[list[str]]]:
    with gzip.open(DATA / file, "rt", encoding="utf-8-sig", newline="") as lines:
        header, *rows = csv.reader(lines)
    return header, rows


def written(export: Export, variant: str, path: Path) -> dict[str, str]:
    """Write the export as a variant; the names of its columns by the real ones."""
    header, rows = table(export.file)
    order = list(range(len(header)))
    names = {name: name for name in header}
    if variant != AS_IS:
        random.Random(4).shuffle(order)
        others = export.names if variant == RENAMED else {name: f"c{i + 1}" for i, name in enumerate(header)}
        names |= {name: others[name] for name in header if name in others}
    lines = [[names[name] for name in header], *rows[: export.some]]
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        csv.writer(file).writerows([cells[i] for i in order] for cells in lines)
    return names


def edited(text: str, edits: list[Edit], names: dict[str, str]) -> str:
    """A draft after its edits, each of one line."""
    assert len(edits) <= MOST_EDITS
    lines = text.splitlines()
    for edit in edits:
        begins, new = edit.begins, edit.new
        for name, given in names.items():
            begins, new = begins.replace(f"{{{name}}}", given), new.replace(f"{{{name}}}", given)
        [place] = [i for i, line in enumerate(lines) if line.strip().startswith(begins)]
        lines[place : place + 1] = [lines[place], new] if edit.is_added else [new]
    return "\n".join(lines)


def built(folder: Path, exports: dict[str, Export], variants: tuple[str, ...]) -> Warehouse:
    """The marts that edited drafts give; a source is an export's name and its variant."""
    for name, export in exports.items():
        for variant in variants:
            source = f"{name}_{variant}"
            path = folder / f"{source}.csv.gz"
            names = written(export, variant, path)
            score = export.score and names[export.score]
            if export.second and variant == NAMELESS:
                score = names["Survey results"]
            found = draft(path, folder=folder, name=source, score=score)
            text = found[1 if export.second and not score else 0].text
            (folder / f"{source}.yml").write_text(edited(text, export.edits.get(variant, []), names))
    warehouse = Warehouse(folder / "warehouse")
    result = fetch(files.sources(folder), warehouse.landing)
    assert [each.error for each in result.streams if each.error] == []
    warehouse.build("2024-01-01T00:00:00Z", select=[f"+{mart}" for mart in MARTS])
    return warehouse


def checked(warehouse: Warehouse, name: str, variant: str, export: Export) -> None:
    header, rows = table(export.file)
    drafted = [dict(zip(header, row, strict=True)) for row in rows[: export.some]]
    export.check(warehouse, f"{name}_{variant}", drafted)
    assert (
        warehouse.query(f"select * from marts.rejected_rows where source = '{name}_{variant}' limit 3") == []
    )


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built(tmp_path_factory.mktemp("drafts"), EXPORTS, VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", EXPORTS)
def test_a_drafted_export(drafts: Warehouse, name: str, variant: str) -> None:
    checked(drafts, name, variant, EXPORTS[name])


@pytest.mark.campaign
def test_the_draft_of_a_whole_log(tmp_path: Path) -> None:
    whole = {"servicenow": replace(EXPORTS["servicenow"], some=None)}
    checked(built(tmp_path, whole, (AS_IS,)), "servicenow", AS_IS, whole["servicenow"])
