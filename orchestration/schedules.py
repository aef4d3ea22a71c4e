"""When the nightly refresh runs."""

import dagster as dg

from orchestration.assets.landing import RETRIES_TAG
from orchestration.ground.settings import Settings
from orchestration.jobs import nightly


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every night at 02:00 of the business zone; on by itself once a source is configured.

    A scheduled run may wait for a vendor that fails for the moment; one started by hand tells at once.
    """
    is_configured = bool(settings.sources or settings.files)
    return dg.ScheduleDefinition(
        name="nightly",
        job=nightly,
        description="Every night; fetching waits and tries again where a vendor fails for the moment.",
        cron_schedule="0 2 * * *",
        execution_timezone=settings.timezone,
        tags={RETRIES_TAG: "3"},
        default_status=dg.DefaultScheduleStatus.RUNNING
        if is_configured
        else dg.DefaultScheduleStatus.STOPPED,
    )
