"""The data dictionary: `docs/data_dictionary.md`, written from the descriptions in the dbt project.

`python -m orchestration.commands.dictionary` writes it; with `--check` the exit code is 1 if it is out of
step.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestration.report.dictionary import card_lines, meaning, valued

ROOT = Path(__file__).parents[2]
PROJECT, TARGET = ROOT / "dbt_project", ROOT / "docs" / "data_dictionary.md"
#: Title -> folder of models.
SECTIONS = {"Marts": "marts", "KPI tables": "kpis", "Books": "books", "Restricted marts": "restricted"}

_INTRODUCTION = """\
# Data dictionary

Written by `make docs` from the descriptions in `dbt_project/`; change those, not this page.
The same texts are table and column comments in the published `marts.duckdb`, and stand on a page beside the
report that can be searched: `published/current/report/dictionary.html`.
Times are UTC, durations seconds, percentages 0 to 100, ids text.
How the numbers are defined: [metrics](metrics.md).
"""


def render(project: Path = PROJECT) -> str:
    """The page as Markdown: published marts and restricted ones, KPI definitions, rule files."""
    definitions = _definitions(project / "seeds" / "kpi_definitions.csv")
    parts = [_INTRODUCTION]
    for title, folder in SECTIONS.items():
        found = models(project / "models" / folder)
        parts += [f"## {title}\n", *(_model(model, definitions) for model in found)]
    parts += [
        "## KPI definitions\n",
        _table(_DEFINITION, [tuple(row[name] for name in _DEFINITION) for row in definitions]),
    ]
    parts += ["## Rules that an analyst edits\n", _RULES, *_seeds(project / "seeds")]
    return "\n".join(parts)


_RULES = """\
One CSV file each in `dbt_project/seeds`. Put your own versions (same names, same columns) into a folder and
name it in `CXMARTS_RULES`; the next refresh rebuilds what a changed rule touches.
`*` as source means every one.
"""


def models(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The models that a folder of the project describes, as written, by their file's name."""
    for path in sorted(folder.glob("*.yml")):
        yield from yaml.load(path.read_text(), yaml.CSafeLoader).get("models", [])


def _model(model: Mapping[str, Any], definitions: Sequence[Mapping[str, str]]) -> str:
    lines = [f"### {model['name']}\n", f"{model['description']}\n"]
    for test in model.get("data_tests", []):
        if isinstance(test, dict) and "unique_key" in test:
            lines.append(f"Key: {', '.join(test['unique_key']['arguments']['columns'])}\n")
    if told := list(card_lines(model.get("config", {}).get("meta", {}))):
        lines.append("\n".join(f"- {line}" for line in told) + "\n")
    rows = []
    values = valued(definitions)
    for column in model["columns"]:
        kpis = [row["kpi"] for row in values.get((model["name"], column["name"]), [])]
        told_of = f" KPI: {', '.join(kpis)}." if kpis else ""
        rows.append((column["name"], column["data_type"], meaning(column) + told_of))
    return "\n".join([*lines, _table(("column", "type", "meaning"), rows)])


_DEFINITION = ("kpi", "definition_version", "unit", "better", "definition", "variant", "elsewhere")


def _definitions(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _seeds(folder: Path) -> Iterator[str]:
    for seed in yaml.safe_load((folder / "_seeds.yml").read_text())["seeds"]:
        types = seed["config"]["column_types"]
        known = {column["name"]: column for column in seed.get("columns", [])}
        rows = [(name, type_, _values(known.get(name, {}))) for name, type_ in types.items()]
        yield "\n".join(
            [
                f"### {seed['name']}.csv\n",
                f"{seed['description']}\n",
                _table(("column", "type", "values or meaning"), rows),
            ]
        )


def _values(column: Mapping[str, Any]) -> str:
    """What a rule file's column means; else the values that it may hold, where they are listed."""
    if meaning := column.get("description"):
        return str(meaning)
    for test in column.get("data_tests", []):
        if isinstance(test, dict) and "accepted_values" in test:
            return ", ".join(map(str, test["accepted_values"]["arguments"]["values"]))
    return ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it. Returns the exit code."""
    wanted = render()
    if arguments != ["--check"]:
        TARGET.write_text(wanted)
        return 0
    if TARGET.exists() and TARGET.read_text() == wanted:
        return 0
    sys.stderr.write("docs/data_dictionary.md is out of step with dbt_project: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
