"""Business time against worked examples; day walk and look-ups check each other."""

from datetime import UTC, date, datetime
from random import Random

import pytest

from sandbox.catalog import schedules
from sandbox.company import Company
from sandbox.hours import Hours
from sandbox.truth import business_seconds

OFFICE = tuple((day * 1440 + 540, day * 1440 + 1020) for day in range(1, 6))
ALWAYS = tuple((day * 1440, day * 1440 + 1440) for day in range(7))
SUNDAY_EARLY = ((60, 240),)
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


LUNCH = ((3420, 3600), (3660, 3900))  # Tuesday 9 to 12 and 13 to 17
NIGHT = ((2760, 2880), (2880, 3240))  # Monday 22 to Tuesday 6

EXAMPLES = {
    "spring over a weekend": ("2024-03-08T21:30", "2024-03-11T14:15", NEW_YORK, OFFICE, 105),
    "autumn over a weekend": ("2024-11-01T20:30", "2024-11-04T15:00", NEW_YORK, OFFICE, 90),
    "a day of 25 hours": ("2024-10-26T22:00", "2024-10-27T23:00", BERLIN, ALWAYS, 1500),
    "a day of 23 hours": ("2024-03-30T23:00", "2024-03-31T22:00", BERLIN, ALWAYS, 1380),
    "hours in the gap": ("2024-03-30T12:00", "2024-03-31T12:00", BERLIN, SUNDAY_EARLY, 120),
    "hours in the overlap": ("2024-10-26T12:00", "2024-10-27T12:00", BERLIN, SUNDAY_EARLY, 240),
    "opens inside the gap": ("2024-03-30T12:00", "2024-03-31T12:00", BERLIN, ((150, 240),), 60),
    "ahead of UTC": ("2024-01-07T21:30", "2024-01-08T01:00", "Australia/Sydney", OFFICE, 180),
    "half-hour zone": ("2024-06-04T03:30", "2024-06-04T04:00", "Asia/Kolkata", OFFICE, 30),
    "dropped DST": ("2024-06-04T00:30", "2024-06-04T03:00", "Asia/Hong_Kong", OFFICE, 120),
    "wholly outside": ("2024-06-08T14:00", "2024-06-09T14:00", NEW_YORK, OFFICE, 0),
    "two years": ("2022-01-03T14:00", "2024-01-08T14:00", NEW_YORK, OFFICE, 252_000),
    "lunch": ("2024-06-04T12:30", "2024-06-04T17:30", "Europe/London", LUNCH, 210),
    "night shift": ("2024-06-03T20:00", "2024-06-04T07:00", "Europe/London", NIGHT, 480),
    "overlapping": ("2024-06-04T00:00", "2024-06-05T00:00", "UTC", ((3420, 3600), (3540, 3900)), 480),
}


@pytest.mark.parametrize(("start", "end", "zone", "intervals", "minutes"), EXAMPLES.values(), ids=EXAMPLES)
def test_worked_examples(
    start: str, end: str, zone: str, intervals: tuple[tuple[int, int], ...], minutes: int
) -> None:
    assert business_seconds(_utc(start), _utc(end), zone, intervals) == minutes * 60


def test_a_holiday_is_a_local_date() -> None:
    christmas = frozenset([date(2024, 12, 25)])
    kiritimati = _utc("2024-12-23T22:00"), _utc("2024-12-25T20:00"), "Pacific/Kiritimati", OFFICE
    assert business_seconds(*kiritimati, christmas) == 360 * 60
    new_york = _utc("2024-12-24T20:00"), _utc("2024-12-26T15:00"), NEW_YORK, OFFICE
    assert business_seconds(*new_york, christmas) == 180 * 60


def test_look_ups_agree_with_the_day_walk(company: Company) -> None:
    rng = Random(1)
    for schedule, hours in zip(company.schedules, company.hours, strict=True):
        closed = frozenset(first for first, last, _ in schedule.holidays if first == last)
        closed |= {
            date(year, 12, day)
            for year in (2025, 2026)
            for day in (24, 25, 26)
            if len(schedule.intervals) > 5
        }
        for _ in range(300):
            a = rng.randrange(company.start, company.end)
            b = a + rng.randrange(0, 30 * 86_400)
            expected = business_seconds(_at(a), _at(b), schedule.zone, schedule.intervals, closed)
            assert hours.seconds(a, b) == expected
            assert hours.seconds(a, hours.add(a, expected)) == expected


def test_add_finds_the_first_instant() -> None:
    office, _ = schedules(2024, 2024)
    start = int(_utc("2024-06-01T00:00").timestamp())
    hours = Hours(office, start, start + 30 * 86_400)
    friday_four = int(_utc("2024-06-07T20:00").timestamp())  # 16:00 in New York, an hour before closing
    assert _at(hours.add(friday_four, 3600)) == _utc("2024-06-07T21:00")
    assert _at(hours.add(friday_four, 3601)) == _utc("2024-06-10T13:00:01")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
