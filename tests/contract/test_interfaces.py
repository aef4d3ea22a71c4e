"""Names and columns of the published marts that others rely on."""

from __future__ import annotations

from typing import Any

import pytest

MEASURES = (
    "first_reply",
    "first_resolution",
    "full_resolution",
    "requester_wait",
    "agent_wait",
    "on_hold",
    "agent_work",
    "first_assignment",
    "in_new",
    "in_open",
    "unassigned",
    "unsolved_age",
)
PERIODS = "period_grain period_start dimension member definition_version is_small_n is_partial_period"
PROMISED = {
    "tickets": (
        "source ticket_id created_at status priority source_priority complexity channel customer_id "
        "organization_id group_id "
        "assignee_id segment product service_area first_reply_at first_solved_at last_solved_at reopens "
        "public_agent_replies "
        "is_one_touch is_one_touch_explore is_first_contact_resolved has_repeat_contact "
        "is_reopened_in_window customer_turns handle_seconds "
        "first_assigned_at group_hops assignee_hops priority_raises escalations "
        + " ".join(
            f"{measure}_{clock}"
            for measure in MEASURES
            for clock in ("seconds", "business_seconds", "business_seconds_last_schedule")
        )
    ),
    "excluded_tickets": "source ticket_id reason",
    "ticket_replies": (
        "source ticket_id reply_no is_first_reply created_at waits_from replied_at seconds business_seconds "
        "business_seconds_last_schedule agent_id group_id is_role_assumed priority complexity channel "
        "customer_id segment product service_area"
    ),
    "ticket_states": (
        "source ticket_id state_no started_at ended_at seconds business_seconds status priority group_id "
        "assignee_id has_assignee_history is_before_assignment is_solve is_reopening is_group_hop "
        "is_assignee_hop is_priority_raise taken_up_at take_up_seconds take_up_business_seconds"
    ),
    "sla_targets": (
        "source ticket_id policy metric instance origin priority complexity segment product service_area "
        "channel group_id "
        "agent_id target_seconds is_business_hours applied_at due_at ended_at elapsed_seconds outcome "
        "breached_at is_paused elapsed_seconds_last_schedule due_at_last_schedule"
    ),
    "sla_at_risk": (
        "source ticket_id metric instance applied_at urgency_rank policy priority segment group_id agent_id "
        "target_seconds is_business_hours is_paused due_at seconds_left business_seconds_left "
        "clock_seconds_left target_used_pct"
    ),
    "reconciliation": (
        "source ticket_id published_in vendor_field measure clock unit ours theirs difference reason reading "
        "is_explained"
    ),
    "reconciliation_summary": (
        "source published_in vendor_field measure clock compared rounding schedule_convention "
        "vendor_clock_rule later_events missing_history unexplained unexplained_pct"
    ),
    "survey_answers": (
        "source response_id question_id survey kind score scale_min scale_max is_positive nps_class "
        "answered_at sent_at "
        "customer_id ticket_id segment product service_area complexity channel priority group_id "
        "agent_id is_headline"
    ),
    "survey_sends": (
        "source survey invitation_id ticket_id customer_id sent_at answered_at is_answered segment product "
        "service_area"
    ),
    "follow_ups": (
        "source response_id question_id survey kind score reason flagged_at customer_id organization_id "
        "ticket_id segment "
        "group_id agent_id promised_hours due_at contacted_at contact_kind hours_to_contact outcome "
        "next_score next_answered_at score_change is_recovered"
    ),
    "metric_members": (
        "kpi key source ticket_id response_id day segment product service_area complexity channel priority "
        "group_id agent_id in_numerator in_denominator value"
    ),
    "answer_dimensions": "source response_id question_id dimension member",
    "kpi_ces": f"{PERIODS} n easy ces_pct ci_low_pct ci_high_pct",
    "kpi_distribution": f"{PERIODS} source survey question_id kind score n share_pct",
    "kpi_survey_response": (
        f"{PERIODS} sent delivered bounced answered response_rate_pct response_rate_sent_pct is_provisional"
    ),
    "kpi_follow_up": (
        f"{PERIODS} kind flagged due contacted_in_time contacted in_time_pct ci_low_pct ci_high_pct "
        "median_hours_to_contact scored_again recovered recovered_pct"
    ),
    "kpi_definitions": (
        "kpi mart value_column unit better small_n settles_after_days definition_version definition variant"
    ),
    "restatements": "mart key column_name before after cells cause version before_version restated_at",
    "kpi_csat": f"{PERIODS} n positive csat_pct ci_low_pct ci_high_pct",
    "kpi_nps": f"{PERIODS} n promoters passives detractors nps margin",
    "kpi_response_times": f"{PERIODS} measure clock n mean_seconds median_seconds p90_seconds",
    "kpi_sla_compliance": f"{PERIODS} metric met breached active attainment_pct",
    "kpi_volume": (
        f"{PERIODS} created solved reopened customers organizations active_customers tickets_per_customer "
        "tickets_per_organization tickets_per_active_customer"
    ),
    "kpi_backlog": f"{PERIODS} age_bucket age_from_days open_at_start arrivals departures open_at_end",
    "kpi_bottlenecks": (
        f"{PERIODS} stage clock n sum_seconds whole_seconds share_pct mean_seconds median_seconds p90_seconds"
    ),
    "kpi_first_contact": (
        f"{PERIODS} convention numerator denominator immature rate_pct ci_low_pct ci_high_pct is_provisional"
    ),
    "kpi_effort": (
        f"{PERIODS} measure n affected affected_pct ci_low_pct ci_high_pct total mean_per_ticket "
        "median_per_ticket p90_per_ticket"
    ),
    "experience": (
        "source response_id question_id kind score points answered_at ticket_source ticket_id channel "
        "is_breached "
        "first_reply_wait resolution_wait is_reopened group_hops"
    ),
    "kpi_experience": (
        "time_span kind factor exposure n others_n value others_value difference ci_low ci_high "
        "mean_difference is_significant is_small_n definition_version"
    ),
    "kpi_cost": (
        f"{PERIODS} scenario currency solved customers cost cost_per_ticket retained_revenue "
        "deflection_saving upsell_revenue benefit roi_pct monthly_cost retained_pct revenue_per_customer "
        "deflected_per_month saving_per_deflected upsell_pct revenue_per_upsell"
    ),
    "retention": (
        "window_days unit source unit_id landmark has_come_back has_stayed sla first_reply_wait reopened "
        "contacts csat nps"
    ),
    "kpi_retention": (
        "window_days unit outcome factor exposure n retained retention_pct ci_low_pct ci_high_pct others_n "
        "others_retention_pct difference difference_ci_low difference_ci_high is_significant is_small_n"
    ),
    "kpi_team": (
        f"{PERIODS} solved reopened reopen_rate_pct replies first_replies first_reply_median_seconds csat_n "
        "csat_positive csat_pct csat_ci_low_pct csat_ci_high_pct sla_met sla_breached "
        "sla_attainment_pct minimum_n"
    ),
    "kpi_scorecard": (
        f"{PERIODS} kpi value n ci_low ci_high target target_gap is_significant_gap target_source status "
        "benchmark benchmark_gap benchmark_scope benchmark_source benchmark_published_date baseline "
        "baseline_periods previous_value is_significant_change chart center lower_limit upper_limit "
        "signal shift"
    ),
    "publication": "source",
}
KEYS = {
    "kpi_definitions": {"kpi"},
    "tickets": {"source", "ticket_id"},
    "ticket_replies": {"source", "ticket_id", "reply_no"},
    "ticket_states": {"source", "ticket_id", "state_no"},
    "sla_targets": {"source", "ticket_id", "metric", "instance", "applied_at"},
    "reconciliation": {"source", "ticket_id", "published_in", "vendor_field"},
    "reconciliation_summary": {"source", "published_in", "vendor_field"},
    "sla_at_risk": {"source", "ticket_id", "metric", "instance", "applied_at"},
    "survey_answers": {"source", "response_id", "question_id"},
    "survey_sends": {"source", "survey", "invitation_id"},
    "follow_ups": {"source", "response_id", "question_id"},
    "kpi_follow_up": {"period_grain", "period_start", "dimension", "member", "kind"},
    "kpi_ces": {"period_grain", "period_start", "dimension", "member"},
    "kpi_survey_response": {"period_grain", "period_start", "dimension", "member"},
    "restatements": {"mart", "key", "column_name", "cause", "before_version"},
    "kpi_csat": {"period_grain", "period_start", "dimension", "member"},
    "kpi_nps": {"period_grain", "period_start", "dimension", "member"},
    "kpi_volume": {"period_grain", "period_start", "dimension", "member"},
    "kpi_response_times": {"period_grain", "period_start", "dimension", "member", "measure", "clock"},
    "kpi_sla_compliance": {"period_grain", "period_start", "dimension", "member", "metric"},
    "kpi_backlog": {"period_grain", "period_start", "dimension", "member", "age_bucket"},
    "kpi_bottlenecks": {"period_grain", "period_start", "dimension", "member", "stage", "clock"},
    "kpi_first_contact": {"period_grain", "period_start", "dimension", "member", "convention"},
    "kpi_effort": {"period_grain", "period_start", "dimension", "member", "measure"},
    "experience": {"source", "response_id", "question_id"},
    "kpi_experience": {"time_span", "kind", "factor", "exposure"},
    "kpi_cost": {"period_grain", "period_start", "dimension", "member", "scenario"},
    "retention": {"window_days", "unit", "source", "unit_id"},
    "kpi_retention": {"window_days", "unit", "outcome", "factor", "exposure"},
    "kpi_team": {"period_grain", "period_start", "dimension", "member"},
    "kpi_scorecard": {"period_grain", "period_start", "dimension", "member", "kpi"},
}
#: What holds names, addresses or free text may not be published here.
PERSONAL = ("name", "email", "mail", "phone", "comment", "body", "subject", "description", "text", "remark")


@pytest.mark.parametrize("mart", PROMISED)
def test_promised_columns(published: dict[str, Any], mart: str) -> None:
    assert set(PROMISED[mart].split()) - set(published[mart]["columns"]) == set()


@pytest.mark.parametrize("mart", KEYS)
def test_promised_keys(manifest: dict[str, Any], published: dict[str, Any], mart: str) -> None:
    keys = [
        set(node["test_metadata"]["kwargs"]["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("attached_node") == published[mart]["unique_id"]
        and node["test_metadata"]["name"] == "unique_key"
    ]
    assert keys == [KEYS[mart]]


def test_types_follow_from_names(published: dict[str, Any]) -> None:
    endings = {"_seconds": "double", "_pct": "double", "_at": "timestamp", "_date": "date", "_id": "varchar"}
    wrong = [
        (mart, column["name"], column["data_type"])
        for mart, node in published.items()
        for column in node["columns"].values()
        for ending, kind in endings.items()
        if column["name"].endswith(ending) and column["data_type"] != kind
    ]
    wrong += [
        (mart, column["name"], column["data_type"])
        for mart, node in published.items()
        for column in node["columns"].values()
        if column["name"].startswith(("is_", "has_", "in_numerator", "in_denominator"))
        != (column["data_type"] == "boolean")
    ]
    assert wrong == []


def test_nothing_personal_is_published(published: dict[str, Any]) -> None:
    columns = {(mart, column) for mart, node in published.items() for column in node["columns"]}
    found = {(mart, column) for mart, column in columns if set(column.split("_")) & set(PERSONAL)}
    # A group is a team, not a person; a column's name is none either.
    assert found == {("groups", "group_name"), ("restatements", "column_name")}
