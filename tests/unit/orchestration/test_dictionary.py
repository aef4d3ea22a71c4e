"""The data dictionary over marts made by hand: what it tells, when it is made anew, what cannot hurt it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report import dictionary
from orchestration.warehouse.contracts import contracts
from tests import parsed

from .test_report import CSAT, EVIL, MANIFEST, Text, version

CELL = {"period_grain": "all", "dimension": "segment", "member": "SMB", "metric": "first_reply"}
COMPARED = {"source": "zendesk", "vendor_field": "reply_time_in_minutes.business", "measure": "first_reply",
            "clock": "business", "readings": "last_schedule bots_reply"}  # fmt: skip


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return parsed.project().manifest


@pytest.fixture
def first(tmp_path: Path, project: dict[str, Any]) -> Path:
    rows: dict[str, Any] = {"kpi_sla_compliance": [CELL], "reconciliation_summary": [COMPARED]}
    return version(tmp_path / "first", contracts(project), **rows)


def manifest(**changed: Any) -> dict[str, Any]:
    csat = {name: value for name, value in CSAT.items() if name != "kpi"}
    return {
        **MANIFEST,
        "definitions": {"csat": {**csat, "value_column": "csat_pct", "elsewhere": None, **changed}},
    }


def made(
    folder: Path, project: dict[str, Any], before: Path | None = None, language: str = "en", **changed: Any
) -> Path:
    return dictionary.make(folder, manifest(**changed), before, project=project, language=language)


def later(first: Path, name: str) -> Path:
    folder = first.with_name(name)
    folder.mkdir()
    (folder / "marts.duckdb").write_bytes((first / "marts.duckdb").read_bytes())
    return folder


def test_every_published_column_has_its_row(first: Path, project: dict[str, Any]) -> None:
    told = Text(made(first, project).read_text())
    ids = {attributes.get("id") for _, attributes in told.tags}
    wanted = [
        f"{contract.mart}.{column}" for contract in contracts(project).values() for column in contract.types
    ]
    assert len(wanted) > 500
    assert [place for place in wanted if place not in ids] == []
    # Views that readers get are there too, and all links lead somewhere.
    assert "metric_members.record_id" in ids
    links = {attributes["href"] for tag, attributes in told.tags if tag == "a" and attributes["href"]}
    assert {link for link in links if not (link or "").startswith("#")} == {"index.html"}
    assert {(link or "")[1:] for link in links - {"index.html"}} <= ids


def cells(page: str, row: str) -> list[str]:
    """What stands in the cells of a row."""
    found = page.partition(f'<tr id="{row}">')[2].partition("</tr>")[0]
    return [Text(each).all.strip() for each in re.split(r"</t[hd]>", found)[:-1]]


def test_it_says_unit_meaning_dimensions_and_why_others_differ(first: Path, project: dict[str, Any]) -> None:
    page = made(first, project, elsewhere="good of good and bad").read_text()
    assert cells(page, "tickets.first_assignment_seconds") == [
        "first_assignment_seconds", "double", "seconds", "Created to first assigned, calendar seconds.",
    ]  # fmt: skip
    share = cells(page, "kpi_csat.csat_pct")
    assert share[:3] == ["csat_pct", "double", "percent, 0 to 100"]
    assert share[3].startswith("100 x positive / n") and share[3].endswith(" CSAT")
    assert cells(page, "kpi.csat") == [
        "CSAT csat", "what csat means", "as usual", "good of good and bad",
        "percent, 0 to 100; higher is better", "kpi_csat csat_pct",
    ]  # fmt: skip
    assert cells(page, "kpi_csat.period_start")[0] == "period_start key"
    told = Text(page).all
    assert "Split by: segment" in told
    for why in ("Opening hours of the ticket’s last schedule", "Replies of accounts that the rule file"):
        assert why in told


def test_german_frames_english_descriptions(first: Path, project: dict[str, Any]) -> None:
    told = Text(made(first, project, language="de").read_text())
    assert "Datenlexikon" in told.all and "Definitionen stehen auf Englisch da" in told.all
    assert ("html", {"lang": "de"}) in told.tags
    assert ("span", {"lang": "en"}) in told.tags


def test_a_version_shares_the_page_unless_it_would_say_something_else(
    first: Path, project: dict[str, Any]
) -> None:
    page = made(first, project)
    same = made(later(first, "same"), project, first)
    assert same.samefile(page)
    assert not made(later(first, "meant"), project, first, definition="something else").samefile(page)
    assert not made(later(first, "german"), project, first, language="de").samefile(page)
    split = later(first, "split")
    with duckdb.connect(str(split / "marts.duckdb")) as con:
        con.execute("INSERT INTO kpi_sla_compliance (dimension) VALUES ('region')")
    again = made(split, project, first)
    assert not again.samefile(page) and "region" in again.read_text()


def test_hostile_words_are_shown_as_text(first: Path, project: dict[str, Any]) -> None:
    told = Text(made(first, project, definition=EVIL, elsewhere=EVIL).read_text())
    assert told.all.count("onerror=alert(1)>\ufffdevil") == 2
    assert not any(tag == "img" for tag, _ in told.tags)


def test_one_that_fails_leaves_the_one_before(first: Path, project: dict[str, Any]) -> None:
    page = made(first, project)
    damaged = first.with_name("damaged")
    damaged.mkdir()
    (damaged / "marts.duckdb").write_bytes(b"damaged")
    problem = dictionary.write(damaged, manifest(), first, project=project, language="en")
    assert problem is not None and "could not be made" in problem
    assert dictionary.path(damaged).samefile(page)
    assert dictionary.write(damaged, manifest(), None, project=project, language="en") is not None
