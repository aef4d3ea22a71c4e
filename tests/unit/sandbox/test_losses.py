"""The planted losses: sixty, each of which changes what is served, and none of which stays."""

import csv
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec
import pytest

from bench.losses import LOSSES, STREAMS, Loss, Named, NotDetectable, plant
from sandbox.http import Request, Response
from sandbox.real.company import RealCompany
from sandbox.server import Sandbox
from sandbox.vendors.typeform.vendor import TOKEN
from sandbox.vendors.zendesk.vendor import API_TOKEN, EMAIL

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds"
ASKED = (
    "/zendesk/api/v2/incremental/tickets/cursor.json?start_time=0&include=metric_sets&support_type_scope=all",
    "/zendesk/api/v2/incremental/ticket_events.json?start_time=0&include=comment_events&support_type_scope=all",
    "/zendesk/api/v2/incremental/ticket_metric_events.json?start_time=0&page[size]=100",
    "/zendesk/api/v2/incremental/users/cursor.json?start_time=0",
    "/zendesk/api/v2/satisfaction_ratings.json?page[size]=100",
    "/zendesk/api/v2/guide/survey_responses?page[size]=50",
    "/zendesk/api/v2/slas/policies.json",
    "/zendesk/api/v2/business_hours/schedules.json",
    "/typeform/forms/Cs4tF0rm/responses?page_size=1000",
    "/typeform/forms/Np5F0rmX/responses?page_size=1000",
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(company=RealCompany(7, 1100, NOW)) as running:
        yield running


@pytest.fixture(scope="module")
def pages(sandbox: Sandbox) -> list[tuple[str, Response]]:
    """Every page that is served, with its path."""
    found = []
    for asked in ASKED:
        url: str | None = asked
        while url:
            path, response = answered(sandbox, url)
            assert response.status == 200
            found.append((path, response))
            url = following(asked, msgspec.json.decode(response.body))
    return found


def answered(sandbox: Sandbox, url: str) -> tuple[str, Response]:
    """The path of an address and what is answered there."""
    vendor = url.split("/")[1]
    login = b64encode(f"{EMAIL}/token:{API_TOKEN}".encode()).decode()
    header = f"Basic {login}" if vendor == "zendesk" else f"Bearer {TOKEN}"
    address, prefix = urlsplit(url), f"/{vendor}"
    query, below = dict(parse_qsl(address.query)), address.path.removeprefix(prefix)
    request = Request(below, query, {"authorization": header}, prefix)
    return address.path, sandbox.apis[vendor].handle(request)


def following(asked: str, answer: dict[str, Any]) -> str | None:
    """The address of the next page."""
    if "end_of_stream" in answer:
        following: str | None = answer.get("after_url") or answer["next_page"]
        return None if answer["end_of_stream"] else following
    meta = answer.get("meta", {})
    return f"{asked}&page[after]={meta['after_cursor']}" if meta.get("has_more") else None


def served(sandbox: Sandbox, pages: list[tuple[str, Response]]) -> list[tuple[int, bytes]]:
    answers = [sandbox.faults.spoil(path, response) for path, response in pages]
    return [(answer.status, answer.body) for answer in answers]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_each_changes_what_is_served_and_can_be_taken_back(
    sandbox: Sandbox, pages: list[tuple[str, Response]], loss: Loss
) -> None:
    before = served(sandbox, pages)
    plant(loss, sandbox)
    after = served(sandbox, pages)
    sandbox.faults.clear()
    assert served(sandbox, pages) == before == [(r.status, r.body) for _, r in pages]
    changed = {path for (path, _), one, other in zip(pages, before, after, strict=True) if one != other}
    assert any(re.search(STREAMS[loss.stream][0], path) for path in changed)


def test_there_are_sixty_of_many_kinds() -> None:
    assert len(LOSSES) == len({loss.name for loss in LOSSES}) == 60
    assert len({loss.kind for loss in LOSSES}) >= 15
    hidden = [loss for loss in LOSSES if isinstance(loss.must, NotDetectable)]
    assert 0 < len(hidden) < 5
    assert all(loss.must.reason for loss in hidden if isinstance(loss.must, NotDetectable))


def test_what_is_named_is_a_kpi() -> None:
    with (SEEDS / "kpi_definitions.csv").open() as file:
        kpis = {row["kpi"] for row in csv.DictReader(file)}
    for loss in LOSSES:
        assert not isinstance(loss.must, Named) or set(loss.must.kpis) <= kpis, loss.name


def test_a_planted_loss_is_served_over_http() -> None:
    by_name = {loss.name: loss for loss in LOSSES}
    with Sandbox(company=RealCompany(7, 300, NOW)) as running:
        env = running.env()
        auth = (f"{EMAIL}/token", API_TOKEN)
        with httpx2.Client(base_url=env["ZENDESK_URL"] + "/api/v2", auth=auth, timeout=10) as client:
            plant(by_name["refused_policies"], running)
            assert client.get("/slas/policies.json").status_code == 403
            assert client.get("/groups.json").status_code == 200
            running.faults.clear()
            assert client.get("/slas/policies.json").status_code == 200
            plant(by_name["capped_tickets"], running)
            answer = client.get(
                "/incremental/tickets/cursor", params={"start_time": 0, "per_page": 10}
            ).json()
            assert (len(answer["tickets"]), answer["end_of_stream"]) == (10, True)


def test_stalled_streams_stay_where_they_are_when_time_goes_on() -> None:
    by_name = {loss.name: loss for loss in LOSSES}

    def tickets(sandbox: Sandbox) -> set[int]:
        path, response = answered(sandbox, ASKED[0])
        answer = msgspec.json.decode(sandbox.faults.spoil(path, response).body)
        return {record["id"] for record in answer["tickets"]}

    with Sandbox(company=RealCompany(7, 300, NOW)) as running:
        whole = tickets(running)
        plant(by_name["stalled_tickets"], running)
        before = tickets(running)
        assert before < whole
        running.advance(days=3)
        assert tickets(running) <= before
