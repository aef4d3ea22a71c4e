"""Who may import whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from ingestion.sources import LATER, VENDORS
from orchestration.warehouse.contracts import contracts

ROOT = Path(__file__).parents[2]
DAGSTER, DBT = {"dagster"}, {"dbt"}
#: Package -> what it may never import.
FORBIDDEN = {
    "ingestion.landing_format": {"ingestion", "duckdb"},
    "ingestion": {*DAGSTER, *DBT, "duckdb", "great_expectations", "quality", "orchestration", "sandbox"},
    "quality": {*DAGSTER, *DBT, "ingestion", "orchestration", "sandbox"},
    "sandbox": {*DAGSTER, *DBT, "duckdb", "ingestion", "quality", "orchestration"},
    "orchestration.ground": {*DAGSTER, *DBT},
    "orchestration.warehouse": DAGSTER,
    "orchestration.publication": {*DAGSTER, *DBT},
    "orchestration.report": {*DAGSTER, *DBT},
}
PACKAGES = ("ingestion", "quality", "orchestration", "sandbox", "bench")
#: But this: both know the format of the landing.
EXCEPT = {"quality": "ingestion.landing_format"}
#: The rooms of the orchestration, each above those that it may import; what is in none of them is Dagster's.
FLOORS = ("ground", "warehouse", "publication", "report", "", "commands")


def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file, of a package and all that is in it, or of one module."""
    place = ROOT / package.replace(".", "/")
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


MODULES = {name: path for package in PACKAGES for name, path in modules(package).items()}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, or takes names from, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{path}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


@pytest.mark.parametrize("package", FORBIDDEN)
def test_walls(package: str) -> None:
    found = modules(package)
    assert found
    wrong = {
        (name, imported)
        for name, path in found.items()
        for imported in imports(path)
        if imported != EXCEPT.get(package) and {imported, imported.split(".")[0]} & FORBIDDEN[package]
    }
    assert wrong == set()


def test_the_rooms_of_the_orchestration_stand_on_each_other_in_order() -> None:
    wrong = {
        (name, imported)
        for name, path in modules("orchestration").items()
        for imported in imports(path)
        if imported.startswith("orchestration.") and floor(imported) > floor(name)
    }
    assert wrong == set()


def test_what_is_in_no_room_of_the_orchestration_is_dagsters() -> None:
    without = {
        name
        for name, path in modules("orchestration").items()
        if floor(name) == floor("")
        and path.stat().st_size
        and not any(i.startswith("dagster") for i in imports(path))
    }
    assert without == set()


def floor(module: str) -> int:
    room = module.split(".")[1] if "." in module else ""
    return FLOORS.index(room if room in FLOORS else "")


def test_no_modules_import_each_other_in_a_circle() -> None:
    arrows = {name: {i for i in imports(path) if i in MODULES} for name, path in MODULES.items()}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


#: Where a vendor may be named: in its own modules and folders, and in the two lists of all vendors.
PLACES = (
    "ingestion/sources/__init__.py",
    "ingestion/sources/{}.py",
    "ingestion/sources/{}/*",
    "quality/suites/vendors/{}.py",
    "sandbox/vendors/__init__.py",
    "sandbox/vendors/{}/*",
)


@pytest.mark.parametrize("vendor", [*VENDORS, *LATER])
def test_a_vendor_is_named_in_its_own_places_alone(vendor: str) -> None:
    """In strings, comments and identifiers alike. The benches measure one vendor each, and may."""
    named = {}
    for path in (path for name, path in MODULES.items() if not name.startswith("bench")):
        inside = path.relative_to(ROOT).as_posix()
        lines = [line.strip() for line in path.read_text().splitlines() if vendor in line.lower()]
        if lines and not any(fnmatch(inside, place.format(vendor)) for place in PLACES):
            named[inside] = lines
    assert named == {}


#: What an exported file may declare itself: the words of a mapping.
FILES_SAY = {"handle_seconds", "public_agent_replies", "scale_max", "scale_min"}
#: The example that people read after the demo.
SHOWN = {("orchestration/commands/cli.py", "kpi_csat")}


def test_no_business_rule_in_python(manifest: dict[str, Any]) -> None:
    """Around dbt nobody reckons with a KPI: no text in the code names a KPI's table or a number of a mart.

    What a mart must hold beyond its contract stands in quality/; labels, plots and formulas on the card.
    """
    found = contracts(manifest)
    kpis = {name: contract for name, contract in found.items() if "facts" in contract.card}
    counted = {contract.card["facts"] for contract in kpis.values()} | kpis.keys()
    numbers = {
        column
        for name in counted
        for column, type_ in found[name].types.items()
        if type_ in ("bigint", "double") and "_" in column
    } - FILES_SAY
    named = {
        (str(path.relative_to(ROOT)), word)
        for room in ("ingestion", "orchestration")
        for path in (ROOT / room).rglob("*.py")
        for text in _texts(path)
        for word in set(re.findall(r"\w+", text)) & (numbers | kpis.keys())
    }
    assert named == SHOWN


def _texts(path: Path) -> Iterator[str]:
    """The texts in a module's code, its docstrings left out."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value
