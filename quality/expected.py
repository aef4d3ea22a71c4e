"""The words in which gate 3 says what must hold of a mart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quality.verdicts import Expectation

REPORT: Final = "The published marts stay as they are. Report it: a model counts wrongly"
RULES: Final = "The published marts stay as they are. Correct the rule file"


def present(*columns: str, what_to_do: str = REPORT) -> Expectation:
    """No row lacks a value in these columns."""
    return Expectation(
        name="required_columns_are_filled",
        kind="is_present",
        kwargs={"columns": list(columns)},
        fault="lack a required value",
        why="The row cannot be found or counted without it.",
        what_to_do=what_to_do,
    )


def key(*columns: str, what_to_do: str = REPORT) -> Expectation:
    """No two rows have the same values in all of these columns."""
    return Expectation(
        name="key_is_unique",
        kind="expect_compound_columns_to_be_unique",
        kwargs={"column_list": list(columns), "ignore_row_if": "never"},
        fault=f"share their key ({', '.join(columns)})",
        why="Whoever joins or sums the mart counts such rows twice.",
        what_to_do=what_to_do,
    )


def known(column: str, values: Sequence[str], what_to_do: str = REPORT) -> Expectation:
    """The column holds one of these values, or null."""
    return Expectation(
        name=f"{column}_is_known",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": list(values)},
        fault=f"with an unknown {column}",
        why="Dashboards filter by the documented values; rows with another one vanish from them.",
        what_to_do=what_to_do,
    )


def between(
    name: str, low: float | None, high: float | None, *columns: str, what_to_do: str = REPORT
) -> Expectation:
    """No number in these columns is below `low` or above `high`, where given; nulls pass."""
    return Expectation(
        name=name,
        kind="between",
        kwargs={"columns": list(columns), "low": low, "high": high},
        fault=f"with a value {_outside(low, high)}",
        why="The value is impossible.",
        what_to_do=what_to_do,
    )


def _outside(low: float | None, high: float | None) -> str:
    if high is None:
        return f"below {low:g}"
    return f"above {high:g}" if low is None else f"outside {low:g} to {high:g}"


def at_most(column: str, other: str) -> Expectation:
    """`column` <= `other`, numbers or times; a null passes."""
    return Expectation(
        name=f"{column}_is_at_most_{other}",
        kind="at_most",
        kwargs={"column": column, "other": other},
        fault=f"with {column} above {other}",
        why="The two are defined so that this cannot be.",
        what_to_do=REPORT,
    )


def ratio(
    column: str, of: Sequence[str], over: Sequence[str], minus: Sequence[str] = (), times: float = 100
) -> Expectation:
    """`column` is `times` * (sum of `of` - sum of `minus`) / sum of `over`; null exactly where that is 0."""
    return Expectation(
        name=f"{column}_follows_from_its_parts",
        kind="is_ratio",
        kwargs={
            "column": column,
            "plus": list(of),
            "minus": list(minus),
            "over": list(over),
            "times": times,
        },
        fault=f"whose {column} is not what its parts give",
        why="A ratio is published with its parts; they must agree, and no answers is null, never 0.",
        what_to_do=REPORT,
    )


def null_when_empty(*columns: str) -> Expectation:
    """These columns are null where `n` is 0, and nowhere else."""
    return Expectation(
        name="values_are_null_exactly_when_n_is_0",
        kind="null_exactly_when",
        kwargs={"columns": list(columns), "when": "n", "values": [0]},
        fault="with a value but no answers, or answers but no value",
        why="No answers is null, never 0.",
        what_to_do=REPORT,
    )


def sums(name: str, left: Sequence[str], right: Sequence[str], fault: str, why: str) -> Expectation:
    """The columns `left` sum to what the columns `right` sum to."""
    return Expectation(
        name=name,
        kind="sums_equal",
        kwargs={"left": list(left), "right": list(right)},
        fault=fault,
        why=why,
        what_to_do=REPORT,
    )


def by_as_of(*columns: str) -> Expectation:
    """No time in these columns is after the build's instant."""
    return Expectation(
        name="times_are_not_after_as_of",
        kind="not_later_than",
        kwargs={"columns": list(columns), "other": "as_of"},
        fault="with a time after the build's as_of",
        why="Events after as_of are left out, or yesterday's numbers could not be built again.",
        what_to_do=REPORT,
    )
