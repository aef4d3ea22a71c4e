"""Gate 3: the candidate marts before they are published, with the counts that led to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from quality.suites.staged import PRIORITIES, STATUSES
from quality.verdicts import Expectation, Suite

OWNER: Final = "analytics"
GATE: Final = "marts"

GRAINS: Final = ("day", "week", "month", "quarter", "all")
DIMENSIONS: Final = (
    "all",
    "source",
    "survey",
    "segment",
    "product",
    "service_area",
    "complexity",
    "channel",
    "priority",
    "group",
    "agent",
)
MEASURES: Final = (
    "first_reply",
    "next_reply",
    "first_resolution",
    "full_resolution",
    "requester_wait",
    "agent_wait",
    "on_hold",
    "agent_work",
)
KINDS: Final = ("csat", "nps", "ces", "other")
CAUSES: Final = ("code", "rules", "deletion", "correction", "late data", "matured")
#: Why a vendor's own number is another than ours.
EXPLANATIONS: Final = ("schedule_convention", "vendor_clock_rule", "later_events", "missing_history")
STAGES: Final = (
    "all",
    "new",
    "open",
    "pending",
    "hold",
    "solved",
    "first_assignment",
    "unassigned",
    "hand_over",
)
CONVENTIONS: Final = (
    "first_contact_resolution",
    "no_repeat_contact",
    "not_reopened",
    "one_touch",
    "one_touch_explore",
)
EFFORTS: Final = (
    "reopens",
    "transfers",
    "agent_transfers",
    "escalations",
    "agent_replies",
    "customer_turns",
    "handle_seconds",
)
#: What may have happened on a ticket before its customer answered.
FACTORS: Final = ("sla", "first_reply_wait", "resolution_wait", "reopened", "hops", "channel")
#: What a control chart may say.
SIGNALS: Final = ("beyond_limits", "run", "none")
FOLLOW_UP_OUTCOMES: Final = ("open", "overdue", "contacted_in_time", "contacted_late", "no_due_time")
OUTCOMES: Final = ("met", "breached", "active", "superseded", "cancelled", "unknown")

UNITS: Final = ("percent", "points", "seconds", "tickets", "replies", "contacts", "money")

#: Marts that list what is wrong, left out or open now: fewer rows are no news.
MAY_SHRINK: Final = frozenset(
    {
        "excluded_tickets",
        "held_batches",
        "reconciliation",
        "rejected_rows",
        "rejected_values",
        "sla_at_risk",
        "unmapped_questions",
    }
)
#: Marts that may become empty from one night to the next.
MAY_BE_EMPTY: Final = MAY_SHRINK | {
    "answer_dimensions",
    "experience",
    "follow_ups",
    "kpi_cost",
    "kpi_experience",
    "kpi_follow_up",
    "kpi_retention",
    "reconciliation_summary",
    "restatements",
    "retention",
    "send_dimensions",
    "ticket_dimensions",
}

_REPORT = "The published marts stay as they are. Report it: a model counts wrongly"
_REBUILD = "Build the marts from the landing (`cxmarts refresh --full`); report it when it stays"
_RULES = "The published marts stay as they are. Correct the rule file"


def _present(*columns: str, what_to_do: str = _REPORT) -> Expectation:
    return Expectation(
        name="required_columns_are_filled",
        kind="is_present",
        kwargs={"columns": list(columns)},
        fault="lack a required value",
        why="The row cannot be found or counted without it.",
        what_to_do=what_to_do,
    )


def _key(*columns: str, what_to_do: str = _REPORT) -> Expectation:
    return Expectation(
        name="key_is_unique",
        kind="expect_compound_columns_to_be_unique",
        kwargs={"column_list": list(columns), "ignore_row_if": "never"},
        fault=f"share their key ({', '.join(columns)})",
        why="Whoever joins or sums the mart counts such rows twice.",
        what_to_do=what_to_do,
    )


def _known(column: str, values: Sequence[str], what_to_do: str = _REPORT) -> Expectation:
    return Expectation(
        name=f"{column}_is_known",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": column, "value_set": list(values)},
        fault=f"with an unknown {column}",
        why="Dashboards filter by the documented values; rows with another one vanish from them.",
        what_to_do=what_to_do,
    )


def _range(name: str, low: float, high: float | None, *columns: str) -> Expectation:
    return Expectation(
        name=name,
        kind="between",
        kwargs={"columns": list(columns), "low": low, "high": high},
        fault=f"with a value below {low:g}" if high is None else f"with a value outside {low:g} to {high:g}",
        why="The value is impossible.",
        what_to_do=_REPORT,
    )


def _counts(*columns: str) -> Expectation:
    return _range("counts_are_not_negative", 0, None, *columns)


def _percentages(*columns: str) -> Expectation:
    return _range("percentages_are_within_0_and_100", 0, 100, *columns)


def _durations(*columns: str) -> Expectation:
    return _range("durations_are_not_negative", 0, None, *columns)


def _at_most(column: str, other: str) -> Expectation:
    return Expectation(
        name=f"{column}_is_at_most_{other}",
        kind="expect_column_pair_values_a_to_be_greater_than_b",
        kwargs={
            "column_A": other,
            "column_B": column,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
        fault=f"with {column} above {other}",
        why="The two are defined so that this cannot be.",
        what_to_do=_REPORT,
    )


def _ratio(column: str, plus: Sequence[str], over: Sequence[str], minus: Sequence[str] = ()) -> Expectation:
    return Expectation(
        name=f"{column}_follows_from_its_parts",
        kind="is_ratio",
        kwargs={"column": column, "plus": list(plus), "minus": list(minus), "over": list(over)},
        fault=f"whose {column} is not what its parts give",
        why="A ratio is published with its parts; they must agree, and no answers is null, never 0.",
        what_to_do=_REPORT,
    )


def _null_when_empty(*columns: str) -> Expectation:
    return Expectation(
        name="values_are_null_exactly_when_n_is_0",
        kind="null_exactly_when",
        kwargs={"columns": list(columns), "when": "n", "values": [0]},
        fault="with a value but no answers, or answers but no value",
        why="No answers is null, never 0.",
        what_to_do=_REPORT,
    )


def _by_as_of(*columns: str) -> Expectation:
    return Expectation(
        name="times_are_not_after_as_of",
        kind="not_later_than",
        kwargs={"columns": list(columns), "other": "as_of"},
        fault="with a time after the build's as_of",
        why="Events after as_of are left out, or yesterday's numbers could not be built again.",
        what_to_do=_REPORT,
    )


_DEFINED: Final = Expectation(
    name="kpi_is_defined",
    kind="is_present",
    kwargs={"columns": ["definition_version"]},
    fault="of a KPI without a definition",
    why="Readers could not know what the number means.",
    what_to_do=f"{_RULES} kpi_definitions: the KPI has no row there",
)


def _kpi(*extra: str, may_declare: bool = False) -> tuple[Expectation, ...]:
    """What holds of every KPI table; `may_declare` where the company's own dimensions come beside ours."""
    return (
        _key("period_grain", "period_start", "dimension", "member", *extra),
        _present("period_grain", "dimension", "member", *extra),
        _DEFINED,
        Expectation(
            name="period_start_is_null_exactly_for_all_time",
            kind="null_exactly_when",
            kwargs={"column": "period_start", "when": "period_grain", "values": ["all"]},
            fault="whose period_start does not fit their grain",
            why="The key must say which period a row is about.",
            what_to_do=_REPORT,
        ),
        _known("period_grain", GRAINS),
        *([] if may_declare else [_known("dimension", DIMENSIONS)]),
    )


_DURATIONS: Final = tuple(
    f"{measure}_{clock}seconds"
    for measure in (*MEASURES, "first_assignment", "in_new", "in_open", "unassigned", "unsolved_age")
    if measure != "next_reply"
    for clock in ("", "business_")
)

_SLA_KEY: Final = ("source", "ticket_id", "metric", "instance", "applied_at")

#: What is judged, by mart.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "tickets": (
        _key("source", "ticket_id"),
        _present("source", "ticket_id", "created_at", "status"),
        _known("status", STATUSES),
        _known("priority", PRIORITIES),
        _by_as_of("created_at", "first_reply_at", "first_assigned_at", "first_solved_at", "last_solved_at"),
        _at_most("first_solved_at", "last_solved_at"),
        _durations(*_DURATIONS),
        _counts("reopens", "public_agent_replies", "group_hops", "assignee_hops", "priority_raises"),
    ),
    "ticket_replies": (
        _key("source", "ticket_id", "reply_no"),
        _present("source", "ticket_id", "reply_no", "is_first_reply", "created_at"),
        _known("priority", PRIORITIES),
        _by_as_of("created_at", "waits_from", "replied_at"),
        _durations("seconds", "business_seconds"),
    ),
    "ticket_states": (
        _key("source", "ticket_id", "state_no"),
        _present("source", "ticket_id", "state_no", "started_at"),
        Expectation(
            name="status_is_null_exactly_without_a_history",
            kind="null_exactly_when",
            kwargs={"column": "status", "when": "has_status_history", "values": [False]},
            fault="without a status though their ticket's are known, or the other way round",
            why="A stay without a status is in none of the waits.",
            what_to_do=_REPORT,
        ),
        _known("status", (*STATUSES, "deleted")),
        _known("priority", PRIORITIES),
        _by_as_of("started_at", "ended_at"),
        _at_most("started_at", "ended_at"),
        _durations("seconds", "business_seconds", "take_up_seconds", "take_up_business_seconds"),
    ),
    "excluded_tickets": (
        _key("source", "ticket_id"),
        _present("source", "ticket_id", "reason"),
        _known("reason", ("deleted", "merged", "spam")),
    ),
    "sla_targets": (
        _key(*_SLA_KEY),
        _present("source", "ticket_id", "metric", "outcome", "origin"),
        _known("outcome", OUTCOMES),
        _known("origin", ("vendor", "declared", "own")),
        _by_as_of("applied_at", "ended_at", "breached_at"),
        _durations("target_seconds", "elapsed_seconds", "elapsed_seconds_last_schedule"),
    ),
    "sla_at_risk": (
        _key(*_SLA_KEY),
        _present("source", "ticket_id", "metric", "urgency_rank"),
        _known("priority", PRIORITIES),
        _by_as_of("applied_at"),
        _counts("urgency_rank"),
    ),
    "reconciliation": (
        _key("source", "ticket_id", "published_in", "vendor_field"),
        _present("source", "ticket_id", "published_in", "vendor_field", "measure", "reason"),
        _known("reason", (*EXPLANATIONS, "unexplained")),
        Expectation(
            name="differences_are_explained",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "reason", "value_set": list(EXPLANATIONS)},
            severity="warning",
            show=("measure", "clock", "ours", "theirs"),
            fault="of numbers that differ from the vendor's without a reason",
            why="Our number or theirs is wrong, or the vendor counts by a rule that we do not know.",
            what_to_do=(
                "Compare the ticket's history with the vendor's screen. A rule of the "
                "vendor belongs into the rule file vendor_numbers; report a number of ours that is wrong"
            ),
        ),
    ),
    "reconciliation_summary": (
        _key("source", "published_in", "vendor_field"),
        _present("source", "published_in", "vendor_field", "measure"),
        _counts("compared", "rounding", "unexplained"),
        Expectation(
            name="reasons_sum_to_compared",
            kind="sums_equal",
            kwargs={"left": ["rounding", *EXPLANATIONS, "unexplained"], "right": ["compared"]},
            fault="whose reasons do not sum to what was compared",
            why="Every number that is compared agrees, or has one reason.",
            what_to_do=_REPORT,
        ),
        _ratio("unexplained_pct", ["unexplained"], ["compared"]),
        Expectation(
            name="few_numbers_are_unexplained",
            kind="at_most_share",
            kwargs={"column": "unexplained", "other": "compared", "share": 0.01},
            severity="warning",
            fault="more than 1 % of the numbers differ from the vendor's without a reason",
            why="So many are no accident of single tickets: the vendor counts by another rule than ours.",
            what_to_do="Look for what they have in common in the mart reconciliation; see docs/metrics.md",
        ),
    ),
    "survey_answers": (
        _key("source", "response_id", "question_id"),
        _present("source", "response_id", "question_id", "kind", "score"),
        _known("kind", KINDS),
        _known("nps_class", ("promoter", "passive", "detractor")),
        Expectation(
            name="score_is_within_its_scale",
            kind="within",
            kwargs={"column": "score", "low": "scale_min", "high": "scale_max", "or_unbounded": True},
            fault="with a score outside its scale",
            why="A 6 on a scale of 1 to 5 is an error of the source: it is rejected, never clipped.",
            what_to_do=_REPORT,
        ),
        Expectation(
            name="nps_answers_have_a_class",
            kind="present_when",
            kwargs={"column": "nps_class", "when": "kind", "values": ["nps"]},
            fault="of kind nps without a class",
            why="The answer would be missing from n.",
            what_to_do=_REPORT,
        ),
        _by_as_of("answered_at"),
        _at_most("sent_at", "answered_at"),
    ),
    "answer_dimensions": (
        _key("source", "response_id", "question_id", "dimension"),
        _present("source", "response_id", "question_id", "dimension", "member"),
    ),
    "ticket_dimensions": (
        _key("source", "ticket_id", "dimension"),
        _present("source", "ticket_id", "dimension", "member"),
    ),
    "send_dimensions": (
        _key("source", "survey", "invitation_id", "dimension"),
        _present("source", "survey", "invitation_id", "dimension", "member"),
    ),
    "experience": (
        _key("source", "response_id", "question_id"),
        _present("source", "response_id", "question_id", "kind", "points", "ticket_source", "ticket_id"),
        _known("kind", ("csat", "nps", "ces")),
        _by_as_of("answered_at"),
        _counts("breaches", "reopens", "group_hops"),
        _durations("first_reply_seconds", "resolution_seconds"),
        _percentages("score_pct"),
    ),
    "retention": (
        _key("unit_id", "source", "unit", "window_days"),
        _present("window_days", "unit", "source", "unit_id", "landmark", "has_come_back"),
        _known("unit", ("customer", "organization")),
        _by_as_of("landmark"),
    ),
    "survey_sends": (
        _key("source", "survey", "invitation_id"),
        _present("source", "survey", "invitation_id", "sent_at"),
        _by_as_of("sent_at", "answered_at", "solved_at"),
        _at_most("solved_at", "sent_at"),
        _at_most("sent_at", "answered_at"),
    ),
    "follow_ups": (
        _key("source", "response_id", "question_id"),
        _present("source", "response_id", "question_id", "kind", "score", "reason", "outcome"),
        _known("reason", ("detractor", "not_satisfied", "not_easy")),
        _known("contact_kind", ("reply", "outbound_ticket", "tag")),
        _known("outcome", FOLLOW_UP_OUTCOMES),
        _by_as_of("flagged_at", "contacted_at", "next_answered_at"),
        _at_most("flagged_at", "due_at"),
        _at_most("flagged_at", "contacted_at"),
    ),
    "customers": (_key("source", "customer_id"), _present("source", "customer_id")),
    "organizations": (_key("source", "organization_id"), _present("source", "organization_id")),
    "agents": (_key("source", "agent_id"), _present("source", "agent_id")),
    "groups": (_key("source", "group_id"), _present("source", "group_id")),
    "publication": (_key("source", "vendor", "stream"), _present("source", "vendor", "stream")),
    "held_batches": (
        _key("source", "stream", "batch_id"),
        _present("source", "vendor", "stream", "batch_id", "rows", "reason"),
        _counts("rows", "faulty_rows"),
    ),
    "rejected_values": (
        _present("source", "stream", "field"),
        Expectation(
            name="no_value_is_rejected",
            kind="expect_column_values_to_be_null",
            kwargs={"column": "reason"},
            severity="warning",
            show=("source", "stream", "record_id", "field", "value_shape"),
            fault="values that cannot be",
            lists_faults=True,
            why="Such a value is null, or a time that nobody knows.",
            what_to_do="The mart rejected_values names each. Correct the source, or the mapping of its file",
        ),
    ),
    "unmapped_questions": (
        _key("source", "survey", "question_id"),
        _present("source", "survey", "question_id"),
    ),
    "restatements": (
        _key("mart", "key", "column_name", "cause", "before_version"),
        _present("mart", "key", "column_name", "cells", "cause", "restated_at", "before_version"),
        _known("cause", CAUSES),
        _by_as_of("restated_at"),
        _range("cells_are_counted", 1, None, "cells"),
        Expectation(
            name="changed_definitions_have_a_new_version",
            kind="present_when",
            # Until it is published, a row of the journal is of no version.
            kwargs={"column": "version", "when": "column_name", "values": ["definition"]},
            severity="warning",
            show=("key", "before"),
            fault="of KPIs that are defined by another text under the same version",
            why="Readers tell by definition_version whether two numbers mean the same.",
            what_to_do="Raise definition_version in the rule file kpi_definitions",
        ),
    ),
    "kpi_definitions": (
        _key("kpi", what_to_do=f"{_RULES} kpi_definitions"),
        _present(
            "kpi",
            "mart",
            "small_n",
            "definition_version",
            "definition",
            "variant",
            what_to_do=f"{_RULES} kpi_definitions",
        ),
        _known("unit", UNITS, f"{_RULES} kpi_definitions"),
        _known("better", ("higher", "lower"), f"{_RULES} kpi_definitions"),
    ),
    "kpi_csat": (
        *_kpi(may_declare=True),
        _counts("n", "positive"),
        _at_most("positive", "n"),
        _percentages("csat_pct", "ci_low_pct", "ci_high_pct"),
        _at_most("ci_low_pct", "ci_high_pct"),
        _ratio("csat_pct", ["positive"], ["n"]),
    ),
    "kpi_nps": (
        *_kpi(may_declare=True),
        _counts("n", "promoters", "passives", "detractors", "margin"),
        Expectation(
            name="classes_sum_to_n",
            kind="sums_equal",
            kwargs={"left": ["promoters", "passives", "detractors"], "right": ["n"]},
            fault="whose classes do not sum to n",
            why="Every answer is promoter, passive or detractor, and only one.",
            what_to_do=_REPORT,
        ),
        _range("nps_is_within_minus_100_and_100", -100, 100, "nps"),
        _ratio("nps", ["promoters"], ["n"], minus=["detractors"]),
    ),
    "kpi_ces": (
        *_kpi(may_declare=True),
        _counts("n", "easy"),
        _percentages("ces_pct", "ci_low_pct", "ci_high_pct"),
        _ratio("ces_pct", ["easy"], ["n"]),
        _at_most("median_score", "p90_score"),
    ),
    "kpi_distribution": (
        *_kpi("source", "survey", "question_id", "score"),
        _known("kind", KINDS),
        _counts("n", "answers"),
        _ratio("share_pct", ["n"], ["answers"]),
    ),
    "kpi_survey_response": (
        *_kpi(),
        _counts(
            "sent", "delivered", "bounced", "answered", "not_answered", "awaited", "customers", "too_soon"
        ),
        _percentages(
            "response_rate_pct", "response_rate_sent_pct", "ci_low_pct", "ci_high_pct", "too_soon_pct"
        ),
        _ratio("response_rate_sent_pct", ["answered"], ["sent"]),
        _at_most("delivered", "sent"),
    ),
    "kpi_follow_up": (
        *_kpi("kind", may_declare=True),
        _counts("flagged", "due", "contacted", "contacted_late", "overdue", "scored_again", "recovered"),
        _at_most("due", "flagged"),
        _at_most("recovered", "scored_again"),
        Expectation(
            name="outcomes_sum_to_due",
            kind="sums_equal",
            kwargs={"left": ["contacted_in_time", "contacted_late", "overdue"], "right": ["due"]},
            fault="whose outcomes do not sum to what was due",
            why="What is due was done in time, done late or is overdue.",
            what_to_do=_REPORT,
        ),
        _percentages("in_time_pct", "ci_low_pct", "ci_high_pct", "recovered_pct"),
        _ratio("in_time_pct", ["contacted_in_time"], ["due"]),
        _ratio("recovered_pct", ["recovered"], ["scored_again"]),
    ),
    "kpi_response_times": (
        *_kpi("measure", "clock"),
        _known("measure", MEASURES),
        _known("clock", ("calendar", "business")),
        _counts("n"),
        _durations("mean_seconds", "median_seconds", "p90_seconds"),
        _at_most("median_seconds", "p90_seconds"),
        _null_when_empty("mean_seconds", "median_seconds", "p90_seconds"),
    ),
    "kpi_sla_compliance": (
        *_kpi("metric"),
        _counts("met", "breached", "active"),
        _percentages("attainment_pct"),
        _ratio("attainment_pct", ["met"], ["met", "breached"]),
    ),
    "kpi_volume": (
        *_kpi(),
        _counts("created", "solved", "reopened", "customers", "organizations", "active_customers"),
        _at_most("customers", "created"),
    ),
    "kpi_backlog": (
        *_kpi("age_bucket"),
        _counts("open_at_start", "arrivals", "departures", "open_at_end"),
        Expectation(
            name="what_came_and_went_explains_the_end",
            kind="sums_equal",
            kwargs={"left": ["open_at_start", "arrivals"], "right": ["departures", "open_at_end"]},
            fault="whose open_at_start + arrivals - departures is not open_at_end",
            why="The backlog is the sum of what came and went.",
            what_to_do=_REPORT,
        ),
    ),
    "kpi_bottlenecks": (
        *_kpi("stage", "clock"),
        _known("stage", STAGES),
        _known("clock", ("calendar", "business")),
        _counts("n"),
        _durations("sum_seconds", "mean_seconds", "median_seconds", "p90_seconds"),
        _percentages("share_pct"),
        _ratio("share_pct", ["sum_seconds"], ["whole_seconds"]),
        _at_most("median_seconds", "p90_seconds"),
    ),
    "kpi_first_contact": (
        *_kpi("convention"),
        _known("convention", CONVENTIONS),
        _counts("numerator", "denominator", "immature"),
        _at_most("numerator", "denominator"),
        _percentages("rate_pct", "ci_low_pct", "ci_high_pct"),
        _ratio("rate_pct", ["numerator"], ["denominator"]),
    ),
    "kpi_effort": (
        *_kpi("measure"),
        _known("measure", EFFORTS),
        _counts("n", "affected", "total"),
        _at_most("affected", "n"),
        _at_most("median_per_ticket", "p90_per_ticket"),
        _percentages("affected_pct", "ci_low_pct", "ci_high_pct"),
        _ratio("affected_pct", ["affected"], ["n"]),
    ),
    "kpi_experience": (
        _key("time_span", "kind", "factor", "exposure"),
        _present("time_span", "kind", "factor", "exposure", "n", "value"),
        _DEFINED,
        _known("kind", ("csat", "nps", "ces")),
        _known("factor", FACTORS),
        _counts("n", "others_n"),
        _range("points_are_within_minus_100_and_100", -100, 100, "value", "others_value"),
        _percentages("mean_score_pct", "others_mean_score_pct"),
        _at_most("ci_low", "ci_high"),
    ),
    "kpi_cost": (
        *_kpi("scenario"),
        _known("scenario", ("low", "base", "high")),
        _counts("solved", "customers"),
        _at_most("customers", "solved"),
    ),
    "kpi_retention": (
        _key("exposure", "window_days", "unit", "outcome", "factor"),
        _present("window_days", "unit", "outcome", "factor", "exposure", "n"),
        _DEFINED,
        _known("unit", ("customer", "organization")),
        _known("outcome", ("stayed", "came_back")),
        _counts("n", "retained", "others_n", "others_retained"),
        _at_most("retained", "n"),
        _percentages("retention_pct", "ci_low_pct", "ci_high_pct", "others_retention_pct"),
        _ratio("retention_pct", ["retained"], ["n"]),
    ),
    "kpi_team": (
        *_kpi(),
        _counts("solved", "reopened", "replies", "first_replies", "csat_n", "sla_met", "sla_breached"),
        _at_most("reopened", "solved"),
        _at_most("first_replies", "replies"),
        _at_most("csat_positive", "csat_n"),
        _percentages("reopen_rate_pct", "csat_pct", "sla_attainment_pct"),
        _at_most("first_reply_median_seconds", "first_reply_p90_seconds"),
    ),
    "kpi_scorecard": (
        *_kpi("kpi", may_declare=True),
        _counts("n", "baseline_periods"),
        _known("status", ("on_target", "off_target", "no_target", "small_n", "no_data")),
        _known("signal", SIGNALS),
        _at_most("lower_limit", "upper_limit"),
    ),
}

#: One row per stream: what was fetched against what reached staging.
CONSERVATION: Final = Suite(
    name="conservation",
    gate=GATE,
    owner=OWNER,
    expectations=(
        Expectation(
            name="fetched_equals_landed",
            kind="sums_equal",
            kwargs={"left": ["received", "tombstones"], "right": ["landed", "duplicates", "unchanged"]},
            fault="received + tombstones is not landed + duplicates + unchanged",
            why="Every record that the API gave lands or is counted as dropped.",
            what_to_do="Refetch the stream; report it when it comes again, records were lost on the way",
        ),
        Expectation(
            name="landed_equals_staged",
            kind="sums_equal",
            kwargs={"left": ["landed"], "right": ["staged", "rejected", "superseded"]},
            fault="landed is not staged + rejected + superseded versions",
            why="Every landed row is in staging, is rejected with a reason or is an older version.",
            what_to_do=_REBUILD,
        ),
        Expectation(
            name="nothing_is_staged_twice",
            kind="expect_column_values_to_be_between",
            kwargs={"column": "superseded", "min_value": 0},
            fault="more rows are staged and rejected than landed",
            why="A batch that is merged twice counts its records twice.",
            what_to_do=_REBUILD,
        ),
    ),
)

#: One row per batch or stream: rows that were rejected, also after the staged gate (a score outside its
#: scale).
REJECTIONS: Final = Suite(
    name="rejections",
    gate=GATE,
    owner=OWNER,
    expectations=(
        Expectation(
            name="few_rows_are_rejected",
            kind="at_most_share",
            kwargs={"column": "rejected", "other": "rows", "share": 0.01},
            where={"is_waived": False, "is_stale_allowed": False},
            fault="more than 1 % of the rows are rejected",
            why="Rejected rows are absent from the marts; many of them mean that the source changed.",
            what_to_do=(
                "`cxmarts rejected` lists each with its reason. Refetch the stream when the source is right "
                "again; answers outside their scale: declare the question's scale in questions.csv when the "
                "survey has another one; or name the source in CXMARTS_ALLOW_STALE to publish without them"
            ),
        ),
        Expectation(
            name="no_row_is_rejected",
            kind="at_most_share",
            kwargs={"column": "rejected", "other": "rows", "share": 0.0},
            severity="warning",
            fault="rows are rejected",
            why="Rejected rows are absent from the marts.",
            what_to_do="The mart rejected_rows names each with its reason",
        ),
    ),
)

#: One row per source and stream: how old its last successful fetch is.
FRESHNESS: Final = Suite(
    name="freshness",
    gate=GATE,
    owner=OWNER,
    expectations=(
        Expectation(
            name="source_is_fresh",
            kind="at_most_share",
            kwargs={"column": "age_seconds", "other": "max_age_seconds", "share": 1.0},
            where={"is_stale_allowed": False},
            fault="the last successful fetch is too old",
            why="Numbers of yesterday that look like today's mislead.",
            what_to_do="Fix the source and refresh, or name it in CXMARTS_ALLOW_STALE",
        ),
        Expectation(
            name="source_has_been_fetched",
            kind="expect_column_values_to_not_be_null",
            kwargs={"column": "age_seconds"},
            where={"is_stale_allowed": False},
            fault="no successful fetch is known",
            why="Numbers without their source mislead.",
            what_to_do="Refresh with the source's credentials set, or name it in CXMARTS_ALLOW_STALE",
        ),
    ),
)

#: One row per mart: its rows against those of the current publication.
ROW_COUNTS: Final = Suite(
    name="row_counts",
    gate=GATE,
    owner=OWNER,
    expectations=(
        Expectation(
            name="rows_did_not_drop",
            kind="at_least_share",
            kwargs={"column": "rows", "other": "previous_rows", "share": 0.8},
            severity="warning",
            fault="a fifth fewer rows than published now",
            why="History does not shrink by itself; erasures and restated rules do it knowingly.",
            what_to_do="Compare with the previous publication (`cxmarts publications`)",
        ),
        Expectation(
            name="mart_is_not_emptied",
            kind="at_least_share",
            kwargs={"column": "rows", "other": "least_rows", "share": 1.0},
            fault="empty, though it is published with rows now",
            why="An empty mart is a source that fails silently or a broken build, not a quiet day.",
            what_to_do=(
                "The published marts stay as they are. Look for the source that no longer gives what filled "
                "it: a permission, a mapping or rows of an export that are gone. Report it when all sources "
                "give what they gave"
            ),
        ),
    ),
)


def suite(mart: str) -> Suite:
    """The suite of a mart; one without a declaration has no expectations of its own."""
    expectations = DECLARED.get(mart, ())
    key = next((e.columns for e in expectations if e.name == "key_is_unique"), ())
    return Suite(name=mart, gate=GATE, owner=OWNER, id_columns=key, expectations=expectations)


def columns(mart: str, available: Collection[str]) -> list[str]:
    """What to select for judging, of the columns that the mart has. `as_of` is added while judging."""
    return [column for column in suite(mart).columns if column in available and column != "as_of"]
