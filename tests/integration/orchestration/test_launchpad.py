"""What the launchpad offers: options of the nightly job, and forms; and what the run list says."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import dagster as dg
import pytest

from ingestion.landing import Landing
from orchestration.causes import causes
from orchestration.definitions import build_definitions
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.jobs import NIGHTLY, execute
from orchestration.publication import publish
from orchestration.refresh import Outcome
from quality.store import Store

from .conftest import Night, published


def tags(settings: Settings, run_id: str) -> dict[str, str]:
    """What the run list says of a run, without Dagster's own."""
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        run = instance.get_run_by_id(run_id)
    assert run is not None
    return {key: value for key, value in run.tags.items() if key.startswith("cxmarts/")}


def launch(settings: Settings, **options: Any) -> tuple[str, list[str]]:
    """A run with these options: its id, and why it failed."""
    job = build_definitions(settings).resolve_job_def(NIGHTLY)
    home = Home(settings.home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = execute(job, instance, options)
    return result.run_id, causes(result.all_events, home)


def test_the_run_list_says_what_a_refresh_did(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    marts = len(outcome.facts["rows"])
    assert tags(settings, outcome.facts["run_id"]) == {
        "cxmarts/as_of": "2026-03-02T06:00:00Z",
        "cxmarts/records_landed": str(outcome.facts["landed"]),
        "cxmarts/marts_changed": f"{marts} of {marts}",
        "cxmarts/version": outcome.facts["version"],
    }


def test_one_source_alone(night: Night) -> None:
    """The others are asked for nothing and stay as they landed; readers are told so."""
    settings = night.settings()
    night.sandbox.requests.clear()
    run_id, problems = launch(settings, sources=["typeform"], as_of="2026-03-02T12:00:00+01:00")
    assert problems == []
    paths = {logged.path.split("/")[1] for logged in night.sandbox.requests}
    current = publish.current(settings.home / "published")
    assert current is not None
    stale = {each["source"]: each["is_stale"] for each in current.manifest["sources"]}
    assert stale == {"typeform": False, "zendesk": True}
    assert current.as_of.isoformat() == "2026-03-02T11:00:00+00:00"
    told = tags(settings, run_id)
    assert told["cxmarts/sources"] == "typeform"
    assert told["cxmarts/version"] == current.version
    assert "cxmarts/full" not in told
    assert paths == {"typeform"}


def test_a_full_build_of_one_source_knows_when_the_others_were_fetched(night: Night) -> None:
    settings = night.settings()
    asked = "SELECT max(last_fetched_at), bool_and(is_on) FROM publication WHERE source = 'zendesk'"
    before = published(settings.home, asked)
    assert before[0][0] is not None
    _, problems = launch(settings, full=True, sources=["typeform"], as_of="2026-03-02T12:00:00+01:00")
    assert problems == []
    assert published(settings.home, asked) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sources": ["zendsk"]}, "sources: 'zendsk' is not configured; configured: typeform, zendesk"),
        ({"as_of": "yesterday"}, "as_of: 'yesterday': Invalid isoformat string: 'yesterday'"),
    ],
    ids=["source", "instant"],
)
def test_what_cannot_be_meant_is_told(night: Night, options: dict[str, Any], says: str) -> None:
    _, problems = launch(night.settings(), **options)
    assert len(problems) == 1
    assert says in problems[0]


def fill_in(settings: Settings, form: str, **fields: Any) -> tuple[list[str], list[str]]:
    """What a form's run says in its log, and why it failed."""
    home = Home(settings.home)
    job = build_definitions(settings).resolve_job_def(form)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = execute(job, instance, fields)
        log = [e.user_message for e in instance.all_logs(result.run_id) if not e.is_dagster_event]
    return log, causes(result.all_events, home)


def told_of_last_run(settings: Settings) -> dict[str, str]:
    """What the list of runs says of the newest."""
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        [run] = instance.get_runs(limit=1)
    return tags(settings, run.run_id)


def test_a_form_makes_the_next_night_read_a_stream_again(home: Callable[..., Settings]) -> None:
    settings = home()
    landing = Landing(Home(settings.home).landing)
    before = landing.latest("typeform", "forms")
    told = fill_in(settings, "refetch", target="typeform/forms")
    assert told == (["typeform/forms: the next refresh reads it again"], [])
    assert told_of_last_run(settings) == {"cxmarts/target": "typeform/forms"}
    after = landing.latest("typeform", "forms")
    assert before and after and after.batch_id > before.batch_id
    _, [why] = fill_in(settings, "refetch", target="typeform/form")
    assert why.startswith("typeform has no stream 'form'; it has forms, ")


def test_a_form_lets_a_held_batch_through(home: Callable[..., Settings]) -> None:
    settings = home()
    with closing(sqlite3.connect(Home(settings.home).control)) as con, con:
        [(batch_id,)] = con.execute("SELECT min(batch_id) FROM batches WHERE stream = 'groups'").fetchall()
        con.execute("UPDATE batches SET verdict = 'held' WHERE batch_id = ?", [batch_id])
    _, [why] = fill_in(settings, "waive", batches=["x"], why="a merger")
    assert why == f"not held: x; held are: {batch_id}; `cxmarts batches` says why"
    assert told_of_last_run(settings) == {}
    _, [why] = fill_in(settings, "waive", batches=[batch_id], why=" ")
    assert why == "say why the batch may pass: the reason is kept with it"
    log, problems = fill_in(settings, "waive", batches=[batch_id], why="a merger")
    assert problems == []
    assert log[0].splitlines()[0] == f"waived zendesk/groups {batch_id}"
    assert told_of_last_run(settings) == {"cxmarts/batches": batch_id}
    with Store(Home(settings.home).control) as store:
        [waived] = store.batches(verdict="waived")
    assert (waived.batch_id, waived.waived_why) == (batch_id, "a merger")


def test_a_form_leads_readers_to_an_earlier_version(home: Callable[..., Settings]) -> None:
    settings = home()
    published = settings.home / "published"
    version = (published / "current").resolve().name
    earlier = f"2020{version[4:]}"
    shutil.copytree(published / "versions" / version, published / "versions" / earlier)
    _, problems = fill_in(settings, "rollback", version="2019")
    assert problems == [f"there is no version '2019'; kept are, the newest first: {version}, {earlier}"]
    assert (published / "current").resolve().name == version
    _, problems = fill_in(settings, "rollback", version=earlier)
    assert problems == []
    assert (published / "current").resolve().name == earlier
    assert told_of_last_run(settings) == {"cxmarts/version": earlier}
