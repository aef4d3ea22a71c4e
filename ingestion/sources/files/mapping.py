"""Mappings: the YAML an analyst writes to say what the columns of an exported file mean."""

import codecs
import hashlib
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ingestion.errors import ExpectedError

TICKETS, TICKET_EVENTS, SURVEY_ANSWERS, SURVEY_INVITATIONS = ENTITIES = (
    "tickets",
    "ticket_events",
    "survey_answers",
    "survey_invitations",
)
FORMATS = ("csv", "parquet", "jsonl")
MODES = ("snapshot", "append")
KEYS = (
    "file", "format", "encoding", "delimiter", "header_rows", "entity", "source", "mode", "id", "columns",
    "date_format", "time_zone", "null_values", "value_maps", "question", "survey",
)  # fmt: skip
KINDS = ("csat", "nps", "ces", "other")
QUESTION_KEYS = ("kind", "id", "text", "survey", "scale_min", "scale_max", "positive_from", "direction")
SPECIAL_DATE_FORMATS = ("iso8601", "epoch_s", "epoch_ms")

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
    "complexity": "text", "channel": "text", "type": "text", "customer_id": "text",
    "organization_id": "text", "group_id": "text", "assignee_id": "text", "segment": "text",
    "product": "text", "service_area": "text", "reopens": "integer", "public_agent_replies": "integer",
    "handle_seconds": "integer",
}  # fmt: skip
_SURVEY = {
    "sent_at": "time", "answered_at": "time", "changed_at": "time", "ticket_id": "text",
    "customer_id": "text", "organization_id": "text", "segment": "text", "product": "text",
    "service_area": "text", "complexity": "text", "channel": "text", "priority": "priority",
    "group_id": "text", "agent_id": "text",
}  # fmt: skip
COLUMNS: Dict[str, Dict[str, str]] = {
    TICKETS: _TICKET,
    TICKET_EVENTS: _TICKET
    | {
        "ticket_id": "text",
        "event_at": "time",
        "sequence": "integer",
        "kind": "kind",
        "actor_id": "text",
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
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_QUESTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class MappingError(ExpectedError, ValueError):
    """A mapping or its file cannot be read as declared; the message says where, what and what to do."""


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
class Mapping:
    """One validated mapping; `columns` is ours -> theirs, `types` ours -> type."""

    path: Path
    source: str
    file: str
    format: str
    encoding: str
    delimiter: str
    header_rows: int
    entity: str
    mode: str
    id: tuple[str, ...]
    columns: dict[str, str]
    types: dict[str, str]
    date_formats: dict[str, str]
    time_zone: ZoneInfo | None
    null_values: frozenset[str]
    value_maps: dict[str, dict[str, str | None]]
    question: Question | None
    survey: str | None
    fingerprint: str
    lines: dict[str, int] = field(compare=False)

    @property
    def name(self) -> str:
        """The mapping's name: its file name without the ending."""
        return self.path.stem

    @cached_property
    def their_columns(self) -> frozenset[str]:
        """The columns that the file must have."""
        return frozenset((*self.id, *self.columns.values()))

    def files(self) -> list[Path]:
        """The files that match now, oldest first (modification time, then name)."""
        anchor = Path(self.file).anchor
        start = Path(anchor) if anchor else self.path.parent
        found = (path for path in start.glob(self.file[len(anchor) :]) if path.is_file())
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def at(self, key: str) -> str:
        """`<mapping>:<line>` of a key such as `columns.status`, for messages."""
        return f"{self.path}:{self.lines.get(key, self.lines.get(key.split('.')[0], 1))}"


def load(path: Path) -> Mapping:
    """Read and check one mapping.

    Raises:
        MappingError: with every problem found, one a line, each with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    return _Check(path, text).mapping()


class _Check:
    """Turns the text of a mapping into a Mapping, collecting problems so that one run shows them all."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.lines: dict[str, int] = {}
        self.problems: list[str] = []
        self.given: dict[str, Any] = {}

    def mapping(self) -> Mapping:
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise MappingError(f"{self.path}: not valid YAML: {error}") from error
        if not isinstance(root, yaml.MappingNode):
            raise MappingError(f"{self.path}: a mapping is a list of `key: value` lines ({', '.join(KEYS)})")
        self.given = self.plain(root)
        mapping = self.checked()
        if self.problems:
            raise MappingError("\n".join(self.problems))
        return mapping

    def plain(self, node: yaml.Node, prefix: str = "") -> Any:
        """Dictionaries, lists and texts; scalars stay as written (`No`, `012`), null is None."""
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key, value in node.value:
                name = f"{prefix}{key.value}"
                self.lines[name] = key.start_mark.line + 1
                if key.value in out:
                    self.problem(name, f"`{key.value}` stands here twice; keep one")
                out[key.value] = self.plain(value, f"{name}.")
            return out
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, prefix) for item in node.value]
        return None if node.tag == "tag:yaml.org,2002:null" else node.value

    def problem(self, key: str, message: str) -> None:
        line = self.lines.get(key, self.lines.get(key.split(".")[0], 1))
        self.problems.append(f"{self.path}:{line}: {message}")

    def text_of(self, key: str, default: str = "") -> str:
        value = self.given.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.problem(key, f"`{key}` must be one value")
            return default
        return value

    def choice(self, key: str, options: Iterable[str], default: str = "") -> str:
        value, options = self.text_of(key, default), tuple(options)
        if value not in options:
            self.problem(key, f"`{key}` is {value or 'missing'}; it must be one of {', '.join(options)}")
        return value

    def dict_of(self, key: str) -> dict[str, Any]:
        value = self.given.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem(key, f"`{key}` must be lines of `name: value`")
            return {}
        return value

    def texts_of(self, key: str) -> tuple[str, ...]:
        value = self.given.get(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, str) for item in items):
            self.problem(key, f"`{key}` must be a value or a list of values")
            return ()
        return tuple(items)

    def known(self, keys: Iterable[str], allowed: Iterable[str], prefix: str, what: str) -> None:
        allowed = tuple(allowed)
        for key in keys:
            if key not in allowed:
                self.problem(f"{prefix}{key}", f"unknown {what} `{key}`; known: {', '.join(allowed)}")

    def checked(self) -> Mapping:
        self.known(self.given, KEYS, "", "key")
        if not _NAME.fullmatch(self.path.stem):
            self.problem("", f"the name `{self.path.stem}` must be lower-case letters, digits, - and _")
        entity = self.choice("entity", ENTITIES)
        file_format = self.choice("format", FORMATS)
        types = self.types(entity)
        columns = {ours: self.given["columns"][ours] for ours in types}
        date_formats = self.date_formats(types)
        source = self.text_of("source", self.path.stem)
        if not _NAME.fullmatch(source):
            self.problem("source", f"`source` is {source!r}; use lower-case letters, digits, - and _")
        for key in ("file", "id"):
            if not self.texts_of(key):
                self.problem(key, f"`{key}` is missing")
        return Mapping(
            path=self.path,
            source=source,
            file=self.text_of("file"),
            format=file_format,
            encoding=self.encoding(),
            delimiter=self.delimiter(),
            header_rows=2 if self.choice("header_rows", ("1", "2"), "1") == "2" else 1,
            entity=entity,
            mode=self.choice("mode", MODES),
            id=self.texts_of("id"),
            columns=columns,
            types=types,
            date_formats=date_formats,
            time_zone=self.time_zone(date_formats),
            null_values=frozenset(("", *(value.strip() for value in self.texts_of("null_values")))),
            value_maps=self.value_maps(types),
            question=self.question(entity, source),
            survey=self.survey(entity, source),
            fingerprint=hashlib.sha256(self.text.encode()).hexdigest()[:16],
            lines=self.lines,
        )

    def types(self, entity: str) -> dict[str, str]:
        """Type per named column of ours; an unknown name is a problem."""
        known, columns = COLUMNS.get(entity, {}), self.dict_of("columns")
        types = {}
        for ours, theirs in columns.items():
            sla = SLA_COLUMN.fullmatch(ours) if entity in (TICKETS, TICKET_EVENTS) else None
            if not isinstance(theirs, str) or not theirs:
                self.problem(f"columns.{ours}", f"`{ours}` needs the name of a column in the file")
            elif ours in known:
                types[ours] = known[ours]
            elif sla:
                types[ours] = "verdict" if sla[2] == "verdict" else "time"
            elif entity == SURVEY_ANSWERS and DIMENSION_COLUMN.fullmatch(ours):
                types[ours] = "text"
            elif known:
                hint = " (it is the `id`)" if (entity, ours) == (TICKETS, "ticket_id") else ""
                also = ", <metric>_due_at, _ended_at, _verdict" if entity in (TICKETS, TICKET_EVENTS) else ""
                also = ", dimension_<name>" if entity == SURVEY_ANSWERS else also
                self.problem(
                    f"columns.{ours}",
                    f"`{ours}` is no column of {entity}{hint}; known: {', '.join(sorted(known))}{also}",
                )
        for ours in REQUIRED.get(entity, ()):
            if ours not in columns:
                self.problem("columns", f"`columns` of {entity} must name `{ours}`")
        return types

    def encoding(self) -> str:
        encoding = self.text_of("encoding", "utf-8")
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            self.problem("encoding", f"unknown encoding `{encoding}`; usual ones: utf-8, cp1252, utf-16")
            return encoding

    def delimiter(self) -> str:
        given = self.text_of("delimiter", ",")
        delimiter = "\t" if given in ("tab", "\\t") else given
        if len(delimiter) != 1:
            self.problem("delimiter", f"`delimiter` is {delimiter!r}; use one character, such as ';', or tab")
        return delimiter

    def date_formats(self, types: dict[str, str]) -> dict[str, str]:
        """The format of each time column; every one must be declared."""
        given = self.given.get("date_format")
        formats = given if isinstance(given, dict) else {"default": given}
        times = [ours for ours, kind in types.items() if kind == "time"]
        self.known(formats, ("default", *times), "date_format.", "time column")
        for key, value in formats.items():
            if value is not None and (fault := _date_format_fault(value)):
                self.problem(f"date_format.{key}", f"`date_format` {value!r} {fault}")
        out = {ours: formats.get(ours) or formats.get("default") for ours in times}
        for ours, value in out.items():
            if not value:
                self.problem("date_format", f"`date_format` is missing for `{ours}`: dates are never guessed")
        return {ours: value for ours, value in out.items() if isinstance(value, str)}

    def time_zone(self, date_formats: dict[str, str]) -> ZoneInfo | None:
        name = self.text_of("time_zone")
        local = [ours for ours, f in date_formats.items() if f not in SPECIAL_DATE_FORMATS and "%z" not in f]
        if not name:
            if local:
                self.problem(
                    "time_zone",
                    f"`time_zone` is missing and {', '.join(local)} carry no offset; "
                    "name the zone that the file's clock shows, such as Europe/Berlin or UTC",
                )
            return None
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.problem("time_zone", f"unknown `time_zone` {name!r}; use an IANA name such as Europe/Berlin")
            return None

    def value_maps(self, types: dict[str, str]) -> dict[str, dict[str, str | None]]:
        maps = self.dict_of("value_maps")
        out: dict[str, dict[str, str | None]] = {}
        for ours, pairs in maps.items():
            key = f"value_maps.{ours}"
            kind = types.get(ours)
            if kind is None:
                self.problem(key, f"`value_maps` names `{ours}`, which `columns` does not")
            elif kind == "time":
                self.problem(key, f"`{ours}` is a time; only `date_format` and `null_values` apply to it")
            elif not isinstance(pairs, dict) or any(isinstance(v, (dict, list)) for v in pairs.values()):
                self.problem(key, f"`{key}` must be lines of `their value: our value`")
            else:
                for theirs, value in pairs.items():
                    if value is not None and kind in VOCABULARY and value not in VOCABULARY[kind]:
                        self.problem(
                            f"{key}.{theirs}",
                            f"`{value}` is no {kind}; use one of {', '.join(VOCABULARY[kind])} or null",
                        )
                out[ours] = {theirs.strip(): value for theirs, value in pairs.items()}
        return out

    def survey(self, entity: str, source: str) -> str | None:
        """The survey that invitations are to."""
        given = self.text_of("survey")
        if entity != SURVEY_INVITATIONS:
            if given:
                self.problem("survey", f"`survey` belongs to survey_invitations, not to {entity}")
            return None
        return given or source

    def question(self, entity: str, source: str) -> Question | None:
        given = self.dict_of("question")
        if entity != SURVEY_ANSWERS:
            if given:
                self.problem("question", f"`question` belongs to survey_answers, not to {entity}")
            return None
        self.known(given, QUESTION_KEYS, "question.", "key of `question`")
        kind = given.get("kind")
        if kind not in KINDS:
            self.problem(
                "question.kind", f"`question.kind` is {kind or 'missing'}; use csat, nps, ces or other"
            )
        low, high, positive = (self.number(given, key) for key in ("scale_min", "scale_max", "positive_from"))
        if kind == "nps":
            low, high = 0.0 if low is None else low, 10.0 if high is None else high
            if (low, high, positive) != (0, 10, None):
                self.problem("question", "an nps `question` runs from 0 to 10 and has no `positive_from`")
        if low is None or high is None or low >= high:
            self.problem("question", "`question` needs `scale_min` below `scale_max`")
            low = high = 0.0
        elif kind == "csat" and positive is None:
            self.problem(
                "question", "a csat `question` needs `positive_from`, the lowest score that satisfies"
            )
        elif positive is not None and not low <= positive <= high:
            self.problem("question.positive_from", f"`positive_from` must lie in {low:g} to {high:g}")
        direction = given.get("direction")
        is_known = direction in ("higher_is_better", "lower_is_better", None)
        if not is_known or (kind == "ces" and direction is None):
            self.problem(
                "question.direction",
                f"`question.direction` is {direction or 'missing'}; use higher_is_better or lower_is_better",
            )
        question_id = given.get("id") or self.path.stem
        if not _QUESTION_ID.fullmatch(question_id):
            self.problem("question.id", f"`question.id` is {question_id!r}; use letters, digits, - _ and .")
        return Question(
            kind=kind or "",
            id=question_id,
            text=given.get("text"),
            survey=given.get("survey") or source,
            scale_min=low,
            scale_max=high,
            positive_from=positive,
            direction=direction or "higher_is_better",
        )

    def number(self, given: dict[str, Any], key: str) -> float | None:
        try:
            return None if given.get(key) is None else float(given[key])
        except (TypeError, ValueError):
            self.problem(f"question.{key}", f"`question.{key}` is {given[key]!r}, not a number")
            return None


def _date_format_fault(value: object) -> str | None:
    """What is wrong with a date format, if anything: it must read back the date that it writes."""
    if not isinstance(value, str):
        return "must be one format"
    if value in SPECIAL_DATE_FORMATS:
        return None
    if "%" not in value:
        return f"is no strptime format (%d/%m/%Y %H:%M) and none of {', '.join(SPECIAL_DATE_FORMATS)}"
    if "%Z" in value:
        return "uses %Z: zone names are ambiguous; use %z, or `time_zone`"
    sample = datetime(2003, 11, 25, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(value), value)  # noqa: DTZ007
    except ValueError:
        return "is no strptime format"
    return None if read.date() == sample.date() else "does not name a whole date (year, month and day)"
