"""A real browser for a page: headless Chromium, told what to do over its own debugging protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60.0


class Gone(Exception):
    """The page was left while it was asked."""


class Page:
    """A tab. Scripts may be asynchronous; what they return must be JSON.

    Attributes:
        events: what the protocol told on the way, oldest first.
    """

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=PATIENCE)
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self.call("Page.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise Gone(answer["error"]["message"])
                return dict(answer["result"])

    def _receive(self) -> dict[str, Any]:
        message = dict(json.loads(self._socket.recv()))
        if "method" in message:
            self.events.append(message)
        return message

    def _told(self, since: int) -> Iterator[dict[str, Any]]:
        """All events but so many, as they come."""
        while True:
            while len(self.events) == since:
                self._receive()
            yield self.events[since]
            since += 1

    def _arrive(self, since: int) -> None:
        """Until a page is loaded, by the events but so many: without scripts it has no clock to `wait` by."""
        events = self._told(since)
        for awaited in ("Page.frameNavigated", "Page.loadEventFired"):
            next(event for event in events if event["method"] == awaited)

    def open(self, url: str) -> None:
        """Go there, as if it had been typed."""
        told = len(self.events)
        self.call("Page.navigate", url=url)
        self._arrive(told)

    def follow(self, text: str) -> None:
        """Click the link with this text, and go where it leads."""
        told = len(self.events)
        self.press(text)
        self._arrive(told)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, script: str) -> Any:
        """Until the expression is true; its value. Asked by the page itself, ten times a second."""
        end = time.monotonic() + PATIENCE
        asking = (
            "new Promise(done => { const ask = async () => { let value = null;"
            f" try {{ value = document.readyState === 'complete' && ({script}); }} catch (error) {{}}"
            f" if (value || Date.now() > {(time.time() + PATIENCE) * 1000}) done(value);"
            " else setTimeout(ask, 100); }; ask(); })"
        )
        while time.monotonic() < end:
            with contextlib.suppress(Gone):
                if value := self.run(asking):
                    return value
        raise AssertionError(f"never came true: {script}; the page says: {self.text()[:2000]}")

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def shows(self, text: str) -> None:
        """Wait until a text can be read."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def press(self, text: str) -> None:
        """Click the button or link with this text, once it is there and enabled."""
        self.wait(
            "(() => { const found = [...document.querySelectorAll('button, a, [role=button]')].find("
            f"e => e.innerText.trim() === {json.dumps(text)} && !e.disabled);"
            " if (found) found.click(); return !!found; })()"
        )

    def picture(self, path: Path) -> None:
        """What it looks like, for people."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


class Browser:
    """A browser with a profile of its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def page(self, url: str = "about:blank") -> Page:
        """A new tab."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self._port}/json/new?{url}", method="PUT")
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return Page(json.load(answer)["webSocketDebuggerUrl"])


@contextlib.contextmanager
def browser(profile: Path, *names: str) -> Iterator[Browser]:
    """Chromium for the block; `names` are host names that lead to this machine. Skips where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    command = [program, "--headless=new", "--disable-gpu", "--no-first-run", "--window-size=1500,1000"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={profile}", f"--host-resolver-rules={rules}"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")
    process = subprocess.Popen([*command, "about:blank"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
                # What it says from here on nobody reads: it must not fill the pipe.
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield Browser(int(found[1]))
                return
        raise AssertionError("Chromium did not start")
    finally:
        process.terminate()
        process.wait()
