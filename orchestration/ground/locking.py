"""One writer at a time: an OS lock that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ingestion.errors import ExpectedError


class BusyError(ExpectedError):
    """Another process holds the lock; the message says which one and since when."""

    exit_code = 3


@contextmanager
def exclusive(path: Path, purpose: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock at `path` for the block.

    Args:
        path: the lock file; created if missing and never removed.
        purpose: what the holder does, shown to whoever finds the lock taken.
        wait: wait for the present holder instead of raising.

    Raises:
        BusyError: another process holds it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BusyError(_describe(os.pread(handle, 4096, 0), path)) from None
        note = {"pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "purpose": purpose}
        with suppress(OSError):  # the lock holds on a full disk, too
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(note).encode(), 0)
        yield
    finally:
        os.close(handle)


def _describe(note: bytes, path: Path) -> str:
    try:
        holder = json.loads(note)
        who = f"process {holder['pid']} ({holder['purpose']}) since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return f"{path.parent} is in use by {who}; wait for it to end or stop it, then start again"
