"""What calls out: runs that fail, checks that fail in runs that do not, and customers to contact."""

import dagster as dg

from orchestration.causes import causes, events, warnings
from orchestration.ground.alerts import Alerts
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.publication.follow_ups import hand_over
from orchestration.publication.publish import current
from orchestration.resources import VERSION_TAG


def alert_sensors(settings: Settings, home: Home) -> list[dg.SensorDefinition]:
    """The run-failure and the check-failure sensor; on by themselves once a webhook is set."""
    alerts = Alerts(home.alerts, settings)
    status = dg.DefaultSensorStatus.RUNNING if settings.webhook_url else dg.DefaultSensorStatus.STOPPED
    idle = dg.SkipReason("CXMARTS_WEBHOOK_URL is not set")

    @dg.run_failure_sensor(
        name="run_failures",
        description="Tells the webhook why a run failed.",
        monitor_all_code_locations=True,
        default_status=status,
    )
    def run_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        if settings.webhook_url is None:
            return idle
        run = context.dagster_run
        why = causes(events(context.instance, run.run_id), home)
        version = run.tags.get(VERSION_TAG, "none")
        told = alerts.failed(run.job_name, run.run_id, why, "" if version == "none" else version)
        return None if told else dg.SkipReason("told already")

    @dg.run_status_sensor(
        name="check_failures",
        run_status=dg.DagsterRunStatus.SUCCESS,
        description="Tells the webhook which checks failed in a run that succeeded.",
        monitor_all_code_locations=True,
        default_status=status,
    )
    def check_failures(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        if settings.webhook_url is None:
            return idle
        run = context.dagster_run
        told = alerts.warned(run.job_name, run.run_id, warnings(events(context.instance, run.run_id)))
        return None if told else dg.SkipReason("no check failed that was not told already")

    return [run_failures, check_failures]


def follow_up_sensor(settings: Settings, home: Home) -> dg.SensorDefinition:
    """The sensor that hands new follow-ups on; on by itself once CXMARTS_FOLLOW_UP_URL is set."""

    @dg.sensor(
        name="follow_ups",
        description="Hands customers to contact, of each publication the new ones, to CXMARTS_FOLLOW_UP_URL.",
        minimum_interval_seconds=60,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if settings.follow_up_url else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def follow_ups(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        published = current(home.published)
        if settings.follow_up_url is None:
            return dg.SkipReason("CXMARTS_FOLLOW_UP_URL is not set")
        if published is None or published.version == context.cursor:
            return dg.SkipReason("nothing new is published")
        handed = hand_over(published, settings.follow_up_url, home.root / "follow_ups.json")
        context.update_cursor(published.version)
        return dg.SkipReason(f"handed over {handed} follow-ups of {published.version}")

    return follow_ups
