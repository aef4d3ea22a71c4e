"""The recipe "A KPI" of CONTRIBUTING: a copy of the project with one more, by its files alone, passes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parsed import ROOT

SQL = """\
{#- How many of the tickets created in a period got an answer, by the local date of their creation. #}
with facts as ({{ counted_facts() }}),

cells as ({{ kpi_cells({'created': 'count(*)', 'answered': 'count(first_reply_seconds)'}) }})

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.created,
    c.answered,
    cast(100e0 * c.answered / nullif(c.created, 0) as double) as answered_pct,
    {{ is_small_n('c.created') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition() }}
"""
YML = """\
version: 2

models:
  - name: kpi_answered
    description: "Share of created tickets that got an answer. Answers: Does everybody hear from us?"
    config:
      meta:
        facts: tickets
        time: created_at
        dimensions: tickets
        definition: answered
        small_n: created
        next_at: midnight
        members: {numerator: first_reply_seconds is not null, value: first_reply_seconds}
        plot: {column: answered_pct}
        headlines:
          - {kpi: answered, label: Answered, value: answered_pct, n: created, chart: p, total: answered}
    data_tests:
      - unique_key:
          arguments:
            columns: [period_grain, period_start, dimension, member]
    columns:
      - {name: period_grain, data_type: varchar, description: "day, week, month, quarter or all."}
      - {name: period_start, data_type: date, description: First local day of the period.}
      - {name: dimension, data_type: varchar, description: What the row is split by.}
      - {name: member, data_type: varchar, description: Value of the dimension.}
      - name: created
        data_type: bigint
        description: Tickets created.
        config: {meta: {counts: in_denominator}}
      - name: answered
        data_type: bigint
        description: "Of these, answered."
        config: {meta: {counts: in_numerator}}
      - name: answered_pct
        data_type: double
        description: 100 x answered / created.
        config: {meta: {ratio: {of: [answered], over: [created]}}}
      - {name: is_small_n, data_type: boolean, description: Too few to say.}
      - {name: is_partial_period, data_type: boolean, description: Not over yet.}
      - {name: definition_version, data_type: integer, description: Version of the definition.}

unit_tests:
  - name: kpi_answered_of_two
    model: kpi_answered
    description: One of two, that of the segment.
    overrides:
      env_vars: {CXMARTS_AS_OF: "2024-06-30T12:00:00Z", CXMARTS_TIMEZONE: UTC}
      macros: {period_grains: [all], offered_dimensions: {segment: segment}}
    given:
      - input: ref('tickets')
        rows:
          - {source: s, ticket_id: '1', created_at: 2024-06-04, segment: smb, first_reply_seconds: 60}
          - {source: s, ticket_id: '2', created_at: 2024-06-04, segment: null, first_reply_seconds: null}
      - input: ref('kpi_definitions')
        rows:
          - {kpi: answered, definition_version: 1, small_n: 2}
    expect:
      rows:
        - {dimension: all, member: all, created: 2, answered: 1, answered_pct: 50}
        - {dimension: segment, member: smb, created: 1, answered: 1, answered_pct: 100}
        - {dimension: segment, member: (none), created: 1, answered: 0, answered_pct: 0}
"""
DEFINITION = (
    'answered,kpi_answered,answered_pct,percent,higher,30,0,1,"100 x answered / created","by creation"\n'
)
TRUTH = '''

def answered(counted: Sequence[TicketTruth]) -> int:
    """Counted tickets that a human agent answered."""
    return sum("first_reply" in ticket.seconds for ticket in counted)
'''
TEST = """

def test_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("answered"))
    with Sandbox(tickets=100, seed=3, now=NOW) as sandbox:
        fetch_sandbox(sandbox, warehouse.landing)
        expected = answered([t for t in tickets(sandbox.company) if t.excluded is None])
    warehouse.build(NOW.isoformat(), select=["+kpi_answered"])
    assert warehouse.query(f"select answered from marts.kpi_answered where {ALL}") == [(expected,)]
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one KPI more, by the seven files of the recipe."""
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    copy = tmp_path_factory.mktemp("toy_kpi")
    for name in found.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    kpis, truth = copy / "dbt_project" / "models" / "kpis", copy / "sandbox" / "truth.py"
    (kpis / "kpi_answered.sql").write_text(SQL)
    (kpis / "kpi_answered.yml").write_text(YML)
    _append(copy / "dbt_project" / "seeds" / "kpi_definitions.csv", DEFINITION)
    _append(truth, TRUTH)
    test = copy / "tests" / "integration" / "dbt" / "test_truth.py"
    test.write_text(
        test.read_text().replace("from sandbox.truth import ", "from sandbox.truth import answered, ")
    )
    _append(test, TEST)
    _append(copy / "docs" / "metrics.md", "\n`kpi_answered`: tickets that got an answer.\n")
    _append(copy / "CHANGELOG.md", "\n- `kpi_answered`.\n")
    for written in ("cards", "dictionary"):
        _run(copy, "-m", f"orchestration.commands.{written}")
    return copy


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def _run(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "tests",
    [
        # Parsed, described, defined, journalled, judged; dictionary and macros are in step.
        [
            "tests/contract/test_dbt_project.py",
            "tests/contract/test_interfaces.py",
            "tests/contract/test_docs.py",
        ],
        ["tests/unit/quality/test_suites.py", "tests/unit/quality/test_contracts.py"],
        # Its unit test, and those of the tables that loop over the KPIs.
        ["tests/integration/dbt/test_unit_tests.py"],
        ["tests/integration/dbt/test_truth.py::test_answered"],
        # A refresh through all gates to a publication, in which every cell opens.
        ["tests/integration/orchestration/test_members.py"],
    ],
    ids=["contract", "gates", "unit", "truth", "published"],
)
def test_a_kpi_by_the_recipe_passes(checkout: Path, tests: list[str]) -> None:
    said = _run(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert "passed" in said
    if tests[0].endswith("test_members.py"):
        assert "kpi_answered" in _run(checkout, "-m", "pytest", "--collect-only", "-q", *tests)
