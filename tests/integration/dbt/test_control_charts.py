"""Control charts of the scorecard: quiet on noise as often as theory says, and heard when something shifted.

The KPI tables are made up here, with the numbers of processes whose truth is known; kpi_scorecard is built over them.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .made_up import FIRST, answers, cells, scorecard, week
from .warehouse import Warehouse

WEEKS, SERIES, SHIFTED_FOR = 100, 400, 8
#: First week that is judged: 12 for the limits, then 8.
JUDGED_FROM = 19
LIMITS_FROM = 24


def alternating(last: float, low: float = 100) -> list[float]:
    """19 weeks of low and low + 10 in turn, and the last: mean of the first twelve low + 5, mean moving range 10."""
    return [low + 10 * (i % 2) for i in range(JUDGED_FROM)] + [last]


def times(member: str, seconds: list[float], measure: str = "first_reply") -> pd.DataFrame:
    return cells(member, {"n": 50, "median_seconds": seconds, "measure": measure, "clock": "calendar"})


def attainment(member: str, met: list[int], n: int) -> pd.DataFrame:
    counts = np.array(met)
    shares = {"met": counts, "breached": n - counts, "attainment_pct": 100 * counts / n}
    return cells(member, {**shares, "metric": "first_reply"})


def opinion(member: str, promoters: list[int], detractors: list[int], n: int) -> pd.DataFrame:
    nps = 100 * (np.array(promoters) - np.array(detractors)) / n
    return cells(member, {"n": n, "promoters": promoters, "detractors": detractors, "nps": nps})


def created(member: str, counts: list[float], dimension: str = "group") -> pd.DataFrame:
    return cells(member, {"created": counts}, dimension=dimension)


@pytest.fixture(scope="module")
def noise() -> dict[str, np.ndarray]:
    """Processes that do not change but for the last weeks of every other series, by KPI: series by week."""
    random = np.random.default_rng(20_240_601)
    shift = np.zeros((SERIES, WEEKS))
    shift[1::2, -SHIFTED_FOR:] = 1
    # 80 % of 400 (standard deviation 2), and 86 %; 1000 +- 100 seconds, and 1300.
    positive = random.binomial(400, 0.80 + 0.06 * shift)
    seconds = np.round(random.normal(1000 + 300 * shift, 100), 3)
    kinds = random.multinomial(200, [0.2, 0.3, 0.5], size=(SERIES, WEEKS))
    return {
        "csat": positive,
        "first_reply_time": seconds,
        "detractors": kinds[..., 0],
        "promoters": kinds[..., 2],
    }


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory, noise: dict[str, np.ndarray]) -> Warehouse:
    """The scorecard over the worked series and the noise."""
    tables = {
        "kpi_csat": [
            answers("small", [80] * 19 + [40], is_small_n=[False] * 19 + [True]),
            answers("a gap", [80] * 19 + [99], is_small_n=[i == 5 for i in range(20)]),
            answers("partial", [80] * WEEKS + [10]),
            answers("days", [80] * 40 + [10]).assign(
                period_grain="day", dimension="all", period_start=[FIRST + timedelta(days=i) for i in range(41)],
            ),
            answers("a member's day", [80]).assign(period_grain="day"),
            *(answers(f"noise {i}", list(row), 400) for i, row in enumerate(noise["csat"])),
        ],
        "kpi_nps": [
            opinion("above", [60] * 19 + [67], [20] * 19 + [2], 100),
            opinion("within", [60] * 19 + [66], [20] * 19 + [2], 100),
            *(
                opinion(f"noise {i}", list(p), list(d), 200)
                for i, (p, d) in enumerate(zip(noise["promoters"], noise["detractors"], strict=True))
            ),
        ],
        "kpi_sla_compliance": [
            attainment("3 of 40 missed", [40] * 19 + [37], 40),
            attainment("4 of 40 missed", [40] * 19 + [36], 40),
        ],
        "kpi_survey_response": [
            cells("open", {
                "sent": 100, "answered": [30] * 19 + [3], "response_rate_sent_pct": [30.0] * 19 + [3.0],
                "is_provisional": [False] * 19 + [True],
            }),
        ],
        "kpi_response_times": [
            times("slow", alternating(132)),
            times("usual", alternating(131)),
            times("quick", alternating(78)),
            times("never another", [60.0] * 19 + [61.0]),
            times("unsettled", [100.0 + 10 * (i % 2) for i in range(WEEKS - 4)] + [900.0] * 4, "full_resolution"),
            *(times(f"noise {i}", list(row)) for i, row in enumerate(noise["first_reply_time"])),
        ],
        "kpi_volume": [
            created("many", alternating(132)),
            created("few", alternating(42, 10)),
            created("few of all", alternating(42, 10), dimension="all"),
        ],
        "kpi_backlog": [cells("stock", {"age_bucket": "all", "open_at_end": [100] * 19 + [900]})],
    }  # fmt: skip
    return scorecard(tmp_path_factory.mktemp("charts"), tables, week(WEEKS))


def judged(charts: Warehouse, kpi: str, member: str) -> list[tuple[Any, ...]]:
    """Weeks with a chart: week, chart, centre, limits, signal, shift."""
    found = charts.query(
        "select (period_start - date '2022-01-03') // 7, chart, round(center, 6), round(lower_limit, 6), round(upper_limit, 6), signal, shift"
        f" from marts.kpi_scorecard where kpi = '{kpi}' and member = '{member}' and signal is not null order by 1"
    )
    return found


@pytest.mark.parametrize(
    ("kpi", "member", "expected"),
    [
        # NPS 40 of 60 % and 20 %: variance 0.8 - 0.16 = 0.64, limits 40 +- 3 x 100 x 0.8 / 10; half an answer is 0.5.
        ("nps", "above", ("nps", 40.0, 16.0, 64.0, "beyond_limits", "better")),
        ("nps", "within", ("nps", 40.0, 16.0, 64.0, "none", None)),
        # Mean 105, mean moving range 10: 105 +- 26.6.
        ("first_reply_time", "slow", ("xmr", 105.0, 78.4, 131.6, "beyond_limits", "worse")),
        ("first_reply_time", "usual", ("xmr", 105.0, 78.4, 131.6, "none", None)),
        ("first_reply_time", "quick", ("xmr", 105.0, 78.4, 131.6, "beyond_limits", "better")),
        ("tickets_created", "many", ("xmr", 105.0, 78.4, 131.6, "beyond_limits", "higher")),
        ("tickets_created", "few of all", ("xmr", 15.0, 0.0, 41.6, "beyond_limits", "higher")),
        # All met so far: one of 40 is taken to miss, 3 x sqrt(39 / 1600 / 40) = 7.4057 %; half a target is 1.25.
        ("sla_first_reply", "3 of 40 missed", ("p", 100.0, 92.594343, 100.0, "none", None)),
        ("sla_first_reply", "4 of 40 missed", ("p", 100.0, 92.594343, 100.0, "beyond_limits", "worse")),
    ],
)
def test_worked_charts(charts: Warehouse, kpi: str, member: str, expected: tuple[Any, ...]) -> None:
    assert judged(charts, kpi, member) == [(JUDGED_FROM, *expected)]


@pytest.mark.parametrize(
    ("kpi", "member"),
    [
        ("csat", "small"),  # fewer answers than the definition asks for
        ("csat", "a gap"),  # 11 periods for the limits
        ("csat", "days"),
        ("survey_response", "open"),  # answers may still come
        ("first_reply_time", "never another"),  # no moving range
        ("tickets_created", "few"),  # a week with none has no row
        ("backlog", "stock"),
    ],
)
def test_what_cannot_be_judged_has_no_chart(charts: Warehouse, kpi: str, member: str) -> None:
    assert judged(charts, kpi, member) == []


def test_days_are_there_over_all_members(charts: Warehouse) -> None:
    assert charts.query(
        "select dimension, count(*) from marts.kpi_scorecard where kpi = 'csat' and period_grain = 'day' group by 1"
    ) == [("all", 41)]


def test_periods_that_still_move_are_not_judged(charts: Warehouse) -> None:
    """The week of the as-of time; for resolution the four weeks before as well."""
    assert [row[0] for row in judged(charts, "csat", "partial")] == list(range(JUDGED_FROM, WEEKS))
    settled = judged(charts, "full_resolution_time", "unsettled")
    assert [row[0] for row in settled] == list(range(JUDGED_FROM, WEEKS - 4))
    assert {row[5] for row in settled} == {"none"}


def ended(values: np.ndarray, t: int) -> np.ndarray:
    """What the limits of week t are taken from: up to 24 weeks that ended 8 weeks before."""
    return values[..., max(0, t - 7 - LIMITS_FROM) : t - 7]


def expected_signals(values: np.ndarray, centers: np.ndarray, widths: np.ndarray, half: float) -> np.ndarray:
    """Per series and week: 2 beyond a limit, 1 the eighth in a row on a side, 0 none, -1 not judged."""
    signals = np.full(values.shape, -1)
    above, below = values > centers + half, values < centers - half
    for t in range(JUDGED_FROM, values.shape[1]):
        signals[:, t] = 0
        if t >= JUDGED_FROM + 7:
            last = slice(t - 7, t + 1)
            signals[above[:, last].all(axis=1) | below[:, last].all(axis=1), t] = 1
        signals[np.abs(values[:, t] - centers[:, t]) > widths[:, t] + half, t] = 2
    return signals


def by_hand(kpi: str, noise: dict[str, np.ndarray]) -> np.ndarray:
    """The same signals in plain numpy."""
    if kpi == "first_reply_time":
        values, half = noise[kpi], 0.0
        steps = np.abs(np.diff(values, axis=1, prepend=np.nan))
    elif kpi == "csat":
        values, half = noise[kpi] / 4, 50 / 400
    else:
        values, half = (noise["promoters"] - noise["detractors"]) / 2, 50 / 200
    centers, widths = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    for t in range(JUDGED_FROM, WEEKS):
        centers[:, t] = ended(values, t).mean(axis=1)
        if kpi == "first_reply_time":
            widths[:, t] = 2.66 * np.nanmean(ended(steps, t), axis=1)
        elif kpi == "csat":
            share = centers[:, t] / 100
            widths[:, t] = 300 * np.sqrt(share * (1 - share) / 400)
        else:
            spread = ended(noise["promoters"] + noise["detractors"], t).mean(axis=1) / 200
            widths[:, t] = 300 * np.sqrt((spread - (centers[:, t] / 100) ** 2) / 200)
    return expected_signals(values, centers, widths, half)


def shown(charts: Warehouse, kpi: str) -> np.ndarray:
    rows = charts.query(
        "select case coalesce(signal, '') when 'beyond_limits' then 2 when 'run' then 1 when 'none' then 0 else -1 end"
        f" from marts.kpi_scorecard where kpi = '{kpi}' and period_grain = 'week' and member like 'noise %'"
        " order by cast(substr(member, 7) as integer), period_start"
    )
    return np.array(rows).reshape(SERIES, WEEKS)


@pytest.mark.parametrize("kpi", ["csat", "nps", "first_reply_time"])
def test_signals_are_those_of_another_route(
    charts: Warehouse, noise: dict[str, np.ndarray], kpi: str
) -> None:
    expected = by_hand(kpi, noise)
    if kpi == "first_reply_time":
        expected[:, -1] = -1  # A week's replies come within another week.
    assert (shown(charts, kpi) == expected).all()


def normal(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def theory() -> tuple[float, float]:
    """False alarms per week of normal noise whose centre is estimated from 24 weeks: beyond a limit, in a run."""
    beyond = 2 * (1 - normal(3 / math.sqrt(1 + 1 / LIMITS_FROM)))
    errors = np.linspace(-6, 6, 2001)
    weights = np.exp(-(errors**2) / 2) / np.exp(-(errors**2) / 2).sum()
    run = sum(w * 2 * normal(e / math.sqrt(LIMITS_FROM)) ** 8 for w, e in zip(weights, errors, strict=True))
    return beyond, run


@pytest.mark.parametrize("kpi", ["csat", "nps"])
def test_noise_is_as_quiet_as_theory_says(charts: Warehouse, kpi: str) -> None:
    """That one answer more or less is no signal makes it quieter, never louder."""
    steady = shown(charts, kpi)[::2, JUDGED_FROM + LIMITS_FROM :]
    beyond, run = theory()
    assert (round(beyond, 4), round(run, 3)) == (0.0033, 0.014)
    assert 0.4 * beyond < (steady == 2).mean() < 1.3 * beyond
    assert 0.4 * run < (steady == 1).mean() < 1.3 * run


def test_times_are_as_quiet_as_limits_from_few_ranges_allow(charts: Warehouse) -> None:
    """24 moving ranges know the spread less well than the answers do: 0.7 to 1.2 % of normal noise lies beyond."""
    steady = shown(charts, "first_reply_time")[::2, JUDGED_FROM + LIMITS_FROM : -1]
    assert 0.004 < (steady == 2).mean() < 0.014
    assert (steady == 1).mean() < 1.5 * theory()[1]


@pytest.mark.parametrize(("kpi", "shift"), [("csat", "better"), ("first_reply_time", "worse")])
def test_a_shift_of_three_standard_deviations_is_heard_within_eight_weeks(
    charts: Warehouse, kpi: str, shift: str
) -> None:
    heard = shown(charts, kpi)[1::2, -SHIFTED_FOR:] > 0
    assert heard.any(axis=1).mean() > 0.98
    assert heard[:, :2].any(axis=1).mean() > 0.6
    [(right,)] = charts.query(
        f"select avg(cast(shift = '{shift}' as integer)) from marts.kpi_scorecard where kpi = '{kpi}' and signal in ('beyond_limits', 'run')"
        f" and member like 'noise %' and cast(substr(member, 7) as integer) % 2 = 1 and period_start >= date '{week(WEEKS - SHIFTED_FOR)}'"
    )
    assert right > 0.99
