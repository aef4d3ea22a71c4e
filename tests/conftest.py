"""For all tests."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests import homes

#: Files of another project than this: copies of it with one thing more.
collect_ignore = ["toys"]

# As the command line does: dbt's and Dagster's objects live long, looking for cycles among them is a waste.
gc.set_threshold(200_000, 50, 100)

#: Memory as a folder: nothing there waits for a disk, and a build writes to it two hundred times.
MEMORY = Path("/dev/shm")
#: What must be free there and in memory. A run of all tests holds a third of it.
ROOM = 12 * 2**30


def _has_room() -> bool:
    meminfo = Path("/proc/meminfo")
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and meminfo.exists()):
        return False
    about = dict(line.split(":") for line in meminfo.read_text().splitlines())
    return min(shutil.disk_usage(MEMORY).free, int(about["MemAvailable"].split()[0]) * 1024) >= ROOM


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory where there is room, and those of tests that passed go."""
    if not (hasattr(config, "workerinput") or config.option.basetemp) and _has_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The small company. Its clock stands still: who moves it takes one of their own."""
    with homes.small_company() as served:
        yield served


@pytest.fixture(scope="session")
def first(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder after its first refresh. Read only."""
    base = tmp_path_factory.getbasetemp()
    return homes.first(base if worker_id == "master" else base.parent, sandbox)


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(first, tmp_path / "copy", symlinks=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for the first refresh goes after what does not, but for the module that makes it."""
    waiting = [item for item in items if "first" in getattr(item, "fixturenames", ())]
    maker = waiting[0].path if waiting else None
    modules = {item.path for item in waiting}

    def place(item: pytest.Item) -> int:
        if item.path == maker:
            return 0
        return 3 if "unit" in item.path.parts else 2 if item.path in modules else 1

    items.sort(key=place)
