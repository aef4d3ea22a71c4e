"""What a refresh never publishes, and how it ends instead."""

import resource
from collections.abc import Callable

import dagster as dg
import pyarrow as pa
import pytest

from ingestion.landing import Landing
from orchestration import control, progress, publish
from orchestration.assets.models import Graph
from orchestration.assets.publish import publish_build
from orchestration.dbt import Project
from orchestration.definitions import build_definitions
from orchestration.home import Home
from orchestration.jobs import NIGHTLY
from orchestration.refresh import refresh
from orchestration.run import Run
from orchestration.settings import Settings
from quality.store import Store
from quality.suites import marts
from quality.verdicts import Expectation
from sandbox.server import Sandbox
from tests.trees import tree

from .conftest import NOW

Copy = Callable[..., Settings]


def materialize(settings: Settings, selection: list[dg.AssetKey]) -> tuple[bool, str]:
    """What the UI does for chosen assets: a run over them alone. Success, and the failure's text."""
    job = build_definitions(settings).resolve_job_def(NIGHTLY)
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=selection)
        texts = [
            event.step_failure_data.user_failure_data.description
            for event in result.all_events
            if event.is_step_failure and event.step_failure_data.user_failure_data
        ]
    return result.success, "\n".join(filter(None, texts))


def test_a_failed_gate_leaves_the_published_marts_byte_for_byte(
    home: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home()
    before = tree(settings.home / "published")
    impossible = Expectation(
        name="is_a_number_of_weeks",
        kind="expect_column_values_to_be_in_set",
        kwargs={"column": "status", "value_set": ["never"]},
        fault="with an impossible status",
        why="The test says so.",
        what_to_do="Nothing",
    )
    monkeypatch.setitem(marts.DECLARED, "tickets", (impossible,))
    outcome = refresh(settings)
    assert not outcome.published
    [problem] = outcome.problems
    assert problem.startswith("marts gate, tickets: is_a_number_of_weeks: ")
    assert f"{before_rows(settings):,} rows (100.00%) with an impossible status" in problem
    assert tree(settings.home / "published") == before
    monkeypatch.undo()
    assert refresh(settings).published


class FullDisk(progress.Progress):
    """From the start of a phase the kernel refuses to let files grow past a megabyte."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self._at, self._before = at, resource.getrlimit(resource.RLIMIT_FSIZE)

    def phase(self, name: str, text: str = "") -> None:
        super().phase(name, text)
        if name == self._at:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, self._before[1]))

    def lift(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


def test_a_full_disk_is_one_message_and_the_next_run_goes_on(home: Copy) -> None:
    settings = home()
    before = tree(settings.home / "published")
    for phase in ("dbt", "publish"):
        disk = FullDisk(phase)
        progress.use(disk)
        try:
            outcome = refresh(settings)
        finally:
            disk.lift()
            progress.use(progress.Progress())
        assert not outcome.published
        [problem] = outcome.problems
        assert problem.startswith(f"Cannot write below {settings.home}: ")
        assert "Free space there" in problem
        assert tree(settings.home / "published") == before
    assert refresh(settings).published


def before_rows(settings: Settings) -> int:
    current = publish.current(settings.home / "published")
    assert current is not None
    return int(current.manifest["marts"]["tickets"]["rows"])


def test_a_held_batch_blocks_every_night_until_it_is_waived(home: Copy) -> None:
    settings = home()
    before = tree(settings.home / "published")
    landing = Landing(Home(settings.home).landing)
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
        outcome = refresh(settings)
        assert not outcome.published
        text = "\n".join(outcome.problems)
        assert f"landing gate, zendesk/groups {bad.batch_id}: record_id_is_present: 5 of 5 rows" in text
        assert "waive the batch with a reason" in text
        assert tree(settings.home / "published") == before
    with Store(Home(settings.home).control) as store:
        store.waive([bad.batch_id], why="a test", by="me")
    again = refresh(settings)
    assert again.problems == []
    assert again.published


def test_publishing_alone_is_refused(home: Copy) -> None:
    settings = home()
    before = tree(settings.home / "published")
    success, text = materialize(settings, [dg.AssetKey(["published", "publication"])])
    assert not success
    assert "no passing verdict of this build" in text
    assert tree(settings.home / "published") == before


def test_building_and_publishing_without_the_gates_is_refused(home: Copy) -> None:
    settings = home()
    before = tree(settings.home / "published")
    graph = build_definitions(settings).resolve_asset_graph()
    chosen = [key for key in graph.materializable_asset_keys if key.path[0] in ("core", "marts", "published")]
    job = build_definitions(settings).resolve_job_def(NIGHTLY)
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        result = job.get_subset(
            asset_selection=frozenset(chosen), asset_check_selection=frozenset()
        ).execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert tree(settings.home / "published") == before


def test_a_mart_changed_after_its_gate_is_refused(home: Copy) -> None:
    settings = home()
    before = tree(settings.home / "published")
    with control.connect(Home(settings.home).warehouse) as con:
        [(build_id,)] = con.execute(
            "SELECT DISTINCT build_id FROM control.model_builds WHERE model = 'tickets'"
        ).fetchall()
        con.execute("DELETE FROM marts.tickets WHERE ticket_id = (SELECT min(ticket_id) FROM marts.tickets)")
    project = Project(Home(settings.home)).prepare()
    run = Run(settings, Home(settings.home), project, build_id=build_id, as_of=NOW)
    with pytest.raises(publish.PublishError, match="mart tickets changed after its gate"):
        publish_build(run, Graph(project.manifest).marts, [], "run")
    assert tree(settings.home / "published") == before


def test_a_source_that_is_off_blocks_unless_it_may_be_stale(home: Copy, sandbox: Sandbox) -> None:
    off = {"TYPEFORM_TOKEN": "", "TYPEFORM_URL": ""}
    refused = refresh(home(**off))
    assert not refused.published
    assert any("typeform: has landed data but is off" in problem for problem in refused.problems)
    allowed = refresh(home(**off, CXMARTS_ALLOW_STALE="typeform"))
    assert allowed.problems == []
    assert allowed.published
