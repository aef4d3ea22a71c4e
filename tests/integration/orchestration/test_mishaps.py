"""A home that the machine spoiled: a refresh says what to do, once; then the next one publishes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import definitions
from orchestration.ground.home import Home
from orchestration.ground.locking import BusyError
from orchestration.ground.settings import Settings
from orchestration.publication import publish
from orchestration.refresh import refresh
from sandbox.server import Sandbox
from tests.homes import hashes, run, variables
from tests.trees import tree

from .conftest import settings_of


@pytest.fixture(scope="module")
def spoiled(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that a clock ran ahead in once: its current version holds for a time to come."""
    root = tmp_path_factory.mktemp("spoiled") / "home"
    home = Home(Path(shutil.copytree(first / ".cxmarts", root, symlinks=True)))
    sound = publish.current(home.published)
    assert sound is not None
    ahead = home.published / "versions" / "29990101T000000000000Z-abcdef"
    shutil.copytree(sound.path, ahead)
    manifest = {**sound.manifest, "as_of": "2999-01-01T00:00:00+00:00"}
    (ahead / "manifest.json").write_text(json.dumps(manifest))
    publish.rollback(home.published, ahead.name)
    return home


@pytest.fixture
def night(spoiled: Home, sandbox: Sandbox) -> Callable[..., str]:
    """Why a refresh of that home fails; it changes nothing that is published."""

    def fails(**changed: str) -> str:
        before = tree(spoiled.published)
        outcome = refresh(settings_of(spoiled.root, sandbox, **{"CXMARTS_AS_OF": "", **changed}))
        assert not outcome.published
        assert tree(spoiled.published) == before
        [problem] = outcome.problems
        return problem

    return fails


def test_an_instant_before_the_published_one_that_nobody_asked_for(
    spoiled: Home, night: Callable[..., str], sandbox: Sandbox
) -> None:
    before = len(sandbox.requests)
    problem = night()
    *_, sound = publish.publications(spoiled.published)
    assert problem.startswith("the published numbers hold for 2999-01-01T00:00:00Z, later than this run's 20")
    assert f"`cxmarts rollback {sound.version}`, then `cxmarts refresh`" in problem
    assert len(sandbox.requests) == before


def test_a_torn_manifest(spoiled: Home, night: Callable[..., str]) -> None:
    ahead, sound = publish.publications(spoiled.published)
    os.truncate(ahead.path / "manifest.json", 1000)
    problem = night()
    assert f"{ahead.path} is damaged: its manifest.json cannot be read" in problem
    assert f"`cxmarts rollback {sound.version}`" in problem
    publish.rollback(spoiled.published, sound.version)


def test_a_truncated_warehouse(spoiled: Home, night: Callable[..., str]) -> None:
    os.truncate(spoiled.warehouse, spoiled.warehouse.stat().st_size // 2)
    assert f"remove {spoiled.warehouse}; the next refresh rebuilds it from the landing" in night()
    # As a process leaves it that was killed as it made the file.
    os.truncate(spoiled.warehouse, 0)


def test_garbage_for_verdicts(spoiled: Home, night: Callable[..., str]) -> None:
    spoiled.control.write_bytes(b"garbage" * 5000)
    assert f"{spoiled.control} is damaged (file is not a database): move it away and refresh" in night()
    spoiled.control.unlink()


@pytest.mark.campaign
def test_torn_files_of_the_parsed_project_and_the_ways_out(
    spoiled: Home, sandbox: Sandbox, first: Path
) -> None:
    """After what the messages say to do, the marts are those of a home to which nothing had happened."""
    os.truncate(spoiled.dbt / "target" / "manifest.json", 1000)
    outcome = refresh(settings_of(spoiled.root, sandbox))
    assert outcome.problems == []
    assert outcome.published
    assert hashes(spoiled.published / "current") == hashes(first / ".cxmarts" / "published" / "current")
    assert list(spoiled.exposed()) == []


def test_the_lock_is_held_while_a_refresh_still_loads(
    home: Callable[..., Settings], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home()
    told = []

    def load(*_: object, **__: object) -> None:
        told.append(run(settings.home.parent, "refresh", **variables(sandbox)))
        raise BusyError("stop here")

    monkeypatch.setattr(definitions, "build_definitions", load)
    with pytest.raises(BusyError, match="stop here"):
        refresh(settings)
    [second] = told
    assert second.returncode == 3
    assert f"is in use by process {os.getpid()} (cxmarts refresh)" in second.stderr
