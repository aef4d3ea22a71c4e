"""Date formats that fit, and those that stay a question."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from ingestion.sources.files.draft.chooser import Meaning
from ingestion.sources.files.draft.clues import NEARLY, Clues
from ingestion.sources.files.draft.profile import Column, clip

_CLEARLY = 3
"""So many rows must contradict a reading before it is given up for another."""


@dataclass
class Formats:
    """The date formats of a mapping's times.

    Attributes:
        chosen: Ours to format.
        remarks: Ours to what is to be said of a format: what it does not fit, how it was found.
        open: Formats between which the values do not decide, with what each would say.
        of: The columns of theirs that those are of.
        other: A format of the file's, for times that are not chosen (yet).
    """

    chosen: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    of: list[str] = field(default_factory=list)
    other: str | None = None


def formats(meaning: Meaning) -> Formats:
    """Decide between the formats that fit each time; where nothing decides, it stays open."""
    clues, found = meaning.clues, Formats()
    times = {ours: column for ours in meaning.sure if (column := meaning.column(ours)) and column.is_time}
    for ours, column in times.items():
        fitting, reason = _decide(meaning, column)
        if len(fitting) == 1:
            found.chosen[ours] = fitting[0]
            if remark := "; ".join(filter(None, (_misfit(column, fitting[0]), reason))):
                found.remarks[ours] = remark
        else:
            found.of.append(column.name)
            found.open |= {each: _span(clues, column, each) for each in fitting if each not in found.open}
    rest = Counter(clues.formats(c)[0] for c in clues.times if len(clues.formats(c)) == 1)
    found.other = rest.most_common(1)[0][0] if rest else None
    return found


def _misfit(column: Column, date_format: str) -> str:
    misfits = column.misfits.get(date_format, 0)
    if not misfits:
        return ""
    stray = clip(column.strays[date_format])
    return f"ask: {misfits:,} of {column.filled:,} in `{clip(column.name)}` do not fit, such as {stray}"


def _decide(meaning: Meaning, column: Column) -> tuple[list[str], str]:
    """The reading that neither puts ends before beginnings nor the file out of order, with the reason."""
    clues = meaning.clues
    fitting = clues.formats(column)
    if len(fitting) == 1:
        return fitting, "day and month as in another column" if len(column.formats) > 1 else ""
    wrong = {each: _contradictions(meaning, column, each) for each in fitting}
    best = min(wrong, key=lambda each: wrong[each])
    next_best = min(n for each, n in wrong.items() if each != best)
    if next_best >= _CLEARLY and wrong[best] * 10 <= next_best:
        return [best], f"read otherwise {next_best:,} rows would end before they begin"
    in_order = [each for each in fitting if _is_sorted(clues, column, each)]
    if len(in_order) == 1:
        return in_order, "read otherwise the rows would not be in order"
    return fitting, ""


def _contradictions(meaning: Meaning, column: Column, date_format: str) -> int:
    """Rows of the sample in which a creation comes after another time, read in one format."""
    created = meaning.column("created_at") or meaning.column("sent_at")
    if not created:
        return 0
    others = [c for ours in meaning.sure if (c := meaning.column(ours)) and c.is_time and c is not created]
    starts = _read(meaning.clues, created, date_format)
    rows = [
        zip(starts, _read(meaning.clues, c, date_format), strict=True)
        for c in others
        if column in (c, created)
    ]
    return sum(a is not None and b is not None and b < a for pairs in rows for a, b in pairs)


def _read(clues: Clues, column: Column, date_format: str) -> list[float | None]:
    """The sample's times, in a format where it is one of the column's."""
    if date_format not in column.formats:
        return clues.instants(column)
    return clues.instants(column, date_format)


def _is_sorted(clues: Clues, column: Column, date_format: str) -> bool:
    """Whether rows follow each other in time, forward or back."""
    times = [time for time in clues.instants(column, date_format) if time is not None]
    steps = [b - a for a, b in pairwise(times) if a != b]
    rising = sum(step > 0 for step in steps)
    return len(steps) > 20 and max(rising, len(steps) - rising) >= NEARLY * len(steps)


def _span(clues: Clues, column: Column, date_format: str) -> str:
    """From when to when the times lie, read in one format."""
    times = [time for time in clues.instants(column, date_format) if time is not None]
    ends = (
        [f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}" for time in (min(times), max(times))]
        if times
        else []
    )
    months = len({f"{datetime.fromtimestamp(time, UTC):%Y-%m}" for time in times})
    return f"{' to '.join(ends)}, {months} month(s)"
