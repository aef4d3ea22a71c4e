"""Laney's p' chart as the SQL computes it, against his own words: z-scores, their moving ranges, and limits times sigma z.

D. B. Laney, Improved control charts for attributes, Quality Engineering 14 (2002).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from tests import parsed

JUDGED_FROM, LIMITS_FROM, RUN = 19, 24, 8
ENVIRONMENT = Environment(
    loader=FileSystemLoader(parsed.ROOT / "dbt_project" / "macros"), extensions=["jinja2.ext.do"]
)
ENVIRONMENT.globals.update(  # type: ignore[call-overload]
    as_of=lambda: "timestamp '2030-01-01'",
    business_date=lambda time: f"cast({time} as date)",
    add_days=lambda day, days: f"({day} + cast({days} as integer))",
)
MACROS: Any = ENVIRONMENT.get_template("kpi/control_charts.sql").module
CONNECTION = duckdb.connect()
FIRST = date(2024, 1, 1)

Weeks = list[tuple[int, int]]


def charted(weeks: Weeks) -> list[tuple[int, float, float, float, float]]:
    """Week, centre, width of the limits, sigma z and value of the judged weeks, from positive answers and all."""
    rows = ", ".join(
        f"(date '{FIRST + timedelta(days=7 * i)}', {positive}, {n})" for i, (positive, n) in enumerate(weeks)
    )
    sql = f"""
        with cells as (
            select
                'csat' as kpi, 'week' as period_grain, 'all' as dimension, 1 as series, 'p' as chart, 'percent' as unit, 'higher' as better,
                period_start, period_start + 7 as next_start, n, total, total as squares, 100e0 * total / n as value, 0 as settles_after_days,
                30 as small_n, false as is_provisional, false as is_fragment, n < 30 as is_small_n
            from (values {rows}) as v(period_start, total, n)
        ),
        {MACROS.control_charts("cells")}
        select (period_start - date '{FIRST}') // 7, center, width, sigma_z, value from signals where is_judged order by 1
    """
    return CONNECTION.execute(sql).fetchall()


def by_hand(weeks: Weeks, t: int) -> tuple[float, float, float]:
    """Centre, half the distance of the limits of week t, and sigma z, from up to 24 weeks that ended 8 before."""
    told = np.array(weeks[max(0, t - RUN + 1 - LIMITS_FROM) : t - RUN + 1], dtype=float)
    positive, n = told[:, 0], told[:, 1]
    mean = positive.sum() / n.sum()
    sigmas = np.sqrt(mean * (1 - mean) / n)
    scores = (positive / n - mean) / sigmas
    sigma_z = np.abs(np.diff(scores)).mean() / 1.128
    return 100 * mean, 300 * np.sqrt(mean * (1 - mean) / weeks[t][1]) * max(1, sigma_z), max(1, sigma_z)


@st.composite
def histories(draw: st.DrawFn, fixed: int | None = None) -> Weeks:
    """20 to 45 weeks of answers, none of them all alike; n of each week, or fixed."""
    length = draw(st.integers(JUDGED_FROM + 1, 45))
    ns = [fixed or draw(st.integers(5, 400)) for _ in range(length)]
    weeks = [(draw(st.integers(0, n)), n) for n in ns]
    # One answer that differs is what the chart assumes anyway.
    return [(min(max(positive, 2), n - 2), n) for positive, n in weeks]


@given(histories())
@settings(deadline=None, max_examples=60)
def test_limits_are_those_of_laneys_words(weeks: Weeks) -> None:
    found = charted(weeks)
    assert [week for week, *_ in found] == [t for t in range(JUDGED_FROM, len(weeks)) if weeks[t][1] >= 30]
    for week, center, width, sigma_z, value in found:
        assert (center, width, sigma_z) == pytest.approx(by_hand(weeks, week), rel=1e-9)
        assert value == pytest.approx(100 * weeks[week][0] / weeks[week][1])


@given(histories(fixed=100))
@settings(deadline=None, max_examples=40)
def test_of_equal_counts_that_vary_more_than_they_should_they_are_those_of_xmr(weeks: Weeks) -> None:
    for week, center, width, sigma_z, _ in charted(weeks):
        told = np.array([positive for positive, _ in weeks[max(0, week - 31) : week - 7]])
        if sigma_z > 1:
            assert center == pytest.approx(told.mean())
            assert width == pytest.approx(2.66 * np.abs(np.diff(told)).mean(), rel=2e-4)


@given(st.integers(30, 400), st.floats(0.1, 0.9), st.integers(20, 45))
@settings(deadline=None, max_examples=40)
def test_where_they_vary_less_they_are_those_of_p(n: int, share: float, length: int) -> None:
    weeks = [(round(share * n), n)] * length
    for _, center, width, sigma_z, _ in charted(weeks):
        p = round(share * n) / n
        assert sigma_z == 1
        assert (center, width) == pytest.approx((100 * p, 300 * np.sqrt(p * (1 - p) / n)))


def test_a_worked_example() -> None:
    """70 and 90 of 100 in turn: p 0.8, sigma 0.04, z -2.5 and 2.5, moving range 5, sigma z 5 / 1.128 = 4.4326; with 400 half as wide."""
    weeks = [(70 + 20 * (i % 2), 100) for i in range(JUDGED_FROM)]
    assert charted([*weeks, (80, 100)]) == [(19, 80.0, *map(pytest.approx, (12 * 4.432624, 4.432624)), 80.0)]
    assert charted([*weeks, (320, 400)]) == [(19, 80.0, *map(pytest.approx, (6 * 4.432624, 4.432624)), 80.0)]
