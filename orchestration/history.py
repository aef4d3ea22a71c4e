"""Dagster's history of runs, kept from growing for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg

from orchestration.storage import EventLog

KEEP = timedelta(days=90)
#: A night's share of the work: what an interrupted month left over is made up for in a few nights.
MOST = 20


def prune(instance: dg.DagsterInstance, now: datetime, keep: timedelta = KEEP) -> list[str]:
    """Delete runs that are older than `keep`, with their events and logs, at most `MOST` at once.

    A run that holds the newest materialization of an asset, or the newest result of a check, stays: the UI
    tells from it how fresh the asset is and whether the check passed.

    Args:
        instance: the instance.
        now: the present time, with zone.
        keep: how long runs stay.

    Returns:
        The ids of the deleted runs.
    """
    log = instance.event_log_storage
    old = instance.get_run_ids(dg.RunsFilter(created_before=now - keep))
    if not old or not isinstance(log, EventLog):
        return []
    newest = log.newest_runs()
    unneeded = [run_id for run_id in old if run_id not in newest][-MOST:]
    for run_id in unneeded:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    return unneeded
