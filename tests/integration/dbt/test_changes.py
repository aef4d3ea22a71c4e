"""Changes in the scorecard: each by itself, and among the members of its dimension."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .made_up import answers, scorecard, week
from .warehouse import Warehouse


def told(warehouse: Warehouse, number: int) -> dict[str, tuple[Any, ...]]:
    """What is said of the changes into a week, by member: p, by itself, corrected."""
    rows = warehouse.query(
        "select member, round(p_value, 3), is_significant_change, is_significant_corrected from marts.kpi_scorecard"
        f" where kpi = 'csat' and period_grain = 'week' and period_start = date '{week(number)}'"
    )
    return {member: tuple(rest) for member, *rest in rows}


#: Positive of 100 in three weeks; p of the changes by another route (scipy's normal, t with 99 degrees of freedom).
MEMBERS = {
    "clear": [80, 100, 100],
    "weak": [80, 91, 91],  # 0.030
    **{f"still {i}": [80, 80, 80] for i in range(4)},
}


def family(**more: pd.DataFrame) -> dict[str, list[pd.DataFrame]]:
    return {"kpi_csat": [*(answers(name, positive) for name, positive in MEMBERS.items()), *more.values()]}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return scorecard(
        tmp_path_factory.mktemp("changes"), family(few=answers("few", [20, 29, 29], 29)), week(3)
    )


def test_of_many_members_a_weak_change_is_none(night: Warehouse) -> None:
    """Six are tested: the second smallest of their p must be at most 2 / 6 of 5 %. Whoever is small is not tested."""
    assert told(night, 1) == {
        "clear": (0.0, True, True),
        "weak": (0.03, True, False),
        **{f"still {i}": (1.0, False, False) for i in range(4)},
        "few": (None, None, None),
    }


def test_what_is_corrected_stays_when_other_weeks_have_other_members(
    night: Warehouse, tmp_path: Path
) -> None:
    """A night later a member is gone, and forty begin with a jump: the settled weeks say what they said."""
    tables = family(few=answers("few", [20, 29, 29], 29))
    later = [answers(f"new {i}", [0, 0, 0, 40, 90]).tail(2) for i in range(40)]
    stayed = [
        answers(name, [*positive, *positive[-1:] * 2]) for name, positive in MEMBERS.items() if name != "weak"
    ]
    tables["kpi_csat"] = [*stayed, *tables["kpi_csat"][1:2], *tables["kpi_csat"][-1:], *later]
    next_night = scorecard(tmp_path, tables, week(5))
    assert [told(next_night, number) for number in range(3)] == [told(night, number) for number in range(3)]
    assert told(next_night, 4)["new 0"] == (0.0, True, True)


def test_who_lands_late_in_a_settled_week_joins_its_family_alone(night: Warehouse, tmp_path: Path) -> None:
    """Nine more that moved: of fifteen p the weak one is the eleventh, at most 11 / 15 of 5 %. It is itself what it was."""
    moved = {f"late {i}": answers(f"late {i}", [50, 99]) for i in range(9)}
    joined = scorecard(tmp_path, family(few=answers("few", [20, 29, 29], 29), **moved), week(3))
    assert told(joined, 1)["weak"] == (0.03, True, True)
    assert told(joined, 2) == told(night, 2)


def test_no_interval_is_without_width(night: Warehouse) -> None:
    [(rows, flat)] = night.query(
        "select count(ci_low), count(case when ci_low >= ci_high then 1 end) from marts.kpi_scorecard"
    )
    assert rows > 0
    assert flat == 0
