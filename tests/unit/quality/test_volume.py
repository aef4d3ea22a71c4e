"""The volume statistic: catches a drop, stays quiet on noise, small counts, weekends and short histories."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.volume import day_volume

FIRST = date(2026, 1, 5)  # a Monday


def history(counts: list[int]) -> dict[date, int]:
    return {FIRST + timedelta(days=n): count for n, count in enumerate(counts)}


def test_the_limit_by_hand() -> None:
    # 29 days of 100: the first day is no history, so the four weeks behind the 30th day are exactly 100.
    # sigma = sqrt(100 * (1 + 1.5708 / 4)) = 11.8013; limit = 100 - 3 * 11.8013 = 64.5962.
    counts = history([100] * 29 + [64])
    found = day_volume(counts, FIRST + timedelta(days=29))
    assert found is not None
    assert found.expected == 100
    assert found.lower_limit == pytest.approx(64.5962, abs=1e-4)
    assert (found.count, found.is_low, found.is_far_below) == (64, True, True)


@pytest.mark.parametrize(("count", "low", "far"), [(100, False, False), (65, False, False), (60, True, True)])
def test_40_percent_fewer_than_a_hundred_fails(count: int, low: bool, far: bool) -> None:
    found = day_volume(history([100] * 29 + [count]), FIRST + timedelta(days=29))
    assert found is not None
    assert (found.is_low, found.is_far_below) == (low, far)


def test_a_moderate_drop_beyond_the_limits_is_low_but_not_far_below() -> None:
    # 10,000 a day: the limit is at 9,646; 9,000 is low, and only 7,000 and less is far below.
    assert _of(9_700) == (False, False)
    assert _of(9_000) == (True, False)
    assert _of(7_001) == (True, False)
    assert _of(7_000) == (True, True)


def _of(count: int) -> tuple[bool, bool]:
    found = day_volume(history([10_000] * 29 + [count]), FIRST + timedelta(days=29))
    assert found is not None
    return found.is_low, found.is_far_below


def test_a_quiet_weekend_is_compared_with_weekends() -> None:
    week = [200, 200, 200, 200, 200, 20, 20]
    counts = history(week * 6)
    saturday, monday = FIRST + timedelta(days=40), FIRST + timedelta(days=35)
    assert day_volume(counts, saturday).expected == 20  # type: ignore[union-attr]
    assert not day_volume(counts, saturday).is_low  # type: ignore[union-attr]
    assert day_volume(counts | {monday: 20}, monday).is_far_below  # type: ignore[union-attr]


def test_no_verdict_with_less_than_28_days_of_history() -> None:
    # 28 days, of which the first may be partial: 27.
    assert day_volume(history([100] * 28 + [0]), FIRST + timedelta(days=28)) is None
    assert day_volume(history([100] * 29 + [0]), FIRST + timedelta(days=29)) is not None
    assert day_volume({}, FIRST) is None


def test_days_off_are_neither_judged_nor_history() -> None:
    counts = history([100] * 36 + [0])
    today = FIRST + timedelta(days=36)
    assert day_volume(counts, today, closed={today}) is None
    off = today - timedelta(days=7)
    found = day_volume(counts | {off: 0}, today, closed={off})
    assert found is not None
    assert found.expected == 100
    four_weeks = history([100] * 29 + [0])
    assert day_volume(four_weeks, FIRST + timedelta(days=29), closed={FIRST + timedelta(days=22)}) is None


def test_a_day_without_records_counts_as_zero() -> None:
    counts = history([100] * 29)
    found = day_volume(counts, FIRST + timedelta(days=29))
    assert found is not None
    assert (found.count, found.is_far_below) == (0, True)


def test_one_past_outage_or_peak_does_not_move_the_limit() -> None:
    calm = history([100] * 57 + [100])
    today = FIRST + timedelta(days=57)
    odd = calm | {today - timedelta(days=7): 0, today - timedelta(days=14): 9_000}
    assert day_volume(odd, today) == day_volume(calm, today)


def test_a_stream_that_scatters_has_wider_limits() -> None:
    # Twice the scatter of every day's count around its weekday gives twice the distance to the limit.
    def limit(step: int) -> float:
        counts = history([1_000 + (step if (n // 7) % 2 else -step) for n in range(57)] + [1_000])
        found = day_volume(counts, FIRST + timedelta(days=57))
        assert found is not None
        return found.expected - found.lower_limit

    assert limit(200) == pytest.approx(2 * limit(100))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(counts=st.lists(st.integers(0, 12), min_size=30, max_size=90))
def test_never_fires_on_a_dozen_records_a_day_and_fewer(counts: list[int]) -> None:
    found = day_volume(history(counts), FIRST + timedelta(days=len(counts) - 1))
    assert found is not None
    assert not found.is_low


@settings(max_examples=10, deadline=None, derandomize=True)
@given(rate=st.integers(13, 2_000), seed=st.integers(0, 2**16))
def test_hardly_ever_fires_on_a_stationary_stream(rate: int, seed: int) -> None:
    # Of 300 days at most 3 are low and 1 far below; the expectation is 0.1 and less.
    counts = history(np.random.default_rng(seed).poisson(rate, 360).tolist())
    found = [day_volume(counts, FIRST + timedelta(days=n)) for n in range(60, 360)]
    assert None not in found
    assert sum(v is not None and v.is_low for v in found) <= 3
    assert sum(v is not None and v.is_far_below for v in found) <= 1


@settings(max_examples=20, deadline=None, derandomize=True)
@given(rate=st.integers(200, 5_000), seed=st.integers(0, 2**16))
def test_a_level_that_fell_by_40_percent_is_found_the_same_day(rate: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = history([*rng.poisson(rate, 60).tolist(), int(rng.poisson(0.6 * rate))])
    found = day_volume(counts, FIRST + timedelta(days=60))
    assert found is not None
    assert found.is_far_below
