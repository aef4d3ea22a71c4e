"""Files that are replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Make a file hold this text: readers see what it held before, or all of it.

    Raises:
        OSError: it cannot be written; it holds what it held before.
    """
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """The same of bytes.

    Raises:
        OSError: it cannot be written; it holds what it held before.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
