"""Reading mappings: the YAML that an analyst writes, checked as a whole, every mistake with its line."""

import codecs
import hashlib
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ingestion.sources.files.mapping import (
    COLUMNS,
    DATED_FORMATS,
    DIMENSION_COLUMN,
    DIMENSIONED,
    EMPTY,
    ENTITIES,
    FORMATS,
    KEYS,
    KINDS,
    MODES,
    NOBODY,
    QUESTION_KEYS,
    REQUIRED,
    SHEETS,
    SLA_COLUMN,
    SPECIAL_DATE_FORMATS,
    SURVEY_ANSWERS,
    SURVEY_INVITATIONS,
    TICKET_EVENTS,
    TICKETS,
    VOCABULARY,
    ZONED_DATE_FORMATS,
    Condition,
    Mapping,
    MappingError,
    Names,
    Question,
    folded,
    line_of,
)
from ingestion.texts import TextError, read_text

MAX_NODES = 100_000
"""Keys and values of a mapping, those behind an alias counted each time."""
MAX_DEPTH = 20

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_QUESTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SOURCE_LINE = re.compile(rf"^source:\s*({NAME.pattern})\s*(?:#.*)?$", re.MULTILINE)
_NULL = "tag:yaml.org,2002:null"


def load(path: Path) -> Mapping:
    """Read and check one mapping.

    Raises:
        MappingError: with every problem found, one a line, each with file and line.
    """
    try:
        text = read_text(path)
    except TextError as error:
        raise MappingError(str(error), _source_in(error.data.decode("latin-1"))) from error
    return _Check(path, text).mapping()


def _source_in(text: str) -> str | None:
    """The source that a mapping names, also where the rest of it cannot be read."""
    found = _SOURCE_LINE.search(text)
    return found[1] if found else None


def numeric_months(date_format: str) -> str:
    """A date format with the number of the month in place of its name."""
    return re.sub(r"%(.)", lambda found: "%m" if found[1] in "bB" else found[0], date_format)


class _Check:
    """Turns the text of a mapping into a Mapping, collecting problems so that one run shows them all."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.lines: dict[str, int] = {}
        self.problems: list[str] = []
        self.given: dict[str, Any] = {}
        self.nodes = 0

    def mapping(self) -> Mapping:
        source = _source_in(self.text)
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark, at = getattr(error, "problem_mark", None), getattr(error, "position", 0)
            line = f":{(mark.line if mark else self.text.count(chr(10), 0, at)) + 1}"
            raise MappingError(f"{self.path}{line}: not valid YAML: {error}", source) from error
        except RecursionError as error:
            raise MappingError(f"{self.path}: not valid YAML: nested too deeply", source) from error
        if not isinstance(root, yaml.MappingNode):
            raise MappingError(f"{self.path}: a mapping is a list of `key: value` lines ({', '.join(KEYS)})")
        try:
            self.given = self.plain(root)
            mapping = self.checked()
        except MappingError as error:
            raise MappingError(str(error), source) from error
        if self.problems:
            raise MappingError("\n".join(self.problems), source)
        return mapping

    def plain(self, node: yaml.Node, prefix: str = "", depth: int = 1) -> Any:
        """Dictionaries, lists and texts; scalars stay as written (`No`, `012`), null is None.

        Raises:
            MappingError: more than a mapping can need, such as aliases of aliases.
        """
        self.nodes += 1
        line = node.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise MappingError(f"{self.path}:{line}: nested deeper than {MAX_DEPTH} levels, or within itself")
        if self.nodes > MAX_NODES:
            raise MappingError(f"{self.path}:{line}: holds more than {MAX_NODES:,} keys and values")
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key, value in node.value:
                at = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    self.problems.append(
                        f"{self.path}:{at}: a key must be text; quote a name with {{}} or []"
                    )
                    continue
                name = f"{prefix}{key.value}"
                self.lines[name] = at
                if key.value in out:
                    self.problem(name, f"`{key.value}` stands here twice; keep one")
                out[self.clean(key)] = self.plain(value, f"{name}.", depth + 1)
            return out
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, prefix, depth + 1) for item in node.value]
        return None if node.tag == _NULL else self.clean(node)

    def clean(self, node: yaml.Node) -> str:
        """A scalar's text, which must be one that a file can hold."""
        text: str = node.value
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            line = node.start_mark.line + 1
            self.problems.append(f"{self.path}:{line}: {text!r} holds half a character; write it whole")
            return text.encode(errors="replace").decode()
        return text

    def problem(self, key: str, message: str) -> None:
        self.problems.append(f"{self.path}:{line_of(self.lines, key)}: {message}")

    def text_of(self, key: str, default: str = "", *, within: dict[str, Any] | None = None) -> str:
        """One text; `key` may be `question.id` with the dictionary that holds it."""
        value = (self.given if within is None else within).get(key.rpartition(".")[2])
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
        texts = _texts(self.given.get(key))
        if texts is None:
            self.problem(key, f"`{key}` must be a value or a list of values")
        return texts or ()

    def known(self, keys: Iterable[str], allowed: Iterable[str], prefix: str, what: str) -> None:
        allowed = tuple(allowed)
        for key in keys:
            if key not in allowed:
                self.problem(f"{prefix}{key}", f"unknown {what} `{key}`; known: {', '.join(allowed)}")

    def checked(self) -> Mapping:
        self.known(self.given, KEYS, "", "key")
        if not NAME.fullmatch(self.path.stem):
            self.problem("", f"the name `{self.path.stem}` must be lower-case letters, digits, - and _")
        entity = self.choice("entity", ENTITIES)
        file_format = self.choice("format", FORMATS)
        types, columns = self.columns(entity)
        months = self.months()
        date_formats = self.date_formats(types, file_format, months)
        source = self.text_of("source", self.path.stem)
        if not NAME.fullmatch(source):
            self.problem("source", f"`source` is {source!r}; use lower-case letters, digits, - and _")
        if not self.text_of("file"):
            self.problem("file", "`file` is missing")
        row_id = self.id()
        return Mapping(
            path=self.path,
            source=source,
            file=self.text_of("file"),
            format=file_format,
            sheet=self.sheet(file_format),
            encoding=self.encoding(),
            delimiter=self.delimiter(),
            skip_rows=self.whole("skip_rows", 0, 0, 9999),
            header_rows=self.whole("header_rows", 1, 1, 3),
            entity=entity,
            mode=self.choice("mode", MODES),
            id=row_id,
            columns=columns,
            types=types,
            where=self.where(),
            date_formats=date_formats,
            months=months,
            time_zone=self.time_zone(date_formats, file_format),
            decimal=self.choice("decimal", (".", ","), "."),
            null_values=frozenset(("", *(value.strip() for value in self.texts_of("null_values")))),
            empty=self.empty(entity),
            patterns=self.patterns(types, row_id),
            value_maps=self.value_maps(types),
            question=self.question(entity, source),
            survey=self.survey(entity, source),
            carries_ticket=entity == TICKETS or (entity == TICKET_EVENTS and "created_at" in types),
            fingerprint=hashlib.sha256(self.text.encode()).hexdigest()[:16],
            lines=self.lines,
        )

    def columns(self, entity: str) -> tuple[dict[str, str], dict[str, Names]]:
        """Type and names of each named column of ours; an unknown one is a problem."""
        known, given = COLUMNS.get(entity, {}), self.dict_of("columns")
        types, columns = {}, {}
        for ours, theirs in given.items():
            sla = SLA_COLUMN.fullmatch(ours) if entity in (TICKETS, TICKET_EVENTS) else None
            names = _texts(theirs)
            if not names or not all(names):
                self.problem(f"columns.{ours}", f"`{ours}` needs the name of a column in the file")
                continue
            columns[ours] = names
            if ours in known:
                types[ours] = known[ours]
            elif sla:
                types[ours] = "verdict" if sla[2] == "verdict" else "time"
            elif DIMENSION_COLUMN.fullmatch(ours) and entity in DIMENSIONED:
                types[ours] = "text"
            elif known:
                hint = " (it is the `id`)" if (entity, ours) == (TICKETS, "ticket_id") else ""
                also = ", <metric>_due_at, _ended_at, _verdict" if entity in (TICKETS, TICKET_EVENTS) else ""
                also += ", dimension_<name>" if entity in DIMENSIONED else ""
                self.problem(
                    f"columns.{ours}",
                    f"`{ours}` is no column of {entity}{hint}; known: {', '.join(sorted(known))}{also}",
                )
        for ours in REQUIRED.get(entity, ()):
            if ours not in given:
                self.problem("columns", f"`columns` of {entity} must name `{ours}`")
        return types, {ours: columns[ours] for ours in types}

    def id(self) -> tuple[Names, ...]:
        value = self.given.get("id")
        parts = [_texts(part) for part in (value if isinstance(value, list) else [value])]
        if value is None or value == [] or not all(parts):
            fault = "must be a column or a list of columns" if value else "is missing"
            self.problem("id", f"`id` {fault}")
            return ()
        return tuple(part for part in parts if part)

    def sheet(self, file_format: str) -> str | None:
        sheet = self.text_of("sheet")
        if sheet and file_format not in SHEETS:
            self.problem("sheet", f"`sheet` belongs to {' and '.join(SHEETS)}, not to {file_format}")
        return sheet or None

    def encoding(self) -> str:
        encoding = self.text_of("encoding", "utf-8")
        try:
            with TextIOWrapper(BytesIO(), encoding=encoding) as nothing:
                nothing.read()
            return codecs.lookup(encoding).name
        except (LookupError, ValueError):
            self.problem("encoding", f"unknown encoding `{encoding}`; usual ones: utf-8, cp1252, utf-16")
            return "utf-8"

    def delimiter(self) -> str:
        given = self.text_of("delimiter", ",")
        delimiter = "\t" if given in ("tab", "\\t") else given
        if len(delimiter) != 1 or delimiter in '"\r\n\0':
            self.problem("delimiter", f"`delimiter` is {delimiter!r}; use one character, such as ';', or tab")
        return delimiter

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        given = self.text_of(key, str(default))
        if not re.fullmatch(r"[0-9]{1,4}", given) or not low <= int(given) <= high:
            self.problem(key, f"`{key}` is {given}; it must be a whole number from {low} to {high}")
            return default
        return int(given)

    def where(self) -> tuple[Condition, ...]:
        conditions = []
        for column, rule in self.dict_of("where").items():
            if not isinstance(rule, dict) or len(rule) != 1 or not rule.keys() <= {"is", "not"}:
                self.problem(
                    f"where.{column}",
                    f"`where` of `{column}` must be {{is: values}}, rows to keep, or {{not: values}}, "
                    "rows to leave out",
                )
                continue
            ((word, given),) = rule.items()
            values = given if isinstance(given, list) else [given]
            if not values or any(isinstance(value, (dict, list)) for value in values):
                self.problem(f"where.{column}", f"`{word}` must be a value or a list of values")
                continue
            texts = frozenset("" if value is None else value.strip() for value in values)
            conditions.append(Condition(column, texts, word == "is"))
        return tuple(conditions)

    def months(self) -> dict[str, int]:
        months = {}
        for name, number in self.dict_of("months").items():
            if not isinstance(number, str) or not re.fullmatch(r"0?[1-9]|1[0-2]", number) or not name.strip():
                self.problem(f"months.{name}", f"`{name}` must be the number of a month, 1 to 12")
            else:
                months[folded(name.strip())] = int(number)
        return months

    def date_formats(self, types: dict[str, str], file_format: str, months: dict[str, int]) -> dict[str, str]:
        """The format of each time column; every one must be declared, where dates are not typed."""
        given = self.given.get("date_format")
        formats = given if isinstance(given, dict) else {"default": given}
        times = [ours for ours, kind in types.items() if kind == "time"]
        self.known(formats, ("default", *times), "date_format.", "time column")
        for key, value in formats.items():
            named = numeric_months(value) if months and isinstance(value, str) else value
            if value is not None and (fault := _date_format_fault(named)):
                self.problem(f"date_format.{key}", f"`date_format` {value!r} {fault}")
        default = formats.get("default") or ("iso8601" if file_format in DATED_FORMATS else None)
        out = {ours: formats.get(ours) or default for ours in times}
        for ours, value in out.items():
            if not value:
                self.problem("date_format", f"`date_format` is missing for `{ours}`: dates are never guessed")
        texts = {ours: value for ours, value in out.items() if isinstance(value, str)}
        if months and not any(numeric_months(value) != value for value in texts.values()):
            self.problem("months", "`months` needs a `date_format` with %b or %B, the name of a month")
        return texts

    def time_zone(self, date_formats: dict[str, str], file_format: str) -> ZoneInfo | None:
        name = self.text_of("time_zone")
        local = [
            ours
            for ours, f in date_formats.items()
            if file_format in SHEETS or (f not in ZONED_DATE_FORMATS and "%z" not in f)
        ]
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

    def empty(self, entity: str) -> str:
        if self.given.get("empty") is not None and entity != TICKET_EVENTS:
            self.problem("empty", f"`empty` belongs to ticket_events, not to {entity}")
        return self.choice("empty", EMPTY, NOBODY)

    def patterns(self, types: dict[str, str], row_id: tuple[Names, ...]) -> dict[str, re.Pattern[str]]:
        out = {}
        for ours, given in self.dict_of("patterns").items():
            key = f"patterns.{ours}"
            if ours == "id" and len(row_id) > 1:
                self.problem(key, "a pattern for `id` needs an `id` of one column")
            elif ours != "id" and ours not in types:
                self.problem(key, f"`patterns` names `{ours}`, which `columns` does not")
            elif not isinstance(given, str):
                self.problem(key, f"`{key}` must be one regular expression")
            else:
                try:
                    pattern = re.compile(given)
                except (re.error, OverflowError, RecursionError) as error:
                    self.problem(key, f"`{given}` is no regular expression: {error}")
                    continue
                if pattern.groups != 1:
                    self.problem(
                        key, f"`{given}` needs one group (...), the part that counts; it has {pattern.groups}"
                    )
                out[ours] = pattern
        return out

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
        texts = {
            key: self.text_of(f"question.{key}", within=given)
            for key in ("kind", "id", "text", "survey", "direction")
        }
        kind, direction = texts["kind"], texts["direction"]
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
        is_known = direction in ("higher_is_better", "lower_is_better", "")
        if not is_known or (kind == "ces" and not direction):
            self.problem(
                "question.direction",
                f"`question.direction` is {direction or 'missing'}; use higher_is_better or lower_is_better",
            )
        question_id = texts["id"] or self.path.stem
        if not _QUESTION_ID.fullmatch(question_id):
            self.problem("question.id", f"`question.id` is {question_id!r}; use letters, digits, - _ and .")
        return Question(
            kind=kind,
            id=question_id,
            text=texts["text"] or None,
            survey=texts["survey"] or source,
            scale_min=low,
            scale_max=high,
            positive_from=positive,
            direction=direction or "higher_is_better",
        )

    def number(self, given: dict[str, Any], key: str) -> float | None:
        text = self.text_of(f"question.{key}", within=given)
        try:
            number = float(text) if text else None
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            self.problem(f"question.{key}", f"`question.{key}` is {text!r}, not a number")
            return None
        return number


def _texts(value: Any) -> tuple[str, ...] | None:
    """A value or a list of values as texts; none for nothing, None for anything else."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(items) if all(isinstance(item, str) for item in items) else None


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
    if "%I" in value and "%p" not in value:
        return "uses %I, the hour of a 12-hour clock, without %p"
    sample = datetime(2003, 11, 25, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(value), value)  # noqa: DTZ007
    except re.error:
        return "names a part of the date twice (%M is the minute, %m the month, %S the second)"
    except (ValueError, LookupError):
        return "is no strptime format"
    return None if read.date() == sample.date() else "does not name a whole date (year, month and day)"
