"""What the machine does to a home is said once, with the way out; the errors are real ones."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ground.home import Home
from orchestration.ground.mishaps import HomeError, explain, open_store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def said(action: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:
        action()
    return f"{type(caught.value).__name__}: {caught.value}"


def warehouse(home: Home) -> Path:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("CREATE TABLE t AS SELECT range AS n FROM range(1000000)")
    return home.warehouse


def read(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("SELECT sum(n) FROM t").fetchall()


@pytest.mark.parametrize("damage", ["cut", "overwritten", "garbage"])
def test_a_damaged_warehouse(home: Home, damage: str) -> None:
    path = warehouse(home)
    size = path.stat().st_size
    if damage == "cut":
        os.truncate(path, size // 2)
    elif damage == "garbage":
        path.write_bytes(b"garbage" * 5000)
    else:
        with path.open("r+b") as file:
            file.seek(size // 4)
            file.write(os.urandom(size // 2))
    told = explain(said(lambda: read(path)), home)
    assert told is not None
    assert f"remove {home.warehouse}; the next refresh rebuilds it from the landing" in told
    assert "\n" not in told


def test_a_warehouse_that_is_open_elsewhere(home: Home) -> None:
    path = warehouse(home)
    script = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = explain(said(lambda: read(path)), home)
    assert told is not None
    assert f"PID {holder.pid}" in told
    assert "Close the program" in told


@pytest.mark.parametrize(
    ("room", "advice"),
    [("landing", "run `cxmarts refetch`"), ("published", "`cxmarts rollback`")],
)
def test_a_damaged_parquet_file(home: Home, room: str, advice: str) -> None:
    path = home.root / room / "some.parquet"
    pq.write_table(pa.table({"n": range(10000)}), path)
    os.truncate(path, path.stat().st_size // 2)
    told = explain(said(lambda: duckdb.read_parquet(str(path)).fetchall()), home)
    assert told is not None
    assert advice in told
    assert str(path) in told


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_damaged_verdicts(home: Home, damage: str) -> None:
    with open_store(home):
        pass
    if damage == "cut":
        os.truncate(home.control, 5000)
    else:
        home.control.write_bytes(b"garbage" * 5000)
    with pytest.raises(HomeError, match=r"is damaged .*: move it away"), open_store(home) as store:
        store.verdicts()


def test_a_damaged_history_of_runs(home: Home) -> None:
    path = home.dagster / "runs.db"
    path.write_bytes(b"garbage" * 5000)
    told = explain(said(lambda: sqlite3.connect(path).execute("SELECT 1 FROM runs")), home)
    assert told is not None
    assert f"remove {home.dagster}; only the history of runs is lost" in told


def full(home: Home) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        (home.root / "file").write_bytes(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk(home: Home) -> None:
    told = explain(said(lambda: full(home)), home)
    assert told is not None
    assert told.startswith(f"Cannot write below {home.root}: ")
    assert "Free space there" in told


def test_lost_rights(home: Home) -> None:
    """An error of the kernel in a home, and one elsewhere, which is not the home's."""
    for place in (home.root, home.root.parent):
        text = f"PermissionError: [Errno 13] Permission denied: '{place}/file'"
        told = explain(text, home)
        assert (told is not None) == (place == home.root)
    told = explain("OperationalError: (sqlite3.OperationalError) attempt to write a readonly database", home)
    assert told is not None
    assert "Give the user that runs cxmarts the right" in told


@pytest.mark.parametrize(
    "text",
    ["KeyError: 'x'", "marts gate, tickets: 3 rows ...", "Cannot write below /x: No space left. Free space"],
)
def test_other_errors_are_left_alone(home: Home, text: str) -> None:
    assert explain(text, home) is None
