"""Landing exported files: every row once per content, absent rows of a snapshot as tombstones."""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.erasing import Personal, declare
from ingestion.landing import Landing, LandingError
from ingestion.records import Batch
from ingestion.sources.files.convert import EPOCH, Converter, Record, value_shape
from ingestion.sources.files.mapping import (
    SURVEY_ANSWERS,
    SURVEY_INVITATIONS,
    TICKET_EVENTS,
    TICKETS,
    Mapping,
    MappingError,
)
from ingestion.sources.files.read import rows
from ingestion.streams import Progress, StreamResult

VENDOR = "files"
SPEC_VERSION = 2
TOMBSTONE = b"{}"

_WORDS = {
    "status",
    "priority",
    "channel",
    "type",
    "segment",
    "product",
    "service_area",
    "complexity",
    "exclusion",
}
_WORDS |= {"kind", "delivery", "actor_role", "source_status", "source_priority", "source_score"}
_WORDS |= {"customer_email_hash", "column", "reason", "reject"}
declare(
    VENDOR,
    Personal(
        people=frozenset({"customer_id"}),
        owners=frozenset({"customer_id"}),
        kept=frozenset(_WORDS),
        whole=frozenset({"mapping", "sla"}),
        emptied=frozenset({"raw"}),
        removable=frozenset({TICKETS, SURVEY_ANSWERS, SURVEY_INVITATIONS}),
    ),
)

TOLERANCE = 0.01
"""Share of rows with a mistake above which the health check fails; the gates hold a batch above it."""
PLACES = 3
"""Rows that are named per kind of mistake."""
KINDS = 20
"""Kinds of mistakes that are told."""


@dataclass
class Tally:
    """What the rows of one mapping are like.

    Attributes:
        files: Names of the files that were read, the newest last.
        rows: Rows that count; `left_out`: those that `where` leaves out.
        faulty: Rows with a mistake; `rejected`: those that cannot be used for it.
        kinds: Per column and reason: rows, the first value, the first places.
    """

    files: list[str] = field(default_factory=list)
    rows: int = 0
    left_out: int = 0
    faulty: int = 0
    rejected: int = 0
    kinds: dict[tuple[str, str], tuple[int, str, list[tuple[str, int]]]] = field(default_factory=dict)

    def count(self, record: Record, path: Path, line: int) -> None:
        """Count the mistakes of a row."""
        if not record.errors and not record.reject:
            return
        self.faulty += 1
        self.rejected += record.reject is not None
        place = path.name, line
        for error in record.errors or [{"column": "", "value": "", "reason": record.reject or ""}]:
            kind = error["column"], error["reason"]
            n, value, places = self.kinds.get(kind, (0, error["value"], []))
            self.kinds[kind] = n + 1, value, [*places, place] if n < PLACES else places

    def about(self) -> str:
        """What was read."""
        told = [f"{len(self.files)} file(s), newest {self.files[-1]}; {_rows(self.rows)}"]
        told += [f"{self.left_out:,} left out by `where`"] if self.left_out else []
        told += [f"{self.rejected:,} not usable"] if self.rejected else []
        return ", ".join(told)

    def faults(self) -> list[str]:
        """The kinds of mistakes, the most frequent first, each with the rows where it is first."""
        texts = []
        for (column, reason), (n, value, places) in self._ordered()[:KINDS]:
            what = " ".join(filter(None, (column or "row", repr(value) if value else "", reason)))
            lines = (
                str(line) if at and places[at - 1][0] == name else f"{name} line {line}"
                for at, (name, line) in enumerate(places)
            )
            more = ", ..." if n > len(places) else ""
            texts.append(f"{what}: {_rows(n)} ({', '.join(lines)}{more})")
        return [*texts, *self._more()]

    def notes(self) -> list[str]:
        """The same for the log of a night: one row each, with shapes of the values."""
        texts = []
        for (column, reason), (n, value, [(name, line), *_]) in self._ordered()[:KINDS]:
            what = " ".join(filter(None, (repr(value_shape(value)) if value else "", reason)))
            texts.append(f"{column or 'row'}: {n} not usable, first {name} line {line}: {what}")
        return [*texts, *self._more()]

    def _ordered(self) -> list[tuple[tuple[str, str], tuple[int, str, list[tuple[str, int]]]]]:
        return sorted(self.kinds.items(), key=lambda kind: -kind[1][0])

    def _more(self) -> list[str]:
        n = len(self.kinds) - KINDS
        return [f"{n} more kinds of mistakes"] if n > 0 else []

    def is_clean(self) -> bool:
        """Whether so few rows have a mistake that no gate minds."""
        return self.faulty <= TOLERANCE * self.rows


def _rows(n: int) -> str:
    return f"{n:,} {'row' if n == 1 else 'rows'}"


class _Payload(msgspec.Struct):
    """As much of a landed payload as tells whose it is, and whether it can be used."""

    mapping: dict[str, Any] = {}
    reject: str | None = None
    errors: list[Any] = []


_payload_of = msgspec.json.Decoder(_Payload).decode


def _mapping_of(payload: bytes) -> str:
    return str(_payload_of(payload).mapping.get("name", ""))


def _buried(payload: bytes) -> bytes:
    """A tombstone's payload: what was known of the record; its faults have gone with it."""
    known = _payload_of(payload)
    if known.reject:
        return TOMBSTONE
    if not known.errors:
        return payload
    parts = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(parts | {"errors": msgspec.Raw(b"[]")})


def _landed(path: Path, *, newest_first: bool = False) -> Iterator[tuple[str | None, bool, bytes]]:
    """Id, whether deleted, and payload of the rows of a landing file."""
    step = -1 if newest_first else 1
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups)[::step]:
            part = file.read_row_group(group, columns=["record_id", "deleted", "payload"])
            payloads = part["payload"].cast(pa.binary()).to_pylist()
            rows = zip(part["record_id"].to_pylist(), part["deleted"].to_pylist(), payloads, strict=True)
            yield from list(rows)[::step]


class _Place(NamedTuple):
    """Where a record stood first in this reading."""

    mapping: Mapping
    path: Path
    line: int
    changed_at: datetime | None


@dataclass
class _Held:
    """What is in a batch that does not count: from which files, which ids, which rows without one."""

    files: frozenset[str]
    ids: set[str] = field(default_factory=set)
    nameless: set[int] = field(default_factory=set)


class Load:
    """One reading of the files of mappings that fill one list together.

    Attributes:
        mapping: The mapping that is being read.
        tallies: What the rows are like, by mapping.
    """

    def __init__(
        self,
        mappings: list[Mapping],
        landing: Landing | None,
        result: StreamResult,
        progress: Progress,
        broken: Collection[str] = (),
        uncounted: Collection[str] = (),
    ) -> None:
        """Prepare to read.

        Args:
            mappings: Of one source, entity, question and mode.
            landing: Where to; None: everything is read and nothing lands.
            result: Counts what is done.
            progress: Called after each batch.
            broken: Names of the source's mappings that cannot be read.
            uncounted: Ids of batches whose rows count as not landed.
        """
        self.mappings = mappings
        self.mapping = mappings[0]
        self.landing = landing
        self.result = result
        self.progress = progress
        self.broken = broken
        self.uncounted = uncounted
        self.is_snapshot = self.mapping.mode == "snapshot"
        self.tallies = {each.name: Tally() for each in mappings}
        latest = landing.latest(self.mapping.source, self.mapping.entity) if landing else None
        self.cursors: dict[str, Any] = dict(latest.cursors) if latest else {}
        self._before: dict[str, dict[str, Any]] = {
            each.name: self.cursors.get(each.name) or {} for each in mappings
        }
        self._declared: dict[str, dict[str, Any]] = {
            each.name: {"spec": SPEC_VERSION, "mapping": each.fingerprint, "key": _record_key(each)}
            for each in mappings
        }
        self._is_same = {
            each.name: all(
                self._before[each.name].get(name) == value
                for name, value in self._declared[each.name].items()
            )
            for each in mappings
        }
        self._batch = self._begin()
        self._is_refetch = any(before.get("refetch") for before in self._before.values())
        # Per record id: hashes of the contents that landed, newest last; empty after a tombstone.
        self._versions: dict[str, tuple[int | None, ...]] = {}
        self._owners: dict[str, str] = {}
        self._nameless: set[int] = set()
        self._held: dict[str, _Held] = {}
        self._listed: int | None = None
        # Where the rows of the batch come from.
        self._sources: set[str] = set()
        # Of this reading: where each id stood first, and the change times of those that stand repeatedly.
        self._places: dict[str, _Place] = {}
        self._times: dict[str, set[datetime | None]] = {}

    def run(self) -> None:
        """Read what is new, land what changed.

        Raises:
            MappingError: a file is missing or not what its mapping declares.
            LandingError: the landing cannot be written.
        """
        gone = self._gone() if self.is_snapshot else []
        found = {each.name: self._found(each) for each in self.mappings}
        unread = {each.name: self._unread(each, found[each.name]) for each in self.mappings}
        if self.is_snapshot and (gone or any(unread.values()) or self._is_shorter(found)):
            unread = found
        if not any(unread.values()):
            return
        self._remember()
        if self._is_refetch:
            # Every row lands anew, for the batches that held them no longer count; which ids there are stays
            # known, for those that vanished.
            self._versions = {key: (None,) if known else () for key, known in self._versions.items()}
            self._nameless.clear()
        if self.is_snapshot:
            self._listed = sum(bool(known) for known in self._versions.values())
        observed = EPOCH + timedelta(
            microseconds=max(before.get("observed_us", 0) for before in self._before.values())
        )
        order = sorted(
            ((stat, path, each) for each in self.mappings for path, stat in unread[each.name].items()),
            key=lambda file: (file[0][0], file[1].name),
        )
        converters = {each.name: Converter(each) for each in self.mappings}
        for stat, path, self.mapping in order:
            modified = EPOCH + timedelta(microseconds=stat[0] // 1000)
            # A list that was put back from a copy is still what was seen last.
            observed = max(observed, modified) if self.is_snapshot else modified
            self._read(path, converters[self.mapping.name], observed)
        self._withdraw(observed)
        for name in gone:
            del self.cursors[name]
        for name, files in found.items():
            self.cursors[name] = self._declared[name] | {
                "files": {str(path): stat for path, stat in files.items()},
                "observed_us": _microseconds(observed),
            }
        read = {str(path) for files in unread.values() for path in files}
        self._write(
            [note for tally in self.tallies.values() for note in tally.notes()],
            supersedes=[batch for batch, held in self._held.items() if self._is_read_again(held, read)],
            listed=(self._listed, len(self._places)) if self._listed else None,
        )

    def _found(self, mapping: Mapping) -> dict[Path, list[int]]:
        """The files of a mapping with modification time (ns) and size."""
        self.mapping = mapping
        try:
            files = {path: path.stat() for path in mapping.files()}
        except OSError as error:
            raise MappingError(f"{mapping.at('file')}: a file vanished meanwhile: {error}") from error
        if not files and (self.is_snapshot or self._is_refetch or not self._before[mapping.name]):
            raise MappingError(no_file(mapping))
        return {path: [stat.st_mtime_ns, stat.st_size] for path, stat in files.items()}

    def _unread(self, mapping: Mapping, found: dict[Path, list[int]]) -> dict[Path, list[int]]:
        """The files that were not read as they are now and as the mapping reads them now."""
        before = self._before[mapping.name]
        old = before.get("files", {}) if self._is_same[mapping.name] and not self._is_refetch else {}
        return {path: stat for path, stat in found.items() if old.get(str(path)) != stat}

    def _is_shorter(self, found: dict[str, dict[Path, list[int]]]) -> bool:
        return any(len(files) < len(self._before[name].get("files", {})) for name, files in found.items())

    def _gone(self) -> list[str]:
        """Mappings that filled this list too and are not there any more.

        Raises:
            MappingError: one of them is there and cannot be read, so that the list is not complete.
        """
        others = [
            name
            for name, cursor in self.cursors.items()
            if name not in self._declared
            and _suffix(self.mapping, cursor.get("key", [])) == self._suffixes()[0]
        ]
        for name in others:
            if name in self.broken:
                raise MappingError(
                    f"{self.mapping.path}: fills one list with {name}.yml, which cannot be read; "
                    "correct that first"
                )
        return others

    def _suffixes(self) -> tuple[str, ...]:
        """How the record ids of this list end, now and before: answers to other questions are not its own."""
        keys = [cursor.get("key", []) for cursor in (*self._declared.values(), *self._before.values())]
        return tuple(_suffix(self.mapping, key) for key in keys if key)

    def _remember(self) -> None:
        """Recall what this list landed."""
        if not self.landing:
            return
        suffixes = self._suffixes()
        has_owners = not self.is_snapshot and bool(self._moved())
        for path in self.landing.batches(self.mapping.source, self.mapping.entity):
            if path.stem in self.uncounted:
                self._set_apart(path, suffixes)
                continue
            for record_id, deleted, payload in _landed(path):
                if record_id is None:
                    self._nameless.add(hash(payload))
                elif record_id.endswith(suffixes):
                    known = self._versions.get(record_id, ())
                    self._versions[record_id] = () if deleted else (*known, hash(payload))
                    if has_owners and not deleted:
                        self._owners[record_id] = _mapping_of(payload)

    def _set_apart(self, path: Path, suffixes: tuple[str, ...]) -> None:
        """Recall what is in a batch that does not count, if it is of this list."""
        try:
            held = _Held(frozenset(self.landing.info(path).files if self.landing else ()))
            rows = list(_landed(path))
        except (LandingError, OSError, pa.ArrowException):
            return
        for record_id, _, payload in rows:
            if record_id is not None:
                held.ids.add(record_id)
            else:
                held.nameless.add(hash(payload))
        names = {_mapping_of(payload) for record_id, _, payload in rows if record_id is None}
        if any(each.endswith(suffixes) for each in held.ids) or (
            not held.ids and ("" in suffixes or names <= self._declared.keys())
        ):
            self._held[path.stem] = held

    def _is_read_again(self, held: _Held, read: Collection[str]) -> bool:
        """Whether nothing that is in such a batch is missing from what was read now."""
        if self.is_snapshot or (held.files and held.files <= set(read)):
            return True
        return held.ids <= self._places.keys() and held.nameless <= self._nameless

    def _read(self, path: Path, converter: Converter, observed: datetime) -> None:
        tally, where = self.tallies[self.mapping.name], self.mapping.where
        tally.files.append(path.name)
        self._sources.add(str(path))
        for line, row in rows(self.mapping, path):
            if all(condition.holds(row.get(condition.column)) for condition in where):
                tally.rows += 1
                self._take(path, line, converter.record(row), observed)
                if self._batch.is_full():
                    self._write()
                    self._sources.add(str(path))
            else:
                tally.left_out += 1

    def _take(self, path: Path, line: int, record: Record, observed: datetime) -> None:
        """Sort one row into landed, duplicate or unchanged."""
        batch, content = self._batch, hash(record.payload)
        batch.received += 1
        has_clock = "changed_at" in self.mapping.columns
        changed_at = record.changed_at if has_clock else observed
        if record.id is None:
            if content in self._nameless:
                batch.unchanged += 1
                return
            self._nameless.add(content)
        else:
            known = self._versions.get(record.id, ())
            first = self._places.get(record.id)
            if first is None:
                self._places[record.id] = _Place(self.mapping, path, line, changed_at)
            is_repeat = first is not None and (self.is_snapshot or first.path == path)
            # With a change clock an older version may come again. Without one only the newest counts; so it
            # does after the mapping changed, when an equal content may stem from the mapping before.
            if content in (known if has_clock and self._is_same[self.mapping.name] else known[-1:]):
                batch.duplicates += is_repeat
                batch.unchanged += not is_repeat
                return
            if first and is_repeat:
                times = self._times.setdefault(record.id, {first.changed_at})
                if not has_clock or self.mapping.entity == TICKET_EVENTS or changed_at in times:
                    self._refuse_repeat(path, line, first, record.id)
                times.add(changed_at)
            if record.id in self._versions and not known and changed_at:
                # It had vanished: it is back since the file says so, not since its own last change.
                changed_at = max(changed_at, observed)
            self._versions[record.id] = (*known, content)
        self.tallies[self.mapping.name].count(record, path, line)
        batch.append(record.id, record.payload, _microseconds(changed_at), False)

    def _refuse_repeat(self, path: Path, line: int, first: _Place, record_id: str) -> None:
        mapping = self.mapping
        hint = (
            "add a column to `id` that tells them apart"
            if mapping.entity == TICKET_EVENTS
            else "add a column to `id`, or map `changed_at` so that the newest row counts"
        )
        if first.mapping is not mapping:
            hint = f"{first.mapping.path} lists it too: let `file` or `where` give each row to one of the two"
        elif self.is_snapshot:
            hint += "; if each file is a later export, let `file` match one of them or use `mode: append`"
        raise MappingError(
            f"{path}: line {line}: id {record_id!r} ({mapping.id_text}) stands with other content "
            f"also in {first.path.name} line {first.line}; at {mapping.at('id')}: {hint}"
        )

    def _withdraw(self, observed: datetime) -> None:
        """Tombstones for the rows that are no longer in the list, or no longer under this id."""
        absent = [key for key, known in self._versions.items() if known and key not in self._places]
        if not self.is_snapshot:
            moved = self._moved()
            absent = [key for key in absent if self._owners.get(key) in moved or self._is_respelled(key)]
        if absent and not self._places:
            raise MappingError(
                f"{self.mapping.at('file')}: the files hold no row, which would delete all {len(absent)} "
                "that landed; export again, or remove the mapping if that is meant"
            )
        for key, payload in self._last_payloads(set(absent)):
            self._batch.tombstones += 1
            self._batch.append(key, payload, _microseconds(observed), True)
            if self._batch.is_full():
                self._write()

    def _last_payloads(self, ids: set[str]) -> Iterator[tuple[str, bytes]]:
        """Of each of these records its tombstone, by what landed last of it. Empties the set."""
        paths = self.landing.batches(self.mapping.source, self.mapping.entity) if self.landing else []
        for path in reversed([path for path in paths if path.stem not in self.uncounted]):
            if not ids:
                return
            for record_id, deleted, payload in _landed(path, newest_first=True):
                if record_id in ids and not deleted:
                    ids.remove(record_id)
                    yield record_id, _buried(payload)

    def _is_respelled(self, key: str) -> bool:
        """Whether a number in an id reads otherwise now, and came so."""
        plain = _numbers_plain(key)
        return plain != key and plain in self._places

    def _moved(self) -> set[str]:
        """Names of the mappings whose `id` changed: their rows land under another one."""
        return {
            name
            for name, before in self._before.items()
            if before.get("key") and not _is_same_key(before["key"], self._declared[name]["key"])
        }

    @staticmethod
    def _begin() -> Batch:
        batch = Batch(time.monotonic)
        batch.begin(datetime.now(UTC))
        return batch

    def _write(
        self,
        notes: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        listed: tuple[int, int] | None = None,
    ) -> None:
        batch, result, mapping, files = self._batch, self.result, self.mapping, self._sources
        self._batch, self._sources = self._begin(), set()
        if not self.landing:
            return
        info = self.landing.write(
            source=mapping.source,
            vendor=VENDOR,
            stream=mapping.entity,
            account=None,
            spec_version=SPEC_VERSION,
            cursors=self.cursors,
            rows=batch.table(),
            received=batch.received,
            duplicates=batch.duplicates,
            unchanged=batch.unchanged,
            tombstones=batch.tombstones,
            notes=notes,
            files=sorted(files),
            supersedes=supersedes,
            listed=listed,
        )
        result.batches.append(info.batch_id)
        result.received += batch.received
        result.landed += info.landed
        result.duplicates += batch.duplicates
        result.unchanged += batch.unchanged
        result.tombstones += batch.tombstones
        result.notes += notes
        self.progress(result)


def no_file(mapping: Mapping) -> str:
    """That the mapping finds no file, and what to do."""
    folder = mapping.path.parent
    return f"{mapping.at('file')}: no file matches {mapping.file!r} in {folder}; put the export there"


def _microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - EPOCH) // timedelta(microseconds=1)


def _record_key(mapping: Mapping) -> list[str]:
    """What the ids of a mapping's records are made of; an answer's ends with its question."""
    parts = [_OR.join(names) for names in mapping.id]
    if pattern := mapping.patterns.get("id"):
        parts.append(pattern.pattern)
    return [*parts, *([f"/{mapping.question.id}"] if mapping.question else [])]


_OR = " | "


def _is_same_key(old: list[str], new: list[str]) -> bool:
    """Whether two keys may give the same ids: a column may have got another name."""
    return len(old) == len(new) and all(
        set(before.split(_OR)) & set(now.split(_OR)) for before, now in zip(old, new, strict=True)
    )


def _suffix(mapping: Mapping, key: list[str]) -> str:
    """How the record ids of a list end."""
    return key[-1] if mapping.entity == SURVEY_ANSWERS and key else ""


def _numbers_plain(record_id: str) -> str:
    """The id as it reads since numbers read the same from every format."""
    return re.sub(r"(?<![^/])(0|-?[1-9]\d*)\.00?(?![^/])", r"\1", record_id)
