"""What calls out: runs that fail, checks that fail in runs that do not, and customers to contact."""

from collections.abc import Sequence

import dagster as dg

from orchestration.alerts import Alerts
from orchestration.follow_ups import hand_over
from orchestration.home import Home
from orchestration.publish import current
from orchestration.settings import Settings


def alert_sensors(settings: Settings, home: Home) -> list[dg.SensorDefinition]:
    """The run-failure and the check-failure sensor; on by themselves once a webhook is set."""
    alerts = Alerts(home.root / "alerts.json", settings)
    status = dg.DefaultSensorStatus.RUNNING if settings.webhook_url else dg.DefaultSensorStatus.STOPPED
    idle = dg.SkipReason("CXMARTS_WEBHOOK_URL is not set")

    @dg.run_failure_sensor(
        name="run_failures", description="Tells the webhook why a run failed.", default_status=status
    )
    def run_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        if settings.webhook_url is None:
            return idle
        run = context.dagster_run
        reasons = failed_steps(context) + failed_checks(context.instance, run.run_id)
        if not reasons:
            reasons = [
                f"it died with no step failure: {context.failure_event.message or 'no reason given'};"
                " the machine, the process or its memory ended it. Start it again: it goes on from there"
            ]
        told = alerts.send(
            f"{run.job_name}: {reasons[0]}",
            f":red_circle: *{run.job_name}* failed; the published marts stay as they were.\n"
            + _listed(reasons)
            + f"\nrun {run.run_id}",
        )
        return None if told else dg.SkipReason("told already")

    @dg.run_status_sensor(
        name="check_failures",
        run_status=dg.DagsterRunStatus.SUCCESS,
        description="Tells the webhook which checks failed in a run that succeeded.",
        default_status=status,
    )
    def check_failures(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        if settings.webhook_url is None:
            return idle
        reasons = failed_checks(context.instance, context.dagster_run.run_id)
        fresh = [reason for reason in reasons if alerts.send(reason, _warning(reason, context))]
        return None if fresh else dg.SkipReason("no check failed that was not told already")

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


def failed_steps(context: dg.RunFailureSensorContext) -> list[str]:
    """Why each failed step failed, without its stack."""
    reasons = []
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        error = data.error.message.strip() if data.error else ""
        reasons.append(f"step {event.step_key}: {described or error or event.message}")
    return reasons


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The checks that failed in a run, the blocking ones first."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        evaluation = event.asset_check_evaluation_data if event else None
        if evaluation and not evaluation.passed:
            name = f"{evaluation.asset_key.to_user_string()}:{evaluation.check_name}"
            is_error = evaluation.severity == dg.AssetCheckSeverity.ERROR
            text = f"{evaluation.severity.value.lower()} {name}: {evaluation.description or 'failed'}"
            found.append((not is_error, text))
    return [text for _, text in sorted(found)]


def _warning(reason: str, context: dg.RunStatusSensorContext) -> str:
    return f":warning: *{context.dagster_run.job_name}*: {reason}\nrun {context.dagster_run.run_id}"


def _listed(reasons: Sequence[str]) -> str:
    more = f"\n• and {len(reasons) - 10} more" if len(reasons) > 10 else ""
    return "\n".join(f"• {reason}" for reason in reasons[:10]) + more
