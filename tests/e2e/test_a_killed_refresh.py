"""A home whose first refreshes are killed; and what the refreshes after that give."""

import json
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.publication import publish
from sandbox.server import Sandbox
from tests.homes import hashes, new_folder, run, start, variables

pytestmark = pytest.mark.campaign


def refresh(folder: Path, *options: str, **environ: str) -> dict[str, Any]:
    done = run(folder, "refresh", "--json", *options, **environ)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def current(published: Path) -> publish.Publication:
    found = publish.current(published)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def survivor(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after kill -9 in one phase after the other, and a refresh to the end. Names are asked for."""
    folder = new_folder(tmp_path_factory.mktemp("survivor"))
    with_names = {"CXMARTS_RESTRICTED": "true"}
    for finished in ("Starting", "Gate 2", "Gate 3"):
        process = start(folder, **variables(sandbox, **with_names))
        assert process.stderr is not None
        for line in process.stderr:
            if finished in line:
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL
        for name in ("published", "published_restricted"):
            assert not (folder / ".cxmarts" / name / "current").exists()
        assert list(Home(folder / ".cxmarts").exposed()) == []
    refresh(folder, **variables(sandbox, **with_names))
    return folder / ".cxmarts"


def test_a_killed_refresh_loses_nothing(survivor: Path, first: Path) -> None:
    """Nothing is half published, and the next refresh ends as if nothing had been."""
    found = current(survivor / "published")
    assert hashes(found.path) == hashes(first / ".cxmarts" / "published" / "current")
    assert [p.name for p in found.path.parent.iterdir() if p.name.startswith(".")] == []


def test_names_and_comments_are_published_apart_and_only_when_asked(survivor: Path, first: Path) -> None:
    assert not (first / ".cxmarts" / "published_restricted").exists()
    apart = survivor / "published_restricted"
    assert apart.stat().st_mode & 0o777 == 0o700
    assert list(Home(survivor).exposed()) == []
    found, restricted = current(survivor / "published"), current(apart)
    assert restricted.version == found.version
    with duckdb.connect(str(restricted.path / "marts.duckdb"), read_only=True) as con:
        named = con.execute(
            "SELECT customer_name, customer_email FROM follow_ups_restricted WHERE customer_name IS NOT NULL"
        ).fetchall()
    assert named
    with duckdb.connect(str(found.path / "marts.duckdb"), read_only=True) as con:
        tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "follow_ups" in tables
    assert "follow_ups_restricted" not in tables
    texts = [text.encode() for row in named for text in row if text]
    for file in found.path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert [text for text in texts if text in content] == []


def test_a_full_rebuild_without_news_gives_the_same_marts(survivor: Path, sandbox: Sandbox) -> None:
    """From the landing alone, in a home that was moved; names are no longer asked for and go."""
    before = current(survivor / "published")
    moved = survivor.rename(survivor.parent / "moved")
    with duckdb.connect(str(moved / "warehouse.duckdb")) as con:
        con.execute("DELETE FROM staging.stg_zendesk__tickets")
    said = refresh(moved.parent, "--full", **variables(sandbox, CXMARTS_HOME=str(moved)))
    assert said["landed"] == 0
    after = current(moved / "published")
    assert after.version > before.version
    assert hashes(after.path) == hashes(moved / "published" / "versions" / before.version)
    assert not (moved / "published_restricted").exists()
