"""What a folder holds, to tell whether anything in it changed."""

import hashlib
from pathlib import Path


def tree(folder: Path) -> dict[str, str]:
    """Every path with its content, or where it points to."""
    return {
        str(p.relative_to(folder)): str(p.readlink())
        if p.is_symlink()
        else hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_symlink() or p.is_file()
    }
