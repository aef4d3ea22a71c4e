"""Choosing what each column of a file means: the part that all kinds of files have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import ClassVar

from ingestion.sources.files.draft import words
from ingestion.sources.files.draft.clues import Clues
from ingestion.sources.files.draft.profile import Column, Table
from ingestion.sources.files.draft.scales import Scale
from ingestion.sources.files.mapping import COLUMNS, REQUIRED

_WORDED = ("status", "priority", "delivery")
"""Columns of ours with a vocabulary that the table of synonyms knows."""

_KEY_COLUMNS, _KEY_LENGTH, _KEYS = 7, 4, 4
"""Out of so many likely columns less than so many make an id, and so many such ids are tried."""

_LONGEST_ID = 64
"""Characters of a value that may be part of an id, on average."""


@dataclass
class Pick:
    """A column of ours and one of theirs that it may be, with the reason."""

    ours: str
    theirs: str
    why: str
    is_sure: bool = True


@dataclass
class Meaning:
    """What a file holds.

    Attributes:
        keys: Columns that may tell the rows apart, the likeliest first.
        scale: Of answers: the column chosen.
        others: Further scales in the file.
    """

    entity: str
    why: str
    clues: Clues
    picks: list[Pick] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    scale: Scale | None = None
    others: list[Scale] = field(default_factory=list)

    @property
    def table(self) -> Table:
        """The file's columns."""
        return self.clues.table

    @property
    def sure(self) -> dict[str, str]:
        """Ours to theirs, of what is sure."""
        return {pick.ours: pick.theirs for pick in self.picks if pick.is_sure}

    @property
    def unsure(self) -> list[Pick]:
        """What may be, of columns of theirs that are not sure to be something else."""
        return [pick for pick in self.picks if not pick.is_sure and pick.theirs not in self.sure.values()]

    def column(self, ours: str) -> Column | None:
        """Their column that is surely this one of ours."""
        return self.table.columns[self.sure[ours]] if ours in self.sure else None


class Chooser:
    """Fills in a meaning, step by step; what is chosen first is no longer free."""

    entity: ClassVar[str]
    row_ids: ClassVar[tuple[str, ...]]
    by_value: ClassVar[tuple[str, ...]] = ()
    """Columns of ours that a name alone does not decide."""
    key_first: ClassVar[tuple[str, ...]] = ()
    """Columns of ours that an id of several columns begins with."""
    key_then: ClassVar[tuple[str, ...]] = ()
    """Columns of ours that are tried next for such an id."""

    def __init__(self, clues: Clues, why: str) -> None:
        self.clues = clues
        self.meaning = Meaning(self.entity, why, clues)

    def choose(self) -> Meaning:
        """Choose all that can be chosen."""
        raise NotImplementedError

    def pick(self, ours: str, column: Column, why: str, *, is_sure: bool = True) -> None:
        """Take a column for one of ours, or show that it may be."""
        if not is_sure or ours not in self.meaning.sure:
            self.meaning.picks.append(Pick(ours, column.name, why, is_sure))

    def is_open(self, ours: str) -> bool:
        """Whether a column of ours is still looked for."""
        return ours in COLUMNS[self.entity] and ours not in self.meaning.sure

    def free(self) -> list[Column]:
        """Columns that have no meaning yet."""
        used = {*self.meaning.sure.values(), *(name for key in self.meaning.keys[:1] for name in key)}
        return [column for column in self.clues.columns if column.name not in used]

    def choose_id(self) -> None:
        """One column that tells the rows apart."""
        ids = sorted(self.clues.ids, key=lambda c: -max(words.fit(c.name, each) for each in self.row_ids))
        self.meaning.keys = [(column.name,) for column in ids[:1]]

    def choose_words(self) -> None:
        """Columns with a vocabulary, by name and by values."""
        for ours in filter(self.is_open, _WORDED):
            found = [column for column in self.clues.worded(ours) if column in self.free()]
            named = [column for column in found if words.fit(column.name, ours) >= words.BY_NAME]
            is_sure = bool(named) or len(found) == 1 or ours == "status"
            reason = "by its values" if is_sure else "one of several with such values"
            for column in found[:1]:
                why = f"{'by its name' if named else reason}; {column.many_values}"
                self.pick(ours, column, why, is_sure=is_sure)
            for rival in found[1:3] if ours == "status" else ():
                self.pick(ours, rival, f"or this: {rival.top(4)}", is_sure=False)

    def choose_by_name(self) -> None:
        """The best names first; each column of theirs has one meaning, each of ours one column."""
        pairs = [
            (words.fit(column.name, ours), ours, column)
            for ours, kind in COLUMNS[self.entity].items()
            if ours not in self.by_value and ours not in _WORDED and self.is_open(ours)
            for column in self.free()
            if can_be(kind, column) and self.allows(ours, column)
        ]
        pairs = [pair for pair in pairs if pair[0] >= words.BY_PART]
        pairs.sort(key=lambda pair: (-min(pair[0], words.BY_NAME), -self.weight(*pair[1:]), -pair[0]))
        for fit, ours, column in pairs:
            if self.is_open(ours) and column in self.free():
                is_sure = fit >= words.BY_NAME or ours in REQUIRED[self.entity]
                part = "" if fit >= words.BY_NAME else "a part of "
                self.pick(ours, column, f"by {part}its name; {column.about()}", is_sure=is_sure)

    def allows(self, ours: str, column: Column) -> bool:
        """Whether nothing speaks against a column's name."""
        return True

    def weight(self, ours: str, column: Column) -> float:
        """Which of several columns with fitting names comes first."""
        return column.filled / self.clues.table.rows if ours == "created_at" else 0

    def choose_keys(self) -> None:
        """Without one column that tells the rows apart: several that do so together."""
        if self.meaning.keys:
            return
        sure = self.meaning.sure
        first = [sure[ours] for ours in self.key_first if ours in sure]
        then = [sure[ours] for ours in self.key_then if ours in sure]
        others = [c for c in self.clues.columns if not c.is_boolean and c.length <= _LONGEST_ID]
        others.sort(key=lambda c: (c.name not in sure.values(), not c.is_many, -len(c.values)))
        names = dict.fromkeys([*first, *then, *(c.name for c in others if c.name != sure.get("score"))])
        rest = list(names)[len(first) : _KEY_COLUMNS]
        keys = (
            (*first, *more) for n in range(_KEY_LENGTH) for more in combinations(rest, n) if first or more
        )
        self.meaning.keys = list(islice(filter(self.tells_apart, keys), _KEYS)) or [(*first, *rest)]

    def tells_apart(self, key: Sequence[str]) -> bool:
        """Whether columns tell the sample's rows apart; a row that stands there twice is one."""
        parts = list(zip(*map(self.clues.table.values, key), strict=True))
        rows = set(zip(parts, self.clues.table.contents, strict=True))
        return len(set(parts)) == len(rows) and not any(None in part for part in parts)


def can_be(kind: str, column: Column) -> bool:
    """Whether a column's values can be of a kind (see `COLUMNS`; `group` is text with few values)."""
    if kind == "time":
        return column.is_time
    if kind == "integer":
        return column.is_whole
    if kind == "group":
        return not (column.is_time or column.is_many or column.is_boolean)
    return not (column.is_time or column.is_boolean) and (not column.is_number or column.is_whole)
