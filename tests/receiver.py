"""A server that takes what is posted to it as JSON."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What it took; the first answers may be others than 200, and then it took nothing."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The messages, which hold nothing but their text."""
        assert all(list(body) == ["text"] for body in self.bodies)
        return [body["text"] for body in self.bodies]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback for the block."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = found.answers.pop(0) if found.answers else 200
            if answer == 200:
                found.bodies.append(body)
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hook/T0-secret"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
