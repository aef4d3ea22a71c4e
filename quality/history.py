"""The volume of the days that new batches complete, against the history of their stream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd

from quality.landed import Landed
from quality.store import Batch, Key
from quality.suites.landing import STEADY_STREAMS
from quality.volume import MAX_HISTORY_DAYS, day_volume

LIVE_DAYS = 7
SETTLING = timedelta(hours=1)
_KEPT_DAYS = MAX_HISTORY_DAYS + 36


def judge_volume(
    settled: Mapping[Key, Batch],
    landed: Sequence[Landed],
    incomplete: Collection[tuple[str, str]],
    days_off: Mapping[str, Collection[date]],
) -> list[Landed]:
    """Set the `volume` of batches that complete a low day.

    A day is judged once, when an hour has passed since its end by the source's clock. Records of days that
    were fetched before do not count again (a refetch). Not judged: a first load, a gap of more than a week, a
    stream whose fetch failed. A batch that was held for a day is judged by that day again.

    Args:
        settled: batches that passed or were waived before, lost ones among them.
        landed: batches under judgement; their `day_counts` become what they add.
        incomplete: streams whose fetch failed.
        days_off: by source, days that are neither judged nor part of the history.

    Returns:
        Settled batches that stand for a stream's silence: nothing landed for a day that should be busy.
    """
    silent = []
    clocks = _clocks(landed)
    for stream in dict.fromkeys([*(key[:2] for key in settled), *(item.batch.key[:2] for item in landed)]):
        old = [batch for key, batch in settled.items() if key[:2] == stream]
        there = [batch for batch in old if batch.verdict != "lost"]
        mine = [item for item in landed if item.batch.key[:2] == stream and not item.problem]
        new = [item for item in mine if item.previous is None]
        counts, closed = _day_counts(old, mine), days_off.get(stream[0], ())
        blamed = set()
        for item in mine:
            if item.previous and item.previous.volume_day:
                item.volume = day_volume(counts, item.previous.volume_day, closed=closed)
                blamed.add(item.previous.volume_day)
        before = _reach([*old, *(item.batch for item in mine if item.previous)])
        clock = clocks.get(stream[0])
        if before is None or clock is None or stream in incomplete:
            continue
        low = [
            volume
            for day in _completed_days(before, clock)
            if day not in blamed and (volume := day_volume(counts, day, closed=closed)) and volume.is_low
        ]
        if not low:
            continue
        worst = min(low, key=lambda volume: volume.count / volume.expected)
        if new:
            _culprit(worst.day, new).volume = worst
        elif there and worst.is_far_below and stream[1] in STEADY_STREAMS:
            last = max(there, key=lambda batch: batch.batch_id)
            silent.append(Landed(last, pd.DataFrame(), last, volume=worst))
    return silent


def _clocks(landed: Iterable[Landed]) -> dict[str, datetime]:
    """The latest fetch per source, by the source's clock."""
    clocks: dict[str, datetime] = {}
    for item in landed:
        if fetched_at := item.batch.fetched_at:
            clocks[item.batch.source] = max(clocks.get(item.batch.source, fetched_at), fetched_at)
    return clocks


def _day_counts(old: Sequence[Batch], mine: Sequence[Landed]) -> dict[date, int]:
    reach = _reach(old)
    for item in mine:
        counted = (item.previous and item.previous.day_counts) or _added(item.batch, reach)
        item.batch = replace(item.batch, day_counts=counted)
    counts: dict[date, int] = {}
    for batch in (*old, *(item.batch for item in mine)):
        for day, count in batch.day_counts.items():
            counts[day] = counts.get(day, 0) + count
    return counts


def _reach(batches: Iterable[Batch]) -> datetime | None:
    return max((batch.last_changed_at for batch in batches if batch.last_changed_at), default=None)


def _added(batch: Batch, reach: datetime | None) -> dict[date, int]:
    """The days that the batch adds to: from where the stream stood, or the last months of a first load."""
    if not batch.last_changed_at:
        return {}
    kept = timedelta(days=_KEPT_DAYS)
    first = reach.date() if reach else max(batch.last_changed_at.date(), date.min + kept) - kept
    return {day: count for day, count in batch.day_counts.items() if day >= first}


def _completed_days(before: datetime, clock: datetime) -> list[date]:
    """Days that ended between two fetches; none when the stream was not up to date before."""
    if before.date() < clock.date() - timedelta(days=LIVE_DAYS):
        return []
    days = [before.date() + timedelta(days=n) for n in range(LIVE_DAYS + 1)]
    return [day for day in days if datetime.combine(day, time.max, UTC) + SETTLING < clock]


def _culprit(day: date, new: Sequence[Landed]) -> Landed:
    return next((item for item in reversed(new) if day in item.batch.day_counts), new[-1])
