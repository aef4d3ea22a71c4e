"""For the tests of commands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parsed import ROOT
from tests.shell import PROGRAMS, Shell


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    """What the test's mark promises must be run."""
    shell = Shell()
    yield shell
    mark = request.node.get_closest_marker("documents")
    assert shell.ran == set(mark.args if mark else ())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout after `make setup`."""
    folder = tmp_path_factory.mktemp("clone") / "cxmarts"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "logs"))
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(PROGRAMS)
    # By the times of these `make` tells that nothing is left to install.
    for made in (folder / ".venv/installed", folder / "dbt_project/target/parsed/cxmarts_parsed"):
        if made.parent.exists():
            made.touch()
    return folder
