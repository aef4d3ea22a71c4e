"""Intervals of shares and of NPS as the SQL computes them, against every outcome that there can be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest
from jinja2 import Environment, FileSystemLoader

from tests import parsed

MACROS: Any = (
    Environment(loader=FileSystemLoader(parsed.ROOT / "dbt_project" / "macros"), extensions=["jinja2.ext.do"])
    .get_template("kpi/intervals.sql")
    .module
)
SHARES = np.arange(0.5, 0.9901, 0.01)
#: How much of the rest is detractors.
DETRACTORS = (0.0, 0.5, 1.0)
COUNTS = (*range(10, 61, 2), 80, 120, 200, 400)


def computed(n: int, *expressions: str) -> list[np.ndarray]:
    """SQL over every outcome of n answers, by promoters and detractors."""
    sql = f"""select {", ".join(f"cast({e} as double)" for e in expressions)}
        from (select p, d, {n} as n from range({n} + 1) as a(p), range({n} + 1) as b(d) where p + d <= {n}) order by p, d"""
    with duckdb.connect() as con:
        found = con.execute(sql).fetchnumpy()
    return list(found.values())


def nps(n: int) -> tuple[np.ndarray, ...]:
    """Promoters, detractors, NPS and its bounds, of every outcome."""
    low, high = (MACROS.nps_bound("(p - d)", "(p + d)", "n", sign) for sign in "-+")
    return tuple(computed(n, "p", "d", "100e0 * (p - d) / n", low, high))


def probability(n: int, promoters: np.ndarray, detractors: np.ndarray, p: float, d: float) -> np.ndarray:
    """Of each outcome, where promoters are p and detractors d of all."""
    logs = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    counts = [promoters.astype(int), detractors.astype(int)]
    counts.append(n - counts[0] - counts[1])
    total = logs[n] - sum(logs[c] for c in counts)
    for count, share in zip(counts, (p, d, 1 - p - d), strict=True):
        total = total + np.where(count > 0, count * math.log(max(share, 1e-300)), 0)
    return np.exp(total)


def truths() -> Iterator[list[tuple[float, float]]]:
    """Shares of promoters and detractors, by how the rest is split."""
    for split in DETRACTORS:
        yield [(p, (1 - p) * split) for p in SHARES]


@pytest.mark.parametrize("n", COUNTS)
def test_the_interval_of_nps_holds_the_truth_95_times_in_a_hundred(n: int) -> None:
    promoters, detractors, _, low, high = nps(n)
    for shares in truths():
        held = [
            probability(n, promoters, detractors, p, d)[
                (low <= 100 * (p - d) + 1e-9) & (high >= 100 * (p - d) - 1e-9)
            ].sum()
            for p, d in shares
        ]
        print(f"n {n}: {np.mean(held):.3f}, at worst {min(held):.3f}")  # noqa: T201
        assert 0.93 <= np.mean(held) <= 0.97


def alarms(ns: tuple[int, int], sides: list[tuple[np.ndarray, ...]], value: Any) -> Iterator[list[float]]:
    """How often two periods of one truth are told apart."""
    (_, _, one, low, high), (_, _, other, other_low, other_high) = sides
    difference = one[:, None] - other[None, :]
    below = np.sqrt((one - low)[:, None] ** 2 + (other_high - other)[None, :] ** 2)
    above = np.sqrt((high - one)[:, None] ** 2 + (other - other_low)[None, :] ** 2)
    told = (difference - below > 0) | (difference + above < 0)
    for shares in value:
        yield [
            float(probability(ns[0], *sides[0][:2], p, d) @ told @ probability(ns[1], *sides[1][:2], p, d))
            for p, d in shares[::2]
        ]


@pytest.mark.parametrize("ns", [(30, 30), (30, 200), (60, 60)])
def test_changes_of_nps_that_are_none_are_rarely_told(ns: tuple[int, int]) -> None:
    for found in alarms(ns, [nps(n) for n in ns], truths()):
        assert np.mean(found) <= 0.05
        assert max(found) <= 0.06


@pytest.mark.parametrize("ns", [(30, 30), (30, 200), (100, 100), (400, 400)])
def test_changes_of_shares_that_are_none_are_rarely_told(ns: tuple[int, int]) -> None:
    sides = []
    for n in ns:
        low, high = (MACROS.wilson_pct("p", "n", sign) for sign in "-+")
        found = computed(n, "p", "d", "100e0 * p / n", low, high)
        # Answers are positive or not: nobody is in between.
        sides.append(tuple(column[found[0] + found[1] == n] for column in found))
    [found] = alarms(ns, sides, [[(p, 1 - p) for p in SHARES]])
    assert np.mean(found) <= 0.05
    assert max(found) <= 0.06


def test_the_difference_is_made_of_both_intervals() -> None:
    """Newcombe's example: 56 of 70 and 48 of 80 differ by 0.2, interval 0.0524 to 0.3339."""
    sides = [
        (100 * k / n, *(MACROS.wilson_pct(str(k), str(n), sign) for sign in "-+"))
        for k, n in ((56, 70), (48, 80))
    ]
    with duckdb.connect() as con:
        found = [
            con.execute(
                f"select {MACROS.difference_bound(*(f'({each})' for side in sides for each in side), sign)}"
            ).fetchone()[0]  # type: ignore[index]
            for sign in "-+"
        ]
    assert found == pytest.approx([5.24, 33.39], abs=0.01)


def test_where_all_answers_agree_the_interval_keeps_its_width() -> None:
    promoters, _, value, low, high = nps(30)
    [best] = np.flatnonzero(promoters == 30)
    # (30 / 33 -+ 1.96 sqrt((32 / 33 - (30 / 33)^2) / 33)) x 100
    assert (value[best], low[best], high[best]) == pytest.approx((100, 77.99, 100), abs=0.01)
