"""Sixty losses that real accounts suffer without an error, each to be planted into the sandbox's answers.

A loss says what is lost, how the answers are changed, and what must happen: its numbers are made good, or the
KPIs that it touches are named, with source and channel, at or before the publication; or nothing in the
vendor's answers can show it, and why. One at a time: `plant(loss, sandbox)`, later `sandbox.faults.clear()`.
`python bench/losses.py` prints them, `--serve NAME` serves a company with one of them planted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sandbox.catalog import CHANNELS, CUSTOMER_ID, GROUP_IDS, SOLVED
from sandbox.company import Company
from sandbox.faults import Replacer
from sandbox.http import Response, encode
from sandbox.lifecycle import AGENT_REPLY, CREATE, SYSTEM, Update
from sandbox.real.company import RealCompany
from sandbox.server import Sandbox

Record = dict[str, Any]
Answer = dict[str, Any]
DAY = 86_400
STALLED_DAYS = 3  # a stream that stands still has done so for so long
ARCHIVED_DAYS = 120  # so long after it was closed, a ticket is archived

#: Where a stream is asked for, and what its records are called in the answer.
STREAMS = {
    "tickets": (r"/incremental/tickets/cursor", "tickets"),
    "ticket_events": (r"/incremental/ticket_events", "ticket_events"),
    "ticket_metric_events": (r"/incremental/ticket_metric_events", "ticket_metric_events"),
    "users": (r"/incremental/users/cursor", "users"),
    "satisfaction_ratings": (r"/satisfaction_ratings", "satisfaction_ratings"),
    "survey_responses": (r"/guide/survey_responses", "survey_responses"),
    "sla_policies": (r"/slas/policies", "sla_policies"),
    "schedules": (r"/business_hours/schedules(\.json)?$", "schedules"),
    "responses": (r"/forms/\w+/responses", "items"),
}
COMMENTS = ("Comment", "VoiceComment", "TpeVoiceComment", "FacebookComment")

# ---- what must happen ----


@dataclass(frozen=True)
class MadeGood:
    """The numbers are those without the loss: exactly, or in the vendor's whole minutes and said to be so."""


@dataclass(frozen=True)
class Named:
    """Where the numbers are not made good, they are said to be incomplete.

    Args:
        kpis: as in the rule file `kpi_definitions`.
        channels: the channels that are named; none for the whole source.
    """

    kpis: tuple[str, ...]
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotDetectable:
    """Nothing in the vendor's answers can show it."""

    reason: str


Must = MadeGood | Named | NotDetectable
MADE_GOOD = MadeGood()
#: What only the events of a ticket tell.
HISTORY = (
    "next_reply_time", "agent_work_time", "transfer_rate", "agent_transfer_rate", "escalation_rate",
    "customer_turns", "stage_time", "team",
)  # fmt: skip
#: What a ticket that is not there is missing from.
EVERYTHING = ("tickets_created", "first_reply_time", "full_resolution_time", "backlog")
REPLIES = ("first_reply_time", "next_reply_time", "agent_replies", "one_touch_rate", "team")
TARGETS = (
    "sla_first_reply", "sla_next_reply", "sla_requester_wait", "sla_agent_work",
    "sla_total_resolution",
)  # fmt: skip

# ---- how answers are changed ----


class World:
    """What a loss has to know of the company whose answers it changes."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.planted = company.now_seconds
        self.stalled = self.planted - STALLED_DAYS * DAY
        self.archived = self.planted - ARCHIVED_DAYS * DAY

    def channel(self, ticket: int) -> str:
        """The channel of a ticket by its id."""
        if isinstance(self.company, RealCompany):
            return self.company.facts[ticket - 1].channel
        return CHANNELS[int(self.company.channel[ticket - 1])]

    def is_messaging(self, ticket: int) -> bool:
        """Whether a ticket's messages are no comments."""
        return isinstance(self.company, RealCompany) and self.company.facts[ticket - 1].sessions is not None

    def life(self, ticket: int) -> list[Update]:
        """What happened to a ticket by its id."""
        return self.company.life(ticket - 1)

    def is_archived(self, ticket: int) -> bool:
        """Whether a ticket by its id was over long ago."""
        last = next(update for update in reversed(self.life(ticket)) if update.kind != SYSTEM)
        return last.status >= SOLVED and last.t < self.archived

    def victim(self) -> Update:
        """A first public reply by an agent in an ordinary ticket, the latest but nineteen of its kind."""
        found = []
        for ticket in range(self.company.ticket_count(), 0, -1):
            if self.channel(ticket) == "email" and not self.is_archived(ticket):
                life = self.life(ticket)
                said = [u for u in life[1:] if u.comment == AGENT_REPLY and u.kind < SYSTEM]
                if said and life[0].kind == CREATE:
                    found.append(said[0])
            if len(found) == 20:
                break
        return found[-1]


Change = Callable[[World], list[tuple[str, Replacer]]]
Test = Callable[[World, Record], bool]


def _edit(pattern: str, change: Callable[[Answer], object]) -> tuple[str, Replacer]:
    def replace(response: Response) -> Response:
        if response.status != 200:
            return response
        answer = msgspec.json.decode(response.body)
        change(answer)
        return Response(response.status, encode(answer), response.headers)

    return pattern, replace


def records(stream: str, change: Callable[[World, Record], object]) -> Change:
    """Each record of a stream altered in place."""
    pattern, name = STREAMS[stream]

    def plan(world: World) -> list[tuple[str, Replacer]]:
        def alter(answer: Answer) -> None:
            for record in answer.get(name, []):
                change(world, record)

        return [_edit(pattern, alter)]

    return plan


def without(stream: str, is_lost: Test) -> Change:
    """A stream without some of its records; what counts them agrees."""
    pattern, name = STREAMS[stream]

    def plan(world: World) -> list[tuple[str, Replacer]]:
        def alter(answer: Answer) -> None:
            kept = [record for record in answer.get(name, []) if not is_lost(world, record)]
            lost = len(answer.get(name, [])) - len(kept)
            answer[name] = kept
            for total in ("count", "total_items"):
                if isinstance(answer.get(total), int):
                    answer[total] -= lost

        return [_edit(pattern, alter)]

    return plan


def children(change: Callable[[World, Record, Record], bool]) -> Change:
    """Ticket events with the children for which `change(world, event, child)`, which may alter them."""

    def alter(world: World, event: Record) -> None:
        event["child_events"] = [c for c in event["child_events"] if change(world, event, c)]

    return records("ticket_events", alter)


def capped(stream: str) -> Change:
    """A stream that ends with its first page."""

    def alter(answer: Answer) -> None:
        answer["end_of_stream"] = True
        if "meta" in answer:
            answer["meta"]["has_more"] = False
        if "page_count" in answer:  # forms: the rest of the answers is counted only
            answer["items"] = answer["items"][:25]

    return lambda world: [_edit(STREAMS[stream][0], alter)]


def stalled(stream: str) -> Change:
    """A stream without what changed in the last days, and without what changes from now on."""
    clock = _CLOCKS[stream]
    return without(stream, lambda world, record: clock(record) > world.stalled)


def refused(stream: str) -> Change:
    """A resource that the account's plan or the token's role does not give."""
    body = encode({"error": {"title": "Forbidden", "message": "You do not have access to this page"}})
    return lambda world: [(STREAMS[stream][0], lambda response: Response(403, body))]


def blank(stream: str, *names: str) -> Change:
    """Fields that are null."""

    def alter(_: World, record: Record) -> None:
        record |= dict.fromkeys(names)

    return records(stream, alter)


def both(*changes: Change) -> Change:
    """Several changes that are one loss."""
    return lambda world: [pair for change in changes for pair in change(world)]


def plant(loss: Loss, sandbox: Sandbox) -> None:
    """Change the sandbox's answers from now on; `sandbox.faults.clear()` takes it back."""
    for pattern, change in loss.change(World(sandbox.company)):
        sandbox.faults.replace(pattern, change)


def _unix(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


_CLOCKS: dict[str, Callable[[Record], int]] = {
    "tickets": lambda record: int(record["generated_timestamp"]),
    "ticket_events": lambda record: int(record["timestamp"]),
    "ticket_metric_events": lambda record: _unix(record["time"]),
    "satisfaction_ratings": lambda record: _unix(record["created_at"]),
    "survey_responses": lambda record: _unix(record["expires_at"]) - 28 * DAY,
    "responses": lambda record: _unix(record["submitted_at"]),
}


# ---- parts of losses ----


def _of_channel(channel: str) -> Test:
    return lambda world, record: world.channel(record["ticket_id"]) == channel


def _change_of(name: str) -> Change:
    return children(lambda _, __, child: not (child["event_type"] == "Change" and name in child))


def _metric_set(change: Callable[[World, Record, Record], object]) -> Change:
    def alter(world: World, ticket: Record) -> None:
        if ticket.get("metric_set"):
            change(world, ticket, ticket["metric_set"])

    return records("tickets", alter)


def _comment(change: Callable[[World, Record], object]) -> Change:
    def alter(world: World, _: Record, child: Record) -> bool:
        if child["event_type"] in COMMENTS:
            change(world, child)
        return True

    return children(alter)


def _nulls(*names: str) -> Callable[[World, Record, Record], object]:
    def change(_: World, __: Record, metrics: Record) -> None:
        for name in names:
            value = metrics[name]
            metrics[name] = dict.fromkeys(value) if isinstance(value, dict) else None

    return change


def _role(role: str, active: bool, is_changed: Callable[[World, Record], bool]) -> Change:
    def alter(world: World, user: Record) -> None:
        if is_changed(world, user):
            user |= {"role": role, "active": active}

    return records("users", alter)


def _holds_most(world: World, user: Record) -> bool:
    return bool(user["id"] == world.company.team.ids[0])


def _clocks_without(kind: str) -> Change:
    return without("ticket_metric_events", lambda _, event: event["type"] == kind)


def _no_policy(_: World, event: Record) -> None:
    event |= {name: None for name in ("sla", "group_sla") if name in event}


def _short_comment(_: World, event: Record, child: Record) -> bool:
    if child["event_type"] in COMMENTS:
        told = {"id": child["id"], "event_type": child["event_type"], "comment_present": True}
        told |= {"comment_public": child["public"], "via": event["via"], "via_reference_id": None}
        child.clear()
        child |= told
    return True


def _in_no_definition(_: World, response: Record) -> None:
    for answer in response["answers"]:
        answer["field"] |= {"id": f"old{answer['field']['id']}", "ref": f"old_{answer['field']['ref']}"}


def _no_ticket(_: World, response: Record) -> None:
    if "ticket_id" in response["hidden"]:
        response["hidden"]["ticket_id"] = ""


def _seen_nowhere(world: World) -> list[tuple[str, Replacer]]:
    ticket = world.victim().ticket + 1
    streams = ("ticket_events", "ticket_metric_events", "satisfaction_ratings")
    lost = [without(stream, lambda _, record: record["ticket_id"] == ticket) for stream in streams]
    lost.append(without("tickets", lambda _, record: record["id"] == ticket))
    lost.append(without("survey_responses", lambda _, r: r["subjects"][0]["id"] == str(ticket)))
    lost.append(without("responses", lambda _, r: r["hidden"].get("ticket_id") == str(ticket)))
    return both(*lost)(world)


def _reply_seen_nowhere(world: World) -> list[tuple[str, Replacer]]:
    """An ordinary ticket's last reply is gone from events, count and clocks; its status stays as it is."""
    ticket = world.victim().ticket + 1
    replies = [u.t for u in world.life(ticket)[1:] if u.comment == AGENT_REPLY and u.kind < SYSTEM]
    last = replies[-1]

    def said(_: World, event: Record, child: Record) -> bool:
        is_it = event["ticket_id"] == ticket and event["timestamp"] == last
        return not (is_it and child["event_type"] in COMMENTS)

    def counted(_: World, record: Record, metrics: Record) -> None:
        if record["id"] == ticket:
            metrics["replies"] -= 1
            if len(replies) == 1:
                _nulls("reply_time_in_minutes", "reply_time_in_seconds")(world, record, metrics)

    def clocked(_: World, event: Record) -> bool:
        names = ("reply_time", "periodic_update_time", "pausable_update_time")
        return event["ticket_id"] == ticket and event["metric"] in names

    return both(children(said), _metric_set(counted), without("ticket_metric_events", clocked))(world)


# ---- the list ----


@dataclass(frozen=True)
class Loss:
    """Something that is lost without an error.

    Args:
        name: of the loss.
        kind: what sort of loss it is.
        stream: that it hits.
        fields: that it hits; none for whole records.
        how: how the answers are changed.
        must: what must happen.
        change: plans the change for a company.
    """

    name: str
    kind: str
    stream: str
    fields: tuple[str, ...]
    how: str
    must: Must
    change: Change


def _channels_without_events() -> list[Loss]:
    return [
        Loss(
            f"no_events_{channel}", "channel without events", "ticket_events", (),
            f"no events of tickets of the channel {channel}", must,
            without("ticket_events", _of_channel(channel)),
        )
        for channel, must in (
            ("voice", Named(HISTORY, ("voice",))),
            ("facebook", Named(HISTORY, ("facebook",))),
            # The vendor has no times of imported tickets, which are among them.
            ("api", Named((*HISTORY, "first_reply_time", "full_resolution_time"), ("api",))),
        )
    ]  # fmt: skip


def _out_of_scope() -> list[Loss]:
    kind, stream = "tickets out of scope", "tickets"
    group = GROUP_IDS[2]

    def is_ai(world: World, ticket: int) -> bool:
        company = world.company
        return (
            isinstance(company, RealCompany)
            and company.facts[ticket - 1].support_type(company.horizon) == "ai_agent"
        )

    return [
        Loss(
            "scope_ai_agent", kind, stream, (), "no tickets of AI agents nor their events, though asked",
            Named(("tickets_created", "csat")),
            both(
                without(stream, lambda world, record: is_ai(world, record["id"])),
                without("ticket_events", lambda world, record: is_ai(world, record["ticket_id"])),
            ),
        ),
        Loss(
            "scope_group", kind, stream, (), "no tickets of one group, as for an agent who may not see them",
            Named(EVERYTHING), without(stream, lambda _, record: record["group_id"] == group),
        ),
        Loss(
            "scope_channel", kind, stream, (), "no tickets of calls; their events come",
            Named(EVERYTHING), without(stream, lambda world, record: world.channel(record["id"]) == "voice"),
        ),
    ]  # fmt: skip


def _by_stream() -> list[Loss]:
    musts: dict[str, Must] = {
        "tickets": Named(EVERYTHING),
        "ticket_events": Named(HISTORY),
        "ticket_metric_events": Named(TARGETS),
        "satisfaction_ratings": Named(("csat", "survey_response")),
        "survey_responses": Named(("csat", "survey_response")),
        "responses": Named(("csat", "nps")),
    }
    found = []
    for stream, must in musts.items():
        how, change = "the walk ends with the first page", capped(stream)
        found.append(Loss(f"capped_{stream}", "capped pages", stream, (), how, must, change))
        if stream == "satisfaction_ratings":  # they end by themselves where surveys begin
            continue
        how, change = f"nothing that changed in the last {STALLED_DAYS} days or later", stalled(stream)
        found.append(Loss(f"stalled_{stream}", "stream stands still", stream, (), how, must, change))
    return found


def _nulls_in_fields() -> list[Loss]:
    kind = "field turns null"

    def no_author(_: World, child: Record) -> None:
        child["author_id"] = None

    return [
        Loss("null_assignee", kind, "tickets", ("assignee_id",), "no ticket has an assignee",
             Named(("team",)), blank("tickets", "assignee_id")),
        Loss("null_group", kind, "tickets", ("group_id",), "no ticket has a group",
             Named(("team", "backlog", "stage_time")), blank("tickets", "group_id")),
        Loss("null_priority", kind, "tickets", ("priority",), "no ticket has a priority",
             Named(TARGETS), blank("tickets", "priority")),
        Loss("null_requester", kind, "tickets", ("requester_id",), "no requester; creations have one",
             Named(("first_contact_resolution_rate", "retention")), blank("tickets", "requester_id")),
        Loss("null_rating", kind, "tickets", ("satisfaction_rating",), "tickets have no score; ratings have",
             MADE_GOOD, blank("tickets", "satisfaction_rating")),
        Loss("null_author", kind, "ticket_events", ("child_events.author_id",), "comments without author",
             Named(("next_reply_time", "team")), _comment(no_author)),
        Loss("null_reason", kind, "satisfaction_ratings", ("reason", "reason_id"), "ratings without a reason",
             Named(("distribution",)), blank("satisfaction_ratings", "reason", "reason_id")),
    ]  # fmt: skip


def _roles() -> list[Loss]:
    kind, fields = "user role changes", ("role", "active")

    def is_agent(world: World, user: Record) -> bool:
        return user["id"] in world.company.team.ids

    def is_busy_customer(world: World, user: Record) -> bool:
        return bool(CUSTOMER_ID <= user["id"] < CUSTOMER_ID + 128 * 5)

    return [
        Loss("role_one_agent_leaves", kind, "users", fields, "a busy agent is an active end-user",
             MADE_GOOD, _role("end-user", True, _holds_most)),
        Loss("role_all_agents_deleted", kind, "users", fields, "every agent is a deleted end-user",
             MADE_GOOD, _role("end-user", False, is_agent)),
        Loss("role_customers_promoted", kind, "users", fields, "some customers are agents now",
             Named(REPLIES), _role("agent", True, is_busy_customer)),
        Loss("role_agents_missing", kind, "users", (), "no agent is among the users",
             MADE_GOOD, without("users", is_agent)),
    ]  # fmt: skip


def _archived() -> list[Loss]:
    kind = "archived range missing"

    def is_old(world: World, record: Record) -> bool:
        return _CLOCKS["ticket_events"](record) < world.archived

    def is_old_clock(world: World, record: Record) -> bool:
        return _CLOCKS["ticket_metric_events"](record) < world.archived

    def is_old_rating(world: World, record: Record) -> bool:
        return _CLOCKS["satisfaction_ratings"](record) < world.archived

    def no_metrics(world: World, record: Record) -> None:
        if world.is_archived(record["id"]):
            record["metric_set"] = None

    return [
        Loss("archived_tickets", kind, "tickets", (), "no tickets that were over 120 days ago",
             Named(EVERYTHING), without("tickets", lambda world, record: world.is_archived(record["id"]))),
        Loss("archived_events", kind, "ticket_events", (), "no events older than 120 days",
             Named(HISTORY), without("ticket_events", is_old)),
        Loss("archived_clocks", kind, "ticket_metric_events", (), "no metric events older than 120 days",
             Named(TARGETS), without("ticket_metric_events", is_old_clock)),
        Loss("archived_ratings", kind, "satisfaction_ratings", (), "no ratings older than 120 days",
             Named(("csat", "survey_response")), without("satisfaction_ratings", is_old_rating)),
        Loss("archived_metric_sets", kind, "tickets", ("metric_set",), "no metric sets of what was over",
             Named(("full_resolution_time",)), records("tickets", no_metrics)),
    ]  # fmt: skip


def _seconds() -> list[Loss]:
    kind = "second dropped"

    def event_of(world: World) -> list[tuple[str, Replacer]]:
        t = world.victim().t
        return without("ticket_events", lambda _, record: record["timestamp"] == t)(world)

    def clocks_of(world: World) -> list[tuple[str, Replacer]]:
        t = world.victim().t
        return without("ticket_metric_events", lambda _, record: _unix(record["time"]) == t)(world)

    def ticket_of(world: World) -> list[tuple[str, Replacer]]:
        ticket = world.victim().ticket + 1
        last = next(u for u in reversed(world.life(ticket)))
        return without("tickets", lambda _, r: r["generated_timestamp"] == last.t + last.lag)(world)

    return [
        Loss("second_of_events", kind, "ticket_events", (), "the events of a second with a first reply",
             Named(("next_reply_time", "team")), event_of),
        Loss("second_of_clocks", kind, "ticket_metric_events", (), "the metric events of that second",
             Named(TARGETS[:1]), clocks_of),
        Loss("second_of_tickets", kind, "tickets", (), "the tickets of a second of the change clock",
             Named(EVERYTHING), ticket_of),
    ]  # fmt: skip


def _metric_sets() -> list[Loss]:
    kind, stream = "metric set without times", "tickets"
    replies = ("reply_time_in_minutes", "reply_time_in_seconds")
    messaging = ("native_messaging", "whatsapp", "chat")

    def none_replied(world: World, ticket: Record, metrics: Record) -> None:
        if world.is_messaging(ticket["id"]):
            metrics["replies"] = 0

    return [
        Loss("metrics_without_replies", kind, stream, tuple(f"metric_set.{name}" for name in replies),
             "no reply times; the reply clock has them", MADE_GOOD, _metric_set(_nulls(*replies))),
        Loss("metrics_without_solves", kind, stream, ("metric_set.solved_at",),
             "no time of the last solve; of silent ones nobody else has it",
             Named(("full_resolution_time",)), _metric_set(_nulls("solved_at"))),
        Loss("metrics_missing", kind, stream, ("metric_set",), "the side-load is ignored",
             Named(("full_resolution_time", "requester_wait_time")), blank(stream, "metric_set")),
        Loss("metrics_count_nothing", kind, stream, ("metric_set.replies",),
             "messaging tickets count no reply, though a reply time is told",
             Named(("agent_replies", "one_touch_rate"), messaging), _metric_set(none_replied)),
    ]  # fmt: skip


def _comments() -> list[Loss]:
    kind, stream = "comment told otherwise", "ticket_events"

    def private(_: World, child: Record) -> None:
        child["public"] = False

    def renamed(_: World, child: Record) -> None:
        if child["event_type"] == "VoiceComment":
            child["event_type"] = child["type"] = "NextVoiceComment"

    return [
        Loss("comments_short", kind, stream, ("child_events",), "marks of comments only, no side-load",
             MADE_GOOD, children(_short_comment)),
        Loss("comments_private", kind, stream, ("child_events.public",), "every comment is told as private",
             Named(("next_reply_time", "team")), _comment(private)),
        Loss("comments_of_a_new_type", kind, stream, ("child_events.event_type",), "calls of an unknown type",
             Named(("next_reply_time", "team"), ("voice",)), _comment(renamed)),
    ]  # fmt: skip


def _tombstones() -> list[Loss]:
    kind = "tombstone lost"
    return [
        Loss("deleted_tickets_vanish", kind, "tickets", (), "deleted tickets are left out, not marked",
             Named(("tickets_created",)), without("tickets", lambda _, r: r["status"] == "deleted")),
    ]  # fmt: skip


def _refusals() -> list[Loss]:
    kind, how = "plan refuses", "403 from the first night on"
    business = ("first_reply_time", "full_resolution_time", *TARGETS)
    return [
        Loss("refused_ratings", kind, "satisfaction_ratings", (), how,
             Named(("csat", "survey_response")), refused("satisfaction_ratings")),
        Loss("refused_survey_responses", kind, "survey_responses", (), how,
             Named(("csat", "survey_response")), refused("survey_responses")),
        Loss("refused_policies", kind, "sla_policies", (), how, MADE_GOOD, refused("sla_policies")),
        Loss("refused_schedules", kind, "schedules", (), how, Named(business), refused("schedules")),
    ]  # fmt: skip


def _links() -> list[Loss]:
    kind = "link lost"

    def no_source(_: World, ticket: Record) -> None:
        ticket["via"]["source"] |= {"from": {}, "rel": None}

    def no_merge(_: World, event: Record, child: Record) -> bool:
        return not (child["event_type"] in COMMENTS and str(child.get("body")).startswith("This request was"))

    return [
        Loss("follow_ups_unnamed", kind, "tickets", ("via.source",),
             "follow-ups do not name the closed ticket; it names them", MADE_GOOD,
             records("tickets", no_source)),
        Loss("merges_one_sided", kind, "ticket_events", ("child_events",),
             "merged tickets do not say into which; the other one does", MADE_GOOD, children(no_merge)),
    ]  # fmt: skip


def _clocks() -> list[Loss]:
    kind, stream = "clock incomplete", "ticket_metric_events"
    return [
        Loss("clocks_without_policy", kind, stream, ("sla", "group_sla"),
             "targets without policy or minutes", Named(TARGETS), records(stream, _no_policy)),
        Loss("clocks_without_end", kind, stream, (), "no clock is fulfilled", Named(TARGETS),
             _clocks_without("fulfill")),
        Loss("clocks_without_breach", kind, stream, (), "no breach is stamped", Named(TARGETS),
             _clocks_without("breach")),
    ]  # fmt: skip


def _histories() -> list[Loss]:
    kind, stream = "kind of change missing", "ticket_events"
    return [
        Loss("no_status_changes", kind, stream, ("child_events.status",), "events without changes of status",
             Named(("agent_work_time", "stage_time", "reopen_rate")), _change_of("status")),
        Loss("no_group_changes", kind, stream, ("child_events.group_id",), "events without changes of group",
             Named(("transfer_rate", "escalation_rate")), _change_of("group_id")),
        Loss("no_schedules_of_tickets", kind, stream, ("child_events",), "events without assigned schedules",
             Named(("first_reply_time",)),
             children(lambda _, __, child: child["event_type"] != "ScheduleAssignment")),
    ]  # fmt: skip


def _forms() -> list[Loss]:
    kind = "answer unread"
    return [
        Loss("question_unknown", kind, "responses", ("answers.field",), "answers to unknown questions",
             Named(("csat", "nps")), records("responses", _in_no_definition)),
        Loss("ticket_of_answer_unknown", kind, "responses", ("hidden.ticket_id",), "answers name no ticket",
             Named(("csat", "follow_up", "experience")), records("responses", _no_ticket)),
    ]  # fmt: skip


def _nowhere() -> list[Loss]:
    kind = "seen nowhere"
    return [
        Loss("ticket_seen_nowhere", kind, "tickets", (), "one ticket is missing from every stream",
             NotDetectable("every stream agrees on its absence, and ids have gaps of their own"),
             _seen_nowhere),
        Loss("reply_seen_nowhere", kind, "ticket_events", ("child_events",),
             "one reply is missing from the events, the count and the clocks",
             NotDetectable("the vendor's events, count and clocks all say that nobody replied"),
             _reply_seen_nowhere),
    ]  # fmt: skip


LOSSES: Sequence[Loss] = (
    *_channels_without_events(), *_out_of_scope(), *_by_stream(), *_nulls_in_fields(), *_roles(),
    *_archived(), *_seconds(), *_metric_sets(), *_comments(), *_tombstones(), *_refusals(), *_links(),
    *_clocks(), *_histories(), *_forms(), *_nowhere(),
)  # fmt: skip


def main() -> None:
    """Print the list, or serve a company with one loss planted: its settings come as lines for `.env`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--serve", choices=[loss.name for loss in LOSSES], metavar="NAME")
    parser.add_argument("--tickets", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    if arguments.serve is None:
        for loss in LOSSES:
            print(f"{loss.name:26} {loss.kind:24} {loss.stream:22} {loss.how}; {loss.must}")
        return
    sandbox = Sandbox(tickets=arguments.tickets, seed=arguments.seed, profile="real")
    plant(next(loss for loss in LOSSES if loss.name == arguments.serve), sandbox)
    for name, value in sandbox.env().items():
        print(f"{name}={value}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.serve_forever()


if __name__ == "__main__":
    main()
