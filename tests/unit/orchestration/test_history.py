"""Dagster's history: the event log with its connections kept, and runs that grow old."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event

from orchestration import history
from orchestration.ground.home import Home
from orchestration.history import prune
from orchestration.storage import EventLog

LATER = datetime.now(UTC) + timedelta(days=91)


@dg.asset(check_specs=[dg.AssetCheckSpec("sound", asset="daily")])
def daily() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    yield dg.MaterializeResult(metadata={"csat_pct": 81.5})
    yield dg.AssetCheckResult(passed=True)


@dg.asset
def once() -> None:
    """Built by its first run only."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).create()


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as opened:
        yield opened


def run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> str:
    job = dg.Definitions(assets, executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance).run_id


def events(log: Any, run_id: str) -> list[str]:
    return [str(entry.get_dagster_event().event_type_value) for entry in log.get_logs_for_run(run_id)]


@dg.multi_asset(specs=[dg.AssetSpec(name) for name in "abc"])
def broken() -> tuple[None, None, None]:
    raise dg.Failure("no luck")


@dg.asset(deps=["a", "b", "c"])
def waiting() -> None:
    """Never built."""


def test_a_step_that_failed_is_named_once_to_those_that_wait(instance: dg.DagsterInstance) -> None:
    """Dagster names it for each of its assets: hundreds of times in a night."""
    job = dg.Definitions([broken, waiting], executor=dg.in_process_executor)
    found = job.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, raise_on_error=False
    )
    told = [entry.user_message for entry in instance.all_logs(found.run_id) if not entry.is_dagster_event]
    assert told == ["Dependencies for step waiting failed: ['broken']. Not executing."]


def test_a_run_opens_each_file_once_and_dagster_can_read_it(instance: dg.DagsterInstance, home: Home) -> None:
    """The reason for our own class. If Dagster no longer goes by the methods it overrides, this counts it."""
    opened: Counter[str] = Counter()

    def count(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            opened[Path(connection.execute("PRAGMA database_list").fetchone()[2]).stem] += 1

    event.listen(sqlalchemy.Pool, "connect", count)
    try:
        run_id = run(instance, daily)
    finally:
        event.remove(sqlalchemy.Pool, "connect", count)
    assert isinstance(instance.event_log_storage, EventLog)
    # The index has been open since the instance was.
    assert (opened[run_id], opened["index"]) == (1, 0)
    stock = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
    kinds = events(stock, run_id)
    assert kinds == events(instance.event_log_storage, run_id)
    assert {"PIPELINE_SUCCESS", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"} <= set(kinds)
    [record] = stock.get_asset_records([daily.key])
    assert record.asset_entry.last_materialization_record.run_id == run_id


@dg.multi_asset(
    specs=[dg.AssetSpec("x"), dg.AssetSpec("y"), dg.AssetSpec("z", deps=["x", "y"])],
    check_specs=[dg.AssetCheckSpec("sound", asset=name) for name in "xz"],
)
def chain() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    for name in "xyz":
        yield dg.MaterializeResult(asset_key=name)
    for name in "xz":
        yield dg.AssetCheckResult(asset_key=name, passed=True)


def test_what_a_step_made_is_stored_and_asked_for_together(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, asked = [], []
    store, ask = EventLog.store_event_batch, SqliteEventLogStorage.get_asset_records

    def stored(log: EventLog, told: Sequence[dg.EventLogEntry]) -> None:
        batches.append([str(each.get_dagster_event().event_type_value) for each in told])
        store(log, told)

    def asked_for(log: SqliteEventLogStorage, keys: Sequence[dg.AssetKey]) -> Sequence[Any]:
        asked.append({key.to_user_string() for key in keys})
        return ask(log, keys)

    monkeypatch.setattr(EventLog, "store_event_batch", stored)
    monkeypatch.setattr(SqliteEventLogStorage, "get_asset_records", asked_for)
    run_id = run(instance, chain)
    assert [kinds for kinds in batches if "STEP_OUTPUT" in kinds] == [
        ["STEP_OUTPUT", "ASSET_MATERIALIZATION"] * 2 + ["STEP_OUTPUT"],
        ["ASSET_MATERIALIZATION", "STEP_OUTPUT", "ASSET_CHECK_EVALUATION"],
        ["STEP_OUTPUT", "ASSET_CHECK_EVALUATION"],
    ]
    assert asked == [{"x", "y"}, {"z"}]
    # Dagster's own class finds all of it: what was made from what, what was checked, in order.
    stock = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
    made = {key: ask(stock, [dg.AssetKey(key)])[0].asset_entry.last_materialization_record for key in "xyz"}
    for key in "xy":
        tags = made["z"].event_log_entry.tags
        assert tags[f"dagster/input_event_pointer/{key}"] == str(made[key].storage_id)
    [shown] = stock.get_asset_check_execution_history(dg.AssetCheckKey(dg.AssetKey("z"), "sound"), limit=9)
    assert (shown.run_id, shown.status.value) == (run_id, "SUCCEEDED")
    kinds = events(stock, run_id)
    assert kinds[kinds.index("STEP_START") + 1 :][:11] == [
        *["STEP_OUTPUT", "ASSET_MATERIALIZATION"] * 3,
        *["STEP_OUTPUT", "ASSET_CHECK_EVALUATION"] * 2,
        "STEP_SUCCESS",
    ]


def test_what_is_stored_is_what_dagster_stores(
    instance: dg.DagsterInstance, home: Home, tmp_path: Path
) -> None:
    """Ours writes all rows of a table at once, Dagster's own class those of one event."""
    run_ids = [run(instance, chain, daily), run(instance, chain)]
    told = [entry for run_id in run_ids for entry in instance.all_logs(run_id)]
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    for entry in told:
        stock.store_event(entry)

    def rows(folder: Path, name: str, table: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(folder / f"{name}.db")) as con:
            con.row_factory = sqlite3.Row
            # When a row was made is its database's clock.
            found = [dict(row) for row in con.execute(f"SELECT * FROM {table} ORDER BY id")]
        return [tuple(value for name, value in row.items() if name != "create_timestamp") for row in found]

    ours = home.dagster / "history" / "runs"
    for table in ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions"):
        assert rows(ours, "index", table) == rows(tmp_path / "stock", "index", table), table
    for run_id in run_ids:
        assert rows(ours, run_id, "event_logs") == rows(tmp_path / "stock", run_id, "event_logs")


def test_runs_grow_old_but_what_the_ui_shows_stays(instance: dg.DagsterInstance, home: Home) -> None:
    first, middle, last = run(instance, daily, once), run(instance, daily), run(instance, daily)
    files = {path.stem: path for path in (home.dagster / "history" / "runs").glob("*.db")}
    assert prune(instance, datetime.now(UTC)) == []
    assert prune(instance, LATER) == [middle]
    assert set(instance.get_run_ids()) == {first, last}
    assert not files[middle].exists()
    assert files[first].exists()
    assert list(home.dagster.rglob(f"*{middle}*")) == []
    # Fresh as before, with its number, and its check passed.
    newest = instance.get_latest_materialization_event(daily.key)
    assert newest is not None
    assert newest.run_id == last
    assert newest.asset_materialization.metadata["csat_pct"].value == 81.5
    assert instance.get_latest_materialization_event(once.key).run_id == first
    [shown] = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(daily.key, "sound"), limit=9
    )[:1]
    assert shown.run_id == last
    left = instance.fetch_materializations(daily.key, limit=9).records
    assert [record.run_id for record in left] == [last, first]
    assert prune(instance, LATER) == []


def test_a_night_deletes_a_bounded_number(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST", 2)
    ids = [run(instance, daily) for _ in range(4)]
    assert sorted(prune(instance, LATER)) == sorted(ids[:2])
    assert prune(instance, LATER) == [ids[2]]
    assert prune(instance, LATER) == []
