"""The three gates: what landed, what is staged, what would be published. Verdicts go to the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from ingestion.landing_format import COUNTS, Place
from quality.contracts import Contract
from quality.history import judge_volume
from quality.landed import Landed, Restart, read, restarts
from quality.runner import CHUNK_ROWS, Known, judge
from quality.store import Batch, Build, Key, Store
from quality.suites import landing, marts, staged
from quality.verdicts import Suite, Verdict
from quality.volume import DayVolume

MAY_LAG = "The source may lag (CXMARTS_ALLOW_STALE): the marts keep what had passed of it before"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class LandingReport:
    """What the landing gate judged now, and all that is held.

    `faulty` has a row per faulty row of a batch that this gate holds: source, stream, batch_id, record_id
    (null where the row has none), reason.
    """

    batches: list[Batch]
    verdicts: list[Verdict]
    held: list[Batch]
    faulty: pd.DataFrame


@dataclass(frozen=True)
class StagedReport:
    """What the staged gate said about one model's rows; `held` are ids of batches, `faulty` as above."""

    verdicts: list[Verdict]
    held: list[str]
    faulty: pd.DataFrame


@dataclass(frozen=True)
class MartsReport:
    """The verdict on a build, with its reasons."""

    build: Build
    verdicts: list[Verdict]


def lenient(verdicts: Iterable[Verdict], may_lag: Collection[str]) -> list[Verdict]:
    """The verdicts as they count for publishing: what holds back a source that may lag is only a warning."""
    return [
        replace(v, severity="warning", message=f"{v.message}. {MAY_LAG}")
        if v.blocks and v.source in may_lag
        else v
        for v in verdicts
    ]


def judge_batches(
    store: Store,
    paths: Iterable[Path],
    *,
    incomplete: Collection[tuple[str, str]] = (),
    lagging: Iterable[tuple[str, str]] = (),
    days_off: Mapping[str, Collection[date]] = MappingProxyType({}),
    progress: Progress | None = None,
) -> LandingReport:
    """Judge new and held batches on their envelope, and keep the verdicts.

    Args:
        store: where verdicts live.
        paths: all landing files, `<source>/<stream>/<date>/<batch_id>.parquet`.
        incomplete: (source, stream) whose fetch failed this time: their volume is not judged.
        lagging: source and what is wrong with it, of those that were not fetched and may lag.
        days_off: by source, the days on which nobody expects the usual volume. A local date stands for the
            UTC day: office hours of nearly all zones lie mostly in it.
        progress: told after each file: files done, files in all, what was judged.

    Returns:
        What was judged, and every batch that is held now. A batch counts no longer, it is superseded, when a
        later one says that all of it was read again, or when it would be held and its stream was refetched
        since. A batch whose file is gone is lost, which is told every time until it is refetched.
    """
    files: dict[Key, Path] = {Place.of(path): path for path in sorted(paths, key=lambda path: path.stem)}
    known = {batch.key: batch for batch in store.batches()}
    streams = _Streams(files)
    again = [
        _superseded(known[key], _REFETCHED)
        for key in files
        if key in known and known[key].verdict == "held" and streams.restarts_after(key)
    ]
    settled_now = {batch.key for batch in again}
    todo = [
        key
        for key in files
        if key not in known or (known[key].verdict in ("held", "lost") and key not in settled_now)
    ]
    landed: list[Landed] = []
    verdicts: list[Verdict] = []
    faulty: list[pd.DataFrame] = []
    waiting: list[Landed] = []

    def judge_waiting() -> None:
        found, rows = _judge_rows(waiting, asked)
        verdicts.extend(found)
        faulty.append(rows)
        waiting.clear()

    with store.known() as asked:
        for done, key in enumerate(todo, start=1):
            item = read(files[key], known.get(key))
            landed.append(item)
            waiting.append(item)
            if sum(len(w.envelope) for w in waiting) >= CHUNK_ROWS:
                judge_waiting()
            if progress:
                progress(done, len(todo), f"{item.label}: {item.batch.rows:,} rows")
        judge_waiting()
        _name_vendors(landed, known.values())
        gone = _gone(known, landed, streams)
        settled = {
            key: batch for key, batch in known.items() if batch.verdict in ("passed", "waived", "lost")
        }
        landed += judge_volume(settled, landed, frozenset(incomplete), days_off)
        verdicts += _judge_facts(landed, asked)
    blocking: dict[Key, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.blocks:
            blocking.setdefault((verdict.source, verdict.stream, verdict.subject), []).append(verdict)
    verdicts += [_is_gone(batch) for batch in gone if batch.verdict == "lost"]
    decided = [_decided(item, blocking.get(item.batch.key, [])) for item in landed]
    batches = _without_superseded(decided, landed, streams)
    past = {batch.batch_id for batch in batches if batch.verdict == "superseded"}
    verdicts = [verdict for verdict in verdicts if verdict.subject not in past]
    store.save_batches([*batches, *again, *gone], verdicts, gates=(landing.GATE,))
    verdicts += [_is_lagging(source, problem) for source, problem in lagging]
    rows = pd.concat(faulty, ignore_index=True)
    rows = rows[~rows["batch_id"].isin(past)]
    return LandingReport(batches=batches, verdicts=verdicts, held=store.held(), faulty=rows)


def judge_staged(store: Store, model: str, frame: pd.DataFrame) -> StagedReport:
    """Judge parsed rows per batch before they merge; a batch that fails is held unless it was waived.

    Args:
        store: where verdicts live; the landing gate has judged these batches.
        model: name of the parsed model, `new_<vendor>__<stream>`.
        frame: rows of whole batches with the columns of `staged_columns`; `batch_groups` bounds its size.
    """
    suite = staged.suite(model)
    with store.known() as asked:
        found = judge(frame, suite, by="batch_id", known=asked)
    ids = list(dict.fromkeys(verdict.subject for verdict in found))
    known = {batch.batch_id: batch for batch in store.batches()}
    if unknown := [batch_id for batch_id in ids if batch_id not in known]:
        raise LookupError(
            f"{model} holds batches that the landing gate never judged: {', '.join(unknown[:5])}"
        )
    verdicts = [replace(v, source=known[v.subject].source, stream=known[v.subject].stream) for v in found]
    changed, held = [], []
    for batch_id in ids:
        batch = known[batch_id]
        blocking = [v for v in verdicts if v.subject == batch_id and v.blocks]
        if blocking and batch.verdict != "waived":
            held.append(batch_id)
            batch = _held(batch, batch, staged.GATE, blocking)
        elif batch.verdict == "held" and batch.held_by == staged.GATE:
            batch = replace(batch, verdict="passed", reason="", held_by=None, held_since=None)
        changed.append(batch)
    store.save_batches(changed, verdicts, gates=(staged.GATE,))
    faulty = _faulty(frame, suite, [verdict for verdict in verdicts if verdict.subject in held])
    return StagedReport(verdicts=verdicts, held=held, faulty=faulty)


def staged_columns(model: str, available: Collection[str]) -> dict[str, str]:
    """What to select from a parsed table: column name to SQL expression on it."""
    return staged.columns(model, available)


def batch_groups(rows: Mapping[str, int], limit: int = CHUNK_ROWS) -> list[list[str]]:
    """Batch ids in groups of at most `limit` rows (a larger batch stands alone)."""
    groups: list[list[str]] = []
    size = 0
    for batch_id, count in rows.items():
        if not groups or size + count > limit:
            groups.append([])
            size = 0
        groups[-1].append(batch_id)
        size += count
    return groups


def mart_columns(contract: Contract, available: Collection[str]) -> list[str]:
    """What to select from a mart for judging."""
    return marts.columns(contract, available)


def judge_marts(
    store: Store,
    build_id: str,
    as_of: datetime,
    frames: Mapping[str, pd.DataFrame] | Iterable[tuple[str, pd.DataFrame]],
    contracts: Mapping[str, Contract],
    *,
    kept: Mapping[str, Sequence[Verdict]] | None = None,
    rows: Mapping[str, int] | None = None,
    previous_rows: Mapping[str, int] | None = None,
    conservation: pd.DataFrame | None = None,
    rejections: pd.DataFrame | None = None,
    freshness: pd.DataFrame | None = None,
) -> MartsReport:
    """Judge the candidate marts of a build and keep the verdict.

    Args:
        store: where verdicts live.
        build_id: the build.
        as_of: the build's instant, with a zone.
        frames: by mart, all rows of the columns of `mart_columns`. Pairs are taken one at a time.
        contracts: by mart, what is declared of it; each must be among `frames` or `kept`.
        kept: by mart, what was said of the very same rows; `rows` tells how many they are.
        rows: rows by mart where the frame does not hold them all or has no column.
        previous_rows: rows by mart of the current publication.
        conservation: a row per source and stream: source, stream, received, tombstones, landed, duplicates,
            unchanged, staged, rejected, superseded.
        rejections: a row per batch: source, stream, batch_id, rows, rejected, is_stale_allowed; batch_id is
            null where rows of a stream cannot be told apart by batch.
        freshness: a row per source and stream: source, stream, age_seconds, max_age_seconds,
            is_stale_allowed.
    """
    verdicts: list[Verdict] = []
    counted: dict[str, int] = {}
    with store.known() as asked:
        for mart, frame in frames.items() if isinstance(frames, Mapping) else frames:
            counted[mart] = rows[mart] if rows and mart in rows else len(frame)
            suite = marts.suite(contracts[mart])
            verdicts += judge(_with_as_of(frame, as_of), suite, subject=mart, known=asked)
        for mart, told in (kept or {}).items():
            counted[mart] = (rows or {})[mart]
            verdicts += told
        verdicts += [_absent(mart) for mart in contracts if mart not in counted]
        verdicts += _judge_row_counts(counted, previous_rows or {}, contracts, asked)
        if conservation is not None:
            verdicts += _judge_streams(conservation, marts.CONSERVATION, asked)
        if freshness is not None:
            verdicts += _judge_streams(freshness, marts.FRESHNESS, asked)
        if rejections is not None:
            waived = {batch.batch_id for batch in store.batches(verdict="waived")}
            verdicts += _judge_rejections(rejections, waived, asked)
    build = Build(
        build_id=build_id,
        as_of=as_of,
        verdict="held" if any(v.blocks for v in verdicts) else "passed",
        mart_rows=counted,
    )
    store.save_build(build, verdicts)
    return MartsReport(build=build, verdicts=verdicts)


def _with_as_of(frame: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The frame with the build's instant as a column, zoned as its own times are."""
    times = [frame[c].dtype for c in frame if pd.api.types.is_datetime64_any_dtype(frame[c])]
    instant = pd.Timestamp(as_of).tz_convert("UTC")
    if not any(isinstance(dtype, pd.DatetimeTZDtype) for dtype in times):
        instant = instant.tz_localize(None)
    return frame.assign(as_of=instant)


def _absent(mart: str) -> Verdict:
    todo = "The published marts stay as they are. Build the whole project (`cxmarts refresh`)"
    return Verdict(
        gate=marts.GATE,
        subject=mart,
        expectation="mart_is_there",
        severity="critical",
        outcome="failed",
        message=f"the mart was not built or not judged. {todo}",
        what_to_do=todo,
    )


def _judge_row_counts(
    rows: Mapping[str, int], previous: Mapping[str, int], contracts: Mapping[str, Contract], asked: Known
) -> list[Verdict]:
    frame = pd.DataFrame(
        [
            {
                "mart": mart,
                "rows": count,
                "previous_rows": 0 if contracts[mart].may_shrink else previous.get(mart, 0),
                "least_rows": int(
                    previous.get(mart, 0) > 0
                    and not contracts[mart].may_be_empty
                    and not rows.get(contracts[mart].empties_into or "", 0)
                ),
            }
            for mart, count in rows.items()
        ],
        columns=["mart", "rows", "previous_rows", "least_rows"],
    )
    return judge(frame, marts.ROW_COUNTS, by="mart", known=asked)


def _judge_rejections(frame: pd.DataFrame, waived: Collection[str], asked: Known) -> list[Verdict]:
    streams = frame["source"].astype(str) + "/" + frame["stream"].astype(str)
    named = frame.assign(
        is_waived=frame["batch_id"].isin(list(waived)), subject=frame["batch_id"].fillna(streams)
    )
    of = named.set_index("subject")[["source", "stream"]].astype(str).T.to_dict("list")
    verdicts = judge(named, marts.REJECTIONS, by="subject", known=asked)
    return [replace(v, source=of[v.subject][0], stream=of[v.subject][1]) for v in verdicts]


def _judge_streams(frame: pd.DataFrame, suite: Suite, asked: Known) -> list[Verdict]:
    named = frame.assign(subject=frame["source"].astype(str) + "/" + frame["stream"].astype(str))
    verdicts = judge(named, suite, by="subject", known=asked)
    return [replace(v, source=v.subject.split("/")[0], stream=v.subject.split("/")[-1]) for v in verdicts]


class _Streams:
    """The files of the landing, and when their streams were read again."""

    def __init__(self, files: Mapping[Key, Path]) -> None:
        self.files = files
        self._restarts: dict[tuple[str, str], list[Restart]] = {}

    def restarts_after(self, key: Key) -> list[Restart]:
        """The restarts that came after a batch."""
        source, stream, batch_id = key
        if (source, stream) not in self._restarts:
            paths = [path for each, path in self.files.items() if each[:2] == (source, stream)]
            self._restarts[source, stream] = restarts(paths)
        return [restart for restart in self._restarts[source, stream] if restart.batch_id > batch_id]

    def holds_again(self, batch: Batch) -> bool:
        """Whether all that a batch held was read again."""
        first = batch.first_changed_at
        return any(
            restart.since is None or (first is not None and restart.since <= first)
            for restart in self.restarts_after(batch.key)
        )


_REFETCHED: Final = "the stream was refetched since"


def _superseded(batch: Batch, reason: str) -> Batch:
    return replace(batch, verdict="superseded", reason=reason, judged_at=datetime.now(UTC))


def _without_superseded(batches: Iterable[Batch], landed: Iterable[Landed], streams: _Streams) -> list[Batch]:
    """The batches; superseded is one of which all was read again, or that would be held and was refetched."""
    again = {(*item.batch.key[:2], each): item.batch for item in landed for each in item.supersedes}
    found = []
    for batch in batches:
        if batch.verdict in ("passed", "held") and batch.key in again:
            batch = _superseded(batch, f"its rows were read again by batch {again[batch.key].batch_id}")
        elif batch.verdict == "held" and streams.restarts_after(batch.key):
            batch = _superseded(batch, _REFETCHED)
        found.append(batch)
    return found


def _gone(known: Mapping[Key, Batch], landed: Sequence[Landed], streams: _Streams) -> list[Batch]:
    """The batches without a file: superseded by what was read again or merged, else lost.

    Also those that nobody remembers, but that a later batch of their stream names as the one before it.
    """
    missing = {
        key: batch
        for key, batch in known.items()
        if key not in streams.files and batch.verdict != "superseded"
    }
    for batch in (*known.values(), *(item.batch for item in landed)):
        key = (batch.source, batch.stream, batch.predecessor or "")
        if batch.predecessor and key not in streams.files and key not in known:
            missing[key] = _remembered(batch, batch.predecessor)
    merged = {(*item.batch.key[:2], each): item.batch for item in landed for each in item.replaces}
    gone = []
    for key, batch in missing.items():
        if key in merged:
            gone.append(_superseded(batch, f"its rows are in batch {merged[key].batch_id}"))
        elif streams.holds_again(batch):
            gone.append(_superseded(batch, "its file is gone, and the stream was refetched since"))
        else:
            reason = "its file is no longer in the landing"
            gone.append(replace(batch, verdict="lost", reason=reason, judged_at=datetime.now(UTC)))
    return gone


def _remembered(successor: Batch, batch_id: str) -> Batch:
    """What a batch tells of the one before it."""
    day = f"{batch_id[:4]}-{batch_id[4:6]}-{batch_id[6:8]}"
    path = Path(successor.path).parents[1] / day / f"{batch_id}.parquet"
    return Batch(
        source=successor.source,
        vendor=successor.vendor,
        stream=successor.stream,
        batch_id=batch_id,
        path=str(path),
        rows=0,
    )


def _is_lagging(source: str, problem: str) -> Verdict:
    return Verdict(
        gate=landing.GATE,
        subject=source,
        expectation="source_was_fetched",
        severity="warning",
        outcome="failed",
        observed=problem,
        message=f"{problem}. {MAY_LAG}",
        source=source,
    )


def _is_gone(batch: Batch) -> Verdict:
    todo = (
        f"Restore the file from a backup, or `cxmarts refetch {batch.source}/{batch.stream}`: the next "
        "refresh reads the stream again"
    )
    rows = f" ({batch.rows:,} row{'s' * (batch.rows > 1)})" if batch.rows else ""
    where = Place.of(batch.path).path
    return Verdict(
        gate=landing.GATE,
        subject=batch.batch_id,
        expectation="file_is_there",
        severity="warning",
        outcome="failed",
        observed=batch.reason,
        message=(
            f"landing/{where}{rows} is gone: what only it held is missing from the marts, or will be once "
            f"they are built anew. {todo}"
        ),
        what_to_do=todo,
        source=batch.source,
        stream=batch.stream,
    )


def _name_vendors(items: Iterable[Landed], known: Iterable[Batch]) -> None:
    """A file that cannot be read does not tell its vendor; other batches of its source do."""
    items = list(items)
    vendors = {b.source: b.vendor for b in (*known, *(item.batch for item in items)) if b.vendor}
    for item in items:
        if not item.batch.vendor:
            item.batch = replace(item.batch, vendor=vendors.get(item.batch.source, ""))


def _judge_rows(items: Sequence[Landed], asked: Known) -> tuple[list[Verdict], pd.DataFrame]:
    """The verdicts on the rows of some batches, and the faulty rows of those that are to be held."""
    readable = [item for item in items if not item.problem]
    verdicts = [_unreadable(item) for item in items if item.problem]
    faulty = _NO_ROWS
    if any(len(item.envelope) for item in readable):
        frame = pd.concat([item.envelope for item in readable if len(item.envelope)], ignore_index=True)
        codes = np.repeat(np.arange(len(readable)), [len(item.envelope) for item in readable])
        frame["batch_id"] = pd.Categorical.from_codes(codes, pd.Index([item.label for item in readable]))
        found = list(_named(judge(frame, landing.SUITE, by="batch_id", known=asked), readable))
        held = {verdict.subject for verdict in found if verdict.blocks}
        faulty = _faulty(frame, landing.SUITE, [verdict for verdict in found if verdict.subject in held])
        verdicts += found
    for item in items:
        # No slice of it: that keeps all of its memory.
        item.envelope = pd.DataFrame()
    return verdicts, faulty


_NO_ROWS: Final = pd.DataFrame(columns=["source", "stream", "batch_id", "record_id", "reason"], dtype="str")


def _faulty(frame: pd.DataFrame, suite: Suite, verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """The rows that fail what must hold of a row, each once, with all its reasons."""
    faults = {e.name: e.fault for e in suite.expectations if e.severity == "critical"}
    parts = [_NO_ROWS.assign(position=0)]
    for verdict in verdicts:
        if not verdict.success and verdict.expectation in faults and len(verdict.positions):
            rows = frame.iloc[list(verdict.positions)]
            part = pd.DataFrame({"position": verdict.positions, "record_id": rows["record_id"].to_numpy()})
            part["reason"] = faults[verdict.expectation]
            if verdict.expectation == staged.REJECTED:
                part["reason"] = rows["reject_reason"].to_numpy()
            parts.append(part.assign(source=verdict.source, stream=verdict.stream, batch_id=verdict.subject))
    found = pd.concat(parts, ignore_index=True)
    keys = ["position", "source", "stream", "batch_id", "record_id"]
    joined = found.groupby(keys, dropna=False, sort=False)["reason"].agg("; ".join).reset_index()
    return joined[list(_NO_ROWS)]


def _named(verdicts: Iterable[Verdict], items: Iterable[Landed]) -> Iterator[Verdict]:
    batches = {item.label: item.batch for item in items}
    for verdict in verdicts:
        batch = batches[verdict.subject]
        yield replace(verdict, subject=batch.batch_id, source=batch.source, stream=batch.stream)


def _unreadable(item: Landed) -> Verdict:
    todo = (
        "Restore the file from a backup, or move it away and refetch the stream; or name the source in "
        "CXMARTS_ALLOW_STALE to publish without it"
    )
    return Verdict(
        gate=landing.GATE,
        subject=item.batch.batch_id,
        expectation="file_is_readable",
        severity="critical",
        outcome="failed",
        observed=item.problem,
        message=f"the landing file cannot be read: {item.problem}. {todo}",
        what_to_do=todo,
        source=item.batch.source,
        stream=item.batch.stream,
    )


def _judge_facts(items: Sequence[Landed], asked: Known) -> list[Verdict]:
    readable = [item for item in items if not item.problem]
    rows = []
    for item in readable:
        batch, volume = item.batch, item.volume
        low = volume is not None and volume.is_low
        far = volume is not None and volume.is_far_below and batch.stream in landing.STEADY_STREAMS
        rows.append(
            {
                "label": item.label,
                "rows": batch.rows,
                **{name: getattr(batch, name) for name in COUNTS},
                "listed_before": item.listed[0],
                "listed_now": item.listed[1],
                "most_was_not_deleted": batch.stream not in landing.REREAD_STREAMS or not _vanished(item),
                "volume_is_normal": not low,
                "volume_has_not_collapsed": not far,
                "volume": _volume_text(batch.stream, volume) if volume else "",
            }
        )
    if not rows:
        return []
    frame = pd.DataFrame(rows).astype({"listed_before": "float64", "listed_now": "float64"})
    return list(_named(judge(frame, landing.FACTS, by="label", known=asked), readable))


def _vanished(item: Landed) -> bool:
    """Whether more than half of many records are gone from what was read in full."""
    before, now = item.listed
    return before is not None and now is not None and before >= landing.MANY and now * 2 < before


def _volume_text(stream: str, volume: DayVolume) -> str:
    return (
        f"{volume.count:,} {stream} on {volume.day:%A %Y-%m-%d}, "
        f"usual {volume.expected:,.0f}, limit {volume.lower_limit:,.0f}"
    )


def _decided(item: Landed, blocking: Sequence[Verdict]) -> Batch:
    """The batch with its verdict; one that the staged gate holds stays held until that gate lets it pass."""
    previous, now = item.previous, datetime.now(UTC)
    batch = replace(item.batch, verdict="passed", reason="", volume_day=None, judged_at=now)
    batch = replace(batch, held_by=None, held_since=None)
    if blocking:
        collapsed = any(v.expectation == "volume_has_not_collapsed" for v in blocking)
        day = item.volume.day if collapsed and item.volume else None
        batch = replace(_held(batch, previous, landing.GATE, blocking), volume_day=day)
    elif previous and previous.verdict == "held" and previous.held_by == staged.GATE:
        kept = {name: getattr(previous, name) for name in ("verdict", "reason", "held_by", "held_since")}
        batch = replace(batch, **kept)
    if previous and previous.verdict == "lost" and previous.waived_at:
        waiver = {name: getattr(previous, name) for name in ("waived_by", "waived_why", "waived_at")}
        batch = replace(batch, verdict="waived", **waiver)
    return batch


def _held(batch: Batch, previous: Batch | None, gate: str, blocking: Sequence[Verdict]) -> Batch:
    now = datetime.now(UTC)
    since = previous.held_since if previous and previous.verdict == "held" else None
    return replace(
        batch, verdict="held", reason=_reason(blocking), held_by=gate, held_since=since or now, judged_at=now
    )


def _reason(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{v.expectation}: {v.finding}" for v in verdicts)[:1000]
