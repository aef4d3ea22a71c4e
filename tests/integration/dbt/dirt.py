"""Records that no source should send, drawn by seed: each case a ticket, a response or a row of its own, beside a clean company."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from ingestion.extract import fetch
from ingestion.sources import files

from . import freshdesk_records
from .warehouse import Warehouse, questions
from .zendesk_records import AGENT, CUSTOMER, OFFICE, Account, Record, comment, status

AS_OF = "2024-06-30T12:00:00+00:00"
FETCHED = "2024-07-01T00:00:00Z"
START = datetime(2024, 5, 1, tzinfo=UTC)
CLEAN = ("clean", "clean_desk", "clean_forms", "clean_tickets")
HELPDESKS = ("no_hours", "overlapping", "no_days", "negative", "switched", "ruled", "closed")
DESKS = ("desk_without_hours", "desk", "desk_of_two_hours")

STATUSES = ("new", "open", "pending", "hold", "solved", "closed", "deleted")
PRIORITIES = ("low", "normal", "high", "urgent")
WORDS = ("parked", "", None, "NEW", "(none)", "all", 7, ["solved"], {"x": 1}, "'); --", "\u0000 \u202e")
NO_TIMES = (
    None, "", "redacted", "soon", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "infinity",
    "-infinity", "2024-02-30T00:00:00Z", "2031-01-01T00:00:00Z", "2024-06-04T10:00:00+25:00", 5, 1e300, True, {"at": 1},
)  # fmt: skip
NO_NUMBERS = (
    None,
    "",
    -1,
    -1e9,
    1e300,
    "NaN",
    "infinity",
    "many",
    0,
    2.5,
    True,
    [1],
    "99999999999999999999999",
)
IDS = (None, "", 0, -1, "0012", "nobody", 10**25, " 7 ", "(none)")

STATS = (
    "agent_responded_at", "requester_responded_at", "first_responded_at", "status_updated_at", "reopened_at", "resolved_at", "closed_at",
    "pending_since",
)  # fmt: skip
MERGED = "This ticket is closed and merged into ticket"
NO_RATINGS = (
    None, "x", [], {}, {"default_question": 7}, {"default_question": None}, {"": 103}, {"default_question": {"a": 1}},
    {"Default_Question": 103, "default_question": -103}, {"question_2": "100", "2": -100, "a/b~": 103},
)  # fmt: skip
DESK_HOURS = {
    day: {"start_time": "8:00 am", "end_time": "5:00 pm"} for day in ("monday", "tuesday", "friday")
}
NO_HOURS = (
    None, "x", [], {}, {"monday": 7}, {"monday": {"start_time": "25:00", "end_time": "5:00 pm"}},
    {"monday": {"start_time": "9:00 pm", "end_time": "9:00 pm"}, "sunday": {"start_time": "24:00", "end_time": None}},
    {day: {"start_time": "11:59 pm", "end_time": "11:58 pm"} for day in ("monday", "tuesday", "saturday")},
)  # fmt: skip
NO_HOLIDAYS = (
    "x",
    7,
    [None],
    [{"date": "infinity"}],
    {"a": "0001-01-01", "b": None},
    [{"date": "--02-30"}],
    [{"date": {"a": 1}}],
)

SCHEDULES = """source,schedule_id,time_zone,weekday,opens,closes,is_default,valid_from,valid_to
ruled,1,UTC,1,09:00,17:00,true,,
ruled,1,UTC,1,10:00,18:00,true,,
ruled,2,Asia/Tokyo,2,00:00,24:00,true,,
dirty_log,1,UTC,2,22:00,30:00,false,2024-05-05,2024-05-01
*,1,Europe/Berlin,3,08:00,09:00,true,,
"""
OWN_TARGETS = (
    "source,metric,policy,priority,complexity,segment,channel,group_id,"
    "target_minutes,is_business_hours,valid_from,valid_to\n"
    + "".join(
        f"*,{metric},own,,,,,,60,{hours},,\n"
        for metric, hours in (
            ("first_reply", "true"), ("next_reply", "false"), ("periodic_update", "false"), ("pausable_update", "true"),
            ("agent_work", "true"), ("requester_wait", "false"), ("total_resolution", "false"), ("group_ownership", "true"),
        )
    )
)  # fmt: skip
RULES = {
    "schedules.csv": SCHEDULES,
    "own_sla_targets.csv": OWN_TARGETS,
    "questions.csv": questions("*,F,stars,csat", "*,C,stars,csat"),
}

FORM = {
    "id": "F",
    "title": "how was it",
    "fields": [
        {"id": "nps", "ref": "nps", "title": "recommend", "type": "nps"},
        {"id": "stars", "ref": "stars", "title": "stars", "type": "rating", "properties": {"steps": 5}},
    ],
}
MAPPINGS = {
    "tickets": """entity: tickets
mode: snapshot
columns: {created_at: created, status: status, priority: priority, first_reply_at: replied, resolved_at: resolved, closed_at: closed,
  reopens: reopens, public_agent_replies: replies, handle_seconds: handled, customer_id: customer, group_id: team, assignee_id: agent,
  segment: segment, promise_due_at: due, promise_ended_at: ended, promise_verdict: verdict}
""",
    "log": """entity: ticket_events
mode: append
columns: {ticket_id: ticket, event_at: at, sequence: n, created_at: created, status: status, group_id: team, assignee_id: agent,
  priority: priority, kind: kind, actor_role: role, actor_id: agent, is_public: public, resolved_at: resolved}
""",
    "answers": """entity: survey_answers
mode: append
columns: {score: score, answered_at: answered, sent_at: sent, ticket_id: ticket, customer_id: customer, segment: segment}
question: {kind: csat, scale_min: 1, scale_max: 5, positive_from: 4}
""",
    "mails": """entity: survey_invitations
mode: append
columns: {sent_at: sent, answered_at: answered, delivery: delivery, ticket_id: ticket, customer_id: customer}
""",
}


def text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Dirt:
    """Draws cases; `spoilt` is how often a value is none that can be."""

    def __init__(self, seed: int, spoilt: float = 0.06) -> None:
        self.random = Random(seed)
        self.spoilt = spoilt
        self.numbers = iter(range(10**9))

    def cases(self, warehouse: Warehouse, count: int) -> None:
        """Lands so many cases, at every source alike."""
        self._helpdesks(warehouse, range(count * 3 // 10))
        self._desks(warehouse, range(count // 5))
        self._forms(warehouse, count // 10)
        parts: dict[str, Callable[[int], Record]] = {
            "tickets": self._file_ticket, "log": self._file_event, "answers": self._file_answer, "mails": self._file_mail,
        }  # fmt: skip
        rows = {name: [draw(n) for n in range(count // 10)] for name, draw in parts.items()}
        land_files(warehouse, "dirty", rows)

    def one(self, good: Sequence[Any], bad: Iterable[Any]) -> Any:
        """A value that can be, or sometimes one that cannot."""
        return self.random.choice(list(bad) if self.random.random() < self.spoilt else good)

    def time(self, created: datetime, *, early: float = 0.15) -> Any:
        """After the creation, sometimes before or at it, sometimes none at all."""
        before = self.random.random() < early
        hours = self.random.choice((0, 0.001, 0.01, 1, 5, 30, 200)) * self.random.random()
        good = created + timedelta(hours=-hours if before else hours)
        return self.one([text(good), text(good), text(created)], NO_TIMES)

    def moment(self) -> datetime:
        return START + timedelta(hours=self.random.random() * 24 * 50)

    def _helpdesks(self, warehouse: Warehouse, numbers: Iterable[int]) -> None:
        accounts = {name: Account(name) for name in HELPDESKS}
        self._schedules(accounts)
        for number in numbers:
            account = accounts[HELPDESKS[number % len(HELPDESKS)]]
            self._ticket(account, self.one([number + 100], [number + 93, *IDS]))
        for account in accounts.values():
            self._people(account)
            account.land(warehouse, FETCHED)

    def _schedules(self, accounts: dict[str, Account]) -> None:
        overlapping, days = accounts["overlapping"], range(5)
        overlapping.schedule(
            1, "UTC", [(day * 1440 + 500 + n, day * 1440 + 900 + n) for day in days for n in (0, 100, 100)]
        )
        overlapping.schedule(1, "UTC", [(0, 10080), (100, 20000)], at="2024-05-20T00:00")
        accounts["no_days"].schedule(1, "UTC", [])
        accounts["negative"].schedule(1, "UTC", [(900, 500), (-60, 60), (600, 600), (10**9, 10**12)])
        accounts["switched"].schedule(1, "Eastern Time (US & Canada)", OFFICE)
        accounts["switched"].schedule(2, "UTC", OFFICE, at="2024-05-15T00:00", created="2024-05-15T00:00")
        accounts["switched"].schedule(3, "Middle of nowhere", OFFICE)
        closed = accounts["closed"]
        closed.schedule(1, "UTC", OFFICE)
        closed.streams["schedules"][-1] |= {"holidays": [
            {"start_date": "2024-06-31", "end_date": "2024-07-01"}, {"start_date": "2024-06-09", "end_date": "2024-06-01"},
            {"start_date": "0001-01-01", "end_date": "9999-12-31"}, {"start_date": None, "end_date": 7}, {},
            {"start_date": "2024-06-03", "end_date": "2024-06-04"},
        ]}  # fmt: skip
        closed.streams["schedules"][-1]["schedule"]["created_at"] = "whenever"

    def _people(self, account: Account) -> None:
        for user in (AGENT, CUSTOMER, 50, 51):
            for _ in range(2):
                account.add("users", {
                    "id": self.one([user], IDS), "role": self.one(["agent", "end-user"], WORDS), "created_at": self.time(START),
                    "updated_at": self.time(START), "active": self.one([True, False], [None, "maybe"]), "organization_id": self.one([5, None], IDS),
                })  # fmt: skip
        for stream in ("organizations", "groups", "brands", "ticket_fields", "sla_policies"):
            account.add(
                stream,
                {
                    "id": self.one([5], IDS),
                    "created_at": self.time(START),
                    "updated_at": self.time(START),
                    "name": "n",
                },
            )

        counted = {"id": "tickets", "value": self.one([5], NO_NUMBERS), "updated_at": self.time(START)}
        account.add("ticket_counts", counted)

    def _ticket(self, account: Account, ticket: Any) -> None:
        created = self.moment()
        name = account.source
        happened = sorted((self.time(created) for _ in range(self.random.randrange(6))), key=str)
        if self.random.random() < 0.5:
            self.random.shuffle(happened)
        for at in [text(created), *happened]:
            if at != text(created) or self.random.random() < 0.9:
                self._event(account, ticket, at)
        account.add("tickets", {
            "id": ticket, "created_at": self.one([text(created)], NO_TIMES), "updated_at": self.time(created, early=0.02),
            "status": self.one(STATUSES, WORDS), "priority": self.one([*PRIORITIES, None], WORDS), "requester_id": self.one([CUSTOMER, 50], IDS),
            "group_id": self.one([f"{name} 1", f"{name} 2", None], IDS), "assignee_id": self.one([f"{name} a", None], IDS),
            "via": self.one([{"channel": f"{name} mail"}], [None, "mail", {"channel": None}]), "tags": self.one([[], ["x"]], [None, "x", [None, 7]]),
            "custom_fields": self.one([[]], [None, [{"id": 5, "value": -1}], "no"]), "collaborator_ids": self.one([[]], [None, "x"]),
            "satisfaction_rating": self.one([None, {"score": "good"}], [{"score": 7}, "good"]),
            "support_type": self.one(["agent", "agent", "ai_agent", None], WORDS),
            "metric_set": self.one([None], [{
                "reopens": self.one([1], NO_NUMBERS), "reply_time_in_minutes": {"calendar": self.one([5], NO_NUMBERS)},
                "first_resolution_time_in_minutes": {"calendar": self.one([5], NO_NUMBERS), "business": self.one([5], NO_NUMBERS)},
                "solved_at": self.time(created), "status_updated_at": self.time(created), "assignee_updated_at": self.time(created),
                "initially_assigned_at": self.time(created), "custom_status_updated_at": self.time(created),
            }]),
        })  # fmt: skip
        for _ in range(self.random.randrange(5)):
            account.add("ticket_metric_events", {
                "id": self.one([next(self.numbers)], IDS), "ticket_id": ticket, "metric": self.one(["reply_time", "agent_work_time"], WORDS),
                "instance_id": self.one([1, 2], NO_NUMBERS), "time": self.time(created),
                "type": self.one(["activate", "fulfill", "pause", "apply_sla", "apply_sla", "breach", "update_status"], WORDS),
                "sla": self.one([{"target_in_seconds": 3600, "business_hours": True}, {"target": 60}, None], [
                    {"target_in_seconds": self.one([0], NO_NUMBERS)}, "gold", {"policy": 5}]),
                "status": self.one([None, {"calendar": 5, "business": 5}], [{"calendar": -5}, 7]),
            })  # fmt: skip
        if self.random.random() < 0.3:
            account.add("satisfaction_ratings", {
                "id": self.one([next(self.numbers)], IDS), "ticket_id": ticket, "score": self.one(["good", "bad", "offered"], WORDS),
                "created_at": self.time(created), "updated_at": self.time(created), "assignee_id": None, "group_id": None, "requester_id": 50,
            })  # fmt: skip

    def _event(self, account: Account, ticket: Any, at: Any) -> None:
        name = account.source
        children = [self.random.choice((
            lambda: {"event_type": "Change", "status": self.one(STATUSES, WORDS)},
            lambda: {"event_type": "Create", "status": self.one(STATUSES, WORDS), "group_id": f"{name} 1"},
            lambda: {"event_type": "Change", "priority": self.one(PRIORITIES, WORDS)},
            lambda: {"event_type": "Change", "support_type": self.one(["agent", "ai_agent"], WORDS)},
            lambda: {"event_type": "Change", "group_id": self.one([f"{name} 1", f"{name} 2", None], IDS)},
            lambda: {"event_type": "Change", "assignee_id": self.one([f"{name} a", f"{name} b", None], IDS)},
            lambda: {"event_type": "ScheduleAssignment", "new_schedule_id": self.one([1, 2], IDS)},
            lambda: {"event_type": "Comment", "author_id": self.one([AGENT, CUSTOMER, 50], IDS), "public": self.one([True, False], WORDS)},
        ))() for _ in range(self.random.randrange(1, 4))]  # fmt: skip
        stream = "ticket_audits" if self.random.random() < 0.1 else "ticket_events"
        if stream == "ticket_audits":
            children = [{"type": "Change", "field_name": "status", "value": self.one(STATUSES, WORDS)}]
        account.add(stream, {
            "id": self.one([next(self.numbers)], IDS), "ticket_id": ticket, "created_at": at, "updated_at": at, "updater_id": self.one([AGENT, CUSTOMER], IDS),
            "author_id": AGENT, "child_events": self.one([children], [None, "x", [None], [{}]]), "events": children,
        })  # fmt: skip

    def _desks(self, warehouse: Warehouse, numbers: Iterable[int]) -> None:
        desks = {name: freshdesk_records.Account(name) for name in DESKS}
        for number in numbers:
            self._desk_ticket(
                desks[DESKS[number % len(DESKS)]], self.one([number + 100], [number + 93, *IDS])
            )
        for hours, desk in enumerate(desks.values()):
            self._desk_settings(desk, hours)
            desk.land(warehouse, FETCHED)

    def _flag(self) -> Any:
        return self.one([True, False, None], WORDS)

    def _desk_ticket(self, desk: freshdesk_records.Account, ticket: Any) -> None:
        """Some versions of a ticket, in any of the three lists, and what else is told of it."""
        created, name = self.moment(), desk.source
        stream = self.random.choice(("tickets",) * 8 + ("deleted_tickets", "spam_tickets"))
        for _ in range(self.random.randrange(1, 4)):
            stats = {time: self.one([None, self.time(created)], NO_TIMES) for time in STATS}
            self._put(desk, stream, {
                "id": ticket, "created_at": self.one([text(created)], NO_TIMES), "updated_at": self.time(created, early=0.02),
                "status": self.one([2, 3, 4, 5, 6, 8, "4"], [*WORDS, 0, 1, 99, 4.5]), "priority": self.one([1, 2, 3, 4, "2"], [*WORDS, 0, 5]),
                "source": self.one([1, 2, 3, 9, 10], [*WORDS, 99]), "type": self.one(["Question", None], WORDS),
                "requester_id": self.one([11, 12], IDS), "responder_id": self.one([21, 22, None], IDS),
                "group_id": self.one([f"{name} 1", f"{name} 2", None], IDS), "company_id": self.one([41, None], IDS),
                "product_id": self.one([61, None], IDS), "is_escalated": self._flag(), "fr_escalated": self._flag(),
                "nr_escalated": self._flag(), "due_by": self.time(created), "fr_due_by": self.time(created), "nr_due_by": self.time(created),
                "spam": self.one([False, None], WORDS), "deleted": self.one([False, None], WORDS),
                "tags": self.one([[], ["x"], ["followed_up"]], [None, "x", [None, 7], {}]),
                "custom_fields": self.one([{"cf_a": "b"}], [None, "no", [], {"cf_a": {"b": 1}}, {"": None, "a~/b": 1}]),
                "association_type": self.one([None, None, 1, 2, 3, 4], WORDS),
                "associated_tickets_list": self.one([None, [ticket], [5]], ["x", [None], {}]),
                "stats": self.one([stats], [None, "x", [], {}]), "_deleted": stream == "deleted_tickets" and self.random.random() < 0.5,
            })  # fmt: skip
        for _ in range(self.random.randrange(5)):
            self._put(desk, "conversations", {
                "id": self.one([next(self.numbers)], IDS), "ticket_id": self.one([ticket], IDS), "user_id": self.one([21, 22, 11, 12], IDS),
                "incoming": self._flag(), "private": self._flag(), "source": self.one([0, 0, 2, 6, 8, 9], WORDS),
                "created_at": self.time(created), "updated_at": self.time(created), "auto_response": self._flag(),
                "automation_id": self.one([None], WORDS),
                "body_text": self.one(["hello"], [None, 7, {"a": 1}, *(f"{MERGED} {other}" for other in (ticket, 5, 10**25, "x"))]),
            })  # fmt: skip
        if self.random.random() < 0.4:
            self._put(desk, "satisfaction_ratings", {
                "id": self.one([next(self.numbers)], IDS), "ticket_id": self.one([ticket], IDS), "survey_id": self.one([7], IDS),
                "user_id": self.one([11, 12], IDS), "agent_id": self.one([21, None], IDS), "group_id": None,
                "created_at": self.time(created), "updated_at": self.time(created),
                "ratings": self.one([{"default_question": 103}, {"default_question": -101, "question_2": 100}], NO_RATINGS),
            })  # fmt: skip
        if self.random.random() < 0.4:
            self._put(desk, "time_entries", {
                "id": self.one([next(self.numbers)], IDS), "ticket_id": self.one([ticket], IDS), "agent_id": self.one([21, None], IDS),
                "time_spent": self.one(["00:45", "1:30"], [*NO_NUMBERS, "-1:00", "99:99", "999999:00", "1:30:00"]),
                "executed_at": self.time(created), "created_at": self.time(created), "updated_at": self.time(created),
            })  # fmt: skip

    def _put(self, desk: freshdesk_records.Account, stream: str, record: Record) -> None:
        desk.streams.setdefault(stream, []).append(record)

    def _desk_settings(self, desk: freshdesk_records.Account, hours: int) -> None:
        def put(stream: str, record_id: Any, **fields: Any) -> None:
            made = {
                "created_at": self.time(START),
                "updated_at": self.time(START),
                "name": self.one(["n"], WORDS),
            }
            self._put(desk, stream, {"id": self.one([record_id], IDS)} | made | fields)

        for _ in range(3):
            for number in range(hours):
                put(
                    "business_hours", 51 + number, is_default=self._flag(),
                    time_zone=self.one(["UTC", "Eastern Time (US & Canada)"], WORDS),
                    business_hours=self.one([DESK_HOURS], NO_HOURS), holidays=self.one([None, [{"date": "2024-06-03"}]], NO_HOLIDAYS),
                )  # fmt: skip
            for person in (21, 22, 11):
                put(
                    "agents",
                    person,
                    group_ids=self.one([[f"{desk.source} 1"]], [None, "x", [None], 7]),
                    deactivated=self._flag(),
                )
            for person in (11, 12, 21):
                put("contacts", person, company_id=self.one([41, None], IDS), deleted=self._flag())
            put("deleted_contacts", 12, company_id=41, deleted=True)
            put(
                "groups",
                f"{desk.source} 1",
                business_hour_id=self.one([51, None], IDS),
                agent_ids=self.one([[21, 22]], [None, "x", [None]]),
            )
            put(
                "companies",
                41,
                custom_fields=self.one([{"segment": desk.source}], [None, "x", [], {"segment": {"a": 1}}]),
            )
            put("products", 61, name=self.one([f"{desk.source} product"], WORDS))
            put("sla_policies", 81, position=self.one([1], NO_NUMBERS))
            put(
                "surveys",
                7,
                title="s",
                questions=self.one(
                    [[{"id": "default_question", "default": True}]], [None, "x", [None], [{}], {}]
                ),
            )
            put("ticket_fields", 71, name=self.one(["status"], WORDS), choices=self.one(
                [{"8": ["a", "third party"]}, [{"id": 8, "label": "b", "stop_sla_timer": True}]],
                [None, "x", 7, [None], {"8": None, "x": ["a"]}, [{"id": {}, "stop_sla_timer": "so"}], {"99999999999999999999999": ["c"]}],
            ))  # fmt: skip

    def _forms(self, warehouse: Warehouse, count: int) -> None:
        warehouse.land(
            "typeform",
            "forms",
            [FORM | {"updated_at": text(START)}],
            source="dirty_forms",
            fetched_at=FETCHED,
        )
        responses = []
        for number in range(count):
            created = self.moment()
            answers = [
                {"field": {"id": "nps"}, "type": "number", "number": self.one(range(11), [*NO_NUMBERS, 11])},
                {
                    "field": {"id": self.one(["stars"], ["nps", None, "gone"])},
                    "type": "number",
                    "number": self.one(range(1, 6), NO_NUMBERS),
                },
            ]
            responses.append({
                "_record_id": f"F/{number}", "response_id": self.one([f"r{number}"], [f"r{number - 1}", *IDS]),
                "submitted_at": self.time(created), "_landed": text(created),
                "hidden": self.one([{"sent_at": self.time(created), "segment": "dirty"}], [None, "x"]),
                "answers": self.one([answers], [None, [], "x", [None], answers + answers]),
            })  # fmt: skip
        warehouse.land(
            "typeform",
            "responses",
            responses,
            source="dirty_forms",
            changed="submitted_at",
            fetched_at=FETCHED,
        )

    def _cell(self, good: Sequence[Any], bad: Iterable[Any] = ()) -> str:
        value = self.one(good, [*bad, "", "?", "(none)"])
        return "" if value is None else str(value)

    def _file_time(self, created: datetime) -> str:
        return self._cell([self.time(created)])

    def _file_ticket(self, number: int) -> Record:
        created = self.moment()
        return {
            "id": self.one([f"t{number}"], [""]), "created": self._cell([text(created)], NO_TIMES), "status": self._cell(STATUSES[:6], WORDS),
            "priority": self._cell(PRIORITIES, WORDS), "replied": self._file_time(created), "resolved": self._file_time(created),
            "closed": self._file_time(created), "reopens": self._cell([0, 1], NO_NUMBERS), "replies": self._cell([0, 2], NO_NUMBERS),
            "handled": self._cell([60], NO_NUMBERS), "customer": self._cell(["c1", "c2"]), "team": self._cell(["dirty team"]),
            "agent": self._cell(["dirty agent"]), "segment": self._cell(["dirty"]), "due": self._file_time(created),
            "ended": self._file_time(created), "verdict": self._cell(["", "", "met", "breached", "active"], WORDS),
        }  # fmt: skip

    def _file_event(self, number: int) -> Record:
        """Some three events a ticket, which begins with the first: none before the company does."""
        created = START + timedelta(days=9, hours=number // 3)
        return {
            "id": self.one([f"e{number}"], [""]), "ticket": self._cell([f"l{number // 3}"]), "at": self._file_time(created),
            "n": self._cell(range(9), NO_NUMBERS), "created": self._cell([text(created), text(created), ""], NO_TIMES),
            "status": self._cell(STATUSES[:6], WORDS), "team": self._cell(["dirty 1", "dirty 2"]), "agent": self._cell(["dirty a", "dirty b"]),
            "priority": self._cell(PRIORITIES, WORDS), "kind": self._cell(["change", "comment"], WORDS), "role": self._cell(["agent", "end_user"], WORDS),
            "public": self._cell(["yes", "no"], WORDS), "resolved": self._file_time(created),
        }  # fmt: skip

    def _file_answer(self, number: int) -> Record:
        created = self.moment()
        return {
            "id": self.one([f"a{number}"], [""]), "score": self._cell(range(1, 6), NO_NUMBERS), "answered": self._file_time(created),
            "sent": self._file_time(created), "ticket": self._cell([f"t{number}"], IDS), "customer": self._cell(["c1"], IDS),
            "segment": self._cell(["dirty"]),
        }  # fmt: skip

    def _file_mail(self, number: int) -> Record:
        created = self.moment()
        return {
            "id": self.one([f"i{number}"], [""]), "sent": self._cell([text(created)], NO_TIMES), "answered": self._file_time(created),
            "delivery": self._cell(["delivered", "bounced"], WORDS), "ticket": self._cell([f"t{number}"], IDS), "customer": self._cell(["c1"], IDS),
        }  # fmt: skip


def land_files(warehouse: Warehouse, name: str, rows: dict[str, list[Record]]) -> None:
    """Lands exports of one company, each entity as a source `<name>_<entity>`, by way of the reader of files."""
    folder = warehouse.path.parent / f"exports_{name}"
    folder.mkdir()
    for entity, records in rows.items():
        written = io.StringIO()
        table = csv.DictWriter(written, list(records[0]))
        table.writeheader()
        table.writerows(records)
        (folder / f"{entity}.csv").write_text(written.getvalue())
        (folder / f"{name}_{entity}.yml").write_text(
            f"file: {entity}.csv\nformat: csv\nid: id\ndate_format: iso8601\ntime_zone: UTC\nnull_values: ['?']\n{MAPPINGS[entity]}"
        )
    result = fetch(files.sources(Path(folder)), warehouse.landing)
    failed = [str(each.error) for each in result.streams if each.error]
    assert not failed, failed


def clean_company(warehouse: Warehouse) -> None:
    """Sixty ordinary tickets of a helpdesk, their ratings and clocks, a form and a file, with ids of their own."""
    account, forms, rows = Account("clean"), [], []
    clean_desk().land(warehouse, FETCHED)
    account.schedule(1, "UTC", OFFICE)
    for number in range(60):
        created = START + timedelta(hours=19 * number)
        at = [text(created + timedelta(hours=hours)).removesuffix("Z") for hours in (0, 1, 4, 30)]
        ticket = 9_000_000 + number
        solved = [status(at[2], "solved", 9_002)] if number % 5 else []
        account.ticket(ticket, at[0], comment(at[1], 9_002), *solved, group_id=9_001, assignee_id=9_002, requester_id=9_003 + number % 7,
            via={"channel": "clean mail"}, priority="high")  # fmt: skip
        account.clock(ticket, "reply_time", at[0], "activate")
        account.apply_sla(
            ticket, "reply_time", at[0], 90 if number % 3 else 30, policy="clean", business=bool(number % 2)
        )
        account.clock(ticket, "reply_time", at[1], "fulfill")
        account.rating(
            ticket, "good" if number % 4 else "bad", at[3], agent=9_002, customer=9_003 + number % 7
        )
        answer = {"field": {"id": "nps"}, "type": "number", "number": number % 11}
        forms.append({"_record_id": f"C/c{number}", "response_id": f"c{number}", "submitted_at": f"{at[3]}Z",
            "hidden": {"ticket_id": str(ticket), "sent_at": f"{at[2]}Z"}, "answers": [answer]})  # fmt: skip
        rows.append({"id": f"clean {number}", "created": f"{at[0]}Z", "status": "solved" if solved else "open", "priority": "low",
            "replied": f"{at[1]}Z", "resolved": f"{at[2]}Z" if solved else "", "closed": "", "reopens": "0", "replies": "1", "handled": "60",
            "customer": "clean customer", "team": "clean team", "agent": "clean agent", "segment": "clean", "due": f"{at[1]}Z",
            "ended": f"{at[1]}Z", "verdict": ""})  # fmt: skip
    for user in range(9_002, 9_010):
        account.user(user, "agent" if user == 9_002 else "end-user")
    account.land(warehouse, FETCHED)
    warehouse.land(
        "typeform",
        "forms",
        [FORM | {"id": "C", "updated_at": text(START)}],
        source="clean_forms",
        fetched_at=FETCHED,
    )
    warehouse.land(
        "typeform", "responses", forms, source="clean_forms", changed="submitted_at", fetched_at=FETCHED
    )
    land_files(warehouse, "clean", {"tickets": rows})


def clean_desk() -> freshdesk_records.Account:
    """The like of a second helpdesk."""
    desk = freshdesk_records.Account("clean_desk", streams={})
    desk.streams.clear()
    desk.add("business_hours", 9_151, name="h", is_default=True, time_zone="UTC", business_hours=DESK_HOURS)
    desk.add("groups", 9_101, name="clean first level", business_hour_id=None)
    desk.add("products", 9_161, name="clean product")
    desk.add("agents", 9_102)
    for person in range(7):
        desk.add("contacts", 9_110 + person)
    for number in range(60):
        created = START + timedelta(hours=19 * number)
        at = [text(created + timedelta(hours=hours)).removesuffix("Z") for hours in (0, 1, 4, 30, 50)]
        ticket, customer = 8_000_000 + number, 9_110 + number % 7
        is_solved = bool(number % 5)
        stats = {
            "first_responded_at": at[1],
            "resolved_at": at[2] if is_solved else None,
            "status_updated_at": at[2] if is_solved else at[0],
        }
        desk.ticket(ticket, at[0], at[2], freshdesk_records.RESOLVED if is_solved else freshdesk_records.OPEN, stats=stats, source=13,
            responder_id=9_102, group_id=9_101, product_id=9_161, requester_id=customer,
            fr_due_by=f"{at[3 if number % 3 else 0]}Z", due_by=f"{at[3]}Z", fr_escalated=not number % 3)  # fmt: skip
        desk.says(ticket, at[1], 9_102)
        desk.rating(
            ticket,
            at[4],
            {"default_question": 103 if number % 4 else -103},
            user_id=customer,
            agent_id=9_102,
            group_id=9_101,
        )
        desk.add("time_entries", None, at[2], ticket_id=ticket, agent_id=9_102, time_spent="00:10")
    return desk
