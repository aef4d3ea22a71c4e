"""The recipe "A KPI" of CONTRIBUTING: a copy of the project with one more, by its files alone, passes.

The model and its card are those of tests/toys/kpi.
"""

from __future__ import annotations

import pytest

from tests.checkouts import Checkout
from tests.parsed import ROOT

DEFINITION = (
    'answered,kpi_answered,answered_pct,percent,higher,30,0,1,"100 x answered / created","by creation",\n'
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
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The project with one KPI more, by the seven files of the recipe."""
    copy = Checkout(tmp_path_factory.mktemp("toy_kpi"))
    copy.add(ROOT / "tests" / "toys" / "kpi")
    copy.append("dbt_project/seeds/kpi_definitions.csv", DEFINITION)
    copy.append("sandbox/truth.py", TRUTH)
    compared = "tests/integration/dbt/test_truth.py"
    copy.replace(compared, "from sandbox.truth import ", "from sandbox.truth import answered, ")
    copy.append(compared, TEST)
    copy.append("docs/metrics.md", "\n`kpi_answered`: tickets that got an answer.\n")
    copy.append("CHANGELOG.md", "\n- `kpi_answered`.\n")
    copy.make_docs()
    return copy


@pytest.mark.recipe
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
        ["tests/integration/dbt/test_unit_tests.py", "tests/integration/dbt/test_control_charts.py"],
        ["tests/integration/dbt/test_truth.py::test_answered"],
        # A refresh through all gates to a publication, in which every cell opens.
        ["tests/integration/orchestration/test_members.py"],
    ],
    ids=["contract", "gates", "unit", "truth", "published"],
)
def test_a_kpi_by_the_recipe_passes(checkout: Checkout, tests: list[str]) -> None:
    checkout.test(*tests)
    if tests[0].endswith("test_members.py"):
        assert "kpi_answered" in checkout.run("-m", "pytest", "--collect-only", "-q", *tests)
