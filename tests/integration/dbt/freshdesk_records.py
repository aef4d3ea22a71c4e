"""Freshdesk records in few words: one account's tickets, conversations, ratings and settings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .warehouse import Warehouse
from .zendesk_records import utc

CUSTOMER, AGENT, OTHER_AGENT = 11, 21, 22
FIRST_LEVEL, SECOND_LEVEL = 31, 32
OPEN, PENDING, RESOLVED, CLOSED = 2, 3, 4, 5
LOW, MEDIUM, HIGH, URGENT = 1, 2, 3, 4
REPLY, NOTE, FEEDBACK, FORWARD, PHONE = 0, 2, 6, 8, 9
BEFORE = "2020-01-01T00:00"

Record = dict[str, Any]


@dataclass
class Account:
    """One account's records, landed as one source; a customer and two agents are there from the start."""

    source: str = "freshdesk"
    streams: dict[str, list[Record]] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    def __post_init__(self) -> None:
        self.add("contacts", CUSTOMER)
        self.add("agents", AGENT)
        self.add("agents", OTHER_AGENT)

    def add(self, stream: str, record_id: int | None, at: str = BEFORE, **fields: Any) -> Record:
        """A record as of a time; made then too, unless it says otherwise."""
        made = {"id": record_id or next(self.ids), "created_at": utc(at), "updated_at": utc(at)}
        record = made | fields
        self.streams.setdefault(stream, []).append(record)
        return record

    def ticket(
        self,
        ticket_id: int,
        created: str,
        updated: str,
        status: Any = OPEN,
        *,
        stats: Mapping[str, str | None] | None = None,
        stream: str = "tickets",
        **fields: Any,
    ) -> Record:
        """A version of a ticket: how it was when it was last updated, with the times that its stats tell."""
        given = {
            "status": status,
            "priority": MEDIUM,
            "source": 1,
            "type": None,
            "requester_id": CUSTOMER,
            "responder_id": AGENT,
            "group_id": FIRST_LEVEL,
            "company_id": None,
            "product_id": None,
            "due_by": None,
            "fr_due_by": None,
            "is_escalated": False,
            "fr_escalated": False,
            "tags": [],
            "custom_fields": {},
            "stats": {name: at and utc(at) for name, at in (stats or {}).items()},
        }
        return self.add(stream, ticket_id, updated, **given | {"created_at": utc(created)} | fields)

    def says(
        self,
        ticket_id: int,
        at: str,
        by: int = AGENT,
        source: Any = REPLY,
        *,
        private: bool = False,
        **fields: Any,
    ) -> Record:
        """A conversation; a customer's comes in."""
        given = {"ticket_id": ticket_id, "user_id": by, "source": source, "private": private}
        return self.add("conversations", None, at, incoming=by == CUSTOMER, **given, **fields)

    def rating(self, ticket_id: int, at: str, ratings: Mapping[str, Any], **fields: Any) -> Record:
        given = {"ticket_id": ticket_id, "survey_id": 7, "user_id": CUSTOMER, "ratings": dict(ratings)}
        return self.add("satisfaction_ratings", None, at, **given | fields)

    def land(self, warehouse: Warehouse, fetched_at: str = "2030-01-01T00:00:00Z") -> None:
        """Lands what was added since, a batch per stream."""
        for stream, records in self.streams.items():
            warehouse.land("freshdesk", stream, records, source=self.source, fetched_at=fetched_at)
        self.streams = {}
