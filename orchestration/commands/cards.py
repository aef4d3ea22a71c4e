"""The KPIs' cards as a macro: `dbt_project/macros/generated/cards.sql`, written from `models/kpis/*.yml`.

`python -m orchestration.commands.cards` writes it; with `--check` the exit code is 1 if it is out of step.
dbt must know every `ref()` when it parses, and macros cannot read the manifest then: so what SQL needs of the
cards is handed to them in this way. The words of a card: `docs/architecture.md`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestration.commands.dictionary import PROJECT

TARGET = PROJECT / "macros" / "generated" / "cards.sql"

#: The words that SQL is made from; labels, plots and what gate 3 asks stand in the manifest.
_WORDS = (
    "facts", "reads", "time", "where", "dimensions", "own_dimensions", "grains", "definition",
    "journalled", "matures",
)  # fmt: skip
_HEADLINE_WORDS = (
    "kpi", "where", "value", "n", "by_vendor", "low", "high", "chart", "total", "squares", "is_provisional",
)  # fmt: skip
#: What every KPI by period has in its key.
_CELL = ("period_grain", "period_start", "dimension", "member")

_HEAD = """\
{#- Written by `make docs` from models/kpis/*.yml; change those, not this file. -#}

{#- KPI table to its card. `key`: its columns beside period, dimension and member; `types` are theirs,
    `values` those of a fixed list. -#}
"""
_RELATIONS = """
{#- The marts that cards count: their columns, and those that run with the clock: another value each time. -#}
"""


def render(project: Path = PROJECT) -> str:
    """The macros `cards()` and `counted_marts()` as text."""
    models = {
        model["name"]: model
        for path in sorted(project.glob("models/**/*.yml"))
        for model in (yaml.safe_load(path.read_text()) or {}).get("models", [])
    }
    cards = {name: _card(model) for name, model in sorted(models.items()) if name.startswith("kpi_")}
    counted = {
        name
        for card in cards.values()
        for name in (card.get("facts"), *card.get("reads", ()), *(m["relation"] for m in card["members"]))
    }
    told = {name for name, model in models.items() if model.get("columns")}
    relations = {name: _relation(models[name]) for name in sorted(counted & told)}
    return _HEAD + _macro("cards", cards) + _RELATIONS + _macro("counted_marts", relations)


def _macro(name: str, value: Mapping[str, Any]) -> str:
    lines = "".join(f"    {_jinja(key)}: {_block(each, 4)},\n" for key, each in value.items())
    return f"{{% macro {name}() %}}{{{{ return({{\n{lines}}}) }}}}{{% endmacro %}}\n"


def _block(value: Mapping[str, Any], indent: int) -> str:
    """A mapping with a line for each word, and for each entry of a list of mappings."""
    inner, lines = " " * (indent + 4), []
    for key, each in value.items():
        text = _jinja(each)
        if isinstance(each, list) and each and isinstance(each[0], dict):
            text = "[" + "".join(f"\n{inner}    {_jinja(entry)}," for entry in each) + f"\n{inner}]"
        lines.append(f"\n{inner}{_jinja(key)}: {text},")
    return "{" + "".join(lines) + "\n" + " " * indent + "}"


def _jinja(value: object) -> str:
    """A value as a literal of Jinja."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_jinja(key)}: {_jinja(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_jinja, value)) + "]"
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else str(value)
    )


def _card(model: Mapping[str, Any]) -> dict[str, Any]:
    meta = model["config"]["meta"]
    types = {column["name"]: column["data_type"] for column in model["columns"]}
    key = [column for column in _tests(model, "unique_key")["columns"] if column not in _CELL]
    values = {
        column["name"]: test["values"]
        for column in model["columns"]
        if column["name"] in key and (test := _tests(column, "accepted_values"))
    }
    card = {word: meta[word] for word in _WORDS if word in meta}
    card |= {"key": key, "types": {name: types[name] for name in key}, "values": values}
    card["has_periods"] = "period_grain" in types
    card["members"] = [
        {"relation": meta["facts"], **entry}
        for told in _listed(meta.get("members"))
        for entry in _each(told, key)
    ]
    card["headlines"] = [
        {word: entry[word] for word in _HEADLINE_WORDS if word in entry}
        for entry in meta.get("headlines", ())
        if "kpi" in entry
    ]
    return card


def _listed(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told] if told else []


def _each(entry: Mapping[str, Any], key: list[str]) -> Iterator[dict[str, Any]]:
    """An entry of `members`, once for every combination of its `for_each`."""
    words = {word: text for word, text in entry.items() if word != "for_each"}
    choices = {
        column: told if isinstance(told, Mapping) else {value: value for value in told}
        for column, told in entry.get("for_each", {}).items()
    }
    for combination in itertools.product(*(choice.items() for choice in choices.values())):
        stands_for = dict(zip(choices, (text for _, text in combination), strict=True))
        told = _filled(words, stands_for)
        if choices:
            told["constants"] = dict(zip(choices, (str(value) for value, _ in combination), strict=True))
        yield told


def _filled(value: Any, stands_for: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(each, stands_for) for key, each in value.items()}
    if isinstance(value, str):
        for column, text in stands_for.items():
            value = value.replace("{" + column + "}", str(text))
    return value


def _relation(model: Mapping[str, Any]) -> dict[str, Any]:
    columns = model["columns"]
    told = {
        word: [c["name"] for c in columns if c.get("config", {}).get("meta", {}).get(word)]
        for word in ("runs", "matures")
    }
    names = [column["name"] for column in columns]
    return {"columns": names, "running": told["runs"], "maturing": told["matures"]}


def _tests(described: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for test in described.get("data_tests", ()):
        if isinstance(test, Mapping) and name in test:
            return dict(test[name]["arguments"])
    return {}


def main(arguments: list[str]) -> int:
    """Write the macros, or with `--check` compare them. Returns the exit code."""
    wanted = render()
    if arguments != ["--check"]:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(wanted)
        return 0
    if TARGET.exists() and TARGET.read_text() == wanted:
        return 0
    sys.stderr.write(f"{TARGET.name} is out of step with the cards in models/kpis: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
