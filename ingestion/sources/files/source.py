"""Landing exported files: every row once per content, absent rows of a snapshot as tombstones."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing import Landing, LandingError
from ingestion.records import Batch
from ingestion.sources.files.convert import EPOCH, Converter, Record
from ingestion.sources.files.mapping import TICKET_EVENTS, Mapping, MappingError, load
from ingestion.sources.files.read import rows
from ingestion.streams import Finding, Progress, Source, StreamResult

VENDOR = "files"
SPEC_VERSION = 1
TOMBSTONE = b"{}"


def sources(folder: Path) -> list[Source]:
    """The sources that a folder of mappings declares, by name.

    A mapping with a mistake becomes a source that fails with its text, so that the others still land.

    Raises:
        MappingError: the folder holds no mapping.
    """
    paths = sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yml", ".yaml"))
    if not paths:
        raise MappingError(
            f"{folder}: no mapping (<name>.yml) here; CXMARTS_FILES must name a folder of mappings"
        )
    found: dict[str, list[Mapping | MappingError]] = defaultdict(list)
    keys: dict[tuple[str, str, str], Mapping] = {}
    for path in paths:
        try:
            mapping = load(path)
            first = keys.setdefault(_key(mapping), mapping)
            if first is not mapping:
                raise MappingError(
                    f"{path}: source {mapping.source} has its {mapping.entity} from {first.path} already; "
                    "give this mapping another `source` (or, for answers, another `question.id`)"
                )
            found[mapping.source].append(mapping)
        except MappingError as error:
            found[re.sub(r"[^a-z0-9_-]+", "_", path.stem.lower()).strip("_-") or VENDOR].append(error)
    return [
        Source(name=name, vendor=VENDOR, reader=partial(_read, mappings), checker=partial(_check, mappings))
        for name, mappings in sorted(found.items())
    ]


def _key(mapping: Mapping) -> tuple[str, str, str]:
    return mapping.source, mapping.entity, mapping.question.id if mapping.question else ""


def _read(
    mappings: list[Mapping | MappingError], source: Source, landing: Landing, progress: Progress
) -> Iterator[StreamResult]:
    """Land every mapping of a source, one after the other; one result per stream."""
    results: dict[str, StreamResult] = {}
    for mapping in mappings:
        stream = mapping.entity if isinstance(mapping, Mapping) else ""
        result = results.setdefault(stream, StreamResult(source.name, VENDOR, stream))
        started = time.monotonic()
        try:
            if isinstance(mapping, MappingError):
                raise mapping
            _Load(mapping, landing, result, progress).run()
        except (MappingError, LandingError) as error:
            result.error = result.error or error
        result.seconds += time.monotonic() - started
    yield from results.values()


def _check(mappings: list[Mapping | MappingError], source: Source) -> Iterator[Finding]:
    """One line per mapping: the files it finds and whether the first row reads as declared."""
    for mapping in mappings:
        if isinstance(mapping, MappingError):
            yield Finding(source.name, "mapping", False, str(mapping))
            continue
        try:
            files = mapping.files()
            if not files:
                raise MappingError(_no_file(mapping))
            converter = Converter(mapping)
            firsts = [row for file in files for _, row in islice(rows(mapping, file), 1)]
            errors = [error for row in firsts for error in converter.record(row).errors]
        except MappingError as error:
            yield Finding(source.name, mapping.name, False, str(error))
        else:
            faults = "; ".join(f"{e['column']} {e['value']!r} {e['reason']}" for e in errors)
            text = f"{len(files)} file(s), newest {files[-1].name}"
            yield Finding(source.name, mapping.name, not faults, f"{text}; {faults}" if faults else text)


def _no_file(mapping: Mapping) -> str:
    folder = mapping.path.parent
    return f"{mapping.at('file')}: no file matches {mapping.file!r} in {folder}; put the export there"


def _microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - EPOCH) // timedelta(microseconds=1)


class _Load:
    """One reading of one mapping's files."""

    def __init__(self, mapping: Mapping, landing: Landing, result: StreamResult, progress: Progress) -> None:
        self.mapping = mapping
        self.landing = landing
        self.result = result
        self.progress = progress
        latest = landing.latest(mapping.source, mapping.entity)
        self.cursors: dict[str, Any] = dict(latest.cursors) if latest else {}
        self.before: dict[str, Any] = self.cursors.get(mapping.name) or {}
        self.has_clock = "changed_at" in mapping.columns
        self.batch = self._begin()
        self.is_refetch = bool(self.before.get("refetch"))
        # Per record id: hashes of the contents that landed, newest last; empty after a tombstone.
        self.versions: dict[str, tuple[int | None, ...]] = {}
        self.nameless: set[int] = set()
        # Per record id of this reading: where it stood first.
        self.places: dict[str, tuple[Path, int]] = {}
        self.faults: dict[str, tuple[int, str]] = {}

    def run(self) -> None:
        """Read what is new, land what changed.

        Raises:
            MappingError: a file is missing or not what the mapping declares.
            LandingError: the landing cannot be written.
        """
        mapping, is_snapshot = self.mapping, self.mapping.mode == "snapshot"
        files = {path: path.stat() for path in mapping.files()}
        if not files and (is_snapshot or self.is_refetch or not self.before):
            raise MappingError(_no_file(mapping))
        declared = {"spec": SPEC_VERSION, "mapping": mapping.fingerprint, "key": self._record_key()}
        stats = {str(path): [stat.st_mtime_ns, stat.st_size] for path, stat in files.items()}
        self.is_same = all(self.before.get(name) == value for name, value in declared.items())
        old = {} if self.is_refetch else self.before.get("files", {})
        fresh = [
            path
            for path in files
            if not self.is_same or is_snapshot or old.get(str(path)) != stats[str(path)]
        ]
        if self.is_same and (not fresh or stats == old):
            return
        self._remember()
        if self.is_refetch:
            # Every row lands anew, for the batches that held them no longer count; which ids there are stays
            # known, for those that vanished.
            self.versions = {key: (None,) if known else () for key, known in self.versions.items()}
            self.nameless.clear()
        observed = EPOCH + timedelta(microseconds=self.before.get("observed_us", 0))
        converter = Converter(mapping)
        for path in fresh:
            modified = EPOCH + timedelta(microseconds=files[path].st_mtime_ns // 1000)
            # A list that was put back from a copy is still what was seen last.
            observed = max(observed, modified) if is_snapshot else modified
            for line, row in rows(mapping, path):
                self._take(path, line, converter.record(row), observed)
                if self.batch.is_full():
                    self._write()
        if is_snapshot or self.before.get("key", declared["key"]) != declared["key"]:
            self._withdraw(observed)
        self.cursors[mapping.name] = declared | {
            "files": stats,
            "observed_us": _microseconds(observed),
        }
        self._write(
            [f"{column or 'row'}: {n} not usable, first {text}" for column, (n, text) in self.faults.items()]
        )

    def _record_key(self) -> list[str]:
        question = self.mapping.question
        return [*self.mapping.id, *([f"/{question.id}"] if question else [])]

    def _remember(self) -> None:
        """Recall what this mapping landed: answers to other questions of the stream are not its own."""
        key = self._record_key()
        suffixes = (key[-1], self.before.get("key", key)[-1])
        owns_all = self.mapping.question is None
        for path in self.landing.batches(self.mapping.source, self.mapping.entity):
            with pq.ParquetFile(path) as file:
                for part in file.iter_batches(10_000, columns=["record_id", "deleted", "payload"]):
                    payloads = part["payload"].cast(pa.binary())
                    for record_id, deleted, payload in zip(
                        part["record_id"].to_pylist(),
                        part["deleted"].to_pylist(),
                        payloads.to_pylist(),
                        strict=True,
                    ):
                        if record_id is None:
                            self.nameless.add(hash(payload))
                        elif owns_all or record_id.endswith(suffixes):
                            known = self.versions.get(record_id, ())
                            self.versions[record_id] = () if deleted else (*known, hash(payload))

    def _take(self, path: Path, line: int, record: Record, observed: datetime) -> None:
        """Sort one row into landed, duplicate or unchanged."""
        batch, content = self.batch, hash(record.payload)
        batch.received += 1
        changed_at = record.changed_at if self.has_clock else observed
        if record.id is None:
            if content in self.nameless:
                batch.unchanged += 1
                return
            self.nameless.add(content)
        else:
            known = self.versions.get(record.id, ())
            first = self.places.setdefault(record.id, (path, line))
            is_repeat = first != (path, line) and (self.mapping.mode == "snapshot" or first[0] == path)
            # With a change clock an older version may come again. Without one only the newest counts; so it
            # does after the mapping changed, when an equal content may stem from the mapping before.
            if content in (known if self.has_clock and self.is_same else known[-1:]):
                batch.duplicates += is_repeat
                batch.unchanged += not is_repeat
                return
            if is_repeat and (not self.has_clock or self.mapping.entity == TICKET_EVENTS):
                self._refuse_repeat(path, line, first, record.id)
            if record.id in self.versions and not known and changed_at:
                # It had vanished: it is back since the file says so, not since its own last change.
                changed_at = max(changed_at, observed)
            self.versions[record.id] = (*known, content)
        for error in record.errors:
            value = repr(error["value"]) + " " if error["value"] else ""
            example = f"{path.name} line {line}: {value}{error['reason']}"
            n, first_example = self.faults.get(error["column"], (0, example))
            self.faults[error["column"]] = n + 1, first_example
        batch.append(record.id, record.payload, _microseconds(changed_at), False)

    def _refuse_repeat(self, path: Path, line: int, first: tuple[Path, int], record_id: str) -> None:
        hint = (
            "add a column to `id` that tells them apart"
            if self.mapping.entity == TICKET_EVENTS
            else "add a column to `id`, or map `changed_at` so that the newest row counts"
        )
        if self.mapping.mode == "snapshot":
            hint += "; if each file is a later export, let `file` match one of them or use `mode: append`"
        raise MappingError(
            f"{path}: line {line}: id {record_id!r} ({', '.join(self.mapping.id)}) stands with other content "
            f"also in {first[0].name} line {first[1]}; at {self.mapping.at('id')}: {hint}"
        )

    def _withdraw(self, observed: datetime) -> None:
        """Tombstones for the rows that are no longer in the list."""
        absent = [key for key, known in self.versions.items() if known and key not in self.places]
        if absent and not self.places:
            raise MappingError(
                f"{self.mapping.at('file')}: the files hold no row, which would delete all {len(absent)} "
                "that landed; export again, or remove the mapping if that is meant"
            )
        for key in absent:
            self.batch.tombstones += 1
            self.batch.append(key, TOMBSTONE, _microseconds(observed), True)
            if self.batch.is_full():
                self._write()

    @staticmethod
    def _begin() -> Batch:
        batch = Batch(time.monotonic)
        batch.begin(datetime.now(UTC))
        return batch

    def _write(self, notes: Sequence[str] = ()) -> None:
        batch, result, mapping = self.batch, self.result, self.mapping
        self.batch = self._begin()
        info = self.landing.write(
            source=mapping.source,
            vendor=VENDOR,
            stream=mapping.entity,
            account=None,
            spec_version=SPEC_VERSION,
            cursors=self.cursors,
            rows=batch.table(),
            received=batch.received,
            duplicates=batch.duplicates,
            unchanged=batch.unchanged,
            tombstones=batch.tombstones,
            notes=notes,
        )
        result.batches.append(info.batch_id)
        result.received += batch.received
        result.landed += info.landed
        result.duplicates += batch.duplicates
        result.unchanged += batch.unchanged
        result.tombstones += batch.tombstones
        result.notes += notes
        self.progress(result)
