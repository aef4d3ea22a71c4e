"""What libraries read from the environment of the process that they run in."""

from __future__ import annotations

import os

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings

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
    os.environ.update(QUIET, DAGSTER_HOME=str(home.dagster))
    if settings.ca_file:
        os.environ["SSL_CERT_FILE"] = str(settings.ca_file)
