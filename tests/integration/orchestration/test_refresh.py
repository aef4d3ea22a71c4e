"""The nightly job end to end in this process, and what may never be published."""

import hashlib
import resource
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
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
from orchestration.refresh import Outcome, refresh
from orchestration.run import Run
from orchestration.settings import Settings
from quality.store import Store
from quality.suites import marts
from quality.verdicts import Expectation
from sandbox.server import Sandbox

from .conftest import NOW

Copy = Callable[..., Settings]


def tree(folder: Path) -> dict[str, str]:
    """Every path with its content, or where it points to."""
    return {
        str(p.relative_to(folder)): str(p.readlink())
        if p.is_symlink()
        else hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


def events(settings: Settings, run_id: str, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        records = instance.get_records_for_run(run_id, of_type=kind).records
    return [record.event_log_entry.get_dagster_event() for record in records]


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


def test_the_first_refresh_publishes(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    assert outcome.problems == []
    assert outcome.published
    current = publish.current(settings.home / "published")
    assert current is not None
    assert current.as_of == NOW
    assert current.manifest["run_id"] == outcome.facts["run_id"]
    assert {"tickets", "kpi_csat", "publication"} <= current.manifest["marts"].keys()
    assert current.manifest["gate_results"]
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        [(tickets, undescribed)] = con.execute(
            "SELECT (SELECT count(*) FROM tickets),"
            " (SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = '')"
        ).fetchall()
    assert tickets > 50
    assert undescribed == 0


def test_every_declared_asset_and_check_is_reported(refreshed: tuple[Settings, Outcome]) -> None:
    """Nothing is skipped in silence: what the graph declares, the run emitted."""
    settings, outcome = refreshed
    graph = build_definitions(settings).resolve_asset_graph()
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    checked = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert {event.asset_key for event in made} == set(graph.materializable_asset_keys)
    assert {e.asset_check_evaluation_data.asset_check_key for e in checked} == set(graph.asset_check_keys)


def test_rows_schema_and_a_number_show_on_each_model(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = {event.asset_key.to_user_string(): event.materialization.metadata for event in made}
    tickets = found["marts/tickets"]
    assert tickets["dagster/row_count"].value == outcome.facts["rows"]["tickets"]
    columns = {column.name: column for column in tickets["dagster/column_schema"].value.columns}
    assert columns["ticket_id"].type == "VARCHAR"
    assert columns["ticket_id"].description
    assert isinstance(found["marts/kpi_csat"]["csat_pct"].value, float)
    assert found["raw_zendesk/tickets"]["landed"].value > 50


def test_each_column_tells_what_it_is_made_from(refreshed: tuple[Settings, Outcome]) -> None:
    settings, outcome = refreshed
    made = events(settings, outcome.facts["run_id"], dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = {event.asset_key.to_user_string(): event.materialization.metadata for event in made}
    shown = {
        asset: {column.name: column.description for column in metadata["dagster/column_schema"].value.columns}
        for asset, metadata in found.items()
        if "dagster/column_schema" in metadata
    }
    lineage = {
        asset: {
            column: {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps}
            for column, deps in metadata["dagster/column_lineage"].value.deps_by_column.items()
        }
        for asset, metadata in found.items()
        if "dagster/column_lineage" in metadata
    }
    assert lineage["marts/tickets"]["first_reply_seconds"] == {
        "core/int_ticket_measures.first_reply_calendar"
    }
    assert "core/int_sla_applied.target_seconds" in lineage["marts/sla_targets"]["target_seconds"]
    assert lineage["marts/kpi_csat"]["csat_pct"] == {"marts/survey_answers.is_positive"}
    assert lineage["staging/stg_zendesk__tickets"]["status"] == {"parse/new_zendesk__tickets.status"}
    assert lineage["parse/new_zendesk__tickets"]["status"] == {"raw_zendesk/tickets.payload"}
    assert shown["marts/tickets"]["first_reply_seconds"].endswith(
        " Made from core/int_ticket_measures: first_reply_calendar."
    )
    # What is named exists; a model is left out whole or named whole.
    for asset, columns in lineage.items():
        assert columns.keys() == shown[asset].keys(), asset
        for origin in set().union(*columns.values()):
            table, _, column = origin.partition(".")
            assert column in shown[table], (asset, origin)
    assert len(lineage) > 40


def test_nothing_new_publishes_again_and_fetches_little(home: Copy) -> None:
    settings = home()
    before = publish.current(settings.home / "published")
    outcome = refresh(settings)
    after = publish.current(settings.home / "published")
    assert outcome.published
    assert outcome.facts["landed"] == 0
    assert before is not None
    assert after is not None
    assert after.version > before.version

    def hashes(found: publish.Publication) -> dict[str, str]:
        # `publication` tells how the last fetch went, which did change.
        return {k: m["content_hash"] for k, m in found.manifest["marts"].items() if k != "publication"}

    assert hashes(before) == hashes(after)


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


def test_an_earlier_instant_goes_beside_the_current_version(home: Copy) -> None:
    settings = home()
    before = publish.current(settings.home / "published")
    outcome = refresh(settings, as_of=NOW - timedelta(days=10))
    assert outcome.problems == []
    assert outcome.facts["published"] is False
    after = publish.current(settings.home / "published")
    assert before is not None
    assert after is not None
    assert after.version == before.version
    counts = [
        duckdb.sql(f"SELECT count(*) FROM '{folder}/marts/tickets.parquet'").fetchall()[0][0]
        for folder in (outcome.facts["path"], after.path)
    ]
    assert counts[0] < counts[1]


def test_a_full_rebuild_gives_the_same_marts(home: Copy) -> None:
    settings = home()
    before = publish.current(settings.home / "published")
    outcome = refresh(settings, is_full=True)
    after = publish.current(settings.home / "published")
    assert outcome.problems == []
    assert before is not None
    assert after is not None
    differing = [
        name
        for name, mart in before.manifest["marts"].items()
        if mart["content_hash"] != after.manifest["marts"][name]["content_hash"] and name != "publication"
    ]
    assert differing == []


def test_names_and_comments_are_published_apart_and_only_when_asked(home: Copy) -> None:
    settings = home()
    assert not (settings.home / "published_restricted").exists()
    outcome = refresh(home(CXMARTS_RESTRICTED="true"))
    assert outcome.problems == []
    apart = settings.home / "published_restricted"
    assert apart.stat().st_mode & 0o777 == 0o700
    current, restricted = (publish.current(settings.home / name) for name in ("published", apart.name))
    assert current is not None
    assert restricted is not None
    assert restricted.version == current.version
    with duckdb.connect(str(restricted.path / "marts.duckdb"), read_only=True) as con:
        named = con.execute(
            "SELECT customer_name, customer_email FROM follow_ups_restricted WHERE customer_name IS NOT NULL"
        ).fetchall()
    assert named
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "follow_ups" in tables
    assert "follow_ups_restricted" not in tables
    texts = [text.encode() for row in named for text in row if text]
    for file in current.path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert [text for text in texts if text in content] == []
    # Off again: nothing of it stays.
    assert refresh(settings).published
    assert not apart.exists()
