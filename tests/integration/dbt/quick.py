"""dbt without what it does anew for every node and what nobody looks at in a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any
from unittest import mock

import dbt.compilation
import dbt.task.run
import jinja2
from dbt.context.macros import MacroNamespace
from dbt_common.events import base_types
from dbt_common.events.event_manager import EventManager

_compile = jinja2.Environment.compile
_compiled: dict[tuple[type, str], CodeType] = {}
_model_context = dbt.compilation.generate_runtime_model_context  # type: ignore[attr-defined]


@contextmanager
def quick() -> Iterator[None]:
    """dbt compiles a template once a process, makes a model's context once a run and tells no events."""
    contexts: dict[str, dict[str, Any]] = {}

    def to_compile(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        context: dict[str, Any] = _model_context(model, config, manifest)
        contexts[model.unique_id] = context
        return context

    def to_run(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        if model.unique_id not in contexts:  # a seed, which is not compiled
            return _model_context(model, config, manifest)  # type: ignore[no-any-return]
        context = contexts.pop(model.unique_id)
        context["model"].update(model.to_dict(omit_none=True))
        # In place: its macros look there.
        context.update(compiled_code=model.compiled_code, sql=model.compiled_code)
        return context

    with (
        mock.patch.object(jinja2.Environment, "compile", _compile_once),
        mock.patch.object(dbt.compilation, "generate_runtime_model_context", to_compile),
        mock.patch.object(dbt.task.run, "generate_runtime_model_context", to_run),
        mock.patch.object(MacroNamespace, "_keys", lambda self: _flat(self).keys()),
        mock.patch.object(MacroNamespace, "__getitem__", lambda self, name: _flat(self)[name]),
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


def _flat(names: Any) -> dict[str, Any]:
    """What a namespace holds, by name."""
    if "flat" not in names.__dict__:
        names.flat = {}
        for found in reversed(list(names._search_order())):
            names.flat |= found
    return names.flat  # type: ignore[no-any-return]
