"""What follows from a mart's contract and card: which rows pass, and which are named."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from quality.contracts import Contract, expectations
from quality.runner import judge
from quality.suites import marts
from quality.verdicts import Verdict

DAY = pd.Timestamp("2026-03-01")
#: A KPI table with a column of every kind.
CONTRACT = Contract(
    mart="kpi_toy",
    types={
        "period_grain": "varchar",
        "period_start": "date",
        "measure": "varchar",
        "place": "bigint",
        "note": "varchar",
        "n": "bigint",
        "good": "bigint",
        "bad": "bigint",
        "change": "bigint",
        "good_pct": "double",
        "score": "double",
        "per_case": "double",
        "growth_pct": "double",
        "low": "double",
        "high": "double",
        "median_seconds": "double",
        "p90_seconds": "double",
        "p90_seconds_last_schedule": "double",
        "seconds_left": "double",
        "definition_version": "integer",
    },
    key=("period_grain", "period_start", "measure", "place"),
    required=("note",),
    values={"measure": ("reply", "solve")},
    columns={
        "change": {"signed": True},
        "growth_pct": {"signed": True},
        "good_pct": {"ratio": {"of": ["good"], "over": ["n"]}},
        "score": {
            "ratio": {"of": ["good"], "minus": ["bad"], "over": ["n"]},
            "range": [-100, 100],
        },
        "per_case": {"ratio": {"of": ["n"], "over": ["good", "bad"], "times": 1}},
        "low": {"low_of": "score"},
        "high": {"high_of": "score"},
        "p90_seconds": {"quantile": {"q": 0.9, "of": "tickets.seconds"}},
        "median_seconds": {"quantile": {"q": 0.5, "of": "tickets.seconds"}},
    },
)
GOOD: dict[str, Any] = {
    "period_grain": "day", "period_start": DAY, "measure": "reply", "place": -1, "note": "x",
    "n": 8, "good": 4, "bad": 1, "change": -3, "good_pct": 50.0, "score": 37.5, "per_case": 1.6,
    "growth_pct": -250.0, "low": 1.0, "high": 70.0, "median_seconds": 60.0, "p90_seconds": 90.0,
    "p90_seconds_last_schedule": 80.0, "seconds_left": -5.0, "definition_version": 2,
}  # fmt: skip
NOTHING: dict[str, Any] = {
    "n": 0, "good": 0, "bad": 0, "good_pct": None, "score": None, "per_case": None, "low": None, "high": None,
    "median_seconds": None, "p90_seconds": None, "p90_seconds_last_schedule": None,
}  # fmt: skip


def failed(*rows: Mapping[str, Any], contract: Contract = CONTRACT) -> dict[str, Verdict]:
    """By name, the expectations that do not hold of the good row with others beside it."""
    frame = pd.DataFrame([GOOD, *(GOOD | {"place": place} | row for place, row in enumerate(rows))])
    return {v.expectation: v for v in judge(frame, marts.suite(contract)) if not v.success}


def test_good_rows_pass() -> None:
    assert failed({}, {"period_grain": "all", "period_start": pd.NaT}, NOTHING) == {}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"place": -1}, ["key_is_unique"]),
        ({"note": None}, ["required_columns_are_filled"]),
        ({"measure": None}, ["required_columns_are_filled"]),
        ({"measure": "purple"}, ["measure_is_known"]),
        ({"period_start": pd.NaT}, ["period_start_is_null_exactly_for_all_time"]),
        ({"period_grain": "all"}, ["period_start_is_null_exactly_for_all_time"]),
        ({"definition_version": None}, ["kpi_is_defined"]),
        ({"bad": -1, "score": 62.5, "per_case": 8 / 3}, ["counts_are_not_negative"]),
        ({"good_pct": 51.0}, ["good_pct_follows_from_its_parts"]),
        ({"good_pct": None}, ["good_pct_follows_from_its_parts"]),
        ({**NOTHING, "good_pct": 0.0}, ["good_pct_follows_from_its_parts"]),
        ({"score": 38.5}, ["score_follows_from_its_parts"]),
        ({"per_case": 160.0}, ["per_case_follows_from_its_parts"]),
        (
            {"good": 12, "bad": 11, "score": 12.5, "good_pct": 150.0, "per_case": 8 / 23},
            ["percentages_are_within_0_and_100", "good_is_at_most_n"],
        ),
        ({"n": 4, "good_pct": 100 + 1e-12, "score": 75.0, "per_case": 0.8}, []),
        (
            {"bad": 13, "score": -112.5, "per_case": 8 / 17, "low": -120.0, "high": -110.0},
            ["score_is_within_range"],
        ),
        ({"low": 71.0}, ["low_is_at_most_high"]),
        ({"median_seconds": 91.0}, ["median_seconds_is_at_most_p90_seconds"]),
        ({"median_seconds": None}, ["values_are_null_exactly_when_n_is_0"]),
        ({**NOTHING, "median_seconds": 0.0, "p90_seconds": 0.0}, ["values_are_null_exactly_when_n_is_0"]),
        ({"median_seconds": -1.0}, ["durations_are_not_negative"]),
        ({"p90_seconds_last_schedule": -1.0}, ["durations_are_not_negative"]),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_named_by_what_it_breaks(change: dict[str, Any], names: list[str]) -> None:
    found = failed(change)
    assert list(found) == names
    for verdict in found.values():
        assert verdict.blocks
        assert verdict.unexpected_count == (2 if names == ["key_is_unique"] else 1)


def test_an_example_names_the_row_by_its_key_and_the_number_at_fault() -> None:
    [verdict] = failed({"good_pct": 51.0}).values()
    assert verdict.message.startswith(
        "1 of 2 rows (50.00%) whose good_pct is not what its parts give, e.g. period_grain day, "
        "period_start 2026-03-01T00:00:00, measure reply, place 0, good_pct 51, good 4, n 8"
    )


def test_without_a_contract_nothing_is_expected() -> None:
    assert list(expectations(Contract(mart="toy"))) == []


def test_of_a_rule_file_the_analyst_is_told() -> None:
    rules = Contract(mart="toys", key=("place",), values=CONTRACT.values, rule_file="toys")
    found = failed({"measure": "purple"}, contract=rules)
    assert list(found) == ["measure_is_known"]
    assert found["measure_is_known"].message.endswith("Correct the rule file toys")


def test_what_may_shrink_may_be_empty() -> None:
    card = Contract(mart="toy", card={"may_shrink": True})
    assert (card.may_shrink, card.may_be_empty) == (True, True)
    card = Contract(mart="toy", card={"may_be_empty": True})
    assert (card.may_shrink, card.may_be_empty) == (False, True)
    assert (CONTRACT.may_shrink, CONTRACT.may_be_empty) == (False, False)
