"""What the columns of a file hold: one pass over all rows, in bounded memory."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from ingestion.sources.files.draft import dates, words
from ingestion.sources.files.mapping import SPECIAL_DATE_FORMATS
from ingestion.sources.files.read import REMARKS, Row

KEPT_VALUES = 10_000
"""Up to so many distinct values a column's are counted one by one."""

SAMPLE_ROWS = 20_000
"""So many rows are kept, to compare columns with each other."""

_CHUNK = 5_000
_STRAY = 0.02
"""This share of a column's values may be unlike the others: a slip of the pen, not another kind."""
_SOME = 20
"""Fewer values than these have no strays."""
_SHAPES = 20
"""So many values of different form tell which date formats there may be."""
_FEW = 60
"""A vocabulary (states, priorities) has no more words."""
_NUMBERS = {
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)"),
    ",": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"),
}
_DIGITS = str.maketrans("123456789", "0" * 9)
YES = frozenset(
    ("true", "yes", "y", "t", "1", "ja", "j", "oui", "si", "sí", "sim", "vrai", "verdadero", "wahr")
)
_NO = frozenset(("false", "no", "n", "f", "0", "nein", "non", "não", "nee", "faux", "falso", "falsch"))


class Column:
    """One column's values, counted; what they are shows in the properties once all rows are in."""

    def __init__(self, name: str, place: int) -> None:
        self.name = name
        self.place = place
        self.filled = 0
        self.nulls: Counter[str] = Counter()
        self.values: Counter[str] = Counter()
        """The distinct values with their counts; not all of them if `is_many`."""
        self.is_many = False
        self.misfits: dict[str, int] = {}
        """Rows that each possible date format cannot read."""
        self.strays: dict[str, str] = {}
        """An example of those per date format."""
        self._hashes: set[int] | None = None
        self._like_number = dict.fromkeys(_NUMBERS, 0)
        self._blank = 0

    def add(self, values: Iterable[str | None]) -> None:
        """Take in the values of some rows."""
        fresh: Counter[str] = Counter()
        for value, count in Counter(values).items():
            if value and (text := value.strip()):
                fresh[text] += count
        for text in [text for text in fresh if words.is_null(text, typed=False)]:
            self.nulls[text] += fresh.pop(text)
        self.filled += fresh.total()
        if self.is_many:
            self._judge(fresh)
            return
        self.values.update(fresh)
        if len(self.values) > KEPT_VALUES:
            self.is_many = True
            self._begin()

    def close(self) -> None:
        """All rows are in: say what the values are."""
        if not self.is_many:
            self._begin()
        if self.formats or self.is_number:
            for text in [text for text in self.values if words.is_null(text, typed=True)]:
                self.nulls[text] += self.values.pop(text)
            self.filled -= self._blank
            self._blank = 0

    def _begin(self) -> None:
        """Judge what was counted so far; which date formats there may be is seen then."""
        shapes = {text.translate(_DIGITS): text for text in self.values}
        samples = islice(shapes.values(), _SHAPES)
        self.misfits = {each: 0 for text in samples for each in self._candidates(text)}
        self._hashes = set()
        self._judge(self.values)

    def _judge(self, fresh: Counter[str]) -> None:
        if self._hashes is not None:
            before = len(self._hashes)
            self._hashes.update(map(hash, fresh))
            if len(self._hashes) - before != fresh.total():
                self._hashes = None
        told = {text: count for text, count in fresh.items() if not words.is_null(text, typed=True)}
        self._blank += fresh.total() - sum(told.values())
        for mark, pattern in _NUMBERS.items():
            self._like_number[mark] += sum(count for text, count in told.items() if pattern.fullmatch(text))
        for each in list(self.misfits):
            for text, count in told.items():
                if not dates.fits(each, text):
                    self.misfits[each] += count
                    self.strays.setdefault(each, text)
                    if self.filled > _SOME and self.misfits[each] > _STRAY * self.filled + 1:
                        del self.misfits[each]
                        break

    def _candidates(self, text: str) -> list[str]:
        """Date formats that may have written a text; plain numbers are times only where the name says so."""
        found = dates.candidates(text)
        is_bare = any(each in SPECIAL_DATE_FORMATS and each != "iso8601" for each in found)
        return [] if is_bare and not words.names_a_time(self.name) else found

    @cached_property
    def formats(self) -> list[str]:
        """Date formats that read (nearly) all values, equally well."""
        if self.misfits.get("iso8601") == 0:
            return ["iso8601"]
        limit = max(1, _STRAY * self.filled) if self.filled > _SOME else 0
        fewest = min(self.misfits.values(), default=0)
        best = [each for each, n in self.misfits.items() if n == fewest <= limit]
        # "May" is a short and a long name; years of two digits stand behind.
        best = [each for each in best if "%B" not in each or each.replace("%B", "%b") not in best]
        return [each for each in best if not each.startswith("%y")] or best

    @property
    def is_number(self) -> bool:
        """All values are numbers, with a point or a comma."""
        return 0 < self.filled - self._blank == max(self._like_number.values())

    @property
    def has_decimal_comma(self) -> bool:
        """The numbers are written with a comma, as in 3,5."""
        return self.is_number and self._like_number["."] < self._like_number[","]

    @cached_property
    def numbers(self) -> list[float]:
        """The distinct values as numbers; empty where they are none."""
        if not self.is_number:
            return []
        return [self.number(text) for text in self.values]

    def number(self, text: str) -> float:
        """A value of a column of numbers as one."""
        return float(text.replace(".", "").replace(",", ".") if self.has_decimal_comma else text)

    @cached_property
    def is_whole(self) -> bool:
        """All values are whole numbers."""
        return bool(self.numbers) and all(number.is_integer() for number in self.numbers)

    @cached_property
    def is_boolean(self) -> bool:
        """Two values, of the kind yes and no."""
        texts = {text.casefold() for text in self.values}
        return len(texts) == 2 and len(texts & YES) == len(texts & _NO) == 1

    @property
    def is_of_words(self) -> bool:
        """A few values, as a vocabulary has them."""
        return not (self.is_many or self.is_time or self.is_boolean) and len(self.values) <= _FEW

    @property
    def is_unique(self) -> bool:
        """No value stands in two rows."""
        return bool(self.filled) and self._hashes is not None

    @cached_property
    def is_time(self) -> bool:
        """Dates or times, by their form."""
        return bool(self.formats)

    @cached_property
    def length(self) -> float:
        """Characters of a value, on average."""
        some = list(islice(self.values, 1000))
        return sum(map(len, some)) / len(some) if some else 0

    @cached_property
    def is_idlike(self) -> bool:
        """Short values of one form that hold digits, such as INC0012 or 4711, or a UUID."""
        some = list(islice(self.values, 1000))
        shapes = Counter(re.sub(r"\d+", "0", text) for text in some)
        if not some or self.length > 40 or self.is_time or any(c in text for text in some for c in ".,"):
            return False
        is_same = max(shapes.values()) >= 0.8 * len(some) and "0" in max(shapes, key=lambda s: shapes[s])
        return is_same or all(re.fullmatch(r"[0-9a-fA-F-]{16,36}", text) for text in some)

    @property
    def distinct(self) -> str:
        """How many different values there are."""
        if self.is_many:
            return f"{self.filled:,}" if self.is_unique else f"over {KEPT_VALUES:,}"
        return f"{len(self.values):,}"

    @property
    def many_values(self) -> str:
        """How many different values there are, in words."""
        return f"{self.distinct} value{'s' * (self.distinct != '1')}"

    def about(self) -> str:
        """What the values are, in a few words; texts that may be personal are only counted."""
        if self.is_time:
            return f"such as {clip(next(iter(self.values)))}"
        is_list = len(self.values) <= min(12, self.filled / 2) and self.length <= 60
        return self.top(4) if is_list else self.many_values

    def top(self, count: int = 6) -> str:
        """The most frequent values with their counts, for a comment."""
        shown = ", ".join(f"{clip(text)} {n:,}" for text, n in self.values.most_common(count))
        return shown + (", ..." if len(self.values) > count else "")


def clip(text: str, length: int = 40) -> str:
    """A text for a comment: one line, not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else line[: length - 3] + "..."


@dataclass
class Table:
    """A file's columns, by name, its first rows, and how many rows it has."""

    columns: dict[str, Column] = field(default_factory=dict)
    sample: list[Row] = field(default_factory=list)
    rows: int = 0
    _values: dict[str, list[str | None]] = field(default_factory=dict)

    def values(self, name: str) -> list[str | None]:
        """A column's values in the sample, trimmed; None for a null."""
        if name not in self._values:
            nulls = {"", *self.columns[name].nulls}
            texts = ((row.get(name) or "").strip() for row in self.sample)
            self._values[name] = [None if text in nulls else text for text in texts]
        return self._values[name]

    @cached_property
    def contents(self) -> list[int]:
        """What the sample's rows hold, as numbers: the same for rows that are equal."""
        return [hash(tuple(row.values())) for row in self.sample]


def tabulate(rows: Iterable[tuple[int, Row]]) -> Table:
    """Look at all rows of a file."""
    table = Table()
    source = iter(rows)
    while chunk := [row for _, row in islice(source, _CHUNK)]:
        table.sample += chunk[: max(0, SAMPLE_ROWS - len(table.sample))]
        table.rows += len(chunk)
        _take(table, chunk)
    for column in table.columns.values():
        column.close()
    return table


def _take(table: Table, chunk: Sequence[Row]) -> None:
    later = set().union(*chunk) - chunk[0].keys()
    for name in [name for name in (*chunk[0], *sorted(later)) if name not in REMARKS]:
        if name not in table.columns:
            table.columns[name] = Column(name, len(table.columns))
        table.columns[name].add([row.get(name) for row in chunk])
