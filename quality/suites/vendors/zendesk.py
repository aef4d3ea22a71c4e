"""Gate 2: what is expected of Zendesk's parsed rows, by stream."""

from __future__ import annotations

from typing import Final

from quality.suites.landing import HELD, KEPT
from quality.suites.parsed import ACCEPTED, PRIORITIES, ROW_TOLERANCE, STATUSES, known, plausible, present
from quality.verdicts import Expectation

SLA_METRICS: Final = (
    "reply_time",
    "agent_work_time",
    "requester_wait_time",
    "periodic_update_time",
    "pausable_update_time",
    "resolution_time",
    "group_ownership_time",
)
METRIC_EVENT_TYPES: Final = (
    "activate",
    "pause",
    "fulfill",
    "apply_sla",
    "apply_group_sla",
    "breach",
    "update_status",
    "measure",
)
RATING_SCORES: Final = (
    "offered",
    "unoffered",
    "good",
    "bad",
    "good_with_comment",
    "bad_with_comment",
)


#: What is expected beyond what holds of every parsed row.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "tickets": (
        *plausible("created_at"),
        known("status", (*STATUSES, "deleted"), critical=True),
        known("priority", PRIORITIES),
    ),
    "ticket_events": (present("ticket_id"), *plausible("event_at")),
    "ticket_audits": (present("ticket_id"), *plausible("event_at")),
    "ticket_metric_events": (
        present("ticket_id"),
        *plausible("event_at"),
        known("metric", SLA_METRICS),
        known("event_type", METRIC_EVENT_TYPES),
        Expectation(
            name="targets_are_not_negative",
            kind="between",
            kwargs={"column": "target_seconds", "low": 0},
            tolerance=ROW_TOLERANCE,
            where=ACCEPTED,
            fault="with a negative target",
            why="The value is impossible.",
            what_to_do=HELD,
            if_few=KEPT,
        ),
    ),
    "satisfaction_ratings": (
        present("ticket_id"),
        *plausible("created_at"),
        known("score", RATING_SCORES, critical=True),
    ),
    "survey_responses": (present("responder_id"), *plausible("sent_at")),
    "users": (*plausible("created_at"), known("role", ("end-user", "agent", "admin"))),
    "organizations": plausible("created_at"),
    "schedules": (present("time_zone"),),
}
