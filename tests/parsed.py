"""The dbt project, parsed once for all tests: a parse costs as much as a build."""

from __future__ import annotations

import functools
from pathlib import Path

from orchestration.ground.home import Home
from orchestration.warehouse.dbt import Project

ROOT = Path(__file__).parents[1]


@functools.cache
def project() -> Project:
    """The packaged project as a refresh prepares it, kept for other workers and later runs. Read only."""
    return Project(Home(ROOT / ".pytest_cache" / "cxmarts")).prepare()
