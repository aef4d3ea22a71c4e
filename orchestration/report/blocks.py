"""What a page is made of: tables, charts and tiles, before anything of it is HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: A text, or a text and the address that it leads to.
Cell = str | tuple[str, str]
#: What a specification calls the rows of its chart.
ROWS = "rows"


@dataclass(frozen=True)
class Table:
    """What stands behind a chart, or for itself; `language` is that of its rows, if not the page's."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    language: str | None = None


@dataclass(frozen=True)
class Chart:
    """A picture of numbers, the same in words, and its numbers.

    Attributes:
        kind: a function of `specs`.
        data: what it draws; JSON.
        options: what else it is told; JSON.
        title: what it shows.
        description: what one sees in it, for those who do not.
    """

    kind: str
    title: str
    description: str
    data: Sequence[Mapping[str, Any]] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    table: Table = field(repr=False)


@dataclass(frozen=True)
class Shape:
    """What a specification takes from the rows of a chart; all else it leaves in them.

    Attributes:
        labels: of the rows, in order; None where they have none.
        has_interval: whether any has a `low` and a `high`.
    """

    labels: list[Any]
    has_interval: bool

    @classmethod
    def of(cls, chart: Chart) -> Shape:
        """Of a chart's rows."""
        return cls(
            [row.get("label") for row in chart.data], any(row.get("low") is not None for row in chart.data)
        )


@dataclass(frozen=True)
class Tile:
    """A KPI at a glance. `word` says how it stands, `mood` how that is coloured: good, bad, plain or pale.

    `is_usual`: its period is the last whole week, as most tiles' is. `is_off_target`: by
    more than noise; None without a target.
    """

    name: str
    value: str
    period: str
    n: str
    word: str
    mood: str
    reason: str
    facts: Sequence[str]
    chart: Chart | None
    is_usual: bool = True
    is_off_target: bool | None = None


@dataclass(frozen=True)
class Sentence:
    """A statement, with the tickets behind it if they can be named, and how many of all those are."""

    text: str
    mood: str = "plain"
    tickets: Sequence[Cell] = ()
    shown: str = ""


@dataclass(frozen=True)
class Screen:
    """A part of the page: all in one sentence, paragraphs, what stands side by side, tables, remarks."""

    key: str
    title: str
    lead: str = ""
    words: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    sentences: Sequence[Sentence] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[tuple[str, Table]] = ()
    folded: Sequence[tuple[str, Table]] = ()
    notes: Sequence[str] = ()
