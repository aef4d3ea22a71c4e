from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import files
from ingestion.streams import StreamResult

TICKETS = """
file: "{file}"
format: {format}
entity: tickets
mode: {mode}
id: id
columns: {{created_at: created, status: status}}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
"""


@dataclass
class Exports:
    """A folder of mappings and exports, and the landing that they go to."""

    folder: Path
    landing: Landing

    def mapping(self, text: str | None = None, name: str = "desk", **given: str) -> Path:
        """Write a mapping: `text`, or a small one of tickets with `given` lines added or replaced."""
        if text is None:
            basics = {"file": "*.csv", "format": "csv", "mode": "snapshot"}
            text = TICKETS.format(**{key: given.pop(key, value) for key, value in basics.items()})
            for key, value in given.items():
                lines = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
                text = "\n".join([*lines, f"{key}: {value}"])
        path = self.folder / f"{name}.yml"
        path.write_text(text)
        return path

    def file(self, content: str | bytes, name: str = "export.csv", mtime: int = 1_700_000_000) -> Path:
        """Write an export with a modification time (unix seconds)."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (mtime, mtime))
        return path

    def load(self, uncounted: Collection[str] = ()) -> list[StreamResult]:
        """Fetch all mappings as the nightly refresh does; the landing's identity must hold."""
        results = fetch(files.sources(self.folder), self.landing, uncounted=uncounted).streams
        for each in results:
            assert each.received + each.tombstones == each.landed + each.duplicates + each.unchanged
        return results

    def loaded(self, uncounted: Collection[str] = ()) -> StreamResult:
        """Load the only stream, which must succeed; some batches do not count."""
        (result,) = self.load(uncounted)
        assert result.error is None, result.error
        return result

    def error(self) -> str:
        """Load the only stream, which must fail; its message."""
        (result,) = self.load()
        assert isinstance(result.error, files.MappingError), result.error
        return str(result.error)

    def rows(self) -> list[dict[str, Any]]:
        """All landed rows in order, payloads decoded."""
        paths = self.landing.batches()
        rows = pa.concat_tables(pq.read_table(path) for path in paths).to_pylist() if paths else []
        return [row | {"payload": json.loads(row["payload"])} for row in rows]

    def current(self) -> dict[str, Any]:
        """What staging keeps: the newest payload by id, without the deleted."""
        newest: dict[str, Any] = {}
        for row in sorted(self.rows(), key=lambda row: (row["changed_at"], row["fetched_at"])):
            newest[row["record_id"]] = row
        return {key: row["payload"]["values"] for key, row in newest.items() if not row["deleted"]}

    def first(self) -> dict[str, Any]:
        """The payload of the first landed row."""
        return self.rows()[0]["payload"]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    folder = tmp_path / "exports"
    folder.mkdir()
    return Exports(folder, Landing(tmp_path / "landing"))


@pytest.fixture
def value_of(exports: Exports) -> Callable[..., Any]:
    """What a value of one column of ours becomes: (value, reason of its error, reason to reject the row)."""

    def convert(ours: str, text: str, **given: str) -> tuple[Any, str | None, str | None]:
        columns = "{created_at: created, status: status, " + ours + ": theirs}"
        exports.mapping(columns=columns, **given)
        exports.file(f'id,created,status,theirs\n1,2024-05-01 10:00,open,"{text}"\n')
        exports.loaded()
        payload = exports.first()
        reason = next((error["reason"] for error in payload["errors"] if error["column"] == ours), None)
        return payload["values"].get(ours), reason, payload["reject"]

    return convert
