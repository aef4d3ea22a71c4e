"""A vendor that misbehaves stops publishing, with one message, and nothing else; the next refresh goes on."""

from collections.abc import Callable

import dagster as dg
import pytest

from ingestion.http import ATTEMPTS
from orchestration import publish
from orchestration.assets import landing
from orchestration.definitions import build_definitions
from orchestration.home import Home
from orchestration.jobs import NIGHTLY
from orchestration.refresh import refresh
from orchestration.settings import Settings
from sandbox.server import Sandbox

pytestmark = pytest.mark.usefixtures("no_waits")
TICKETS = "/incremental/tickets/cursor"


def test_a_misbehaving_vendor(home: Callable[..., Settings], sandbox: Sandbox) -> None:
    settings = home()
    before = publish.current(settings.home / "published")
    assert before is not None
    for kind, said in (("500", "500"), ("html", "JSON"), ("truncated", "cut off or not JSON")):
        sandbox.faults.add(kind, path=TICKETS, times=None)
        try:
            outcome = refresh(settings)
        finally:
            sandbox.faults.clear()
        assert not outcome.published
        [problem] = outcome.problems
        assert problem.startswith("zendesk/tickets: GET http://127.0.0.1")
        assert said in problem
        after = publish.current(settings.home / "published")
        assert after is not None
        assert after.version == before.version
    recovered = refresh(settings)
    assert recovered.problems == []
    assert recovered.published


def land(settings: Settings, retries: int) -> tuple[bool, int]:
    """The landing step as a scheduled run does it: whether it ended well, and how often it was repeated."""
    definitions = build_definitions(settings)
    keys = [
        key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path[0][:4] == "raw_"
    ]
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        result = definitions.resolve_job_def(NIGHTLY).execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys,
            tags={landing.RETRIES_TAG: str(retries)},
        )
    repeated = [event for event in result.all_events if event.is_step_up_for_retry]
    return result.success, len(repeated)


@pytest.mark.parametrize(
    ("kind", "failing_attempts", "wanted"),
    [
        ("503", 2, (True, 2)),
        ("503", None, (False, 3)),
        ("html", None, (False, 0)),
    ],
    ids=["passes by itself", "does not pass", "permanent"],
)
def test_a_scheduled_run_waits_for_what_may_pass_by_itself(
    home: Callable[..., Settings],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    failing_attempts: int | None,
    wanted: tuple[bool, int],
) -> None:
    monkeypatch.setattr(landing, "FIRST_WAIT_SECONDS", 0)
    sandbox.faults.add(kind, path=TICKETS, times=failing_attempts and failing_attempts * ATTEMPTS)
    try:
        assert land(home(), retries=3) == wanted
    finally:
        sandbox.faults.clear()


def test_a_refused_token_is_not_tried_again(home: Callable[..., Settings]) -> None:
    assert land(home(ZENDESK_API_TOKEN="wrong"), retries=3) == (False, 0)


def test_a_run_by_hand_tells_at_once(home: Callable[..., Settings], sandbox: Sandbox) -> None:
    sandbox.faults.add("503", path=TICKETS, times=None)
    try:
        assert land(home(), retries=0) == (False, 0)
    finally:
        sandbox.faults.clear()
