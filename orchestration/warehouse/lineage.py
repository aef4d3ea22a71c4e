"""The columns of each model, and which columns each is made from, read off the SQL that dbt ran.

Worked out once per version of a model's code and kept in a file: to read the SQL of all models takes seconds.
What the SQL does not say beyond doubt is left out, for the whole model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.ground.files import replace_text

if TYPE_CHECKING:
    from sqlglot.optimizer.scope import Scope

DIALECT = "duckdb"
#: column -> the [schema, table, column] that it is made from
Lineage = dict[str, list[list[str]]]
Leaf = tuple[str, str, str]
Outputs = list[tuple[str, frozenset[Leaf]]]


class _UnresolvedError(Exception):
    """The SQL does not say where a column comes from."""


class Columns(NamedTuple):
    """The columns of a model in order with their types, and their lineage: empty where it cannot be told."""

    types: dict[str, str]
    lineage: Lineage


class Store:
    """The columns of each model in the version it was built in, kept in a file.

    Args:
        path: the file; a missing or unreadable one is an empty one.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._is_changed = path, False
        try:
            self._known: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def get(self, model: str, fingerprint: str) -> Columns | None:
        """The columns of a model in this version of its code; None where it was not built yet."""
        version, *columns = self._known.get(model, (None,))
        return Columns(*columns) if version == fingerprint and len(columns) == 2 else None

    def put(self, model: str, fingerprint: str, columns: Columns) -> None:
        """Keep what was found out."""
        self._known[model] = [fingerprint, *columns]
        self._is_changed = True

    def save(self) -> None:
        """Write the file if there is anything new."""
        if self._is_changed:
            replace_text(self._path, json.dumps(self._known))


def resolve(
    sql: str, columns: Mapping[tuple[str, str], Sequence[str]], files: tuple[str, str] | None = None
) -> Lineage:
    """The columns that each column of a query is made from, through its CTEs and subqueries.

    Only what a value is computed from counts, not what filters or joins the rows.

    Args:
        sql: one query in DuckDB's dialect; tables as [catalog.]schema.table.
        columns: (schema, table) -> its columns, for every table read.
        files: the (schema, table) that stands for what `read_parquet` reads.

    Returns:
        Empty if the query cannot be parsed, or one column's origin is not plain.
    """
    from sqlglot.errors import SqlglotError

    try:
        scope = _scope(sql, columns, files)
        return {name: [list(leaf) for leaf in sorted(leaves)] for name, leaves in _Reader().outputs(scope)}
    except (SqlglotError, RecursionError, _UnresolvedError):
        return {}


def _scope(
    sql: str, columns: Mapping[tuple[str, str], Sequence[str]], files: tuple[str, str] | None
) -> Scope:
    """The query with every column qualified and every star spelled out."""
    from sqlglot import MappingSchema, exp, parse_one
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    query = parse_one(sql, dialect=DIALECT)
    read = set()
    for table in query.find_all(exp.Table):
        table.set("catalog", None)
        if files and isinstance(table.this, exp.ReadParquet):
            table.set("this", exp.to_identifier(files[1]))
            table.set("db", exp.to_identifier(files[0]))
        read.add((table.db, table.name))
    schema = MappingSchema(dialect=DIALECT)
    # Adding all tables takes longer than reading the query.
    for db, name in read & columns.keys():
        names = dict.fromkeys(columns[db, name], "unknown")
        schema.add_table(exp.table_(name, db=db), names, dialect=DIALECT)
    scope = build_scope(qualify(query, dialect=DIALECT, schema=schema, quote_identifiers=False))
    if scope is None:
        raise _UnresolvedError("no query")
    return scope


class _Reader:
    """Follows columns through the scopes of one query."""

    def __init__(self) -> None:
        self._known: dict[int, Outputs] = {}

    def outputs(self, scope: Scope) -> Outputs:
        """What each column that a scope gives is made from, in order."""
        from sqlglot import exp

        if id(scope) not in self._known:
            if scope.set_operation_scopes:
                self._known[id(scope)] = self._union(scope)
            elif isinstance(scope.expression, exp.SetOperation):
                # A recursive query as it reads itself: it is made from what its parts read elsewhere.
                names = scope.expression.named_selects
                self._known[id(scope)] = [(name, frozenset()) for name in names]
            else:
                self._known[id(scope)] = self._select(scope)
        return self._known[id(scope)]

    def _union(self, scope: Scope) -> Outputs:
        left, right = (self.outputs(part) for part in scope.set_operation_scopes)
        if scope.expression.args.get("by_name"):
            known, other = dict(left), dict(right)
            names = dict.fromkeys([*known, *other])
            return [(name, known.get(name, frozenset()) | other.get(name, frozenset())) for name in names]
        if len(left) != len(right):
            raise _UnresolvedError("a union of unequal parts")
        return [(name, one | two) for (name, one), (_, two) in zip(left, right, strict=True)]

    def _select(self, scope: Scope) -> Outputs:
        from sqlglot import exp

        if not isinstance(scope.expression, exp.Select):
            raise _UnresolvedError(f"{scope.expression.key} in place of a query")
        return [(each.alias_or_name, self._leaves(each, scope)) for each in scope.expression.selects]

    def _leaves(self, expression: Any, scope: Scope) -> frozenset[Leaf]:
        """The table columns that an expression reads."""
        from sqlglot import exp

        # A query inside a table function hangs on the query around that.
        around = (scope, scope.parent) if scope.is_udtf and scope.parent else (scope,)
        queries = {id(query.expression): query for each in around for query in each.subquery_scopes}
        found: set[Leaf] = set()
        for node in expression.walk(prune=lambda each: isinstance(each, exp.Query)):
            if isinstance(node, exp.Query):
                query = queries.get(id(node.unnest()))
                if query is None:
                    raise _UnresolvedError("a subquery out of scope")
                found.update(*(leaves for _, leaves in self.outputs(query)))
            elif isinstance(node, exp.Column):
                found |= self._origin(node, scope)
        return frozenset(found)

    def _origin(self, column: Any, scope: Scope) -> frozenset[Leaf]:
        from sqlglot import exp

        at: Scope | None = scope
        while at is not None and column.table not in at.sources:
            at = at.parent
        source = at.sources[column.table] if at else None
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            return frozenset({(source.db, source.name, column.name)})
        if source is not None and not isinstance(source, exp.Table):
            if source.is_udtf:
                return self._leaves(source.expression, source)
            for name, leaves in self.outputs(source):
                if name == column.name:
                    return leaves
        raise _UnresolvedError(f"the origin of {column.sql()} is not plain")
