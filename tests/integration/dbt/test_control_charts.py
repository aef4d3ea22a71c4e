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


#: Tickets of the whole weeks after a week that holds one evening.
BEGUN = [20, 25, 23, 21, 26, 24, 22] * 4


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
            answers("a small one", [80] * 5 + [8] + [80] * 13 + [99], [100] * 5 + [10] + [100] * 14),
            answers("few together", [1] * 19 + [40], [2] * 19 + [50]),
            answers("short", [80] * 18 + [99]),
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
            created("begins on a Sunday", [1, *BEGUN]),
            created("begins on a Sunday", [0] * 6 + [1, 3, 4]).assign(
                period_grain="day", period_start=[FIRST + timedelta(days=i) for i in range(9)],
            ),
        ],
        "kpi_ces": [
            cells("all", {"n": 9, "easy": 9, "ces_pct": 100.0, "is_small_n": [True]}, "day", "all").assign(
                period_start=FIRST + timedelta(days=6)
            ),
            cells("without days", {"n": [40, 80, 80], "easy": [0, 60, 60], "ces_pct": [0.0, 75.0, 75.0]}),
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
        # A small period counts by its answers: 968 of 1210 are 80 %.
        ("csat", "a small one", ("p", 80.0, 68.0, 92.0, "beyond_limits", "better")),
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
        ("csat", "short"),  # 11 periods for the limits
        ("csat", "few together"),  # 24 answers in 12 periods
        ("csat", "days"),
        ("survey_response", "open"),  # answers may still come
        ("first_reply_time", "never another"),  # no moving range
        ("tickets_created", "few"),  # a week with none has no row
        ("backlog", "stock"),
    ],
)
def test_what_cannot_be_judged_has_no_chart(charts: Warehouse, kpi: str, member: str) -> None:
    assert judged(charts, kpi, member) == []


def test_the_week_in_which_a_history_begins_is_in_no_limits_and_no_baseline(charts: Warehouse) -> None:
    """Nor where days of none stand before."""
    found = judged(charts, "tickets_created", "begins on a Sunday")
    assert [week for week, *_ in found] == list(range(JUDGED_FROM + 1, len(BEGUN) + 1))
    for at, _, center, low, high, *_ in found:
        told = np.array(BEGUN[max(0, at - 8 - LIMITS_FROM) : at - 8])
        expected = (told.mean(), told.mean() - 2.66 * steps(told), told.mean() + 2.66 * steps(told))
        assert (center, low, high) == pytest.approx(expected, abs=1e-5)
    baselines = charts.query(
        "select baseline, baseline_periods from marts.kpi_scorecard where member = 'begins on a Sunday' order by period_start"
    )
    assert baselines[:3] == [(None, 0), (None, 0), (20.0, 1)]
    assert baselines[-1] == (pytest.approx(np.mean(BEGUN[-13:-1])), 12)


def test_a_member_without_days_begins_with_the_whole(charts: Warehouse) -> None:
    assert charts.query(
        "select baseline, baseline_periods from marts.kpi_scorecard where kpi = 'ces' and member = 'without days' order by period_start"
    ) == [(None, 0), (None, 0), (75.0, 1)]


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


def steps(values: np.ndarray) -> np.ndarray:
    """Mean moving range of each series."""
    return np.asarray(np.abs(np.diff(values, axis=-1)).mean(axis=-1))


def by_hand(kpi: str, noise: dict[str, np.ndarray]) -> np.ndarray:
    """The same signals in plain numpy: XmR of times, p' of shares and NPS in Laney's terms, with z-scores."""
    if kpi == "first_reply_time":
        values, half, n = noise[kpi], 0.0, 0
    elif kpi == "csat":
        values, half, n = noise[kpi] / 4, 50 / 400, 400
    else:
        values, half, n = (noise["promoters"] - noise["detractors"]) / 2, 50 / 200, 200
    centers, widths = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    for t in range(JUDGED_FROM, WEEKS):
        told = ended(values, t)
        centers[:, t] = told.mean(axis=1)
        if kpi == "first_reply_time":
            widths[:, t] = 2.66 * steps(told)
            continue
        share = centers[:, t] / 100
        if kpi == "csat":
            sigma = 100 * np.sqrt(share * (1 - share) / n)
        else:
            spread = ended(noise["promoters"] + noise["detractors"], t).mean(axis=1) / n
            sigma = 100 * np.sqrt((spread - share**2) / n)
        sigma_z = steps((told - centers[:, [t]]) / sigma[:, None]) / 1.128
        widths[:, t] = 3 * sigma * np.maximum(1, sigma_z)
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


def false_signals(told: np.ndarray, last: np.ndarray, width: np.ndarray, half: float) -> tuple[float, float]:
    """How often noise is beyond the limits, and else the eighth in a row on a side."""
    distances = last - told.mean(axis=1, keepdims=True)
    beyond = np.abs(distances[:, -1]) > width + half
    run = (distances > half).all(axis=1) | (distances < -half).all(axis=1)
    return float(beyond.mean()), float((run & ~beyond).mean())


@pytest.mark.parametrize("periods", [12, 16, 20, 24])
@pytest.mark.parametrize("is_xmr", [False, True])
def test_the_rates_of_false_signals_are_those_of_noise(periods: int, is_xmr: bool) -> None:
    """The numbers in the SQL, for limits from so many periods."""
    random = np.random.default_rng(periods)
    told, last = random.normal(size=(300_000, periods)), random.normal(size=(300_000, 8))
    width = 2.66 * steps(told) if is_xmr else 3 * np.maximum(1, steps(told) / 1.128)
    beyond, run = false_signals(told, last, width, 0)
    assert beyond == pytest.approx(0.23 / periods if is_xmr else 0.0023, rel=0.15)
    assert run == pytest.approx(0.0056 + 0.2 / periods, rel=0.07)


@pytest.mark.parametrize(
    ("n", "share"), [(30, 0.8), (60, 0.9), (100, 0.7), (100, 0.95), (400, 0.8), (400, 0.97), (2000, 0.9)]
)
def test_they_are_near_those_of_answers(n: int, share: float) -> None:
    random = np.random.default_rng(n)
    told, last = (100 * random.binomial(n, share, size=(100_000, k)) / n for k in (24, 8))
    center = told.mean(axis=1) / 100
    sigma = 100 * np.sqrt(np.maximum(center * (1 - center), (n - 1) / n**2) / n)
    width, half = np.maximum(3 * sigma, 3 * steps(told) / 1.128), 50 / n
    expected = 0.0023 + (0.0056 + 0.2 / 24) * np.exp(-13.5 * half / width).mean()
    assert sum(false_signals(told, last, width, half)) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("kpi", ["csat", "nps", "first_reply_time"])
def test_as_many_signals_are_false_as_are_expected(charts: Warehouse, kpi: str) -> None:
    """Of the series that never shift. False ones come in rows, so that their number varies more than counts do."""
    [(found, expected)] = charts.query(
        "select count(case when signal in ('beyond_limits', 'run') then 1 end), sum(false_signal_rate) from marts.kpi_scorecard"
        f" where kpi = '{kpi}' and member like 'noise %' and cast(substr(member, 7) as integer) % 2 = 0"
    )
    print(f"{kpi}: {found} false signals, {expected:.1f} expected")  # noqa: T201
    assert found == pytest.approx(expected, rel=0.35)


def test_the_expected_number_of_false_signals_stands_beside_them(charts: Warehouse) -> None:
    """Of each KPI, dimension and length of period; a week is in no run before the eighth that is judged."""
    rows = charts.query(
        "select kpi, dimension, period_grain, any_value(expected_false_signals), sum(false_signal_rate), count(distinct expected_false_signals)"
        " from marts.kpi_scorecard where signal is not null group by all"
    )
    assert len(rows) >= 6
    for *_, told, summed, different in rows:
        assert told == pytest.approx(summed, rel=1e-6)
        assert different == 1
    first = charts.query(
        "select (period_start - date '2022-01-03') // 7, round(false_signal_rate, 4) from marts.kpi_scorecard"
        " where kpi = 'csat' and member = 'partial' and signal is not null order by 1"
    )
    # Then a run is possible: limits of 19 weeks, and half an answer is 0.5 of the limits' 12 points.
    in_run = 0.0023 + (0.0056 + 0.2 / 19) * math.exp(-13.5 * 0.5 / 12)
    assert first[:8] == [*((i, 0.0023) for i in range(19, 26)), (26, round(in_run, 4))]


@pytest.mark.parametrize(("kpi", "shift"), [("csat", "better"), ("first_reply_time", "worse")])
def test_a_shift_of_three_standard_deviations_is_heard_within_eight_weeks(
    charts: Warehouse, kpi: str, shift: str
) -> None:
    heard = shown(charts, kpi)[1::2, -SHIFTED_FOR:] > 0
    assert heard.any(axis=1).mean() > 0.98
    # Where chance makes the history vary more, limits are wider than three standard deviations.
    assert heard[:, :2].any(axis=1).mean() > 0.55
    [(right,)] = charts.query(
        f"select avg(cast(shift = '{shift}' as integer)) from marts.kpi_scorecard where kpi = '{kpi}' and signal in ('beyond_limits', 'run')"
        f" and member like 'noise %' and cast(substr(member, 7) as integer) % 2 = 1 and period_start >= date '{week(WEEKS - SHIFTED_FOR)}'"
    )
    assert right > 0.99
