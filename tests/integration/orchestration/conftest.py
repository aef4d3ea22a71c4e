"""One home that is refreshed once against the sandbox; tests that change it work on copies."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.refresh import Outcome, refresh
from orchestration.settings import Settings, load
from sandbox.server import Sandbox

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A small company whose present is NOW."""
    with Sandbox(tickets=120, now=NOW, days=60) as served:
        yield served


@pytest.fixture(scope="session")
def refreshed(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Outcome]:
    """A home after its first refresh. Read only: copy it with `home` to change it."""
    folder = tmp_path_factory.mktemp("refreshed")
    settings = load({**sandbox.env(), "CXMARTS_HOME": str(folder / "home"), "CXMARTS_AS_OF": NOW.isoformat()})
    return settings, refresh(settings)


@pytest.fixture
def home(refreshed: tuple[Settings, Outcome], sandbox: Sandbox, tmp_path: Path) -> Callable[..., Settings]:
    """A copy of the refreshed home, and settings for it with these variables changed."""
    shutil.copytree(refreshed[0].home, tmp_path / "home", symlinks=True)

    def settings(**changed: str) -> Settings:
        base = {**sandbox.env(), "CXMARTS_HOME": str(tmp_path / "home"), "CXMARTS_AS_OF": NOW.isoformat()}
        return load({**base, **changed})

    return settings
