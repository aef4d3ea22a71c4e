"""Which release of the package runs."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path


def code_version() -> str:
    """The package's version, with the commit where it runs from a checkout."""
    version = importlib.metadata.version("cxmarts")
    git = Path(__file__).parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return version
    return f"{version}+g{head[:12]}"
