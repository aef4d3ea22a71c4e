"""Other tools of an account still breathe: requests wait before the vendor's limit is reached."""

import msgspec
import pytest

from ingestion.http import Client

decode = msgspec.json.decode


class Limited:
    """A vendor that counts a minute at a time, of which another tool takes its part at the beginning."""

    def __init__(self, vendor, reply, clock, total, others=0, cost=1):
        self.reply, self.clock, self.total, self.others, self.cost = reply, clock, total, others, cost
        self.minute, self.left, self.least, self.refused, self.answered = -1, total, total, 0, []
        vendor.answer = self.answer

    def answer(self, path, params):
        minute = int(self.clock.now // 60)
        if minute != self.minute:
            self.minute, self.left = minute, self.total - self.others
        headers = {"X-Ratelimit-Total": str(self.total), "X-Ratelimit-Used-CurrentRequest": str(self.cost)}
        if self.left < self.cost:
            self.refused += 1
            return self.reply(None, 429, headers | {"X-Ratelimit-Remaining": "0", "Retry-After": "30"})
        self.left -= self.cost
        self.least = min(self.least, self.left)
        self.answered.append(self.clock.now)
        return self.reply([], headers=headers | {"X-Ratelimit-Remaining": str(self.left)})


@pytest.fixture
def ask(vendor, clock):
    def run(number, spares=0.25, path="/api/v2/tickets/{}/conversations"):
        with Client(vendor.url, sleep=clock.sleep, clock=clock, jitter=lambda: 0.0, spares=spares) as client:
            for at in range(number):
                client.get(path.format(at), {}, decode)

    return run


@pytest.mark.parametrize(("total", "others", "cost"), [(100, 0, 1), (100, 30, 1), (20, 0, 5), (400, 50, 3)])
def test_a_share_of_every_minute_is_left(vendor, reply, clock, ask, total, others, cost):
    limited = Limited(vendor, reply, clock, total, others, cost)
    ask(300)
    assert limited.refused == 0
    assert limited.least >= total // 4
    minutes = (clock.now - 1000) / 60
    # All but the share and what others took is used: no minute is waited out for nothing.
    assert minutes <= 300 * cost / (total * 3 // 4 - others - cost + 1) + 1


def test_a_night_of_few_requests_waits_for_nothing(vendor, reply, clock, ask):
    Limited(vendor, reply, clock, 100)
    ask(70)
    assert clock.waits == []


def test_who_shares_nothing_runs_into_the_limit(vendor, reply, clock, ask):
    limited = Limited(vendor, reply, clock, 100)
    ask(150, spares=0.0)
    assert limited.refused == 1


def test_each_kind_of_request_has_its_own_limit(vendor, reply, clock):
    left = {"/api/v2/tickets": 20, "/api/v2/groups": 200}

    def answer(path, params):
        left[path] -= 5
        whole = {"/api/v2/tickets": "20", "/api/v2/groups": "200"}[path]
        return reply([], headers={"X-Ratelimit-Total": whole, "X-Ratelimit-Remaining": str(left[path])})

    vendor.answer = answer
    with Client(vendor.url, sleep=clock.sleep, clock=clock, jitter=lambda: 0.0, spares=0.25) as client:
        for _ in range(3):
            client.get("/api/v2/tickets", {}, decode)
        client.get("/api/v2/groups", {}, decode)
        assert clock.waits == []
        client.get("/api/v2/tickets", {}, decode)
    assert clock.waits == [60.0]


@pytest.mark.parametrize("told", ["", "many", "-5", "1e3"])
def test_numbers_that_are_none_hold_nothing_back(vendor, reply, clock, ask, told):
    headers = {"X-Ratelimit-Total": told, "X-Ratelimit-Remaining": told}
    vendor.answer = lambda path, params: reply([], headers=headers)
    ask(5)
    assert clock.waits == []
