"""The reports of the published versions beside the UI: a page that came by HTTP may lead to no file."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration.publication.publish import current
from orchestration.report import page

_ADDRESS = re.compile(rf"{page.ROOT}(?:([0-9A-Za-z-]+)/)?([a-z_]+\.html)?")
#: What a report may do in the browser, also if somebody's words in it were taken for a script: nothing here.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval';"
        " form-action 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-cache",
}


class Reports:
    """An ASGI application before the UI: `/report/` is the current report, `/report/VERSION/` a kept one.

    Args:
        app: the application behind.
        published: the folder of the published versions.
    """

    def __init__(self, app: ASGIApp, published: Path) -> None:
        self._app, self._published = app, published

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page of a report, or pass the request on."""
        is_asked = scope["type"] == "http" and scope["path"].startswith(page.ROOT)
        answer: ASGIApp = self._answer(scope["path"]) if is_asked else self._app
        await answer(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if found := _ADDRESS.fullmatch(path):
            version, name = found[1], found[2] or page.PAGE
            published = None if version else current(self._published)
            folder = published.path if published else self._published / "versions" / (version or "")
            file = page.path(folder).with_name(name)
            if file.is_file():
                return FileResponse(file, headers=HEADERS)
        return PlainTextResponse(
            f"there is no such report, or no longer: {page.ROOT} is the current one\n", HTTPStatus.NOT_FOUND
        )
