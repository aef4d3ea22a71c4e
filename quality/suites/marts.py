"""Gate 3: the candidate marts before they are published, with the counts that led to them.

Most of what must hold of a mart follows from its contract and card (`quality.contracts`); here is the rest.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from quality.contracts import Contract, expectations
from quality.expected import REPORT, at_most, by_as_of, sums
from quality.verdicts import Expectation, Suite

OWNER: Final = "analytics"
GATE: Final = "marts"

#: Why a vendor's own number is another than ours.
EXPLANATIONS: Final = (
    "schedule_convention",
    "vendor_clock_rule",
    "later_events",
    "missing_history",
    "earlier_schedule",
)

#: Why a source's verdict of a target is another than its times say.
CONFLICTS: Final = ("schedule_convention", "no_stamp", "source_verdict")

_REBUILD = "Build the marts from the landing (`cxmarts refresh --full`); report it when it stays"

_GAP: Final = ("kpis", "missing", "unexplained", "expected", "example_ticket_id")
_EXPECTED: Final = sums(
    "what_is_known_sums_to_expected",
    ["unconfirmed", "confirmed", "from_vendor", "explained", "unexplained", "missing", "unknown"],
    ["expected"],
    fault="whose counts do not sum to expected",
    why="Every number is known in one way, or it is not.",
)

#: What a contract cannot say, by mart.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "tickets": (
        by_as_of("created_at", "first_reply_at", "first_assigned_at", "first_solved_at", "last_solved_at"),
        at_most("first_solved_at", "last_solved_at"),
    ),
    "ticket_replies": (by_as_of("created_at", "waits_from", "replied_at"),),
    "ticket_states": (
        Expectation(
            name="status_is_null_exactly_without_a_history",
            kind="null_exactly_when",
            kwargs={"column": "status", "when": "has_status_history", "values": [False]},
            fault="without a status though their ticket's are known, or the other way round",
            why="A stay without a status is in none of the waits.",
            what_to_do=REPORT,
        ),
        by_as_of("started_at", "ended_at"),
        at_most("started_at", "ended_at"),
    ),
    "agents": (
        Expectation(
            name="no_agent_is_probably_a_bot",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "is_probable_bot", "value_set": [False]},
            severity="warning",
            show=("source", "agent_id"),
            fault="that reply sooner than people can on most of their tickets",
            why="Replies of a program are no replies: reply times and first contact would be too good.",
            what_to_do="Say in the rule file bots whether it is one: is_bot true or false",
        ),
    ),
    "sla_targets": (
        by_as_of("applied_at", "ended_at", "breached_at"),
        Expectation(
            name="our_targets_agree_with_their_times",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "time_conflict", "value_set": list(CONFLICTS)},
            show=("metric", "outcome", "target_seconds", "elapsed_seconds", "due_at"),
            fault="of our own that are met after more than their time, or active though they were due",
            why="What is late is breached, whatever comes after.",
            what_to_do=REPORT,
        ),
        Expectation(
            name="targets_agree_with_their_times",
            kind="expect_column_values_to_be_null",
            kwargs={"column": "time_conflict"},
            severity="warning",
            show=("metric", "outcome", "time_conflict"),
            fault="that are met after more than their time, or active though they were due",
            why="Such a target is as the source judges it: by another schedule, or without a stamp.",
            what_to_do="Compare the target with the source's screen; column time_conflict names the reason",
        ),
    ),
    "sla_at_risk": (by_as_of("applied_at"),),
    "reconciliation": (
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
        sums(
            "reasons_sum_to_compared",
            ["rounding", *EXPLANATIONS, "unexplained"],
            ["compared"],
            fault="whose reasons do not sum to what was compared",
            why="Every number that is compared agrees, or has one reason.",
        ),
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
    "completeness": (_EXPECTED,),
    "completeness_summary": (
        _EXPECTED,
        Expectation(
            name="few_numbers_are_missing",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "gap", "value_set": ["warning", "unknown"]},
            show=_GAP,
            fault="of a source's channel where too many numbers of the KPIs are missing or unexplained",
            why="The vendor says that there is more than we can give: these KPIs are of the rest alone.",
            what_to_do=(
                "The published marts stay as they are. Compare the example with the vendor's screen, and "
                "refetch the stream that lacks it. What is so for a reason is published with a row of the "
                "rule file completeness_limits: source, channel, measure, a higher critical_pct, reason and "
                "valid_to"
            ),
            named=20,
        ),
        Expectation(
            name="numbers_are_not_missing",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "gap", "value_set": ["critical", "unknown"]},
            severity="warning",
            show=_GAP,
            fault="of a source's channel where numbers of the KPIs are missing or unexplained",
            why="The vendor says that there is more than we can give: these KPIs are of the rest alone.",
            what_to_do="Compare the example with the vendor's screen; see docs/metrics.md",
            named=5,
        ),
        Expectation(
            name="numbers_are_known",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "gap", "value_set": ["critical", "warning"]},
            severity="warning",
            show=("kpis", "unknown", "expected"),
            fault="of a source's channel where nobody tells numbers of the KPIs",
            why="These KPIs are of the rest alone, and nobody can say how the others are.",
            what_to_do="Read them with that in mind; see docs/metrics.md",
            named=5,
        ),
    ),
    "survey_answers": (
        Expectation(
            name="score_is_within_its_scale",
            kind="within",
            kwargs={"column": "score", "low": "scale_min", "high": "scale_max", "or_unbounded": True},
            fault="with a score outside its scale",
            why="A 6 on a scale of 1 to 5 is an error of the source: it is rejected, never clipped.",
            what_to_do=REPORT,
        ),
        Expectation(
            name="nps_answers_have_a_class",
            kind="present_when",
            kwargs={"column": "nps_class", "when": "kind", "values": ["nps"]},
            fault="of kind nps without a class",
            why="The answer would be missing from n.",
            what_to_do=REPORT,
        ),
        by_as_of("answered_at"),
        at_most("sent_at", "answered_at"),
    ),
    "unmapped_questions": (
        Expectation(
            name="nothing_that_counted_is_undeclared",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "counted_before", "value_set": [0]},
            severity="warning",
            show=("counted_before", "reason", "questions_line"),
            fault="of questions that counted so far and count no more, for nobody declared what they ask",
            why="A KPI without them is another one; a guess would be one that nobody made.",
            what_to_do=(
                "Declare those that are meant: `cxmarts questions` shows each, and --accept writes its line "
                "into questions.csv"
            ),
            named=20,
        ),
    ),
    "publication": (
        Expectation(
            name="no_question_is_held",
            kind="expect_column_values_to_be_null",
            kwargs={"column": "held_questions"},
            severity="warning",
            show=("held_questions",),
            fault="of streams with answers outside their question's scale",
            why="They stay out, and all others count: the customers' scale is not the one that is declared.",
            what_to_do=(
                "`cxmarts rejected` lists them. Declare the question's scale in questions.csv if it is "
                "another one; where the form states it, leave it empty there"
            ),
            named=20,
        ),
    ),
    "survey_balance": (
        sums(
            "landed_is_counted_or_left_out",
            ["landed"],
            ["counted", "left_out"],
            fault="whose answers that landed are not those counted and left out",
            why="No answer vanishes: it counts, or stands in survey_answers_left_out with its reason.",
        ),
        Expectation(
            name="answers_name_known_tickets",
            kind="at_most_share",
            kwargs={"column": "naming_an_unknown_ticket", "other": "naming_a_ticket", "share": 0.01},
            severity="warning",
            fault="more than 1 % of the answers that name a ticket name one that nobody knows",
            why="They count for no agent, group or priority; often a placeholder was never filled in.",
            what_to_do="Look at survey_answers where not is_ticket_known; correct the form's link",
        ),
    ),
    "experience": (by_as_of("answered_at"),),
    "retention": (by_as_of("landmark"),),
    "survey_sends": (
        by_as_of("sent_at", "answered_at", "solved_at"),
        at_most("solved_at", "sent_at"),
        at_most("sent_at", "answered_at"),
    ),
    "follow_ups": (
        by_as_of("flagged_at", "contacted_at", "next_answered_at"),
        at_most("flagged_at", "due_at"),
        at_most("flagged_at", "contacted_at"),
    ),
    "rejected_values": (
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
    "stream_agreement": (
        Expectation(
            name="streams_agree",
            kind="expect_column_values_to_be_in_set",
            kwargs={"column": "is_agreed", "value_set": [True]},
            severity="warning",
            show=("source", "channel", "rule", "kpis", "missing", "expected"),
            fault="of checks by which a stream lacks what another says that there is",
            why="What is lost without an error makes numbers wrong that look right.",
            what_to_do=(
                "The mart stream_agreement names source, channel and KPIs. See whether the token may read "
                "all, then refetch the stream; what a source never had is for the rule file stream_checks"
            ),
        ),
    ),
    "restatements": (
        by_as_of("restated_at"),
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
    "kpi_nps": (
        sums(
            "classes_sum_to_n",
            ["promoters", "passives", "detractors"],
            ["n"],
            fault="whose classes do not sum to n",
            why="Every answer is promoter, passive or detractor, and only one.",
        ),
    ),
    "kpi_survey_response": (at_most("delivered", "sent"),),
    "kpi_follow_up": (
        at_most("due", "flagged"),
        sums(
            "outcomes_sum_to_due",
            ["contacted_in_time", "contacted_late", "overdue", "expired"],
            ["due"],
            fault="whose outcomes do not sum to what was due",
            why="What is due was done in time, done late, is overdue or expired.",
        ),
    ),
    "kpi_volume": (at_most("customers", "created"),),
    "kpi_backlog": (
        sums(
            "what_came_and_went_explains_the_end",
            ["open_at_start", "arrivals"],
            ["departures", "open_at_end"],
            fault="whose open_at_start + arrivals - departures is not open_at_end",
            why="The backlog is the sum of what came and went.",
        ),
    ),
    "kpi_cost": (at_most("customers", "solved"),),
    "kpi_team": (
        at_most("reopened", "solved"),
        at_most("first_replies", "replies"),
        at_most("csat_positive", "csat_n"),
    ),
    "kpi_scorecard": (at_most("lower_limit", "upper_limit"),),
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
            kind="between",
            kwargs={"column": "superseded", "low": 0},
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
                "again, or name the source in CXMARTS_ALLOW_STALE to publish without them"
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
            kind="is_present",
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


def suite(contract: Contract) -> Suite:
    """What must hold of a mart, by its contract and beyond it."""
    held = (*expectations(contract), *DECLARED.get(contract.mart, ()))
    return Suite(name=contract.mart, gate=GATE, owner=OWNER, id_columns=contract.key, expectations=held)


def columns(contract: Contract, available: Collection[str]) -> list[str]:
    """What to select for judging, of the columns that the mart has. `as_of` is added while judging."""
    return [column for column in suite(contract).columns if column in available and column != "as_of"]
