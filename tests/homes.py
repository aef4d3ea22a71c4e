"""A home after its first refresh, made once for all tests: a refresh costs half a minute, a copy nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from sandbox.server import Sandbox
from tests import parsed

#: The instant of the first refresh.
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
CXMARTS = Path(sys.executable).with_name("cxmarts")


def small_company() -> Sandbox:
    """Always the same, seen two hours after NOW: vendors give out what happened only after a while."""
    return Sandbox(tickets=120, now=NOW + timedelta(hours=2), days=60)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of this process's variables; the code is this checkout's, whatever else is installed."""
    return {"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": str(parsed.ROOT), **more}


def variables(sandbox: Sandbox, **changed: str) -> dict[str, str]:
    """The settings of a refresh as of NOW."""
    return {**sandbox.env(), "CXMARTS_AS_OF": NOW.isoformat(), **changed}


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with the given variables only."""
    return subprocess.run(
        [CXMARTS, *arguments],
        cwd=folder,
        env=environment(folder, **environ),
        capture_output=True,
        text=True,
        timeout=300,
    )


def start(folder: Path, **environ: str) -> subprocess.Popen[str]:
    """A refresh that goes on; what it says comes from its stderr."""
    return subprocess.Popen(
        [CXMARTS, "refresh"],
        cwd=folder,
        env=environment(folder, **environ),
        stderr=subprocess.PIPE,
        text=True,
    )


def new_folder(folder: Path) -> Path:
    """A folder to run in, in which the dbt project is parsed already; the demo starts from nothing."""
    (folder / ".cxmarts").mkdir(mode=0o700, parents=True)
    shutil.copytree(parsed.project().folder, folder / ".cxmarts" / "dbt")
    return folder


def first(base: Path, sandbox: Sandbox) -> Path:
    """A folder after its first refresh, one for all workers; `said.json` is what the command said.

    It has been moved since, as people move theirs. Read only: copy it to change it.
    """
    folder, draft = base / "first", base / "draft"
    with exclusive(base / "first.lock", "the first refresh", wait=True):
        if not folder.exists():
            shutil.rmtree(draft, ignore_errors=True)
            done = run(new_folder(draft), "refresh", "--json", **variables(sandbox))
            (draft / "said.json").write_text(done.stdout.splitlines()[-1])
            assert done.returncode == 0, done.stderr
            draft.rename(folder)
            Home(folder / ".cxmarts").create()
    return folder


def said(folder: Path) -> dict[str, Any]:
    """What the first refresh said at its end."""
    return dict(json.loads((folder / "said.json").read_text()))


def hashes(version: Path) -> dict[str, str]:
    """Content hashes of a version's marts, without the one that tells how the last fetch went."""
    manifest = json.loads((version / "manifest.json").read_text())
    return {name: mart["content_hash"] for name, mart in manifest["marts"].items() if name != "publication"}
