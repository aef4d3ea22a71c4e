"""Every declared expectation of the three gates fails on the row that breaks it, and on no other."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from quality.runner import DERIVED, judge
from quality.suites import landing, marts, staged
from quality.verdicts import Expectation, Suite, Verdict

DAY = pd.Timestamp("2026-03-01")
KPI = {
    "period_grain": "day",
    "period_start": DAY,
    "dimension": "all",
    "member": "all",
    "definition_version": 1,
}
ALL_TIME = {"period_grain": "all", "period_start": None}
STAGED = {
    "batch_id": "b1",
    "record_id": "r",
    "fetched_at": DAY,
    "deleted": False,
    "reject_reason": None,
}
DURATIONS = dict.fromkeys(marts._DURATIONS, 60.0)
TARGET = {
    "source": "z", "ticket_id": "1", "policy": "p", "metric": "first_reply", "instance": 1,
    "origin": "vendor", "applied_at": DAY, "ended_at": DAY, "breached_at": None,
    "target_seconds": 60.0, "elapsed_seconds": 5.0, "elapsed_seconds_last_schedule": 5.0, "outcome": "met",
}  # fmt: skip
ANSWER = {
    "source": "t", "response_id": "1", "question_id": "q", "kind": "nps", "nps_class": "passive",
    "score": 7.0, "scale_min": 0.0, "scale_max": 10.0, "answered_at": DAY, "sent_at": DAY,
}  # fmt: skip
CONSERVED = {
    "source": "z", "stream": "tickets", "received": 10, "tombstones": 1, "landed": 8, "duplicates": 2,
    "unchanged": 1, "staged": 5, "rejected": 1, "superseded": 2,
}  # fmt: skip

#: A good row per suite, and for each of its expectations what makes the second row bad.
GOOD: dict[str, tuple[Suite, dict[str, Any]]] = {
    "landing": (
        landing.SUITE,
        {"batch_id": "b1", "record_id": "r", "changed_at": DAY, "fetched_at": DAY, "payload_is_object": True},
    ),
    "facts": (
        landing.FACTS,
        {
            "received": 10, "tombstones": 1, "landed": 8, "duplicates": 2, "unchanged": 1, "rows": 8,
            "volume_is_normal": True, "volume_has_not_collapsed": True, "volume": "",
            "listed_before": 10.0, "listed_now": 8.0,
        },
    ),
    "new_zendesk__tickets": (
        staged.suite("new_zendesk__tickets"),
        {**STAGED, "created_at": DAY, "status": "open", "priority": "high"},
    ),
    "new_zendesk__ticket_events": (
        staged.suite("new_zendesk__ticket_events"),
        {**STAGED, "ticket_id": "1", "event_at": DAY},
    ),
    "new_zendesk__ticket_audits": (
        staged.suite("new_zendesk__ticket_audits"),
        {**STAGED, "ticket_id": "1", "event_at": DAY},
    ),
    "new_zendesk__ticket_metric_events": (
        staged.suite("new_zendesk__ticket_metric_events"),
        {
            **STAGED, "ticket_id": "1", "event_at": DAY, "metric": "reply_time", "event_type": "activate",
            "target_seconds": 3600.0,
        },
    ),
    "new_zendesk__satisfaction_ratings": (
        staged.suite("new_zendesk__satisfaction_ratings"),
        {**STAGED, "ticket_id": "1", "created_at": DAY, "score": "good"},
    ),
    "new_zendesk__users": (
        staged.suite("new_zendesk__users"),
        {**STAGED, "created_at": DAY, "role": "agent"},
    ),
    "new_zendesk__organizations": (staged.suite("new_zendesk__organizations"), {**STAGED, "created_at": DAY}),
    "new_zendesk__schedules": (staged.suite("new_zendesk__schedules"), {**STAGED, "time_zone": "UTC"}),
    "new_typeform__responses": (
        staged.suite("new_typeform__responses"),
        {**STAGED, "form_id": "f", "response_id": "1", "submitted_at": DAY, "sent_at": DAY},
    ),
    "new_files__tickets": (
        staged.suite("new_files__tickets"),
        {**STAGED, "ticket_id": "1", "created_at": DAY, "status": "open", "priority": "high"},
    ),
    "new_files__ticket_events": (
        staged.suite("new_files__ticket_events"),
        {**STAGED, "ticket_id": "1", "event_at": DAY, "kind": "comment", "actor_role": "agent"},
    ),
    "new_files__survey_answers": (
        staged.suite("new_files__survey_answers"),
        {
            **STAGED, "response_id": "1", "answered_at": DAY, "sent_at": DAY, "score": 5.0, "scale_min": 1.0,
            "scale_max": 5.0,
        },
    ),
    "new_files__survey_invitations": (
        staged.suite("new_files__survey_invitations"),
        {**STAGED, "invitation_id": "1", "sent_at": DAY, "answered_at": DAY, "delivery": "bounced"},
    ),
    "new_zendesk__survey_responses": (
        staged.suite("new_zendesk__survey_responses"),
        {**STAGED, "responder_id": "1", "sent_at": DAY},
    ),
    "tickets": (
        marts.suite("tickets"),
        {
            "source": "z", "ticket_id": "1", "created_at": DAY, "first_reply_at": DAY, "first_solved_at": DAY,
            "last_solved_at": DAY, "first_assigned_at": DAY, "status": "closed", "priority": "low",
            "reopens": 0, "public_agent_replies": 1, "group_hops": 0, "assignee_hops": 0,
            "priority_raises": 0, "as_of": DAY, **DURATIONS,
        },
    ),
    "ticket_replies": (
        marts.suite("ticket_replies"),
        {
            "source": "z", "ticket_id": "1", "reply_no": 2, "is_first_reply": False, "created_at": DAY,
            "waits_from": DAY, "replied_at": DAY, "priority": "low", "seconds": 60.0,
            "business_seconds": 60.0, "as_of": DAY,
        },
    ),
    "ticket_states": (
        marts.suite("ticket_states"),
        {
            "source": "z", "ticket_id": "1", "state_no": 1, "started_at": DAY, "ended_at": DAY,
            "status": "open", "has_status_history": True, "priority": "low", "seconds": 60.0,
            "business_seconds": 60.0, "take_up_seconds": 60.0, "take_up_business_seconds": 60.0, "as_of": DAY,
        },
    ),
    "excluded_tickets": (
        marts.suite("excluded_tickets"),
        {"source": "z", "ticket_id": "1", "reason": "spam"},
    ),
    "rejected_values": (
        marts.suite("rejected_values"),
        {
            "source": "z", "stream": "tickets", "record_id": "1", "field": "resolved_at",
            "value_shape": "9999-99-99 99:99:99", "reason": None,
        },
    ),
    "sla_targets": (marts.suite("sla_targets"), {**TARGET, "as_of": DAY}),
    "reconciliation": (
        marts.suite("reconciliation"),
        {
            "source": "z", "ticket_id": "1", "published_in": "p", "vendor_field": "f", "measure": "on_hold",
            "clock": "business", "ours": 60.0, "theirs": 0.0, "reason": "missing_history",
        },
    ),
    "reconciliation_summary": (
        marts.suite("reconciliation_summary"),
        {
            "source": "z", "published_in": "p", "vendor_field": "f", "measure": "on_hold", "compared": 200,
            "rounding": 190, "schedule_convention": 4, "vendor_clock_rule": 3, "later_events": 1,
            "missing_history": 1, "unexplained": 1, "unexplained_pct": 0.5,
        },
    ),
    "restatements": (
        marts.suite("restatements"),
        {
            "mart": "kpi_csat", "key": "day all", "column_name": "n", "cells": 1, "cause": "late data",
            "restated_at": DAY, "before_version": "v1", "as_of": DAY, "version": None, "before": 1.0,
        },
    ),
    "kpi_definitions": (
        marts.suite("kpi_definitions"),
        {
            "kpi": "csat", "mart": "kpi_csat", "small_n": 30, "definition_version": 1,
            "unit": "percent", "better": "higher", "definition": "yes / all", "variant": "top two",
        },
    ),
    "sla_at_risk": (
        marts.suite("sla_at_risk"),
        {
            "source": "z", "ticket_id": "1", "metric": "first_reply", "instance": 1, "applied_at": DAY,
            "priority": "high", "urgency_rank": 1, "as_of": DAY,
        },
    ),
    "survey_answers": (marts.suite("survey_answers"), {**ANSWER, "as_of": DAY}),
    "answer_dimensions": (
        marts.suite("answer_dimensions"),
        {
            "source": "t", "response_id": "1", "question_id": "q", "dimension": "region", "member": "north",
        },
    ),
    "ticket_dimensions": (
        marts.suite("ticket_dimensions"),
        {"source": "z", "ticket_id": "1", "dimension": "region", "member": "north"},
    ),
    "send_dimensions": (
        marts.suite("send_dimensions"),
        {"source": "z", "survey": "s", "invitation_id": "1", "dimension": "region", "member": "north"},
    ),
    "survey_sends": (
        marts.suite("survey_sends"),
        {
            "source": "z", "survey": "s", "invitation_id": "1", "sent_at": DAY, "answered_at": DAY,
            "solved_at": DAY, "as_of": DAY,
        },
    ),
    "kpi_ces": (
        marts.suite("kpi_ces"),
        {
            **KPI, "n": 5, "easy": 3, "ces_pct": 60.0, "ci_low_pct": 23.07, "ci_high_pct": 88.24,
            "median_score": 5.0, "p90_score": 6.6,
        },
    ),
    "kpi_distribution": (
        marts.suite("kpi_distribution"),
        {
            **KPI, "source": "t", "survey": "f", "question_id": "q", "kind": "other", "score": 3.0, "n": 1,
            "answers": 4, "share_pct": 25.0,
        },
    ),
    "kpi_survey_response": (
        marts.suite("kpi_survey_response"),
        {
            **KPI, "sent": 200, "delivered": 195, "bounced": 5, "answered": 40, "not_answered": 160,
            "awaited": 0, "customers": 200, "too_soon": 0, "response_rate_pct": 20.51,
            "response_rate_sent_pct": 20.0, "ci_low_pct": 15.05, "ci_high_pct": 26.08, "too_soon_pct": 0.0,
        },
    ),
    "follow_ups": (
        marts.suite("follow_ups"),
        {
            "source": "z", "response_id": "1", "question_id": "q", "kind": "nps", "score": 3.0,
            "reason": "detractor", "contact_kind": "reply", "outcome": "contacted_in_time",
            "flagged_at": DAY, "due_at": DAY, "contacted_at": DAY, "next_answered_at": DAY, "as_of": DAY,
        },
    ),
    "kpi_follow_up": (
        marts.suite("kpi_follow_up"),
        {
            **KPI, "kind": "nps", "flagged": 10, "due": 8, "contacted_in_time": 4, "contacted_late": 3,
            "overdue": 1, "in_time_pct": 50.0, "ci_low_pct": 21.52, "ci_high_pct": 78.48, "contacted": 7,
            "scored_again": 4, "recovered": 3, "recovered_pct": 75.0,
        },
    ),
    "customers": (marts.suite("customers"), {"source": "z", "customer_id": "1"}),
    "organizations": (marts.suite("organizations"), {"source": "z", "organization_id": "1"}),
    "agents": (marts.suite("agents"), {"source": "z", "agent_id": "1"}),
    "publication": (marts.suite("publication"), {"source": "z", "vendor": "zendesk", "stream": "tickets"}),
    "unmapped_questions": (
        marts.suite("unmapped_questions"),
        {"source": "typeform", "survey": "f", "question_id": "q"},
    ),
    "held_batches": (
        marts.suite("held_batches"),
        {
            "source": "z", "vendor": "files", "stream": "tickets", "batch_id": "b", "reason": "1 of 9 rows",
            "rows": 9, "faulty_rows": 1,
        },
    ),
    "groups": (marts.suite("groups"), {"source": "z", "group_id": "1"}),
    "kpi_csat": (
        marts.suite("kpi_csat"),
        {**KPI, "n": 50, "positive": 45, "csat_pct": 90.0, "ci_low_pct": 78.64, "ci_high_pct": 95.65},
    ),
    "kpi_nps": (
        marts.suite("kpi_nps"),
        {**KPI, "n": 10, "promoters": 5, "passives": 2, "detractors": 3, "nps": 20.0, "margin": 1.0},
    ),
    "kpi_response_times": (
        marts.suite("kpi_response_times"),
        {
            **KPI, "measure": "first_reply", "clock": "calendar", "n": 3, "mean_seconds": 2.0,
            "median_seconds": 2.0, "p90_seconds": 3.0,
        },
    ),
    "kpi_sla_compliance": (
        marts.suite("kpi_sla_compliance"),
        {**KPI, "metric": "first_reply", "met": 3, "breached": 1, "active": 7, "attainment_pct": 75.0},
    ),
    "kpi_volume": (
        marts.suite("kpi_volume"),
        {
            **KPI, "created": 3, "solved": 2, "reopened": 0, "customers": 2, "organizations": 1,
            "active_customers": 9,
        },
    ),
    "kpi_backlog": (
        marts.suite("kpi_backlog"),
        {
            **KPI, "age_bucket": "all", "open_at_start": 3, "arrivals": 2, "departures": 1, "open_at_end": 4,
        },
    ),
    "kpi_bottlenecks": (
        marts.suite("kpi_bottlenecks"),
        {
            **KPI, "stage": "open", "clock": "calendar", "n": 3, "sum_seconds": 60.0, "whole_seconds": 240.0,
            "share_pct": 25.0, "mean_seconds": 20.0, "median_seconds": 2.0, "p90_seconds": 3.0,
        },
    ),
    "kpi_first_contact": (
        marts.suite("kpi_first_contact"),
        {
            **KPI, "convention": "not_reopened", "numerator": 3, "denominator": 4, "immature": 1,
            "rate_pct": 75.0, "ci_low_pct": 30.0, "ci_high_pct": 95.0,
        },
    ),
    "kpi_effort": (
        marts.suite("kpi_effort"),
        {
            **KPI, "measure": "reopens", "n": 4, "affected": 1, "affected_pct": 25.0, "ci_low_pct": 5.0,
            "ci_high_pct": 70.0, "total": 2.0, "median_per_ticket": 0.0, "p90_per_ticket": 1.4,
        },
    ),
    "experience": (
        marts.suite("experience"),
        {
            "source": "f", "response_id": "1", "question_id": "q", "kind": "csat", "points": 100,
            "ticket_source": "z", "ticket_id": "1", "as_of": DAY, "answered_at": DAY, "breaches": 0,
            "reopens": 1, "group_hops": 0,
            "first_reply_seconds": 60.0, "resolution_seconds": 90.0, "score_pct": 75.0,
        },
    ),
    "retention": (
        marts.suite("retention"),
        {
            "window_days": 90, "unit": "customer", "source": "z", "unit_id": "1", "landmark": DAY,
            "as_of": DAY, "has_come_back": True,
        },
    ),
    "kpi_experience": (
        marts.suite("kpi_experience"),
        {
            "time_span": "all", "kind": "csat", "factor": "sla", "exposure": "breached", "n": 40,
            "others_n": 60, "value": 50.0,
            "others_value": 90.0, "mean_score_pct": 50.0, "others_mean_score_pct": 70.0,
            "ci_low": -57.3, "ci_high": -22.7, "definition_version": 1,
        },
    ),
    "kpi_cost": (
        marts.suite("kpi_cost"),
        {**KPI, "scenario": "base", "solved": 40, "customers": 35, "cost": 10_000.0},
    ),
    "kpi_retention": (
        marts.suite("kpi_retention"),
        {
            "window_days": 90, "unit": "customer", "outcome": "stayed", "factor": "sla", "exposure": "met",
            "n": 40, "retained": 30, "retention_pct": 75.0, "ci_low_pct": 60.0, "ci_high_pct": 86.0,
            "others_n": 20, "others_retained": 10, "others_retention_pct": 50.0, "definition_version": 1,
        },
    ),
    "kpi_team": (
        marts.suite("kpi_team"),
        {
            **KPI, "solved": 40, "reopened": 10, "replies": 90, "first_replies": 35, "csat_n": 12,
            "csat_positive": 9, "sla_met": 20, "sla_breached": 5, "reopen_rate_pct": 25.0, "csat_pct": 75.0,
            "sla_attainment_pct": 80.0, "first_reply_median_seconds": 60.0, "first_reply_p90_seconds": 90.0,
        },
    ),
    "kpi_scorecard": (
        marts.suite("kpi_scorecard"),
        {
            **KPI, "kpi": "csat", "n": 3, "baseline_periods": 12, "status": "no_target", "signal": "none",
            "lower_limit": 68.0, "upper_limit": 92.0,
        },
    ),
    "conservation": (marts.CONSERVATION, CONSERVED),
    "rejections": (
        marts.REJECTIONS,
        {"rows": 100, "rejected": 0, "is_waived": False, "is_stale_allowed": False},
    ),
    "freshness": (
        marts.FRESHNESS,
        {"age_seconds": 100.0, "max_age_seconds": 172_800.0, "is_stale_allowed": False},
    ),
    "row_counts": (marts.ROW_COUNTS, {"rows": 100, "previous_rows": 120, "least_rows": 1}),
}  # fmt: skip

LATER = DAY + pd.Timedelta(days=2)
#: What breaks an expectation: by its name, or by suite and name.
BREAKS: dict[str, dict[str, Any]] = {
    "record_id_is_present": {"record_id": None},
    "changed_at_is_present": {"changed_at": None},
    "payload_is_an_object": {"payload_is_object": False},
    "changed_at_is_not_after_the_fetch": {"changed_at": DAY + pd.Timedelta(seconds=301)},
    "fetched_equals_landed": {"received": 11},
    "file_holds_what_landed": {"rows": 7},
    "volume_is_normal_for_the_weekday": {"volume_is_normal": False},
    "volume_has_not_collapsed": {"volume_has_not_collapsed": False},
    "rows_are_accepted": {"reject_reason": "status has an unknown value"},
    "accepted_rows_have_an_id": {"record_id": None},
    "versions_are_unique": {},
    "references_are_present": {
        "ticket_id": None,
        "form_id": None,
        "time_zone": None,
        "invitation_id": None,
        "responder_id": None,
    },
    "new_files__survey_answers/references_are_present": {"response_id": None},
    "dates_are_not_before_1990": {
        name: pd.Timestamp("1970-01-01")
        for name in ("created_at", "event_at", "submitted_at", "answered_at", "sent_at")
    },
    "dates_are_not_after_the_fetch": {
        name: LATER for name in ("created_at", "event_at", "submitted_at", "answered_at", "sent_at")
    },
    "targets_are_not_negative": {"target_seconds": -1.0},
    "score_is_within_its_scale": {"score": 6.0, "scale_min": 1.0, "scale_max": 5.0},
    "required_columns_are_filled": {"source": None, "member": None, "mart": None, "factor": None},
    "times_are_not_after_as_of": {
        name: LATER
        for name in (
            "created_at",
            "applied_at",
            "restated_at",
            "ended_at",
            "answered_at",
            "contacted_at",
            "landmark",
        )
    },
    "first_solved_at_is_at_most_last_solved_at": {"first_solved_at": LATER},
    "started_at_is_at_most_ended_at": {"started_at": LATER},
    "sent_at_is_at_most_answered_at": {"sent_at": LATER},
    "solved_at_is_at_most_sent_at": {"solved_at": LATER},
    "delivered_is_at_most_sent": {"delivered": 201},
    "flagged_at_is_at_most_due_at": {"flagged_at": LATER},
    "flagged_at_is_at_most_contacted_at": {"flagged_at": LATER},
    "due_is_at_most_flagged": {"due": 11},
    "recovered_is_at_most_scored_again": {"recovered": 5},
    "outcomes_sum_to_due": {"contacted_late": 4},
    "in_time_pct_follows_from_its_parts": {"in_time_pct": 51.0},
    "recovered_pct_follows_from_its_parts": {"recovered_pct": 76.0},
    "ces_pct_follows_from_its_parts": {"ces_pct": 61.0},
    "share_pct_follows_from_its_parts": {"share_pct": 26.0},
    "response_rate_sent_pct_follows_from_its_parts": {"response_rate_sent_pct": 21.0},
    "median_score_is_at_most_p90_score": {"median_score": 7.0},
    "durations_are_not_negative": {
        "on_hold_business_seconds": -0.5,
        "elapsed_seconds": -0.5,
        "business_seconds": -0.5,
        "p90_seconds": -0.5,
        "resolution_seconds": -0.5,
    },
    "counts_are_not_negative": {
        name: -1
        for name in (
            "reopens",
            "n",
            "faulty_rows",
            "met",
            "reopened",
            "sent",
            "compared",
            "urgency_rank",
            "arrivals",
            "numerator",
            "solved",
            "flagged",
        )
    },
    "nps_answers_have_a_class": {"nps_class": None},
    "status_is_null_exactly_without_a_history": {"status": None},
    "period_start_is_null_exactly_for_all_time": {"period_start": None},
    "positive_is_at_most_n": {"positive": 51},
    "percentages_are_within_0_and_100": {
        name: 100.5
        for name in (
            "csat_pct",
            "attainment_pct",
            "ces_pct",
            "response_rate_pct",
            "share_pct",
            "rate_pct",
            "affected_pct",
            "others_retention_pct",
            "score_pct",
            "mean_score_pct",
            "reopen_rate_pct",
            "in_time_pct",
        )
    },
    "ci_low_pct_is_at_most_ci_high_pct": {"ci_low_pct": 96.0},
    "csat_pct_follows_from_its_parts": {"csat_pct": 89.0},
    "nps_follows_from_its_parts": {"nps": 21.0},
    "attainment_pct_follows_from_its_parts": {"attainment_pct": 93.0},
    "classes_sum_to_n": {"passives": 3},
    "cells_are_counted": {"cells": 0},
    "changed_definitions_have_a_new_version": {"column_name": "definition"},
    "differences_are_explained": {"reason": "unexplained"},
    "reasons_sum_to_compared": {"later_events": 2},
    "unexplained_pct_follows_from_its_parts": {"unexplained_pct": 0.4},
    "few_numbers_are_unexplained": {"unexplained": 3},
    "what_came_and_went_explains_the_end": {"departures": 2},
    "rate_pct_follows_from_its_parts": {"rate_pct": 74.0},
    "numerator_is_at_most_denominator": {"numerator": 5},
    "customers_is_at_most_created": {"customers": 4},
    "reopened_is_at_most_solved": {"reopened": 41},
    "first_replies_is_at_most_replies": {"first_replies": 91},
    "csat_positive_is_at_most_csat_n": {"csat_positive": 13},
    "first_reply_median_seconds_is_at_most_first_reply_p90_seconds": {"first_reply_median_seconds": 91.0},
    "points_are_within_minus_100_and_100": {"value": -100.5},
    "ci_low_is_at_most_ci_high": {"ci_low": 0.0},
    "customers_is_at_most_solved": {"customers": 41},
    "retained_is_at_most_n": {"retained": 41},
    "retention_pct_follows_from_its_parts": {"retention_pct": 76.0},
    "affected_is_at_most_n": {"affected": 5},
    "affected_pct_follows_from_its_parts": {"affected_pct": 26.0},
    "median_per_ticket_is_at_most_p90_per_ticket": {"median_per_ticket": 2.0},
    "nps_is_within_minus_100_and_100": {"nps": -100.5},
    "median_seconds_is_at_most_p90_seconds": {"median_seconds": 4.0},
    "lower_limit_is_at_most_upper_limit": {"lower_limit": 93.0},
    "values_are_null_exactly_when_n_is_0": {"n": 0},
    "landed_equals_staged": {"staged": 4},
    "nothing_is_staged_twice": {"staged": 8, "superseded": -1},
    "few_rows_are_rejected": {"rejected": 2},
    "no_row_is_rejected": {"rejected": 1},
    "no_value_is_rejected": {"reason": "is before the ticket was created"},
    "kpi_is_defined": {"definition_version": None},
    "source_is_fresh": {"age_seconds": 172_801.0},
    "source_has_been_fetched": {"age_seconds": None},
    "rows_did_not_drop": {"rows": 95},
    "list_did_not_shrink": {"listed_now": 7.0},
    "mart_is_not_emptied": {"rows": 0},
}
UNIQUE = ("versions_are_unique", "key_is_unique")


def _cases() -> list[tuple[str, Expectation]]:
    return [(name, e) for name, (suite, _) in GOOD.items() for e in suite.expectations]


def _broken(name: str, expectation: Expectation) -> dict[str, Any]:
    if expectation.name.endswith("_is_known"):
        return {expectation.kwargs["column"]: "purple"}
    return BREAKS[
        f"{name}/{expectation.name}" if f"{name}/{expectation.name}" in BREAKS else expectation.name
    ]


def _judge(suite: Suite, rows: list[dict[str, Any]]) -> dict[str, Verdict]:
    frame = pd.DataFrame(rows)
    for column in frame:
        if column.endswith("_at") or column in ("as_of", "period_start"):
            frame[column] = pd.to_datetime(frame[column])
    return {verdict.expectation: verdict for verdict in judge(frame, suite)}


def _distinct(suite: Suite, row: dict[str, Any], n: int) -> dict[str, Any]:
    """The row with a key of its own."""
    for e in suite.expectations:
        if e.name in UNIQUE:
            key = next(
                c for c in e.columns if isinstance(row[c], str) and c not in ("batch_id", "period_grain")
            )
            return row | {key if key != "dimension" else "member": f"own {n}"}
    return row


@pytest.mark.parametrize("name", GOOD)
def test_good_rows_pass_everything(name: str) -> None:
    suite, row = GOOD[name]
    found = _judge(suite, [_distinct(suite, row, n) for n in range(3)])
    assert [v.expectation for v in found.values() if not v.success] == []
    assert list(found) == [e.name for e in suite.expectations]


@pytest.mark.parametrize(("name", "expectation"), _cases(), ids=lambda v: v if isinstance(v, str) else v.name)
def test_the_row_that_breaks_it_fails_it(name: str, expectation: Expectation) -> None:
    suite, row = GOOD[name]
    only = replace(suite, expectations=(expectation,))
    good, bad = _distinct(suite, row, 0), _distinct(suite, row, 1)
    if expectation.name in UNIQUE:
        bad = good
    else:
        change = {k: v for k, v in _broken(name, expectation).items() if k in row}
        assert change, f"{name} has none of the columns that break {expectation.name}"
        bad = bad | change
    verdict = _judge(only, [good, bad])[expectation.name]
    assert verdict.outcome == "failed", verdict.message
    assert verdict.unexpected_count == (2 if expectation.name in UNIQUE else 1)
    assert verdict.blocks == (expectation.severity == "critical")
    assert expectation.fault in verdict.message
    assert verdict.message.endswith(expectation.what_to_do)


def test_every_declared_suite_is_tried() -> None:
    assert set(marts.DECLARED) <= set(GOOD)
    assert {name for name in staged._DECLARED} <= set(GOOD)


def test_names_are_unique_and_kinds_exist() -> None:
    for suite, _ in GOOD.values():
        names = [e.name for e in suite.expectations]
        assert len(names) == len(set(names))
        assert all(e.kind in DERIVED or e.kind.startswith("expect_") for e in suite.expectations)


def test_a_rejected_row_is_counted_once_and_not_judged_again() -> None:
    suite, row = GOOD["new_files__survey_answers"]
    rows = [dict(row) for _ in range(100)]
    rows[7] |= {"score": 6.0, "reject_reason": "score 6 is outside its scale 1 to 5"}
    found = _judge(suite, rows)
    rejected = found["rows_are_accepted"]
    assert (rejected.outcome, rejected.severity, rejected.unexpected_count) == ("failed", "warning", 1)
    assert rejected.examples[0]["reject_reason"] == "score 6 is outside its scale 1 to 5"
    assert found["score_is_within_its_scale"].success
    rows[8] |= {"score": 6.0, "reject_reason": "score 6 is outside its scale 1 to 5"}
    assert _judge(suite, rows)["rows_are_accepted"].blocks
    rows[9] |= {"score": 6.0}
    slipped = _judge(suite, rows)["score_is_within_its_scale"]
    assert slipped.blocks
    assert "score 6, scale_min 1, scale_max 5" in slipped.message


def test_periods_without_answers_and_all_time_rows_are_good() -> None:
    suite, row = GOOD["kpi_csat"]
    nothing = {"n": 0, "positive": 0, "csat_pct": None, "ci_low_pct": None, "ci_high_pct": None}
    found = _judge(suite, [row, row | ALL_TIME, row | nothing | {"period_start": LATER}])
    assert [v.message for v in found.values() if not v.success] == []


def test_deleted_records_need_no_references() -> None:
    suite, row = GOOD["new_zendesk__ticket_metric_events"]
    gone = _distinct(suite, row, 1) | {"deleted": True, "ticket_id": None}
    assert _judge(suite, [_distinct(suite, row, 0), gone])["references_are_present"].success


def test_an_undeclared_model_gets_the_generic_expectations() -> None:
    suite = staged.suite("new_zendesk__brands")
    found = _judge(suite, [STAGED, STAGED | {"record_id": "r2", "reject_reason": "id is missing"}])
    assert found["rows_are_accepted"].blocks
    assert [e.name for e in suite.expectations] == ["rows_are_accepted", "accepted_rows_have_an_id"]


def test_only_key_columns_are_selected() -> None:
    table = [
        "source",
        *STAGED,
        "payload",
        "score",
        "question",
        "answered_at",
        "sent_at",
        "response_id",
        "comment",
    ]
    found = staged.columns("new_files__survey_answers", table)
    assert found["scale_min"] == "question.scale_min"
    assert "payload" not in found
    assert "comment" not in found
    assert set(STAGED) <= set(found)
    chosen = marts.columns("kpi_csat", [*KPI, "n", "positive", "is_small_n"])
    assert set(chosen) == {*KPI, "n", "positive"}
