"""Reading a stream's history again, a stretch a night, where no vendor tells of deletions.

A pass leads from the oldest record that we hold to the newest, in whole requests spread over its nights; the
next one begins where it ends. Its state, per partition (`""` without any): `begun` (unix seconds; 0: all of
it is due at once), `from` (the second where the next stretch begins) and, while a stretch came back with
nothing at all, `empty` (when it first did).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.landed import Landed
from ingestion.landing import Landing
from ingestion.landing_format import SCHEMA, TIMESTAMP
from ingestion.paging import SECOND, State

DAY = 86_400
#: Of a page's records, how many that we hold, so that there is room for those that we do not; pages of a
#: stretch.
FILL, STRETCH = 0.9, 10
#: Seconds read on both sides of a stretch, of which nothing is judged: clocks differ, filters round.
MARGIN = 60
#: Seconds after which a record is judged, and a stretch without any record believed if it still has none.
SETTLED, BELIEVED = DAY, 20 * 3600
#: Ids in a request that asks for these alone; records that are asked for one by one in a night.
IDS, LOOKUPS = 100, 1_000


class Held:
    """What landed of a stream: the newest version of each record, whose id may be `<partition>/<id>`.

    What left it for one of the streams `trash` later counts as deleted.
    """

    def __init__(self, landing: Landing, source: str, stream: str, trash: Sequence[str] = ()) -> None:
        self._paths = landing.batches(source, stream)
        columns = ["record_id", "changed_at", "deleted"]
        rows = pa.concat_tables(
            [
                SCHEMA.empty_table(),
                *(pq.read_table(path, columns=columns) for path in self._paths),
                *(_gone(path) for name in trash for path in landing.batches(source, name)),
            ],
            promote_options="default",
        )
        rows = pa.table(
            {
                "id": rows["record_id"],
                "micros": pc.fill_null(rows["changed_at"].cast(pa.int64()), -1),
                "place": pa.array(range(rows.num_rows), pa.int64()),
                "deleted": rows["deleted"],
            }
        )
        rows = rows.filter(pc.is_valid(rows["id"])).sort_by([("micros", "ascending"), ("place", "ascending")])
        newest = rows.group_by("id", use_threads=False).aggregate([("micros", "last"), ("deleted", "last")])
        self._newest = newest.filter(pc.invert(newest["deleted_last"]))
        self._partitions = pc.replace_substring_regex(self._newest["id"], "/?[^/]*$", "")

    def times(self, ids: Iterable[str]) -> dict[str, int]:
        """When those of the records changed last that are not deleted, in microseconds since 1970."""
        wanted = pa.array(list(ids), pa.string())
        found = self._newest.filter(pc.is_in(self._newest["id"], value_set=wanted))
        return dict(zip(found["id"].to_pylist(), found["micros_last"].to_pylist(), strict=True))

    def seconds(self, partition: str, before: int) -> list[int]:
        """When the records were made that are not deleted, before a second; of those without a time none."""
        micros = self._newest.filter(pc.equal(self._partitions, partition))["micros_last"].to_pylist()
        return sorted(at // SECOND for at in micros if 0 < at < before * SECOND)

    def within(self, partition: str, first: int, last: int) -> dict[str, Landed]:
        """What changed last in these seconds, both included, with its content; deleted records too."""
        low, high = (pa.scalar(edge * SECOND, pa.int64()).cast(TIMESTAMP) for edge in (first, last + 1))
        chosen = (pc.field("changed_at") >= low) & (pc.field("changed_at") < high)
        found: dict[str, Landed] = {}
        for path in self._paths:
            rows = pq.read_table(
                path, columns=["record_id", "changed_at", "deleted", "payload"], filters=chosen
            )
            micros = rows["changed_at"].cast(pa.int64()).to_pylist()
            columns = (rows["record_id"].to_pylist(), micros, rows["deleted"].to_pylist())
            for record_id, at, deleted, payload in zip(*columns, rows["payload"].to_pylist(), strict=True):
                if record_id is None or record_id.rpartition("/")[0] != partition:
                    continue
                earlier = found.get(record_id)
                if earlier is None or (earlier.changed_at or 0) <= at:
                    found[record_id] = Landed(payload.encode(), deleted, at)
        newest = self.times(found)
        return {
            record_id: landed
            for record_id, landed in found.items()
            if landed.deleted or newest.get(record_id) == landed.changed_at
        }


def _gone(path: Path) -> pa.Table:
    table = pq.read_table(path, columns=["record_id", "changed_at"])
    return table.append_column("deleted", pa.repeat(pa.scalar(True), table.num_rows))


def due(
    partition: str, state: State, seconds: Sequence[int], now: int, days: int, size: int
) -> Iterator[tuple[int, int]]:
    """The stretches to read now, the oldest first: first and last second, both included.

    Args:
        partition: Its name moves the nights of its requests, so that they differ between partitions.
        state: The pass.
        seconds: When the records that we hold were made, sorted.
        now: The vendor's now.
        days: Within which every record is read again.
        size: Records of a page.
    """
    block = int(size * FILL)
    done, wanted = bisect_left(seconds, state.get("from", 0)), len(seconds)
    if not is_ending(state, now, days):
        share = (now - state["begun"]) / ((_period(days) - 1) * DAY)
        phase = crc32(partition.encode()) % 100 / 100
        wanted = min(wanted, int(-(-wanted // block) * share + phase) * block)
        if done and wanted - done < block:
            return  # not worth a request before the pass ends
    while done < wanted:
        last = seconds[min(done + STRETCH * block, wanted) - 1]
        yield seconds[done], last
        done = bisect_right(seconds, last)


def is_ending(state: State, now: int, days: int) -> bool:
    """Whether all that is left of a pass is due: the next night may come some minutes later."""
    return now >= int(state["begun"]) + (_period(days) - 1) * DAY


def is_late(state: State, now: int, days: int) -> bool:
    """Whether a part may have waited longer than it may."""
    return now > int(state["begun"]) + days * DAY


def _period(days: int) -> int:
    """Nights of a pass."""
    return max(1, days - 1)


class _Typed(msgspec.Struct):
    response_type: str | None = None


def is_whole(payload: bytes) -> bool:
    """Whether a response was submitted, so that its time is the one that the vendor filters by."""
    try:
        return msgspec.json.decode(payload, type=_Typed).response_type in (None, "completed")
    except msgspec.DecodeError:
        return False
