"""The sandbox as a real HTTP server: all vendors on one loopback port, over one generated company."""

import socket
import struct
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import catalog
from sandbox.company import Company
from sandbox.faults import Fault, Faults, error_response
from sandbox.http import Request, Response
from sandbox.real.company import RealCompany
from sandbox.vendor import Limits
from sandbox.vendors import VENDORS

#: The first is the one whose settings are given unless others are asked for.
HELPDESKS = tuple(vendor.name for vendor in VENDORS if vendor.is_helpdesk)
PROFILES = ("clean", "real")
DEFAULT_PROFILE = "real"
#: What the company declares of its forms.
RULES = Path(__file__).parent / "rules"

#: A slow answer comes in so many pieces, with so many seconds after each.
SLOW_PIECES, SLOW_SECONDS = 10, 0.02


@dataclass(frozen=True)
class Logged:
    """One request that the server answered; status 0 where the connection was broken off."""

    method: str
    path: str
    query: str
    status: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        sandbox = self.server.sandbox
        address = urlsplit(self.path)
        fault = sandbox.faults.next_for(address.path)
        if fault is not None and fault.kind in ("reset", "stall"):
            sandbox.log(Logged("GET", address.path, address.query, 0))
            self._break_off(fault)
            return
        response = (error_response(fault) if fault else None) or sandbox.answer(
            self, address.path, address.query
        )
        response = sandbox.faults.spoil(address.path, response)
        sandbox.log(Logged("GET", address.path, address.query, response.status))
        self._send(response, fault.kind if fault else "")

    def _send(self, response: Response, fault: str) -> None:
        # A body cut inside the JSON under a matching length: the connection looks fine, the answer is not.
        body = response.body[: len(response.body) * 2 // 3] if fault == "truncated" else response.body
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault == "slow":
            for start in range(0, len(body), 1 + len(body) // SLOW_PIECES):
                self.wfile.write(body[start : start + 1 + len(body) // SLOW_PIECES])
                self.server.sandbox.faults.stop.wait(SLOW_SECONDS)
        else:
            self.wfile.write(body)

    def _break_off(self, fault: Fault) -> None:
        if fault.kind == "stall":
            self.server.sandbox.faults.stop.wait()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client went away, or we broke off
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The company's clock, not the machine's."""
        return formatdate(self.server.sandbox.company.now_seconds, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet; `Sandbox.requests` has the log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        super().__init__(address, _Handler)


class Sandbox:
    """A running sandbox; use it as a context manager.

    Args:
        tickets, seed, now, days, scenarios: of the company, see `company.Company`.
        profile: `real`, a company with what real accounts have (see `sandbox.real`), or `clean`, a quiet one.
        at: move the company's clock there: the same company as with `now` alone, seen later.
        company: a ready company to serve instead.
        port: 0 for a free one.
        host: the loopback interface by default.
        exports_per_minute, requests_per_minute: of the vendors that limit the rate, None without.
        is_live: the company's clock follows the machine's, by whole minutes, for as long as it was made.

    Attributes:
        faults: plan bad answers here (`faults.Faults`).
        requests: every request so far (`Logged`), oldest first.
    """

    def __init__(
        self,
        tickets: int = 1000,
        seed: int = 7,
        now: datetime | None = None,
        at: datetime | None = None,
        days: int = 365,
        scenarios: tuple[str, ...] = (),
        company: Company | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        exports_per_minute: int | None = None,
        requests_per_minute: int | None = None,
        is_live: bool = False,
        profile: str = DEFAULT_PROFILE,
    ) -> None:
        if profile not in PROFILES:
            raise ValueError(f"unknown profile {profile!r}, known are {', '.join(PROFILES)}")
        made = RealCompany if profile == "real" else Company
        self.company = company or made(seed, tickets, now, days, scenarios)
        if at is not None:
            self.company.at(at)
        self._is_live = is_live
        self._keep_time()
        self.faults = Faults(seed)
        self.requests: list[Logged] = []
        self._lock = threading.Lock()
        limits = Limits(exports_per_minute, requests_per_minute)
        self.apis = {vendor.name: vendor.api(self.company, limits) for vendor in VENDORS}
        self._server = _Server((host, port), self)
        self.url = f"http://{host}:{self._server.server_address[1]}"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Sandbox":
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted."""
        try:
            self._server.serve_forever()
        finally:
            self.faults.stop.set()
            self._server.server_close()

    def env(self, *helpdesks: str) -> dict[str, str]:
        """The environment variables with which a pipeline reads this sandbox, with these helpdesks of it."""
        if unknown := set(helpdesks) - set(HELPDESKS):
            raise ValueError(f"unknown helpdesk {min(unknown)!r}, known are {', '.join(HELPDESKS)}")
        variables: dict[str, str] = {}
        for vendor in VENDORS:
            if not vendor.is_helpdesk or vendor.name in (helpdesks or HELPDESKS[:1]):
                variables |= vendor.env(f"{self.url}/{vendor.name}")
        return variables | {"CXMARTS_TIMEZONE": catalog.BUSINESS_ZONE, "CXMARTS_RULES": str(RULES)}

    def advance(self, days: float = 1, hours: float = 0) -> None:
        """Move the company's clock forward."""
        with self._lock:
            self.company.advance(days, hours)

    def answer(self, handler: BaseHTTPRequestHandler, path: str, query: str) -> Response:
        """The vendor's answer to a GET request."""
        name, _, rest = path.removeprefix("/").partition("/")
        if name not in self.apis:
            known = " and ".join(f"/{name}" for name in self.apis)
            return Response(404, b'{"error":"not found; the vendors are at %s"}' % known.encode())
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(f"/{rest}", dict(parse_qsl(query)), headers, f"{self.url}/{name}")
        # One request at a time: views are shared, and the clock must not move inside one.
        with self._lock:
            self._keep_time()
            return self.apis[name].handle(request)

    def _keep_time(self) -> None:
        now = min(int(time.time()) // 60 * 60, self.company.end)
        if self._is_live and now > self.company.now_seconds:
            self.company.at(datetime.fromtimestamp(now, UTC))

    def log(self, entry: Logged) -> None:
        """Remember a request."""
        with self._lock:
            self.requests.append(entry)


def serve(
    tickets: int = 1000,
    seed: int = 7,
    port: int = 0,
    now: datetime | None = None,
    at: datetime | None = None,
    host: str = "127.0.0.1",
    profile: str | None = None,
) -> Sandbox:
    """A sandbox that is bound to its port but not serving yet: print `env()`, then call `serve_forever()`.

    Who starts it again later and wants the same company keeps `now` from the first time and moves `at`.
    """
    profile = profile or DEFAULT_PROFILE
    return Sandbox(tickets=tickets, seed=seed, now=now, at=at, port=port, host=host, profile=profile)
