"""The models as Dagster shows them: the SQL that ran, their columns, and what each column is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from ingestion.landing_format import COLUMNS, ROW_NUMBER
from orchestration.assets.graph import ModelGraph
from orchestration.warehouse import lineage
from orchestration.warehouse.dbt import Project, code_fingerprints

#: So much of a model's SQL is shown: a first load names thousands of files.
SHOWN_SQL = 60_000
#: So many columns that a column is made from are named in its description.
SHOWN_ORIGINS = 12


def read_built(
    graph: ModelGraph,
    project: Project,
    built: Collection[str],
    tables: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
) -> None:
    """Note the columns of models that were just built in a version that nobody looked at yet.

    Args:
        graph: the models.
        project: what dbt ran; it keeps what is found.
        built: the models that were built.
        tables: (schema, table) -> its columns in order, as (name, type).
    """
    wanted, store = code_fingerprints(graph.manifest), project.columns
    streams = {name: (f"raw_{vendor}", stream) for name, (vendor, stream) in graph.parsed.items()}

    def is_fresh(name: str) -> bool:
        known = store.get(name, wanted[name])
        # Before a file landed, the SQL did not say what it reads.
        return known is None or (name in streams and not known.lineage)

    fresh = [name for name in graph.order if name in built and is_fresh(name)]
    if not fresh:
        return
    names = {table: [name for name, _ in found] for table, found in tables.items()}
    names |= {stream: [*COLUMNS, ROW_NUMBER] for stream in streams.values()}
    for name in fresh:
        sql = _compiled(graph, project, name)
        is_told = sql and ("read_parquet" in sql or name not in streams)
        origins = lineage.resolve(sql, names, streams.get(name)) if is_told else {}
        store.put(name, wanted[name], lineage.Columns(dict(tables[graph.schemas[name], name]), origins))
    store.save()


def _compiled(graph: ModelGraph, project: Project, name: str) -> str:
    """The SQL that dbt ran last; a rule file has none."""
    compiled = project.folder / "target" / "compiled" / graph.manifest["metadata"]["project_name"]
    try:
        return Path(compiled, graph.files[name]).read_text()
    except FileNotFoundError:
        return ""


def shown(graph: ModelGraph, project: Project) -> dict[dg.AssetKey, dict[str, Any]]:
    """What the models' assets show, as far as the models were built: schema, column lineage, compiled SQL."""
    wanted = code_fingerprints(graph.manifest)
    return {
        key: _metadata(name, found, graph.descriptions[name], graph.keys)
        | _sql(_compiled(graph, project, name))
        for key, name in graph.names.items()
        if (found := project.columns.get(name, wanted[name]))
    }


def _sql(compiled: str) -> dict[str, Any]:
    if not compiled:
        return {}
    more = "\n-- and so on" if len(compiled) > SHOWN_SQL else ""
    return {"compiled_sql": dg.MetadataValue.md(f"```sql\n{compiled[:SHOWN_SQL].strip()}{more}\n```")}


def _metadata(
    name: str, columns: lineage.Columns, descriptions: Mapping[str, str], known: Collection[str]
) -> dict[str, Any]:
    deps = _column_deps(name, columns.lineage, known)
    schema = dg.TableSchema(
        [
            dg.TableColumn(column, type_, _described(descriptions.get(column, ""), deps.get(column, ())))
            for column, type_ in columns.types.items()
        ]
    )
    shown: dict[str, Any] = {"dagster/column_schema": schema}
    return shown | ({"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {})


def _column_deps(
    name: str, found: lineage.Lineage, known: Collection[str]
) -> dict[str, list[dg.TableColumnDep]]:
    """The lineage between assets: neither a model's own earlier rows nor the book-keeping count."""
    return {
        column: [
            dg.TableColumnDep(dg.AssetKey([schema, table]), origin)
            for schema, table, origin in leaves
            if table != name and (table in known or schema.startswith("raw_"))
        ]
        for column, leaves in found.items()
    }


def _described(text: str, deps: Sequence[dg.TableColumnDep]) -> str | None:
    """A column's description with what it is made from: the open-source UI draws no column lineage."""
    by_asset: dict[str, list[str]] = {}
    for dep in deps[:SHOWN_ORIGINS]:
        by_asset.setdefault(dep.asset_key.to_user_string(), []).append(dep.column_name)
    origins = "; ".join(f"{asset}: {', '.join(names)}" for asset, names in by_asset.items())
    more = len(deps) - SHOWN_ORIGINS
    made = f"Made from {origins}{f' and {more} more' if more > 0 else ''}." if origins else ""
    return " ".join(filter(None, (text, made))) or None
