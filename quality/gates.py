"""The three gates: what landed, what is staged, what would be published. Verdicts go to the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from quality.history import judge_volume
from quality.landed import COUNTS, Landed, key_of, read, was_refetched
from quality.runner import CHUNK_ROWS, judge
from quality.store import Batch, Build, Key, Store
from quality.suites import landing, marts, staged
from quality.verdicts import Suite, Verdict
from quality.volume import DayVolume

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class LandingReport:
    """What the landing gate judged now, and all that is held."""

    batches: list[Batch]
    verdicts: list[Verdict]
    held: list[Batch]


@dataclass(frozen=True)
class StagedReport:
    """What the staged gate said about one model's rows; `held` are ids of batches."""

    verdicts: list[Verdict]
    held: list[str]


@dataclass(frozen=True)
class MartsReport:
    """The verdict on a build, with its reasons."""

    build: Build
    verdicts: list[Verdict]


def judge_batches(
    store: Store,
    paths: Iterable[Path],
    *,
    incomplete: Collection[tuple[str, str]] = (),
    days_off: Mapping[str, Collection[date]] = MappingProxyType({}),
    progress: Progress | None = None,
) -> LandingReport:
    """Judge new and held batches on their envelope, and keep the verdicts.

    Args:
        store: where verdicts live.
        paths: all landing files, `<source>/<stream>/<date>/<batch_id>.parquet`.
        incomplete: (source, stream) whose fetch failed this time: their volume is not judged.
        days_off: by source, the days on which nobody expects the usual volume. A local date stands for the
            UTC day: office hours of nearly all zones lie mostly in it.
        progress: told after each file: files done, files in all, what was judged.

    Returns:
        What was judged, and every batch that is held now. A batch whose stream was refetched since is
        superseded and no longer held.
    """
    files = {key_of(path): path for path in sorted(paths, key=lambda path: path.stem)}
    known = {batch.key: batch for batch in store.batches()}
    superseded = _superseded(known, files)
    todo = [
        key for key in files if key not in known or (known[key].verdict == "held" and key not in superseded)
    ]
    landed: list[Landed] = []
    verdicts: list[Verdict] = []
    waiting: list[Landed] = []
    for done, key in enumerate(todo, start=1):
        item = read(files[key], known.get(key))
        landed.append(item)
        waiting.append(item)
        if sum(len(w.envelope) for w in waiting) >= CHUNK_ROWS:
            verdicts += _judge_rows(waiting)
            waiting = []
        if progress:
            progress(done, len(todo), f"{item.label}: {item.batch.rows:,} rows")
    verdicts += _judge_rows(waiting)
    settled = {key: batch for key, batch in known.items() if batch.verdict in ("passed", "waived")}
    landed += judge_volume(settled, landed, frozenset(incomplete), days_off)
    verdicts += _judge_facts(landed)
    blocking: dict[Key, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.blocks:
            blocking.setdefault((verdict.source, verdict.stream, verdict.subject), []).append(verdict)
    batches = [_decided(item, blocking.get(item.batch.key, [])) for item in landed]
    store.save_batches([*batches, *superseded.values()], verdicts, gates=(landing.GATE,))
    return LandingReport(batches=batches, verdicts=verdicts, held=store.held())


def judge_staged(store: Store, model: str, frame: pd.DataFrame) -> StagedReport:
    """Judge parsed rows per batch before they merge; a batch that fails is held unless it was waived.

    Args:
        store: where verdicts live; the landing gate has judged these batches.
        model: name of the parsed model, `new_<vendor>__<stream>`.
        frame: rows of whole batches with the columns of `staged_columns`; `batch_groups` bounds its size.
    """
    found = judge(frame, staged.suite(model), by="batch_id")
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
            batch = replace(batch, verdict="held", reason=_reason(blocking), judged_at=datetime.now(UTC))
        changed.append(batch)
    store.save_batches(changed, verdicts, gates=(staged.GATE,))
    return StagedReport(verdicts=verdicts, held=held)


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


def judged_marts() -> list[str]:
    """Marts that must be there and have expectations of their own."""
    return list(marts.DECLARED)


def mart_columns(mart: str, available: Collection[str]) -> list[str]:
    """What to select from a mart for judging."""
    return marts.columns(mart, available)


def judge_marts(
    store: Store,
    build_id: str,
    as_of: datetime,
    frames: Mapping[str, pd.DataFrame] | Iterable[tuple[str, pd.DataFrame]],
    *,
    rows: Mapping[str, int] | None = None,
    previous_rows: Mapping[str, int] | None = None,
    conservation: pd.DataFrame | None = None,
    rejections: pd.DataFrame | None = None,
    freshness: pd.DataFrame | None = None,
    required: Collection[str] | None = None,
) -> MartsReport:
    """Judge the candidate marts of a build and keep the verdict.

    Args:
        store: where verdicts live.
        build_id: the build.
        as_of: the build's instant, with a zone.
        frames: by mart, all rows of the columns of `mart_columns`. Pairs are taken one at a time.
        rows: rows by mart where the frame does not hold them all or has no column.
        previous_rows: rows by mart of the current publication.
        conservation: a row per source and stream: source, stream, received, tombstones, landed, duplicates,
            unchanged, staged, rejected, superseded.
        rejections: a row per batch: source, stream, batch_id, rows, rejected; batch_id is null where rows of
            a stream cannot be told apart by batch.
        freshness: a row per source and stream: source, stream, age_seconds, max_age_seconds,
            is_stale_allowed.
        required: marts that must be among `frames`; default: all with a declared suite.
    """
    verdicts: list[Verdict] = []
    counted: dict[str, int] = {}
    for mart, frame in frames.items() if isinstance(frames, Mapping) else frames:
        counted[mart] = rows[mart] if rows and mart in rows else len(frame)
        verdicts += judge(_with_as_of(frame, as_of), marts.suite(mart), subject=mart)
    for mart in marts.DECLARED if required is None else required:
        if mart not in counted:
            verdicts.append(_absent(mart))
    verdicts += _judge_row_counts(counted, previous_rows or {})
    if conservation is not None:
        verdicts += _judge_streams(conservation, marts.CONSERVATION)
    if freshness is not None:
        verdicts += _judge_streams(freshness, marts.FRESHNESS)
    if rejections is not None:
        waived = {batch.batch_id for batch in store.batches(verdict="waived")}
        streams = rejections["source"].astype(str) + "/" + rejections["stream"].astype(str)
        known = rejections.assign(
            is_waived=rejections["batch_id"].isin(waived), subject=rejections["batch_id"].fillna(streams)
        )
        verdicts += judge(known, marts.REJECTIONS, by="subject")
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


def _judge_row_counts(rows: Mapping[str, int], previous: Mapping[str, int]) -> list[Verdict]:
    frame = pd.DataFrame(
        [
            {
                "mart": mart,
                "rows": count,
                "previous_rows": previous.get(mart, 0),
                "least_rows": int(previous.get(mart, 0) > 0 and mart not in marts.MAY_BE_EMPTY),
            }
            for mart, count in rows.items()
        ],
        columns=["mart", "rows", "previous_rows", "least_rows"],
    )
    return judge(frame, marts.ROW_COUNTS, by="mart")


def _judge_streams(frame: pd.DataFrame, suite: Suite) -> list[Verdict]:
    named = frame.assign(subject=frame["source"].astype(str) + "/" + frame["stream"].astype(str))
    verdicts = judge(named, suite, by="subject")
    return [replace(v, source=v.subject.split("/")[0], stream=v.subject.split("/")[-1]) for v in verdicts]


def _superseded(known: Mapping[Key, Batch], files: Mapping[Key, Path]) -> dict[Key, Batch]:
    """Held batches that no longer count: refetched since, or no longer in the landing."""
    gone: dict[Key, Batch] = {}
    for key, batch in known.items():
        if batch.verdict != "held":
            continue
        if key not in files:
            reason = "its file is no longer in the landing"
        elif was_refetched(key, files):
            reason = "the stream was refetched since"
        else:
            continue
        gone[key] = replace(batch, verdict="superseded", reason=reason, judged_at=datetime.now(UTC))
    return gone


def _judge_rows(items: Sequence[Landed]) -> list[Verdict]:
    readable = [item for item in items if not item.problem]
    verdicts = [_unreadable(item) for item in items if item.problem]
    if any(len(item.envelope) for item in readable):
        frame = pd.concat([item.envelope for item in readable if len(item.envelope)], ignore_index=True)
        codes = np.repeat(np.arange(len(readable)), [len(item.envelope) for item in readable])
        frame["batch_id"] = pd.Categorical.from_codes(codes, pd.Index([item.label for item in readable]))
        verdicts += _named(judge(frame, landing.SUITE, by="batch_id"), readable)
    for item in items:
        item.envelope = item.envelope.iloc[:0]
    return verdicts


def _named(verdicts: Iterable[Verdict], items: Iterable[Landed]) -> Iterator[Verdict]:
    batches = {item.label: item.batch for item in items}
    for verdict in verdicts:
        batch = batches[verdict.subject]
        yield replace(verdict, subject=batch.batch_id, source=batch.source, stream=batch.stream)


def _unreadable(item: Landed) -> Verdict:
    todo = "Restore the file from a backup, or move it away and refetch the stream"
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


def _judge_facts(items: Sequence[Landed]) -> list[Verdict]:
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
                "volume_is_normal": not low,
                "volume_has_not_collapsed": not far,
                "volume": _volume_text(batch.stream, volume) if volume else "",
            }
        )
    if not rows:
        return []
    return list(_named(judge(pd.DataFrame(rows), landing.FACTS, by="label"), readable))


def _volume_text(stream: str, volume: DayVolume) -> str:
    return (
        f"{volume.count:,} {stream} on {volume.day:%A %Y-%m-%d}, "
        f"usual {volume.expected:,.0f}, limit {volume.lower_limit:,.0f}"
    )


def _decided(item: Landed, blocking: Sequence[Verdict]) -> Batch:
    collapsed = any(v.expectation == "volume_has_not_collapsed" for v in blocking)
    return replace(
        item.batch,
        verdict="held" if blocking else "passed",
        reason=_reason(blocking),
        volume_day=item.volume.day if collapsed and item.volume else None,
        judged_at=datetime.now(UTC),
    )


def _reason(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{v.expectation}: {v.message}" for v in verdicts)[:1000]
