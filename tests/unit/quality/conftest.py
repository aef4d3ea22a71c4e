import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quality.store import Store

US = pa.timestamp("us", tz="UTC")


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "control.sqlite") as found:
        yield found


@pytest.fixture
def land(tmp_path: Path) -> Callable[..., Path]:
    """Writes a landing file the way ingestion does; every part can be made wrong."""

    def write(
        fetched_at: datetime,
        changed_at: Sequence[datetime | None],
        *,
        ids: Sequence[str | None] | None = None,
        payloads: Sequence[str | None] | None = None,
        source: str = "zendesk",
        stream: str = "tickets",
        statistics: bool = True,
        **metadata: Any,
    ) -> Path:
        n = len(changed_at)
        batch_id = f"{fetched_at:%Y%m%dT%H%M%S%f}Z-0a1b"
        table = pa.table(
            {
                "record_id": pa.array(ids if ids is not None else [str(i) for i in range(n)], pa.string()),
                "changed_at": pa.array(changed_at, US),
                "deleted": pa.array([False] * n),
                "payload": pa.array(payloads if payloads is not None else ['{"id":1}'] * n, pa.string()),
                "fetched_at": pa.array([fetched_at] * n, US),
                "batch_id": pa.array([batch_id] * n, pa.string()),
            }
        )
        counts = {"received": n, "landed": n, "duplicates": 0, "unchanged": 0, "tombstones": 0}
        meta = {"format": 1, "source": source, "vendor": "zendesk", "stream": stream, "notes": []}
        meta |= counts | metadata
        path = tmp_path / "landing" / source / stream / f"{fetched_at:%Y-%m-%d}" / f"{batch_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table.replace_schema_metadata({b"cxmarts": json.dumps(meta).encode()}),
            path,
            compression="zstd",
            write_statistics=statistics,
        )
        return path

    return write


@pytest.fixture
def landing(tmp_path: Path) -> Callable[[], list[Path]]:
    return lambda: list((tmp_path / "landing").glob("*/*/*/*.parquet"))


@pytest.fixture
def times() -> Callable[[datetime, int], list[datetime]]:
    """`n` different change times before an instant, one a second."""
    return lambda end, n: [end - timedelta(seconds=n - i) for i in range(n)]
