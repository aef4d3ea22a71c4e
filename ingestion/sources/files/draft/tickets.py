"""Choosing the columns of tickets and of their events."""

from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import ClassVar

from ingestion.sources.files.draft import words
from ingestion.sources.files.draft.chooser import Chooser, Meaning, can_be
from ingestion.sources.files.draft.clues import NEARLY
from ingestion.sources.files.draft.profile import Column
from ingestion.sources.files.mapping import SLA_COLUMN, TICKET_EVENTS, TICKETS

_SOME = 20
"""What holds for fewer rows may be chance."""

_FLAGS = 6
_RARELY, _OFTEN = 0.1, 0.8
_STATES = (frozenset(("new", "open", "pending", "hold")), frozenset(("solved",)), frozenset(("closed",)))
_ENDS = {"first_reply": ("first_reply_at",), "total_resolution": ("resolved_at", "closed_at")}
_LAST = ("closed_at", "resolved_at")
_GROUPS = ("complexity", "channel", "type", "segment", "product", "service_area")


class TicketChooser(Chooser):
    """A row is a ticket."""

    entity: ClassVar[str] = TICKETS
    row_ids: ClassVar[tuple[str, ...]] = ("ticket_id", "row_id")

    def choose(self) -> Meaning:
        """Choose by id, words, names; then times by their order."""
        self.choose_id()
        self.choose_words()
        self.choose_due_by_name()
        self.choose_by_name()
        self.choose_times()
        self.choose_verdicts()
        self.end_targets()
        self.choose_keys()
        return self.meaning

    def allows(self, ours: str, column: Column) -> bool:
        """Groups have few values, and a score is nothing of the ticket's."""
        is_score = any(each.is_named and each.column is column for each in self.clues.scales)
        return not is_score and (ours not in _GROUPS or can_be("group", column))

    # Targets

    def choose_due_by_name(self) -> None:
        """Columns whose names say when something is due."""
        for column in self.free():
            part, metric = words.sla(column.name)
            if part == "due" and column.is_time:
                self.pick(f"{metric or 'total_resolution'}_due_at", column, f"by its name; {column.about()}")

    def choose_verdicts(self) -> None:
        """The source's own word on targets; where there are times to judge by, those count."""
        told = [c for c in self.free() if c in self.clues.worded("verdict")]
        told += [c for c in self.free() if c.is_boolean and words.sla(c.name)[0] == "verdict"]
        for column in told:
            metric = words.sla(column.name)[1]
            if f"{metric}_due_at" in self.meaning.sure:
                why = f"without {metric}_due_at this flag decides: {column.top(2)}"
                self.pick(f"{metric}_verdict", column, why, is_sure=False)
            elif metric or len(told) == 1:
                self.pick(f"{metric or 'vendor'}_verdict", column, f"the source's own flag; {column.top(3)}")
            else:
                self.pick("vendor_verdict", column, f"of which target? {column.top(3)}", is_sure=False)
        if not told and not any(ours.endswith("_due_at") for ours in self.meaning.sure):
            for column in [column for column in self.free() if column.is_boolean][:_FLAGS]:
                why = f"was a target met? {column.top(2)}; see value_maps"
                self.pick("vendor_verdict", column, why, is_sure=False)

    def end_targets(self) -> None:
        """Where a target ends: at the ticket's own times."""
        sure = self.meaning.sure
        targets = [found[1] for ours in sure if (found := SLA_COLUMN.fullmatch(ours))]
        for metric in dict.fromkeys(targets):
            ends = [ours for ours in _ENDS.get(metric, _LAST) if ours in sure]
            for ours in ends[:1]:
                self.pick(f"{metric}_ended_at", self.clues.table.columns[sure[ours]], f"as {ours}")

    # Times by their order

    @cached_property
    def rows(self) -> list[int]:
        """Places in the sample of the rows that stand for one ticket each."""
        return list(range(len(self.clues.table.sample)))

    def instants(self, column: Column) -> list[float | None]:
        """A column's times, a ticket each."""
        found = self.clues.instants(column)
        return [found[row] for row in self.rows]

    def follows(self, one: Column, other: Column) -> bool:
        """Whether a time is never before another one, but for exceptions."""
        spans = self.spans(one, other)
        return sum(span >= 0 for span in spans) >= NEARLY * len(spans)

    def choose_times(self) -> None:
        """What names did not tell: what comes first, what is due, what is there once a ticket is solved."""
        times = [column for column in self.free() if column.is_time]
        if self.is_open("created_at"):
            self.choose_creation(times)
        if created := self.meaning.column("created_at"):
            self.choose_due(created)
            self.choose_ends(created)

    def choose_creation(self, times: list[Column]) -> None:
        """The time that is there for all and comes first."""
        full = [column for column in times if column.filled >= 0.99 * self.clues.table.rows]
        for column in full:
            if all(self.follows(column, other) for other in times):
                self.pick("created_at", column, f"always there, and before all other times; {column.about()}")

    def choose_due(self, created: Column) -> None:
        """Due times lie few different spans after the creation; the shorter one is of the first reply."""
        if all(time is None or time % 86_400 == 0 for time in self.instants(created)):
            return  # Between days without a time of day there are few spans anyway.
        found: list[tuple[float, Column]] = []
        for column in (column for column in self.free() if column.is_time):
            spans = self.spans(created, column)
            if len(spans) >= 2 * _SOME and len(set(spans)) <= max(6, len(spans) // 50) and median(spans) > 0:
                found.append((median(spans), column))
        found.sort(key=lambda each: each[0])
        metrics = ("first_reply", "total_resolution")[-len(found) :]
        for metric, (_, column) in zip(metrics, found, strict=False):
            why = "round spans after the creation, as targets are"
            self.pick(f"{metric}_due_at", column, why, is_sure=len(found) == 2)

    def spans(self, one: Column, other: Column) -> list[float]:
        """Seconds between two times, for the tickets that have both."""
        pairs = zip(self.instants(one), self.instants(other), strict=True)
        return [b - a for a, b in pairs if a is not None and b is not None]

    def choose_ends(self, created: Column) -> None:
        """Times that are there for solved tickets alone, and one that is there before."""
        later = [c for c in self.free() if c.is_time and self.follows(created, c)]
        ends = []
        for column in sorted(later, key=lambda c: median(self.spans(created, c) or [0])):
            in_open, in_solved, in_closed = (self.filled(column, states) for states in _STATES)
            in_last = in_solved if in_closed is None else in_closed
            if (in_open or 0) <= _RARELY and (in_last or 0) >= _OFTEN:
                if in_solved is not None and in_solved <= _RARELY:
                    self.pick("closed_at", column, "there for closed tickets alone")
                else:
                    ends.append(column)
            elif (in_open or 0) >= _OFTEN and column.filled < self.clues.table.rows:
                is_sure = "first_reply_due_at" in self.meaning.sure
                why = "there before tickets are solved, though not for all"
                self.pick("first_reply_at", column, why, is_sure=is_sure)
        resolved, closed = self.meaning.column("resolved_at"), self.meaning.column("closed_at")
        ends = [c for c in ends if not (resolved and not self.follows(resolved, c))]
        ends = [c for c in ends if not (closed and not self.follows(c, closed))]
        names = [ours for ours in ("resolved_at", "closed_at") if self.is_open(ours)]
        for ours, column in zip(names, ends[-len(names) :], strict=False):
            is_told = self.filled(column, _STATES[0]) is not None
            why = "there for solved tickets alone" if is_told else "by its place among the times"
            self.pick(ours, column, why, is_sure=is_told)

    def filled(self, column: Column, states: frozenset[str]) -> float | None:
        """Of the tickets in some states, those that have a time; None where those are few."""
        there = [
            time is not None
            for time, state in zip(self.instants(column), self.states, strict=True)
            if state in states
        ]
        return sum(there) / len(there) if len(there) >= _SOME else None

    @cached_property
    def states(self) -> list[str | None]:
        """The state of each ticket, as far as the words are known."""
        status = self.meaning.column("status")
        texts = self.clues.table.values(status.name) if status else [None] * len(self.clues.table.sample)
        found = [text and words.value("status", text) for text in texts]
        return [found[row] for row in self.rows]


class EventChooser(TicketChooser):
    """A row is an event of a ticket, which may carry the ticket's whole state."""

    entity = TICKET_EVENTS
    row_ids = ("event_id",)
    by_value = ("ticket_id", "event_at", "sequence", "changed_at")
    key_first = ("ticket_id", "event_at")
    key_then = ("sequence", "status", "actor_id", "assignee_id")

    def choose_id(self) -> None:
        """The ticket, the time of the event, and what tells the events apart."""
        case = self.clues.case
        if case:
            is_named = words.fit(case.name, "ticket_id") >= words.BY_NAME
            why = "by its name" if is_named else "an id that repeats"
            self.pick("ticket_id", case, f"{why}; {case.distinct} tickets")
            self.choose_event_time(case)
        self.meaning.keys = [(column.name,) for column in self.clues.ids[:1] if column is not case]

    @cached_property
    def rows(self) -> list[int]:
        """The last row of each ticket."""
        case, time = self.meaning.column("ticket_id"), self.meaning.column("event_at")
        if not case or not time:
            return super().rows
        last: dict[str | None, tuple[float, int]] = {}
        places = enumerate(zip(self.clues.table.values(case.name), self.clues.instants(time), strict=True))
        for row, (ticket, instant) in places:
            if instant is not None and (ticket not in last or instant >= last[ticket][0]):
                last[ticket] = instant, row
        return [row for _, row in last.values()]

    def allows(self, ours: str, column: Column) -> bool:
        """A ticket's own times are the same in all of its rows."""
        return super().allows(ours, column) and (not column.is_time or self.is_of_ticket(column))

    def is_of_ticket(self, column: Column) -> bool:
        """Whether a time stays the same from row to row of a ticket."""
        case = self.clues.case
        seen = self.clues.by_case(case, self.clues.instants(column)) if case else []
        return sum(len(set(values) - {None}) <= 1 for values in seen) >= NEARLY * len(seen)

    def choose_event_time(self, case: Column) -> None:
        """The time that moves on, and a number that rises with it."""
        moving = self.clues.moving_times(case)
        moving.sort(key=lambda column: words.fit(column.name, "event_at") < words.BY_NAME)
        for time in moving[:1]:
            self.pick("event_at", time, "differs between the rows of one ticket")
            numbers = [column for column in self.clues.columns if column.is_whole and column is not case]
            for column in [column for column in numbers if self.rises(case, time, column)]:
                self.pick("sequence", column, "rises with the time, row by row of a ticket")

    def rises(self, case: Column, time: Column, column: Column) -> bool:
        """Whether a number is higher in each later row of a ticket."""
        texts = self.clues.table.values(column.name)
        numbers = [None if text is None else column.number(text) for text in texts]
        steps = []
        for group in self.clues.by_case(case, list(zip(numbers, self.clues.instants(time), strict=True))):
            rows = sorted((n, at) for n, at in group if n is not None and at is not None)
            steps += [a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(rows)]
        return len(steps) >= _SOME and sum(steps) >= NEARLY * len(steps)

    def choose_creation(self, times: list[Column]) -> None:
        """Only a time that stays the same can be the creation."""
        super().choose_creation([column for column in times if self.is_of_ticket(column)])
