"""Reading what a landing file says about itself: envelope, counts, days. Payloads are not looked into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.landing_format import COUNTS, Place, read_metadata, refetches
from quality.store import Batch
from quality.suites.landing import CLOCK_SLACK_SECONDS
from quality.volume import DayVolume

_ENVELOPE = ["record_id", "changed_at", "fetched_at"]


@dataclass
class Landed:
    """A batch under judgement.

    `previous` is what was known of it, `problem` why its file cannot be read. `replaces` are ids of batches
    whose rows it holds in place of their own files, `supersedes` of those that were held and of which all was
    read again. `listed` counts the records of a complete list before it and after.
    """

    batch: Batch
    envelope: pd.DataFrame
    previous: Batch | None = None
    problem: str = ""
    replaces: Sequence[str] = ()
    supersedes: Sequence[str] = ()
    listed: tuple[int | None, int | None] = (None, None)
    volume: DayVolume | None = None

    @property
    def label(self) -> str:
        """The batch in one word."""
        return "/".join(self.batch.key)


def read(path: Path, previous: Batch | None = None) -> Landed:
    """A file's envelope and counts. One that cannot be read has a `problem` and no rows."""
    try:
        return _read(path, previous)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        source, stream, batch_id = Place.of(path)
        batch = Batch(source=source, vendor="", stream=stream, batch_id=batch_id, path=str(path), rows=0)
        problem = " ".join(str(error).split())[:200] or type(error).__name__
        return Landed(batch, pd.DataFrame(), previous, problem)


def _read(path: Path, previous: Batch | None) -> Landed:
    source, stream, batch_id = Place.of(path)
    with pq.ParquetFile(path) as file:
        metadata = read_metadata(file.metadata.metadata)
        if (metadata.get("source"), metadata.get("stream")) != (source, stream):
            raise ValueError(f"it belongs to {metadata.get('source')}/{metadata.get('stream')}")
        if absent := sorted({*_ENVELOPE, "payload"} - set(file.schema_arrow.names)):
            raise ValueError(f"it has no column {', '.join(absent)}")
        table = file.read(columns=_ENVELOPE, use_threads=False)
        envelope = table.to_pandas()
        envelope["payload_is_object"] = _payload_flags(file)
    fetched = table["fetched_at"]
    latest = pc.add(fetched.cast(pa.int64()), CLOCK_SLACK_SECONDS * 1_000_000)
    # A change time in the future says nothing about how far the stream has come.
    changed = table["changed_at"].filter(pc.less_equal(table["changed_at"].cast(pa.int64()), latest))
    ends = pc.min_max(changed).as_py()
    received, landed, duplicates, unchanged, tombstones = (_count(metadata, name) for name in COUNTS)
    batch = Batch(
        source=source,
        vendor=str(metadata.get("vendor", "")),
        stream=stream,
        batch_id=batch_id,
        path=str(path),
        rows=table.num_rows,
        received=received,
        landed=landed,
        duplicates=duplicates,
        unchanged=unchanged,
        tombstones=tombstones,
        first_changed_at=ends["min"],
        last_changed_at=ends["max"],
        fetched_at=pc.max(fetched).as_py(),
        day_counts={
            each["values"]: each["counts"] for each in pc.value_counts(changed.cast(pa.date32())).to_pylist()
        },
        predecessor=metadata.get("predecessor"),
    )
    return Landed(
        batch,
        envelope,
        previous,
        replaces=metadata.get("replaces", ()),
        supersedes=metadata.get("supersedes", ()),
        listed=metadata.get("listed") or (None, None),
    )


@dataclass(frozen=True)
class Restart:
    """A request to read a stream again from a time on (None: from its start) that was followed by data."""

    batch_id: str
    since: datetime | None


def restarts(paths: Iterable[Path]) -> list[Restart]:
    """When a stream was read again, the newest first; of all files of the stream."""
    found, has_data = [], False
    for path in sorted(paths, key=lambda path: path.stem, reverse=True):
        try:
            metadata = read_metadata(pq.read_metadata(path).metadata)
        except (OSError, ValueError, pa.ArrowException):
            continue
        if metadata.get("received"):
            has_data = True
            continue
        if has_data and (since := refetches(map(str, metadata.get("notes", ())))):
            found.append(Restart(path.stem, since[0]))
    return found


def _count(metadata: Mapping[str, Any], name: str) -> int | None:
    value = metadata.get(name)
    return value if isinstance(value, int) else None


def _payload_flags(file: pq.ParquetFile) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Per row: is the payload an object? Ingestion cut it out of parsed JSON, so its ends tell.

    Where the footer has the least and the greatest payload and both begin with a brace, so do all between,
    and the payloads need not be read.
    """
    column = file.schema_arrow.get_field_index("payload")
    flags = []
    for group in range(file.metadata.num_row_groups):
        stored = file.metadata.row_group(group)
        known = stored.column(column).statistics
        if (
            known
            and known.has_min_max
            and known.null_count == 0
            and _braced(known.min)
            and _braced(known.max)
        ):
            flags.append(np.ones(stored.num_rows, dtype=bool))
            continue
        payload = file.read_row_group(group, columns=["payload"], use_threads=False)["payload"]
        is_object = pc.and_(pc.starts_with(payload, "{"), pc.ends_with(payload, "}"))
        flags.append(pc.fill_null(is_object, False).to_numpy(zero_copy_only=False))
    return np.concatenate(flags) if flags else np.empty(0, dtype=bool)


def _braced(value: object) -> bool:
    return value[:1] in ("{", b"{") if isinstance(value, str | bytes) else False
