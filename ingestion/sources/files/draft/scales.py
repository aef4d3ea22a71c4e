"""Which columns hold answers on a scale, and what question they answer."""

import math
from dataclasses import dataclass

from ingestion.sources.files.draft import words
from ingestion.sources.files.draft.profile import Column

_MOST_VALUES = 15
_UPPER = (1, 2, 3, 4, 5, 7, 10, 100)
"""Upper ends of scales in use."""


@dataclass(frozen=True)
class Scale:
    """A column's answers, as points of a scale.

    Attributes:
        points: Their value to a number; None for a value that is no answer.
        labels: Those of `points` that a number cannot be read from.
        kind: csat, nps, ces or other.
        reason: What the kind was seen by.
        rank: How much speaks for this column being the question that matters.
        is_named: Its name says that it is a score.
    """

    column: Column
    points: dict[str, float | None]
    labels: dict[str, float | None]
    low: float
    high: float
    kind: str
    reason: str
    rank: float
    is_named: bool

    @property
    def positive_from(self) -> int:
        """The lowest answer that is usually taken for satisfied: 4 of 5, 6 of 7, 8 of 10."""
        return math.floor(self.low + 0.75 * (self.high - self.low) + 0.5)

    @property
    def direction(self) -> str:
        """Whether more is better, as far as the words tell."""
        is_effort = words.is_of_effort(self.column.name)
        return "lower_is_better" if is_effort and not self.is_worded else "higher_is_better"

    @property
    def is_worded(self) -> bool:
        """The answers are words alone."""
        return len(self.labels) == len(self.points)


def scale(column: Column) -> Scale | None:
    """The scale that a column's values are on, if they are on one."""
    name = column.name
    is_named = words.fit(name, "score") >= words.BY_NAME or words.question_kind(name) is not None
    if column.is_many or column.is_time or column.is_boolean:
        return None
    if not (1 if is_named else 2) <= len(column.values) <= _MOST_VALUES:
        return None
    found = _numbered(column) or _worded(column)
    if not found:
        return None
    points, low, high = found
    labels = {text: point for text, point in points.items() if point is None or _plain(text) is None}
    is_worded = len(labels) == len(points)
    answers = " ".join(labels)
    kind, reason = words.question_kind(name), "its name"
    if kind == "nps" and (high > 10 or is_worded):
        kind = None
    if not kind and (kind := words.question_kind(answers)):
        reason = "its answers"
    if not kind:
        kind, reason = _kind_of_numbers(low, high, labels)
    if kind == "nps":
        low, high = 0, 10
    sides = {point > 0 for point in map(words.level, points) if point}
    rank = (
        3 * is_named
        + 1.5 * (kind is not None and kind == words.question_kind(answers))
        + (0.5 + 0.5 * (len(sides) == 2) if is_worded else 1 + 0.5 * (kind == "nps") - 0.5 * bool(labels))
        + column.filled / (column.filled + column.nulls.total() + 1) / 10
    )
    return Scale(column, points, labels, low, high, kind, reason, rank, is_named)


def _plain(text: str) -> float | None:
    """The number that a text is, with a point or a comma."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _kind_of_numbers(low: float, high: float, labels: dict[str, float | None]) -> tuple[str, str]:
    if (low, high) == (0, 10) and not labels:
        return "nps", "its values from 0 to 10"
    return ("other" if labels else "csat"), f"its values from {low:g} to {high:g}"


def _numbered(column: Column) -> tuple[dict[str, float | None], float, float] | None:
    """Numbers, or labels that begin with one; the ends are those of the labels, else of a usual scale."""
    points: dict[str, float | None] = {}
    labelled = set()
    for text in column.values:
        label = words.label(text)
        points[text] = float(label[0]) if label else _plain(text)
        if points[text] is None:
            return None
        if label:
            labelled.add(points[text])
    numbers = {point for point in points.values() if point is not None}
    if any(not n.is_integer() for n in numbers) or not 0 <= min(numbers) <= max(numbers) <= 10:
        return None
    low, high = min(numbers), max(numbers)
    if not {low, high} <= labelled:
        low = min(low, 1)
        high = next(end for end in (5, 7, 10) if end >= high)
        if low == 0:
            high = 5 if high == 5 else 10
    return dict(sorted(points.items(), key=lambda pair: pair[1] or 0)), low, high


def _worded(column: Column) -> tuple[dict[str, float | None], float, float] | None:
    """Words of degree, numbered from the worst; a few others are no answers."""
    levels = {text: None if words.is_no_answer(text) else words.level(text) for text in column.values}
    known = sorted({level for level in levels.values() if level is not None})
    others = [text for text, level in levels.items() if level is None and not words.is_no_answer(text)]
    is_pair = len(known) == 2 and known[0] < 0 < known[1]
    told = sum(level is not None for level in levels.values())
    if len(known) != told or (len(known) < 3 and not is_pair) or len(others) > 2:
        return None
    if sum(column.values[text] for text in others) > 0.3 * column.filled:
        return None
    first = 0 if is_pair else 1
    points = {
        text: None if level is None else float(first + known.index(level)) for text, level in levels.items()
    }
    ordered = dict(sorted(points.items(), key=lambda pair: -1 if pair[1] is None else pair[1]))
    return ordered, float(first), float(first + len(known) - 1)
