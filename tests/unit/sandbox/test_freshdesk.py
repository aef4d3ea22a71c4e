"""The Freshdesk of the sandbox: what the vendor documents, over the same company as the other helpdesk."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from itertools import pairwise
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from sandbox.catalog import CLOSED, DELETED, HOLD, PENDING, POLICIES, SOLVED
from sandbox.lifecycle import SYSTEM, Update
from sandbox.server import Sandbox

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = 86_400
ALL = {"updated_since": "2015-01-01T00:00:00Z", "order_by": "updated_at", "order_type": "asc"}


@pytest.fixture(scope="module", params=["clean", "real"])
def sandbox(request):
    with Sandbox(tickets=600, now=NOW, profile=request.param) as running:
        yield running


def ask(sandbox, path, login="sandbox-api-key:X", **parameters):
    """Status, headers and answer of a request below /api/v2/."""
    env = sandbox.env("freshdesk")
    url = f"{env['FRESHDESK_URL']}/api/v2/{path}?{urlencode(parameters)}"
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
    try:
        with urlopen(Request(url, headers=headers)) as answer:
            return answer.status, answer.headers, json.load(answer)
    except HTTPError as error:
        return error.code, error.headers, json.load(error)


def walk(sandbox, path, **parameters):
    """All records of a list, page by page, for as long as the header leads on."""
    found, page = [], 1
    while True:
        status, headers, answer = ask(sandbox, path, per_page=100, page=page, **parameters)
        assert status == 200, answer
        found += answer
        if 'rel="next"' not in headers.get("Link", ""):
            return found
        page += 1


def seconds(text):
    return int(datetime.fromisoformat(text).timestamp())


def life(company, ticket):
    rows = company.updates[company.starts[ticket] : company.starts[ticket + 1]].tolist()
    return [update for update in (Update(*row) for row in rows) if update.kind != SYSTEM]


def test_only_the_asked_helpdesk_is_in_the_settings(sandbox):
    assert {"ZENDESK_URL", "TYPEFORM_TOKEN"} <= set(sandbox.env())
    assert not any(name.startswith("FRESHDESK") for name in sandbox.env())
    assert {"FRESHDESK_URL", "FRESHDESK_API_KEY", "TYPEFORM_TOKEN"} <= set(sandbox.env("freshdesk"))
    assert not any(name.startswith("ZENDESK") for name in sandbox.env("freshdesk"))
    assert {"FRESHDESK_URL", "ZENDESK_URL"} <= set(sandbox.env("freshdesk", "zendesk"))


@pytest.mark.parametrize(
    ("login", "status"), [("sandbox-api-key:X", 200), ("sandbox-api-key:", 200), ("other:X", 401), ("X", 401)]
)
def test_the_key_opens_with_any_password(sandbox, login, status):
    assert ask(sandbox, "groups", login)[0] == status


def test_without_a_start_only_tickets_of_the_last_thirty_days_come(sandbox):
    border = int(NOW.timestamp()) - 30 * DAY
    recent, everything = walk(sandbox, "tickets"), walk(sandbox, "tickets", **ALL)
    assert recent and all(seconds(ticket["created_at"]) >= border for ticket in recent)
    assert len(recent) < len(everything)


def test_tickets_come_by_their_last_change_and_each_once(sandbox):
    found = walk(sandbox, "tickets", include="stats,requester", **ALL)
    times = [ticket["updated_at"] for ticket in found]
    assert times == sorted(times)
    assert len({ticket["id"] for ticket in found}) == len(found)
    gone = [t for t in range(sandbox.company.ticket_count()) if sandbox.company.life(t)[-1].status == DELETED]
    assert {ticket["id"] for ticket in found}.isdisjoint(ticket + 1 for ticket in gone)
    half = times[len(times) // 2]
    later = walk(sandbox, "tickets", **{**ALL, "updated_since": half})
    assert [ticket["id"] for ticket in later] == [t["id"] for t in found if t["updated_at"] >= half]


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("tickets", {"page": 301}, "page"),
        ("tickets", {"per_page": 101}, "per_page"),
        ("tickets", {"filter": "gone"}, "filter"),
        ("tickets", {"created_since": "2026-01-01"}, "created_since"),
        ("tickets", {"updated_since": "yesterday"}, "updated_since"),
        ("contacts", {"updated_since": "2026-01-01T00:00:00Z"}, "updated_since"),
        ("surveys/satisfaction_ratings", {"updated_since": "2026-01-01T00:00:00Z"}, "updated_since"),
        ("time_entries", {"page": 0}, "page"),
    ],
)
def test_what_the_reference_does_not_know_is_refused(sandbox, path, parameters, field):
    status, _, answer = ask(sandbox, path, **parameters)
    assert (status, answer["errors"][0]["field"]) == (400, field)


def test_deleted_tickets_and_spam_stay_in_the_trash_for_thirty_days(sandbox):
    company = sandbox.company
    now, expected = company.now_seconds, {"deleted": set(), "spam": set()}
    for ticket in range(len(company.created)):
        updates = [update for update in life(company, ticket) if update.t <= now]
        ended = [update for update in updates if update.status == DELETED]
        if ended and updates[-1].status == DELETED and now - ended[0].t < 30 * DAY:
            expected["spam" if updates[-1].tags & 4 else "deleted"].add(ticket + 1)
    assert expected["spam"] or expected["deleted"]
    for name, ids in expected.items():
        found = walk(sandbox, "tickets", filter=name, **ALL)
        assert {ticket["id"] for ticket in found} == ids
        assert all(ticket.get("deleted", False) == (name == "deleted") for ticket in found)
        assert all(ticket["spam"] == (name == "spam") for ticket in found)
    for ticket in expected["deleted"]:
        assert ask(sandbox, f"tickets/{ticket}/conversations")[0] == 404


def test_what_is_deleted_for_good_is_told_by_nothing(sandbox):
    freshdesk = sandbox.apis["freshdesk"]
    [first, *_] = walk(sandbox, "tickets", **ALL)
    freshdesk.records.vanished.add(first["id"] - 1)
    try:
        assert first["id"] not in {ticket["id"] for ticket in walk(sandbox, "tickets", **ALL)}
        assert ask(sandbox, f"tickets/{first['id']}")[0] == 404
    finally:
        freshdesk.records.vanished.clear()


def test_due_times_are_the_targets_moved_by_what_waited(sandbox):
    """By another route, of tickets around the clock whose priority and group stayed."""
    company, premium, checked = sandbox.company, POLICIES[0], 0
    waits = (PENDING, HOLD, SOLVED, CLOSED, DELETED)
    for record in walk(sandbox, "tickets", **ALL):
        updates = [u for u in life(company, record["id"] - 1) if u.t <= company.now_seconds]
        same = {(update.priority, update.group) for update in updates}
        if not updates[0].tags & 1 or len(same) != 1 or record["is_escalated"]:
            continue
        # Shown as it was when the clock began to run last.
        runs = [update.t for update in updates if update.status not in waits]
        stood = sum(b.t - a.t for a, b in pairwise(updates) if a.status in waits and b.t <= runs[-1])
        target = premium.targets["total_resolution_time"][max(updates[0].priority, 1) - 1] * 60
        assert seconds(record["due_by"]) == updates[0].t + target + stood
        checked += 1
    assert checked > 10


def test_verdicts_move_the_last_change(sandbox):
    company, late = sandbox.company, 0
    for record in walk(sandbox, "tickets", include="stats", **ALL):
        updates = [u for u in life(company, record["id"] - 1) if u.t <= company.now_seconds]
        responded = record["stats"]["first_responded_at"]
        if record["fr_escalated"]:
            assert responded is None or responded > record["fr_due_by"]
        elif responded is not None:
            assert responded <= record["fr_due_by"]
        late += seconds(record["updated_at"]) > updates[-1].t and record["fr_escalated"]
    assert late


def test_limits_are_told_and_held(sandbox):
    with Sandbox(company=sandbox.company, exports_per_minute=20, requests_per_minute=30) as limited:
        freshdesk = limited.apis["freshdesk"]
        for account in (freshdesk.credits, *freshdesk.list_credits.values()):
            account.clock = lambda: 1000.0
        _, headers, _ = ask(limited, "tickets", include="stats,requester")
        told = [headers[f"X-Ratelimit-{name}"] for name in ("Total", "Remaining", "Used-CurrentRequest")]
        assert told == ["20", "15", "5"]
        for _ in range(3):
            assert ask(limited, "tickets", include="stats,requester")[0] == 200
        status, headers, _ = ask(limited, "tickets", include="stats,requester")
        assert (status, headers["Retry-After"]) == (429, "61")
        assert ask(limited, "contacts")[0] == 200
        freshdesk.credits.clock = freshdesk.list_credits["tickets"].clock = lambda: 1061.0
        assert ask(limited, "tickets")[0] == 200
