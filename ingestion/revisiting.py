"""Reading again what may change for a while after its creation, where only what was created can be asked for.

A record whose subject changed is asked for by the subject, the same night. Beside that each is read again at
some ages, the last one when it can change no more, so that no change waits longer than the source's
`reread_days`, whether its subject told of it or not. The state is the cursor `again`: `begun` (what changed
before was read), `read` (per age: from which creation on records wait for it) and `told` (the subjects' last
batch that was asked about).

Times are unix milliseconds; the records' ids are ULIDs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.landed import Landed, ulid_floor, ulid_time
from ingestion.landing import Landing
from ingestion.paging import State

AGAIN = "again"
DAY = 86_400_000


@dataclass(frozen=True)
class Revisits:
    """How a stream's records are read again.

    Attributes:
        lifetime: How long after its creation a record may change.
        subjects: Stream of what the records are about.
        subject_of: Of a record, its subject's name in requests and its id in that stream; None without one.
        since: Query parameter of the first creation, included.
        until: Of the last creation, included.
        about: Of the subjects' names, separated by commas.
        size: Records a page.
    """

    lifetime: int
    subjects: str
    subject_of: Callable[[bytes], tuple[str, str] | None]
    since: str
    until: str
    about: str
    size: int

    def ages(self, days: int) -> list[int]:
        """The ages at which each record is read again; 0: all that may still change, each time."""
        nights = (days - 1) * DAY
        if not nights:
            return [0]
        times = -(-self.lifetime // (nights * 3 // 4))
        return [-(-self.lifetime * at // times) for at in range(1, times + 1)]

    def begin(self, at: int, days: int) -> State:
        """The state after a reading of everything that began at a time."""
        read = {str(age): at - (age or self.lifetime) for age in self.ages(days)}
        return {"begun": at, "read": read, "told": ""}

    def adopt(self, state: State, now: int, days: int) -> State:
        """The state under days that may be others than before: then all that may have changed is due once."""
        ages = self.ages(days)
        if sorted(state["read"]) == sorted(map(str, ages)):
            return state
        waiting = {str(ages[0]): min(state["read"].values())}
        return {**state, "read": {str(age): now - age for age in ages} | waiting}

    def due(self, state: State, made: Sequence[int], now: int, days: int) -> list[tuple[str, int, int]]:
        """What to read now: age, first and last creation, both included.

        Whole pages, unless a record would wait too long for one.

        Args:
            state: The state.
            made: When the records that we hold were created, sorted.
            now: The vendor's now.
            days: Within which a change is seen.
        """
        patience = max(0, (days - 1) * DAY - self.ages(days)[0])
        windows = []
        for age, first in state["read"].items():
            last = now - int(age)
            if last - first <= patience:
                begin = bisect_left(made, first)
                pages = (bisect_right(made, last) - begin) // self.size
                if not pages:
                    continue
                last = made[begin + pages * self.size - 1]
            windows.append((age, first, last))
        return windows

    def after(self, age: str, last: int) -> int:
        """From which creation on records wait for an age that was read through `last`."""
        return last + 1 - (0 if int(age) else self.lifetime)

    def subjects_to_ask(
        self, held: Mapping[str, Landed], told: Mapping[str, int], met: Collection[str | None]
    ) -> list[str]:
        """Names of the subjects that changed while a record about them might, which was not met since."""
        names: dict[str, None] = {}
        for record_id, landed in held.items():
            if record_id in met or (subject := self.subject_of(landed.payload)) is None:
                continue
            name, subject_id = subject
            if subject_id in told and told[subject_id] <= created(record_id) + self.lifetime:
                names[name] = None
        return list(names)


def held_since(landing: Landing, source: str, stream: str, first: int) -> dict[str, Landed]:
    """The version that landed last of each record that was created since."""
    found: dict[str, Landed] = {}
    for path in landing.batches(source, stream):
        rows = pq.read_table(
            path,
            columns=["record_id", "changed_at", "deleted", "payload"],
            filters=pc.field("record_id") >= ulid_floor(first),
        )
        changed = rows["changed_at"].cast(pa.int64()).to_pylist()
        columns = (rows["record_id"].to_pylist(), changed, rows["deleted"].to_pylist())
        for record_id, at, deleted, payload in zip(*columns, rows["payload"].to_pylist(), strict=True):
            if ulid_time(record_id) is not None:
                found[record_id] = Landed(payload.encode(), deleted, at)
    return found


def told_since(landing: Landing, source: str, stream: str, state: State) -> tuple[dict[str, int], str]:
    """When each subject changed first of those that landed since, by its id; and the last batch."""
    told, last = dict[str, int](), state["told"]
    for path in landing.batches(source, stream):
        if path.stem <= state["told"]:
            continue
        rows, last = pq.read_table(path, columns=["record_id", "changed_at"]), path.stem
        changed = rows["changed_at"].cast(pa.int64()).to_pylist()
        for subject, at in zip(rows["record_id"].to_pylist(), changed, strict=True):
            at = state["begun"] if at is None else at // 1000
            # A change clock may count whole seconds.
            if subject is not None and at + 1000 > state["begun"]:
                told[subject] = min(at, told.get(subject, at))
    return told, last


def created(record_id: str) -> int:
    """When a record was created whose id is a ULID."""
    return (ulid_time(record_id) or 0) // 1000
