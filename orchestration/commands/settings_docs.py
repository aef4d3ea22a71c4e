"""The vendors' settings in `.env.example` and `docs/operations.md`, written from what the vendors declare.

`python -m orchestration.commands.settings_docs` writes them; with `--check` the exit code is 1 if one is out
of step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ingestion.sources import VENDORS
from ingestion.vendors import Vendor

ROOT = Path(__file__).parents[2]
FIRST, LAST = "written by `make docs` from what the vendors declare", "until here"


def example(vendors: Mapping[str, Vendor] = VENDORS) -> Iterator[str]:
    """The lines of `.env.example`: each variable without a value, below what it means."""
    for vendor in vendors.values():
        yield f"# {vendor.title}"
        for name, each in zip(vendor.names(), vendor.variables, strict=True):
            without = f"; default {each.default}" if each.default else f"; without it: {each.without}"
            yield f"# {each.meaning.replace('`', '')}{without if each.default or each.without else ''}"
            yield f"{name}="
        yield ""


def table(vendors: Mapping[str, Vendor] = VENDORS) -> Iterator[str]:
    """The table of `docs/operations.md`."""
    yield ""
    yield "| variable | meaning | default |"
    yield "| --- | --- | --- |"
    for vendor in vendors.values():
        for name, each in zip(vendor.names(), vendor.variables, strict=True):
            default = f"`{each.default}` " if each.default else f"{each.without} ".lstrip()
            yield f"| `{name}` | {vendor.title}: {each.meaning} | {default}|"
    yield ""


PAGES: Mapping[Path, Callable[[], Iterator[str]]] = {
    ROOT / ".env.example": example,
    ROOT / "docs" / "operations.md": table,
}


def render(page: Path) -> str:
    """The page, with the lines between its two marks as they should be."""
    lines = page.read_text().splitlines()
    first, last = (next(n for n, line in enumerate(lines) if mark in line) for mark in (FIRST, LAST))
    return "\n".join([*lines[: first + 1], *PAGES[page](), *lines[last:], ""])


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` compare them. Returns the exit code."""
    stale = {page: wanted for page in PAGES if (wanted := render(page)) != page.read_text()}
    if arguments == ["--check"]:
        for page in stale:
            sys.stderr.write(f"{page.relative_to(ROOT)} is out of step with the vendors: run `make docs`\n")
        return 1 if stale else 0
    for page, wanted in stale.items():
        page.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
