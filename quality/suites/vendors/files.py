"""Gate 2: what is expected of the parsed rows of exported files, by entity."""

from __future__ import annotations

from typing import Final

from quality.suites.parsed import ACCEPTED, PRIORITIES, STATUSES, known, plausible, present
from quality.verdicts import Expectation

_SCORE_WITHIN_SCALE: Final = Expectation(
    name="score_is_within_its_scale",
    kind="within",
    kwargs={"column": "score", "low": "scale_min", "high": "scale_max"},
    where=ACCEPTED,
    fault="accepted with a score outside its scale",
    why="A 6 on a scale of 1 to 5 is an error of the source: it is rejected, never clipped.",
    what_to_do="The staging model must reject scores outside their scale: report it, or correct the scale",
)

#: What is expected beyond what holds of every parsed row.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "tickets": (
        present("ticket_id"),
        *plausible("created_at"),
        known("status", STATUSES, critical=True),
        known("priority", PRIORITIES),
    ),
    "ticket_events": (
        present("ticket_id"),
        *plausible("event_at"),
        known("kind", ("change", "comment"), critical=True),
        known("actor_role", ("agent", "end_user", "system")),
    ),
    "survey_invitations": (
        present("invitation_id"),
        *plausible("sent_at", "answered_at"),
        known("delivery", ("delivered", "bounced")),
    ),
    "survey_answers": (
        present("response_id"),
        *plausible("answered_at", "sent_at"),
        _SCORE_WITHIN_SCALE,
    ),
}

#: Columns that are not columns of the table, as SQL on it.
EXPRESSIONS: Final[dict[str, dict[str, str]]] = {
    "survey_answers": {
        "scale_min": "question.scale_min",
        "scale_max": "question.scale_max",
    },
}
