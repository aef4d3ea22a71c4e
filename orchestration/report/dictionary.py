"""The data dictionary beside the report: every published mart and KPI on one page that can be searched.

<version>/report/dictionary.html

It tells of no rows, so it stays what it was until a declaration, a definition or a dimension changes: then
it is made anew, else the version shares the file of the one before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ground.sql import quoted_name, quoted_text
from orchestration.publication.publish import DATABASE
from orchestration.report import data
from orchestration.report.page import DICTIONARY, FOLDER, HERE, PAGE, environment
from orchestration.report.texts import TABLE, Texts
from orchestration.warehouse.contracts import contracts

#: Folders of the project's models that are published; a rule file that is stands among the books.
KINDS = ("kpis", "marts", "books")
#: How a column's name tells its unit, where no KPI says it.
_UNITS = (
    (re.compile(r"(^|_)seconds(_last_schedule)?$"), "seconds"),
    (re.compile(r"_pct$"), "percent"),
    (re.compile(r"(^|_)hours$"), "hours"),
    (re.compile(r"(^|_)days$"), "days"),
    (re.compile(r"_at$"), "utc"),
)
_TYPES = {"timestamp": "utc", "date": "date", "boolean": "flag", "bigint": "count"}
#: When rows change though nothing new came.
_CHANGES = {"never": "never", "midnight": "when a local day ends", "always": "with every build"}
#: A page says what it was made of within its first bytes.
_HEAD = 2_000

Definitions = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Column:
    """A column of a mart; `units` are words of the text table, `kpis` those whose value it is."""

    name: str
    type: str
    units: Sequence[str]
    meaning: str
    is_key: bool
    kpis: Sequence[str]


@dataclass(frozen=True)
class Mart:
    """A mart, its columns, what it is split by, and what else its card says."""

    name: str
    kind: str
    description: str
    dimensions: Sequence[str]
    facts: Sequence[str]
    columns: Sequence[Column]


def path(version: Path) -> Path:
    """Where the dictionary of a version is."""
    return version / FOLDER / DICTIONARY


def write(
    version: Path,
    manifest: Mapping[str, Any],
    before: Path | None,
    *,
    project: Mapping[str, Any],
    language: str,
) -> str | None:
    """Make the dictionary of a version, or keep the one before: no publication is lost for it.

    Args: those of `make`.

    Returns:
        Why there is no new one; None if it is as it should be.
    """
    try:
        make(version, manifest, before, project=project, language=language)
    except Exception as error:
        if before and path(before).exists():
            _share(path(before), path(version))
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return f"the data dictionary could not be made ({reason})"
    return None


def make(
    version: Path,
    manifest: Mapping[str, Any],
    before: Path | None,
    *,
    project: Mapping[str, Any],
    language: str,
) -> Path:
    """Make the dictionary of a version, in its folder.

    Args:
        version: its folder, which holds `marts.duckdb`.
        manifest: its manifest: `definitions` say what KPIs mean.
        before: the folder of the version before, whose page is shared if it would be the same.
        project: the parsed dbt project.
        language: of all but descriptions.

    Returns:
        The page's path.

    Raises:
        Exception: whatever is wrong.
    """
    definitions = [
        {name: data.plain(text) if isinstance(text, str) else text for name, text in row.items()}
        for row in ({"kpi": kpi, **each} for kpi, each in manifest["definitions"].items())
    ]
    with data.connect(version / DATABASE) as con:
        found = list(marts(project, definitions, con))
        told = _told_by_helpdesks(con)
    edition = _edition([found, definitions, told, language])
    target = path(version)
    target.parent.mkdir(exist_ok=True)
    if before and _is_of(path(before), edition):
        _share(path(before), target)
        return target
    page = (
        environment()
        .get_template("dictionary.html.j2")
        .render(
            texts=Texts(language),
            edition=edition,
            report=PAGE,
            style=(HERE / "page.css").read_text(),
            script=(HERE / "dictionary.js").read_text(),
            definitions=definitions,
            told=told,
            kinds={kind: [mart for mart in found if mart.kind == kind] for kind in KINDS},
        )
    )
    target.write_text(page, encoding="utf-8")
    return target


def marts(
    project: Mapping[str, Any], definitions: Definitions, con: duckdb.DuckDBPyConnection
) -> Iterator[Mart]:
    """What the project declares of its published marts and views, by name; dimensions are those with rows."""
    declared = contracts(project)
    split = _dimensions(con, [name for name, contract in declared.items() if "dimension" in contract.key])
    values = valued(definitions)
    for node in sorted(project["nodes"].values(), key=lambda node: str(node["name"])):
        if node["resource_type"] not in ("model", "seed") or node["schema"] != "marts":
            continue
        name = node["name"]
        key = declared[name].key if name in declared else ()
        columns = []
        for column in node["columns"].values():
            kpis, is_key = values.get((name, column["name"]), []), column["name"] in key
            told = [row["kpi"] for row in kpis]
            columns.append(
                Column(
                    column["name"],
                    column["data_type"],
                    sorted({row["unit"] for row in kpis if row["unit"]}) or unit(column, is_key=is_key),
                    meaning(column),
                    is_key,
                    told,
                )
            )
        kind = node["fqn"][1] if node["resource_type"] == "model" else KINDS[-1]
        facts = list(card_lines(node["config"].get("meta", {})))
        yield Mart(name, kind, node["description"], split.get(name, []), facts, columns)


def unit(column: Mapping[str, Any], *, is_key: bool) -> list[str]:
    """In what a column counts, in words of the text table: by its name, else by its type."""
    found = next((unit for pattern, unit in _UNITS if pattern.search(column["name"])), None)
    # A whole number that tells rows apart counts nothing.
    found = found or _TYPES.get("" if is_key and column["data_type"] == "bigint" else column["data_type"])
    return [found] if found else []


def valued(definitions: Definitions) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """(mart, column) -> the KPIs whose value it is."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in definitions:
        found.setdefault((row["mart"], row["value_column"]), []).append(row)
    return found


def meaning(column: Mapping[str, Any]) -> str:
    """What a column means, and what it is divided by where its description does not say so."""
    text, card = str(column["description"]), column.get("config", {}).get("meta", {})
    if "ratio" in card and (ratio := _ratio(**card["ratio"])) not in text:
        text += f" It is {ratio}."
    return text


def card_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """What a KPI's card says that its columns do not."""
    if "facts" in card:
        where = f" where `{card['where']}`" if card.get("where", "true") != "true" else ""
        yield f"Counts rows of {card['facts']}{where}, by `{card['time']}`."
    if reads := card.get("reads"):
        yield f"Reads also {', '.join(reads)}."
    if plot := card.get("plot"):
        yield f"Plotted: {_shown(plot['column'], plot)}."
    if headlines := [line for line in card.get("headlines", ()) if "kpi" in line]:
        yield f"In kpi_scorecard: {', '.join(_shown(line['kpi'], {}) for line in headlines)}."
    if labels := [line["label"] for line in card.get("headlines", ()) if "label" in line]:
        yield f"Headlines at the terminal: {'; '.join(labels)}."
    if "facts" in card:
        journalled = "journalled" if card.get("journalled", True) else "not journalled"
        yield f"Later changes of its numbers are {journalled}."
    if owner := card.get("owner"):
        yield f"Owner: {owner}."
    if next_at := card.get("next_at"):
        told = next_at if isinstance(next_at, list) else [next_at]
        yield f"Changes without new data: {', '.join(_CHANGES.get(each, f'`{each}`') for each in told)}."


def _shown(name: str, told: Mapping[str, Any]) -> str:
    where = ", ".join(f"{column} {value}" for column, value in told.get("where", {}).items())
    return f"{name} ({where})" if where else name


def _ratio(of: Sequence[str], over: Sequence[str], minus: Sequence[str] = (), times: float = 100) -> str:
    part = " - ".join([" + ".join(of), *minus])
    part = f"({part})" if len(of) + len(minus) > 1 else part
    whole = f"({' + '.join(over)})" if len(over) > 1 else over[0]
    return f"{f'{times:g} x ' if times != 1 else ''}{part} / {whole}"


def _dimensions(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, list[str]]:
    """By table of cells, what it is split by."""
    each = [
        f"SELECT DISTINCT {quoted_text(name)} AS mart, dimension FROM {quoted_name(name)}"  # noqa: S608
        " WHERE dimension <> 'all'"
        for name in names
    ]
    found: dict[str, list[str]] = {}
    for mart, dimension in con.execute(" UNION ALL ".join(each) + " ORDER BY ALL").fetchall() if each else []:
        found.setdefault(mart, []).append(dimension)
    return found


def _told_by_helpdesks(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The numbers that helpdesks publish themselves, with the rules by which theirs may differ."""
    rows = con.execute(
        "SELECT DISTINCT measure, clock, vendor_field, coalesce(readings, '')"
        " FROM reconciliation_summary ORDER BY ALL"
    ).fetchall()
    return [
        {"measure": measure, "clock": clock, "field": vendor_field, "readings": readings.split()}
        for measure, clock, vendor_field, readings in rows
    ]


def _edition(made_of: Sequence[Any]) -> str:
    """What a page is known by: all that it says, and the code that says it."""
    told = json.dumps(made_of, default=vars, ensure_ascii=False)
    return hashlib.sha256(f"{_code()}{told}".encode()).hexdigest()[:24]


@cache
def _code() -> str:
    files = (
        Path(__file__),
        TABLE,
        *(HERE / name for name in ("dictionary.html.j2", "dictionary.js", "page.css")),
    )
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_of(page: Path, edition: str) -> bool:
    try:
        with page.open(encoding="utf-8") as file:
            return f'content="{edition}"' in file.read(_HEAD)
    except OSError:
        return False


def _share(existing: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    try:
        target.hardlink_to(existing)
    except OSError:
        target.write_bytes(existing.read_bytes())
