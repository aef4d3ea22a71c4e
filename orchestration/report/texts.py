"""The report's words: one table of all texts, and how a language writes numbers, times and dates."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_interval, format_skeleton, get_day_names
from babel.numbers import format_decimal

TABLE = Path(__file__).with_name("texts.csv")
#: Seconds of a unit, from the longest on; what is shorter is told in seconds.
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
NONE = "–"


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """Language -> key -> text."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        language: {row["key"]: row[language] for row in rows} for language in rows[0] if language != "key"
    }


class Texts:
    """The texts of one language; called with a key and what stands in its gaps."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self._texts = table()[language]

    def __call__(self, key: str, **given: object) -> str:
        """The text of a key.

        Raises:
            KeyError: there is none, or a gap is not filled.
        """
        return self._texts[key].format(**given)

    def name(self, kind: str, word: str) -> str:
        """What people call a KPI, dimension, stage or such; a word that the table lacks as it is written."""
        return self._texts.get(f"{kind}.{word}", word.replace("_", " "))

    def number(self, value: float | None, decimals: int = 0) -> str:
        """A number with its separators."""
        if value is None:
            return NONE
        return format_decimal(
            value, format="#,##0" + ("." + "0" * decimals if decimals else ""), locale=self.locale
        )

    def value(self, value: float | None, unit: str | None, decimals: int = 1) -> str:
        """A figure in its unit: durations in the unit that fits, counts whole."""
        if value is None:
            return NONE
        if unit == "seconds":
            name, size = next(((n, s) for n, s in UNITS if abs(value) >= s), ("seconds", 1))
            return self(f"unit.{name}", number=self.number(value / size, decimals if size > 1 else 0))
        whole = unit in ("tickets", None) and float(value).is_integer()
        number = self.number(value, 0 if whole else decimals)
        return self("unit.percent", number=number) if unit == "percent" else number

    def interval(self, low: float | None, high: float | None, unit: str | None) -> str:
        """From one value to another, with as many decimals as they need to differ."""
        if low is None or high is None:
            return NONE
        shown = [(self.value(low, unit, n), self.value(high, unit, n)) for n in range(1, 4)]
        one, other = next((pair for pair in shown if pair[0] != pair[1]), shown[-1])
        return self("interval", low=one, high=other)

    def time(self, at: datetime | None, zone: ZoneInfo) -> str:
        """A UTC time on the clocks of a zone."""
        if at is None:
            return NONE
        local = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo("UTC"))).astimezone(zone)
        day, clock = (format_skeleton(s, local, locale=self.locale) for s in ("yMMMEd", "Hm"))
        return f"{day}, {clock}"

    def days(self) -> list[str]:
        """The days of the week, Monday first, in short."""
        names = get_day_names("abbreviated", context="stand-alone", locale=self.locale)
        return [names[day] for day in range(7)]

    def period(self, grain: str, start: date | None) -> str:
        """A period by its first day."""
        if grain == "all" or start is None:
            return self("all_time")
        if grain == "week":
            return format_interval(start, start + timedelta(days=6), "yMMMd", locale=self.locale)
        skeleton = {"day": "yMMMd", "month": "yMMMM", "quarter": "yQQQ"}[grain]
        return format_skeleton(skeleton, start, locale=self.locale)
