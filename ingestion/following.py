"""Reading what can be asked for by its subject only, one request each: conversations of changed tickets.

The cursor `""` is the place in the landing of the subjects through which was read: `batch` and `row`, and the
subjects that answered 404 (`missing`). A subject is read at the place where it landed last.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing import Landing
from ingestion.paging import SECOND
from ingestion.streams import Partitions

#: So long after a change all of the vendor's machines know of it.
SETTLED = 60 * SECOND


def of_changed(
    landing: Landing, source: str, stream: str, subjects: str, trash: Collection[str] = ()
) -> Partitions:
    """The subjects that landed since they were read, the longest waiting first.

    Args:
        landing: The landing.
        source: The source.
        stream: What is read by subject.
        subjects: The stream of its subjects.
        trash: Streams of subjects that were out of sight: what is known of these is not relied on.
    """
    latest = landing.latest(source, stream)
    state = latest.cursors.get("", {}) if latest else {}
    done = state.get("batch", ""), state.get("row", -1)
    hidden = set(state.get("missing", ()))
    for name in trash:
        for path in landing.batches(source, name):
            hidden.update(_column(path, "record_id"))
    places: dict[str, tuple[str, int]] = {}
    fetched: dict[str, int] = {}
    for path in landing.batches(source, subjects):
        names = ["record_id", "fetched_at", "deleted"]
        table = pq.read_table(path, columns=names)
        columns = table["fetched_at"].cast(pa.int64()).to_pylist(), table["deleted"].to_pylist()
        for row, (subject, at, deleted) in enumerate(
            zip(table["record_id"].to_pylist(), *columns, strict=True)
        ):
            if subject is None:
                continue
            if (path.stem, row) <= done:
                fetched[subject] = at
            elif deleted:
                places.pop(subject, None)
            else:
                places[subject] = path.stem, row
    pending = sorted(places, key=places.__getitem__)
    return Partitions(
        pending,
        marks={subject: dict(zip(("batch", "row"), places[subject], strict=True)) for subject in pending},
        read_before={
            subject: fetched[subject] - SETTLED
            for subject in pending
            if subject in fetched and subject not in hidden
        },
    )


def _column(path: Path, name: str) -> list[str]:
    return pq.read_table(path, columns=[name])[name].to_pylist()  # type: ignore[no-any-return]
