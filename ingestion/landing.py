"""The landing: what the vendors sent, as append-only Parquet files that carry their own checkpoint."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.erasing import Erased, Scrubber, personal_of, scrub_rows
from ingestion.errors import ExpectedError
from ingestion.landing_format import FORMAT, METADATA_KEY, READABLE, SCHEMA, Place, read_metadata

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TEMPORARY = ".tmp"
# Lies so deep that what is in it is no batch.
_FORGOTTEN = ".forgotten"


class LandingError(ExpectedError):
    """The landing cannot be read or written; the text says what to do."""


@dataclass(frozen=True)
class BatchInfo:
    """What the metadata of one landing file says.

    `received + tombstones = landed + duplicates + unchanged` holds for every batch.

    Attributes:
        path: The file.
        batch_id: Time-ordered name of the batch.
        source: Name of the source instance.
        vendor: Name of the vendor; `files` for exported files.
        stream: Name of the stream.
        account: The vendor's account that was read; None where it is not known.
        spec_version: Version of the stream's declaration.
        cursors: State to resume from after this batch, by partition (`""` where there are none).
        received: Records that the API gave in the pages of this batch.
        landed: Rows of the file.
        duplicates: Repeats of the same id and content within the batch, dropped.
        unchanged: Records whose content equals what landed before, dropped.
        tombstones: Rows added because a record vanished from what was read in full.
        notes: Remarks for people.
        skipped: Seconds that were stepped over: `{"second": unix seconds}` with what they may hold:
            `ticket_ids`, or ids from `first` to `last`.
        predecessor: Batch that was the stream's newest before; None for a first one, and in format 1.
        replaces: Batches whose rows this file holds in place of their own files.
        files: Exported files that the rows were read from.
        supersedes: Batches that did not count and of which everything was read again.
        listed: Records of what was read in full (a complete list, or the seconds that were read again) before
            this reading and after it; None where nothing was.
    """

    path: Path
    batch_id: str
    source: str
    vendor: str
    stream: str
    account: str | None
    spec_version: int
    cursors: dict[str, Any]
    received: int
    landed: int
    duplicates: int
    unchanged: int
    tombstones: int
    notes: tuple[str, ...]
    skipped: tuple[dict[str, Any], ...]
    predecessor: str | None = None
    replaces: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    listed: tuple[int, int] | None = None


class Landing:
    """A folder of files, each in its `Place`.

    A file appears by one atomic rename and carries the cursors that follow it, so that the newest file of a
    stream is the checkpoint. Many readers, one writing process; its threads may write concurrently.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._lock = threading.Lock()
        self._newest_id = ""
        self._erased: Erased | None = None

    def prepare(self) -> None:
        """Make the folder ready for a writer: it exists, is private, takes a file, holds no half-written one.

        Raises:
            LandingError: the folder cannot be written.
        """
        with _clear_errors(self.root):
            _make_private(self.root)
            for leftover in self.root.glob(f"*/*/*/.*{_TEMPORARY}"):
                leftover.unlink(missing_ok=True)
            shutil.rmtree(self.root / _FORGOTTEN, ignore_errors=True)
            probe = self.root / f".probe{_TEMPORARY}"
            probe.write_bytes(b"")
            probe.unlink()

    def batches(self, source: str | None = None, stream: str | None = None) -> list[Path]:
        """All files, or those of one source or stream, oldest first. Reads names only."""
        pattern = f"{source or '*'}/{stream or '*'}/*/*.parquet"
        files = (path for path in self.root.glob(pattern) if Place.of(path).is_batch)
        return sorted(files, key=lambda path: path.stem)

    def here(self, path: Path | str) -> Path:
        """Where a file is now whose path was noted before the landing was moved. Reads nothing."""
        return self.root / Place.of(path).path

    def streams(self) -> list[tuple[str, str]]:
        """Every (source, stream) that has at least one file."""
        return sorted({Place.of(path)[:2] for path in self.batches()})

    def latest(self, source: str, stream: str) -> BatchInfo | None:
        """The metadata of a stream's newest file; None if nothing landed."""
        path = self._newest_file(source, stream)
        return None if path is None else self.info(path)

    def info(self, path: Path) -> BatchInfo:
        """The metadata of one file.

        Raises:
            LandingError: the file is not a landing file, or of a later format.
        """
        try:
            found = read_metadata(pq.read_metadata(path).metadata)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise LandingError(
                f"{path} cannot be read as a landing file ({type(error).__name__}): restore it from backup, "
                "or move it away and run `cxmarts refetch` for its stream."
            ) from error
        if found.pop("format") not in READABLE:
            raise LandingError(f"{path} was written by a later version of cxmarts: upgrade cxmarts.")
        return _info(path, found)

    def write(
        self,
        *,
        source: str,
        vendor: str,
        stream: str,
        account: str | None,
        spec_version: int,
        cursors: Mapping[str, Any],
        rows: pa.Table,
        received: int,
        duplicates: int = 0,
        unchanged: int = 0,
        tombstones: int = 0,
        notes: Sequence[str] = (),
        skipped: Sequence[Mapping[str, Any]] = (),
        files: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        listed: tuple[int, int] | None = None,
    ) -> BatchInfo:
        """Land one batch: a temporary file, fsync, one atomic rename, fsync of the folder.

        Args:
            source: Instance name, lower case.
            vendor: The vendor's name.
            stream: Stream name, lower case.
            account: The vendor's account; None if unknown.
            spec_version: Version of the stream's declaration.
            cursors: The complete map of cursors after this batch (JSON values).
            rows: The columns of `SCHEMA` but `batch_id`; may be empty.
            received: Records that the source gave.
            duplicates: Repeats dropped inside the batch.
            unchanged: Records dropped because they landed before.
            tombstones: Rows of `rows` that stand for a vanished record.
            notes: Remarks for people.
            skipped: Seconds stepped over.
            files: Exported files that the rows were read from.
            supersedes: Batches that do not count and of which everything was read again.
            listed: Records of the complete list before this reading and after it.

        Raises:
            LandingError: the disk is full or the folder cannot be written.
            ValueError: a name is not a plain folder name.
        """
        for name in (source, stream):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a source or stream: use a-z, 0-9, '_' and '-'")
        newest = self._newest_file(source, stream)
        batch_id = self._next_id(newest)
        metadata: dict[str, Any] = {
            "source": source,
            "vendor": vendor,
            "stream": stream,
            "account": account,
            "spec_version": spec_version,
            "cursors": dict(cursors),
            "received": received,
            "landed": rows.num_rows,
            "duplicates": duplicates,
            "unchanged": unchanged,
            "tombstones": tombstones,
            "notes": list(notes),
            "skipped": [dict(skip) for skip in skipped],
            "predecessor": newest.stem if newest else None,
            "files": list(files),
            "supersedes": list(supersedes),
            "listed": listed and list(listed),
        }
        encoded = json.dumps({"format": FORMAT, **metadata}, ensure_ascii=False).encode()
        ids = pa.repeat(pa.scalar(batch_id, pa.string()), rows.num_rows)
        rows = scrub_rows(rows, Scrubber(self.erased(), personal_of(vendor), source, stream))
        table = rows.select(SCHEMA.names[:-1]).append_column("batch_id", ids).cast(SCHEMA)
        path = self.root / Place(source, stream, batch_id).path
        with _clear_errors(path):
            _make_private(path.parent)
            _write_file(path, table.replace_schema_metadata({METADATA_KEY: encoded}))
        return _info(path, metadata)

    def erased(self) -> Erased:
        """The persons of whom nothing may land."""
        with self._lock:
            if self._erased is None or not self._erased.is_current:
                self._erased = Erased(self.root)
            return self._erased

    def scrub(self, path: Path) -> int:
        """Write a file afresh without the persons that were erased since; gives how many rows changed.

        Raises:
            LandingError: the file cannot be read or written.
        """
        info, changed = self.info(path), list[int]()
        with pq.ParquetFile(path) as file:
            table = file.read()
        scrubber = Scrubber(self.erased(), personal_of(info.vendor), info.source, info.stream)
        clean = scrub_rows(table, scrubber, changed.append)
        if changed:
            with _clear_errors(path):
                _write_file(path, clean.replace_schema_metadata(table.schema.metadata))
        return len(changed)

    def forget(self, source: str, streams: Sequence[str]) -> None:
        """Remove streams of a source for good: each vanishes at once, then its files are deleted.

        Raises:
            LandingError: the landing cannot be written.
        """
        aside = self.root / _FORGOTTEN / secrets.token_hex(4)
        with _clear_errors(self.root):
            _make_private(aside)
            for stream in streams:
                if (folder := self.root / source / stream).is_dir():
                    folder.rename(aside / stream)
                    _sync_folder(folder.parent)
            with suppress(OSError):
                (self.root / source).rmdir()
            _sync_folder(self.root)
            shutil.rmtree(self.root / _FORGOTTEN)

    def _newest_file(self, source: str, stream: str) -> Path | None:
        for day in sorted((self.root / source / stream).glob("*"), reverse=True):
            if files := [path for path in day.glob("*.parquet") if Place.of(path).is_batch]:
                return max(files, key=lambda path: path.stem)
        return None

    def _next_id(self, newest: Path | None) -> str:
        """A name later than the newest of the stream, even if the clock stepped back."""
        with self._lock:
            floor = max(self._newest_id, newest.stem if newest else "")
            stamp = datetime.now(UTC)
            if floor:
                after = datetime.strptime(floor[:22], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
                stamp = max(stamp, after + timedelta(microseconds=1))
            self._newest_id = f"{stamp:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(2)}"
            return self._newest_id


def _info(path: Path, metadata: Mapping[str, Any]) -> BatchInfo:
    lists = {name: tuple(value) for name, value in metadata.items() if isinstance(value, list)}
    return BatchInfo(path=path, batch_id=path.stem, **{**metadata, **lists})


def _write_file(path: Path, table: pa.Table) -> None:
    temporary = path.with_name(f".{path.name}{_TEMPORARY}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                compression_level=1,
                # Row groups bound a reader's memory; payloads do not repeat.
                row_group_size=25_000,
                use_dictionary=["fetched_at", "batch_id"],
                # The least and the greatest payload tell the landing gate whether all are objects.
                write_statistics=["record_id", "changed_at", "fetched_at", "payload"],
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _make_private(folder: Path) -> None:
    """Create a folder and its missing parents for the owner only, durably."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LandingError(
            f"Cannot write to the landing at {path}: {reason}. Free space or fix the folder's permissions "
            "(CXMARTS_HOME says where it lies), then run again: what landed stays and the fetch goes on."
        ) from error
