"""Reading what can be asked for by its subject only, one request each: conversations of changed tickets.

The cursor `""` is the place in the landing of the subjects through which was read: `batch` and `row`, the
last batch that was known then (`known`), and the subjects that answered 404 (`missing`) or failed otherwise
(`failed`). A subject is read at the place where it landed last, and again after it failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing import Landing
from ingestion.paging import SECOND, State

if TYPE_CHECKING:
    from ingestion.streams import Partitions

#: So many subjects in a row may fail: more are no fault of theirs.
IN_A_ROW = 3
#: No answer, wrong credentials, too much asked: the next subject fares no better.
OF_ALL = {None, 401, 408, 429}
#: So long after a change all of the vendor's machines know of it.
SETTLED = 60 * SECOND


class Lacking:
    """The subjects that could not be read; their names are part of the cursor."""

    def __init__(self, state: State) -> None:
        self._missing, self._failed = set(state.get("missing", ())), set(state.get("failed", ()))
        self._in_a_row = 0

    @property
    def state(self) -> State:
        """What the cursor keeps of them."""
        return {"missing": sorted(self._missing), "failed": sorted(self._failed)}

    def had(self, name: str) -> None:
        """A subject was read."""
        self._missing.discard(name)
        self._failed.discard(name)
        self._in_a_row = 0

    def is_gone(self, name: str) -> None:
        """A subject answered 404."""
        self.had(name)
        self._missing.add(name)

    def may_fail(self, name: str, status: int | None) -> bool:
        """Leave a subject that answered so for later; False if it is not its fault, or so many in a row."""
        self._in_a_row += 1
        if status in OF_ALL or self._in_a_row > IN_A_ROW:
            return False
        self._failed.add(name)
        return True


def of_changed(landing: Landing, source: str, stream: str, subjects: str) -> Partitions:
    """The subjects that landed since they were read, the longest waiting first.

    Args:
        landing: The landing.
        source: The source.
        stream: What is read by subject.
        subjects: The stream of its subjects.
    """
    from ingestion.streams import Partitions

    latest = landing.latest(source, stream)
    state = latest.cursors.get("", {}) if latest else {}
    done = state.get("batch", ""), state.get("row", -1)
    known, failed = state.get("known", ""), state.get("failed", [])
    # Of what was not read at its place, no earlier one tells that it was.
    hidden = {*state.get("missing", ()), *failed}
    places: dict[str, tuple[str, int]] = {}
    fetched: dict[str, int] = {}
    batches = landing.batches(source, subjects)
    for path in batches:
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
                continue
            if path.stem <= known:
                hidden.add(subject)
            if deleted:
                places.pop(subject, None)
            else:
                places[subject] = path.stem, row
    # First what failed before: that moves the cursor nowhere.
    again = [subject for subject in failed if subject not in places]
    pending = [*again, *sorted(places, key=places.__getitem__)]
    newest, marks = batches[-1].stem if batches else "", {}
    for subject in pending:
        batch, row = places.get(subject, done)
        marks[subject] = {"batch": batch, "row": row, "known": newest}
    return Partitions(
        pending,
        marks=marks,
        read_before={
            subject: fetched[subject] - SETTLED
            for subject in pending
            if subject in fetched and subject not in hidden
        },
    )
