"""A source that may lag stops nobody: its held batches stay out, what had passed stays, everybody is told."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.extract import refetch
from ingestion.landing import Landing
from orchestration.commands.cli import main
from orchestration.ground.home import Home
from orchestration.ground.sources import sources
from quality.store import Store
from tests import homes

from .conftest import Night, published

MAPPING = """\
file: answers.csv
format: csv
entity: survey_answers
mode: snapshot
id: [id]
columns: {score: score, answered_at: at}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
question: {id: q1, kind: csat, survey: phone, scale_min: 1, scale_max: 5, positive_from: 4}
"""


TICKETS = """\
file: tickets.csv
format: csv
entity: tickets
source: desk
mode: snapshot
id: [id]
columns: {created_at: created, status: status}
date_format: "%Y-%m-%d %H:%M"
time_zone: UTC
"""


def write(path: Path, text: str) -> None:
    """An export that was made when the vendors were seen first, or a second after the one before it."""
    before = path.stat().st_mtime if path.exists() else homes.NOW.timestamp()
    path.write_text(text)
    os.utime(path, (before + 1, before + 1))


def list_tickets(folder: Path, n: int) -> None:
    lines = [f"{i},2026-02-20 10:00,open\n" for i in range(1, n + 1)]
    write(folder / "tickets.csv", "id,created,status\n" + "".join(lines))


def export(folder: Path, answers: int, words: int) -> None:
    """Answers on 1 to 5, the last ones of them a word."""
    scores = ["six" if n > answers - words else 5 for n in range(1, answers + 1)]
    lines = [f"{n},{score},2026-02-20 10:00\n" for n, score in enumerate(scores, start=1)]
    write(folder / "answers.csv", "id,score,at\n" + "".join(lines))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a phone survey and a desk's tickets are exported to, before anything is wrong with them."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "phone.yml").write_text(MAPPING)
    export(folder, answers=100, words=0)
    (folder / "desk.yml").write_text(TICKETS)
    list_tickets(folder, 10)
    return folder


ANSWERS = "SELECT count(*) FROM survey_answers WHERE source = 'phone'"


def failing_rows(home: Path, asset: str) -> list[dict[str, Any]]:
    """The table that Dagster shows in the last check of the staged gate on an asset."""
    key = dg.AssetCheckKey(dg.AssetKey(["parse", asset]), "staged_gate")
    with dg.DagsterInstance.from_config(str(Home(home).dagster)) as instance:
        [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        event = record.event.dagster_event if record.event else None
        assert event
        table = event.asset_check_evaluation_data.metadata["failing_rows"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(row.data) for row in table.records]


@pytest.fixture
def told(night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What a command says about this home; it sees no variable that a build in this process left."""
    for name in [name for name in os.environ if name.startswith("CXMARTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CXMARTS_HOME", str(night.home))
    monkeypatch.chdir(night.home)

    def run(*arguments: str) -> str:
        assert main(arguments) == 0
        return capsys.readouterr().out

    return run


def test_held_rows_are_listed_though_nothing_is_published(night: Night, files: Path, told: Any) -> None:
    night.publish(CXMARTS_FILES=str(files))
    assert published(night.home, ANSWERS) == [(100,)]
    export(files, answers=200, words=4)
    [problem] = night.problems(CXMARTS_FILES=str(files))
    assert problem.startswith("staged gate, phone/survey_answers 20")
    assert (
        "4 of 100 rows (4.00%) rejected by staging (up to 1% is a warning), e.g. record_id 197/q1" in problem
    )
    assert "`cxmarts rejected` lists every such row" in problem
    assert "name the source in CXMARTS_ALLOW_STALE" in problem
    ids = [f"{n}/q1" for n in range(197, 201)]
    reason = "score 'aaa': is no number; map it in `value_maps` or name it in `null_values`"
    shown = failing_rows(night.home, "new_files__survey_answers")
    told_shortly = reason[:50]
    assert [row["record_id"] for row in shown] == ids
    assert all(row["reject_reason"].startswith(told_shortly) for row in shown)
    rows = list(csv.DictReader(io.StringIO(told("rejected", "phone"))))
    assert [(row["record_id"], row["reason"], row["is_held"]) for row in rows] == [
        (each, reason, "True") for each in ids
    ]
    said = told("batches")
    assert said.count("rejected by staging") == 1
    assert all(f"record_id {each}, reject_reason {told_shortly}" in said for each in ids)


def test_a_source_that_may_lag_and_a_lost_file_stop_neither_publishing_nor_a_rebuild(
    night: Night, files: Path
) -> None:
    lost = Landing(Home(night.home).landing).batches("zendesk", "satisfaction_ratings")[0]
    lost.rename(night.home / "moved_away.parquet")
    outcome = night.publish(is_full=True, CXMARTS_FILES=str(files), CXMARTS_ALLOW_STALE="phone")
    assert published(night.home, ANSWERS) == [(100,)]
    with Store(Home(night.home).control) as store:
        [held] = store.held()
    assert published(night.home, "SELECT source, stream, batch_id, rows, faulty_rows FROM held_batches") == [
        ("phone", "survey_answers", held.batch_id, 100, 4)
    ]
    about = "SELECT source, stream, is_stale, held_batches, lost_batches FROM publication"
    assert published(night.home, f"{about} WHERE is_stale OR lost_batches > 0 ORDER BY source") == [
        ("phone", "survey_answers", True, 1, 0),
        ("zendesk", "satisfaction_ratings", False, 0, 1),
    ]
    rejected = (
        "SELECT record_id, batch_id, is_held FROM rejected_rows WHERE source = 'phone' ORDER BY record_id"
    )
    assert published(night.home, rejected) == [(f"{n}/q1", held.batch_id, True) for n in range(197, 201)]
    said = "\n".join(outcome.warnings)
    assert said.count("rejected by staging") == 1
    assert "The source may lag (CXMARTS_ALLOW_STALE): the marts keep what had passed of it before" in said
    assert said.count(f"{lost.name} (") == 1
    assert "`cxmarts refetch zendesk/satisfaction_ratings`" in said


def test_a_corrected_export_and_a_refetch_put_everything_right_by_themselves(
    night: Night, files: Path
) -> None:
    """A list that lost more than a fifth of its tickets is told, and they are listed."""
    export(files, answers=200, words=0)
    list_tickets(files, 6)
    settings = night.settings(CXMARTS_FILES=str(files))
    [zendesk] = [source for source in sources(settings) if source.name == "zendesk"]
    refetch(Landing(Home(night.home).landing), zendesk, "satisfaction_ratings")
    outcome = night.publish(CXMARTS_FILES=str(files))
    assert published(night.home, ANSWERS) == [(200,)]
    assert published(night.home, "SELECT count(*) FROM held_batches") == [(0,)]
    assert published(night.home, "SELECT count(*) FROM rejected_rows WHERE is_held") == [(0,)]
    assert published(night.home, "SELECT sum(held_batches) + sum(lost_batches) FROM publication") == [(0,)]
    [shrunk] = [warning for warning in outcome.warnings if not warning.startswith("marts gate")]
    assert "more than a fifth shorter than before: listed_now 6, listed_before 10" in shrunk
    gone = "SELECT ticket_id, reason FROM excluded_tickets WHERE source = 'desk' ORDER BY ticket_id::INTEGER"
    assert published(night.home, gone) == [(f"{n}", "deleted") for n in range(7, 11)]


def test_a_source_without_its_mapping_says_so_and_can_be_forgotten(
    night: Night, files: Path, told: Any
) -> None:
    (files / "phone.yml").unlink()
    [problem] = night.problems(CXMARTS_FILES=str(files))
    assert problem.startswith("phone: has landed data, but no mapping that can be read declares it")
    assert "`cxmarts forget phone`" in problem
    assert "name phone in CXMARTS_ALLOW_STALE" in problem
    told("forget", "phone", "--yes")
    outcome = night.publish(CXMARTS_FILES=str(files))
    assert published(night.home, ANSWERS) == [(0,)]
    assert published(night.home, "SELECT count(*) FROM publication WHERE source = 'phone'") == [(0,)]
    assert not any("phone" in text for text in outcome.warnings)
    assert published(night.home, "SELECT count(*) FROM tickets WHERE source = 'desk'") == [(6,)]
    february = "mart = 'kpi_csat' AND period_grain = 'month' AND dimension = 'source' AND member = 'phone'"
    causes = f"SELECT DISTINCT cause, before, after FROM restatements WHERE {february} AND column_name = 'n'"
    assert ("deletion", 200.0, None) in published(night.home, causes)
