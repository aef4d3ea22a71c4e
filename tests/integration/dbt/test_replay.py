"""The landing replayed in ten slices, in any order: every mart comes out as from one full rebuild."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.landing import Landing
from sandbox.server import Sandbox
from tests import parsed

from .conftest import fetch_sandbox
from .contents import content_hashes
from .test_worked_examples_later import RULES as TARGETS
from .test_worked_examples_later import Slices, first_night, later_nights
from .test_worked_examples_surveys import DECLARED, FORMS, RESPONSES, land_scores
from .warehouse import Warehouse, questions
from .zendesk_records import CUSTOMER, Account, comment, status, utc

NOW = datetime(2024, 7, 10, 6, tzinfo=UTC)
SLICES = 10
RULES = TARGETS | {"questions.csv": questions(*DECLARED)}
#: How the rows came into staging is part of it; each slice supersedes others.
OF_THE_RUN = {"publication"}


def ticket(ticket_id: int, at: str, **fields: Any) -> dict[str, Any]:
    opened = {"id": ticket_id, "created_at": utc("2024-06-04T10:00"), "requester_id": CUSTOMER}
    return {**opened, "updated_at": utc(at), **fields}


def odd_versions() -> Account:
    """Tombstones and restores, corrections, fields that are new, that change their type or that go."""
    odd = Account("odd")
    for number in range(1, 7):
        odd.ticket(
            number, "2024-06-04T10:00", comment("2024-06-04T10:30"), status("2024-06-05T11:00", "solved")
        )
    odd.add("tickets", ticket(1, "2024-06-10T00:00", status="deleted"))
    odd.add("tickets", ticket(1, "2024-06-11T00:00", status="solved", priority="high"))
    odd.add("tickets", ticket(2, "2024-06-10T00:00", status="deleted"))
    odd.add(
        "tickets",
        ticket(3, "2024-06-12T00:00", status="solved", brand_new={"deep": [1, {"x": None}]}, tags=["a"]),
    )
    odd.add("tickets", ticket(4, "2024-06-12T00:00", status="solved", priority=3, group_id="7", tags="none"))
    odd.add("tickets", ticket(5, "2024-06-12T00:00", status="solved", tags=["closed_by_merge"]))
    odd.add("tickets", ticket(5, "2024-06-13T00:00", status="solved", tags=[]))
    odd.event(6, comment("2024-06-04T10:10"))
    odd.event(6, status("2024-07-09T12:00", "open", CUSTOMER))
    odd.rating(3, "bad", "2024-06-13T00:00")
    odd.rating(3, "good", "2024-06-14T00:00")
    return odd


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Landing, list[set[str]]]:
    """A landing whose records lie in ten slices at random, and each slice's batches."""
    whole = Warehouse(tmp_path_factory.mktemp("whole"), rules=RULES)
    with Sandbox(tickets=60, seed=3, now=NOW - timedelta(days=3), days=40) as sandbox:
        fetch_sandbox(sandbox, whole.landing)
        sandbox.advance(days=3)
        fetch_sandbox(sandbox, whole.landing)
    accounts = first_night()
    for account in (*accounts, odd_versions()):
        account.land(whole)
    later_nights(accounts)
    for account in accounts:
        account.land(whole, fetched_at="2030-01-02T00:00:00Z")
    whole.land("typeform", "forms", FORMS, source="forms", changed="last_updated_at")
    gone = [RESPONSES[0] | {"_deleted": True, "submitted_at": utc("2024-06-12T00:00")}]
    whole.land(
        "typeform",
        "responses",
        [*RESPONSES, *gone],
        source="forms",
        id_field="_record_id",
        changed="submitted_at",
    )
    land_scores(whole, "scores", "csat", (1, 10, 9), [10, 9, 8, 7, 6])

    sliced = Landing(tmp_path_factory.mktemp("sliced") / "landing")
    rng = random.Random(25)
    slices: list[set[str]] = [set() for _ in range(SLICES)]
    for path in whole.landing.batches():
        info, rows = whole.landing.info(path), pq.read_table(path)
        places = [rng.randrange(SLICES) for _ in range(rows.num_rows)]
        for number in sorted(set(places)):
            part = rows.take([row for row, place in enumerate(places) if place == number])
            slices[number].add(
                sliced.write(
                    source=info.source, vendor=info.vendor, stream=info.stream, account=None, spec_version=1, cursors={},
                    rows=part, received=part.num_rows,
                ).batch_id
            )  # fmt: skip
    return sliced, slices


@pytest.fixture(scope="module")
def at_once(landing: tuple[Landing, list[set[str]]], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Everything in one full build."""
    warehouse = Warehouse(tmp_path_factory.mktemp("at_once"), rules=RULES)
    warehouse.landing = landing[0]
    warehouse.build(NOW.isoformat(), resource_types=("model", "seed", "test"))
    return warehouse


def replay(order: list[list[set[str]]], landing: Landing, folder: Path, *, nightly: bool) -> Warehouse:
    """One build a step; `nightly` ends at NOW, a day apart."""
    warehouse = Slices(folder, rules=RULES)
    warehouse.landing = landing
    shown: set[str] = set()
    for nights_left, batches in reversed(list(enumerate(reversed(order)))):
        shown = shown.union(*batches)
        warehouse.shown = shown
        warehouse.build((NOW - timedelta(days=nights_left if nightly else 0)).isoformat())
    return warehouse


def test_the_landing_holds_what_it_should(at_once: Warehouse) -> None:
    """Each kind of trouble is there, or the comparison proves nothing."""
    assert at_once.query("select reason, count(*) > 0 from marts.excluded_tickets group by all order by all") == [
        ("deleted", True), ("merged", True),
    ]  # fmt: skip
    assert at_once.query("select ticket_id, status from marts.tickets where source = 'odd' order by 1") == [
        ("1", "solved"), ("3", "solved"), ("4", "solved"), ("5", "solved"), ("6", "open"),
    ]  # fmt: skip
    assert at_once.query("select count(distinct source) from marts.survey_answers") == [(5,)]


@pytest.mark.parametrize(
    ("seed", "sizes", "nightly"),
    [pytest.param(1, [3, 4, 3], True, marks=pytest.mark.campaign), (2, [5, 5], False)],
)
def test_slices_in_any_order_equal_one_full_rebuild(
    landing: tuple[Landing, list[set[str]]],
    at_once: Warehouse,
    tmp_path: Path,
    seed: int,
    sizes: list[int],
    nightly: bool,
) -> None:
    """Ten slices at random over three nights, then over two builds at one instant."""
    sliced, slices = landing
    mixed = random.Random(seed).sample(slices, SLICES)
    order = [[mixed.pop() for _ in range(size)] for size in sizes]
    warehouse = replay(order, sliced, tmp_path, nightly=nightly)
    wanted = content_hashes(at_once.path)
    manifest = parsed.project().manifest
    marts = {
        n["name"]
        for n in manifest["nodes"].values()
        if n["schema"] == "marts"
        and n["resource_type"] in ("model", "seed")
        and n["config"]["materialized"] != "view"
    }
    assert set(wanted) == marts
    assert {
        name for name, found in content_hashes(warehouse.path).items() if found != wanted[name]
    } <= OF_THE_RUN
