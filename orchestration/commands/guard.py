"""Who may speak to the UI: its own page, opened with the secret of this session, and nobody else.

Dagster's webserver asks for no log-in and takes changes by GET, from any origin and under any host name.
Loopback is no protection against the web pages that are open in a browser of this machine, nor against its
other users.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

#: Tells versions only, so that monitors can see that the server is up.
OPEN = "/server_info"
PARAMETER = "session"
FORGET_THE_LINK = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
ENTER = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">
<title>cxmarts</title><p><a href="/">To the UI</a>"""
STRANGER = """<!doctype html><meta charset="utf-8"><title>cxmarts</title>
<p>This UI belongs to whoever started it: open the link that <code>cxmarts ui</code> printed.
<p>Opened in this browser already? <a href="">Go on</a>."""


class Guard:
    """An ASGI application in front of another: passes on what is ours, refuses the rest.

    A request must name this server as its host (no rebound name), come from this server's own page or from no
    page at all, change nothing by GET, and carry the session's secret in a cookie that the link sets.

    Args:
        app: the application behind.
        port: where it is served on loopback.
        secret: opens the session; whoever knows it may do all that the UI can.
    """

    def __init__(self, app: ASGIApp, port: int, secret: str) -> None:
        self._app, self._secret = app, secret
        suffixes = (f":{port}", "") if port == 80 else (f":{port}",)
        self._hosts = {name + end for name in ("127.0.0.1", "localhost", "[::1]") for end in suffixes}
        # Cookies know no ports: two UIs on one machine need two names.
        self._cookie = f"cxmarts_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        answer = self._answer(HTTPConnection(scope))
        if answer is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await WebSocketClose(reason="refused")(scope, receive, send)
        return await answer(scope, receive, send)

    def _answer(self, asked: HTTPConnection) -> Response | None:
        """The answer to what is not passed on."""
        hosts, path = asked.headers.getlist("host"), asked.scope["path"]
        method = asked.scope.get("method", "GET")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, "the UI answers as 127.0.0.1 and localhost only")
        if not _is_own(asked.headers, hosts[0].lower(), method):
            return _refused(HTTPStatus.FORBIDDEN, "the request comes from another page")
        if method not in ("GET", "HEAD", "POST"):
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "GET, HEAD and POST only")
        if method != "POST" and path == "/graphql" and "query" in asked.query_params:
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "queries and mutations by POST only")
        if path == OPEN or self._knows(asked.cookies.get(self._cookie)):
            return None
        if method == "GET" and path == "/" and self._knows(asked.query_params.get(PARAMETER)):
            # A page, no redirect: after one, a browser that came from elsewhere would hold the cookie back.
            entered = HTMLResponse(ENTER, headers=FORGET_THE_LINK)
            entered.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict")
            return entered
        return HTMLResponse(STRANGER, HTTPStatus.UNAUTHORIZED)

    def _knows(self, told: str | None) -> bool:
        return told is not None and hmac.compare_digest(told.encode(), self._secret.encode())


def _is_own(headers: Headers, host: str, method: str) -> bool:
    """Whether a request comes from the server's own page, from no page, or opens a page of its own."""
    if any(origin.lower() != f"http://{host}" for origin in headers.getlist("origin")):
        return False
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return True
    is_page = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return is_page and method == "GET"


def _refused(status: HTTPStatus, why: str) -> Response:
    return PlainTextResponse(f"refused: {why}\n", status)
