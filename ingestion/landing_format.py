"""The format of a landing file: where it lies, which columns it holds, what it says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

#: Version of the metadata; since 2 a batch names its predecessor.
FORMAT, READABLE = 2, (1, 2)
#: Under which the file's own metadata keeps ours, as JSON.
METADATA_KEY = b"cxmarts"
#: What it counts; `received + tombstones = landed + duplicates + unchanged`.
COUNTS = ("received", "landed", "duplicates", "unchanged", "tombstones")

TIMESTAMP = pa.timestamp("us", tz="UTC")
#: Column -> type and meaning, in their order.
COLUMNS: Mapping[str, tuple[pa.DataType, str]] = {
    "record_id": (pa.string(), "The vendor's id; null if it gave none."),
    "changed_at": (TIMESTAMP, "The vendor's change clock, UTC."),
    "deleted": (pa.bool_(), "Whether the record is gone."),
    "payload": (pa.string(), "The record's JSON as the vendor sent it."),
    "fetched_at": (TIMESTAMP, "When it was fetched, UTC."),
    "batch_id": (pa.string(), "The file it landed in; sorts by time."),
}
SCHEMA = pa.schema([(name, type_) for name, (type_, _) in COLUMNS.items()])
#: A row's place in its file: no column of it, the engine counts.
ROW_NUMBER = "file_row_number"

_BATCH_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{4}")
_REFETCH = re.compile(r"refetch( since (?P<since>\S+))?", re.IGNORECASE)


class Place(NamedTuple):
    """Where a file lies: `<source>/<stream>/<YYYY-MM-DD>/<batch_id>.parquet`."""

    source: str
    stream: str
    batch_id: str

    @classmethod
    def of(cls, path: Path | str) -> Place:
        """The place of a file, wherever the landing is."""
        *_, source, stream, _, file = Path(path).parts
        return cls(source, stream, Path(file).stem)

    @property
    def path(self) -> Path:
        """The file, below the landing."""
        day = f"{self.batch_id[:4]}-{self.batch_id[4:6]}-{self.batch_id[6:8]}"
        return Path(self.source, self.stream, day, f"{self.batch_id}.parquet")

    @property
    def is_batch(self) -> bool:
        """Whether the file is named as batches are."""
        return _BATCH_ID.fullmatch(self.batch_id) is not None


def read_metadata(found: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What a file says of itself, of the metadata that Parquet gives.

    Raises:
        ValueError: it says nothing of ours, or no JSON object.
    """
    try:
        told = json.loads((found or {})[METADATA_KEY])
    except KeyError:
        raise ValueError("it has no cxmarts metadata") from None
    if not isinstance(told, dict):
        raise ValueError("its metadata is no object")
    return told


def refetch_note(since: datetime | None) -> str:
    """The remark that lands with a cursor that reads a stream again; None: from its start."""
    return f"refetch since {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else "refetch"


def refetches(notes: Iterable[str]) -> list[datetime | None]:
    """Of each remark that tells of reading again, since when (None: from the start)."""
    found = [mark["since"] for note in notes if (mark := _REFETCH.match(note))]
    return [datetime.fromisoformat(since) if since else None for since in found]
