"""Intervals of shares and of NPS as the SQL computes them, against every outcome that there can be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from tests import parsed

MACROS: Any = (
    Environment(loader=FileSystemLoader(parsed.ROOT / "dbt_project" / "macros"), extensions=["jinja2.ext.do"])
    .get_template("kpi/intervals.sql")
    .module
)
SHARES = np.arange(0.5, 0.9901, 0.01)
#: How much of the rest is detractors. Where it is none or all, there are two kinds of answers.
DETRACTORS = (0.0, 0.5, 1.0)
COUNTS = (*range(10, 61, 2), 80, 120, 200, 400)
#: Which outcomes there are, as SQL: all, and those without detractors or without passives.
EVERY = "select p, d from range({n} + 1) as a(p), range({n} + 1) as b(d) where p + d <= {n}"
NO_DETRACTORS, NO_PASSIVES = (f"select p, {d} as d from range({{n}} + 1) as a(p)" for d in ("0", "{n} - p"))

CONNECTION = duckdb.connect()


def outcomes(n: int, which: str, macro: str, *counted: str) -> str:
    """SQL of every outcome of n answers that there can be: promoters, detractors, value and bounds."""
    low, high = (getattr(MACROS, macro)(*counted, str(n), sign) for sign in "-+")
    return f"""select p, d, {n} as n, 100e0 * {counted[0]} / {n} as value, {low} as low, {high} as high
        from ({which.format(n=n)}) as o order by p, d"""


def nps(n: int, which: str = EVERY) -> str:
    return outcomes(n, which, "nps_bound", "(p - d)", "(p + d)")


def shares(n: int) -> str:
    """Answers are positive or not: nobody is in between."""
    return outcomes(n, NO_PASSIVES, "wilson_pct", "p")


def computed(sql: str) -> list[Any]:
    return list(CONNECTION.execute(sql).fetchnumpy().values())


def probabilities(promoters: np.ndarray, detractors: np.ndarray, n: int, truths: np.ndarray) -> np.ndarray:
    """Of each outcome, for each truth: a pair of the shares of promoters and detractors."""
    factorials = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    counts = np.array([promoters, detractors, n - promoters - detractors]).astype(int)
    rest = np.maximum(0, 1 - truths.sum(axis=1, keepdims=True))
    logs = np.log(np.maximum(np.hstack([truths, rest]), 1e-300))
    return np.asarray(np.exp(factorials[n] - factorials[counts].sum(axis=0) + logs @ counts))


def truths_of(split: float) -> np.ndarray:
    """Shares of promoters from 50 to 99 %, and of detractors."""
    return np.column_stack([SHARES, (1 - SHARES) * split])


def coverage(sql: str, n: int, truths: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How often the interval holds the value, by truth."""
    promoters, detractors, _, _, low, high = computed(sql)
    held = (low <= values[:, None] + 1e-9) & (high >= values[:, None] - 1e-9)
    return np.asarray((probabilities(promoters, detractors, n, truths) * held).sum(axis=1))


def judge(about: str, ns: Iterable[int], held: list[np.ndarray]) -> None:
    means, worst = [each.mean() for each in held], [each.min() for each in held]
    at = list(ns)[int(np.argmin(worst))]
    print(f"{about}: {min(means):.4f} to {max(means):.4f} in the mean, {min(worst):.4f} at worst (n {at})")  # noqa: T201
    assert min(means) >= 0.93
    assert max(means) <= 0.97


def test_the_interval_of_a_share_holds_the_truth_95_times_in_a_hundred() -> None:
    ns = range(10, 401)
    judge("shares", ns, [coverage(shares(n), n, truths_of(1), 100 * SHARES) for n in ns])


@pytest.mark.parametrize("split", DETRACTORS)
def test_the_interval_of_nps_holds_the_truth_95_times_in_a_hundred(split: float) -> None:
    which = {0.0: NO_DETRACTORS, 1.0: NO_PASSIVES}.get(split, EVERY)
    ns = COUNTS if which == EVERY else range(10, 401)
    truths = truths_of(split)
    held = [coverage(nps(n, which), n, truths, 100 * (truths[:, 0] - truths[:, 1])) for n in ns]
    judge(f"NPS, {split:.0%} of the rest detractors", ns, held)


def alarms(ns: tuple[int, int], sides: list[str], truths: np.ndarray, level: float = 0.05) -> np.ndarray:
    """How often two periods of one truth are told apart, by truth."""
    z = MACROS.z_of_difference(*(f"{side}.{name}" for side in "ab" for name in ("value", "low", "high", "n")))
    [p_values] = computed(
        f"select {MACROS.two_sided_p('z')} from (select {z} as z from ({sides[0]}) as a, ({sides[1]}) as b"
        " order by a.p, a.d, b.p, b.d) as c"
    )
    one, other = (
        probabilities(kinds[0], kinds[1], n, truths)
        for n, kinds in zip(ns, map(computed, sides), strict=True)
    )
    told = (p_values <= level).reshape(one.shape[1], other.shape[1]).astype(float)
    return np.asarray(((one @ told) * other).sum(axis=1))


PAIRS = [
    *((n, n) for n in (*range(30, 81), 100, 150, 200, 400)),
    *((30, n) for n in range(40, 401, 40)),
    (36, 37),
    (30, 352),
]


@pytest.mark.parametrize(
    ("about", "outcomes_of", "split"),
    [
        ("shares", shares, 1.0),
        ("NPS without detractors", lambda n: nps(n, NO_DETRACTORS), 0.0),
        ("NPS without passives", lambda n: nps(n, NO_PASSIVES), 1.0),
    ],
)
def test_changes_that_are_none_are_rarely_told(about: str, outcomes_of: Any, split: float) -> None:
    """Newcombe's interval itself tells 6.4 % of them at 33 answers each and 6.1 % at 30 and 352."""
    found = {ns: alarms(ns, [outcomes_of(n) for n in ns], truths_of(split)) for ns in PAIRS}
    means, worst = ({ns: float(of(each)) for ns, each in found.items()} for of in (np.mean, np.max))
    at = max(worst, key=lambda ns: worst[ns])
    print(f"{about}: up to {max(means.values()):.4f} in the mean, {worst[at]:.4f} at worst {at}")  # noqa: T201
    assert max(means.values()) <= 0.05
    assert max(worst.values()) <= 0.06


@pytest.mark.parametrize("ns", [(30, 30), (30, 200), (100, 400), (400, 400)])
@pytest.mark.parametrize("level", [0.01, 0.001])
def test_small_p_are_as_rare_as_they_say(ns: tuple[int, int], level: float) -> None:
    """What corrects for many members relies on them. In the mean they are rarer, at 30 answers by half."""
    found = alarms(ns, [shares(n) for n in ns], truths_of(1), level)
    assert 0.3 * level < found.mean() < level
    assert found.max() < 1.1 * level


@pytest.mark.parametrize("ns", [(30, 30), (30, 60)])
def test_changes_of_nps_that_are_none_are_rarely_told(ns: tuple[int, int]) -> None:
    found = alarms(ns, [nps(n) for n in ns], truths_of(0.5)[::4])
    assert found.mean() <= 0.05
    assert found.max() <= 0.06


def test_p_is_that_of_the_normal_distribution() -> None:
    zs = [0.0, 0.5, 1.0, 1.959964, 3.0, 4.5]
    found = computed(
        f"select {MACROS.two_sided_p('z')} as p from (values {', '.join(f'({z}e0)' for z in zs)}) as t(z)"
    )
    assert found[0] == pytest.approx([math.erfc(z / math.sqrt(2)) for z in zs], rel=1e-3)


def test_the_interval_is_widened_to_students_t() -> None:
    """Tables of t: 2.0452 with 29 degrees of freedom, 2.2622 with 9, 1.9720 with 199."""
    found = computed(f"select {MACROS.t_95('n')} as t from (values (30), (10), (200), (1)) as t(n)")
    assert [*found[0].filled(0)] == pytest.approx([2.0452, 2.2622, 1.9720, 0], abs=4e-3)


def discovered(p_values: list[float]) -> list[bool]:
    """The step-up procedure as its authors write it: all up to the last p(i) that is at most i / m of 5 %."""
    ordered = sorted(p_values)
    passing = [p for i, p in enumerate(ordered, 1) if p <= i / len(ordered) * 0.05]
    return [bool(passing) and p <= passing[-1] for p in p_values]


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=15), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_members_are_corrected_by_the_step_up_procedure(families: list[list[int]]) -> None:
    """Each family by itself. Ties, too; whole thousandths and their 37ths, so that no p stands on a threshold."""
    told = [[(each + 0.31) / 1000 / 37 * 3 for each in family] for family in families]
    rows = ", ".join(f"({i}, {j}, {p:.12f}e0)" for i, family in enumerate(told) for j, p in enumerate(family))
    tested = f"(select * from (values {rows}) as v(family, no, p_value))"
    rates = MACROS.false_discovery_rates(tested, "partition by family")
    found = computed(
        f"select false_discovery_rate <= 0.05e0 as is_told from ({rates}) as r order by family, no"
    )
    assert found[0].tolist() == [each for family in told for each in discovered(family)]


def test_the_example_of_benjamini_and_hochberg() -> None:
    """Fifteen p-values of a trial of 1995: at 5 % the first four are discoveries."""
    p_values = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1]  # fmt: skip
    tested = f"(select * from (values {', '.join(f'({p:.12f}e0)' for p in p_values)}) as v(p_value))"
    rates = MACROS.false_discovery_rates(tested, "partition by 1")
    found = computed(f"select false_discovery_rate <= 0.05e0 as is_told from ({rates}) as r order by p_value")
    assert found[0].tolist() == [True] * 4 + [False] * 11


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
    promoters, _, _, value, low, high = computed(nps(30))
    [best] = np.flatnonzero(promoters == 30)
    # (30 / 33 -+ 1.96 sqrt((32 / 33 - (30 / 33)^2) / 33)) x 100
    assert (value[best], low[best], high[best]) == pytest.approx((100, 77.99, 100), abs=0.01)
