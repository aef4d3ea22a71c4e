"""Freshdesk: what is read, and how; after the API reference (v2) and recorded records."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

from ingestion.erasing import Personal
from ingestion.following import of_changed
from ingestion.http import checked_secret, checked_url
from ingestion.landing import Landing
from ingestion.paging import LinkedList, LinkedWindow, NumberedExport
from ingestion.streams import Deletion, Lookup, Partitions, Source, Stream
from ingestion.vendors import START_AT, Variable, Vendor

NAME = "freshdesk"
#: Of each minute's requests, what is left to the account's other tools.
SPARED = 0.25
TRASH = ("deleted_tickets", "spam_tickets")


def source(name: str, url: str, *, api_key: str, start_at: datetime | None = None) -> Source:
    """A Freshdesk account.

    Args:
        name: Instance name; `freshdesk` for the first account.
        url: `https://<subdomain>.freshdesk.com`.
        api_key: Key of an agent who sees all tickets; best an administrator's.
        start_at: Earliest change to fetch first; None for the whole history.

    Raises:
        PermanentError: the URL or the key cannot be sent.
    """
    variables = VENDOR.names("URL", "API_KEY", account=name)
    login = f"{checked_secret(api_key, variables[1])}:X"
    return Source(
        name=name,
        vendor=NAME,
        url=checked_url(url, variables[0]).removesuffix("/api/v2"),
        streams=STREAMS,
        headers={"Authorization": f"Basic {b64encode(login.encode()).decode()}"},
        variables=variables,
        start_at=start_at,
        spares=SPARED,
    )


def _is_true(value: Any) -> bool:
    return value is True


def _always(_: Any) -> bool:
    return True


def _of_changed_tickets(landing: Landing, name: str, _: frozenset[str]) -> Partitions:
    return of_changed(landing, name, "conversations", "tickets")


#: More than 30,000 tickets of one second come in the order of their creation, from either end.
EXPORT = NumberedExport(
    orders=tuple({"order_by": "created_at", "order_type": kind} for kind in ("asc", "desc"))
)


def _tickets(name: str, **more: Any) -> Stream:
    """Tickets of a filter, by their last change; the vendor's default are those of the last 30 days."""
    params = {"order_by": "updated_at", "order_type": "asc", "include": "stats,requester"}
    return Stream(name, "/api/v2/tickets", "", EXPORT, params={**params, **more.pop("params", {})}, **more)


def _list(name: str, *, optional: bool = False) -> Stream:
    return Stream(name, f"/api/v2/{name}", "", LinkedList(), is_list=True, optional=optional)


#: Who is deleted or blocked is in no list unless asked for.
CONTACTS = LinkedWindow(order="updated_at", since_param="_updated_since", overlap=timedelta(hours=1))
#: Ratings may change and work may be written down for so long after the only time that can be asked for.
LATE = timedelta(days=7)

STREAMS = (
    _tickets("deleted_tickets", params={"filter": "deleted"}, deletion=Deletion("id", _always)),
    _tickets("spam_tickets", params={"filter": "spam"}),
    _tickets(
        "tickets",
        deletion=Deletion("deleted", _is_true),
        after=TRASH,
        trash=TRASH,
        lookup=Lookup("/api/v2/tickets/{id}", {"include": "stats,requester"}),
        rereading=EXPORT,
    ),
    Stream(
        "conversations",
        "/api/v2/tickets/{partition}/conversations",
        "",
        LinkedList(),
        partitions=_of_changed_tickets,
        after=("tickets",),
        missing_ok=True,
    ),
    Stream(
        "satisfaction_ratings",
        "/api/v2/surveys/satisfaction_ratings",
        "",
        LinkedWindow(overlap=LATE),
        optional=True,
    ),
    _list("surveys", optional=True),
    Stream(
        "time_entries",
        "/api/v2/time_entries",
        "",
        LinkedWindow(order="executed_at", since_param="executed_after", overlap=LATE),
        optional=True,
    ),
    Stream("contacts", "/api/v2/contacts", "", CONTACTS, deletion=Deletion("deleted", _is_true)),
    Stream(
        "deleted_contacts",
        "/api/v2/contacts",
        "",
        CONTACTS,
        params={"state": "deleted"},
        deletion=Deletion("id", _always),
    ),
    _list("companies"),
    _list("agents"),
    _list("groups"),
    _list("products", optional=True),
    _list("ticket_fields"),
    _list("sla_policies", optional=True),
    _list("business_hours", optional=True),
)

_PEOPLE = {"requester_id", "user_id", "responder_id", "agent_id", "last_edited_user_id", "agent_ids"}
VENDOR = Vendor(
    NAME,
    "Freshdesk",
    (
        Variable(
            "URL", "`https://<subdomain>.freshdesk.com`", "url", example="https://example.freshdesk.com"
        ),
        Variable("API_KEY", "the key of an agent who sees all tickets", "secret"),
        START_AT,
    ),
    ways=(("URL", "API_KEY"),),
    source=source,
    personal=Personal(
        people=frozenset(_PEOPLE),
        owners=frozenset({"requester_id", "user_id"}),
        kept=frozenset({"type", "tags", "time_spent"}),
        emptied=frozenset({"requester"}),
        loose=frozenset({"custom_fields"}),
        users=frozenset({"contacts", "deleted_contacts"}),
        member_of="company_id",
        tickets_streams=frozenset({"tickets", *TRASH}),
        organizations="companies",
        nothing_personal=frozenset(
            {"surveys", "groups", "products", "ticket_fields", "sla_policies", "business_hours"}
        ),
        removable=frozenset({"tickets", *TRASH, "satisfaction_ratings"}),
    ),
)
