"""The one loop that reads any declared stream into the landing, page by page, in bounded memory."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2

from ingestion.following import Lacking
from ingestion.http import Answer, Client, FetchError, PermanentError, Traffic, TransientError
from ingestion.landed import Landed
from ingestion.landing import BatchInfo, Landing, LandingError
from ingestion.landing_format import SCHEMA, refetch_note
from ingestion.mending import losses
from ingestion.paging import (
    IDLE_PAGES,
    SECOND,
    CursorList,
    Guard,
    NumberedExport,
    Page,
    State,
    TokenWalk,
    record_key,
)
from ingestion.records import Batch, Decoded, Decoder, Known
from ingestion.rereading import (
    BELIEVED,
    IDS,
    LOOKUPS,
    MARGIN,
    SETTLED,
    Held,
    due,
    is_ending,
    is_late,
    is_whole,
)
from ingestion.revisiting import AGAIN, Revisits, created, held_since, told_since
from ingestion.streams import Lookup, Partitions, Progress, Source, Stream, StreamResult, T
from ingestion.urls import is_loopback

log = logging.getLogger(__name__)


@dataclass
class FetchResult:
    """What one fetch of all sources did: a result per stream, the traffic per source."""

    streams: list[StreamResult] = field(default_factory=list)
    traffic: dict[str, Traffic] = field(default_factory=dict)

    @property
    def failed_sources(self) -> list[str]:
        """Names of the sources of which a stream failed."""
        return sorted({result.source for result in self.streams if result.error is not None})


def fetch(
    sources: Sequence[Source],
    landing: Landing,
    *,
    uncounted: Collection[str] = (),
    progress: Progress | None = None,
    sleep: Callable[[float], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> FetchResult:
    """Fetch what is new of all streams of all sources, concurrently.

    A failing stream stops neither the others nor other sources: its error is in its result. What it read
    before it failed has landed, with the cursor that goes on from there.

    Args:
        sources: What to fetch; names must differ.
        landing: Where to; this process must be its only writer.
        uncounted: Ids of batches that a gate holds, or held, and nothing was built from: exported files that
            are read again land what is in them once more.
        progress: Called after each page with the running counts of a stream, from several threads.
        sleep: Waits for seconds; by default interruptible.
        clock: Monotonic seconds.
        jitter: Uniform in 0..1.

    Raises:
        LandingError: the landing cannot be written or read.
    """
    landing.prepare()
    stop = threading.Event()
    result = FetchResult()
    runs = [
        _SourceRun(
            source, landing, uncounted, progress or (lambda _: None), stop, sleep or stop.wait, clock, jitter
        )
        for source in sources
    ]
    with ThreadPoolExecutor(max(1, len(runs)), thread_name_prefix="source") as pool:
        try:
            for run, results in zip(runs, pool.map(_SourceRun.run, runs), strict=True):
                result.streams += results
                result.traffic[run.source.name] = run.traffic
        finally:
            stop.set()
    for each in result.streams:
        if isinstance(each.error, LandingError):
            raise each.error
    return result


def refetch(
    landing: Landing, source: Source, stream: str | None = None, since: datetime | None = None
) -> list[str]:
    """Make the next fetch read a source or stream again: lands empty batches with the restart cursor.

    Args:
        landing: The landing.
        source: The source.
        stream: One stream; None: all of the source that ever landed.
        since: Read changes from this time on; None: from the start. Complete lists and exported files are
            read whole anyway.

    Returns:
        The streams that will be read again; one that never landed starts from the beginning by itself.

    Raises:
        ValueError: the source has no such stream.
    """
    restarts: dict[str, Callable[[BatchInfo], dict[str, State]]]
    if source.reader:
        # Such a source reads everything again where it finds the mark.
        landed = [name for of, name in landing.streams() if of == source.name]
        restarts = dict.fromkeys(
            landed,
            lambda latest: {part: {**state, "refetch": True} for part, state in latest.cursors.items()},
        )
    else:
        restarts = {each.name: partial(_restart, each, since or source.start_at) for each in source.streams}
    if stream is not None and stream not in restarts:
        known = ", ".join(restarts) or "none that landed"
        raise ValueError(f"{source.name} has no stream {stream!r}; it has {known}")
    versions = {each.name: each.spec_version for each in source.streams}
    whole = {each.name for each in source.streams if each.is_list or not each.paging.persists}
    again = []
    for name in restarts if stream is None else [stream]:
        latest = landing.latest(source.name, name)
        if latest is None:
            continue
        reads_all = since is None or source.reader is not None or name in whole
        landing.write(
            source=source.name,
            vendor=source.vendor,
            stream=name,
            account=latest.account,
            spec_version=versions.get(name, latest.spec_version),
            cursors=restarts[name](latest),
            rows=SCHEMA.empty_table(),
            received=0,
            notes=[refetch_note(None if reads_all else since)],
        )
        again.append(name)
    return again


def _restart(stream: Stream, at: datetime | None, latest: BatchInfo) -> dict[str, State]:
    """The cursors that lead a stream back to a time, or to its start."""
    if stream.is_list:
        return {"": {"refetch": True}}
    if stream.partitions and not stream.paging.persists:
        return {}
    start = stream.paging.start(at)
    begun = {"begun": 0} if at is None else {"begun": 0, "from": int(at.timestamp())}
    # Seconds that were stepped over and wait to be filled stay known.
    cursors = {
        part: state
        if part == AGAIN and stream.partitions is None
        else {**start, **({"skipped": state["skipped"]} if "skipped" in state else {})}
        for part, state in latest.cursors.items()
    }
    if stream.rereading is None:
        return cursors
    if stream.partitions is None:
        return {**cursors, AGAIN: {"": begun}}
    passes = {part: begun for part in latest.cursors if part}
    return {**cursors, "": passes} if passes else cursors


class _SourceRun:
    """One fetch of one source."""

    def __init__(
        self,
        source: Source,
        landing: Landing,
        uncounted: Collection[str],
        progress: Progress,
        stop: threading.Event,
        sleep: Callable[[float], object],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self.source, self.landing, self.progress, self.stop, self.clock = (
            source,
            landing,
            progress,
            stop,
            clock,
        )
        self.traffic = Traffic()
        self.account = ""
        self.latest: dict[str, BatchInfo | None] = {}
        self.client: Client
        self._uncounted, self._sleep, self._jitter = uncounted, sleep, jitter

    def run(self) -> list[StreamResult]:
        """All streams, each after those it needs; never raises."""
        try:
            if self.source.reader:
                return list(self.source.reader(self.source, self.landing, self._uncounted, self.progress))
            return self._run_streams()
        except Exception as error:
            log.warning("%s: %s", self.source.name, error)
            names = [stream.name for stream in self.source.streams] or [""]
            return [StreamResult(self.source.name, self.source.vendor, name, error=error) for name in names]

    def _run_streams(self) -> list[StreamResult]:
        source = self.source
        with Client(
            source.url,
            source.headers,
            source.variables,
            sleep=self._sleep,
            clock=self.clock,
            jitter=self._jitter,
            spares=source.spares,
        ) as self.client:
            self.traffic = self.client.traffic
            self.account = self._ask_account()
            self.latest = {each.name: self.landing.latest(source.name, each.name) for each in source.streams}
            self._refuse_other_account()
            results: dict[str, StreamResult] = {}
            with ThreadPoolExecutor(source.concurrency, thread_name_prefix=source.name) as pool:
                waiting = list(source.streams)
                while waiting:
                    names = {stream.name for stream in waiting}
                    ready = [stream for stream in waiting if names.isdisjoint(stream.after)]
                    assert ready, f"streams of {source.name} wait for each other: {sorted(names)}"
                    failed = frozenset(name for name, result in results.items() if result.error)
                    runs = [_StreamRun(self, stream, failed) for stream in ready]
                    for result in pool.map(_StreamRun.run, runs):
                        results[result.stream] = result
                    waiting = [stream for stream in waiting if stream not in ready]
            return [results[stream.name] for stream in source.streams]

    def _ask_account(self) -> str:
        host = httpx2.URL(self.client.base_url).host
        base = "loopback" if is_loopback(host) else host.lower()
        detail = self.source.account(self.get) if self.source.account else None
        return f"{base}#{detail}" if detail else base

    def _refuse_other_account(self) -> None:
        """Two accounts in one instance would mix their records.

        Raises:
            PermanentError: something landed from another account or vendor.
        """
        for latest in filter(None, self.latest.values()):
            if latest.vendor != self.source.vendor or not _same_account(latest.account, self.account):
                raise PermanentError(
                    f"{self.source.name} landed from {latest.vendor} account {latest.account}, but the "
                    f"settings now lead to {self.source.vendor} account {self.account}: check "
                    f"{', '.join(self.source.variables)}; a second account gets an instance name before its "
                    "variables (EMEA__...)"
                )

    def get(self, path: str, decode: Callable[[bytes], T]) -> T:
        return self.client.get(path, {}, decode)[0]


class _StreamRun:
    """One fetch of one stream: walks its partitions and lands what they give."""

    def __init__(self, source_run: _SourceRun, stream: Stream, failed: frozenset[str]) -> None:
        self.of, self.stream, self.failed = source_run, stream, failed
        self.source, self.landing, self.client = source_run.source, source_run.landing, source_run.client
        self.result = StreamResult(self.source.name, self.source.vendor, stream.name)
        self.decoder = Decoder(stream)
        self.cursors: dict[str, Any] = {}
        self.batch = Batch(source_run.clock)
        self.known = Known()
        self.date = datetime.now(UTC)
        self.met: set[str | None] = set()
        self.parts = Partitions([])
        self.read_before = 0
        self.started = source_run.clock()

    def run(self) -> StreamResult:
        """Never raises: what went wrong is in the result."""
        self.started = self.of.clock()
        try:
            has_landed = self._resume()
            try:
                self._walk_all()
            except FetchError as error:
                if not (self.stream.optional and error.status in (403, 404)) or has_landed:
                    raise
                self.result.notes.append(f"not part of this plan, or not allowed: {error}")
            finally:
                self._flush()
        except Exception as error:
            if isinstance(error, LandingError):
                self.of.stop.set()
            log.warning("%s/%s: %s", self.source.name, self.stream.name, error)
            self.result.error = error
        self._report()
        return self.result

    def _report(self) -> None:
        self.result.seconds = self.of.clock() - self.started
        self.of.progress(replace(self.result))

    def _resume(self) -> bool:
        """Take up the state of the newest batch; says whether there is one."""
        latest = self.of.latest[self.stream.name]
        if latest is None:
            return False
        is_current = latest.spec_version == self.stream.spec_version
        self.cursors = dict(latest.cursors) if is_current else {}
        if self.stream.is_list:
            state = self.cursors.pop("", {})
            is_current = is_current and "refetch" not in state
            self.known = Known.read(self.landing, self.source.name, self.stream.name)
            self.known.is_current = is_current
            self.known.versions = state.get("versions", {}) if is_current else {}
        return True

    def _walk_all(self) -> None:
        if self.stream.partitions is None:
            if self.stream.revisits:
                self._walk_and_revisit(self.stream.revisits)
                return
            self._walk("", self.stream.path)
            if self.stream.lookup:
                self._fill_skipped(self.stream.lookup)
            if self.stream.rereading:
                self._reread_all(self.stream.rereading, {"": self.stream.path}, AGAIN)
            return
        parts = self.parts = self.stream.partitions(self.landing, self.source.name, self.failed)
        paths = {name: self.stream.path.format(partition=quote(name, safe="")) for name in parts.names}
        lacking = Lacking(self.cursors.get("", {}) if parts.marks else {})
        self.result.of_parts = len(parts.marks)
        for name in parts.names:
            self.read_before = parts.read_before.get(name, 0)
            try:
                self._walk(name, paths[name])
                lacking.had(name)
            except FetchError as error:
                is_gone = isinstance(error, PermanentError) and error.status == 404
                if is_gone and self.stream.missing_ok:
                    lacking.is_gone(name)
                    self._note(f"{name} is gone (404): left out")
                elif name in parts.marks and lacking.may_fail(name, error.status):
                    self._note(f"{name} could not be read and is asked for again the next time: {error}")
                else:
                    raise
                del paths[name]
            if name in parts.marks:
                self.result.parts += 1
                self.cursors[""] = {**parts.marks[name], **lacking.state}
                self._must_land()
                if self.batch.is_full():
                    self._flush()
        if self.stream.rereading and paths:
            self._reread_all(self.stream.rereading, paths, "")
        if parts.marker is not None:
            self.cursors[""] = parts.marker
            self.batch.must_land = True

    def _walk(self, partition: str, path: str) -> None:
        """Read one partition to its end."""
        stream, paging = self.stream, self.stream.paging
        state = (self.cursors.get(partition) if paging.persists else None) or paging.start(
            self.source.start_at
        )
        guard = Guard()
        while True:
            page, decoded = self._ask(path, paging.params(state), guard)
            with self._named():
                step = paging.advance(state, page)
            self._take(page, decoded, state, f"{partition}/" if stream.prefixes_id else "")
            if paging.persists:
                self.cursors[partition] = step.state
            for skip in step.skipped:
                self.batch.skipped.append(skip)
                at = datetime.fromtimestamp(skip["second"], UTC)
                self._note(
                    f"the second {at:%Y-%m-%dT%H:%M:%SZ} holds more than is given and was stepped over"
                )
            if step.done and stream.is_list:
                self._bury_vanished(page.date)
            # A part's mark lands with the last of its records.
            if self.batch.is_full() and not (step.done and partition in self.parts.marks):
                self._flush()
            self._report()
            if step.done:
                return
            if step.state.get("order") != state.get("order"):
                guard = Guard()  # in another order the same comes again
            state = step.state
            guard.take(page)
            if guard.is_idle:
                # The next run goes on behind these pages: should it be no fault, it gets on.
                self.batch.must_land |= paging.persists
                raise self._idle()

    def _ask(
        self, path: str, params: Mapping[str, str | int], guard: Guard | None = None
    ) -> tuple[Page, Decoded]:
        """One page of the stream."""
        if self.of.stop.is_set():
            raise TransientError("stopped before its end; the next run goes on from there")
        asked = {**self.stream.params, **params}
        with self._named():
            if guard is not None:
                guard.ask(asked)
        decoded, answer = self._get(path, asked)
        page = Page(decoded.envelope, decoded.records, decoded.ids, decoded.order, answer.date, answer.link)
        if answer.is_mended:
            self._note_losses(zip(page.ids, page.records, strict=True))
        self.date = page.date
        return page, decoded

    def _idle(self) -> PermanentError:
        return PermanentError(
            f"{self.source.name}/{self.stream.name}: {IDLE_PAGES} pages in a row gave no new record, and "
            "the vendor says that more follow; run again, and report it to the vendor if it recurs"
        )

    def _walk_and_revisit(self, rules: Revisits) -> None:
        """Read what was created, then again what may have changed."""
        before, started = self.cursors.get(""), self.of.clock()
        read = (before or {}).get("since") or (before or {}).get("newest")
        try:
            self._walk("", self.stream.path)
        finally:
            if is_first := AGAIN not in self.cursors and "" in self.cursors:
                # Of a landing without it: what was created until a reading had been read whole by then.
                at = read or int(self.date.timestamp() - (self.of.clock() - started)) - 1
                self.cursors[AGAIN] = rules.begin(at * 1000, self.source.reread_days)
        if not (is_first and read is None):
            self._revisit(rules, int(self.date.timestamp()) * 1000, self.source.reread_days)

    def _revisit(self, rules: Revisits, now: int, days: int) -> None:
        """Read again what is due by its age, and what is about a subject that changed."""
        turn = self.cursors[AGAIN] = rules.adopt(self.cursors[AGAIN], now, days)
        told, last_told = told_since(self.landing, self.source.name, rules.subjects, turn)
        first = min([*turn["read"].values(), *(at - rules.lifetime for at in told.values())])
        held = held_since(self.landing, self.source.name, self.stream.name, first)
        for age, since, until in rules.due(turn, sorted(map(created, held)), now, days):
            self._read_again({rules.since: since, rules.until: until}, held, rules.size)
            turn["read"][age] = rules.after(age, until)
            self._must_land()
        names = rules.subjects_to_ask(held, told, self.met)
        for start in range(0, len(names), rules.size):
            asked = ",".join(names[start : start + rules.size])
            try:
                self._read_again({rules.about: asked, rules.since: max(0, first)}, held, rules.size)
            except PermanentError as error:
                # Found at the age at which all are read again.
                self._note(f"{self.stream.name} could not be asked for by {rules.subjects}: {error}")
            self._must_land()
        turn["told"] = last_told

    def _read_again(self, asked: Mapping[str, str | int], held: Mapping[str, Landed], size: int) -> None:
        """Read some records to their end."""
        pages, guard = CursorList(size=size), Guard()
        state, is_done = pages.start(None), False
        while not is_done:
            page, decoded = self._ask(self.stream.path, {**asked, **pages.params(state)}, guard)
            self.met |= self._take_again(page, decoded, held, "")
            with self._named():
                step = pages.advance(state, page)
            state, is_done = step.state, step.done
            guard.take(page)
            if guard.is_idle:
                raise self._idle()

    def _fill_skipped(self, lookup: Lookup) -> None:
        """Ask by id for what seconds that were stepped over may hold and did not land since."""
        waiting = list(self.cursors.get("", {}).get("skipped", ()))
        if not waiting:
            return
        self._flush()
        held = Held(self.landing, self.source.name, self.stream.name, self.stream.trash)
        self.result.of_parts = sum(skip["last"] - skip["first"] + 1 for skip in waiting)
        while waiting:
            skip = waiting.pop(0)
            numbers = range(skip["first"], skip["last"] + 1)
            known = held.times(map(str, numbers))
            for number in numbers:
                self.result.parts += 1
                if known.get(str(number), -1) < skip["second"] * SECOND:
                    found = self._look_up(lookup, str(number))
                    if found:
                        self._take_again(*found, {}, "")
                rest = [{**skip, "first": number + 1}] if number < skip["last"] else []
                self.cursors[""] = {**self.cursors[""], "skipped": [*rest, *waiting]}
                self._must_land()
        self.cursors[""].pop("skipped")

    def _look_up(self, lookup: Lookup, record_id: str) -> tuple[Page, Decoded] | None:
        """A record by its id; None if it is gone."""
        path = lookup.path.format(id=quote(record_id, safe=""))
        try:
            decoded, answer = self._get(
                path, dict(lookup.params), lambda body: self.decoder.decode(b"[%s]" % body)
            )
        except PermanentError as error:
            if error.status == 404:
                return None
            raise
        if answer.is_mended:
            self._note_losses(zip(decoded.ids, decoded.records, strict=True))
        page = Page(decoded.envelope, decoded.records, decoded.ids, decoded.order, answer.date)
        return page, decoded

    def _reread_all(self, paging: TokenWalk | NumberedExport, paths: Mapping[str, str], cursor: str) -> None:
        """Read again what is due of the partitions, once what is new of all of them is read."""
        held = Held(self.landing, self.source.name, self.stream.name, self.stream.trash)
        passes = self.cursors.setdefault(cursor, {})
        for name, path in paths.items():
            now, days = int(self.date.timestamp()), self.source.reread_days
            seconds = held.seconds(name, now - SETTLED)
            if name not in passes:
                passes[name] = {"begun": now}
                if seconds:
                    self._must_land()
            turn = passes[name]
            try:
                is_read = all(
                    self._reread(paging, turn, name, path, held, *stretch)
                    for stretch in due(name, turn, seconds, now, days, paging.size)
                )
            except FetchError as error:
                if self.of.stop.is_set() or is_late(turn, now, days):
                    raise
                what = name or self.stream.name
                self._note(f"{what} could not be read again, so that deletions in it wait: {error}")
            else:
                if is_read and seconds and is_ending(turn, now, days):
                    passes[name] = {"begun": now}
                    self._must_land()

    def _reread(
        self,
        paging: TokenWalk | NumberedExport,
        turn: State,
        partition: str,
        path: str,
        held: Held,
        first: int,
        last: int,
    ) -> bool:
        """Read the records of some seconds again and bury those that are gone; False if that is in doubt."""
        prefix = f"{partition}/" if partition else ""
        since, until = first - MARGIN, last + MARGIN
        known, found, total = held.within(partition, since, until), set[str | None](), None
        unread, state, guard, is_done = set[int](), paging.stretch(since, until), Guard(), False
        while not is_done:
            page, decoded = self._ask(path, paging.params(state), guard)
            total = page.envelope.get("total_items") if total is None else total
            found |= self._take_again(page, decoded, known, prefix, until)
            with self._named():
                step = paging.advance(state, page)
            unread |= {skip["second"] for skip in step.skipped}
            state, is_done = step.state, step.done
        judged = [
            record_id
            for record_id, landed in known.items()
            if not landed.deleted
            and self.batch.index.get(record_id, landed.payload) == landed.payload
            and first <= (landed.changed_at or 0) // SECOND <= last
            and (landed.changed_at or 0) // SECOND not in unread
            and is_whole(landed.payload)
        ]
        missing = [record_id for record_id in judged if record_id not in found]
        self._must_land()
        if missing and self.stream.lookup is None and total != len(found):
            self._note(
                f"{partition} announced {total} responses and gave {len(found)}: none counts as deleted"
            )
            return False
        now = int(page.date.timestamp())
        if missing and not found and now - turn.setdefault("empty", now) < BELIEVED:
            what = f"{partition or self.stream.name} gave none of {len(judged)} records"
            self._note(f"{what}: believed if it is so the next night")
            return False
        gone = self._gone(paging, path, missing[:LOOKUPS] if self.stream.lookup else missing, prefix)
        for record_id in gone:
            # Under its own time, so that it counts again as soon as it is given again.
            self.batch.append(record_id, known[record_id].payload, known[record_id].changed_at, True)
        self._count("tombstones", len(gone))
        before, after = self.batch.listed or (0, 0)
        self.batch.listed = (before + len(judged), after + len(judged) - len(gone))
        if self.stream.lookup and len(missing) > LOOKUPS:
            self._note(f"{len(missing) - LOOKUPS} records were not given again: looked for the next night")
            return False
        turn["from"] = last + 1
        turn.pop("empty", None)
        return True

    def _gone(
        self, paging: TokenWalk | NumberedExport, path: str, missing: Sequence[str], prefix: str
    ) -> list[str]:
        """Those of the records that are not given when they are asked for by their ids either."""
        alive: set[str] = set()
        if self.stream.lookup:
            for record_id in missing:
                found = self._look_up(self.stream.lookup, record_id)
                if found and found[1].deleted == [False]:
                    alive.add(record_id)
        elif isinstance(paging, TokenWalk):
            for start in range(0, len(missing), IDS):
                ids = [record_id.removeprefix(prefix) for record_id in missing[start : start + IDS]]
                given = self._ask(path, paging.these(ids))[0].ids
                alive |= {prefix + each for each in given if each is not None}
        return [record_id for record_id in missing if record_id not in alive]

    def _must_land(self) -> None:
        """The cursors are news, even without a record."""
        self.batch.must_land = True
        self.batch.begin(self.date)

    def _take_again(
        self,
        page: Page,
        decoded: Decoded,
        known: Mapping[str, Landed],
        prefix: str,
        until: int | None = None,
    ) -> set[str | None]:
        """Put what is not known, or not so, into the batch; gives the ids of the page.

        What changed after the second `until` is left to who reads what is new.
        """
        self.batch.begin(page.date)
        ids = [None if each is None else prefix + each for each in page.ids]
        for at, (record_id, record) in enumerate(zip(ids, page.records, strict=True)):
            order = page.clocks[at]
            if until is not None and order is not None and order // SECOND > until:
                continue
            self._count("received")
            landed = known.get(record_id) if record_id is not None else None
            if self.batch.holds(record_id, record):
                self._count("duplicates")
            elif landed is not None and (landed.payload, landed.deleted) == (record, False):
                self._count("unchanged")
            else:
                self.batch.append(record_id, record, decoded.clocks[at], decoded.deleted[at])
        if self.batch.is_full():
            self._flush()
        self._report()
        return set(ids)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What the paging finds wrong names the stream."""
        try:
            yield
        except PermanentError as error:
            raise PermanentError(f"{self.source.name}/{self.stream.name}: {error}") from None

    def _get(
        self,
        path: str,
        params: dict[str, str | int],
        decode: Callable[[bytes], Decoded] | None = None,
    ) -> tuple[Decoded, Answer]:
        try:
            decoded, answer = self.client.get(path, params, decode or self.decoder.decode)
        except FetchError as error:
            self.result.requests += error.attempts
            raise
        self.result.requests += answer.attempts
        return decoded, answer

    def _detail(self, path: str, decode: Callable[[bytes], T]) -> T:
        try:
            value, answer = self.client.get(path, {}, decode)
        except FetchError as error:
            self.result.requests += error.attempts
            raise
        self.result.requests += answer.attempts
        if answer.is_mended:
            self._note_losses([(path, answer.body)])
        return value

    def _note_losses(self, records: Iterable[tuple[str | None, bytes]]) -> None:
        lost = [name or "one without id" for name, record in records if losses(record)]
        if lost:
            named = ", ".join(lost[:5])
            self._note(f"{len(lost)} hold text or values that are not JSON; these alone are lost: {named}")

    def _note(self, text: str) -> None:
        self.batch.notes.append(text)
        self.result.notes.append(text)

    def _take(self, page: Page, decoded: Decoded, state: State, prefix: str) -> None:
        """Put a page's new records into the batch; count the others."""
        batch = self.batch
        ids = [None if each is None else prefix + each for each in page.ids] if prefix else page.ids
        batch.begin(page.date)
        if self.stream.is_list:
            self._take_listed(page, decoded)
            return
        self._count("received", len(ids))
        distinct = set(ids)
        if self.stream.revisits:
            self.met |= distinct
        is_new = (
            len(distinct) == len(ids) and None not in distinct and batch.index.keys().isdisjoint(distinct)
        )
        if is_new and "seen" not in state and not self.read_before:
            batch.extend(ids, page.records, decoded.clocks, decoded.deleted)
            return
        seen, until = set(state.get("seen", ())), state.get("seen_until", 0)
        for at, (record_id, record, order) in enumerate(zip(ids, page.records, page.clocks, strict=True)):
            if batch.holds(record_id, record):
                self._count("duplicates")
            elif (order is not None and order < self.read_before) or (
                seen and (order is None or order <= until) and record_key(record) in seen
            ):
                self._count("unchanged")
            else:
                batch.append(record_id, record, decoded.clocks[at], decoded.deleted[at])

    def _take_listed(self, page: Page, decoded: Decoded) -> None:
        """The records of a complete list that changed since they landed."""
        known, now = self.known, int(page.date.timestamp()) * SECOND
        for at, record_id in enumerate(page.ids):
            record, clock = page.records[at], decoded.clocks[at]
            known.listed.add(record_id)
            landed = known.records.get(record if record_id is None else record_id)
            if self.stream.detail and record_id is not None:
                is_settled = clock is not None and known.versions.get(record_id) == clock
                if self.stream.trusts_clock and is_settled and landed is not None and not landed.deleted:
                    self._count("received")
                    self._count("unchanged")
                    continue
                try:
                    record = self.stream.detail(self._detail, record_id, record)
                except PermanentError as error:
                    if error.status != 404:
                        raise
                    self._note(f"{record_id} vanished while it was read: left out")
                    known.listed.discard(record_id)
                    continue
                # A clock of the last minute may hide a second change within the same second.
                if clock is not None and clock < now - 60 * SECOND:
                    known.versions[record_id] = clock
            self._count("received")
            is_same = landed is not None and (landed.payload, landed.deleted) == (record, decoded.deleted[at])
            if self.batch.holds(record_id, record):
                self._count("duplicates")
            elif is_same and known.is_current:
                self._count("unchanged")
            else:
                if landed is not None:
                    is_later = clock is not None and (landed.changed_at is None or clock > landed.changed_at)
                    clock = landed.changed_at if is_same else clock if is_later else now
                self.batch.append(record_id, record, clock, decoded.deleted[at])

    def _bury_vanished(self, date: datetime) -> None:
        """Land a tombstone for every known record that a list read to its end does not hold."""
        now = int(date.timestamp()) * SECOND
        self.known.is_read = True
        self.batch.listed = (self.known.size, len(self.known.listed))
        for record_id, landed in self.known.records.items():
            if isinstance(record_id, bytes) or landed.deleted or record_id in self.known.listed:
                continue
            self.batch.append(record_id, landed.payload, now, True)
            self._count("tombstones")
            self.known.versions.pop(record_id, None)

    def _count(self, kind: str, number: int = 1) -> None:
        for counts in (self.batch, self.result):
            setattr(counts, kind, getattr(counts, kind) + number)

    def _flush(self) -> None:
        """Land the batch, if it holds anything, together with the cursors that follow it."""
        batch = self.batch
        if not batch.ids and not batch.must_land:
            return
        cursors = self.cursors
        if self.stream.is_list:
            state: State = {"versions": self.known.versions} if self.stream.trusts_clock else {}
            if not (self.known.is_current or self.known.is_read):
                state["refetch"] = True
            cursors = {"": state}
        info = self.landing.write(
            source=self.source.name,
            vendor=self.source.vendor,
            stream=self.stream.name,
            account=self.of.account,
            spec_version=self.stream.spec_version,
            cursors=cursors,
            rows=batch.table(),
            received=batch.received,
            duplicates=batch.duplicates,
            unchanged=batch.unchanged,
            tombstones=batch.tombstones,
            notes=batch.notes,
            skipped=batch.skipped,
            listed=batch.listed,
        )
        self.result.batches.append(info.batch_id)
        self.result.landed += info.landed
        self.batch = Batch(self.of.clock)


def _same_account(landed: str | None, current: str) -> bool:
    """Whether two names may mean one account: a host alone fits every account on it (`host#account`)."""
    if landed is None or landed == current:
        return True
    return landed.startswith(f"{current}#") or current.startswith(f"{landed}#")
