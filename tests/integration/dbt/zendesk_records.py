"""Zendesk records in few words: one account's tickets, events, clocks and schedules."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .warehouse import Warehouse

CUSTOMER, AGENT, OTHER_AGENT, SYSTEM = 1, 2, 3, -1
SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = range(7)
NEW_YORK = "Eastern Time (US & Canada)"

OWN_TARGET_COLUMNS = (
    "source,metric,policy,priority,complexity,segment,channel,group_id,"
    "target_minutes,is_business_hours,valid_from,valid_to"
)

Record = dict[str, Any]


def utc(text: str) -> str:
    """`2024-06-04T13:00` (or with Z) as the API writes it."""
    moment = datetime.fromisoformat(text.replace("Z", ""))
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def hours(days: Iterable[int], opens: str, closes: str) -> list[tuple[int, int]]:
    """Weekly intervals in minutes from Sunday 00:00 local."""

    def minutes(clock: str) -> int:
        hour, minute = clock.split(":")
        return int(hour) * 60 + int(minute)

    return [(day * 1440 + minutes(opens), day * 1440 + minutes(closes)) for day in days]


OFFICE = hours(range(MONDAY, SATURDAY), "09:00", "17:00")
ALWAYS = hours(range(7), "00:00", "24:00")


@dataclass
class Happening:
    """One event of a ticket: the children that it carries, when and by whom."""

    at: str
    children: list[Record]
    by: int = AGENT


def change(at: str, by: int = AGENT, **fields: Any) -> Happening:
    """One change per field, in one event."""
    return Happening(at, [{"event_type": "Change", name: value} for name, value in fields.items()], by)


def status(at: str, value: str, by: int = AGENT) -> Happening:
    return change(at, by, status=value)


def comment(at: str, by: int = AGENT, *, public: bool = True, channel: str = "email") -> Happening:
    child = {
        "event_type": "Comment",
        "author_id": by,
        "public": public,
        "body": "text",
        "via": {"channel": channel},
    }
    return Happening(at, [child], by)


def ulid(at: str, name: str) -> str:
    """An id made at a time: ten digits of 32 for the milliseconds, and sixteen for the name."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    milliseconds = int(datetime.fromisoformat(utc(at)).timestamp() * 1000)
    made = "".join(letters[milliseconds >> 5 * place & 31] for place in range(9, -1, -1))
    return made + name.zfill(16)


def assign_schedule(at: str, schedule: int) -> Happening:
    child = {"event_type": "ScheduleAssignment", "previous_schedule_id": None, "new_schedule_id": schedule}
    return Happening(at, [child], SYSTEM)


@dataclass
class Account:
    """One account's records, landed as one source; a customer and two agents are there from the start."""

    source: str
    streams: dict[str, list[Record]] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    def __post_init__(self) -> None:
        self.user(CUSTOMER, "end-user")
        self.user(AGENT, "agent")
        self.user(OTHER_AGENT, "agent")

    def add(self, stream: str, record: Record) -> Record:
        self.streams.setdefault(stream, []).append(record)
        return record

    def user(
        self, user_id: int, role: str, at: str = "2020-01-01T00:00", *, active: bool = True, **fields: Any
    ) -> None:
        created = utc("2020-01-01T00:00")
        self.add(
            "users",
            {
                "id": user_id,
                "role": role,
                "active": active,
                "created_at": created,
                "updated_at": utc(at),
                **fields,
            },
        )

    def schedule(
        self,
        schedule_id: int,
        zone: str,
        intervals: list[tuple[int, int]],
        *,
        holidays: Iterable[str] = (),
        at: str = "2020-01-01T00:00",
        created: str = "2020-01-01T00:00",
        deleted: bool = False,
    ) -> None:
        """One version of a schedule; holidays are single local dates."""
        self.add(
            "schedules",
            {
                "_record_id": schedule_id,
                "_changed": utc(at),
                "_deleted": deleted,
                "schedule": {
                    "id": schedule_id,
                    "name": f"schedule {schedule_id}",
                    "time_zone": zone,
                    "created_at": utc(created),
                    "intervals": [{"start_time": start, "end_time": end} for start, end in intervals],
                },
                "holidays": [
                    {"id": n, "name": "holiday", "start_date": day, "end_date": day}
                    for n, day in enumerate(holidays)
                ],
            },
        )

    def ticket(
        self,
        ticket_id: int,
        created: str,
        *happenings: Happening,
        opened_by: int = CUSTOMER,
        changed: str | None = None,
        **fields: Any,
    ) -> Record:
        """A ticket with its whole history; its fields are what the happenings leave, unless given."""
        state: Record = {
            "status": "new",
            "priority": None,
            "group_id": None,
            "assignee_id": None,
            "requester_id": CUSTOMER,
            "tags": [],
        } | {
            name: fields[name]
            for name in ("priority", "group_id", "assignee_id", "requester_id")
            if name in fields
        }
        created_child = {"event_type": "Create", **{k: v for k, v in state.items() if v is not None}}
        opening = Happening(created, [created_child, *comment(created, opened_by).children], opened_by)
        for happening in (opening, *happenings):
            self.event(ticket_id, happening)
            for child in happening.children:
                state |= {
                    name: child[name] for name in state if child["event_type"] == "Change" and name in child
                }
        newest = utc(changed or max(h.at for h in (opening, *happenings)))
        record = {
            "id": ticket_id,
            "created_at": utc(created),
            "updated_at": newest,
            "submitter_id": opened_by,
            "via": {"channel": "email"},
            "collaborator_ids": [],
            "custom_fields": [],
            "satisfaction_rating": None,
            **state,
            **{k: v for k, v in fields.items() if k not in ("priority", "group_id", "assignee_id")},
        }
        return self.add("tickets", record)

    def event(self, ticket_id: int, happening: Happening) -> Record:
        children = [{"id": next(self.ids), **child} for child in happening.children]
        return self.add(
            "ticket_events",
            {
                "id": next(self.ids),
                "ticket_id": ticket_id,
                "created_at": utc(happening.at),
                "updater_id": happening.by,
                "event_type": "Audit",
                "child_events": children,
            },
        )

    def clock(
        self, ticket_id: int, metric: str, at: str, kind: str, *, instance: int = 1, **fields: Any
    ) -> None:
        """A metric event of one of the vendor's clocks."""
        self.add(
            "ticket_metric_events",
            {
                "id": next(self.ids),
                "ticket_id": ticket_id,
                "metric": metric,
                "instance_id": instance,
                "type": kind,
                "time": utc(at),
                **fields,
            },
        )

    def apply_sla(
        self, ticket_id: int, metric: str, at: str, minutes: int, *, policy: str, business: bool = False
    ) -> None:
        sla = {
            "target": minutes,
            "target_in_seconds": minutes * 60,
            "business_hours": business,
            "policy": {"id": 1, "title": policy},
        }
        self.clock(ticket_id, metric, at, "apply_sla", sla=sla)

    def rating(
        self,
        ticket_id: int,
        score: str,
        at: str,
        *,
        agent: int = AGENT,
        customer: int = CUSTOMER,
        **fields: Any,
    ) -> None:
        self.add(
            "satisfaction_ratings",
            {
                "id": next(self.ids),
                "ticket_id": ticket_id,
                "score": score,
                "created_at": utc(at),
                "updated_at": utc(at),
                "assignee_id": agent,
                "group_id": None,
                "requester_id": customer,
                **fields,
            },
        )

    def survey_response(
        self,
        ticket_id: int | None,
        sent: str,
        rating: int | None = None,
        at: str = "",
        *,
        edited: str = "",
        version: int = 1,
        question: str = "Q1",
        customer: int = CUSTOMER,
        name: str = "",
        answer: Mapping[str, Any] | None = None,
    ) -> Record:
        """A CSAT survey as it was sent and answered; `name` keeps its id over several versions of the record.

        `answer` has fields of the rating's answer that are to be others.
        """
        given, changed = utc(at or sent), utc(edited or at or sent)
        answers = [
            {"type": "open_ended", "question": {"id": "Q9", "type": "open_ended"}, "value": "free text"}
        ]
        if rating is not None:
            answers.append(
                {
                    "type": "rating_scale",
                    "rating": rating,
                    "rating_category": "good" if rating >= 4 else "bad",
                    "question": {
                        "id": question,
                        "type": "rating_scale_numeric",
                        "sub_type": "customer_satisfaction",
                    },
                    "created_at": given,
                    "updated_at": changed,
                }
                | dict(answer or {})
            )
        identifier = ulid(sent, name or str(next(self.ids)))
        subject = {"id": str(ticket_id), "type": "ticket", "zrn": f"zen:ticket:{ticket_id}"}
        if ticket_id is None:
            subject = {"id": "4295a81b", "type": "conversation", "zrn": "zen:conversation:4295a81b"}
        return self.add(
            "survey_responses",
            {
                "id": identifier,
                "_changed": changed if rating is not None else utc(sent),
                "expires_at": utc(sent),
                "responder_id": str(customer),
                "subjects": [subject],
                "survey": {"id": "S1", "version": version, "state": "enabled"},
                "answers": answers if rating is not None else [],
            },
        )

    def survey(self, points: Iterable[int], *, version: int = 1, at: str = "2024-01-01T00:00") -> None:
        """A version of the survey's definition: the ratings that its question offers."""
        self.add(
            "surveys",
            {
                "id": "S1",
                "version": version,
                "updated_at": utc(at),
                "questions": [
                    {
                        "id": "Q1",
                        "type": "rating_scale_numeric",
                        "headline": {"type": "static", "value": "How was it?"},
                        "options": [{"rating": point} for point in points],
                    }
                ],
            },
        )

    def land(self, warehouse: Warehouse, fetched_at: str = "2030-01-01T00:00:00Z") -> None:
        """Lands what was added since the last time, one batch per stream."""
        for stream, records in self.streams.items():
            clock = {
                "schedules": "_changed",
                "survey_responses": "_changed",
                "ticket_audits": "created_at",
                "ticket_events": "created_at",
                "ticket_metric_events": "time",
            }.get(stream, "updated_at")
            warehouse.land(
                "zendesk", stream, records, source=self.source, changed=clock, fetched_at=fetched_at
            )
        self.streams = {}
