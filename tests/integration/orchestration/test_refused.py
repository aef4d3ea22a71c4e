"""What a refresh never publishes, and how it ends instead."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from ingestion.landing import Landing
from orchestration.assets.graph import ModelGraph
from orchestration.assets.publish import publish_build
from orchestration.definitions import build_definitions
from orchestration.ground import progress
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.jobs import NIGHTLY
from orchestration.publication import publish
from orchestration.publication.marts_file import PublishError
from orchestration.refresh import refresh
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import Project
from orchestration.warehouse.run import Run
from quality.store import Store
from quality.suites import marts
from quality.verdicts import Expectation
from tests.homes import NOW
from tests.trees import tree

from .conftest import Night

Copy = Callable[..., Settings]


def test_a_held_batch_blocks_every_night_until_it_is_waived(night: Night) -> None:
    landing = Landing(Home(night.home).landing)
    last = landing.latest("zendesk", "groups")
    assert last is not None
    nameless = pa.table(
        {
            "record_id": pa.nulls(5, pa.string()),
            "changed_at": pa.array([NOW] * 5, pa.timestamp("us", tz="UTC")),
            "deleted": [False] * 5,
            "payload": ["{}"] * 5,
            "fetched_at": pa.array([NOW] * 5, pa.timestamp("us", tz="UTC")),
        }
    )
    bad = landing.write(
        source="zendesk",
        vendor="zendesk",
        stream="groups",
        account=last.account,
        spec_version=last.spec_version,
        cursors=last.cursors,
        rows=nameless,
        received=5,
    )
    for _ in range(2):
        text = "\n".join(night.problems())
        assert f"landing gate, zendesk/groups {bad.batch_id}: record_id_is_present: 5 of 5 rows" in text
        assert "waive the batch with a reason" in text
    with Store(Home(night.home).control) as store:
        store.waive([bad.batch_id], why="a test", by="me")


class FullDisk(progress.Progress):
    """From the start of a phase the kernel refuses to let files grow past a megabyte."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.reached, self._at, self._before = False, at, resource.getrlimit(resource.RLIMIT_FSIZE)

    def phase(self, name: str, text: str = "", log: progress.Log | None = None) -> None:
        super().phase(name, text, log)
        if name == self._at:
            self.reached = True
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, self._before[1]))

    def lift(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.mark.parametrize("phase", ["dbt", "publish"])
def test_a_full_disk_is_one_message(night: Night, phase: str) -> None:
    disk = FullDisk(phase)
    progress.use(disk)
    try:
        [problem] = night.problems()
    finally:
        disk.lift()
        progress.use(progress.Progress())
    assert disk.reached
    assert problem.startswith(f"Cannot write below {night.home}: ")
    assert "Free space there" in problem


def test_a_failed_gate_leaves_the_published_marts_byte_for_byte(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    impossible = Expectation(
        name="is_a_number_of_weeks",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": "status", "value_set": ["never"]},
        fault="with an impossible status",
        why="The test says so.",
        what_to_do="Nothing",
    )
    monkeypatch.setitem(marts.DECLARED, "tickets", (impossible,))
    [problem] = night.problems()
    assert problem.startswith("marts gate, tickets: is_a_number_of_weeks: ")
    with dg.DagsterInstance.from_config(str(Home(night.home).dagster)) as instance:
        [run] = instance.get_runs(limit=1)
        [event] = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    failure = event.event_log_entry.get_dagster_event().step_failure_data.user_failure_data
    # The reason comes first on the page of the run, and what can be done about it.
    assert failure.description == problem
    assert "`refetch`" in failure.metadata["ways_out"].value
    with control_tables.connect(Home(night.home).warehouse, read_only=True) as con:
        [(tickets,)] = con.execute("SELECT count(*) FROM marts.tickets").fetchall()
    assert f"{tickets:,} rows (100.00%) with an impossible status" in problem


def test_a_wrong_rule_file_stops_every_night_until_it_is_corrected(night: Night, tmp_path: Path) -> None:
    header = "kpi,dimension,member,target,direction,source,valid_from,valid_to"
    (tmp_path / "kpi_targets.csv").write_text(f"{header}\ncsat,,,90,sideways,board,,\n")
    for _ in range(2):
        [problem] = night.problems(CXMARTS_RULES=str(tmp_path))
        assert problem.startswith("rules/kpi_targets: accepted_values_kpi_targets_direction_")
        assert problem.endswith(": 1 row, such as value_field 'sideways', n_records 1; correct the rule file")


def test_the_next_refresh_goes_on(night: Night) -> None:
    """A waived batch goes in; neither a full disk nor a failed gate has left anything in the way."""
    outcome = refresh(night.settings())
    assert outcome.problems == []
    assert outcome.published
    with dg.DagsterInstance.from_config(str(Home(night.home).dagster)) as instance:
        log = [entry.user_message for entry in instance.all_logs(outcome.facts["run_id"])]
    assert [line for line in log if "did not yield" in line] == []


@pytest.mark.parametrize(
    ("beside", "checks", "says"),
    [
        ([], frozenset(), "no passing verdict of this build"),
        (["groups"], frozenset(), "no passing verdict of this build"),
        (["groups"], None, "was not built by this run"),
    ],
    ids=["alone", "with a mart just built", "with a mart built and judged"],
)
def test_publishing_a_part_is_refused(
    home: Copy, beside: list[str], checks: frozenset[dg.AssetCheckKey] | None, says: str
) -> None:
    """What the UI does for chosen assets: a run over them, with their checks or without."""
    settings = home()
    before = tree(settings.home / "published")
    chosen = [dg.AssetKey(["published", "publication"]), *(dg.AssetKey(["marts", name]) for name in beside)]
    job = build_definitions(settings).resolve_job_def(NIGHTLY)
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        result = job.get_subset(
            asset_selection=frozenset(chosen), asset_check_selection=checks
        ).execute_in_process(instance=instance, raise_on_error=False)
        [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert not result.success
    assert says in failure.user_failure_data.description
    assert tree(settings.home / "published") == before


@pytest.fixture
def built(home: Copy) -> Iterator[Run]:
    """The build that was just published, to be published once more."""
    settings = home()
    before = tree(settings.home / "published")
    current = publish.current(settings.home / "published")
    assert current is not None
    project = Project(Home(settings.home)).prepare()
    yield Run(settings, Home(settings.home), project, build_id=current.manifest["build_id"], as_of=NOW)
    assert tree(settings.home / "published") == before


def publish_again(run: Run) -> None:
    graph = ModelGraph(run.project.manifest)
    publish_build(run, graph.marts, graph.restricted, "run")


def test_a_mart_changed_after_its_gate_is_refused(built: Run) -> None:
    with control_tables.connect(built.warehouse) as con:
        con.execute("DELETE FROM marts.tickets WHERE ticket_id = (SELECT min(ticket_id) FROM marts.tickets)")
    with pytest.raises(PublishError, match="mart tickets changed after its gate"):
        publish_again(built)


@pytest.mark.parametrize("change", ["DELETE FROM builds", "UPDATE builds SET verdict = 'held'"])
def test_a_whole_build_without_a_passing_verdict_is_refused(built: Run, change: str) -> None:
    with sqlite3.connect(built.home.control) as con:
        con.execute(change)
    con.close()
    with pytest.raises(PublishError, match="no passing verdict of this build"):
        publish_again(built)
