"""Paging by number with a wall at page 300, as Freshdesk documents it, on a stream declared here."""

from bisect import bisect_left
from datetime import UTC, datetime

import pytest

from ingestion.http import PermanentError
from ingestion.paging import NumberedExport
from ingestion.streams import Source, Stream

START = 1_770_000_000


@pytest.fixture
def source(vendor):
    tickets = Stream("tickets", "/api/v2/tickets", "", NumberedExport(), params={"order_type": "asc"})
    return Source("freshdesk", "freshdesk", (tickets,), url=vendor.url)


class Freshdesk:
    def __init__(self, vendor, reply, seconds):
        self.seconds = sorted(seconds)
        self.vendor, self.reply = vendor, reply
        self.highest = 0
        vendor.answer = self.answer

    def answer(self, path, params):
        page, size = int(params["page"]), int(params["per_page"])
        self.highest = max(self.highest, page)
        if page > 300:
            return self.reply({"description": "You cannot access tickets beyond the 300th page"}, 400)
        since = int(datetime.fromisoformat(params["updated_since"]).timestamp())
        start = bisect_left(self.seconds, since) + (page - 1) * size
        numbers = range(start, min(start + size, len(self.seconds)))
        body = [
            {"id": n, "updated_at": f"{datetime.fromtimestamp(self.seconds[n], UTC):%Y-%m-%dT%H:%M:%SZ}"}
            for n in numbers
        ]
        more = start + size < len(self.seconds)
        return self.reply(body, headers={"Link": f'<{self.vendor.url}/again>; rel="next"'} if more else {})


def test_30001_tickets_are_read_once_each(vendor, reply, source, lander):
    freshdesk = Freshdesk(vendor, reply, [START + number // 7 for number in range(30_001)])
    result = lander.stream(source, "tickets")
    assert result.error is None
    assert sorted(map(int, lander.ids("freshdesk", "tickets"))) == list(range(30_001))
    assert lander.stream(source, "tickets").batches == []
    freshdesk.seconds.append(START + 9000)
    assert lander.stream(source, "tickets").landed == 1


def test_a_second_of_many_pages_below_the_wall_is_read(vendor, reply, source, lander):
    freshdesk = Freshdesk(vendor, reply, [START - 5] + [START] * 1234 + [START + 5] * 3)
    assert lander.stream(source, "tickets").error is None
    assert sorted(map(int, lander.ids("freshdesk", "tickets"))) == list(range(1238))
    assert freshdesk.highest > 10


def test_30000_tickets_with_one_updated_at_fail_loudly(vendor, reply, source, lander):
    Freshdesk(vendor, reply, [START] * 30_000 + [START + 1])
    result = lander.stream(source, "tickets")
    assert isinstance(result.error, PermanentError)
    assert "30000 or more records changed in the second" in str(result.error)
    assert lander.landing.latest("freshdesk", "tickets").cursors[""]["since"] == START
