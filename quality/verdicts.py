"""What a gate says: expectations as data, verdicts as data. No Great Expectations in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning"]
Outcome = Literal["passed", "failed", "error"]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One thing that must hold.

    `kind` is a Great Expectations type or a name in `quality.runner.DERIVED`; `kwargs` are its arguments. A
    derived kind takes `columns` in place of `column`: it must hold for each of them.
    `tolerance` is the share of a subject's rows (0..1) up to which a failure is only a warning.
    `where` keeps the rows whose columns equal these values (None: is null).
    `show` names columns with texts of our own to put into examples. `fault` completes
    "3 of 100 rows ...", `what_to_do` says what a person does about it, `if_few` what becomes of rows that are
    within the tolerance. `lists_faults`: the subject has no other rows than those at fault. `named`: how many
    rows at fault the message shows.
    """

    name: str
    kind: str
    kwargs: Mapping[str, Any]
    severity: Severity = "critical"
    tolerance: float = 0.0
    where: Mapping[str, Any] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    fault: str
    why: str
    what_to_do: str
    if_few: str = ""
    lists_faults: bool = False
    named: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the expectation looks at, without those of `where`."""
        found: list[str] = []
        for key in ("column", "column_A", "column_B", "other", "low", "high", "when"):
            value = self.kwargs.get(key)
            if isinstance(value, str):
                found.append(value)
        for key in ("columns", "column_list", "left", "right", "plus", "minus", "over"):
            found.extend(self.kwargs.get(key, ()))
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Expectations of one kind of frame.

    `id_columns` name a row in examples; `row_numbers` adds the row's position in its subject (from 1).
    """

    name: str
    gate: str
    owner: str
    expectations: tuple[Expectation, ...]
    id_columns: tuple[str, ...] = ()
    row_numbers: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that judging needs."""
        needed = dict.fromkeys(self.id_columns)
        for expectation in self.expectations:
            needed |= dict.fromkeys((*expectation.columns, *expectation.where, *expectation.show))
        return tuple(needed)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of one expectation on one subject: a batch, a model or a mart.

    `severity` is the effective one: a failure within its tolerance is a warning. `outcome` is "error" when
    the check itself could not run, which is never a success. `examples` hold ids, numbers, times and known
    words only, never payloads. `positions` are the failing rows in the frame that was judged.
    """

    gate: str
    subject: str
    expectation: str
    severity: Severity
    outcome: Outcome
    element_count: int = 0
    unexpected_count: int = 0
    examples: tuple[Mapping[str, str], ...] = ()
    observed: str = ""
    message: str = ""
    what_to_do: str = ""
    source: str = ""
    stream: str = ""
    positions: Sequence[int] = field(default=(), compare=False, repr=False)

    @property
    def finding(self) -> str:
        """The message without what to do about it."""
        return self.message.removesuffix(self.what_to_do).rstrip(". ")

    @property
    def success(self) -> bool:
        """Whether the expectation held."""
        return self.outcome == "passed"

    @property
    def blocks(self) -> bool:
        """Whether nothing may be published with this verdict."""
        return not self.success and self.severity == "critical"
