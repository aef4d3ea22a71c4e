"""The sensors, evaluated on runs of a real instance, tell a real server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.jobs import execute
from orchestration.publication import follow_ups, publish
from orchestration.publication.follow_ups import HandOverError
from orchestration.sensors import alert_sensors, follow_up_sensor
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def told(receiver: Receiver) -> tuple[str, list[dict[str, Any]]]:
    return receiver.url, receiver.bodies


@dg.asset
def fails() -> None:
    raise dg.Failure("zendesk/tickets: the token was refused")


@dg.asset(check_specs=[dg.AssetCheckSpec("volume", asset="warns")])
def warns() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, description="fewer tickets than usual"
    )


def evaluate(
    settings: Settings, sensor: int, asset: dg.AssetsDefinition, instance: dg.DagsterInstance
) -> None:
    """Run the asset, then let the sensor look at that run."""
    run_failures = alert_sensors(settings, Home(settings.home))[sensor]
    job = dg.Definitions([asset], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    if sensor == 0:
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failures",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
    else:
        context = dg.build_run_status_sensor_context(
            sensor_name="check_failures",
            dagster_event=result.get_run_success_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        )
    run_failures(context)


def test_a_failed_run_is_told_once(tmp_path: Path, told: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = told
    settings = Settings(home=tmp_path, webhook_url=url)
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(settings, 0, fails, instance)
        evaluate(settings, 0, fails, instance)
    [text] = [body["text"] for body in bodies]
    assert "• zendesk/tickets: the token was refused\n" in text
    assert "the published marts stay as they were" in text
    assert "Traceback" not in text


def test_a_run_of_the_command_line_reaches_the_sensor(
    tmp_path: Path, told: tuple[str, list[dict[str, Any]]]
) -> None:
    """It is a run of the code location, whatever name the UI gives to that."""
    url, bodies = told
    settings = Settings(home=tmp_path, webhook_url=url)
    run_failures = alert_sensors(settings, Home(tmp_path))[0]
    job = dg.Definitions([fails], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = None
        for _ in range(2):
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            cursor = run_failures.evaluate_tick(context).cursor
            result = execute(job, instance, {})
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[result.run_id]))
    [body] = bodies
    assert "zendesk/tickets: the token was refused" in body["text"]
    assert record.dagster_run.tags_for_storage()[".dagster/repository"] == "__repository__@cxmarts"


def test_a_warning_of_a_good_run_is_told_once(tmp_path: Path, told: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = told
    settings = Settings(home=tmp_path, webhook_url=url)
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(settings, 1, warns, instance)
        evaluate(settings, 1, warns, instance)
    [text] = [body["text"] for body in bodies]
    assert "check warns:volume: fewer tickets than usual" in text


def published(home: Home, hour: int, outcomes: dict[str, str], **more: str) -> publish.Publication:
    """A version whose follow-ups have these outcomes, by response."""
    home.root.mkdir(exist_ok=True)
    values = ", ".join(f"('{response}', '{outcome}')" for response, outcome in outcomes.items())
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("CREATE SCHEMA IF NOT EXISTS marts")
        texts = "".join(
            f", 'x'::VARCHAR AS {name}"
            for name in follow_ups.COLUMNS
            if name not in ("response_id", "score", "flagged_at", "due_at", "outcome")
        )
        con.execute(
            "CREATE OR REPLACE TABLE marts.follow_ups AS SELECT response_id, outcome, 2e0 AS score,"
            f" TIMESTAMP '2026-03-01 10:00' AS flagged_at, TIMESTAMP '2026-03-03 10:00' AS due_at{texts}"
            f" FROM (VALUES {values}) AS t (response_id, outcome)"
        )
    facts = {"as_of": "2026-03-02T00:00:00+00:00", "build_id": str(hour)}
    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
    return publish.publish(home.warehouse, home.published, ["follow_ups"], facts, keep=9, now=now)


def tick(settings: Settings, cursor: str | None = None) -> str | None:
    """One evaluation of the sensor; its new cursor."""
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        follow_up_sensor(settings, Home(settings.home))(context)
        return context.cursor


def handed(receiver: Receiver) -> list[str]:
    return [row["response_id"] for body in receiver.bodies for row in body["follow_ups"]]


def test_each_follow_up_is_handed_over_once(tmp_path: Path, receiver: Receiver) -> None:
    """Across ticks, versions, a lost cursor and a rollback. The first time, history stays untold."""
    home = Home(tmp_path / "home")
    settings = Settings(home=home.root, follow_up_url=receiver.url)
    assert tick(settings) is None
    first = published(home, 0, {"a": "open", "b": "overdue", "c": "contacted_late", "d": "no_due_time"})
    cursor = tick(settings)
    assert cursor == first.version
    assert handed(receiver) == ["a"]
    assert receiver.bodies[0]["version"] == first.version
    assert receiver.bodies[0]["follow_ups"][0]["due_at"] == "2026-03-03T10:00:00Z"
    tick(settings, cursor)
    published(home, 1, {"a": "overdue", "b": "overdue", "e": "overdue", "f": "open"})
    cursor = tick(settings, cursor)
    assert sorted(handed(receiver)) == ["a", "e", "f"]
    publish.rollback(home.published, first.version)
    tick(settings, cursor)
    tick(settings)
    assert sorted(handed(receiver)) == ["a", "e", "f"]


def test_what_a_receiver_refuses_comes_again(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_ups, "AT_ONCE", 2)
    home = Home(tmp_path / "home")
    settings = Settings(home=home.root, follow_up_url=receiver.url)
    published(home, 0, {name: "open" for name in "abcde"})
    receiver.answers = [200, 503]
    with pytest.raises(HandOverError, match=r"answered 503$"):
        tick(settings)
    assert handed(receiver) == ["a", "b"]
    tick(settings)
    assert handed(receiver) == ["a", "b", "c", "d", "e"]


def test_nothing_is_handed_over_unless_asked(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    published(home, 0, {"a": "open"})
    assert tick(Settings(home=home.root)) is None
    assert follow_up_sensor(Settings(home=home.root), home).default_status == dg.DefaultSensorStatus.STOPPED
    assert not (home.root / "follow_ups.json").exists()
