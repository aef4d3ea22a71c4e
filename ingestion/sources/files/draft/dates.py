"""Which date formats a text may be written in."""

import calendar
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache

from ingestion.sources.files.convert import text_parser
from ingestion.sources.files.draft import words
from ingestion.sources.files.mapping import EXCEL, folded

_YEARS = (1990, 2050)
"""Only in these a bare number is taken for a time."""

_SEPARATED = r"\d{1,4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,4}|\d{8}"
_NAMED = r"\d{1,2}[- /.]+[^\W\d]+\.?[- /.,]+\d{2,4}|[^\W\d]+\.? \d{1,2},? \d{4}"
_TIME = re.compile(
    rf"(?P<day>[^\W\d]+,? )?(?P<date>{_SEPARATED}|{_NAMED})"
    r"(?:(?P<gap>T|,? +)(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)(?P<part>[.,]\d{1,6})?(?P<half> ?[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2})| (?:UTC|GMT))?"
)
_MONTH = re.compile(r"[^\W\d]+\.?")
_ENGLISH = {folded(name): number for number, name in enumerate(calendar.month_abbr) if name}


def candidates(text: str) -> list[str]:
    """Date formats of a mapping that may have written a text; `read` tells which of them can read it."""
    if re.fullmatch(r"\d{10}|\d{13}|\d{5}\.\d{3,}", text):
        bare = {10: "epoch_s", 13: "epoch_ms"}.get(len(text), EXCEL) if "." not in text else EXCEL
        time = read(bare, text)
        return [bare] if time and _YEARS[0] <= time.year <= _YEARS[1] else []
    found = _TIME.fullmatch(text)
    if not found:
        return []
    if re.match(r"\d{4}-\d\d-\d\d", text) and read("iso8601", text):
        return ["iso8601"]
    clock = _clock(found)
    return [date + clock for date in _dates(found)]


def _dates(found: re.Match[str]) -> Iterator[str]:
    date, mark = found["date"], found["mark"]
    weekday = (found["day"] or "").rstrip(", ")
    day = ("%a" if len(weekday) == 3 else "%A") + found["day"][len(weekday) :] if weekday else ""
    if mark:
        first, _, last = date.split(mark)
        if len(first) == 4:
            yield f"{day}%Y{mark}%m{mark}%d"
        elif len(last) in (2, 4):
            year = "%Y" if len(last) == 4 else "%y"
            yield f"{day}%d{mark}%m{mark}{year}"
            yield f"{day}%m{mark}%d{mark}{year}"
            if len(first) == len(last):
                yield f"{day}%y{mark}%m{mark}%d"
    elif date.isdigit():
        yield "%Y%m%d"
    elif name := _MONTH.search(date):
        before, after = date[: name.start()], date[name.end() :]
        after = re.sub(r"\d{4}$", "%Y", after)
        after = re.sub(r"(?<!\d)\d{2}$", "%y", after)
        numbers = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
        for month in ("%b", "%B"):
            yield f"{day}{numbers.sub('%d', before)}{month}{numbers.sub('%d', after, count=1)}"


def _clock(found: re.Match[str]) -> str:
    zone = found["zone"] or ""
    if zone.strip() not in ("", "UTC", "GMT"):
        zone = " %z" if zone.startswith(" ") else "%z"
    if not found["clock"]:
        return zone
    hours = "%I:%M" if found["half"] else "%H:%M"
    seconds = ":%S" if found["clock"].count(":") == 2 else ""
    part = found["part"][0] + "%f" if found["part"] else ""
    half = re.sub(r"\w+", "%p", found["half"] or "")
    return f"{found['gap']}{hours}{seconds}{part}{half}{zone}"


_parser = cache(text_parser)


@cache
def _months_parser(date_format: str) -> Callable[[str], datetime]:
    return text_parser(date_format, months=words.months())


def read(date_format: str, text: str) -> datetime | None:
    """The time that a text tells in a format; local times come without a zone. None where it does not fit.

    With %b, months may have the names that other languages have for them.
    """
    with suppress(ValueError, ArithmeticError):
        return _parser(date_format)(text)
    if "%b" in date_format:
        with suppress(ValueError, ArithmeticError):
            return _months_parser(date_format)(text)
    return None


def fits(date_format: str, text: str) -> bool:
    """Whether a text can be read in a format."""
    return read(date_format, text) is not None


def instant(date_format: str, text: str) -> float | None:
    """Seconds on a scale of its own, to compare the times of one file."""
    time = read(date_format, text)
    return None if time is None else (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def month_names(date_format: str, texts: Iterable[str]) -> dict[str, int]:
    """Months by name, where a mapping must tell them: some text has a name that English does not know."""
    known = words.months() | _ENGLISH
    texts = list(texts) if "%b" in date_format else []
    strange = [text for text in texts if not _reads_plainly(date_format, text)]
    names = [name for text in texts for name in _MONTH.findall(text) if strange and folded(name) in known]
    return {name: known[folded(name)] for name in dict.fromkeys(names)}


def _reads_plainly(date_format: str, text: str) -> bool:
    try:
        return _parser(date_format)(text) is not None
    except (ValueError, ArithmeticError):
        return False


def have_other_order(one: str, other: str) -> bool:
    """Whether one format puts the day before the month and the other after it (the year being last)."""
    orders = [re.findall("%[dmYy]", each)[:2] for each in (one, other)]
    return sorted(orders) == [["%d", "%m"], ["%m", "%d"]]


def parts(date_format: str, text: str) -> tuple[int, ...] | None:
    """Numbers that a report may repeat of a date: year, quarter, month, week, day, weekday."""
    time = read(date_format, text)
    if time is None:
        return None
    return time.year, (time.month + 2) // 3, time.month, time.isocalendar().week, time.day, time.isoweekday()
