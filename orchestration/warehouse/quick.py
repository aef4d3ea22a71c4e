"""dbt without what it does anew for every node and what nobody looks at (docs/adr/0008)."""

from __future__ import annotations

import hashlib
import marshal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import CodeType
from typing import Any

from orchestration.ground.files import replace_bytes

#: The event that our reporter is told of; all others are nobody's.
TOLD = "NodeFinished"


class Templates:
    """Compiled templates by their text: what a process compiled, and what a file kept of earlier ones.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        import jinja2

        self._path = path
        self._of = f"{sys.version} {jinja2.__version__}"
        self._compile = jinja2.Environment.compile
        self._known: dict[str, CodeType] = {}
        self._is_new = False
        if path:
            # Of another Python, torn or none: templates are compiled, as they were the first time.
            with suppress(OSError, ValueError, EOFError, TypeError, KeyError):
                kept = marshal.loads(path.read_bytes())  # noqa: S302 (the home is private)
                self._known = kept["templates"] if kept["of"] == self._of else {}

    def compile(self, environment: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        """As `jinja2.Environment.compile`."""
        if not isinstance(source, str) or any(arguments) or any(options.values()):
            return self._compile(environment, source, *arguments, **options)
        key = hashlib.sha256(f"{type(environment).__qualname__} {source}".encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._compile(environment, source)
            self._is_new = True
        return self._known[key]

    def keep(self) -> None:
        """Write what was compiled anew."""
        if self._path and self._is_new:
            replace_bytes(self._path, marshal.dumps({"of": self._of, "templates": self._known}))
            self._is_new = False


@contextmanager
def quick(templates: Templates, *, tells: bool = True) -> Iterator[None]:
    """Within the block dbt makes once what nodes share, a model's context once; it tells of ended nodes only.

    Args:
        templates: those that are known.
        tells: whether it tells at all.
    """
    import dbt.compilation
    import dbt.task.run
    import jinja2
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.adapters.reference_keys import _ReferenceKey
    from dbt.context.macros import MacroNamespace
    from dbt.context.manifest import ManifestContext
    from dbt.context.providers import ModelContext
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events import base_types
    from dbt_common.events.event_manager import EventManager

    contexts: dict[str, dict[str, Any]] = {}
    namespaces: dict[tuple[int, str], tuple[dict[str, Any], Any]] = {}
    get_relation, build_namespace = BaseAdapter.get_relation, ManifestContext._build_namespace
    model_context = dbt.compilation.generate_runtime_model_context  # type: ignore[attr-defined]
    fire_event, parse = EventManager.fire_event, base_types.ParseDict  # type: ignore[attr-defined]

    def to_compile(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        context: dict[str, Any] = model_context(model, config, manifest)
        contexts[model.unique_id] = context
        return context

    def to_run(model: Any, config: Any, manifest: Any) -> dict[str, Any]:
        if model.unique_id not in contexts:  # a seed, which is not compiled
            return model_context(model, config, manifest)
        context = contexts.pop(model.unique_id)
        context["model"].update(model.to_dict(omit_none=True))
        # In place: its macros look there.
        context.update(compiled_code=model.compiled_code, sql=model.compiled_code)
        return context

    def fire(manager: Any, event: Any, *arguments: Any, **options: Any) -> None:
        if tells and type(event).__name__ == TOLD:
            fire_event(manager, event, *arguments, **options)

    def parse_told(told: Any, message: Any) -> Any:
        return parse(told, message) if tells and type(message).__name__ in (TOLD, f"{TOLD}Msg") else message

    def one_namespace(context: Any) -> Any:
        """A thread's models have one context after the other: the same macros over the same variables."""
        if type(context) is not ModelContext:
            return build_namespace(context)
        key = threading.get_ident(), context.search_package
        if key not in namespaces:
            namespaces[key] = context._ctx, build_namespace(context)
        context._ctx, namespace = namespaces[key]
        context._ctx.clear()
        return namespace

    def cached(adapter: Any, database: str, schema: str, identifier: str) -> Any:
        if not adapter._schema_is_cached(database, schema):
            return get_relation(adapter, database, schema, identifier)
        found = adapter.cache.relations.get(
            _ReferenceKey(database.lower(), schema.lower(), identifier.lower())
        )
        return found and found.inner

    with ExitStack() as stack:
        for owner, name, ours in (
            (jinja2.Environment, "compile", lambda *a, **o: templates.compile(*a, **o)),
            (dbt.compilation, "generate_runtime_model_context", to_compile),
            (dbt.task.run, "generate_runtime_model_context", to_run),
            (ManifestContext, "_build_namespace", one_namespace),
            (BaseAdapter, "get_relation", cached),
            (MacroNamespace, "_keys", lambda names: _flat(names).keys()),
            (MacroNamespace, "__getitem__", lambda names, name: _flat(names)[name]),
            (EventManager, "fire_event", fire),
            (base_types, "ParseDict", parse_told),
            # Files are held against their schemas when they are parsed; to make a schema anew is dear.
            (dbtClassMixin, "validate", classmethod(lambda kind, data: None)),
            # Who declared a flag of behaviour: it reads the source of all that called dbt to find that out.
            (BehaviorFlagRendered, "_default_source", staticmethod(lambda: "")),
        ):
            stack.enter_context(_in_place_of(owner, name, ours))
        yield
    templates.keep()


@contextmanager
def _in_place_of(owner: Any, name: str, ours: Any) -> Iterator[None]:
    theirs = owner.__dict__[name]
    setattr(owner, name, ours)
    try:
        yield
    finally:
        setattr(owner, name, theirs)


def _flat(names: Any) -> dict[str, Any]:
    """What a namespace holds, by name."""
    if "flat" not in names.__dict__:
        names.flat = {}
        for found in reversed(list(names._search_order())):
            names.flat |= found
    return names.flat  # type: ignore[no-any-return]
