"""What a mart's contract and card say of its rows, as expectations: nobody writes them down again.

Keys, filled columns and known values are the contract's; what kind of number a column holds is told by its
name and type, and by its card where these do not say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from quality.expected import REPORT, RULES, at_most, between, key, known, null_when_empty, present, ratio
from quality.verdicts import Expectation

#: The one part of a key that may be null: the period of all time has no start.
PERIOD_START: Final = "period_start"
_SECONDS: Final = re.compile(r"(^|_)seconds(_last_schedule)?$")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What is declared of a mart.

    Attributes:
        mart: its name.
        types: column -> type, in lower case.
        key: the columns that tell its rows apart; none where rows may repeat.
        required: the columns beside the key that every row fills.
        values: column -> the values that it may hold beside null.
        columns: column -> the words of its card (`range`, `signed`, `ratio`, `low_of`, `high_of`, `quantile`,
            `mean`).
        card: the words of the mart's own card (`may_be_empty`, `may_shrink`, `empties_into`).
        rule_file: the rule file that an analyst edits, where the mart is one.
    """

    mart: str
    types: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    rule_file: str = ""

    @property
    def may_shrink(self) -> bool:
        """Whether fewer rows are no news: it lists what is wrong, left out or open now."""
        return bool(self.card.get("may_shrink"))

    @property
    def may_be_empty(self) -> bool:
        """Whether it may become empty from one night to the next."""
        return self.may_shrink or bool(self.card.get("may_be_empty"))

    @property
    def empties_into(self) -> str | None:
        """The mart that lists what this one counts no more: while it has rows, this one may become empty."""
        return self.card.get("empties_into")


def expectations(contract: Contract) -> Iterator[Expectation]:
    """What must hold of every row of a mart."""
    todo = REPORT
    if contract.rule_file:
        todo = f"{RULES} {contract.rule_file}"
    if contract.key:
        yield key(*contract.key, what_to_do=todo)
    if required := [c for c in dict.fromkeys((*contract.key, *contract.required)) if c != PERIOD_START]:
        yield present(*required, what_to_do=todo)
    for column, values in contract.values.items():
        yield known(column, values, todo)
    if PERIOD_START in contract.key:
        yield _PERIOD
    if "definition_version" in contract.types and not contract.rule_file:
        yield _DEFINED
    yield from _ranges(contract, todo)
    yield from _ratios(contract)


_PERIOD: Final = Expectation(
    name="period_start_is_null_exactly_for_all_time",
    kind="null_exactly_when",
    kwargs={"column": PERIOD_START, "when": "period_grain", "values": ["all"]},
    fault="whose period_start does not fit their grain",
    why="The key must say which period a row is about.",
    what_to_do=REPORT,
)
_DEFINED: Final = Expectation(
    name="kpi_is_defined",
    kind="is_present",
    kwargs={"columns": ["definition_version"]},
    fault="of a KPI without a definition",
    why="Readers could not know what the number means.",
    what_to_do=f"{RULES} kpi_definitions: the KPI has no row there",
)

_COUNTS: Final = "counts_are_not_negative"
_PERCENTAGES: Final = "percentages_are_within_0_and_100"
_DURATIONS: Final = "durations_are_not_negative"
_BOUNDS: Final[dict[str, tuple[float, float | None]]] = {
    _COUNTS: (0, None),
    _PERCENTAGES: (0, 100),
    _DURATIONS: (0, None),
}


def _ranges(contract: Contract, todo: str) -> Iterator[Expectation]:
    """Counts, percentages and durations; other bounds where a card gives the column a `range`."""
    found: dict[str, list[str]] = {}
    for column, type_ in contract.types.items():
        card = contract.columns.get(column, {})
        if "range" in card:
            low, high = card["range"]
            yield between(f"{column}_is_within_range", low, high, column, what_to_do=todo)
        elif card.get("signed"):
            continue
        elif column.endswith("_pct"):
            found.setdefault(_PERCENTAGES, []).append(column)
        elif _SECONDS.search(column):
            found.setdefault(_DURATIONS, []).append(column)
        elif type_ == "bigint" and column not in contract.key:
            found.setdefault(_COUNTS, []).append(column)
    for name, columns in found.items():
        yield between(name, *_BOUNDS[name], *columns, what_to_do=todo)


def _ratios(contract: Contract) -> Iterator[Expectation]:
    """Numbers that follow from others: ratios, bounds of intervals, quantiles of the same values."""
    quantiles: dict[str, list[tuple[float, str]]] = {}
    lows: dict[str, str] = {}
    of_values: list[str] = []
    for column, card in contract.columns.items():
        if parts := card.get("ratio"):
            yield ratio(column, parts["of"], parts["over"], parts.get("minus", ()), parts.get("times", 100))
            # A share of a whole is no more than it.
            if column.endswith("_pct") and len(parts["of"]) == len(parts["over"]) == 1:
                yield at_most(parts["of"][0], parts["over"][0])
        if "low_of" in card:
            lows[card["low_of"]] = column
        if quantile := card.get("quantile"):
            quantiles.setdefault(quantile["of"], []).append((quantile["q"], column))
        if "n" in contract.types and ("quantile" in card or "mean" in card):
            of_values.append(column)
    for column, card in contract.columns.items():
        if card.get("high_of") in lows:
            yield at_most(lows[card["high_of"]], column)
    for found in quantiles.values():
        ordered = [column for _, column in sorted(found)]
        yield from map(at_most, ordered, ordered[1:])
    if of_values:
        yield null_when_empty(*of_values)
