"""What the vendor counts itself: a record that is no array, and news only when it is another number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest


def counted(value: Any, at: str | None) -> bytes:
    told = "null" if at is None else f'"{at}"'
    return f'{{"count": {{"value": {value}, "refreshed_at": {told}}}}}'.encode()


@pytest.fixture
def fetched(vendor, zendesk_source, lander):
    def fetch(value: Any, at: str | None):
        vendor.answer = lambda path, params: counted(value, at)
        result = lander.stream(zendesk_source("ticket_counts"), "ticket_counts")
        assert result.error is None
        return result.landed

    return fetch


def test_a_count_lands_when_it_is_another_one(fetched, lander):
    assert fetched(102, "2026-03-01T08:00:00Z") == 1
    assert fetched(102, "2026-03-02T08:00:00Z") == 0
    assert fetched(99, "2026-03-03T08:00:00Z") == 1
    rows = lander.rows("zendesk", "ticket_counts")
    assert [(row["record_id"], row["payload"], row["changed_at"].day) for row in rows] == [
        ("tickets", '{"value": 102}', 1),
        ("tickets", '{"value": 99}', 3),
    ]


def test_a_count_that_is_being_taken_is_none_yet(fetched, lander):
    """More than 100,000 tickets are counted once a day; meanwhile the number is cut off, and has no time."""
    assert fetched(100_000, None) == 0
    assert fetched(180_000, "2026-03-01T08:00:00Z") == 1
    fetched(100_000, None)
    assert [row["deleted"] for row in lander.rows("zendesk", "ticket_counts")] == [False, True]


def test_who_begins_later_has_fewer_tickets_than_are_counted(zendesk_source):
    later = zendesk_source("ticket_counts", start_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert later.streams == ()
