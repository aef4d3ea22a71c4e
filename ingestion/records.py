"""Pages split into records, records gathered into batches: as little Python per record as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landed import Landed
from ingestion.landing import Landing
from ingestion.landing_format import TIMESTAMP
from ingestion.paging import SECOND
from ingestion.streams import Stream

#: A batch ends with the page that reaches one of these: rows, bytes of payload, seconds.
BATCH_ROWS, BATCH_BYTES, BATCH_SECONDS = 100_000, 64 * 1024 * 1024, 60.0

_MAX_TIME = 253_402_300_799  # the last second of year 9999


@dataclass
class Known:
    """What a complete list is compared with.

    Attributes:
        records: Newest landed version by id; a record without id stands under its payload.
        versions: Clock of each record when its detail was last read.
        is_current: Equal content need not land again.
        listed: Ids that the running walk has met.
        is_read: The walk reached the list's end.
    """

    records: dict[str | bytes, Landed] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    is_current: bool = True
    listed: set[str | None] = field(default_factory=set)
    is_read: bool = False

    @property
    def size(self) -> int:
        """Records with an id that are not deleted."""
        return sum(isinstance(key, str) and not landed.deleted for key, landed in self.records.items())

    @classmethod
    def read(cls, landing: Landing, source: str, stream: str) -> Known:
        """Everything that landed of one stream; for lists, which are small."""
        known = cls()
        for path in landing.batches(source, stream):
            table = pq.read_table(path, columns=["record_id", "changed_at", "deleted", "payload"])
            changed = table["changed_at"].cast(pa.int64()).to_pylist()
            columns = (table["record_id"].to_pylist(), changed, table["deleted"].to_pylist())
            for record_id, at, deleted, payload in zip(*columns, table["payload"].to_pylist(), strict=True):
                body = payload.encode()
                known.records[body if record_id is None else record_id] = Landed(body, deleted, at)
        return known


class Batch:
    """Records on their way into one file."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ids: list[str | None] = []
        self.payloads: list[bytes] = []
        self.clocks: list[int | None] = []
        self.deleted: list[bool] = []
        self.fetched: list[tuple[int, datetime]] = []
        self.index: dict[str | bytes, bytes] = {}
        self.received = self.duplicates = self.unchanged = self.tombstones = self.size = 0
        self.notes: list[str] = []
        self.skipped: list[dict[str, Any]] = []
        self.must_land = False
        self.listed: tuple[int, int] | None = None
        self._clock, self._started = clock, clock()

    def begin(self, date: datetime) -> None:
        """What follows was fetched at this time."""
        self.fetched.append((len(self.ids), date))

    def holds(self, record_id: str | None, record: bytes) -> bool:
        """Whether the same content of the same record is in the batch."""
        return self.index.get(record if record_id is None else record_id) == record

    def append(self, record_id: str | None, record: bytes, clock: int | None, deleted: bool) -> None:
        """Append one record that the batch does not hold; `clock` in microseconds since 1970."""
        self.index[record if record_id is None else record_id] = record
        self.ids.append(record_id)
        self.payloads.append(record)
        self.clocks.append(clock)
        self.deleted.append(deleted)
        self.size += len(record)

    def extend(
        self,
        ids: Sequence[str | None],
        records: Sequence[bytes],
        clocks: Sequence[int | None],
        deleted: Sequence[bool],
    ) -> None:
        """Append records that have an id each and are not in the batch."""
        self.index.update(zip((each for each in ids if each is not None), records, strict=True))
        self.ids += ids
        self.payloads += records
        self.clocks += clocks
        self.deleted += deleted
        self.size += sum(map(len, records))

    def is_full(self) -> bool:
        """Whether the batch has to land now."""
        return (
            len(self.ids) >= BATCH_ROWS
            or self.size >= BATCH_BYTES
            or ((bool(self.ids) or self.must_land) and self._clock() - self._started >= BATCH_SECONDS)
        )

    def table(self) -> pa.Table:
        """The columns of the landing but the batch id."""
        ends = [start for start, _ in self.fetched[1:]] + [len(self.ids)]
        stamps = [
            pa.repeat(pa.scalar(date, TIMESTAMP), end - start)
            for (start, date), end in zip(self.fetched, ends, strict=True)
        ]
        return pa.table(
            {
                "record_id": pa.array(self.ids, pa.string()),
                "changed_at": pa.array(self.clocks, pa.int64()).cast(TIMESTAMP),
                "deleted": pa.array(self.deleted, pa.bool_()),
                "payload": pa.array(self.payloads, pa.binary()).cast(pa.string()),
                "fetched_at": pa.chunked_array(stamps, TIMESTAMP),
            }
        )


class Decoded(NamedTuple):
    """A page, split: nothing but the fields that the landing needs was read from the records."""

    envelope: dict[str, Any]
    records: list[bytes]
    ids: list[str | None]
    clocks: list[int | None]
    order: list[int | None]
    deleted: list[bool]


class Decoder:
    """Splits the answers of one stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        mark = stream.deletion.field if stream.deletion else None
        clock = None if callable(stream.clock) else stream.clock
        order = None if callable(stream.paging.order) else stream.paging.order
        names = dict.fromkeys((stream.id_field, clock, order, mark))
        self._fields = {name: f"f{at}" for at, name in enumerate(names) if name is not None}
        # Any type is taken, so that a field of another type costs no page.
        fields = [(alias, Any, None) for alias in self._fields.values()]
        aliases = {alias: name for name, alias in self._fields.items()}
        entry = msgspec.defstruct("Entry", fields, rename=aliases, gc=False)
        self._entry = msgspec.json.Decoder(entry)
        self._nothing = entry()
        is_one = stream.record_id is not None
        self._records = self._decoder(msgspec.Raw if is_one else list[msgspec.Raw])
        self._entries = self._decoder(entry if is_one else list[entry])  # type: ignore[valid-type]

    def _decoder(self, records: Any) -> msgspec.json.Decoder[Any]:
        if not self._stream.records:
            return msgspec.json.Decoder(records)
        envelope = [(name, Any, None) for name in self._stream.paging.envelope]
        fields: list[Any] = [("records", records), *envelope]
        rename = {"records": self._stream.records}
        return msgspec.json.Decoder(msgspec.defstruct("Answer", fields, rename=rename))

    def decode(self, body: bytes) -> Decoded:
        """Split one answer.

        Raises:
            msgspec.DecodeError: it is no JSON, or lacks the array of records.
        """
        answer = self._records.decode(body)
        names = self._stream.paging.envelope
        if self._stream.records:
            envelope = {name: getattr(answer, name) for name in names}
            raw = answer.records if self._stream.record_id is None else [answer.records]
        else:
            envelope, raw = dict.fromkeys(names), answer
        records = [bytes(each) for each in raw]
        entries = self._read_entries(body, records)
        stream = self._stream
        if stream.record_id is not None and self._values(entries, str(stream.clock)) == [None]:
            return Decoded(envelope, [], [], [], [], [])
        if callable(stream.clock):
            clocks = [stream.clock(record) for record in records]
        else:
            clocks = microseconds(self._values(entries, stream.clock))
        order = clocks
        if callable(stream.paging.order):
            order = [stream.paging.order(record) for record in records]
        elif stream.paging.order is not None:
            order = microseconds(self._values(entries, stream.paging.order))
        ids = [
            each if type(each) is str and each else str(each) if type(each) is int else None
            for each in self._values(entries, stream.id_field)
        ]
        if stream.record_id is not None:
            ids = [stream.record_id]
        if stream.deletion is None:
            deleted = [False] * len(records)
        else:
            deleted = list(map(stream.deletion.is_deleted, self._values(entries, stream.deletion.field)))
        return Decoded(envelope, records, ids, clocks, order, deleted)

    def _read_entries(self, body: bytes, records: list[bytes]) -> list[Any]:
        try:
            entries = self._entries.decode(body)
        except msgspec.ValidationError:
            return [self._read_entry(record) for record in records]
        found = entries.records if self._stream.records else entries
        return found if self._stream.record_id is None else [found]

    def _read_entry(self, record: bytes) -> Any:
        try:
            return self._entry.decode(record)
        except msgspec.ValidationError:
            return self._nothing  # not an object: it lands without id, for the gate to reject

    def _values(self, entries: Iterable[Any], name: str | None) -> list[Any]:
        if name is None:
            return [None for _ in entries]
        alias = self._fields[name]
        return [getattr(entry, alias) for entry in entries]


def microseconds(values: list[Any]) -> list[int | None]:
    """Times as microseconds since 1970 UTC; None where a value is no time.

    Args:
        values: ISO 8601 texts with a zone, or unix seconds; a text without a zone is no time.
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        try:
            return _parse(values)
        except pa.ArrowInvalid:
            pass
    elif kinds == {int} and min(values) >= 0 and max(values) <= _MAX_TIME:
        return [value * SECOND for value in values]
    return [_microsecond(value) for value in values]


def _microsecond(value: Any) -> int | None:
    if type(value) is int and 0 <= value <= _MAX_TIME:
        return value * SECOND
    if type(value) is str:
        try:
            return _parse([value])[0]
        except pa.ArrowInvalid:
            pass
    return None


def _parse(values: list[str]) -> list[int | None]:
    parsed: list[int | None] = pa.array(values, pa.string()).cast(TIMESTAMP).cast(pa.int64()).to_pylist()
    return parsed
