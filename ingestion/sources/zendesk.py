"""Zendesk Support: what is read, and how; after the API reference of incremental exports and SLAs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.erasing import Personal
from ingestion.http import checked_secret, checked_url
from ingestion.landed import ulid_time
from ingestion.landing import Landing
from ingestion.paging import SECOND, CursorExport, CursorList, CursorWindow, TimeExport
from ingestion.records import Known, microseconds
from ingestion.revisiting import DAY, Revisits
from ingestion.streams import Deletion, Get, Partitions, Source, Stream
from ingestion.vendors import START_AT, Variable, Vendor

NAME = "zendesk"
TICKET_COUNTS = "ticket_counts"


def source(
    name: str,
    url: str,
    *,
    email: str = "",
    api_token: str = "",
    oauth_token: str = "",
    start_at: datetime | None = None,
) -> Source:
    """A Zendesk account.

    Args:
        name: Instance name; `zendesk` for the first account.
        url: `https://<subdomain>.zendesk.com`.
        email: User of the API token; needs an administrator.
        api_token: API token.
        oauth_token: OAuth access token, in place of email and API token.
        start_at: Earliest change to fetch first; None for the whole history.

    Raises:
        PermanentError: the URL or the credentials cannot be sent.
    """
    variables = VENDOR.names("URL", "EMAIL", "API_TOKEN", "OAUTH_TOKEN", account=name)
    if oauth_token:
        authorization = f"Bearer {checked_secret(oauth_token, variables[3])}"
    else:
        login = f"{checked_secret(email, variables[1])}/token:{checked_secret(api_token, variables[2])}"
        authorization = f"Basic {b64encode(login.encode()).decode()}"
    return Source(
        name=name,
        vendor=NAME,
        url=checked_url(url, variables[0]).removesuffix("/api/v2"),
        # Who begins later has fewer tickets than there are.
        streams=tuple(s for s in STREAMS if start_at is None or s.name != TICKET_COUNTS),
        headers={"Authorization": authorization},
        variables=variables,
        start_at=start_at,
    )


class _Holidays(msgspec.Struct):
    holidays: msgspec.Raw


def _with_holidays(get: Get, schedule_id: str, schedule: bytes) -> bytes:
    path = f"/api/v2/business_hours/schedules/{quote(schedule_id, safe='')}/holidays.json"
    holidays = get(path, msgspec.json.Decoder(_Holidays).decode).holidays
    return b'{"schedule": ' + schedule + b', "holidays": ' + bytes(holidays) + b"}"


class _Count(msgspec.Struct):
    value: msgspec.Raw


def _value_alone(_get: Get, _name: str, count: bytes) -> bytes:
    """A count that is the same at a later time is no news."""
    with suppress(msgspec.DecodeError):
        return b'{"value": ' + bytes(msgspec.json.decode(count, type=_Count).value) + b"}"
    return count


class _Holiday(msgspec.Struct):
    start_date: date
    end_date: date


class _Schedule(msgspec.Struct):
    holidays: list[msgspec.Raw] = []


def holidays(landing: Landing, name: str) -> dict[str, list[tuple[date, date]]]:
    """The holidays of an account's schedules, as they landed last: first and last local date.

    What cannot be read is left out: the gates say so.
    """
    found: dict[str, list[tuple[date, date]]] = {}
    for record_id, landed in Known.read(landing, name, "schedules").records.items():
        if isinstance(record_id, str) and not landed.deleted:
            with suppress(msgspec.DecodeError):
                found[record_id] = list(_periods(msgspec.json.decode(landed.payload, type=_Schedule)))
    return found


def _periods(schedule: _Schedule) -> Iterator[tuple[date, date]]:
    for raw in schedule.holidays:
        with suppress(msgspec.DecodeError):
            holiday = msgspec.json.decode(raw, type=_Holiday)
            yield holiday.start_date, holiday.end_date


def _fills(landing: Landing, name: str, failed: frozenset[str]) -> Partitions:
    """Tickets whose audits stand in for the seconds that the ticket events stepped over.

    The export gives one page of such a second. Its tickets are filled, and those that landed with a change
    in that second: in the ticket's `generated_timestamp`, `created_at` or `updated_at`, or in a metric
    event. A ticket that changed then without a metric event, and again before it was exported, is not found.
    """
    events = landing.latest(name, "ticket_events")
    skipped = events.cursors.get("", {}).get("skipped", []) if events else []
    fills = landing.latest(name, "ticket_audits")
    through = fills.cursors.get("", {}).get("through", -1) if fills else -1
    pending = [skip for skip in skipped if skip["second"] > through]
    if not pending:
        return Partitions([])
    tickets = {ticket for skip in pending for ticket in skip["ticket_ids"]}
    tickets |= _changed_in(landing, name, {skip["second"] for skip in pending})
    is_complete = failed.isdisjoint(("tickets", "ticket_events", "ticket_metric_events"))
    marker = {"through": max(skip["second"] for skip in pending)} if is_complete else None
    return Partitions(sorted(tickets), marker)


class _Change(msgspec.Struct):
    id: Any = None
    ticket_id: Any = None
    created_at: Any = None
    updated_at: Any = None


def _changed_in(landing: Landing, name: str, seconds: set[int]) -> set[str]:
    """Ids of the tickets that landed with a change in one of these unix seconds."""
    found = set()
    for stream in ("tickets", "ticket_metric_events"):
        for path in landing.batches(name, stream):
            table = pq.read_table(path, columns=["changed_at", "payload"])
            changes = _decode_changes(table["payload"].to_pylist())
            clocks = (
                table["changed_at"].cast(pa.int64()).to_pylist(),
                microseconds([change.created_at for change in changes]),
                microseconds([change.updated_at for change in changes]),
            )
            for change, *times in zip(changes, *clocks, strict=True):
                ticket = change.id if stream == "tickets" else change.ticket_id
                if ticket is not None and any(at is not None and at // SECOND in seconds for at in times):
                    found.add(str(ticket))
    return found


def _decode_changes(payloads: Iterable[str]) -> list[_Change]:
    decoder = msgspec.json.Decoder(_Change)
    changes = []
    for payload in payloads:
        try:
            changes.append(decoder.decode(payload))
        except msgspec.ValidationError:
            changes.append(_Change())
    return changes


class _Dated(msgspec.Struct):
    updated_at: Any = None


class _SurveyResponse(msgspec.Struct):
    id: str = ""
    answers: list[_Dated] = []


class _About(msgspec.Struct):
    subject_zrns: list[str] = []


_survey_response = msgspec.json.Decoder(_SurveyResponse)


def _answered_or_sent(record: bytes) -> int | None:
    """The latest change of a survey response's answers; of one without answers, when it was sent."""
    try:
        response = _survey_response.decode(record)
    except msgspec.ValidationError:
        return None
    changes = [
        at for at in microseconds([answer.updated_at for answer in response.answers]) if at is not None
    ]
    return max(changes, default=ulid_time(response.id))


def _sent(record: bytes) -> int | None:
    """When a survey response was sent."""
    with suppress(msgspec.ValidationError):
        return ulid_time(_survey_response.decode(record).id) or _answered_or_sent(record)
    return None


def _ticket_of(response: bytes) -> tuple[str, str] | None:
    """Name and id of the ticket that a survey response is about."""
    with suppress(msgspec.DecodeError):
        for zrn in msgspec.json.decode(response, type=_About).subject_zrns:
            kind, _, ticket = zrn.rpartition(":")
            if kind.endswith(":ticket"):
                return zrn, ticket
    return None


def _is_true(value: Any) -> bool:
    return value is True


#: Incremental exports allow few requests a minute, so the largest pages; none of them costs one per ticket.
#: Those of tickets and of their events leave out what AI agents handle, unless asked for all.
STREAMS = (
    Stream(
        "tickets",
        "/api/v2/incremental/tickets/cursor.json",
        "tickets",
        CursorExport(),
        params={"include": "metric_sets", "support_type_scope": "all"},
        clock="generated_timestamp",
        deletion=Deletion("status", lambda status: status == "deleted"),
        spec_version=2,
    ),
    Stream(
        "ticket_events",
        "/api/v2/incremental/ticket_events.json",
        "ticket_events",
        TimeExport("step_over"),
        params={"include": "comment_events", "support_type_scope": "all"},
        clock="timestamp",
        spec_version=2,
    ),
    Stream(
        "ticket_metric_events",
        "/api/v2/incremental/ticket_metric_events.json",
        "ticket_metric_events",
        TimeExport("cursor"),
        clock="time",
        deletion=Deletion("deleted", _is_true),
    ),
    Stream(
        "users",
        "/api/v2/incremental/users/cursor.json",
        "users",
        CursorExport(),
        deletion=Deletion("active", lambda active: active is False),
    ),
    Stream(
        "organizations",
        "/api/v2/incremental/organizations.json",
        "organizations",
        TimeExport("fail"),
        deletion=Deletion("deleted_at", lambda at: at is not None),
    ),
    Stream(
        "satisfaction_ratings",
        "/api/v2/satisfaction_ratings.json",
        "satisfaction_ratings",
        CursorWindow(),
        optional=True,
    ),
    # The successor of the ratings. It lists what was sent, answered or not, and filters by that time, the
    # ticket or the customer. An answer may change for 28 days; the ticket changes with it. More than 50 a
    # page is refused.
    Stream(
        "survey_responses",
        "/api/v2/guide/survey_responses",
        "survey_responses",
        CursorWindow(
            size=50,
            order=_sent,
            since_param="filter[created_at_start]",
            per_second=1000,
            overlap=timedelta(hours=1),
        ),
        params={"sort": "id"},
        clock=_answered_or_sent,
        after=("tickets",),
        optional=True,
        revisits=Revisits(
            lifetime=28 * DAY + 3_600_000,
            subjects="tickets",
            subject_of=_ticket_of,
            since="filter[created_at_start]",
            until="filter[created_at_end]",
            about="filter[subject_zrns]",
            size=50,
        ),
    ),
    # Their definitions: a scale stands only here.
    Stream(
        "surveys",
        "/api/v2/guide/en-us/surveys",
        "surveys",
        CursorList(size=50),
        is_list=True,
        optional=True,
    ),
    Stream(
        "groups",
        "/api/v2/groups.json",
        "groups",
        CursorList(),
        params={"exclude_deleted": "false"},
        deletion=Deletion("deleted", _is_true),
        is_list=True,
    ),
    Stream(
        "brands",
        "/api/v2/brands.json",
        "brands",
        CursorList(),
        deletion=Deletion("is_deleted", _is_true),
        is_list=True,
    ),
    Stream("ticket_fields", "/api/v2/ticket_fields.json", "ticket_fields", CursorList(), is_list=True),
    Stream(
        "sla_policies",
        "/api/v2/slas/policies.json",
        "sla_policies",
        CursorList(),
        is_list=True,
        optional=True,
    ),
    Stream(
        "schedules",
        "/api/v2/business_hours/schedules.json",
        "schedules",
        CursorList(),
        detail=_with_holidays,
        is_list=True,
        optional=True,
    ),
    # How many tickets the vendor counts itself; no time of the count while it counts more than 100,000 anew.
    Stream(
        TICKET_COUNTS,
        "/api/v2/tickets/count.json",
        "count",
        CursorList(),
        record_id="tickets",
        clock="refreshed_at",
        detail=_value_alone,
        is_list=True,
        optional=True,
    ),
    Stream(
        "ticket_audits",
        "/api/v2/tickets/{partition}/audits.json",
        "audits",
        CursorList(),
        clock="created_at",
        partitions=_fills,
        after=("tickets", "ticket_events", "ticket_metric_events"),
        missing_ok=True,
    ),
)

_OWNERS = frozenset({"requester_id", "author_id", "updater_id", "responder_id", "user_id"})
_WORDS = {
    "status",
    "priority",
    "type",
    "event_type",
    "field_name",
    "score",
    "reason",
    "reason_code",
    "rel",
    "via",
}
_WORDS |= {
    "channel",
    "support_type",
    "role",
    "tags",
    "added_tags",
    "removed_tags",
    "sub_type",
    "rating_category",
}
_IMPERSONAL = {
    "ticket_metric_events",
    "surveys",
    "groups",
    "brands",
    "ticket_fields",
    "sla_policies",
    "schedules",
}
PERSONAL = Personal(
    people=_OWNERS
    | {"submitter_id", "assignee_id", "actor_id", "collaborator_ids", "follower_ids", "email_cc_ids"},
    owners=_OWNERS,
    kept=frozenset(_WORDS),
    whole=frozenset({"organization_fields"}),
    emptied=frozenset({"metadata", "system", "user_fields"}),
    users=frozenset({"users"}),
    organizations="organizations",
    nothing_personal=frozenset(_IMPERSONAL | {TICKET_COUNTS}),
    removable=frozenset({"tickets", "satisfaction_ratings", "survey_responses"}),
)

VENDOR = Vendor(
    NAME,
    "Zendesk Support",
    (
        Variable("URL", "`https://<subdomain>.zendesk.com`", "url", example="https://example.zendesk.com"),
        Variable("EMAIL", "an administrator's address"),
        Variable("API_TOKEN", "that administrator's API token", "secret"),
        Variable("OAUTH_TOKEN", "an OAuth token, instead of the two", "secret"),
        START_AT,
    ),
    ways=(("URL", "EMAIL", "API_TOKEN"), ("URL", "OAUTH_TOKEN")),
    source=source,
    holidays=holidays,
    personal=PERSONAL,
)
