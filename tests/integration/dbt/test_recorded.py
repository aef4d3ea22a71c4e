"""Every record that a vendor's API really returned stages to one row; what it redacted stages as null and is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .warehouse import Warehouse

API = Path(__file__).parents[4] / "shared" / "api"
ZENDESK = {
    "tickets": "generated_timestamp",
    "users": "updated_at",
    "organizations": "updated_at",
    "groups": "updated_at",
    "brands": "updated_at",
    "ticket_fields": "updated_at",
    "satisfaction_ratings": "updated_at",
    "sla_policies": "updated_at",
    "ticket_audits": "created_at",
    "ticket_metric_events": "time",
}

pytestmark = pytest.mark.skipif(not API.exists(), reason="needs ../shared/api")


def unknown_if_redacted(record: dict[str, Any], field: str) -> str | None:
    return None if record[field] == "redacted" else field


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("recorded"))
    records = {
        name.partition("/")[2]: record
        for name, record in json.loads((API / "zendesk" / "one_record_per_stream.json").read_text())
    }
    for stream, clock in ZENDESK.items():
        record = records[stream] | ({"ticket_id": 999} if stream == "ticket_audits" else {})
        warehouse.land("zendesk", stream, [record], changed=unknown_if_redacted(record, clock))
    schedule = records["schedules"]
    warehouse.land(
        "zendesk",
        "schedules",
        [{"_record_id": schedule["id"], "schedule": schedule, "holidays": []}],
        changed=None,
    )
    typeform = [json.loads(line) for line in (API / "typeform" / "records.jsonl").read_text().splitlines()]
    forms = [each["data"] for each in typeform if each["stream"] == "forms"]
    warehouse.land("typeform", "forms", forms, changed=None)
    responses = [each["data"] for each in typeform if each["stream"] == "responses"]
    for response in responses:
        response["_record_id"] = (
            f"{response['metadata']['referer'].rpartition('/')[2]}/{response['response_id']}"
        )
    warehouse.land("typeform", "responses", responses, changed="submitted_at")
    warehouse.build("2026-11-21T00:00:00Z", select=["+tickets", "+publication"])
    return warehouse


def test_each_record_stages_to_one_row(recorded: Warehouse) -> None:
    rows = recorded.query("select stream, landed_rows, staged_rows, rejected_rows from marts.publication")
    assert {stream: counts for stream, *counts in rows} == {
        **{stream: [1, 1, 0] for stream in (*ZENDESK, "schedules")},
        "forms": [3, 3, 0],
        "responses": [7, 7, 0],
    }


def test_redacted_fields_are_null_and_counted(recorded: Warehouse) -> None:
    assert recorded.query("select updated_at, custom_fields from staging.stg_zendesk__tickets") == [
        (None, None)
    ]
    [(counted,)] = recorded.query("select redacted_fields from marts.publication where stream = 'tickets'")
    record = dict(json.loads((API / "zendesk" / "one_record_per_stream.json").read_text()))["acmeCo/tickets"]
    assert counted == sum(value == "redacted" for value in record.values()) == 4


def test_the_recorded_ticket_is_counted(recorded: Warehouse) -> None:
    [(status, priority, customer)] = recorded.query("select status, priority, customer_id from marts.tickets")
    assert (status, priority, customer) == ("open", "normal", "28835741127700")


#: What an account of Freshdesk really gave, and how many of each.
FRESHDESK = {"agents": 9, "companies": 10, "contacts": 10, "groups": 9, "ticket_fields": 10}


@pytest.fixture(scope="module")
def freshdesk(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("freshdesk"))
    lines = (API / "freshdesk" / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for stream in FRESHDESK:
        warehouse.land("freshdesk", stream, [each["data"] for each in records if each["stream"] == stream])
    warehouse.build(
        "2026-11-21T00:00:00Z", select=["+publication", "+rejected_values", "+organizations", "+groups"]
    )
    return warehouse


def test_each_record_of_freshdesk_stages_to_one_row(freshdesk: Warehouse) -> None:
    rows = freshdesk.query("select stream, landed_rows, staged_rows, rejected_rows from marts.publication")
    assert {stream: counts for stream, *counts in rows} == {
        stream: [count, count, 0] for stream, count in FRESHDESK.items()
    }
    assert freshdesk.query("select count(*) from marts.rejected_values") == [(0,)]
    assert freshdesk.query("select count(*) from marts.organizations") == [(10,)]
    assert freshdesk.query("select count(*) from marts.groups where not is_deleted") == [(9,)]
    assert freshdesk.query("select role, count(*) from core.int_users group by role order by role") == [
        ("agent", 9),
        ("end_user", 10),
    ]
