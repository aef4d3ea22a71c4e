"""Helpbox, the toy helpdesk: tickets, their events and their ratings, each by a cursor export."""

from __future__ import annotations

from datetime import datetime

from ingestion.http import checked_secret, checked_url
from ingestion.paging import CursorExport
from ingestion.streams import Source, Stream
from ingestion.vendors import START_AT, Variable, Vendor

NAME = "helpbox"


def source(name: str, url: str, token: str, *, start_at: datetime | None = None) -> Source:
    """A Helpbox account.

    Args:
        name: Instance name; `helpbox` for the first account.
        url: The account's address.
        token: The account's token.
        start_at: Earliest change to fetch first; None for all.

    Raises:
        PermanentError: the URL or the token cannot be sent.
    """
    variables = VENDOR.names("URL", "TOKEN", account=name)
    return Source(
        name=name,
        vendor=NAME,
        url=checked_url(url, variables[0]),
        streams=STREAMS,
        headers={"Authorization": f"Bearer {checked_secret(token, variables[1])}"},
        variables=variables,
        start_at=start_at,
    )


STREAMS = (
    Stream("tickets", "/tickets", "tickets", CursorExport()),
    Stream("events", "/events", "events", CursorExport(), clock="at"),
    Stream("ratings", "/ratings", "ratings", CursorExport(), clock="at"),
)

VENDOR = Vendor(
    NAME,
    "Helpbox",
    (
        Variable("URL", "the account's address", "url", example="https://acme.helpbox.example"),
        Variable("TOKEN", "the account's token", "secret"),
        START_AT,
    ),
    ways=(("URL", "TOKEN"),),
    source=source,
)
