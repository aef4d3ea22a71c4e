"""dbt without what it does anew for every node and what nobody looks at in a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any
from unittest import mock

import jinja2
from dbt_common.events import base_types
from dbt_common.events.event_manager import EventManager

_compile = jinja2.Environment.compile
_compiled: dict[tuple[type, str], CodeType] = {}


@contextmanager
def quick() -> Iterator[None]:
    """dbt compiles a template once a process and tells no events."""
    with (
        mock.patch.object(jinja2.Environment, "compile", _compile_once),
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
