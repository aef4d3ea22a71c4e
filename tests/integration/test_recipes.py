"""SQL, Python and formulas of the documents run on published marts, and give rows."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.warehouse.dbt import Project
from tests import parsed, recipes
from tests.documents import Code, blocks, commands, formulas, inline
from tests.recipes import MAY_BE_EMPTY

SEEDS = parsed.ROOT / "dbt_project" / "seeds"
MARTS = Path(".cxmarts", "published", "current", "marts.duckdb")
#: Languages that something runs, and what the other blocks are.
LANGUAGES = {
    "sh": "tests/e2e/test_documents.py",
    "sql": "here",
    "python": "here",
    "csv": "here",
    "yaml": "tests/integration/files/test_documented_mappings.py",
    "mermaid": "a drawing",
}
OTHER_BLOCKS = {
    "Scorecard as of": "what `make demo` prints: compared in tests/e2e/test_documents.py",
    "id: Ticket ID": "shortened from a draft: tests/unit/files/test_draft.py",
}
#: What stands between the recipes: run below, or why not.
PHRASES = {
    "attach 'marts.duckdb' as cx (read_only)": "here",
    "use cx": "here",
    "kpi_cell(kpi, period_grain, period_start, dimension, member, key := '')": "here",
    "$CXMARTS_HOME/published/current/": "a folder",
    "marts/<name>.parquet": "files",
    "PREVENT_UNSAFE_DB_CONNECTIONS = False": "needs a Superset server",
    "apache-superset==6.1.0 rich cachetools psycopg2-binary duckdb-engine": "needs a registry",
    "--exclude-newer 2026-06-10T00:00:00Z": "needs a registry",
    "postgresql+psycopg2://user:password@host:5432/database": "needs a Superset server",
    "POST /api/v1/chart/data": "needs a Superset server",
    "duckdb:////path/to/published/current/marts.duckdb?access_mode=read_only": "needs a Superset server",
    "access_mode=read_only": "needs the ODBC driver",
    "postgresql://user:password@host:5432/database": "tests/integration/postgres",
    "select version, as_of from cxmarts.loaded_version": "tests/integration/postgres",
    "DIVIDE(SUM(kpi_csat[positive]), SUM(kpi_csat[n]))": "needs Power BI",
}
#: Formula -> the table of its parts, the column that it computes, of which rows.
FORMULAS = {
    "100.0 * sum(positive) / sum(n)": ("kpi_csat", "csat_pct", "true"),
    "SUM(positive) * 100.0 / SUM(n)": ("kpi_csat", "csat_pct", "true"),
    "100.0 * (sum(promoters) - sum(detractors)) / sum(n)": ("kpi_nps", "nps", "true"),
    "100.0 * sum(easy) / sum(n)": ("kpi_ces", "ces_pct", "true"),
    "100.0 * sum(answered) / sum(sent)": ("kpi_survey_response", "response_rate_sent_pct", "true"),
    "100.0 * sum(met) / (sum(met) + sum(breached))": (
        "kpi_sla_compliance",
        "attainment_pct",
        "metric = 'first_reply'",
    ),
}


def test_every_block_is_run_or_explained() -> None:
    unknown = [
        str(block)
        for block in blocks()
        if block.language not in LANGUAGES
        and not block.text.strip().startswith(tuple(OTHER_BLOCKS))
        and not set(block.text.split("\n")) <= {"", *commands()}
    ]
    assert unknown == [], "name the block's language, or say what it is in OTHER_BLOCKS"


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql(block: Code, first: Path) -> None:
    assert recipes.empty_answers(first, block) == []


@pytest.mark.parametrize("block", blocks("csv"), ids=str)
def test_a_rule_file_as_it_is_shown_is_one(block: Code, tmp_path: Path) -> None:
    header = block.text.splitlines()[0]
    seeds = [path for path in SEEDS.glob("*.csv") if path.read_text().splitlines()[0] == header]
    assert [path.name for path in seeds] == [path.name for path in seeds[:1]]
    rules, home = tmp_path / "rules", Home(tmp_path / "home")
    rules.mkdir()
    (rules / seeds[0].name).write_text(block.text)
    home.create()
    Project(home, rules).prepare()
    with duckdb.connect() as con:
        rows = con.execute(
            f"select count(*) from read_csv('{rules / seeds[0].name}', header = true)"
        ).fetchall()
    assert rows == [(len(block.text.splitlines()) - 1,)]


def test_the_statements_that_may_be_empty_stand_in_a_document() -> None:
    text = "".join(block.text for block in blocks("sql"))
    assert [start for start in MAY_BE_EMPTY if start not in text] == []


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python(block: Code, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = recipes.results(first, block)
    printed = capsys.readouterr().out
    assert tables or printed
    assert [name for name, table in tables.items() if table.empty] == []
    assert "0 rows" not in printed


def test_what_stands_between_the_recipes_is_run_or_explained() -> None:
    plain = re.compile(r"[\w./-]*")  # names of tables, columns, files and values
    phrases = {code.text for code in inline() if code.page == "docs/bi.md" and not plain.fullmatch(code.text)}
    assert {formula.text for formula in formulas()} == FORMULAS.keys()
    assert phrases - FORMULAS.keys() - set(commands()) == PHRASES.keys()


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_parts_of_the_segments_give_the_value_of_all(formula: str, first: Path) -> None:
    table, value, key = FORMULAS[formula]
    of_all = f"from {table} where period_grain = 'all' and {key} and dimension"
    with duckdb.connect(first / MARTS, read_only=True) as con:
        [(ours,)] = con.execute(f"select {formula} {of_all} = 'segment'").fetchall()
        theirs = con.execute(f"select {value} {of_all} = 'all'").fetchall()
    assert [(ours,)] == theirs or (ours, theirs) == (None, [])
    assert ours is not None or table == "kpi_ces"  # the small company asks nobody how easy it was


def test_the_function_is_called_as_it_is_described(first: Path) -> None:
    [described] = [text for text in PHRASES if text.startswith("kpi_cell(")]
    with duckdb.connect(first / MARTS, read_only=True) as con:
        [(names,)] = con.execute(
            "select parameters from duckdb_functions() where function_name = 'kpi_cell'"
        ).fetchall()
    assert described == f"kpi_cell({', '.join(names[:-1])}, {names[-1]} := '')"


def test_the_marts_under_another_name(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir((first / MARTS).parent)
    with duckdb.connect() as con:
        con.execute("attach 'marts.duckdb' as cx (read_only)")
        con.execute("from cx.metric_members limit 1")
        con.execute("use cx")
        assert con.execute("from kpi_cell('kpi_csat', 'all', null, 'all', 'all')").fetchall()
