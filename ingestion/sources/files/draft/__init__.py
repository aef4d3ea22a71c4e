"""Drafting mappings: what a file may be read as, from its names and values, with a reason for each line."""

import glob
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ingestion.sources.files.draft.layout import layout
from ingestion.sources.files.draft.meaning import meanings
from ingestion.sources.files.draft.profile import Table, tabulate
from ingestion.sources.files.draft.write import Writer
from ingestion.sources.files.mapping import Layout, MappingError
from ingestion.sources.files.parse import NAME
from ingestion.sources.files.read import rows


@dataclass(frozen=True)
class Draft:
    """A mapping to look through: its name and its text."""

    name: str
    text: str


def draft(
    path: Path,
    *,
    folder: Path | None = None,
    name: str | None = None,
    entity: str | None = None,
    score: str | None = None,
) -> list[Draft]:
    """Draft the mappings of a file: one, or for tickets with a survey column two.

    Args:
        path: The file.
        folder: Where the mappings will lie; without it they name the file by its full path.
        name: The mapping's name; by default after the file.
        entity: What the file holds, where that is known.
        score: The column with the answers, where that is known.

    Raises:
        MappingError: the file cannot be read, or is nothing that a mapping can be of.
    """
    name = name or _name(path)
    if not NAME.fullmatch(name):
        raise MappingError(f"a mapping cannot be called `{name}`; use lower-case letters, digits, - and _")
    written, remarks = layout(path)
    table = tabulate(rows(written, path))
    if not table.rows:
        raise MappingError(f"{path}: has a header and no rows; export it with some")
    try:
        found = meanings(table, entity, score)
    except MappingError as error:
        raise MappingError(f"{path}: {error}") from None
    drafts = []
    for number, meaning in enumerate(found):
        key = _key(written, path, meaning.keys, table)
        kind = meaning.scale.kind if meaning.scale and number else ""
        title = f"# Drafted from {path.name}: {table.rows:,} rows, {len(table.columns)} columns."
        text = Writer(meaning, _facts(path, folder, written), remarks, key, name).text()
        drafts.append(Draft(f"{name}_{kind}" if kind else name, f"{title}\n{_HOW}\n\n{text}"))
    return drafts


_HOW = (
    "# Go through the lines: `ask:` wants an answer, what begins with # is unsure or unused.\n"
    "# Then `cxmarts doctor` reads the file by them."
)


def _name(path: Path) -> str:
    stem = re.sub(r"(\.(gz|zip|csv|tsv|txt|jsonl|ndjson|json|parquet|xlsx|ods))+$", "", path.name.lower())
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_") or "export"


def _facts(path: Path, folder: Path | None, written: Layout) -> dict[str, str]:
    """How the file is written, as keys of a mapping; a file near by is named from the folder on."""
    shown = full = path.resolve()
    if folder and full.is_relative_to(folder.resolve().parent):
        shown = Path(os.path.relpath(full, folder.resolve()))
    facts = {"file": glob.escape(shown.as_posix()), "format": written.format}
    if written.format == "csv":
        facts |= {"encoding": written.encoding, "delimiter": written.delimiter.replace("\t", "tab")}
    if written.format == "jsonl" and written.encoding != "utf-8":
        facts["encoding"] = written.encoding
    if written.sheet:
        facts["sheet"] = written.sheet
    if written.skip_rows:
        facts["skip_rows"] = str(written.skip_rows)
    if written.format not in ("jsonl", "parquet"):
        facts["header_rows"] = str(written.header_rows)
    return facts


def _key(
    written: Layout, path: Path, keys: Iterable[tuple[str, ...]], table: Table
) -> tuple[tuple[str, ...], bool]:
    """The first of the keys that differs wherever two rows do; the last one where none does."""
    last: tuple[str, ...] = ()
    for key in keys:
        last = key
        if (len(key) == 1 and table.columns[key[0]].is_unique) or _tells_apart(written, path, key):
            return key, True
    return last, False


def _tells_apart(written: Layout, path: Path, key: tuple[str, ...]) -> bool:
    contents: dict[int, int] = {}
    for _, row in rows(written, path):
        content = hash(tuple(row.values()))
        if contents.setdefault(hash(tuple(row.get(name) for name in key)), content) != content:
            return False
    return True
