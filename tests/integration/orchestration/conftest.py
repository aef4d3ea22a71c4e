"""One home that is refreshed once against the sandbox; tests that change it work on copies."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion import http
from orchestration.locking import exclusive
from orchestration.refresh import Outcome, refresh
from orchestration.settings import Settings, load
from sandbox.server import Sandbox
from tests import parsed

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A small company whose present is NOW."""
    with Sandbox(tickets=120, now=NOW, days=60) as served:
        yield served


def settings_of(folder: Path, sandbox: Sandbox, **changed: str) -> Settings:
    return load({**sandbox.env(), "CXMARTS_HOME": str(folder), "CXMARTS_AS_OF": NOW.isoformat(), **changed})


@pytest.fixture(scope="session")
def refreshed(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> tuple[Settings, Outcome]:
    """A home after its first refresh, one for all workers. Read only: copy it with `home` to change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "refreshed"
    settings, told = settings_of(folder / "home", sandbox), folder / "outcome.json"
    with exclusive(folder / "lock", "the first refresh", wait=True):
        if not told.exists():
            shutil.copytree(parsed.project().folder, settings.home / "dbt")
            outcome = refresh(settings)
            told.write_text(json.dumps([outcome.published, outcome.problems, outcome.facts]))
    return settings, Outcome(*json.loads(told.read_text()))


@pytest.fixture
def home(refreshed: tuple[Settings, Outcome], sandbox: Sandbox, tmp_path: Path) -> Callable[..., Settings]:
    """A copy of the refreshed home, and settings for it with these variables changed."""
    shutil.copytree(refreshed[0].home, tmp_path / "home", symlinks=True)
    return lambda **changed: settings_of(tmp_path / "home", sandbox, **changed)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are repeated at once."""
    monkeypatch.setattr(http, "BACKOFF_FIRST", 0.0)
