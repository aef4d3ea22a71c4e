"""One writer at a time, and a killed one does not keep the others out."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.ground.locking import BusyError, exclusive

HOLDER = """
import sys, time
from pathlib import Path
from orchestration.ground.locking import exclusive
with exclusive(Path(sys.argv[1]), "run 1234 of job nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_told_who_holds_it(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    told = pytest.raises(BusyError, match=rf"process {holder.pid} \(run 1234 of job nightly\) since 20")
    with told, exclusive(tmp_path / "lock", "another"):
        pass


def test_a_killed_holder_frees_it(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with exclusive(tmp_path / "lock", "the next"):
        pass


def test_it_is_free_after_the_block_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), exclusive(tmp_path / "lock", "first"):
        raise ValueError("broken")
    told = pytest.raises(BusyError, match="second")
    with exclusive(tmp_path / "lock", "second"), told, exclusive(tmp_path / "lock", "third"):
        pass


def test_the_lock_file_is_private(tmp_path: Path) -> None:
    with exclusive(tmp_path / "new" / "lock", "x"):
        assert (tmp_path / "new" / "lock").stat().st_mode & 0o777 == 0o600
