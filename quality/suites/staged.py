"""Gate 2: parsed rows before they merge into staging, judged on typed key columns, per batch.

A row that staging rejects (`reject_reason`) stays out of the marts and is counted here. The other
expectations look at the rows that staging accepted: what they find would reach the marts. What holds of the
envelope (versions, change times) the landing gate has judged.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Collection, Mapping
from typing import Any, Final

from quality.suites import vendors
from quality.suites.landing import ABSENT, HELD
from quality.suites.parsed import ACCEPTED, ROW_TOLERANCE
from quality.verdicts import Expectation, Suite

OWNER: Final = "data-engineering"
GATE: Final = "staged"

#: The expectation whose reason each row has itself.
REJECTED: Final = "rows_are_accepted"

_REJECTS: Final = Expectation(
    name=REJECTED,
    kind="expect_column_values_to_be_null",
    kwargs={"column": "reject_reason"},
    tolerance=ROW_TOLERANCE,
    fault="rejected by staging",
    why="Rejected rows are absent from the marts; many of them mean that the source changed.",
    what_to_do=HELD,
    if_few=ABSENT,
)
_IDENTIFIED: Final = Expectation(
    name="accepted_rows_have_an_id",
    kind="is_present",
    kwargs={"column": "record_id"},
    where=ACCEPTED,
    fault="accepted without a record id",
    why="A row without an id cannot be merged or counted once.",
    what_to_do="The staging model must reject rows without an id: report it",
)
_GENERIC: Final = (_REJECTS, _IDENTIFIED)

#: Columns that every parsed table has and judging needs.
ENVELOPE: Final = ("batch_id", "record_id", "fetched_at", "deleted", "reject_reason")


def suite(model: str) -> Suite:
    """The suite of a parsed model; one without a declaration gets the generic expectations."""
    return Suite(
        name=model,
        gate=GATE,
        owner=OWNER,
        id_columns=("record_id",),
        expectations=(*_GENERIC, *_declared(model, "DECLARED", ())),
    )


def _declared(model: str, what: str, otherwise: Any) -> Any:
    """What the model's vendor declares of its stream."""
    vendor, _, stream = model.removeprefix("new_").partition("__")
    name = f"{vendors.__name__}.{vendor}"
    module = importlib.import_module(name) if importlib.util.find_spec(name) else None
    return getattr(module, what, {}).get(stream, otherwise)


def columns(model: str, available: Collection[str]) -> dict[str, str]:
    """What to select for judging: column name to SQL expression, for the columns that the table can give."""
    given: Mapping[str, str] = _declared(model, "EXPRESSIONS", {})
    wanted = dict.fromkeys((*ENVELOPE, *suite(model).columns))
    found = {}
    for name in wanted:
        expression = given.get(name, name)
        if expression.split(".")[0] in available:
            found[name] = expression
    return found
