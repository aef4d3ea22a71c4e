"""A home is its owner's alone, but for what is published; and no repository takes it in."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.ground.home import Home


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_the_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    assert {path.name: mode(path) for path in home.root.iterdir() if path.is_dir()} == {
        "landing": 0o700,
        "dagster": 0o700,
        "published": 0o755,
    }
    assert mode(home.root) == 0o700
    # So is what comes later, whatever makes it: DuckDB does not let itself be told.
    home.warehouse.write_text("names")
    assert mode(home.warehouse) == 0o600
    assert list(home.exposed()) == []


def test_everything_that_others_may_read_is_found_and_closed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    deep = home.landing / "zendesk" / "tickets" / "2026-01-01" / "batch.parquet"
    deep.parent.mkdir(parents=True)
    for path in (deep, home.warehouse, home.published / "marts.duckdb"):
        path.touch()
        path.chmod(0o644)
    home.dagster.chmod(0o750)
    (home.root / "link").symlink_to("/etc/hostname")
    assert sorted(home.exposed()) == sorted([deep, home.warehouse, home.dagster])
    home.make_private()
    assert list(home.exposed()) == []
    assert (mode(deep), mode(home.dagster), mode(home.published / "marts.duckdb")) == (0o600, 0o700, 0o644)


def test_git_ignores_a_home_of_any_name(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    Home(tmp_path / "any name").create().warehouse.touch()
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, cwd=tmp_path, check=True, capture_output=True).stdout == b""


def test_a_folder_that_is_a_repository_keeps_its_own_rules(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    Home(tmp_path).create()
    assert not (tmp_path / ".gitignore").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".gitignore").write_text("*.log\n")
    Home(tmp_path / "other").create()
    assert (tmp_path / "other" / ".gitignore").read_text() == "*.log\n"
