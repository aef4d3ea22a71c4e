"""What stands out in a file, before it is known what it holds: ids, times, statuses, scales."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

from ingestion.sources.files.draft import dates, words
from ingestion.sources.files.draft.profile import Column, Table, clip
from ingestion.sources.files.draft.scales import Scale, scale
from ingestion.sources.files.mapping import (
    SURVEY_ANSWERS,
    SURVEY_INVITATIONS,
    TICKET_EVENTS,
    TICKETS,
    MappingError,
)

T = TypeVar("T")

NEARLY = 0.95
"""From this share on, what holds for rows counts as a rule with exceptions."""

_ID_NAMES = ("ticket_id", "row_id", "response_id", "event_id", "invitation_id")
_TICKET_NAMES = (
    "status",
    "priority",
    "assignee_id",
    "group_id",
    "first_reply_at",
    "resolved_at",
    "closed_at",
)
_COUNTED = (*_ID_NAMES, "sequence", "reopens", "public_agent_replies", "handle_seconds", "complexity")
"""What small numbers may be that are no answers."""
_SURVEY_NAMES = ("response_id", "answered_at", "sent_at")


class Clues:
    """Facts about a file's columns that do not depend on what the file is taken for."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns = [column for column in table.columns.values() if column.filled]
        self._instants: dict[tuple[str, tuple[str, ...]], list[float | None]] = {}
        self._worded: dict[str, list[Column]] = {}

    @cached_property
    def times(self) -> list[Column]:
        """Columns of dates or times."""
        return [column for column in self.columns if column.is_time]

    def instants(self, column: Column, date_format: str | None = None) -> list[float | None]:
        """A time column's values in the sample, as seconds; in one of its formats if it may have several."""
        formats = (date_format,) if date_format else tuple(self.formats(column))
        if (column.name, formats) not in self._instants:
            texts = self.table.values(column.name)
            known = {text: _instant(formats, text) for text in set(texts)}
            self._instants[column.name, formats] = [known[text] for text in texts]
        return self._instants[column.name, formats]

    def formats(self, column: Column) -> list[str]:
        """A time column's possible formats; one that another column of the file rules out is none."""
        if len(column.formats) < 2:
            return column.formats
        decided = {each.formats[0] for each in self.times if len(each.formats) == 1}
        refuted = {f for f in column.formats for other in decided if dates.have_other_order(f, other)}
        return [f for f in column.formats if f not in refuted] or column.formats

    def worded(self, kind: str) -> list[Column]:
        """Columns with words of a vocabulary, by their values or their name; the likeliest first."""
        if kind not in self._worded:
            found = {}
            for column in self.columns:
                if not column.is_of_words:
                    continue
                known = self.known(kind, column)
                share = sum(column.values[text] for text in known) / column.filled
                kinds, is_named = len(set(known.values())), _names(column, kind)
                if (share >= 0.5 and kinds >= 2) or is_named:
                    found[column] = share + is_named + kinds / 3
            self._worded[kind] = sorted(found, key=lambda column: -found[column])
        return self._worded[kind]

    def known(self, kind: str, column: Column) -> dict[str, str]:
        """Their words and ours, as far as the table of synonyms goes."""
        return {text: word for text in column.values if (word := words.value(kind, text))}

    @cached_property
    def ids(self) -> list[Column]:
        """Columns that tell every row apart, the likeliest first."""
        whole = [c for c in self.columns if c.filled == self.table.rows and not c.is_time]
        found = [c for c in whole if c.is_unique and c.is_idlike and not words.fit(c.name, "comment")]
        found += [c for c in whole if c not in found and _names(c, *_ID_NAMES) and self._is_key(c)]
        return sorted(found, key=lambda c: (-max(words.fit(c.name, each) for each in _ID_NAMES), c.place))

    def _is_key(self, column: Column) -> bool:
        """Whether rows with the same value are the same; a row may stand there twice."""
        values = self.table.values(column.name)
        return column.is_unique or len(set(zip(values, self.table.contents, strict=True))) == len(set(values))

    @cached_property
    def case(self) -> Column | None:
        """The column with the ticket that a row is about, where a ticket has several rows."""
        named = [column for column in self.columns if _names(column, "ticket_id") and not column.is_unique]
        fits = [words.fit(column.name, "ticket_id") for column in named]
        if self.ids and words.fit(self.ids[0].name, "ticket_id") >= max(fits, default=words.BY_NAME):
            return None
        likely = [c for c in self.columns if c.is_idlike and c.filled >= 0.99 * self.table.rows]
        for group in (named, [] if self.ids else likely):
            counts = {c: len(set(self.table.values(c.name))) for c in group if not (c.is_unique or c.is_time)}
            for column in sorted(counts, key=lambda c: -counts[c]):
                if 2 <= counts[column] <= len(self.table.sample) / 1.3 and self.moving_times(column):
                    return column
        return None

    def moving_times(self, case: Column) -> list[Column]:
        """Times that differ between the rows of most tickets, those that differ most first."""
        moving = {}
        for column in self.times:
            seen = [set(times) for times in self.by_case(case, self.instants(column)) if len(times) > 1]
            if seen and sum(len(times) > 1 for times in seen) >= 0.5 * len(seen):
                moving[column] = sum(map(len, seen))
        return sorted(moving, key=lambda column: -moving[column])

    def by_case(self, case: Column, values: Iterable[T]) -> list[list[T]]:
        """Values of the sample's rows, ticket by ticket."""
        grouped: dict[str | None, list[T]] = defaultdict(list)
        for ticket, value in zip(self.table.values(case.name), values, strict=True):
            grouped[ticket].append(value)
        return list(grouped.values())

    @cached_property
    def scales(self) -> list[Scale]:
        """Columns of answers, the likeliest first."""
        known = {*self.worded("priority"), *self.worded("verdict"), *self.worded("status")}
        candidates = [c for c in self.columns if c not in known and not self.is_part_of_date(c)]
        found = [each for column in candidates if (each := scale(column))]
        found = [each for each in found if each.is_named or not _names(each.column, *_COUNTED)]
        return sorted(found, key=lambda each: (-round(each.rank, 1), each.column.place))

    def is_part_of_date(self, column: Column) -> bool:
        """Whether numbers repeat the month, quarter, day or year of a date beside them."""
        if not column.is_whole or column.is_many:
            return False
        numbers = self.table.values(column.name)
        for time in self.times:
            texts = self.table.values(time.name)
            pairs = [(n, t) for n, t in zip(numbers, texts, strict=True) if n is not None and t is not None]
            for each in self.formats(time) if len(pairs) > 10 else ():
                parts = [(column.number(n), dates.parts(each, t)) for n, t in pairs[:200]]
                counts = Counter(i for n, part in parts for i, each in enumerate(part or ()) if each == n)
                if max(counts.values(), default=0) >= NEARLY * len(parts):
                    return True
        return False

    def entity(self) -> tuple[str, str]:
        """What the file holds, with the reason.

        Raises:
            MappingError: it is nothing that a mapping can read.
        """
        status = next(iter(self.worded("status")), None)
        scores = self.scales if any(each.is_named for each in self.scales) or not status else []
        if self.case and (status or not scores):
            return TICKET_EVENTS, f"`{clip(self.case.name)}` repeats and its times move on: a log"
        sent = self._named("sent_at")
        if sent and (self.worded("delivery") or not (status or scores)):
            return SURVEY_INVITATIONS, f"`{clip(sent.name)}` tells when something was sent"
        if status and self.times and (not scores or self.are_tickets):
            return TICKETS, f"`{clip(status.name)}` tells states, and each row is a ticket of its own"
        if scores:
            return SURVEY_ANSWERS, f"`{clip(scores[0].column.name)}` holds answers on a scale"
        if self._named("created_at") and self.ids and self.ticket_names:
            return TICKETS, "rows have an id and a time; nothing looks like a status"
        shown = ", ".join(f"`{clip(column.name)}`" for column in self.columns[:20])
        raise MappingError(
            f"nothing in {shown} looks like tickets (an id, times, a status), their events, or answers on a "
            "scale; if it is one of them, say which by --entity"
        )

    def _named(self, ours: str) -> Column | None:
        return next((column for column in self.times if _names(column, ours)), None)

    @cached_property
    def are_tickets(self) -> bool:
        """Whether rows that have a status and a score are tickets and not answers, by what stands beside."""
        status = next(iter(self.worded("status")), None)
        states = set(self.known("status", status).values()) if status else set()
        return len(states) >= 2 and self.ticket_names >= self._count(_SURVEY_NAMES)

    @cached_property
    def ticket_names(self) -> int:
        """How many of the columns that only tickets have are there by their names."""
        return self._count(_TICKET_NAMES)

    def _count(self, names: Iterable[str]) -> int:
        return sum(any(_names(column, ours) for column in self.columns) for ours in names)


def _names(column: Column, *ours: str) -> bool:
    """Whether a column's name says that it is one of ours."""
    return any(words.fit(column.name, each) >= words.BY_NAME for each in ours)


def _instant(formats: Iterable[str], text: str | None) -> float | None:
    found = (dates.instant(each, text) for each in formats) if text else ()
    return next((instant for instant in found if instant is not None), None)
