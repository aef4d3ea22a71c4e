"""A vendor that misbehaves stops publishing, with one message, and nothing else; the next refresh goes on."""

from collections.abc import Callable

import pytest

from orchestration import publish
from orchestration.refresh import refresh
from orchestration.settings import Settings
from sandbox.server import Sandbox


@pytest.mark.parametrize(
    ("kind", "said"), [("500", "500"), ("html", "JSON"), ("truncated", "cut off or not JSON")]
)
def test_a_misbehaving_vendor(home: Callable[..., Settings], sandbox: Sandbox, kind: str, said: str) -> None:
    settings = home()
    before = publish.current(settings.home / "published")
    sandbox.faults.add(kind, path="/incremental/tickets/cursor", times=None)
    try:
        outcome = refresh(settings)
    finally:
        sandbox.faults.clear()
    assert not outcome.published
    [problem] = outcome.problems
    assert problem.startswith("zendesk/tickets: GET http://127.0.0.1")
    assert said in problem
    after = publish.current(settings.home / "published")
    assert before is not None
    assert after is not None
    assert after.version == before.version
    recovered = refresh(settings)
    assert recovered.problems == []
    assert recovered.published
