"""The ways out of a night that failed: read again, let through, go back; for the command line and the UI.

Each returns what it did, a line each, for people.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import datetime

from ingestion.errors import ExpectedError
from ingestion.extract import refetch as read_again
from ingestion.landing import Landing
from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from orchestration.ground.mishaps import open_store
from orchestration.ground.settings import Settings
from orchestration.ground.sources import sources
from orchestration.publication import publish


class RemedyError(ExpectedError):
    """It cannot be done; nothing was changed."""


def refetch(settings: Settings, target: str, since: datetime | None = None) -> list[str]:
    """Make the next refresh read a source, or `SOURCE/STREAM`, again.

    Raises:
        RemedyError: no such source is configured, or it has no such stream.
        BusyError: a refresh is running.
    """
    known = {source.name: source for source in sources(settings)}
    home = Home(settings.home).create()
    name, _, stream = target.partition("/")
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise RemedyError(f"no source {name!r} is configured; configured: {listed}")
    with exclusive(home.lock, f"refetch {target}"):
        try:
            again = read_again(Landing(home.landing), known[name], stream or None, since)
        except ValueError as error:
            raise RemedyError(str(error)) from None
    nothing = f"{name}: nothing landed yet, the next refresh reads it from the start anyway"
    return [f"{name}/{each}: the next refresh reads it again" for each in again] or [nothing]


def waive(home: Home, batch_ids: Sequence[str], why: str) -> list[str]:
    """Let held batches through; who and why are kept.

    Raises:
        RemedyError: no reason, or a batch that is not held.
    """
    try:
        with open_store(home) as store:
            waived = store.waive(batch_ids, why=why, by=getpass.getuser())
    except (LookupError, ValueError) as error:
        raise RemedyError(str(error).strip("'\"")) from None
    told = [f"waived {batch.source}/{batch.stream} {batch.batch_id}" for batch in waived]
    return [*told, "The next refresh takes them in: `cxmarts refresh`"]


def rollback(settings: Settings, version: str) -> list[str]:
    """Lead readers to an earlier version; what is published apart, and PostgreSQL, follow.

    Raises:
        PublishError: there is no such version.
        LoadError: PostgreSQL could not follow; the files did.
        BusyError: a refresh is running.
    """
    home, told = Home(settings.home), []
    with exclusive(home.lock, f"rollback to {version}"):
        found = publish.rollback(home.published, version)
        if home.published_restricted.exists():
            publish.follow(home.published_restricted, found.version)
        if settings.postgres_url:
            from orchestration.publication import postgres

            if warning := postgres.load(found, settings).warning:
                told.append(warning)
    as_of = f"as of {found.as_of:%Y-%m-%d %H:%M:%S}Z"
    return [*told, f"current is {found.version}, {as_of}; the next refresh publishes anew"]
