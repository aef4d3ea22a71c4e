"""Commands in a home that cannot be written or is damaged: one message, the right exit code, no stack."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.publication import publish
from sandbox.server import Sandbox
from tests.homes import CXMARTS, environment, run, variables

COMMANDS = ("refresh", "doctor", "batches", "refetch zendesk", "rollback {version}", "ui --port 0")
READING = ("publications", "scorecard")


def told(folder: Path, command: str, sandbox: Sandbox, *prefix: str) -> tuple[int, str]:
    """Exit code of a command and what it said of the home."""
    found = publish.current(folder / ".cxmarts" / "published")
    assert found is not None
    done = subprocess.run(
        [*prefix, CXMARTS, *command.format(version=found.version).split()],
        cwd=folder,
        env=environment(folder, **variables(sandbox)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    home = [line for line in done.stdout.splitlines() if line.startswith("FAIL home")]
    return done.returncode, "\n".join(home) if command == "doctor" else done.stderr.strip()


def test_a_home_that_cannot_be_written(copy: Path, sandbox: Sandbox) -> None:
    prefix: list[str] = []
    if os.geteuid() == 0:
        # Root's capabilities override permissions.
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to prevent it")
        prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    subprocess.run(["chmod", "-R", "u-w", copy / ".cxmarts"], check=True)
    try:
        for command in COMMANDS:
            code, said = told(copy, command, sandbox, *prefix)
            assert code == 1, command
            assert f"Cannot read or write below {copy / '.cxmarts'}: " in said, command
            assert len(said.splitlines()) == 1, command
        assert [told(copy, command, sandbox, *prefix)[0] for command in READING] == [0, 0]
    finally:
        subprocess.run(["chmod", "-R", "u+w", copy / ".cxmarts"], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", folder]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(small_disk: Path, first: Path, sandbox: Sandbox) -> None:
    shutil.copytree(first / ".cxmarts", small_disk / ".cxmarts", symlinks=True)
    with (small_disk / "filling").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while file.write(bytes(4096)) == 4096:
            pass
    for command in COMMANDS:
        code, said = told(small_disk, command, sandbox)
        if command.startswith("rollback"):
            assert code == 0
        else:
            assert code == 1, command
            assert f"Cannot write below {small_disk / '.cxmarts'}: " in said, command
            assert "Free space there" in said, command
            assert len(said.splitlines()) == 1, command


def test_the_doctor_finds_every_damage_and_all_that_others_may_read(copy: Path, sandbox: Sandbox) -> None:
    home = copy / ".cxmarts"
    subprocess.run(["chmod", "-R", "go=", *(path for path in home.iterdir() if path.name != "published")])
    (home / "warehouse.duckdb").chmod(0o644)
    (home / "control.sqlite").write_bytes(b"garbage" * 5000)
    (home / "dagster" / "history" / "runs.db").write_bytes(b"garbage" * 5000)
    os.truncate(home / "warehouse.duckdb", 100_000)
    torn = home / "published" / "versions" / "20200101T000000000000Z-abcdef"
    torn.mkdir()
    done = run(copy, "doctor", **variables(sandbox))
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    wanted = (
        f"permissions: others may read 1 files and folders: chmod -R go= {home / 'warehouse.duckdb'}",
        f"published: {torn} is damaged: it has no manifest.json; remove the folder",
        f"control.sqlite: {home / 'control.sqlite'} is damaged",
        f"remove {home / 'warehouse.duckdb'}; the next refresh rebuilds it",
        f"remove {home / 'dagster'}; only the history of runs is lost",
    )
    assert len(failed) == len(wanted), failed
    for line, text in zip(failed, wanted, strict=True):
        assert text in line
    listed = run(copy, "publications")
    assert listed.returncode == 1
    assert listed.stdout.startswith("current ")
    assert f"cxmarts: {torn} is damaged" in listed.stderr
