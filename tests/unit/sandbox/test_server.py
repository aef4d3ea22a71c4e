"""The two vendors' APIs over real HTTP."""

import csv
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from sandbox import server
from sandbox.catalog import CSAT_FORM, NPS_FORM
from sandbox.company import Company
from sandbox.server import Sandbox

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)  # a Wednesday evening
EXPORTS = {
    "tickets": ("/incremental/tickets/cursor.json", "after_url"),
    "ticket_events": ("/incremental/ticket_events.json", "next_page"),
    "ticket_metric_events": ("/incremental/ticket_metric_events.json", "next_page"),
    "users": ("/incremental/users/cursor.json", "after_url"),
    "organizations": ("/incremental/organizations.json", "next_page"),
}


def walk(client: httpx2.Client, name: str, per_page: int | None = None, **parameters: Any) -> list[Any]:
    """Every record of an export, as often as it was served."""
    path, following = EXPORTS[name]
    size = {"per_page": per_page} if per_page else {}
    url = str(httpx2.URL(path, params={"start_time": 0, **size, **parameters}))
    found: list[Any] = []
    for _ in range(500):
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page[name]
        assert page[following]  # filled on the last page too
        if page["end_of_stream"]:
            return found
        url = (
            page[following]
            if following == "after_url"
            else page[following] + (f"&per_page={per_page}" if per_page else "")
        )
    raise AssertionError(f"{name} never ended")


# ---- paging ----


def test_every_record_comes_once_after_deduplication(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    company = sandbox.company
    tickets = walk(zendesk, "tickets", per_page=90)
    assert sorted(t["id"] for t in tickets) == list(range(1, 401))
    stamps = [(t["generated_timestamp"], t["id"]) for t in tickets]
    assert stamps == sorted(stamps)
    events = walk(zendesk, "ticket_events")
    assert len({e["id"] for e in events}) == int((company.event_times <= company.horizon).sum()) > 2500
    metric_events = walk(zendesk, "ticket_metric_events")
    assert len({e["id"] for e in metric_events}) == int((company.metric_times <= company.horizon).sum())
    users = walk(zendesk, "users", per_page=25)
    assert len({u["id"] for u in users}) == len(users) > 50
    organizations = walk(zendesk, "organizations")
    assert len({o["id"] for o in organizations}) == company.organizations


def test_time_based_pages_repeat_their_last_second(zendesk: httpx2.Client) -> None:
    first = zendesk.get("/incremental/ticket_metric_events.json", params={"start_time": 0}).json()
    second = zendesk.get(first["next_page"]).json()
    assert first["count"] == 1000
    assert not first["end_of_stream"]
    last = datetime.fromtimestamp(first["end_time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    repeated = {e["id"] for e in first["ticket_metric_events"] if e["time"] == last}
    assert repeated
    assert repeated <= {e["id"] for e in second["ticket_metric_events"]}


def test_metric_events_by_cursor_equal_those_by_time(zendesk: httpx2.Client) -> None:
    by_time = {e["id"] for e in walk(zendesk, "ticket_metric_events")}
    url, by_cursor = "/incremental/ticket_metric_events.json?start_time=0&page[size]=100", []
    while True:
        page = zendesk.get(url).json()
        assert len(page["ticket_metric_events"]) <= 100
        by_cursor += [e["id"] for e in page["ticket_metric_events"]]
        url = page["links"]["next"]
        if not page["meta"]["has_more"]:
            break
    assert len(by_cursor) == len(by_time)
    assert set(by_cursor) == by_time


def test_lists_page_by_cursor_and_fill_links_on_the_last_page(zendesk: httpx2.Client) -> None:
    found, url = [], "/groups.json?exclude_deleted=false&page[size]=4"
    pages = 0
    while True:
        page = zendesk.get(url).json()
        found += page["groups"]
        pages += 1
        url = page["links"]["next"]
        if not page["meta"]["has_more"]:
            break
    assert url
    assert pages == 2
    assert [g["deleted"] for g in found].count(True) == 1
    assert len(zendesk.get("/groups.json?page[size]=100").json()["groups"]) == len(found) - 1


def test_the_last_page_leads_to_an_empty_one(zendesk: httpx2.Client) -> None:
    page = zendesk.get("/incremental/tickets/cursor.json?start_time=0").json()
    assert page["end_of_stream"]
    again = zendesk.get(page["after_url"]).json()
    assert (again["tickets"], again["end_of_stream"], again["after_cursor"]) == (
        [],
        True,
        page["after_cursor"],
    )


# ---- what records say ----


def test_a_ticket_carries_its_metric_set_on_request(zendesk: httpx2.Client) -> None:
    tickets = walk(zendesk, "tickets", include="metric_sets")
    for ticket in tickets:
        metrics = ticket["metric_set"]
        assert metrics["ticket_id"] == ticket["id"]
        never_solved = metrics["first_resolution_time_in_minutes"]["calendar"] is None
        assert (metrics["full_resolution_time_in_minutes"]["calendar"] is None) == never_solved
        assert metrics["on_hold_time_in_minutes"]["calendar"] is not None
        assert (metrics["reply_time_in_minutes"]["calendar"] is None) == (metrics["replies"] == 0)
    assert "metric_set" not in walk(zendesk, "tickets")[0]
    later = [t["generated_timestamp"] > datetime.fromisoformat(t["updated_at"]).timestamp() for t in tickets]
    assert 0.3 < sum(later) / len(later) < 0.7


def test_events_tell_the_tickets_state(zendesk: httpx2.Client) -> None:
    tickets = {t["id"]: t for t in walk(zendesk, "tickets")}
    events = {e["id"]: e for e in walk(zendesk, "ticket_events", include="comment_events")}
    state: dict[int, dict[str, Any]] = {}
    for event in sorted(events.values(), key=lambda e: (e["timestamp"], e["id"])):
        now = state.setdefault(event["ticket_id"], {})
        for child in event["child_events"]:
            if child["event_type"] == "Change":
                for name in ("status", "priority", "group_id", "assignee_id", "tags"):
                    if name in child:
                        assert child["previous_value"] == now[name]
            now |= {
                k: child[k] for k in ("status", "priority", "group_id", "assignee_id", "tags") if k in child
            }
    assert set(state) == set(tickets)
    for ticket, told in state.items():
        assert told == {name: tickets[ticket][name] for name in told}


def test_audits_repeat_the_ticket_events(zendesk: httpx2.Client) -> None:
    events = [e for e in walk(zendesk, "ticket_events", include="comment_events") if e["ticket_id"] == 7]
    audits = zendesk.get("/tickets/7/audits.json?page[size]=100").json()["audits"]
    assert [a["id"] for a in audits] == [e["id"] for e in events]
    created = {e["field_name"]: e["value"] for e in audits[0]["events"] if e["type"] == "Create"}
    assert created["status"] == events[0]["child_events"][0]["status"]
    comments = [e["body"] for audit in audits for e in audit["events"] if e["type"] == "Comment"]
    assert comments == [c["body"] for e in events for c in e["child_events"] if c["event_type"] == "Comment"]
    assert zendesk.get("/tickets/999999/audits.json").status_code == 404


def test_without_the_side_load_comments_are_only_mentioned(zendesk: httpx2.Client) -> None:
    first = walk(zendesk, "ticket_events")[0]["child_events"][-1]
    assert first["comment_present"] is True
    assert "body" not in first


def test_ratings_are_a_record_per_change(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    ratings, url = [], "/satisfaction_ratings.json?start_time=0&page[size]=100"
    while True:
        page = zendesk.get(url).json()
        ratings += page["satisfaction_ratings"]
        if not page["meta"]["has_more"]:
            break
        url = page["links"]["next"]
    latest = {r["ticket_id"]: (r["score"], r["id"] if r["score"] != "offered" else None) for r in ratings}
    on_tickets = {
        t["id"]: (t["satisfaction_rating"]["score"], t["satisfaction_rating"].get("id"))
        for t in walk(zendesk, "tickets")
        if (t["satisfaction_rating"] or {"score": "unoffered"})["score"] != "unoffered"
    }
    surveyed = {int(r["subjects"][0]["id"]) for r in survey_responses(zendesk)}
    unanswered = {ticket for ticket, (score, _) in on_tickets.items() if score == "offered"} & surveyed
    assert latest == {ticket: rated for ticket, rated in on_tickets.items() if ticket not in unanswered}
    assert len(ratings) > len(latest)
    assert {r["score"] for r in ratings} == {"offered", "good", "bad"}


def survey_responses(zendesk: httpx2.Client, start: int = 0) -> list[Any]:
    found: list[Any] = []
    params: dict[str, Any] = {"page[size]": 20, "sort": "id", "filter[created_at_start]": start}
    while True:
        page = zendesk.get("/guide/survey_responses", params=params).json()
        found += page["survey_responses"]
        if not page["meta"]["has_more"]:
            return found
        params["page[after]"] = page["meta"]["after_cursor"]


def test_surveys_took_the_place_of_ratings(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    responses = survey_responses(zendesk)
    assert [r["id"] for r in responses] == sorted({r["id"] for r in responses})
    later = survey_responses(zendesk, (sandbox.company.now_seconds - 30 * 86_400) * 1000)
    assert 0 < len(later) < len(responses)
    assert later == responses[-len(later) :]
    assert any(r["answers"] == [] for r in responses)
    on_tickets = {
        str(t["id"]): t["satisfaction_rating"]["score"]
        for t in walk(zendesk, "tickets")
        if t["satisfaction_rating"]
    }
    edited = 0
    for response in responses:
        collapsed = on_tickets[response["subjects"][0]["id"]]
        rating = next((a for a in response["answers"] if a["type"] == "rating_scale"), None)
        assert collapsed == ("offered" if rating is None else "good" if rating["rating"] >= 4 else "bad")
        edited += rating is not None and rating["updated_at"] > rating["created_at"]
    assert edited > 0
    (survey,) = zendesk.get("/guide/en-us/surveys?page[size]=50").json()["surveys"]
    assert {r["survey"]["id"] for r in responses} == {survey["id"]}
    assert zendesk.get("/guide/survey_responses?page[size]=100").status_code == 400

    def asked(**filters: Any) -> list[Any]:
        params = {f"filter[{name}]": value for name, value in filters.items()}
        page = zendesk.get("/guide/survey_responses", params=params)
        return list(page.json()["survey_responses"])

    three = [responses[at] for at in (0, 4, 9)]
    assert asked(subject_zrns=",".join(r["subject_zrns"][0] for r in three)) == three
    assert three[1] in asked(responder_ids=three[1]["responder_id"])
    expiry = datetime.fromisoformat(three[1]["expires_at"])
    sent = int(expiry.timestamp() - 28 * 86_400) * 1000
    assert three[1] in asked(created_at_start=sent, created_at_end=sent)
    assert three[1] not in asked(created_at_end=sent - 1)
    assert asked(subject_zrns=three[1]["subject_zrns"][0], created_at_end=sent - 1) == []


def test_schedules_have_rails_zones_and_holidays(zendesk: httpx2.Client) -> None:
    schedules = zendesk.get("/business_hours/schedules.json").json()["schedules"]
    assert [s["time_zone"] for s in schedules] == ["Eastern Time (US & Canada)", "Copenhagen"]
    assert schedules[0]["created_at"] < schedules[1]["created_at"]
    for schedule in schedules:
        holidays = zendesk.get(f"/business_hours/schedules/{schedule['id']}/holidays.json").json()["holidays"]
        assert {"start_date", "end_date", "name", "id"} == set(holidays[0])


# ---- manners ----


def test_credentials(sandbox: Sandbox) -> None:
    url = sandbox.env()["ZENDESK_URL"] + "/api/v2/brands.json"
    assert httpx2.get(url).status_code == 401
    assert httpx2.get(url, auth=("admin@sandbox.example/token", "wrong")).json() == {
        "error": "Couldn't authenticate you"
    }
    assert httpx2.get(url, headers={"Authorization": "Bearer sandbox-oauth-token"}).status_code == 200
    forms = sandbox.env()["TYPEFORM_URL"] + "/forms"
    assert (
        httpx2.get(forms, headers={"Authorization": "Bearer wrong"}).json()["code"] == "AUTHENTICATION_FAILED"
    )


def test_the_date_header_is_the_companys_clock(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    assert zendesk.get("/brands.json").headers["Date"] == "Wed, 18 Nov 2026 22:00:00 GMT"
    sandbox.advance(days=1)
    assert zendesk.get("/brands.json").headers["Date"] == "Thu, 19 Nov 2026 22:00:00 GMT"


def test_start_time_must_be_a_settled_second(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    recent = int(NOW.timestamp()) - 30
    assert zendesk.get(f"/incremental/ticket_events.json?start_time={recent}").status_code == 422
    assert zendesk.get("/incremental/ticket_events.json").status_code == 400
    assert zendesk.get("/nothing.json").status_code == 404


def test_the_last_minute_is_left_out() -> None:
    company = Company(seed=3, tickets=400, now=NOW)
    second = int(company.event_times[len(company.event_times) // 2])
    company.at(datetime.fromtimestamp(second + 30, UTC))
    assert second not in [t for times in company.tickets_by_change()[:1] for t in times.tolist()]
    assert company.horizon < second


def test_rate_limit() -> None:
    with Sandbox(tickets=100, now=NOW, exports_per_minute=2) as limited:
        env = limited.env()
        auth = (f"{env['ZENDESK_EMAIL']}/token", env["ZENDESK_API_TOKEN"])
        url = env["ZENDESK_URL"] + "/api/v2/incremental/organizations.json?start_time=0"
        answers = [httpx2.get(url, auth=auth) for _ in range(3)]
        assert [a.status_code for a in answers] == [200, 200, 429]
        assert answers[0].headers["x-rate-limit"] == "2"
        assert [a.headers["x-rate-limit-remaining"] for a in answers] == ["1", "0", "0"]
        assert 0 < int(answers[2].headers["Retry-After"]) <= 60
        assert httpx2.get(env["ZENDESK_URL"] + "/api/v2/brands.json", auth=auth).status_code == 200


# ---- Typeform ----


def test_the_companys_rules_declare_what_its_forms_ask(sandbox: Sandbox, typeform: httpx2.Client) -> None:
    with (Path(sandbox.env()["CXMARTS_RULES"]) / "questions.csv").open(newline="") as file:
        declared = {(row["survey"], row["question_id"]) for row in csv.DictReader(file)}
    forms = [form["id"] for form in typeform.get("/forms", params={"page_size": 200}).json()["items"]]
    scales = {
        (form, field["id"])
        for form in forms
        for field in typeform.get(f"/forms/{form}").json()["fields"]
        if field["type"] in ("rating", "opinion_scale", "yes_no")
    }
    assert scales
    assert scales <= declared


def responses(client: httpx2.Client, form: str, **parameters: Any) -> list[Any]:
    found: list[Any] = []
    while True:
        page = client.get(f"/forms/{form}/responses", params={"page_size": 20, **parameters}).json()
        if not page["items"]:
            return found
        found += page["items"]
        parameters["before"] = page["items"][-1]["token"]


def test_responses_newest_first_by_tokens(sandbox: Sandbox, typeform: httpx2.Client) -> None:
    for form in (CSAT_FORM, NPS_FORM):
        found = responses(typeform, form)
        tokens = [r["token"] for r in found]
        assert len(tokens) == len(set(tokens)) == len(sandbox.company.visible_answers(form)) > 20
        times = [r["submitted_at"] for r in found]
        assert times == sorted(times, reverse=True)


def test_since_is_inclusive(typeform: httpx2.Client) -> None:
    found = responses(typeform, NPS_FORM)
    again = responses(typeform, NPS_FORM, since=found[5]["submitted_at"])
    assert [r["token"] for r in again] == [r["token"] for r in found[:6]]


def test_a_late_response_shows_up_with_an_older_time(sandbox: Sandbox, typeform: httpx2.Client) -> None:
    before = responses(typeform, NPS_FORM)
    sandbox.advance(days=0, hours=1)
    known = {r["token"] for r in before}
    new = [r for r in responses(typeform, NPS_FORM) if r["token"] not in known]
    assert any(r["submitted_at"] < "2026-11-18T22:00:00Z" for r in new)


def test_the_scale_is_in_the_definition_only(typeform: httpx2.Client) -> None:
    forms = typeform.get("/forms", params={"page_size": 200}).json()
    assert forms["total_items"] == 2
    definition = typeform.get(f"/forms/{NPS_FORM}").json()
    question = definition["fields"][0]
    assert (question["title"], question["properties"]["steps"]) == ("How likely are you to recommend us?", 11)
    answered = [a for r in responses(typeform, NPS_FORM) for a in r["answers"] if a["type"] == "number"]
    assert {a["field"]["id"] for a in answered} == {question["id"]}
    assert {a["number"] for a in answered} <= set(range(11))
    hidden = responses(typeform, CSAT_FORM)[0]["hidden"]
    assert set(hidden) == {"ticket_id", "customer_id", "sent_at"}


def test_a_form_is_reworded_later(sandbox: Sandbox, typeform: httpx2.Client) -> None:
    first = typeform.get(f"/forms/{CSAT_FORM}").json()
    sandbox.advance(days=2)
    second = typeform.get(f"/forms/{CSAT_FORM}").json()
    assert first["fields"][0]["title"] != second["fields"][0]["title"]
    assert first["last_updated_at"] < second["last_updated_at"]


# ---- scripted scenarios and faults ----


def test_more_tickets_in_one_second_than_fit_a_page() -> None:
    scenarios = ("bulk_update", "bulk_import")
    with Sandbox(tickets=4000, seed=5, now=NOW, scenarios=scenarios, profile="clean") as crowded:
        env = crowded.env()
        auth = (f"{env['ZENDESK_EMAIL']}/token", env["ZENDESK_API_TOKEN"])
        with httpx2.Client(base_url=env["ZENDESK_URL"] + "/api/v2", auth=auth) as client:
            stamps = [t["generated_timestamp"] for t in walk(client, "tickets")]
            second = int(NOW.timestamp()) - 10 * 86_400
            assert stamps.count(second) == 2500
            assert len(stamps) == 5200
            import_second = int(NOW.timestamp()) - 20 * 86_400
            for name in ("ticket_events", "ticket_metric_events"):
                url = f"/incremental/{name}.json?start_time={import_second}"
                page = client.get(url).json()
                assert page["end_time"] == import_second  # stuck: the next page is this one
                assert not page["end_of_stream"]
                assert client.get(page["next_page"]).content == client.get(url).content


def test_planned_faults(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    faults = sandbox.faults
    for kind in ("500", "429", "429_without_retry_after", "html", "truncated", "empty"):
        faults.add(kind, path="/brands")
    answers = [zendesk.get("/brands.json") for _ in range(7)]
    assert [a.status_code for a in answers] == [500, 429, 429, 200, 200, 200, 200]
    assert "Retry-After" in answers[1].headers
    assert "Retry-After" not in answers[2].headers
    assert answers[3].headers["Content-Type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        answers[4].json()
    assert answers[5].content == b""
    assert answers[6].json()["brands"]
    faults.add("reset", path="/brands")
    with pytest.raises(httpx2.TransportError):
        zendesk.get("/brands.json")
    faults.add("stall", path="/brands")
    with pytest.raises(httpx2.TimeoutException):
        zendesk.get("/brands.json", timeout=0.2)
    assert zendesk.get("/brands.json").status_code == 200
    assert faults.met == 8
    assert [r.status for r in sandbox.requests][-3:] == [0, 0, 200]
    with pytest.raises(ValueError, match="unknown fault"):
        faults.add("earthquake")


def test_spoiled_records(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    sandbox.faults.mutate(
        "/tickets/cursor", "tickets", lambda ticket: ticket.pop("id") if ticket["id"] == 3 else None
    )
    tickets = zendesk.get("/incremental/tickets/cursor.json?start_time=0").json()["tickets"]
    assert sum("id" not in t for t in tickets) == 1
    sandbox.faults.clear()
    assert all(
        "id" in t for t in zendesk.get("/incremental/tickets/cursor.json?start_time=0").json()["tickets"]
    )


def test_requests_are_logged(sandbox: Sandbox, zendesk: httpx2.Client) -> None:
    zendesk.get("/brands.json", params={"page[size]": 100})
    entry = sandbox.requests[-1]
    assert (entry.method, entry.path, entry.status) == ("GET", "/zendesk/api/v2/brands.json", 200)


def test_a_live_company_keeps_time_until_its_month_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    founded = datetime(2026, 3, 2, 6, tzinfo=UTC)
    clock = founded.timestamp() + 90 * 60 + 59
    monkeypatch.setattr(server, "time", SimpleNamespace(time=lambda: clock))
    with Sandbox(tickets=100, now=founded, is_live=True) as sandbox:
        assert sandbox.company.now == founded + timedelta(minutes=90)
        clock += 3600
        assert date_of(sandbox) == founded + timedelta(minutes=150)
        clock -= 7200
        assert date_of(sandbox) == founded + timedelta(minutes=150)
        assert not sandbox.company.is_over
        clock += 40 * 86400
        assert date_of(sandbox) == founded + timedelta(days=30)
        assert sandbox.company.is_over


def date_of(sandbox: Sandbox) -> datetime:
    """The vendor's now."""
    return parsedate_to_datetime(httpx2.get(f"{sandbox.url}/zendesk/api/v2/groups.json").headers["date"])
