"""A vendor whose every answer is scripted, on a real HTTP server, and a clock that never sleeps."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.extract import FetchResult, fetch
from ingestion.landing import Landing
from ingestion.sources import freshdesk, typeform, zendesk
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


class Zendesk:
    """Answers as Zendesk documents: exports over `records[name]`, lists over the rest.

    Exports order by a field, give `size` records a page and fill the links of last pages too.
    """

    clocks: ClassVar = {
        "tickets": "generated_timestamp",
        "users": "updated_at",
        "ticket_events": "timestamp",
        "ticket_metric_events": "time",
        "organizations": "updated_at",
    }

    def __init__(self, vendor: Vendor, size: int = 1000) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {name: [] for name in self.clocks}
        self.audits: dict[str, list[dict[str, Any]]] = {}
        self.size, self.vendor = size, vendor
        vendor.answer = self.answer

    def answer(self, path: str, params: dict[str, str]) -> Any:
        parts = path.removeprefix("/api/v2/").removesuffix(".json").split("/")
        if parts[0] == "incremental":
            if parts[-1] == "cursor":
                return self.cursor_export(parts[1], params)
            if "page[size]" in params:
                return self.paged(self.since(parts[1], params), parts[1], params)
            return self.time_export(parts[1], params)
        if parts[0] == "tickets":
            audits = self.audits.get(parts[1])
            return Reply(None, 404) if audits is None else self.paged(audits, "audits", params)
        if parts[-1] == "holidays":
            return {"holidays": self.records.get(f"holidays/{parts[2]}", [])}
        name = {"policies": "sla_policies"}.get(parts[-1], parts[-1])
        return self.paged(self.records.get(name, []), name, params)

    def second(self, name: str, record: dict[str, Any]) -> int:
        at = record[self.clocks[name]]
        return at if isinstance(at, int) else int(datetime.fromisoformat(at).timestamp())

    def since(self, name: str, params: dict[str, str]) -> list[dict[str, Any]]:
        found = [each for each in self.records[name] if self.second(name, each) >= int(params["start_time"])]
        return sorted(found, key=lambda each: self.second(name, each))

    def time_export(self, name: str, params: dict[str, str]) -> Any:
        found = self.since(name, params)
        page = found[: self.size]
        end = self.second(name, page[-1]) if page else None
        return {
            name: page,
            "count": len(page),
            "end_time": end,
            "next_page": f"{self.vendor.url}/again?start_time={end}",
            "end_of_stream": len(found) <= self.size,
        }

    def cursor_export(self, name: str, params: dict[str, str]) -> Any:
        ordered = sorted(self.records[name], key=lambda each: self.second(name, each))
        start = int(params.get("cursor", -1))
        if start < 0:
            start = len(ordered) - len(self.since(name, params))
        page = ordered[start : start + self.size]
        return {
            name: page,
            "after_cursor": str(start + len(page)),
            "after_url": f"{self.vendor.url}/again",
            "end_of_stream": start + self.size >= len(ordered),
        }

    def paged(self, records: list[dict[str, Any]], name: str, params: dict[str, str]) -> Any:
        start, size = int(params.get("page[after]", 0)), int(params["page[size]"])
        more = start + size < len(records)
        return {
            name: records[start : start + size],
            "meta": {"has_more": more, "after_cursor": str(start + size)},
            "links": {"next": f"{self.vendor.url}/again"},
        }


@pytest.fixture
def account(vendor: Vendor) -> Zendesk:
    return Zendesk(vendor)


@pytest.fixture
def zendesk_source(vendor: Vendor) -> Callable[..., Source]:
    """Zendesk at the scripted vendor, with all streams or the named ones."""

    def make(*streams: str, **settings: Any) -> Source:
        given = {"email": "ada@example.com", "api_token": "top-secret", **settings}
        source = zendesk.source(given.pop("name", "zendesk"), vendor.url, **given)
        chosen = tuple(each for each in source.streams if not streams or each.name in streams)
        return replace(source, streams=chosen)

    return make


@pytest.fixture
def typeform_source(vendor: Vendor) -> Source:
    return typeform.source("typeform", "top-secret", url=vendor.url)


@pytest.fixture
def freshdesk_source(vendor: Vendor) -> Callable[..., Source]:
    """Freshdesk at the scripted vendor, with all streams or the named ones."""

    def make(*streams: str, **settings: Any) -> Source:
        source = freshdesk.source("freshdesk", vendor.url, **{"api_key": "top-secret", **settings})
        chosen = tuple(each for each in source.streams if not streams or each.name in streams)
        return replace(source, streams=chosen)

    return make


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
