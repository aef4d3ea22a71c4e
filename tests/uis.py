"""A running UI, asked as its own page asks."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import websocket

from tests.homes import CXMARTS, environment

REPOSITORY = 'repositoryLocationName: "cxmarts", repositoryName: "__repository__"'


@dataclass(frozen=True)
class Ui:
    """Where it is, by the link that it printed."""

    link: str

    @property
    def url(self) -> str:
        """Without the secret."""
        return self.link.partition("/?")[0]

    @property
    def host(self) -> str:
        """Name and port."""
        return urlsplit(self.link).netloc

    @property
    def cookie(self) -> str:
        """What the link sets."""
        [secret] = parse_qs(urlsplit(self.link).query)["session"]
        return f"cxmarts_{urlsplit(self.link).port}={secret}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """GraphQL as the page asks it."""
        answer = httpx2.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"Cookie": self.cookie, "Origin": self.url, "Sec-Fetch-Site": "same-origin"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def schedule(self) -> tuple[str, str]:
        """Zone and state of the nightly schedule."""
        found = self.ask(
            f'{{ scheduleOrError(scheduleSelector: {{{REPOSITORY}, scheduleName: "nightly"}}) {{'
            " ... on Schedule { executionTimezone scheduleState { status } } } }"
        )["scheduleOrError"]
        return found["executionTimezone"], found["scheduleState"]["status"]

    def subscribe(self, query: str = "", timeout: float = 60, **options: Any) -> Iterator[dict[str, Any]]:
        """Messages over a web socket, as the page opens it; the first says that it is open."""
        as_page = {"cookie": self.cookie, "origin": self.url}
        opened = websocket.create_connection(
            f"ws://{self.host}/graphql",
            subprotocols=["graphql-ws"],
            timeout=timeout,
            **{**as_page, **options},
        )
        with contextlib.closing(opened):
            opened.send(json.dumps({"type": "connection_init"}))
            yield json.loads(opened.recv())
            opened.send(json.dumps({"type": "start", "id": "1", "payload": {"query": query}}))
            while True:
                yield json.loads(opened.recv())

    def ended(self, run_id: str) -> str:
        """Wait for the end of a run, of which the page is told; `RunSuccessEvent` or another."""
        logs = "... on PipelineRunLogsSubscriptionSuccess { messages { __typename } }"
        query = f'subscription {{ pipelineRunLogs(runId: "{run_id}") {{ {logs} }} }}'
        for told in self.subscribe(query, timeout=180):
            found = told.get("payload", {}).get("data", {}).get("pipelineRunLogs", {})
            for kind in (message["__typename"] for message in found.get("messages", ())):
                if kind in ("RunSuccessEvent", "RunFailureEvent", "RunCanceledEvent"):
                    return str(kind)
        raise AssertionError("unreachable")

    def log(self, run_id: str) -> list[str]:
        """What the steps of a run wrote to their log."""
        found = self.ask(
            "query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection {"
            " events { ... on LogMessageEvent { message } } } } }",
            id=run_id,
        )["logsForRun"]
        return [event["message"] for event in found["events"] if event]


@contextlib.contextmanager
def started(folder: Path, *options: str, **environ: str) -> Iterator[Ui]:
    """`cxmarts ui` in a folder for the block, with the given variables only; it ends as it should."""
    process = subprocess.Popen(
        [CXMARTS, "ui", "--port", "0", *options],
        cwd=folder,
        env=environment(folder, **environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/\?session=\S+", said)
        assert found, said
        yield Ui(found[0])
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0
