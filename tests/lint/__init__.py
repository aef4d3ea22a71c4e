"""What sqlfluff's templater lacks of dbt's Jinja context; it reads this package by `library_path`."""

import functools
import json
from collections.abc import Callable
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context, Macro
from sqlfluff.core.parser import Dedent, Delimited, Indent, OneOf, Ref, Sequence
from sqlfluff.core.templaters.builtins.dbt import MacroReturn
from sqlfluff.dialects.dialect_duckdb import GroupByClauseSegment


class _Adapter:
    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str) -> Callable[..., Any]:
        """The macro that the one engine of this project uses."""
        return context[f"default__{name}"]  # type: ignore[no-any-return]


adapter = _Adapter()
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


def _return_to_the_caller() -> None:
    """Let a macro return to whatever called it: sqlfluff lets `return` end the model's own call."""
    invoked = Macro._invoke

    def invoke(self: Macro, arguments: list[Any], autoescape: bool) -> Any:
        try:
            return invoked(self, arguments, autoescape)
        except MacroReturn as returned:
            return returned.value

    Macro._invoke = invoke  # type: ignore[method-assign]


def _know_grouping_sets() -> None:
    """DuckDB's own GROUP BY in sqlfluff forgets what the one that it replaces knew."""
    GroupByClauseSegment.match_grammar = Sequence(
        "GROUP",
        "BY",
        Indent,
        OneOf(
            Ref("GroupingSetsClauseSegment"),
            Delimited(
                OneOf(
                    "ALL",
                    Ref("ColumnReferenceSegment"),
                    Ref("NumericLiteralSegment"),
                    Ref("ExpressionSegment"),
                ),
                allow_trailing=True,
                terminators=[Ref("GroupByClauseTerminatorGrammar")],
            ),
        ),
        Dedent,
    )


_compile_once()
_know_grouping_sets()
_return_to_the_caller()
