"""Every mapping that a document shows lands a small export of its kind."""

from __future__ import annotations

import gzip
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
import yaml

from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import files
from tests.documents import Code, blocks


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Export"
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


#: The mapping's `file` -> such an export, and what of it lands.
EXPORTS: dict[str, tuple[str | bytes, list[dict[str, Any]]]] = {
    "Tickets*.xlsx": (
        workbook(
            ["All tickets"],
            [],
            ["Number", "Opened", "Resolved at", "State", "Team", "Subject", "Kind"],
            [
                7,
                datetime.fromisoformat("2025-06-01T12:00"),
                None,
                "Offen",
                "Net",
                "[Router] no light",
                "Real",
            ],
            [8, datetime.fromisoformat("2025-06-01T12:00"), None, "Offen", "Net", "[Router] try", "Test"],
            ["Sum", None, None, 2],
        ),
        [
            {
                "ticket_id": "7",
                "created_at": "2025-06-01T10:00:00Z",
                "status": "open",
                "group_id": "Net",
                "product": "Router",
                "resolved_at": None,
            }
        ],
    ),
    "incident_event_log.csv.gz": (
        """\
number,sys_mod_count,sys_updated_at,opened_at,resolved_at,incident_state,made_sla
INC1,0,29/02/2016 01:23,29/02/2016 01:16,?,New,true
INC1,2,29/02/2016 08:53,29/02/2016 01:16,29/02/2016 08:53,Resolved,false
""",
        [
            {"ticket_id": "INC1", "event_at": "2016-02-29T01:23:00Z", "status": "new", "resolved_at": None},
            {
                "ticket_id": "INC1",
                "sequence": 2,
                "created_at": "2016-02-29T01:16:00Z",
                "resolved_at": "2016-02-29T08:53:00Z",
                "status": "solved",
                "sla": [{"metric": "vendor", "due_at": None, "ended_at": None, "verdict": "breached"}],
            },
        ],
    ),
    "tickets.csv": (
        "Ticket ID,Rating,Closed\n7,5,01/06/2025 12:00\n8,,\n",
        [
            {"ticket_id": "7", "score": 5, "answered_at": "2025-06-01T10:00:00Z"},
            {"ticket_id": "8", "score": None, "answered_at": None},
        ],
    ),
    "invitations.csv": (
        "Invitation ID,Sent,Status,Answered,Customer\n"
        "a,2025-06-01T08:00:00,Sent,2025-06-01T09:00:00,C1\nb,2025-06-02T08:00:00,Bounced,,C2\n",
        [
            {
                "sent_at": "2025-06-01T08:00:00Z",
                "delivery": "delivered",
                "answered_at": "2025-06-01T09:00:00Z",
                "customer_id": "C1",
            },
            {"delivery": "bounced", "answered_at": None, "customer_id": "C2"},
        ],
    ),
}


def test_each_has_an_export() -> None:
    assert {yaml.safe_load(block.text).get("file") for block in blocks("yaml")} == EXPORTS.keys()


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_it_lands(block: Code, tmp_path: Path) -> None:
    name = yaml.safe_load(block.text)["file"]
    content, expected = EXPORTS[name]
    (tmp_path / "example.yml").write_text(block.text)
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    [result] = fetch(files.sources(tmp_path), landing := Landing(tmp_path / "landing")).streams
    assert result.error is None, result.error
    paths = [str(path) for path in landing.batches()]
    landed = [
        json.loads(text)
        for (text,) in duckdb.sql(f"select payload from read_parquet({paths}) order by record_id").fetchall()
    ]
    assert [(row["errors"], row["reject"]) for row in landed] == [([], None)] * len(expected)
    values = [row["values"] for row in landed]
    assert [
        {key: row.get(key) for key in want} for row, want in zip(values, expected, strict=True)
    ] == expected
