"""Zendesk records as JSON-ready dictionaries, rendered from the company's tables as of its now."""

import hashlib
from itertools import pairwise

from sandbox import catalog
from sandbox.catalog import (
    ALL_POLICIES,
    AREAS,
    BAD,
    BRAND_ID,
    CHANNELS,
    CLOSED,
    COMMENT_QUESTION_ID,
    COMPLEXITIES,
    CUSTOMER_ID,
    FIELD_IDS,
    GROUP_POLICIES,
    HOLD,
    ID_BASE,
    NEW,
    NOTES,
    OPEN,
    ORGANIZATION_ID,
    PENDING,
    PRIORITIES,
    PRODUCTS,
    QUESTIONS,
    RATING_COMMENTS,
    RATING_QUESTION_ID,
    REASON_QUESTION_ID,
    REASONS,
    REPLIES,
    SCORES,
    SEGMENTS,
    SOLVED,
    STATUSES,
    SUBJECTS,
    SURVEY_ID,
    TAGS,
    TICKET_FORM_ID,
    GroupPolicy,
    Policy,
)
from sandbox.clocks import APPLY, APPLY_GROUP, METRICS, STATUS, TYPES, MetricEvent
from sandbox.company import Company
from sandbox.hours import DAY
from sandbox.lifecycle import (
    AGENT_REPLY,
    AUTO_REPLY,
    BY_RULE,
    CREATE,
    CUSTOMER_COMMENT,
    INTERNAL_NOTE,
    NO_COMMENT,
    SYSTEM,
    SYSTEM_USER,
    Update,
    answers,
)
from sandbox.rendering import Record, agent_id, group_id, iso, ticket_id
from sandbox.surveys import survey_rating

EVENT_ID = 40_000_000_000_000
EVENT_STRIDE = 32  # room for an event's children
METRIC_EVENT_ID = 31_000_000_000_000
METRIC_SET_ID = 32_000_000_000_000
RATING_ID = 33_000_000_000_000
URL = "https://sandbox.zendesk.example/api/v2"  # vendors put their own address into records


def _minutes(seconds: int) -> int:
    return (seconds + 30) // 60


def _tags(bits: int) -> list[str]:
    return [tag for i, tag in enumerate(TAGS) if bits >> i & 1]


_TAG_LISTS = [_tags(bits) for bits in range(1 << len(TAGS))]
_CHANNEL_WORDS = ("Mail", "Web form", "Chat", "Phone call (inbound)", "Web service")


def _via(channel: int) -> Record:
    return {"channel": CHANNELS[channel], "source": {"from": {}, "to": {}, "rel": None}}


_VIA = [_via(channel) for channel in range(len(CHANNELS))]
_RULE_VIA = {
    "channel": "rule",
    "source": {"from": {"id": ID_BASE + 14_802_868, "title": "Notify requester"}, "to": {}, "rel": "trigger"},
}
_AGENT_VIA = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}


class Records:
    """Renders one company's records."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.schedule_ids = [schedule.id for schedule in company.schedules]

    # ---- tickets ----

    def custom_fields(self, ticket: int) -> list[Record]:
        product = int(self.company.product[ticket])
        return [
            {"id": FIELD_IDS["product"], "value": PRODUCTS[product].lower() if product >= 0 else None},
            {"id": FIELD_IDS["service_area"], "value": AREAS[self.company.area[ticket]].lower()},
            {"id": FIELD_IDS["complexity"], "value": COMPLEXITIES[self.company.complexity[ticket]]},
        ]

    def organization_of(self, ticket: int) -> int | None:
        organization = int(self.company.organization_of[self.company.requester[ticket]])
        return ORGANIZATION_ID + 128 * organization if organization >= 0 else None

    def ticket(self, ticket: int, updates: list[Update], with_metrics: bool) -> Record:
        """A ticket after these updates, its metric set embedded as the side-load does."""
        company = self.company
        last = updates[-1]
        changed = next(update.t for update in reversed(updates) if update.kind != SYSTEM)
        requester = CUSTOMER_ID + 128 * int(company.requester[ticket])
        first = updates[0]
        fields = self.custom_fields(ticket)
        channel = int(company.channel[ticket])
        subject = SUBJECTS[first.text % len(SUBJECTS)]
        identifier = ticket_id(ticket)
        rating: Record | None = {"score": "unoffered"} if channel == catalog.WEB else None
        if last.score:
            rating = {"score": SCORES[last.score]}
            if last.score > 1:
                row = next(update for update in updates if update.score == last.score)
                rating = {
                    "id": RATING_ID + self.rating_row(ticket, updates),
                    "score": SCORES[last.score],
                    "comment": _rating_comment(row),
                    "reason": "No reason provided",
                    "reason_id": None,
                }
        record: Record = {
            "url": f"{URL}/tickets/{identifier}.json",
            "id": identifier,
            "external_id": None,
            "via": _VIA[channel],
            "created_at": iso(first.t),
            "updated_at": iso(changed),
            "generated_timestamp": last.t + last.lag,
            "type": ("question", "incident", "problem", None)[first.text % 4],
            "subject": subject,
            "raw_subject": subject,
            "description": QUESTIONS[first.text % len(QUESTIONS)],
            "priority": PRIORITIES[last.priority],
            "status": STATUSES[last.status],
            "recipient": "support@sandbox.example" if channel == catalog.EMAIL else None,
            "requester_id": requester,
            "submitter_id": first.actor,
            "assignee_id": agent_id(last.assignee),
            "organization_id": self.organization_of(ticket),
            "group_id": group_id(last.group),
            "collaborator_ids": [],
            "follower_ids": [],
            "email_cc_ids": [],
            "forum_topic_id": None,
            "problem_id": None,
            "has_incidents": False,
            "is_public": True,
            "due_at": None,
            "tags": _TAG_LISTS[last.tags],
            "custom_fields": fields,
            "fields": fields,
            "satisfaction_rating": rating,
            "sharing_agreement_ids": [],
            "custom_status_id": ID_BASE + 40_806_676 + 128 * last.status,
            "encoded_id": f"SBX{identifier:06}",
            "followup_ids": [],
            "ticket_form_id": TICKET_FORM_ID,
            "brand_id": BRAND_ID,
            "allow_channelback": False,
            "allow_attachments": True,
            "from_messaging_channel": False,
            "support_type": "agent",
        }
        if with_metrics:
            record["metric_set"] = self.metric_set(ticket, updates)
        return record

    def rating_row(self, ticket: int, updates: list[Update]) -> int:
        """The row of the company's updates that gave the current score."""
        position = len(updates) - 1
        while position and updates[position - 1].score == updates[-1].score:
            position -= 1
        return int(self.company.starts[ticket]) + position

    def metric_set(self, ticket: int, updates: list[Update]) -> Record:
        """Zendesk's ticket metrics in minutes, by the rules that Zendesk documents.

        Metrics of one event (reply, resolutions) take the schedule at that event throughout, and keep their
        value while the ticket is open again. Waits are a running total that grows when the status changes,
        by the schedule at the change. Whatever has not happened yet is null, but for on-hold time, which
        recorded accounts show as 0. Minutes are rounded to the nearest, as in a recorded account.
        """
        first, last = updates[0], updates[-1]
        spent_calendar, spent_business = [0] * len(STATUSES), [0] * len(STATUSES)
        left: set[int] = set()  # the statuses that ended at least once
        solved: list[Update] = []
        reopens = replies = stations = groups = 0
        assigned_first = assigned_last = requester_touched = None
        first_reply = next(iter(answers(updates)), None)
        status_moved = comment_at = assignee_touched = first.t
        before, holder = None, -1
        for update in updates:
            t = update.t
            if before is not None and update.status != before.status:
                spent_calendar[before.status] += t - status_moved
                spent_business[before.status] += self.company.hours[update.schedule].seconds(status_moved, t)
                left.add(before.status)
            if before is None or update.status != before.status:
                status_moved = t
                if update.status == SOLVED or (update.status == CLOSED and not solved):
                    solved.append(update)
                elif before is not None and before.status == SOLVED and update.status < SOLVED:
                    reopens += 1
            if update.assignee != (before.assignee if before else -1):
                assignee_touched = t
                if update.assignee >= 0:
                    assigned_last = t
                    assigned_first = assigned_first or t
                    stations += update.assignee != holder
                    holder = update.assignee
            if update.group not in (-1, before.group if before else -1):
                groups += 1
            if update.comment != NO_COMMENT:
                comment_at = t
            if update.comment == AGENT_REPLY and update is not first:
                replies += 1
            if update.comment == CUSTOMER_COMMENT:
                requester_touched = t
            before = update
        solved_at = solved[-1].t if solved and last.status in (SOLVED, CLOSED) else None

        def until(end: Update | None) -> Record:
            if end is None:
                return {"calendar": None, "business": None}
            business = self.company.hours[end.schedule].seconds(first.t, end.t)
            return {"calendar": _minutes(end.t - first.t), "business": _minutes(business)}

        def waited(*statuses: int) -> Record:
            if not solved and left.isdisjoint(statuses):
                return {"calendar": None, "business": None}
            return {
                "calendar": _minutes(sum(spent_calendar[s] for s in statuses)),
                "business": _minutes(sum(spent_business[s] for s in statuses)),
            }

        return {
            "url": f"{URL}/ticket_metrics/{METRIC_SET_ID + ticket}.json",
            "id": METRIC_SET_ID + ticket,
            "ticket_id": ticket_id(ticket),
            "created_at": iso(first.t),
            "updated_at": iso(last.t),
            "group_stations": groups,
            "assignee_stations": stations,
            "reopens": reopens,
            "replies": replies,
            "assignee_updated_at": iso(assignee_touched),
            "requester_updated_at": iso(requester_touched or first.t),
            "status_updated_at": iso(status_moved),
            "initially_assigned_at": iso(assigned_first) if assigned_first else None,
            "assigned_at": iso(assigned_last) if assigned_last else None,
            "solved_at": iso(solved_at) if solved_at else None,
            "latest_comment_added_at": iso(comment_at),
            "reply_time_in_minutes": until(first_reply),
            "reply_time_in_seconds": {"calendar": first_reply.t - first.t if first_reply else None},
            "first_resolution_time_in_minutes": until(solved[0] if solved else None),
            "full_resolution_time_in_minutes": until(solved[-1] if solved else None),
            "agent_wait_time_in_minutes": waited(PENDING),
            "requester_wait_time_in_minutes": waited(NEW, OPEN, HOLD),
            "on_hold_time_in_minutes": {clock: total or 0 for clock, total in waited(HOLD).items()},
            "custom_status_updated_at": iso(status_moved),
        }

    # ---- events ----

    def ticket_event(self, row: int, update: Update, before: Update | None, with_comments: bool) -> Record:
        """One update as a ticket event; `before` is the update before it, None for the creation."""
        ticket = update.ticket
        event = EVENT_ID + EVENT_STRIDE * row
        channel = int(self.company.channel[ticket])
        rule = update.kind == BY_RULE
        via = "Rule" if rule else _CHANNEL_WORDS[channel] if update.actor >= CUSTOMER_ID else "Web form"
        common: Record = {"via": via, "via_reference_id": None}
        children: list[Record] = []
        for change in self.changes(update, before):
            children.append({"id": event + len(children) + 1, **common, **change})
        comment = self.comment(event, event + len(children) + 1, update)
        if comment is not None:
            if with_comments:
                children.append({**comment, "via_reference_id": None, "event_type": comment["type"]})
            else:
                children.append(
                    {
                        "id": comment["id"],
                        **common,
                        "comment_present": True,
                        "comment_public": comment["public"],
                        "event_type": comment["type"],
                    }
                )
        return {
            "id": event,
            "ticket_id": ticket_id(ticket),
            "timestamp": update.t,
            "created_at": iso(update.t),
            "updater_id": update.actor,
            "via": via,
            "system": {"client": "Sandbox", "location": None, "latitude": None, "longitude": None},
            "metadata": {},
            "event_type": "Audit",
            "child_events": children,
        }

    def changes(self, update: Update, before: Update | None) -> list[Record]:
        """The child events of an update without its comment: one Create, or a Change per changed field."""
        if before is None:
            return self._creation(update)
        changes: list[Record] = []

        def change(name: str, value: object, previous: object, **more: object) -> None:
            changes.append({"event_type": "Change", name: value, "previous_value": previous, **more})

        if update.status != before.status:
            change("status", STATUSES[update.status], STATUSES[before.status])
        if update.priority != before.priority:
            change("priority", PRIORITIES[update.priority], PRIORITIES[before.priority])
        if update.group != before.group:
            change("group_id", group_id(update.group), group_id(before.group))
        if update.assignee != before.assignee:
            change("assignee_id", agent_id(update.assignee), agent_id(before.assignee))
        if update.tags != before.tags:
            change(
                "tags",
                _TAG_LISTS[update.tags],
                _TAG_LISTS[before.tags],
                added_tags=_TAG_LISTS[update.tags & ~before.tags],
                removed_tags=_TAG_LISTS[before.tags & ~update.tags],
            )
        if update.score != before.score:
            change("satisfaction_score", SCORES[update.score], SCORES[before.score])
        if update.schedule != before.schedule:
            changes.append(self._assignment(before.schedule, update.schedule))
        return changes

    def _creation(self, update: Update) -> list[Record]:
        ticket = update.ticket
        created: Record = {
            "event_type": "Create",
            "status": STATUSES[update.status],
            "priority": PRIORITIES[update.priority],
            "type": ("question", "incident", "problem", None)[update.text % 4],
            "subject": SUBJECTS[update.text % len(SUBJECTS)],
            "group_id": group_id(update.group),
            "assignee_id": agent_id(update.assignee),
            "requester_id": CUSTOMER_ID + 128 * int(self.company.requester[ticket]),
            "organization_id": self.organization_of(ticket),
            "brand_id": BRAND_ID,
            "ticket_form_id": TICKET_FORM_ID,
            "tags": _TAG_LISTS[update.tags],
            "custom_ticket_fields": {str(f["id"]): f["value"] for f in self.custom_fields(ticket)},
        }
        return [created, self._assignment(None, update.schedule)] if update.schedule else [created]

    def _assignment(self, before: int | None, after: int) -> Record:
        return {
            "event_type": "ScheduleAssignment",
            "previous_schedule_id": None if before is None else self.schedule_ids[before],
            "new_schedule_id": self.schedule_ids[after],
        }

    def comment(self, event: int, identifier: int, update: Update) -> Record | None:
        """The comment of an update, or None."""
        kind = update.comment
        if kind == NO_COMMENT:
            return None
        words = (QUESTIONS, REPLIES, NOTES, ("We have received your request.",))[kind - 1]
        body = words[update.text % len(words)]
        via = _RULE_VIA if kind == AUTO_REPLY else _AGENT_VIA
        if kind == CUSTOMER_COMMENT:
            via = _VIA[self.company.channel[update.ticket]]
        return {
            "id": identifier,
            "via": via,
            "type": "Comment",
            "author_id": SYSTEM_USER if kind == AUTO_REPLY else update.actor,
            "body": body,
            "html_body": f'<div class="zd-comment"><p dir="auto">{body}</p></div>',
            "plain_body": body,
            "public": kind != INTERNAL_NOTE,
            "attachments": [],
            "audit_id": event,
            "created_at": iso(update.t),
        }

    def audit(self, row: int, update: Update, before: Update | None) -> Record:
        """The same update as a ticket audit: one small event per field, the id of the ticket event."""
        event = EVENT_ID + EVENT_STRIDE * row
        events: list[Record] = []
        comment = self.comment(event, event + 1, update)
        if comment is not None:
            events.append({key: value for key, value in comment.items() if key != "created_at"})
        for change in self.changes(update, before):
            kind = change.pop("event_type")
            if kind not in ("Create", "Change"):
                events.append({"id": event + len(events) + 1, "type": kind, **change})
                continue
            previous = change.pop("previous_value", None)
            change.pop("added_tags", None)
            change.pop("removed_tags", None)
            change.update(change.pop("custom_ticket_fields", {}))
            for name, value in change.items():
                field = {
                    "id": event + len(events) + 1,
                    "type": kind,
                    "field_name": name,
                    "value": _text(value),
                }
                if kind == "Change":
                    field["previous_value"] = _text(previous)
                events.append(field)
        return {
            "id": event,
            "ticket_id": ticket_id(update.ticket),
            "created_at": iso(update.t),
            "author_id": update.actor,
            "via": _RULE_VIA if update.kind == BY_RULE else _VIA[self.company.channel[update.ticket]],
            "metadata": {"system": {"client": "Sandbox"}, "custom": {}},
            "events": events,
        }

    def rating(self, row: int, update: Update) -> Record:
        """One satisfaction rating record: the group and agent are those at the time of rating."""
        return {
            "url": f"{URL}/satisfaction_ratings/{RATING_ID + row}.json",
            "id": RATING_ID + row,
            "ticket_id": ticket_id(update.ticket),
            "score": SCORES[update.score],
            "created_at": iso(update.t),
            "updated_at": iso(update.t),
            "assignee_id": agent_id(update.assignee),
            "group_id": group_id(update.group),
            "requester_id": CUSTOMER_ID + 128 * int(self.company.requester[update.ticket]),
            "comment": _rating_comment(update) if update.score > 1 else None,
            "reason": "No reason provided",
            "reason_id": None,
        }

    def survey_response(self, row: int) -> Record:
        """What was sent with the update of this row, with the customer's answers so far."""
        company = self.company
        ticket, sent = int(company.updates["ticket"][row]), int(company.updates["t"][row])
        rated = [
            after
            for before, after in pairwise(company.life(ticket, company.now_seconds))
            if after.t > sent and after.score != before.score
        ]
        identifier = str(ticket_id(ticket))
        return {
            "answers": self._answers(rated[0], rated[-1]) if rated else [],
            "expires_at": _milliseconds(sent + 28 * DAY),
            "id": ulid(sent, identifier),
            "responder_id": str(CUSTOMER_ID + 128 * int(company.requester[ticket])),
            "subject_zrns": [f"zen:ticket:{identifier}"],
            "subjects": [{"id": identifier, "type": "ticket", "zrn": f"zen:ticket:{identifier}"}],
            "survey": {"id": SURVEY_ID, "state": "enabled", "version": 1},
        }

    def _answers(self, first: Update, last: Update) -> list[Record]:
        """Answers given with the update `first`; the rating is that of `last`."""
        given = _milliseconds(first.t)
        comment = _rating_comment(first)
        question: Record = {"id": COMMENT_QUESTION_ID, "type": "open_ended"}
        answers: list[Record] = [
            {
                "created_at": given,
                "question": {
                    "id": RATING_QUESTION_ID,
                    "sub_type": "customer_satisfaction",
                    "type": "rating_scale_numeric",
                },
                "rating": survey_rating(last),
                "rating_category": SCORES[last.score],
                "type": "rating_scale",
                "updated_at": _milliseconds(last.t),
            },
            {
                "created_at": given,
                "question": question,
                "updated_at": given,
                "type": "open_ended",
                "value": comment,
            }
            if comment
            else {"created_at": given, "question": question, "updated_at": given, "type": "skipped"},
        ]
        if first.score == BAD:
            reason = list(REASONS)[first.text % len(REASONS)]
            answers.append(
                {
                    "created_at": given,
                    "question": {"id": REASON_QUESTION_ID, "type": "closed_ended"},
                    "selections": [{"option_id": reason, "type": "predefined"}],
                    "type": "closed_ended",
                    "updated_at": given,
                }
            )
        return answers


def survey(company: Company) -> Record:
    """The definition of the account's survey."""

    def text(value: str) -> Record:
        return {"type": "static", "value": value}

    return {
        "created_at": _milliseconds(company.surveyed - DAY),
        "id": SURVEY_ID,
        "questions": [
            {
                "headline": text("How would you rate the support you received?"),
                "id": RATING_QUESTION_ID,
                "options": [
                    {
                        "follow_up": {
                            "question_id": REASON_QUESTION_ID if rating < 4 else COMMENT_QUESTION_ID
                        },
                        "label": text(label),
                        "rating": rating,
                    }
                    for rating, label in enumerate(("Very unsatisfied", "", "", "", "Very satisfied"), 1)
                ],
                "sub_type": "customer_satisfaction",
                "type": "rating_scale_numeric",
            },
            {
                "headline": text("Select a reason regarding your experience"),
                "id": REASON_QUESTION_ID,
                "options": [
                    {"follow_up": {"question_id": COMMENT_QUESTION_ID}, "id": option, "label": text(label)}
                    for option, label in REASONS.items()
                ],
                "type": "closed_ended",
            },
            {
                "follow_up": None,
                "headline": text("Share your thoughts on the support you received"),
                "id": COMMENT_QUESTION_ID,
                "type": "open_ended",
            },
        ],
        "state": "enabled",
        "updated_at": _milliseconds(company.surveyed - DAY),
        "version": 1,
    }


def ulid(t: int, name: str) -> str:
    """A ULID made at a unix second; the same name gives the same one."""
    rest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=10).digest())
    number = t * 1000 << 80 | rest
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(25, -1, -1))


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _milliseconds(t: int) -> str:
    return f"{iso(t)[:-1]}.000Z"


def _rating_comment(update: Update) -> str | None:
    return RATING_COMMENTS[update.text % len(RATING_COMMENTS)] if update.text % 3 == 0 else None


def _text(value: object) -> object:
    """Audits write numbers as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def metric_event(position: int, event: MetricEvent) -> Record:
    """One metric event; `position` is its place in the company's table."""
    record: Record = {
        "id": METRIC_EVENT_ID + position,
        "ticket_id": ticket_id(event.ticket),
        "metric": METRICS[event.metric],
        "instance_id": event.instance,
        "type": TYPES[event.type],
        "time": iso(event.t),
        "deleted": bool(event.deleted),
    }
    if event.type in (APPLY, APPLY_GROUP):
        field = "sla" if event.type == APPLY else "group_sla"
        record[field] = None
        if event.policy >= 0:
            policy: Policy | GroupPolicy = (ALL_POLICIES if event.type == APPLY else GROUP_POLICIES)[
                event.policy
            ]
            record[field] = {
                "target": event.a,
                "target_in_seconds": event.a * 60,
                "business_hours": bool(event.b),
                "policy": {"id": policy.id, "title": policy.title, "description": policy.description},
            }
    elif event.type == STATUS:
        record["status"] = {"calendar": event.a, "business": event.b}
    return record


__all__ = ["CREATE", "SEGMENTS", "Records", "iso", "metric_event", "ticket_id"]
