"""Values that cannot be are null and listed by field, shape and reason; their rows stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.extract import fetch
from ingestion.sources import files

from .gates import judge
from .test_incremental import rows_that_differ
from .warehouse import Warehouse
from .zendesk_records import AGENT, CUSTOMER, Account, comment, status

AS_OF = "2024-06-30T00:00:00+00:00"
FETCHED = "2024-07-01T00:00:00Z"

TICKETS = """id,created,status,priority,replied,reopens,due,verdict
1,2024-06-04 10:00,open,Wichtig,1970-01-01 00:00,-2,2024-06-04 12:00,
2,2024-06-04 10:00,solved,low,31.12.2024,no,1970-01-01 00:00,met
3,1970-01-01 00:00,open,low,,,,
"""
MAPPING = """file: tickets.csv
format: csv
entity: tickets
mode: snapshot
id: id
columns: {created_at: created, status: status, priority: priority, first_reply_at: replied, reopens: reopens,
  promise_due_at: due, promise_verdict: verdict}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
"""


def helpdesk() -> Account:
    account = Account("desk")
    account.user(7, "agent", **{"created_at": "yesterday"})
    account.schedule(1, "UTC", [(540, 1020), (900, 600)])
    account.streams["schedules"][0]["holidays"] = [{"start_date": "2024-02-30", "end_date": "2024-02-30"}]
    account.add(
        "organizations", {"id": 5, "created_at": "1970-01-01T00:00:00Z", "updated_at": "2024-06-04T00:00:00Z"}
    )
    account.ticket(
        1, "2024-06-04T10:00", status("2024-06-04T11:00", "parked"), comment("2024-06-04T12:00", AGENT),
        metric_set={"reopens": -1, "reply_time_in_minutes": {"calendar": "soon", "business": 5}},
        priority="ASAP", status="open",
    )  # fmt: skip
    account.clock(1, "patience_time", "2024-06-04T10:00", "activate")
    account.clock(1, "reply_time", "2024-06-04T10:00", "apply_sla", sla={"target_in_seconds": -5})
    account.clock(1, "reply_time", "2024-06-04T10:00", "activate", instance=None)
    account.survey_response(
        1, "2024-06-05T00:00", 4, "2024-06-06T00:00", answer={"updated_at": "2099-01-01T00:00:00Z"}
    )
    return account


def land(warehouse: Warehouse, night: int) -> None:
    """Two nights: the helpdesk, then the forms and the file."""
    if night == 0:
        helpdesk().land(warehouse, FETCHED)
        return
    form = {"id": "f", "title": "t", "fields": [{"id": "q", "ref": "q", "title": "q", "type": "nps"}]}
    warehouse.land("typeform", "forms", [form | {"updated_at": "2024-06-01T00:00:00Z"}], fetched_at=FETCHED)
    response = {
        "_record_id": "f/1",
        "response_id": "1",
        "submitted_at": "2024-06-05T00:00:00Z",
        "hidden": {"sent_at": "Größe 12"},
        "answers": [{"field": {"id": "q"}, "type": "number", "number": 9}],
    }
    warehouse.land("typeform", "responses", [response], changed="submitted_at", fetched_at=FETCHED)
    folder = warehouse.path.parent / "exports"
    folder.mkdir()
    (folder / "tickets.csv").write_text(TICKETS)
    (folder / "export.yml").write_text(MAPPING)
    assert [
        each.error for each in fetch(files.sources(folder), warehouse.landing).streams if each.error
    ] == []


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("nightly"))
    for night in range(2):
        land(warehouse, night)
        warehouse.build(AS_OF)
    return warehouse


def listed(warehouse: Warehouse, source: str) -> list[tuple[str, ...]]:
    return warehouse.query(
        "select replace(stream, 'zendesk__', ''), record_id, field, value_shape, reason from marts.rejected_values "
        f"where source = '{source}' order by 1, 3, 2"
    )


def test_of_a_helpdesk(nightly: Warehouse) -> None:
    rows = listed(nightly, "desk")
    (created,), (event,), _ = nightly.query(
        "select record_id from staging.stg_zendesk__ticket_events order by event_at"
    )
    [(clock,)] = nightly.query("select record_id from staging.stg_zendesk__ticket_metric_events")
    [(response,)] = nightly.query("select record_id from staging.stg_zendesk__survey_responses")
    assert rows == [
        ("organizations", "5", "created_at", "9999-99-99a99:99:99a", "is before 1990"),
        ("schedules", "1", "holidays", "9999-99-99/9999-99-99", "is no period of days"),
        ("schedules", "1", "intervals", "999-999", "is no interval of a week"),
        (
            "survey_responses",
            response,
            "answers.updated_at",
            "9999-99-99a99:99:99a",
            "is no time that can be",
        ),
        ("ticket_events", created, "child_events.priority", "aaaa", "is unknown"),
        ("ticket_events", event, "child_events.status", "aaaaaa", "is unknown"),
        ("ticket_metric_events", clock, "metric", "aaaaaaaa_aaaa", "is unknown"),
        ("tickets", "1", "priority", "aaaa", "is unknown"),
        ("tickets", "1", "vendor_first_reply_minutes", "aaaa", "is no number"),
        ("tickets", "1", "vendor_reopens", "-9", "is negative"),
        ("users", "7", "created_at", "aaaaaaaaa", "is no date"),
    ]


def test_what_the_row_needs_rejects_it(nightly: Warehouse) -> None:
    rows = nightly.query("select stream, reason from marts.rejected_rows order by all")
    assert rows == [
        ("files__tickets", "created_at is before 1990"),
        ("zendesk__ticket_metric_events", "instance_id is no number"),
        ("zendesk__ticket_metric_events", "target is no time that can be"),
    ]


def test_the_rest_of_the_row_is_counted(nightly: Warehouse) -> None:
    assert nightly.query(
        "select status, priority, source_priority, first_reply_seconds from marts.tickets where source = 'desk'"
    ) == [("open", None, "ASAP", 7200.0)]
    assert nightly.query("select score, sent_at from marts.survey_answers where source = 'typeform'") == [
        (9.0, None)
    ]
    assert nightly.query("select customer_id from marts.customers where source = 'desk'") == [
        (str(CUSTOMER),)
    ]
    assert nightly.query(
        "select ticket_id, status, priority, first_reply_at, reopens from marts.tickets where source = 'export' order by 1"
    ) == [("1", "open", None, None, None), ("2", "solved", "low", None, None)]
    assert nightly.query(
        "select ticket_id, outcome, due_at::varchar from marts.sla_targets where source = 'export' order by 1"
    ) == [("1", "breached", "2024-06-04 12:00:00"), ("2", "met", None)]


def test_of_a_form_and_a_file(nightly: Warehouse) -> None:
    """Letters of any script as a, digits as 9: nobody's words."""
    assert listed(nightly, "typeform") == [
        ("typeform__responses", "f/1", "sent_at", "aaaaa 99", "is no date")
    ]
    rows = listed(nightly, "export")
    assert [row[1:4] for row in rows] == [
        ("1", "first_reply_at", "9999-99-99a99:99:99a"),
        ("2", "first_reply_at", "99.99.9999"),
        ("1", "priority", "aaaaaaa"),
        ("2", "promise_due_at", "9999-99-99a99:99:99a"),
        ("1", "reopens", "-9"),
        ("2", "reopens", "aa"),
    ]
    assert {row[4] for row in rows} >= {"is before 1990", "is negative"}


def test_two_nights_list_what_one_does(nightly: Warehouse, tmp_path: Path) -> None:
    at_once = Warehouse(tmp_path / "at_once")
    at_once.landing = nightly.landing
    at_once.build(AS_OF)
    assert rows_that_differ(nightly.path, at_once.path) == {}


def test_a_gate_warns_and_lets_it_pass(nightly: Warehouse, tmp_path: Path) -> None:
    judged = judge(nightly, AS_OF, tmp_path)
    # Of three rows of a file one is more than 1 %: these two streams wait for a person.
    assert {batch.stream for batch in judged.held} == {"tickets", "ticket_metric_events"}
    assert judged.blocking == []
    [warning] = [v for v in judged.marts if v.expectation == "no_value_is_rejected"]
    assert warning.message.startswith("18 values that cannot be, e.g. ")
    assert "The mart rejected_values names each" in warning.message
