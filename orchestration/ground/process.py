"""What libraries read from the environment of the process that they run in."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.sql import quoted_text

if TYPE_CHECKING:
    import duckdb

# Nothing but the sources may be called: every library's own telemetry stays off.
QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_EVENT_BATCH_SIZE": "200",
}


def prepare_process(settings: Settings, home: Home) -> None:
    """Set what libraries read from the environment of this process, and make the home private."""
    home.create().make_private()
    os.environ.update(QUIET, DAGSTER_HOME=str(home.dagster), CXMARTS_MEMORY_LIMIT=settings.memory_limit)
    if settings.ca_file:
        os.environ["SSL_CERT_FILE"] = str(settings.ca_file)


def limit_memory(con: duckdb.DuckDBPyConnection) -> None:
    """Hold a connection to the memory that the settings give DuckDB; by itself it takes most there is."""
    limit = os.environ.get("CXMARTS_MEMORY_LIMIT") or Settings.memory_limit
    con.execute(f"SET memory_limit = {quoted_text(limit)}")


def give_back_memory() -> None:
    """Return to the system what Arrow and the C library keep, such as the rows that a gate has judged."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    # The GNU C library's alone.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
