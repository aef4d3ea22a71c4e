"""dbt without what it does anew for every node and what nobody looks at in a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any
from unittest import mock

import jinja2
from dbt import compilation
from dbt.contracts.graph.nodes import InjectedCTE
from dbt_common.events import base_types
from dbt_common.events.event_manager import EventManager

WITH = re.compile(r"(\s|--.*\n)*with\s", re.IGNORECASE)

_compile = jinja2.Environment.compile
_compiled: dict[tuple[type, str], CodeType] = {}


@contextmanager
def quick() -> Iterator[None]:
    """dbt compiles a template once a process, does not parse a model's SQL to find its `with`, and tells no events."""
    with (
        mock.patch.object(jinja2.Environment, "compile", _compile_once),
        mock.patch.object(compilation, "inject_ctes_into_sql", _inject),
        mock.patch.object(EventManager, "fire_event", lambda *_, **__: None),
        mock.patch.object(base_types, "ParseDict", lambda _, message: message),
    ):
        yield


def _compile_once(self: jinja2.Environment, source: str, *arguments: Any, **options: Any) -> CodeType:
    if any(arguments) or any(options.values()):
        return _compile(self, source, *arguments, **options)
    key = type(self), source
    if key not in _compiled:
        _compiled[key] = _compile(self, source)
    return _compiled[key]


def _inject(sql: str, ctes: Sequence[InjectedCTE]) -> str:
    """The SQL with these CTEs before its own."""
    if not ctes:
        return sql
    found = WITH.match(sql)
    head, tail = (sql[: found.end()], f", {sql[found.end() :]}") if found else ("with ", f" {sql}")
    return head + ", ".join(str(cte.sql) for cte in ctes) + tail
