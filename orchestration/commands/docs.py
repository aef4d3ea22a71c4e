"""dbt's documentation of the project, with the columns that this warehouse has."""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingestion.errors import ExpectedError
from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from orchestration.ground.settings import Settings
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import Project, RunParameters

PAGE = "dbt_docs.html"


class DocsError(ExpectedError):
    """There is nothing to document; the message says what to do."""


def write(settings: Settings) -> Path:
    """Write the page into the home, where only its owner reads it. The warehouse is only read.

    Returns:
        The page: one file, which asks nobody for anything.

    Raises:
        DocsError: no warehouse was built yet.
        BusyError: something else has the warehouse.
        DbtError: dbt cannot read it.
    """
    home = Home(settings.home)
    if not home.warehouse.exists():
        raise DocsError("there is no warehouse yet; run `cxmarts refresh`")
    home.create()
    with exclusive(home.lock, "writing dbt's documentation"):
        try:
            with control_tables.connect(home.warehouse, read_only=True) as con:
                instants = control_tables.instants(con)
        except duckdb.Error as error:
            raise DocsError(f"{home.warehouse} cannot be read ({error}); run `cxmarts refresh`") from error
        if not instants:
            raise DocsError("nothing was built in the warehouse yet; run `cxmarts refresh`")
        parameters = RunParameters(
            warehouse=home.warehouse,
            landing=home.landing,
            as_of=max(instants),
            build_id="docs",
            timezone=settings.timezone,
            memory_limit=settings.memory_limit,
            is_restricted=settings.is_restricted,
        )
        Project(home, settings.rules).prepare().document(parameters, home.root / PAGE)
    return home.root / PAGE
