"""Opening hours of a helpdesk schedule: seconds open between two instants, and the inverse.

The generator uses these look-ups for agents at work and for service-level clocks. The truth does not: it
walks local days (see `truth.business_seconds`), so that the two check each other.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400


@dataclass(frozen=True)
class Schedule:
    """A weekly schedule as the helpdesk keeps it.

    Args:
        id: the vendor's id.
        name: its title.
        rails_zone: the time zone under the name that Ruby on Rails uses.
        zone: the same zone in the IANA database.
        intervals: (start, end) in minutes since Sunday 00:00 local; none crosses midnight.
        holidays: closed local dates, (first, last, name), both ends inclusive.
    """

    id: int
    name: str
    rails_zone: str
    zone: str
    intervals: tuple[tuple[int, int], ...]
    holidays: tuple[tuple[date, date, str], ...] = ()


class Hours:
    """The open intervals of a schedule within [start, end], unix seconds, ready for look-ups."""

    def __init__(self, schedule: Schedule, start: int, end: int) -> None:
        zone = ZoneInfo(schedule.zone)
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.before: list[int] = []  # seconds open before each interval
        total = 0
        day = datetime.fromtimestamp(start, UTC).date() - timedelta(days=1)
        last = datetime.fromtimestamp(end, UTC).date() + timedelta(days=1)
        while day <= last:
            if not any(first <= day <= until for first, until, _ in schedule.holidays):
                base = day.isoweekday() % 7 * 1440
                midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
                for low, high in schedule.intervals:
                    if base <= low < base + 1440:
                        opened = int((midnight + timedelta(minutes=low - base)).timestamp())
                        closed = int((midnight + timedelta(minutes=high - base)).timestamp())
                        self.opens.append(opened)
                        self.closes.append(closed)
                        self.before.append(total)
                        total += closed - opened
            day += timedelta(days=1)

    def _open_before(self, t: int) -> int:
        i = bisect_right(self.opens, t) - 1
        if i < 0:
            return 0
        close = self.closes[i]
        return self.before[i] + (t if t < close else close) - self.opens[i]

    def seconds(self, a: int, b: int) -> int:
        """Seconds open in [a, b)."""
        return self._open_before(b) - self._open_before(a)

    def add(self, t: int, seconds: int) -> int:
        """The first instant at which `seconds` open seconds have passed since `t`.

        With `seconds` 0 this is `t` itself. Beyond the generated span the last closing is returned.
        """
        if seconds <= 0:
            return t
        goal = self._open_before(t) + seconds
        # The interval in which the running total reaches the goal: the last that begins below it.
        low, high = 0, len(self.before)
        while low < high:
            middle = (low + high) // 2
            if self.before[middle] < goal:
                low = middle + 1
            else:
                high = middle
        i = low - 1
        return min(self.opens[i] + goal - self.before[i], self.closes[-1] + DAY)
