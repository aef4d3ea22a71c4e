"""Erased persons: who they are is kept as salted hashes alone, and what lands of them lands without them.

`landing/.erased.json` (mode 0600) holds a salt and, per hash of an id or an address, what stands in its
place: a random number or address, the same ever after, so that what belongs together still does. Records of
an erased person keep ids, times, numbers and the words that a vendor's models read (`Personal`); every other
text in them is emptied.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

FILE = ".erased.json"
ADDRESS = re.compile(r"[\w.+'%&*/=?^`{|}~!#$-]+@[\w-]+(?:\.[\w-]+)+")
#: Nobody has one there (RFC 6761).
NOBODY = "@erased.invalid"
#: So many digits are no other number by chance.
_LONG_ID = re.compile(r"(?<![0-9])[0-9]{8,20}(?![0-9])")
_DIGITS = re.compile(r"[0-9]{8,20}")
#: What is before a value as a whole.
_VALUE = ('":', '": ', '":"', '": "')
_PERSONAL = re.compile(r"name|mail|phone|mobile|tel$|street|address|contact|user|birth", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True)
class Personal:
    """Where the records of a vendor hold a person. Fields count at any depth.

    Attributes:
        people: Fields with ids of persons, alone or in a list.
        owners: Those of them that make the object they stand in the person's.
        tickets: Fields with the id of a ticket: what belongs to a person's ticket is theirs.
        kept: Fields whose texts say nothing of a person: words that models read. Ids and times stay anyway.
        whole: Fields of which all stays.
        emptied: Fields of which nothing does.
        users: The streams of the persons themselves; with one, all ids are the source's own.
        member_of: Their field with the id of their organization.
        tickets_streams: The streams of tickets.
        own_ids: Streams whose ids are the source's own; elsewhere they are those of a helpdesk.
        organizations: The stream of organizations.
        nothing_personal: Streams without a word of a person.
        removable: Streams whose records count as deleted where they are to go with the person.
        loose: Fields with members of any name: each may be a person's id; what sounds personal goes.
    """

    people: frozenset[str] = frozenset({"customer_id", "requester_id", "user_id", "author_id", "actor_id"})
    owners: frozenset[str] = frozenset({"customer_id", "requester_id", "user_id", "author_id"})
    tickets: frozenset[str] = frozenset({"ticket_id"})
    kept: frozenset[str] = frozenset({"status", "priority", "type", "channel"})
    whole: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    member_of: str = "organization_id"
    tickets_streams: frozenset[str] = frozenset({"tickets"})
    own_ids: frozenset[str] = frozenset({"tickets", "ticket_events"})
    organizations: str = ""
    nothing_personal: frozenset[str] = frozenset()
    removable: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()


_declared: dict[str, Personal] = {}


def declare(vendor: str, personal: Personal) -> None:
    """Say where a vendor's records hold a person."""
    _declared[vendor] = personal


def personal_of(vendor: str) -> Personal:
    """Where they do; of a vendor that did not say it where most do."""
    return _declared.get(vendor, Personal())


def addresses(text: str) -> set[str]:
    """The addresses in a text, as they are written there."""
    found, at = set(), text.find("@")
    while at >= 0:
        if match := ADDRESS.search(text, max(0, at - 64), at + 255):
            found.add(match[0])
        at = text.find("@", at + 1)
    return found


def address_hash(address: str) -> str:
    """How exported files land an address."""
    return hashlib.sha256(address.casefold().encode()).hexdigest()


class Erased:
    """The list of a landing."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._stamp = self._stat()
        told = json.loads(self._path.read_bytes()) if self._stamp else {}
        self._salt = bytes.fromhex(told["salt"]) if told else secrets.token_bytes(32)
        self._entries: dict[str, dict[str, Any]] = told.get("entries", {})
        self._find = lru_cache(1 << 18)(self._look_up)

    def _stat(self) -> int | None:
        try:
            return self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    @property
    def is_current(self) -> bool:
        """Whether the file is as it was read."""
        return self._stat() == self._stamp

    def __bool__(self) -> bool:
        return bool(self._entries)

    def _key(self, kind: str, source: str, value: str) -> str:
        said = f"{kind}\0{source}\0{value.casefold()}".encode()
        return hashlib.blake2b(said, key=self._salt, digest_size=24).hexdigest()

    def _look_up(self, kind: str, source: str, value: str) -> dict[str, Any] | None:
        return self._entries.get(self._key(kind, source, value))

    def find(self, kind: str, source: str, value: Any) -> dict[str, Any] | None:
        """What is said of an id (`as` stands in its place; `removed`; `of` whom); None if it is nobody's."""
        return self._find(kind, source, str(value)) if value not in (None, "") else None

    def add(self, kind: str, source: str, value: str, *, of: str) -> str:
        """Put an id of a person on the list; gives what stands in its place. What is on it keeps that."""
        new = {"as": _nobody(kind), "removed": False, "of": of}
        entry = self._entries.setdefault(self._key(kind, source, value), new)
        self._find.cache_clear()
        return str(entry["as"])

    def remove(self, of: str) -> None:
        """Let all records of a person count as deleted."""
        for entry in self._entries.values():
            entry["removed"] = entry["removed"] or entry["of"] == of
        self._find.cache_clear()

    def stand_in(self, kind: str, source: str, value: str, instead: str) -> None:
        """Let another stand in its place."""
        self._entries[self._key(kind, source, value)]["as"] = instead
        self._find.cache_clear()

    def save(self) -> None:
        """Write the list, durably and for its owner only."""
        draft = self._path.with_name(f"{FILE}.tmp")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"salt": self._salt.hex(), "entries": self._entries}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._stamp = self._stat()


def _nobody(kind: str) -> str:
    if kind == "address":
        return secrets.token_hex(12) + NOBODY
    return str(9 * 10**17 + secrets.randbelow(10**17))


class Scrubber:
    """Takes erased persons out of the records of one stream.

    Args:
        erased: The list.
        personal: Where the vendor's records hold a person.
        source: The source's name.
        stream: The stream's name.
    """

    def __init__(self, erased: Erased, personal: Personal, source: str, stream: str) -> None:
        self.erased, self.personal, self.source, self.stream = erased, personal, source, stream
        self.is_idle = not erased or stream in personal.nothing_personal
        self._ids = source if personal.users or stream in personal.own_ids else "*"
        names = "|".join(sorted(personal.people | personal.tickets | {"value", "previous_value"}))
        self._named = re.compile(rf'"(?:{names})"\s*:\s*(\[[^][{{]*\]|\[|"[^"]*"|[0-9]+)')

    def may_concern(self, record_id: str | None, payload: str) -> bool:
        """Whether the record may have to do with an erased person: most have not, and this is quick."""
        if self.personal.loose or '_hash"' in payload or (record_id and self._by_id(record_id)):
            return True
        if any(self._is_known(value) for value in set(self._named.findall(payload))):
            return True
        for number in _DIGITS.finditer(payload):
            # A value as a whole has a name, which was looked at.
            is_within = not payload[max(0, number.start() - 4) : number.start()].endswith(_VALUE)
            if is_within and self.person(number[0]):
                return True
        return any(self.erased.find("address", "*", each) for each in addresses(payload))

    def _is_known(self, value: str) -> bool:
        """Whether a person or ticket of the list is in a value as it stands in JSON."""
        if value == "[":  # a list of lists or objects: only reading it tells
            return True
        each = [part.strip(' "') for part in value.strip("[]").split(",")]
        return any(self.person(one) or self.erased.find("ticket", self._ids, one) for one in each)

    def _by_id(self, record_id: str) -> dict[str, Any] | None:
        """What is said of a record by its id."""
        erased, personal = self.erased, self.personal
        if self.stream in personal.users:
            return self.person(record_id)
        if self.stream == personal.organizations:
            return erased.find("organization", self.source, record_id)
        if (found := erased.find("record", f"{self.source}/{self.stream}", record_id)) is not None:
            return found
        return (
            erased.find("ticket", self.source, record_id) if self.stream in personal.tickets_streams else None
        )

    def person(self, value: Any) -> dict[str, Any] | None:
        """What is said of a person's id in this stream."""
        found = self.erased.find("customer", self.source, value)
        if found is None and self._ids == "*":
            found = self.erased.find("customer", "*", value)
        return found

    def owner(self, record_id: str | None, payload: Any) -> dict[str, Any] | None:
        """On whose behalf the record is scrubbed whole; None if it is nobody's who was erased."""
        erased, personal = self.erased, self.personal
        if record_id is not None and (known := self._by_id(record_id)):
            return known
        for place, depth in _objects(payload):
            for name, value in place.items():
                if name in personal.owners and depth < 2 and (found := self.person(value)):
                    return found
                if name in personal.tickets and (found := erased.find("ticket", self._ids, value)):
                    return found
        for name in personal.loose:
            for each in (payload.get(name) or {}).items() if isinstance(payload.get(name), dict) else ():
                if each[0] not in personal.tickets and (found := self.person(each[1])):
                    return found
        return None

    def scrub(
        self, record_id: str | None, deleted: bool, payload: str
    ) -> tuple[str | None, bool, str] | None:
        """The record without the person; None if nothing of one is in it."""
        if not self.may_concern(record_id, payload):
            return None
        before, told = deleted, json.loads(payload)
        owner = self.owner(record_id, told)
        clean = self._value(told, owner is not None, "")
        name = record_id
        if owner and self.stream in self.personal.users and record_id is not None:
            name = owner["as"]
            clean = {**clean, "id": int(name)} if "id" in clean else clean
        deleted = deleted or bool(owner and owner["removed"] and self.stream in self.personal.removable)
        if clean == told and (name, deleted) == (record_id, before):
            return None
        return name, deleted, json.dumps(clean, ensure_ascii=False)

    def _value(self, value: Any, is_theirs: bool, name: str, is_kept: bool = False) -> Any:
        """A value without erased persons: of what is theirs no text, unless it is kept."""
        if isinstance(value, dict):
            return self._object(value, is_theirs, is_kept)
        if isinstance(value, list):
            return [self._value(each, is_theirs, name, is_kept) for each in value]
        if (
            name in self.personal.people
            and not isinstance(value, bool | float)
            and (found := self.person(value))
        ):
            return int(found["as"]) if isinstance(value, int) else found["as"]
        return self._text(value, is_theirs, name, is_kept) if isinstance(value, str) else value

    def _text(self, text: str, is_theirs: bool, name: str, is_kept: bool) -> str:
        if len(text) == 64 and (found := self.erased.find("address_hash", "*", text)):
            return str(found["as"])
        if "@" in text:
            text = ADDRESS.sub(self._address, text)
        text = _LONG_ID.sub(self._number, text)
        if (
            not is_theirs
            or is_kept
            or name in self.personal.kept
            or name.startswith("dimension_")
            or _is_id(name)
            or _TIME.fullmatch(text)
        ):
            return "" if is_theirs and self.erased.find("name", "*", text) else text
        return text if text.endswith(NOBODY) and ADDRESS.fullmatch(text) else ""

    def _number(self, match: re.Match[str]) -> str:
        found = self.person(match[0])
        return str(found["as"]) if found else match[0]

    def _address(self, match: re.Match[str]) -> str:
        found = self.erased.find("address", "*", match[0])
        return str(found["as"]) if found else match[0]

    def _object(self, value: dict[str, Any], is_theirs: bool, is_kept: bool) -> dict[str, Any]:
        personal = self.personal
        is_theirs = is_theirs or any(
            name in personal.owners and self.person(each) for name, each in value.items()
        )
        clean: dict[str, Any] = {}
        for name, each in value.items():
            if is_theirs and not is_kept and name in personal.emptied:
                clean[name] = type(each)() if isinstance(each, dict | list) else None
            elif name in personal.loose and isinstance(each, dict):
                clean[name] = {key: self._loose(key, value, is_theirs) for key, value in each.items()}
            elif name in ("value", "previous_value"):
                is_word = is_kept or self._is_word(value)
                clean[name] = self._value(each, is_theirs, _field(value, name), is_word)
            elif name == "url" and is_theirs:
                clean[name] = ""
            else:
                clean[name] = self._value(each, is_theirs, name, is_kept or name in personal.whole)
        return clean

    def _loose(self, name: str, value: Any, is_theirs: bool) -> Any:
        if name not in self.personal.tickets and not isinstance(value, dict | list):
            if found := self.person(value):
                return int(found["as"]) if isinstance(value, int) else found["as"]
            if is_theirs and _PERSONAL.search(name):
                return self._value(value, True, "")
        return self._value(value, is_theirs, name, True)

    def _is_word(self, value: Mapping[str, Any]) -> bool:
        """Whether a `value` beside these says a word of a field that stays, or of a custom field."""
        field = value.get("field_name")
        if field is None:
            return value.keys() == {"id", "value"}
        return str(field) in self.personal.kept or str(field).isdigit() or _is_id(str(field))


def _field(value: Mapping[str, Any], name: str) -> str:
    """Of which field a `value` or a `previous_value` is."""
    if "field_name" in value:
        return str(value["field_name"])
    return next((key for key in value if _is_id(key) and key != "id"), name)


def _is_id(name: str) -> bool:
    if name in ("external_id", "encoded_id", "network_id"):
        return False  # the person's own
    return name == "id" or name.endswith(("_id", "_ids"))


def _objects(value: Any, depth: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    if isinstance(value, dict):
        yield value, depth
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(each, dict | list):
            yield from _objects(each, depth + isinstance(value, dict))


def scrub_rows(
    rows: pa.Table, scrubber: Scrubber, told: Callable[[int], object] = lambda _: None
) -> pa.Table:
    """The rows of a landing file without erased persons; `told` hears which rows changed.

    Rows whose payload is no JSON object stay.
    """
    if scrubber.is_idle or not rows.num_rows:
        return rows
    ids, deleted = rows["record_id"].to_pylist(), rows["deleted"].to_pylist()
    payloads, has_changed = rows["payload"].to_pylist(), False
    for at, payload in enumerate(payloads):
        try:
            clean = scrubber.scrub(ids[at], deleted[at], payload)
        except (ValueError, AttributeError, RecursionError):
            continue
        if clean is not None:
            ids[at], deleted[at], payloads[at] = clean
            has_changed = True
            told(at)
    if not has_changed:
        return rows
    for name, values in (("record_id", ids), ("deleted", deleted), ("payload", payloads)):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(name), pa.array(values, rows.schema.field(name).type))
    return rows
