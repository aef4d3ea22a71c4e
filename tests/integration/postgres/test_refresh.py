"""A refresh with CXMARTS_POSTGRES_URL: the server is away first, then every mart is there as in Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.publication import publish
from sandbox.server import Sandbox
from tests import homes
from tests.postgres import Server, connect, rows, server


@pytest.fixture
def running() -> Iterator[Server]:
    with server() as found:
        yield found


@pytest.mark.slow
def test_the_files_are_published_and_the_database_catches_up(
    running: Server, copy: Path, sandbox: Sandbox
) -> None:
    url = running.new_database("marts")
    given = homes.variables(sandbox, CXMARTS_POSTGRES_URL=url)
    home = Home(copy / ".cxmarts")
    before = publish.current(home.published)
    running.stop()

    failed = homes.run(copy, "refresh", **given)
    after = publish.current(home.published)
    assert before and after
    assert failed.returncode == 1
    assert after.version > before.version, "the files are published"
    assert f"cxmarts: published {after.version}, but what follows failed" in failed.stderr
    assert "What to do: see that the server runs" in failed.stderr
    assert "p@ss" not in failed.stderr + failed.stdout
    history = b"".join(path.read_bytes() for path in home.dagster.rglob("*") if path.is_file())
    assert b"was not loaded" in history
    assert b"p%40ss" not in history
    assert b"p@ss" not in history

    running.start()
    assert "the next refresh catches up" in homes.run(copy, "doctor", **given).stdout
    assert homes.run(copy, "rollback", before.version, **given).returncode == 0
    for found in (before, after):
        done = homes.run(copy, "rollback", found.version, **given)
        assert done.returncode == 0, done.stderr
        with connect(url) as con:
            assert rows(con, "SELECT version FROM cxmarts.loaded_version") == [(found.version,)]
            for mart in found.manifest["marts"]:
                listed = ", ".join(
                    f'"{column["name"]}"' for column in found.manifest["marts"][mart]["columns"]
                )
                file = duckdb.read_parquet(str(found.path / "marts" / f"{mart}.parquet"))
                there = rows(con, f'SELECT {listed} FROM cxmarts."{mart}"')
                assert sorted(map(repr, there)) == sorted(map(repr, file.fetchall())), mart
