"""A vendor whose every answer is scripted, as a real HTTP server on loopback, and a clock that never sleeps."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.extract import FetchResult, fetch
from ingestion.landing import Landing
from ingestion.streams import Source, StreamResult


@dataclass
class Reply:
    """An answer that is more than a JSON body with status 200; `cut` breaks the connection off inside it."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Asked:
    path: str
    params: dict[str, str]
    headers: dict[str, str]


class Vendor:
    """`answer(path, params)` gives a JSON value, bytes, or a `Reply`."""

    def __init__(self) -> None:
        self.answer: Callable[[str, dict[str, str]], Any] = lambda path, params: Reply({}, 404)
        self.now: datetime | None = datetime(2026, 6, 1, 12, tzinfo=UTC)
        self.asked: list[Asked] = []
        self.url = ""

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    vendor: Vendor

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        params = dict(parse_qsl(address.query))
        self.vendor.asked.append(
            Asked(address.path, params, {name.lower(): value for name, value in self.headers.items()})
        )
        answer = self.vendor.answer(address.path, params)
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response_only(reply.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
        if self.vendor.now is not None:
            headers.setdefault("Date", format_datetime(self.vendor.now, usegmt=True))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    script = Vendor()
    handler = type("Handler", (_Handler,), {"vendor": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()


class Clock:
    """Monotonic seconds that only pass while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.waits.append(seconds)
            self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Lander:
    """A landing, and the shortest way to fetch into it and to read it."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.landing, self.clock = Landing(root), clock

    def fetch(self, *sources: Source, jitter: float = 1.0) -> FetchResult:
        result = fetch(sources, self.landing, sleep=self.clock.sleep, clock=self.clock, jitter=lambda: jitter)
        self.check_counts()
        return result

    def stream(self, source: Source, stream: str) -> StreamResult:
        """Fetch, and the result of one stream."""
        results = [each for each in self.fetch(source).streams if each.stream == stream]
        assert len(results) == 1
        return results[0]

    def rows(self, source: str, stream: str) -> list[dict[str, Any]]:
        tables = [pq.read_table(path) for path in self.landing.batches(source, stream)]
        return pa.concat_tables(tables).to_pylist() if tables else []

    def ids(self, source: str, stream: str) -> list[str]:
        return [row["record_id"] for row in self.rows(source, stream)]

    def check_counts(self) -> None:
        """Of every batch: what the API gave is what landed, but for what the metadata says."""
        for path in self.landing.batches():
            info = self.landing.info(path)
            assert info.landed == pq.read_metadata(path).num_rows
            assert info.received + info.tombstones == info.landed + info.duplicates + info.unchanged, path


@pytest.fixture
def lander(tmp_path: Path, clock: Clock) -> Lander:
    return Lander(tmp_path / "landing", clock)


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
