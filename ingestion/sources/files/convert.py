"""From a row of text to the landed record: our columns, normalised; what cannot be read is never guessed."""

import math
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from ingestion.sources.files.mapping import (
    REQUIRED,
    SLA_COLUMN,
    SURVEY_ANSWERS,
    SURVEY_INVITATIONS,
    TICKET_EVENTS,
    TICKETS,
    VOCABULARY,
    Mapping,
)
from ingestion.sources.files.read import CELLS, Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_DECLARABLE = ("resolved_at", "closed_at", "first_reply_at", "reopens", "public_agent_replies")
_KEPT_WORDS = ("status", "priority", "score")

Value = str | int | float | bool | None


class Record(msgspec.Struct, frozen=True):
    """One row, ready to land.

    Attributes:
        id: The row's key; None when one of its columns is empty.
        changed_at: The row's own change time; None when it has none, or none that can be read.
        payload: JSON: values, errors, reject, mapping, raw.
        errors: (our column, value as sent, reason) of each value that could not be used.
    """

    id: str | None
    changed_at: datetime | None
    payload: bytes
    errors: list[dict[str, str]]


class Converter:
    """Turns the rows of one mapping into records. Conversions of repeated texts are remembered."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        columns = mapping.columns
        declared = set(mapping.date_formats.values())
        self._instant = {each: lru_cache(1 << 16)(_instant_reader(each, mapping)) for each in declared}
        self._iso = {each: lru_cache(1 << 16)(_iso_reader(read)) for each, read in self._instant.items()}
        self._text = lru_cache(1 << 16)(_text_reader(mapping.null_values))
        self._fields = [
            (ours, theirs, self._reader(ours), SLA_COLUMN.fullmatch(ours))
            for ours, theirs in columns.items()
            if ours != "changed_at"
        ]
        words = [word for word in _KEPT_WORDS if word in columns]
        self._fields += [(f"source_{word}", columns[word], self._text, None) for word in words]
        self._clock = columns.get("changed_at")
        dated = mapping.entity == SURVEY_ANSWERS and "answered_at" in columns
        self._required = [*REQUIRED[mapping.entity], *(["answered_at"] if dated else [])]
        about = {
            "name": mapping.name,
            "ticket": mapping.entity == TICKETS
            or (mapping.entity == TICKET_EVENTS and "created_at" in mapping.columns),
            "declares": [column for column in _DECLARABLE if column in mapping.columns],
            "question": asdict(mapping.question) if mapping.question else None,
            **({"survey": mapping.survey} if mapping.survey else {}),
        }
        self._encode = msgspec.json.Encoder().encode
        self._about = msgspec.Raw(self._encode(about))

    def record(self, raw: Row) -> Record:
        """Convert one row. Never fails: what is wrong with a row is part of its record."""
        values: dict[str, Any] = {}
        errors: list[dict[str, str]] = []
        sla: dict[str, dict[str, Value]] = {}
        if remark := raw.pop(CELLS, None):
            errors.append({"column": "", "value": "", "reason": remark})
        key = [self._text(raw.get(column) or "") for column in self.mapping.id]
        row_id = None if None in key else "/".join(part for part in key if part)
        for ours, theirs, read, clock in self._fields:
            if not (text := raw.get(theirs)):
                continue
            try:
                value = read(text)
            except ValueError as error:
                errors.append({"column": ours, "value": text, "reason": str(error)})
                continue
            if value is None:
                continue
            if clock:
                empty = {"metric": clock[1], "due_at": None, "ended_at": None, "verdict": None}
                sla.setdefault(clock[1], empty)[clock[2]] = value
            else:
                values[ours] = value
        if sla:
            values["sla"] = list(sla.values())
        changed_at = self._changed_at(raw, errors)
        record_id = row_id
        if self.mapping.entity == TICKETS and row_id is not None:
            values["ticket_id"] = row_id
        elif self.mapping.entity == SURVEY_INVITATIONS and row_id is not None:
            values["invitation_id"] = row_id
        elif self.mapping.question and row_id is not None:
            values["response_id"] = row_id
            record_id = f"{row_id}/{self.mapping.question.id}"
        payload = {
            "values": values,
            "errors": errors,
            "reject": self._reject(row_id, values, errors),
            "mapping": self._about,
            "raw": raw,
        }
        return Record(record_id, changed_at, self._encode(payload), errors)

    def _changed_at(self, raw: Row, errors: list[dict[str, str]]) -> datetime | None:
        text = raw.get(self._clock) if self._clock else None
        if not text:
            return None
        try:
            return self._instant[self.mapping.date_formats["changed_at"]](text)
        except ValueError as error:
            errors.append({"column": "changed_at", "value": text, "reason": str(error)})
            return None

    def _reject(self, row_id: str | None, values: dict[str, Any], errors: list[dict[str, str]]) -> str | None:
        """Why the row as a whole cannot be used; None for a good row."""
        if row_id is None:
            return f"the id ({', '.join(self.mapping.id)}) is empty"
        # A survey row without a score is no answer: it needs nothing.
        required = self._required if self.mapping.entity != SURVEY_ANSWERS or "score" in values else []
        for error in errors:
            if error["column"] in ("", "status", "score", *required):
                prefix = f"{error['column']} {error['value']!r}: " if error["column"] else ""
                return prefix + error["reason"]
        missing = [column for column in required if column not in values]
        return f"{missing[0]} is empty" if missing else None

    def _reader(self, ours: str) -> Callable[[str], Value]:
        """The conversion of one column, from the text as written to our value; None for a null."""
        kind = self.mapping.types[ours]
        if kind == "time":
            return self._iso[self.mapping.date_formats[ours]]
        pairs = self.mapping.value_maps.get(ours, {})
        if kind == "text" and not pairs:
            return self._text
        plain = _plain_reader(kind, self.mapping)

        def mapped(text: str) -> Value:
            known = self._text(text)
            known = known if known is None else pairs.get(known, known)
            return None if known is None else plain(known)

        return lru_cache(1 << 12)(mapped)


def _plain_reader(kind: str, mapping: Mapping) -> Callable[[str], Value]:
    if kind in VOCABULARY:
        words = VOCABULARY[kind]

        def word(text: str) -> str:
            if text.lower() not in words:
                raise ValueError(f"is no {kind} ({', '.join(words)}); map it in `value_maps`")
            return text.lower()

        return word
    if kind == "boolean":

        def boolean(text: str) -> bool:
            if text.lower() not in _BOOLEANS:
                raise ValueError("is neither true nor false; map it in `value_maps`")
            return _BOOLEANS[text.lower()]

        return boolean
    if kind == "integer":
        return _integer
    if kind == "score":
        assert mapping.question
        low, high = mapping.question.scale_min, mapping.question.scale_max

        def score(text: str) -> float:
            number = _number(text)
            if not low <= number <= high:
                raise ValueError(f"is outside the scale {low:g} to {high:g}")
            return number

        return score
    return str


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number; map it in `value_maps` or name it in `null_values`")
    return float(text)


def _integer(text: str) -> int:
    number = _number(text)
    if not math.isfinite(number) or not number.is_integer():
        raise ValueError("is no whole number")
    return int(number)


def _instant_reader(declared: str, mapping: Mapping) -> Callable[[str], datetime | None]:
    """A reader of one date format; None for a null.

    A local time that occurs twice (clocks go back) is read as the first; one that never occurs (clocks go
    forward) is refused.
    """
    parse, zone = _parser(declared), mapping.time_zone

    def read(text: str) -> datetime | None:
        text = text.strip()
        if text in mapping.null_values:
            return None
        try:
            time = parse(text)
            if time.tzinfo is not None:
                return time.astimezone(UTC)
            instant = time.replace(tzinfo=zone or UTC).astimezone(UTC)
        except (ValueError, ArithmeticError):
            raise ValueError(f"does not match the date format {declared}") from None
        if zone is None:
            raise ValueError("has no offset, and the mapping declares no `time_zone`")
        if instant.astimezone(zone).replace(tzinfo=None) != time:
            raise ValueError(f"does not exist in {zone.key} (clocks went forward)")
        return instant

    return read


def _iso_reader(instant: Callable[[str], datetime | None]) -> Callable[[str], str | None]:
    """The same as ISO 8601 in UTC with Z; fractions of a second only where there are some."""

    def read(text: str) -> str | None:
        time = instant(text)
        return time.replace(tzinfo=None).isoformat() + "Z" if time else None

    return read


def _text_reader(null_values: frozenset[str]) -> Callable[[str], str | None]:
    """Trimmed text; None for a null."""

    def read(text: str) -> str | None:
        text = text.strip()
        return None if text in null_values else text

    return read


def _parser(declared: str) -> Callable[[str], datetime]:
    if declared == "iso8601":
        return datetime.fromisoformat
    if declared in ("epoch_s", "epoch_ms"):
        unit = 1_000_000 if declared == "epoch_s" else 1_000
        return lambda text: EPOCH + timedelta(microseconds=int(Decimal(text) * unit))
    if set(_DIRECTIVE.findall(declared)) <= _DIGITS.keys():
        return _digits_parser(declared)
    return lambda text: datetime.strptime(text, declared)  # noqa: DTZ007


_DIRECTIVE = re.compile(r"%.")
_DIGITS = {"%Y": "year", "%m": "month", "%d": "day", "%H": "hour", "%M": "minute", "%S": "second"}


def _digits_parser(declared: str) -> Callable[[str], datetime]:
    """What strptime does with formats of plain numbers, several times faster."""
    parts = re.split(r"(%.)", declared)
    pattern = "".join(
        re.escape(part) if part not in _DIGITS else r"(\d{4})" if part == "%Y" else r"(\d{1,2})"
        for part in parts
    )
    match = re.compile(pattern, re.ASCII).fullmatch
    names = [_DIGITS[part] for part in parts if part in _DIGITS]

    def parse(text: str) -> datetime:
        if not (found := match(text)):
            raise ValueError
        parts = dict(zip(names, map(int, found.groups()), strict=True))
        return datetime(**parts)  # type: ignore[arg-type]  # noqa: DTZ001

    return parse
