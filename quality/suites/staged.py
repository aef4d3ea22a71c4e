"""Gate 2: parsed rows before they merge into staging, judged on typed key columns, per batch.

A row that staging rejects (`reject_reason`) stays out of the marts and is counted here. The other
expectations look at the rows that staging accepted: what they find would reach the marts. What holds of the
envelope (versions, change times) the landing gate has judged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from quality.suites.landing import ABSENT, HELD, KEPT
from quality.verdicts import Expectation, Suite

OWNER: Final = "data-engineering"
GATE: Final = "staged"
ROW_TOLERANCE: Final = 0.01
EARLIEST: Final = "1990-01-01"
CLOCK_SLACK_SECONDS: Final = 86_400

_ACCEPTED: Final[dict[str, Any]] = {"reject_reason": None}
_LIVE: Final[dict[str, Any]] = {"reject_reason": None, "deleted": False}

#: The expectation whose reason each row has itself.
REJECTED: Final = "rows_are_accepted"

STATUSES: Final = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES: Final = ("low", "normal", "high", "urgent")
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


def _known(column: str, values: Sequence[str], *, critical: bool = False) -> Expectation:
    return Expectation(
        name=f"{column}_is_known",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": list(values)},
        severity="critical" if critical else "warning",
        tolerance=ROW_TOLERANCE if critical else 0.0,
        where=_ACCEPTED,
        fault=f"with an unknown {column}",
        why="Models group and filter by the known values; another one is counted under no heading.",
        what_to_do=f"If the source has a new {column}, teach the staging model about it."
        + (f" {HELD}" if critical else ""),
        if_few=KEPT,
    )


def _present(*columns: str) -> Expectation:
    return Expectation(
        name="references_are_present",
        kind="is_present",
        kwargs={"columns": list(columns)},
        tolerance=ROW_TOLERANCE,
        where=_LIVE,
        fault="without a reference that they need",
        why="The row cannot be tied to what it belongs to.",
        what_to_do=HELD,
        if_few=KEPT,
    )


def _plausible(*columns: str) -> tuple[Expectation, ...]:
    return (
        Expectation(
            name="dates_are_not_before_1990",
            kind="not_before",
            kwargs={"columns": list(columns), "earliest": EARLIEST},
            tolerance=ROW_TOLERANCE,
            where=_ACCEPTED,
            fault="with a date before 1990",
            why="A date before the help desk existed is a default or a swapped format.",
            what_to_do=f"Check the date format of the source. {HELD}",
            if_few=KEPT,
        ),
        Expectation(
            name="dates_are_not_after_the_fetch",
            kind="not_later_than",
            kwargs={"columns": list(columns), "other": "fetched_at", "slack_seconds": CLOCK_SLACK_SECONDS},
            tolerance=ROW_TOLERANCE,
            where=_ACCEPTED,
            fault="with a date more than a day after the fetch",
            why="Nothing can have happened after it was fetched: a swapped date format or a wrong zone.",
            what_to_do=f"Check the date format and zone of the source. {HELD}",
            if_few=KEPT,
        ),
    )


_REJECTS: Final = Expectation(
    name=REJECTED,
    kind="expect_column_values_to_be_null",
    kwargs={"column": "reject_reason"},
    tolerance=ROW_TOLERANCE,
    fault="rejected by staging",
    why="Rejected rows are absent from the marts; many of them mean that the source changed.",
    what_to_do=HELD,
    if_few=ABSENT,
)
_IDENTIFIED: Final = Expectation(
    name="accepted_rows_have_an_id",
    kind="is_present",
    kwargs={"column": "record_id"},
    where=_ACCEPTED,
    fault="accepted without a record id",
    why="A row without an id cannot be merged or counted once.",
    what_to_do="The staging model must reject rows without an id: report it",
)
_SCORE_WITHIN_SCALE: Final = Expectation(
    name="score_is_within_its_scale",
    kind="within",
    kwargs={"column": "score", "low": "scale_min", "high": "scale_max"},
    where=_ACCEPTED,
    fault="accepted with a score outside its scale",
    why="A 6 on a scale of 1 to 5 is an error of the source: it is rejected, never clipped.",
    what_to_do="The staging model must reject scores outside their scale: report it, or correct the scale",
)

_GENERIC: Final = (_REJECTS, _IDENTIFIED)

#: What is judged beyond the generic expectations, by model.
_DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "new_zendesk__tickets": (
        *_plausible("created_at"),
        _known("status", (*STATUSES, "deleted"), critical=True),
        _known("priority", PRIORITIES),
    ),
    "new_zendesk__ticket_events": (_present("ticket_id"), *_plausible("event_at")),
    "new_zendesk__ticket_audits": (_present("ticket_id"), *_plausible("event_at")),
    "new_zendesk__ticket_metric_events": (
        _present("ticket_id"),
        *_plausible("event_at"),
        _known("metric", SLA_METRICS),
        _known("event_type", METRIC_EVENT_TYPES),
        Expectation(
            name="targets_are_not_negative",
            kind="between",
            kwargs={"column": "target_seconds", "low": 0},
            tolerance=ROW_TOLERANCE,
            where=_ACCEPTED,
            fault="with a negative target",
            why="The value is impossible.",
            what_to_do=HELD,
            if_few=KEPT,
        ),
    ),
    "new_zendesk__satisfaction_ratings": (
        _present("ticket_id"),
        *_plausible("created_at"),
        _known("score", RATING_SCORES, critical=True),
    ),
    "new_zendesk__survey_responses": (_present("responder_id"), *_plausible("sent_at")),
    "new_zendesk__users": (*_plausible("created_at"), _known("role", ("end-user", "agent", "admin"))),
    "new_zendesk__organizations": _plausible("created_at"),
    "new_zendesk__schedules": (_present("time_zone"),),
    "new_typeform__responses": (
        _present("form_id", "response_id"),
        *_plausible("submitted_at", "sent_at"),
    ),
    "new_files__tickets": (
        _present("ticket_id"),
        *_plausible("created_at"),
        _known("status", STATUSES, critical=True),
        _known("priority", PRIORITIES),
    ),
    "new_files__ticket_events": (
        _present("ticket_id"),
        *_plausible("event_at"),
        _known("kind", ("change", "comment"), critical=True),
        _known("actor_role", ("agent", "end_user", "system")),
    ),
    "new_files__survey_invitations": (
        _present("invitation_id"),
        *_plausible("sent_at", "answered_at"),
        _known("delivery", ("delivered", "bounced")),
    ),
    "new_files__survey_answers": (
        _present("response_id"),
        *_plausible("answered_at", "sent_at"),
        _SCORE_WITHIN_SCALE,
    ),
}

#: Columns that are not columns of the table, as SQL on it.
EXPRESSIONS: Final[dict[str, dict[str, str]]] = {
    "new_files__survey_answers": {
        "scale_min": "question.scale_min",
        "scale_max": "question.scale_max",
    },
}

#: Columns that every parsed table has and judging needs.
ENVELOPE: Final = ("batch_id", "record_id", "fetched_at", "deleted", "reject_reason")


def suite(model: str) -> Suite:
    """The suite of a parsed model; one without a declaration gets the generic expectations."""
    return Suite(
        name=model,
        gate=GATE,
        owner=OWNER,
        id_columns=("record_id",),
        expectations=(*_GENERIC, *_DECLARED.get(model, ())),
    )


def columns(model: str, available: Collection[str]) -> dict[str, str]:
    """What to select for judging: column name to SQL expression, for the columns that the table can give."""
    given = EXPRESSIONS.get(model, {})
    wanted = dict.fromkeys((*ENVELOPE, *suite(model).columns))
    found = {}
    for name in wanted:
        expression = given.get(name, name)
        if expression.split(".")[0] in available:
            found[name] = expression
    return found
