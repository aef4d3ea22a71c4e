"""The home that was refreshed once, and copies of it, for refreshes in this process."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import http
from orchestration.ground.settings import Settings, load
from orchestration.publication import publish
from orchestration.refresh import Outcome, refresh
from sandbox.server import Sandbox
from tests import homes
from tests.trees import tree


def settings_of(home: Path, sandbox: Sandbox, **changed: str) -> Settings:
    return load({**homes.variables(sandbox), "CXMARTS_HOME": str(home), **changed})


def published(home: Path, sql: str) -> list[Any]:
    """What a query gives on the published marts."""
    current = publish.current(home / "published")
    assert current is not None
    with duckdb.connect(str(current.path / "marts.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def refreshed(first: Path, sandbox: Sandbox) -> tuple[Settings, Outcome]:
    """The settings of the home after its first refresh, and how that ended. Read only: `home` is a copy."""
    told = homes.said(first)
    return settings_of(first / ".cxmarts", sandbox), Outcome(told["published"], told["problems"], told)


@pytest.fixture
def home(copy: Path, sandbox: Sandbox) -> Callable[..., Settings]:
    """A copy of the refreshed home, and settings for it with these variables changed."""
    return lambda **changed: settings_of(copy / ".cxmarts", sandbox, **changed)


@dataclass(frozen=True)
class Night:
    """The second night, on which nothing is published until the last test of a module.

    What follows a failure is thereby also the proof that it was got over. Each test may run alone, too.
    """

    home: Path
    sandbox: Sandbox
    published: dict[str, str]

    def settings(self, **changed: str) -> Settings:
        as_of = homes.NOW + timedelta(days=1)
        return settings_of(self.home, self.sandbox, **{"CXMARTS_AS_OF": as_of.isoformat(), **changed})

    def publish(self, *, is_full: bool = False, **changed: str) -> Outcome:
        """A refresh with these variables, which publishes."""
        try:
            outcome = refresh(self.settings(**changed), is_full=is_full)
        finally:
            self.sandbox.faults.clear()
        assert outcome.problems == []
        assert outcome.published
        self.published.clear()
        self.published.update(tree(self.home / "published"))
        return outcome

    def problems(self, **changed: str) -> list[str]:
        """Why a refresh with these variables fails; the published marts stay byte for byte what they were."""
        try:
            outcome = refresh(self.settings(**changed))
        finally:
            self.sandbox.faults.clear()
        assert not outcome.published
        assert tree(self.home / "published") == self.published
        return outcome.problems


@pytest.fixture(scope="module")
def night(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    home = Path(shutil.copytree(first / ".cxmarts", tmp_path_factory.mktemp("night") / "home", symlinks=True))
    with homes.small_company() as sandbox:
        sandbox.advance(days=1)
        yield Night(home, sandbox, tree(home / "published"))


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are repeated at once."""
    monkeypatch.setattr(http, "BACKOFF_FIRST", 0.0)
