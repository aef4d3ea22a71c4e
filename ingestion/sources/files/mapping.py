"""What a mapping says: which columns of an exported file are ours, and how their values read."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from ingestion.errors import ExpectedError

TICKETS, TICKET_EVENTS, SURVEY_ANSWERS, SURVEY_INVITATIONS = ENTITIES = (
    "tickets",
    "ticket_events",
    "survey_answers",
    "survey_invitations",
)
SHEETS = ("xlsx", "ods")
TEXTS = ("csv", "jsonl")
FORMATS = ("csv", "parquet", "jsonl", *SHEETS)
DATED_FORMATS = ("parquet", *SHEETS)
"""Formats whose dates are typed: those need no `date_format`."""

MODES = ("snapshot", "append")
KEYS = (
    "file", "format", "sheet", "encoding", "delimiter", "skip_rows", "header_rows", "entity", "source",
    "mode", "id", "columns", "where", "date_format", "months", "time_zone", "decimal", "null_values", "empty",
    "patterns", "value_maps", "question", "survey",
)  # fmt: skip
KINDS = ("csat", "nps", "ces", "other")
QUESTION_KEYS = ("kind", "id", "text", "survey", "scale_min", "scale_max", "positive_from", "direction")
EXCEL = "excel"
ZONED_DATE_FORMATS = ("iso8601", "epoch_s", "epoch_ms")
SPECIAL_DATE_FORMATS = (*ZONED_DATE_FORMATS, EXCEL)
NOBODY, KEEPS = EMPTY = ("nobody", "keeps")
HOLDERS = ("assignee_id", "group_id")

VOCABULARY: Dict[str, tuple[str, ...]] = {
    "status": ("new", "open", "pending", "hold", "solved", "closed"),
    "priority": ("low", "normal", "high", "urgent"),
    "verdict": ("met", "breached", "active", "cancelled"),
    "exclusion": ("deleted", "merged", "spam"),
    "kind": ("change", "comment"),
    "actor_role": ("agent", "end_user", "system"),
    "delivery": ("delivered", "bounced"),
}

_TICKET = {
    "created_at": "time", "changed_at": "time", "first_reply_at": "time", "resolved_at": "time",
    "closed_at": "time", "status": "status", "priority": "priority", "exclusion": "exclusion",
    "complexity": "text", "channel": "text", "type": "text", "customer_id": "id",
    "organization_id": "id", "group_id": "id", "assignee_id": "id", "segment": "text",
    "product": "text", "service_area": "text", "reopens": "integer", "public_agent_replies": "integer",
    "handle_seconds": "integer",
}  # fmt: skip
_SURVEY = {
    "sent_at": "time", "answered_at": "time", "changed_at": "time", "ticket_id": "id",
    "customer_id": "id", "organization_id": "id", "segment": "text", "product": "text",
    "service_area": "text", "complexity": "text", "channel": "text", "priority": "priority",
    "group_id": "id", "agent_id": "id", "customer_email": "address",
}  # fmt: skip
COLUMNS: Dict[str, Dict[str, str]] = {
    TICKETS: _TICKET,
    TICKET_EVENTS: _TICKET
    | {
        "ticket_id": "id",
        "event_at": "time",
        "sequence": "integer",
        "kind": "kind",
        "actor_id": "id",
        "actor_role": "actor_role",
        "is_public": "boolean",
    },
    SURVEY_ANSWERS: _SURVEY | {"score": "score", "comment": "text"},
    SURVEY_INVITATIONS: _SURVEY | {"delivery": "delivery"},
}
"""Our columns per entity, with the type of each."""

REQUIRED: Dict[str, tuple[str, ...]] = {
    TICKETS: ("created_at", "status"),
    TICKET_EVENTS: ("ticket_id", "event_at"),
    SURVEY_ANSWERS: ("score",),
    SURVEY_INVITATIONS: ("sent_at",),
}
"""Columns that a mapping must name."""

SLA_COLUMN = re.compile(r"([a-z][a-z0-9_]*)_(due_at|ended_at|verdict)")
DIMENSION_COLUMN = re.compile(r"dimension_[a-z][a-z0-9_]*")
DIMENSIONED = (TICKETS, TICKET_EVENTS, SURVEY_ANSWERS)
"""What may tell dimensions of the company's own."""

Names = tuple[str, ...]
"""The names that one column may have in a file; the first that the file has counts."""


class MappingError(ExpectedError, ValueError):
    """A mapping or its file cannot be read as declared; the message says where, what and what to do.

    Attributes:
        source: The source that the mapping feeds, where that much of it can be read.
    """

    def __init__(self, message: str, source: str | None = None) -> None:
        super().__init__(message)
        self.source = source


@dataclass(frozen=True)
class Question:
    """What a survey's score means. Scale ends and `positive_from` are inclusive."""

    kind: str
    id: str
    text: str | None
    survey: str
    scale_min: float
    scale_max: float
    positive_from: float | None
    direction: str


@dataclass(frozen=True)
class Condition:
    """Which rows count: those whose text in a column is one of `values` (`keeps`), or is none of them."""

    column: str
    values: frozenset[str]
    keeps: bool

    def holds(self, text: str | None) -> bool:
        """Whether a row with this text counts."""
        return ((text or "").strip() in self.values) is self.keeps


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is written: all that the reader asks for.

    Attributes:
        id: The columns of theirs that a row's key is made of, where they are known.
    """

    format: str
    sheet: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    skip_rows: int = 0
    header_rows: int = 1
    decimal: str = "."
    id: tuple[Names, ...] = ()

    def missing(self, names: Collection[str]) -> list[Names]:
        """The columns that must be there and are not among the names of a file's columns."""
        return []

    def at(self, key: str) -> str:
        """Where a key stands, for messages."""
        return f"`{key}`"


@dataclass(frozen=True, kw_only=True)
class Mapping(Layout):
    """One validated mapping; `columns` is ours -> names of theirs, `types` ours -> type.

    Attributes:
        patterns: Per column of ours, or `id`: its one group is the part of the text that counts.
        carries_ticket: A row holds its ticket's whole state, so that the tickets come from these rows.
        fingerprint: Differs where rows may read differently.
    """

    path: Path
    source: str
    file: str
    entity: str
    mode: str
    columns: dict[str, Names]
    types: dict[str, str]
    where: tuple[Condition, ...]
    date_formats: dict[str, str]
    months: dict[str, int]
    time_zone: ZoneInfo | None
    null_values: frozenset[str]
    empty: str
    patterns: dict[str, re.Pattern[str]]
    value_maps: dict[str, dict[str, str | None]]
    question: Question | None
    survey: str | None
    carries_ticket: bool
    fingerprint: str
    lines: dict[str, int] = field(compare=False)

    @cached_property
    def name(self) -> str:
        """The mapping's name: its file name without the ending."""
        return self.path.stem

    @property
    def group(self) -> tuple[str, str, str]:
        """Source, entity and question: what mappings that fill one list together have in common."""
        return self.source, self.entity, self.question.id if self.question else ""

    @cached_property
    def needed(self) -> frozenset[Names]:
        """The columns that the file must have, each under one of its names."""
        return frozenset((*self.id, *self.columns.values(), *((each.column,) for each in self.where)))

    def missing(self, names: Collection[str]) -> list[Names]:
        """The needed columns that are not among the names of a file's columns."""
        return [each for each in self.needed if not any(name in names for name in each)]

    @property
    def id_text(self) -> str:
        """The columns of the id, for messages."""
        return ", ".join(map(" or ".join, self.id))

    def files(self) -> list[Path]:
        """The files that match now, oldest first (modification time, then name).

        Raises:
            MappingError: the folder cannot be searched.
        """
        anchor = Path(self.file).anchor
        start = Path(anchor) if anchor else self.path.parent
        try:
            found = [path for path in start.glob(self.file[len(anchor) :]) if path.is_file()]
            return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
        except (OSError, ValueError, LookupError, NotImplementedError) as error:
            raise MappingError(f"{self.at('file')}: `file` cannot be searched for: {error}") from error

    def at(self, key: str) -> str:
        """`<mapping>:<line>` of a key such as `columns.status`, for messages."""
        return f"{self.path}:{line_of(self.lines, key)}"


def line_of(lines: Dict[str, int], key: str) -> int:
    """The line of a key such as `columns.status`, or of what it belongs to."""
    return lines.get(key, lines.get(key.split(".")[0], 1))


def folded(text: str) -> str:
    """A text by which names of months are compared: whatever its case and however its accents are written."""
    return unicodedata.normalize("NFC", text).casefold()


def any_of(names: Iterable[str]) -> str:
    """The names that a column may have, for messages."""
    return " or ".join(f"`{name}`" for name in names)
