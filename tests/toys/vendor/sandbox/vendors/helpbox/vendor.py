"""Helpbox as one of the sandbox's vendors: three tickets, whatever the company."""

from __future__ import annotations

from sandbox.company import Company
from sandbox.http import Json, Request, Response, encode
from sandbox.vendor import Limits, Vendor

KEY = "sandbox-helpbox"


def _event(number: int, ticket: int, at: str, role: str, **more: object) -> Json:
    return {"id": number, "ticket": ticket, "at": f"2026-02-{at}:00Z", "actor": role, "role": role, **more}


def _ticket(number: int, created: str, updated: str, state: str) -> Json:
    return {
        "id": number,
        "created_at": f"2026-02-{created}:00Z",
        "updated_at": f"2026-02-{updated}:00Z",
        "state": state,
        "channel": "chat",
        "customer": f"customer {number}",
        "agent": "agent",
    }


RECORDS: dict[str, list[Json]] = {
    "tickets": [
        _ticket(1, "09T09:00", "09T11:00", "solved"),
        _ticket(2, "10T10:00", "11T10:00", "solved"),
        _ticket(3, "12T08:00", "12T08:00", "open"),
    ],
    "events": [
        _event(11, 1, "09T09:00", "end_user", public=True),
        _event(12, 1, "09T09:30", "agent", public=True),
        _event(13, 1, "09T11:00", "agent", state="solved"),
        _event(21, 2, "10T10:00", "end_user", public=True),
        # A note among agents is no reply.
        _event(22, 2, "10T10:05", "agent", public=False),
        _event(23, 2, "10T12:00", "agent", public=True),
        _event(24, 2, "11T10:00", "agent", state="solved"),
        _event(31, 3, "12T08:00", "end_user", public=True),
    ],
    "ratings": [
        {"id": 101, "ticket": 1, "at": "2026-02-09T12:00:00Z", "stars": 5},
        {"id": 102, "ticket": 2, "at": "2026-02-11T12:00:00Z", "stars": 2},
    ],
}


class Helpbox:
    """Answers requests below the prefix of HELPBOX_URL: all on the first page."""

    def handle(self, request: Request) -> Response:
        """Answer a GET request."""
        stream = request.path.removeprefix("/")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Response(401, encode({"error": "unauthorized"}))
        if stream not in RECORDS:
            return Response(404, encode({"error": "not found"}))
        records = [] if "cursor" in request.query else RECORDS[stream]
        return Response(200, encode({stream: records, "after_cursor": "all", "end_of_stream": True}))


def _api(_: Company, __: Limits) -> Helpbox:
    return Helpbox()


def _env(url: str) -> dict[str, str]:
    return {"HELPBOX_URL": url, "HELPBOX_TOKEN": KEY}


VENDOR = Vendor("helpbox", _api, _env)
