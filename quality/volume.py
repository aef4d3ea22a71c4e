"""Is a day's volume normal for its weekday?

The limits are those of a u' chart on counts (Laney 2002): the Poisson spread, widened by the over-dispersion
that the history shows. The centre is the median of the same weekday, the spread a median too, so that a past
outage or peak does not move them. The lower limit is

    expected - 3 * dispersion * sqrt(expected * (1 + 1.57 / n))

with n same weekdays in the history (1.57 / n is the uncertainty of a median). It is below zero up to about
12 records a day: streams that small are never judged. Where counts scatter by a fifth a day beyond Poisson,
about 1 day in 150 falls far below by chance with four weeks of history, 1 in 1,000 with twelve.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

MIN_HISTORY_DAYS = 28
MAX_HISTORY_DAYS = 84
MIN_SAME_WEEKDAYS = 4
# A level that fell by 40 % must be caught although its day scatters too.
FAR_BELOW = 0.7
_SIGMAS = 3.0
_MAD_TO_SIGMA = 1.4826
_MEDIAN_VARIANCE = math.pi / 2


@dataclass(frozen=True, kw_only=True)
class DayVolume:
    """A day's count against its weekday."""

    day: date
    count: int
    expected: float
    lower_limit: float

    @property
    def is_low(self) -> bool:
        """Below the control limit."""
        return self.count < self.lower_limit

    @property
    def is_far_below(self) -> bool:
        """Below the control limit and at least 30 % fewer than expected."""
        return self.is_low and self.count <= FAR_BELOW * self.expected


def day_volume(
    counts: Mapping[date, int], day: date, *, closed: Collection[date] = frozenset()
) -> DayVolume | None:
    """Judge one complete day.

    Args:
        counts: records by day; a day between the first and `day` that is not in it counts as 0.
        day: the day to judge.
        closed: days off (holidays): neither judged nor part of the history.

    Returns:
        None with less than 28 days of history before `day`, with fewer than four same weekdays in it, or on a
        day off. The first day of `counts` may be partial and is not history.
    """
    earlier = [d for d in counts if d < day]
    if not earlier or day in closed:
        return None
    start = max(min(earlier) + timedelta(days=1), day - timedelta(days=MAX_HISTORY_DAYS))
    length = (day - start).days
    if length < MIN_HISTORY_DAYS:
        return None
    weekdays: dict[int, list[int]] = {}
    for back in range(1, length + 1):
        past = day - timedelta(days=back)
        if past not in closed:
            weekdays.setdefault(past.weekday(), []).append(counts.get(past, 0))
    same = weekdays.get(day.weekday(), [])
    if len(same) < MIN_SAME_WEEKDAYS:
        return None
    expected = statistics.median(same)
    spread = _dispersion(weekdays.values()) * math.sqrt(expected * (1 + _MEDIAN_VARIANCE / len(same)))
    return DayVolume(
        day=day, count=counts.get(day, 0), expected=expected, lower_limit=expected - _SIGMAS * spread
    )


def _dispersion(weekdays: Collection[list[int]]) -> float:
    """How many times wider than Poisson the history scatters around its weekdays' medians; at least 1."""
    residuals: list[float] = []
    for counts in weekdays:
        centre = statistics.median(counts)
        # A median of few values lies too close to them.
        shrunk = math.sqrt(len(counts) / max(len(counts) - 1, 1))
        residuals.extend(abs(n - centre) / math.sqrt(max(centre, 1)) * shrunk for n in counts)
    return max(1.0, _MAD_TO_SIGMA * statistics.median(residuals))
