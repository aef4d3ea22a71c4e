"""The commands as people run them: separate processes, real HTTP, real files."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.locking import exclusive
from sandbox.server import Sandbox
from tests import parsed

CXMARTS = Path(sys.executable).with_name("cxmarts")
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(tickets=100, now=NOW, days=45) as served:
        yield served


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of this process's variables; the code is this checkout's, whatever else is installed."""
    return {"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": str(parsed.ROOT), **more}


def run(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A command in a folder, with the given variables only."""
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [CXMARTS, *arguments],
        cwd=folder,
        env=environment(folder, **environ),
        capture_output=True,
        text=True,
        timeout=300,
    )


def variables(sandbox: Sandbox, **changed: str) -> dict[str, str]:
    return {**sandbox.env(), "CXMARTS_AS_OF": NOW.isoformat(), **changed}


def new_folder(folder: Path) -> Path:
    """A folder to run in, in which the dbt project is parsed already; the demo starts from nothing."""
    (folder / ".cxmarts").mkdir(mode=0o700)
    shutil.copytree(parsed.project().folder, folder / ".cxmarts" / "dbt")
    return folder


@pytest.fixture(scope="module")
def first(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after its first refresh. Read only: copy it to change it."""
    folder = new_folder(tmp_path_factory.mktemp("first"))
    done = run(folder, "refresh", "--json", **variables(sandbox))
    assert done.returncode == 0, done.stderr
    (folder / "said.json").write_text(done.stdout.splitlines()[-1])
    return folder


def hashes(folder: Path) -> dict[str, str]:
    manifest = json.loads((folder / ".cxmarts" / "published" / "current" / "manifest.json").read_text())
    return {name: mart["content_hash"] for name, mart in manifest["marts"].items() if name != "publication"}


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def test_refresh_says_what_it_did(first: Path) -> None:
    said: dict[str, Any] = json.loads((first / "said.json").read_text())
    assert said["published"] is True
    assert said["requests"] > 10
    assert said["rows"]["tickets"] > 50
    assert said["as_of"] == "2026-03-02T06:00:00+00:00"
    assert Path(said["path"]).resolve() == (first / ".cxmarts" / "published" / "current").resolve()
    assert (first / ".cxmarts").stat().st_mode & 0o777 == 0o700


def test_the_lists(copy: Path, sandbox: Sandbox) -> None:
    version = json.loads((copy / "said.json").read_text())["version"]
    listed = run(copy, "publications").stdout
    assert listed.startswith(f"current {version}  as of 2026-03-02 06:00:00Z")
    assert run(copy, "batches").stdout.startswith("No batch is held or waived")
    card = run(copy, "scorecard").stdout
    assert "CSAT" in card
    assert "First response" in card
    refused = run(copy, "rollback", "20200101T000000000000Z-abcdef")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there is no version" in refused.stderr
    assert run(copy, "refetch", "zendesk/nothing", **variables(sandbox)).stderr.startswith(
        "cxmarts: zendesk has no stream 'nothing'; it has tickets, "
    )
    again = run(copy, "refetch", "zendesk/groups", **variables(sandbox))
    assert again.stdout == "zendesk/groups: the next refresh reads it again\n"


def test_the_doctor(copy: Path, sandbox: Sandbox) -> None:
    good = run(copy, "doctor", **variables(sandbox))
    assert good.returncode == 0, good.stdout
    assert "zendesk: tickets" in good.stdout
    bad = run(copy, "doctor", **variables(sandbox, ZENDESK_API_TOKEN="wrong"))
    assert bad.returncode == 1
    assert "ZENDESK_API_TOKEN" in bad.stdout
    assert "wrong" not in bad.stdout.replace("wrong credentials", "")


def test_wrong_credentials_are_one_message(copy: Path, sandbox: Sandbox) -> None:
    before = hashes(copy)
    done = run(copy, "refresh", **variables(sandbox, ZENDESK_API_TOKEN="not-the-token"))
    assert done.returncode == 1
    assert "not published, the published marts stay as they were" in done.stderr
    assert "ZENDESK_API_TOKEN" in done.stderr
    assert "not-the-token" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert hashes(copy) == before


def test_settings_are_refused_before_anything_starts(tmp_path: Path) -> None:
    done = run(tmp_path, "refresh", CXMARTS_HOEM="x", ZENDESK_URL="https://x.zendesk.com")
    assert done.returncode == 2
    assert "CXMARTS_HOEM: is no known setting" in done.stderr
    assert "ZENDESK_EMAIL, ZENDESK_API_TOKEN: missing" in done.stderr
    assert not (tmp_path / ".cxmarts").exists()


def test_without_a_source_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "refresh")
    assert done.returncode == 1
    assert "no source is configured" in done.stderr
    assert "nothing is published" in done.stderr


def test_a_second_refresh_is_told_who_runs(copy: Path, sandbox: Sandbox) -> None:
    with exclusive(copy / ".cxmarts" / "warehouse.lock", "run 1234 of job nightly"):
        done = run(copy, "refresh", **variables(sandbox))
    assert done.returncode == 3
    assert f"is in use by process {os.getpid()} (run 1234 of job nightly)" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def start(folder: Path, sandbox: Sandbox) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [CXMARTS, "refresh"],
        cwd=folder,
        env=environment(folder, **variables(sandbox)),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_refresh_loses_nothing(first: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """kill -9 in one phase after the other: nothing half published, and the next refresh ends the same."""
    folder = new_folder(tmp_path)
    published = folder / ".cxmarts" / "published"
    for finished in ("Starting", "Gate 2", "Gate 3"):
        process = start(folder, sandbox)
        assert process.stderr is not None
        for line in process.stderr:
            if finished in line:
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL
        assert not (published / "current").exists()
    done = run(folder, "refresh", **variables(sandbox))
    assert done.returncode == 0, done.stderr
    assert hashes(folder) == hashes(first)
    assert [p.name for p in (published / "versions").iterdir() if p.name.startswith(".")] == []


def test_terminated_is_a_clear_end(sandbox: Sandbox, tmp_path: Path) -> None:
    process = start(new_folder(tmp_path), sandbox)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "Landing" in line:
            process.terminate()
    assert process.wait() == 130
    assert "interrupted; nothing was published" in said
    assert "Traceback" not in said


def test_changed_definitions_and_targets_show(copy: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """Of two formulas told in other words one has a new version; the other one is warned of."""
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (parsed.ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv").read_text()
    for old, new in (
        (',0,1,"100 x positive answers', ',0,2,"100 x happy answers'),
        ('"percent promoters (9-10)', '"per cent promoters (9-10)'),
    ):
        assert old in text
        text = text.replace(old, new)
    (rules / "kpi_definitions.csv").write_text(text)
    (rules / "kpi_targets.csv").write_text(
        "kpi,dimension,member,target,direction,source,valid_from,valid_to\ncsat,,,99,,the board,,\n"
    )
    before = json.loads((copy / ".cxmarts" / "published" / "current" / "manifest.json").read_text())
    assert run(copy, "refresh", **variables(sandbox, CXMARTS_RULES=str(rules))).returncode == 0
    current = copy / ".cxmarts" / "published" / "current"
    journal = duckdb.sql(
        "SELECT key, column_name, before, after, cause, before_version"
        f" FROM '{current}/marts/restatements.parquet' WHERE mart = 'kpi_definitions' ORDER BY key"
    ).fetchall()
    assert journal == [
        ("csat", "definition_version", 1, 2, "rules", before["version"]),
        ("nps", "definition", 1, 1, "rules", before["version"]),
    ]
    manifest = json.loads((current / "manifest.json").read_text())
    assert manifest["definition_versions"]["kpi_csat"] == ["2"]
    assert manifest["definitions"]["csat"]["definition"].startswith("100 x happy answers")
    [warning] = [
        result
        for result in manifest["gate_results"]
        if result["expectation"] == "changed_definitions_have_a_new_version"
    ]
    assert (warning["severity"], warning["outcome"]) == ("warning", "failed")
    assert "nps" in warning["message"]
    assert "Raise definition_version" in warning["message"]
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        [(comment, version)] = con.execute(
            "SELECT comment, (SELECT definition_version FROM kpi_definitions WHERE kpi = 'csat')"
            " FROM duckdb_columns() WHERE table_name = 'kpi_csat' AND column_name = 'csat_pct'"
        ).fetchall()
    assert "csat, version 2: 100 x happy answers" in comment
    assert version == 2
    card = run(copy, "scorecard").stdout
    assert "target" in card
    assert "99.0 %" in card


def test_the_demo_twice(tmp_path: Path) -> None:
    """From nothing to a scorecard; the second time only what changed is fetched."""
    once = run(tmp_path, "demo", "--tickets", "100")
    assert once.returncode == 0, once.stderr
    assert "Scorecard" in once.stdout
    assert "Where to look next" in once.stdout
    landed = len(list((tmp_path / ".cxmarts" / "landing").rglob("*.parquet")))
    twice = run(tmp_path, "demo")
    assert twice.returncode == 0, twice.stderr
    more = list((tmp_path / ".cxmarts" / "landing").rglob("*.parquet"))[landed:]
    rows = sum(duckdb.read_parquet([str(path)]).count("*").fetchall()[0][0] for path in more)
    assert rows < 500
    refused = run(tmp_path, "refresh", ZENDESK_URL="https://x.zendesk.com", ZENDESK_OAUTH_TOKEN="t")
    assert refused.returncode == 1
    assert "holds the demo's data" in refused.stderr
