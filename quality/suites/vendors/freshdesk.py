"""Gate 2: what is expected of Freshdesk's parsed rows, by stream."""

from __future__ import annotations

from typing import Final

from quality.suites.parsed import PRIORITIES, known, plausible, present
from quality.verdicts import Expectation

_TICKETS: Final = (*plausible("created_at"), known("priority", PRIORITIES))

#: What is expected beyond what holds of every parsed row.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "tickets": _TICKETS,
    "deleted_tickets": _TICKETS,
    "spam_tickets": _TICKETS,
    "conversations": (present("ticket_id", "actor_id"), *plausible("event_at")),
    "satisfaction_ratings": (present("ticket_id"), *plausible("answered_at")),
    "time_entries": (present("ticket_id"), *plausible("created_at", "executed_at")),
    "agents": plausible("created_at"),
    "contacts": plausible("created_at"),
    "deleted_contacts": plausible("created_at"),
    "companies": plausible("created_at"),
    "business_hours": (present("time_zone"),),
}
