"""The sensors, evaluated on runs of a real instance, tell a real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from orchestration.home import Home
from orchestration.sensors import alert_sensors
from orchestration.settings import Settings


@pytest.fixture
def told() -> Iterator[tuple[str, list[str]]]:
    texts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", texts
    server.shutdown()
    server.server_close()


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


def test_a_failed_run_is_told_once(tmp_path: Path, told: tuple[str, list[str]]) -> None:
    url, texts = told
    settings = Settings(home=tmp_path, webhook_url=url)
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(settings, 0, fails, instance)
        evaluate(settings, 0, fails, instance)
    [text] = texts
    assert "step fails: zendesk/tickets: the token was refused" in text
    assert "the published marts stay as they were" in text
    assert "Traceback" not in text


def test_a_warning_of_a_good_run_is_told_once(tmp_path: Path, told: tuple[str, list[str]]) -> None:
    url, texts = told
    settings = Settings(home=tmp_path, webhook_url=url)
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(settings, 1, warns, instance)
        evaluate(settings, 1, warns, instance)
    [text] = texts
    assert "warn warns:volume: fewer tickets than usual" in text
