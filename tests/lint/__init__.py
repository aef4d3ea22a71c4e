"""What sqlfluff lacks of dbt's Jinja context: it runs this by `library_path`, anew for each model."""

import functools
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from jinja2 import Environment, pass_context
from jinja2.runtime import Context, Macro
from sqlfluff.core.templaters.builtins.dbt import MacroReturn


class _Adapter:
    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str) -> Callable[..., Any]:
        """The macro that the one engine of this project uses."""
        return context[f"default__{name}"]  # type: ignore[no-any-return]

    @staticmethod
    def get_relation(**names: str) -> str:
        """Every table is there already."""
        return names["identifier"]


class _Config:
    def __call__(self, **settings: Any) -> str:
        return ""

    @staticmethod
    def get(name: str, default: Any = None) -> Any:
        """No setting: a table that is built whole."""
        return default


class _Model(dict[str, Any]):
    """The model that is linted; macros may keep things in it."""

    @property
    def unique_id(self) -> str:
        """Its name, as the templater has it further up the stack."""
        frame = inspect.currentframe()
        while frame is not None and not (frame.f_code.co_name == "process" and "fname" in frame.f_locals):
            frame = frame.f_back
        return f"model.cxmarts.{Path(frame.f_locals['fname']).stem}" if frame is not None else ""


class _Answer(NamedTuple):
    rows: list[Any]


def run_query(sql: str) -> _Answer:
    """What the rule files in the checkout answer; of everything else there is nothing yet."""
    try:
        return _Answer(_rule_files().execute(sql).fetchall())
    except duckdb.CatalogException:
        return _Answer([])


@functools.cache
def _rule_files() -> duckdb.DuckDBPyConnection:
    warehouse = duckdb.connect()
    warehouse.execute("create schema rules")
    for seed in Path("dbt_project/seeds").glob("*.csv"):
        warehouse.execute(f"create view rules.{seed.stem} as from '{seed}'")
    return warehouse


def env_var(name: str, default: str = "") -> str:
    """Nothing is set."""
    return default


adapter, config, model = _Adapter(), _Config(), _Model()
execute = True
tojson = json.dumps


def _compile_once() -> None:
    """Keep the code of each template: sqlfluff compiles all macros twice for every file it lints."""
    compiled = Environment.compile
    known: dict[str, Any] = {}

    @functools.wraps(compiled)
    def compile_(self: Environment, source: Any, *rest: Any, **options: Any) -> Any:
        if rest or options or not isinstance(source, str):
            return compiled(self, source, *rest, **options)
        if source not in known:
            known[source] = compiled(self, source)
        return known[source]

    Environment.compile = compile_  # type: ignore[assignment,method-assign]


def _call_macros_as_dbt_does() -> None:
    """Let a macro return to whatever called it: sqlfluff lets `return` end the model's own call.

    What macros write is parsed, not judged: of a whole query it is enough to know what it reads.
    """
    invoked = Macro._invoke
    starts_a_query, reads = re.compile(r"\s*(select|with)\s"), re.compile(r"\b(?:from|join)\s+([a-z]\w*)")

    def invoke(self: Macro, arguments: list[Any], autoescape: bool) -> Any:
        try:
            written = invoked(self, arguments, autoescape)
        except MacroReturn as returned:
            return returned.value
        if isinstance(written, str) and starts_a_query.match(written) and (read := reads.findall(written)):
            return f"select * from {', '.join(dict.fromkeys(read))}"
        return written

    Macro._invoke = invoke  # type: ignore[method-assign]


if not hasattr(Environment, "knows_dbt"):
    _compile_once()
    _call_macros_as_dbt_does()
    Environment.knows_dbt = True  # type: ignore[attr-defined]
