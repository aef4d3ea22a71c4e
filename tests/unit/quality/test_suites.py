"""Every declared expectation of the three gates fails on the row that breaks it, and on no other."""

import importlib
import pkgutil
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from quality.contracts import Contract
from quality.runner import DERIVED, judge
from quality.suites import landing, marts, staged, vendors
from quality.verdicts import Expectation, Suite, Verdict

DAY = pd.Timestamp("2026-03-01")
STAGED = {
    "batch_id": "b1",
    "record_id": "r",
    "fetched_at": DAY,
    "deleted": False,
    "reject_reason": None,
}
ANSWER = {
    "kind": "nps", "nps_class": "passive", "score": 7.0, "scale_min": 0.0, "scale_max": 10.0,
    "answered_at": DAY, "sent_at": DAY,
}  # fmt: skip
CONSERVED = {
    "source": "z", "stream": "tickets", "received": 10, "tombstones": 1, "landed": 8, "duplicates": 2,
    "unchanged": 1, "staged": 5, "rejected": 1, "superseded": 2,
}  # fmt: skip
KNOWN = {
    "expected": 200, "unconfirmed": 10, "confirmed": 150, "from_vendor": 30, "explained": 6, "unexplained": 1,
    "missing": 1, "unknown": 2,
}  # fmt: skip


def beyond(mart: str) -> Suite:
    """What is expected of a mart whatever its contract says."""
    return marts.suite(Contract(mart=mart))


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
            "most_was_not_deleted": True, "listed_before": 10.0, "listed_now": 8.0,
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
        beyond("tickets"),
        {
            "created_at": DAY, "first_reply_at": DAY, "first_solved_at": DAY, "last_solved_at": DAY,
            "first_assigned_at": DAY, "as_of": DAY,
        },
    ),
    "ticket_replies": (
        beyond("ticket_replies"),
        {"created_at": DAY, "waits_from": DAY, "replied_at": DAY, "as_of": DAY},
    ),
    "ticket_states": (
        beyond("ticket_states"),
        {"started_at": DAY, "ended_at": DAY, "status": "open", "has_status_history": True, "as_of": DAY},
    ),
    "rejected_values": (
        beyond("rejected_values"),
        {
            "source": "z", "stream": "tickets", "record_id": "1", "field": "resolved_at",
            "value_shape": "9999-99-99 99:99:99", "reason": None,
        },
    ),
    "sla_targets": (
        beyond("sla_targets"),
        {
            "applied_at": DAY, "ended_at": DAY, "breached_at": None, "as_of": DAY, "due_at": DAY,
            "metric": "first_reply", "outcome": "met", "target_seconds": 60.0, "elapsed_seconds": 30.0,
            "time_conflict": None,
        },
    ),
    "agents": (beyond("agents"), {"source": "acme", "agent_id": "7", "is_probable_bot": False}),
    "reconciliation": (
        beyond("reconciliation"),
        {"measure": "on_hold", "clock": "business", "ours": 60.0, "theirs": 0.0, "reason": "missing_history"},
    ),
    "reconciliation_summary": (
        beyond("reconciliation_summary"),
        {
            "compared": 200, "rounding": 190, "schedule_convention": 4, "vendor_clock_rule": 3,
            "later_events": 1, "missing_history": 0, "earlier_schedule": 1, "unexplained": 1,
        },
    ),
    "stream_agreement": (
        beyond("stream_agreement"),
        {
            "source": "acme", "channel": "voice", "rule": "tickets_have_events", "kpis": "csat, nps",
            "missing": 1, "expected": 9, "is_agreed": True,
        },
    ),
    "completeness": (beyond("completeness"), KNOWN),
    "completeness_summary": (
        beyond("completeness_summary"),
        KNOWN | {"gap": None, "kpis": "first_reply_time", "example_ticket_id": "7"},
    ),
    "restatements": (
        beyond("restatements"),
        {
            "key": "day all", "column_name": "n", "restated_at": DAY, "as_of": DAY, "version": None,
            "before": 1.0,
        },
    ),
    "sla_at_risk": (beyond("sla_at_risk"), {"applied_at": DAY, "as_of": DAY}),
    "survey_answers": (beyond("survey_answers"), {**ANSWER, "as_of": DAY}),
    "survey_sends": (
        beyond("survey_sends"),
        {"sent_at": DAY, "answered_at": DAY, "solved_at": DAY, "as_of": DAY},
    ),
    "survey_balance": (
        beyond("survey_balance"),
        {
            "landed": 10,
            "counted": 7,
            "left_out": 3,
            "naming_a_ticket": 7,
            "naming_an_unknown_ticket": 0,
        },
    ),
    "unmapped_questions": (
        beyond("unmapped_questions"),
        {"question_id": "q", "counted_before": 0, "reason": "no kind", "questions_line": "s,f,q"},
    ),
    "publication": (beyond("publication"), {"source": "s", "stream": "responses", "held_questions": None}),
    "kpi_survey_response": (beyond("kpi_survey_response"), {"sent": 200, "delivered": 195}),
    "follow_ups": (
        beyond("follow_ups"),
        {"flagged_at": DAY, "due_at": DAY, "contacted_at": DAY, "next_answered_at": DAY, "as_of": DAY},
    ),
    "kpi_follow_up": (
        beyond("kpi_follow_up"),
        {"flagged": 10, "due": 8, "contacted_in_time": 4, "contacted_late": 2, "overdue": 1, "expired": 1},
    ),
    "kpi_nps": (beyond("kpi_nps"), {"n": 10, "promoters": 5, "passives": 2, "detractors": 3}),
    "kpi_volume": (beyond("kpi_volume"), {"created": 3, "customers": 2}),
    "kpi_backlog": (
        beyond("kpi_backlog"),
        {"open_at_start": 3, "arrivals": 2, "departures": 1, "open_at_end": 4},
    ),
    "experience": (beyond("experience"), {"answered_at": DAY, "as_of": DAY}),
    "retention": (beyond("retention"), {"landmark": DAY, "as_of": DAY}),
    "kpi_cost": (beyond("kpi_cost"), {"solved": 40, "customers": 35}),
    "kpi_team": (
        beyond("kpi_team"),
        {
            "solved": 40, "reopened": 10, "replies": 90, "first_replies": 35, "csat_n": 12,
            "csat_positive": 9,
        },
    ),
    "kpi_scorecard": (beyond("kpi_scorecard"), {"lower_limit": 68.0, "upper_limit": 92.0}),
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
    "our_targets_agree_with_their_times": {"time_conflict": "unexplained"},
    "targets_agree_with_their_times": {"time_conflict": "no_stamp"},
    "no_agent_is_probably_a_bot": {"is_probable_bot": True},
    "streams_agree": {"is_agreed": False},
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
    "landed_is_counted_or_left_out": {"left_out": 2},
    "answers_name_known_tickets": {"naming_an_unknown_ticket": 1},
    "nothing_that_counted_is_undeclared": {"counted_before": 30},
    "no_question_is_held": {"held_questions": "s/f/q: 3"},
    "outcomes_sum_to_due": {"contacted_late": 4},
    "nps_answers_have_a_class": {"nps_class": None},
    "status_is_null_exactly_without_a_history": {"status": None},
    "classes_sum_to_n": {"passives": 3},
    "changed_definitions_have_a_new_version": {"column_name": "definition"},
    "differences_are_explained": {"reason": "unexplained"},
    "reasons_sum_to_compared": {"later_events": 2},
    "few_numbers_are_unexplained": {"unexplained": 3},
    "what_is_known_sums_to_expected": {"missing": 2},
    "few_numbers_are_missing": {"gap": "critical"},
    "numbers_are_not_missing": {"gap": "warning"},
    "numbers_are_known": {"gap": "unknown"},
    "what_came_and_went_explains_the_end": {"departures": 2},
    "customers_is_at_most_created": {"customers": 4},
    "reopened_is_at_most_solved": {"reopened": 41},
    "csat_positive_is_at_most_csat_n": {"csat_positive": 13},
    "first_replies_is_at_most_replies": {"first_replies": 91},
    "customers_is_at_most_solved": {"customers": 41},
    "lower_limit_is_at_most_upper_limit": {"lower_limit": 93.0},
    "landed_equals_staged": {"staged": 4},
    "nothing_is_staged_twice": {"staged": 8, "superseded": -1},
    "few_rows_are_rejected": {"rejected": 2},
    "no_row_is_rejected": {"rejected": 1},
    "no_value_is_rejected": {"reason": "is before the ticket was created"},
    "source_is_fresh": {"age_seconds": 172_801.0},
    "source_has_been_fetched": {"age_seconds": None},
    "rows_did_not_drop": {"rows": 95},
    "list_did_not_shrink": {"listed_now": 7.0},
    "most_was_not_deleted": {"most_was_not_deleted": False},
    "mart_is_not_emptied": {"rows": 0},
}
UNIQUE = ("versions_are_unique", "key_is_unique")


def usual(suite: Suite) -> dict[str, Any]:
    """A good row of a vendor's, where its values alone make it one."""
    row: dict[str, Any] = dict(STAGED)
    for expectation in suite.expectations:
        for column in expectation.columns:
            value = DAY if column.endswith("_at") else expectation.kwargs.get("value_set", ["1"])[0]
            row.setdefault(column, value)
    return row


DECLARED = {
    f"new_{module.name}__{stream}"
    for module in pkgutil.iter_modules(vendors.__path__)
    for stream in importlib.import_module(f"{vendors.__name__}.{module.name}").DECLARED
}
GOOD |= {name: (staged.suite(name), usual(staged.suite(name))) for name in sorted(DECLARED - set(GOOD))}


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
    assert "new_zendesk__tickets" in DECLARED


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
    contract = Contract(mart="kpi_nps", key=("member",), types={"member": "varchar"})
    assert marts.columns(contract, ["member", *GOOD["kpi_nps"][1], "is_small_n"]) == [
        "member", "promoters", "passives", "detractors", "n",
    ]  # fmt: skip
