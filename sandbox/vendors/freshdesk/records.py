"""Freshdesk's tickets and what hangs on them, rendered from the company's tables as of its now.

After recorded records: a list gives no description, the first message is no conversation, a satisfaction
rating with words is one as well (source 6), and the verdicts on the targets move `updated_at`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sandbox.catalog import (
    ADMIN_ID,
    API,
    AREAS,
    BAD,
    CHAT,
    CLOSED,
    CSAT_TAG,
    CUSTOMER_ID,
    DELETED,
    EMAIL,
    FIRST_NAMES,
    GOOD,
    HOLD,
    ID_BASE,
    LAST_NAMES,
    MERGED_TAG,
    NEW,
    NOTES,
    OPEN,
    ORGANIZATION_ID,
    PENDING,
    PRODUCTS,
    QUESTIONS,
    RATING_COMMENTS,
    REPLIES,
    SOLVED,
    SPAM_TAG,
    SUBJECTS,
    TAGS,
    VOICE,
    WEB,
)
from sandbox.company import Company, Ints
from sandbox.hours import DAY
from sandbox.lifecycle import (
    AGENT_REPLY,
    AUTO_REPLY,
    BY_AGENT,
    CUSTOMER_COMMENT,
    INTERNAL_NOTE,
    NO_COMMENT,
    SYSTEM,
    Update,
)
from sandbox.real.company import RealCompany
from sandbox.real.facts import Facts
from sandbox.rendering import Record, agent_id, group_id, iso, ticket_id
from sandbox.vendors.freshdesk.slas import Standing, standings

#: Freshdesk's numbers. It has no "new", and a status of the account's own for what waits for a third party.
THIRD_PARTY = 6
STATUS = {NEW: 2, OPEN: 2, PENDING: 3, HOLD: THIRD_PARTY, SOLVED: 4, CLOSED: 5}
ENDED = (SOLVED, CLOSED)
SOURCE = {EMAIL: 1, WEB: 2, VOICE: 3, CHAT: 7, API: 2}
PHONE, FACEBOOK, OUTBOUND, WHATSAPP = 3, 6, 10, 13
PROBLEM_TRACKER, RELATED = 3, 4  # association_type
REPLY, NOTE, FEEDBACK, FORWARD = 0, 2, 6, 8  # a conversation's source
PRODUCT_IDS = tuple(ID_BASE + 80_000_000 + index for index in range(len(PRODUCTS)))
COMPLEXITY_WORDS = ("Simple", "Moderate", "Complex")
SURVEY_ID, OLD_SURVEY_ID = ID_BASE + 81_000_001, ID_BASE + 81_000_000
SECOND_QUESTION = f"question_{ID_BASE + 81_000_100}"
CONVERSATION_ID = ID_BASE + 90_000_000_000
RATING_ID = ID_BASE + 82_000_000
TIME_ENTRY_ID = ID_BASE + 83_000_000
CONVERSATIONS = 64  # ids of one ticket
#: What is deleted or spam lies so long in the trash.
TRASH = 30 * DAY
#: Tags that another helpdesk's workings put on tickets.
_FOREIGN = MERGED_TAG | SPAM_TAG | CSAT_TAG


class Message(NamedTuple):
    """Something written on a ticket; the first one is its description."""

    t: int
    user: int
    kind: int  # as of an update's comment, or FEEDBACK_KIND
    text: int
    row: int  # of the update that it came with, -1 without one


FEEDBACK_KIND = 9


class Rating(NamedTuple):
    """A customer's answer to the survey."""

    row: int
    t: int
    ticket: int
    value: int


def user_of(company: Company, ticket: int, actor: int) -> int:
    """Who writes: merged accounts are the customer's own, programs are the administrator's."""
    if actor >= CUSTOMER_ID:
        return CUSTOMER_ID + 128 * int(company.requester[ticket])
    return actor if actor > 0 else ADMIN_ID


class Records:
    """Renders one company's records.

    Attributes:
        vanished: Indexes of tickets that were deleted for good: nothing tells of them.
    """

    def __init__(self, company: Company) -> None:
        self.company = company
        self.vanished: set[int] = set()
        self._lives: dict[int, list[Update]] = {}
        self._views: dict[str, tuple[Ints, Ints]] = {}
        self._viewed: tuple[int, int] | None = None

    # ---- all tickets as of now ----

    def listed(self, name: str) -> tuple[Ints, Ints]:
        """Tickets in the trash `deleted` or `spam`, or in neither (`""`): indexes, and when they changed."""
        viewed = self.company.now_seconds, len(self.vanished)
        if self._viewed != viewed:
            self._viewed, self._views = viewed, self._look()
        return self._views[name]

    def _look(self) -> dict[str, tuple[Ints, Ints]]:
        company, now = self.company, self.company.now_seconds
        shown = (company.updates["t"] <= now) & (company.updates["kind"] != SYSTEM)
        times = np.where(shown, company.updates["t"], 0)
        self._changed: Ints = np.maximum.reduceat(times, company.starts[:-1])
        moved_at, moved = self._moves
        visible = moved_at <= now
        np.maximum.at(self._changed, moved[visible], moved_at[visible])
        found: dict[str, list[int]] = {"": [], "deleted": [], "spam": []}
        for ticket in np.flatnonzero(company.created <= now).tolist():
            name, since = self.trash(ticket)
            if ticket not in self.vanished and (not name or now - since < TRASH):
                found[name].append(ticket)
        views = {name: np.array(tickets, dtype=np.int64) for name, tickets in found.items()}
        return {name: (tickets, self._changed[tickets]) for name, tickets in views.items()}

    @cached_property
    def _moves(self) -> tuple[Ints, Ints]:
        """Times and tickets of what moves `updated_at` without an update: verdicts, messages, ratings."""
        moves = []
        for ticket in range(len(self.company.created)):
            life = self.life(ticket)
            moves += [(standing.t, ticket) for standing in self._standings(ticket, life)]
            moves += [(message.t, ticket) for message in self._messages(ticket, life)]
        table = np.array(moves, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def life(self, ticket: int) -> list[Update]:
        """All updates that ever come, without those of the other helpdesk's own."""
        if ticket not in self._lives:
            company = self.company
            rows = company.updates[company.starts[ticket] : company.starts[ticket + 1]].tolist()
            self._lives[ticket] = [
                update for update in (Update(*row) for row in rows) if update.kind != SYSTEM
            ]
        return self._lives[ticket]

    def facts(self, ticket: int) -> Facts | None:
        """What a ticket of a real company is besides; None of a quiet one."""
        return self.company.facts[ticket] if isinstance(self.company, RealCompany) else None

    def _standings(self, ticket: int, life: Sequence[Update]) -> list[Standing]:
        company = self.company
        responded = self._responded(ticket, self._messages(ticket, life))
        return standings(life, responded, company.hours, company.end)

    def trash(self, ticket: int) -> tuple[str, int]:
        """`deleted` or `spam`, and since when; an empty name of a ticket that is neither."""
        now, since, tags = self.company.now_seconds, None, 0
        for update in reversed(self.life(ticket)):
            if update.t > now:
                continue
            if update.status != DELETED:
                break
            since, tags = update.t, update.tags if since is None else tags
        if since is None:
            return "", 0
        return ("spam" if tags & SPAM_TAG else "deleted"), since

    # ---- what was written ----

    def _messages(self, ticket: int, life: Sequence[Update]) -> list[Message]:
        """What is written on a ticket over its whole life, oldest first, the description included."""
        facts = self.facts(ticket)
        sessions = facts.sessions if facts else None
        said = (AGENT_REPLY, CUSTOMER_COMMENT)
        found = []
        for place, update in enumerate(life):
            is_acknowledgement = update.comment == AUTO_REPLY and ticket % 5
            is_told_by_session = sessions is not None and update.comment in said
            if update.comment == NO_COMMENT or is_acknowledgement or is_told_by_session:
                continue
            user = user_of(self.company, ticket, update.actor)
            found.append(Message(update.t, user, update.comment, update.text, place))
        for session in sessions or []:
            for place, (t, who) in enumerate(session.messages):
                user = user_of(self.company, ticket, who)
                by_us = AGENT_REPLY if who > 0 else AUTO_REPLY
                kind = CUSTOMER_COMMENT if user >= CUSTOMER_ID else by_us
                found.append(Message(t, user, kind, t % 997 + place, -1))
        for before, update in pairwise(life):
            if update.score > 1 and update.score != before.score and update.text % 3 == 0:
                user = user_of(self.company, ticket, CUSTOMER_ID)
                found.append(Message(update.t, user, FEEDBACK_KIND, update.text, -1))
        return sorted(found, key=lambda message: message.t)

    def _responded(self, ticket: int, messages: Sequence[Message]) -> int | None:
        """When an agent first answered; of a mail that went out, the customer's first."""
        asked = self.source(ticket) != OUTBOUND
        for message in messages[1:]:
            if message.kind == CUSTOMER_COMMENT:
                asked = True
            elif message.kind == AGENT_REPLY and asked:
                return message.t
        return None

    def source(self, ticket: int) -> int:
        """The number of the channel that a ticket came by."""
        facts, first = self.facts(ticket), self.life(ticket)[0]
        channel = int(self.company.channel[ticket])
        if facts is not None:
            if facts.channel == "facebook":
                return FACEBOOK
            if facts.channel == "whatsapp":
                return WHATSAPP
            if facts.begins in ("on_behalf", "call", "voicemail"):
                return PHONE
        is_sent = first.comment == AGENT_REPLY and channel in (EMAIL, WEB)
        return OUTBOUND if is_sent else SOURCE[channel]

    # ---- records ----

    def ticket(self, ticket: int, include: Sequence[str]) -> Record:
        """A ticket as a list gives it, with what was asked to be included."""
        company, now = self.company, self.company.now_seconds
        whole = self.life(ticket)
        life = [update for update in whole if update.t <= now]
        last = life[-1]
        alive = next((update for update in reversed(life) if update.status != DELETED), last)
        name, _ = self.trash(ticket)
        told = self._standings(ticket, whole)
        standing = told[max(bisect_right([each.t for each in told], now) - 1, 0)]
        messages = [message for message in self._messages(ticket, whole) if message.t <= now]
        source, facts = self.source(ticket), self.facts(ticket)
        is_mail = source in (1, OUTBOUND)
        product = int(company.product[ticket])
        requester = CUSTOMER_ID + 128 * int(company.requester[ticket])
        self.listed("")
        subject = SUBJECTS[life[0].text % len(SUBJECTS)]
        record: Record = {
            "cc_emails": [] if ticket % 4 else None,
            "fwd_emails": [],
            "reply_cc_emails": [],
            "ticket_cc_emails": [],
            "fr_escalated": standing.is_response_late,
            "spam": name == "spam",
            "email_config_id": ID_BASE + 84_000_000 if is_mail else None,
            "group_id": group_id(last.group),
            "priority": max(last.priority, 1),
            "requester_id": requester,
            "responder_id": agent_id(last.assignee),
            "source": source,
            "company_id": self.company_of(ticket),
            "status": STATUS.get(alive.status, 2),
            "subject": subject,
            "association_type": self._association(ticket),
            "support_email": "support@sandbox.example" if is_mail else None,
            "to_emails": ["support@sandbox.example"] if source == 1 else None,
            "product_id": PRODUCT_IDS[product] if product >= 0 else None,
            "id": ticket_id(ticket),
            "type": ("Question", "Incident", "Problem", None)[life[0].text % 4],
            "due_by": iso(standing.resolution_due),
            "fr_due_by": iso(standing.response_due),
            "is_escalated": standing.is_resolution_late,
            "custom_fields": {
                "cf_service_area": AREAS[company.area[ticket]],
                "cf_complexity": COMPLEXITY_WORDS[company.complexity[ticket]],
                "cf_reference": None,
            },
            "created_at": iso(life[0].t),
            "updated_at": iso(int(self._changed[ticket])),
            "associated_tickets_count": None,
            "tags": _tags(last.tags & ~_FOREIGN),
        }
        if facts is not None and facts.problem is not None:
            record["type"] = "Incident"
        if "description" in include:
            text = QUESTIONS[life[0].text % len(QUESTIONS)]
            record |= {"description": f"<div>{text}</div>", "description_text": text}
        if name == "deleted":
            record["deleted"] = True
        if "requester" in include:
            record["requester"] = {
                "id": requester,
                "name": customer_name(int(company.requester[ticket])),
                "email": customer_email(int(company.requester[ticket])),
                "mobile": None,
                "phone": None,
            }
        if "stats" in include:
            record["stats"] = self._stats(ticket, life, messages)
        record |= {"nr_due_by": None, "nr_escalated": False}
        return record

    def _association(self, ticket: int) -> int | None:
        facts = self.facts(ticket)
        if facts is None or not isinstance(self.company, RealCompany):
            return None
        if facts.problem is not None:
            return RELATED
        return PROBLEM_TRACKER if ticket in self.company.incidents else None

    def company_of(self, ticket: int) -> int | None:
        """The id of the company that a ticket's customer belongs to."""
        organization = int(self.company.organization_of[self.company.requester[ticket]])
        return ORGANIZATION_ID + 128 * organization if organization >= 0 else None

    def _stats(self, ticket: int, life: Sequence[Update], messages: Sequence[Message]) -> Record:
        """What the vendor remembers of a ticket's past: the last time of each; some fields only where set."""
        states = [update for update in life if update.status != DELETED] or [life[0]]
        numbers = [STATUS.get(update.status, 2) for update in states]
        moved = states[0].t
        reopened = resolved = closed = pending = None
        for place, (update, number) in enumerate(zip(states, numbers, strict=True)):
            previous = numbers[place - 1] if place else None
            if number == previous:
                continue
            moved = update.t
            pending = update.t if number == 3 else None
            if number in (4, 5):
                resolved = resolved if resolved is not None else update.t
                closed = update.t if number == 5 else closed
            elif previous in (4, 5):
                reopened, resolved, closed = update.t, None, None
        said = messages[1:]
        responded = self._responded(ticket, messages)
        times = {
            "agent_responded_at": max((m.t for m in said if m.kind == AGENT_REPLY), default=None)
            if responded is not None
            else None,
            "requester_responded_at": max(
                (m.t for m in said if m.kind in (CUSTOMER_COMMENT, FEEDBACK_KIND)), default=None
            ),
            "first_responded_at": responded,
            "status_updated_at": moved,
            "reopened_at": reopened,
            "resolved_at": resolved,
            "closed_at": closed,
            "pending_since": pending,
        }
        # Older tickets lack what the vendor began to remember later.
        if ticket % 7 == 0:
            times = {key: at for key, at in times.items() if at is not None or key in DOCUMENTED_STATS}
        return {key: None if at is None else iso(at) for key, at in times.items()}

    def conversations(self, ticket: int) -> list[Record]:
        """Everything written on a ticket since its description, oldest first."""
        now = self.company.now_seconds
        messages = [message for message in self._messages(ticket, self.life(ticket)) if message.t <= now]
        return [
            self._conversation(ticket, place, message)
            for place, message in enumerate(messages)
            if place and place < CONVERSATIONS
        ]

    def _conversation(self, ticket: int, place: int, message: Message) -> Record:
        is_incoming = message.kind in (CUSTOMER_COMMENT, FEEDBACK_KIND)
        is_note = message.kind == INTERNAL_NOTE
        is_forward = is_note and message.text % 7 == 0
        source, category = REPLY, 1 if is_incoming else 3
        if message.kind == FEEDBACK_KIND:
            source, category = FEEDBACK, 7
        elif is_forward:
            source, category = FORWARD, 6
        elif is_note:
            source, category = NOTE, 2
        body = self._words(ticket, message)
        is_automatic = message.kind == AUTO_REPLY
        is_mail = source in (REPLY, FORWARD) and not is_incoming
        return {
            "body": f"<div>{body}</div>",
            "body_text": body,
            "id": CONVERSATION_ID + CONVERSATIONS * ticket + place,
            "incoming": is_incoming,
            "private": is_note and not (is_forward and message.text % 2),
            "user_id": message.user,
            "support_email": "support@sandbox.example" if is_mail else None,
            "source": source,
            "category": category,
            "to_emails": ["partner@vendor.example"] if is_forward else [],
            "from_email": "Sandbox <support@sandbox.example>" if is_mail else None,
            "cc_emails": [],
            "bcc_emails": [] if is_mail else None,
            "email_failure_count": None,
            "outgoing_failures": None,
            "thread_id": None,
            "thread_message_id": None,
            "created_at": iso(message.t),
            "updated_at": iso(message.t),
            "last_edited_at": None,
            "last_edited_user_id": None,
            "attachments": [],
            "automation_id": ID_BASE + 85_000_000 if is_automatic else None,
            "automation_type_id": 4 if is_automatic else None,
            "auto_response": is_automatic,
            "ticket_id": ticket_id(ticket),
            "source_additional_info": None,
        }

    def _words(self, ticket: int, message: Message) -> str:
        merged = self._merge_note(ticket, message)
        if merged is not None:
            return merged
        words = {
            CUSTOMER_COMMENT: QUESTIONS,
            AGENT_REPLY: REPLIES,
            INTERNAL_NOTE: NOTES,
            AUTO_REPLY: ("We have received your request.",),
            FEEDBACK_KIND: RATING_COMMENTS,
        }[message.kind]
        return words[message.text % len(words)]

    def _merge_note(self, ticket: int, message: Message) -> str | None:
        """What a merge leaves on either ticket: nothing else tells of it."""
        if message.kind != INTERNAL_NOTE or message.row < 0:
            return None
        facts, life = self.facts(ticket), self.life(ticket)
        if life[message.row].tags & MERGED_TAG and not life[message.row - 1].tags & MERGED_TAG:
            into = facts.merged_into if facts is not None else max(ticket - 1, 0)
            if into is not None:
                return f"This ticket is closed and merged into ticket {ticket_id(into)}"
        for other in facts.merged_from if facts is not None else []:
            at = self.life(other)[-1].t
            if 0 < message.t - at <= 100:
                return f"Ticket with ID {ticket_id(other)} is merged into this ticket"
        return None

    @cached_property
    def _all_ratings(self) -> list[Rating]:
        company = self.company
        found = []
        for ticket in range(len(company.created)):
            for place, (before, update) in enumerate(pairwise(self.life(ticket)), 1):
                if update.score > 1 and update.score != before.score:
                    values = (103, 102, 101) if update.score == GOOD else (-103, -102, 100, -101)
                    found.append(Rating(place, update.t, ticket, values[ticket % len(values)]))
        return sorted(found, key=lambda rating: rating.t)

    def ratings(self) -> Iterator[Record]:
        """The answers to the survey, the newest first."""
        now = self.company.now_seconds
        for number, rating in reversed(list(enumerate(self._all_ratings))):
            if rating.t > now or rating.ticket in self.vanished:
                continue
            update = self.life(rating.ticket)[rating.row]
            says = RATING_COMMENTS[update.text % len(RATING_COMMENTS)] if update.text % 3 == 0 else None
            answers = {"default_question": rating.value}
            if update.text % 2:
                answers[SECOND_QUESTION] = 103 if update.score != BAD else -103
            yield {
                "id": RATING_ID + number,
                "survey_id": SURVEY_ID if rating.t >= self.company.surveyed else OLD_SURVEY_ID,
                "user_id": user_of(self.company, rating.ticket, CUSTOMER_ID),
                "agent_id": agent_id(update.assignee),
                "feedback": says,
                "group_id": group_id(update.group),
                "ticket_id": ticket_id(rating.ticket),
                "created_at": iso(rating.t),
                "updated_at": iso(rating.t),
                "ratings": answers,
            }

    @cached_property
    def _all_efforts(self) -> list[Update]:
        found = []
        for ticket in range(len(self.company.created)):
            for update in self.life(ticket)[1:]:
                if update.comment == AGENT_REPLY and update.kind == BY_AGENT and update.text % 3 == 0:
                    found.append(update)
        return sorted(found, key=lambda update: update.t)

    def time_entries(self) -> Iterator[tuple[int, Record]]:
        """When the work was done and what agents wrote down about it, the newest first."""
        now = self.company.now_seconds
        for number, update in reversed(list(enumerate(self._all_efforts))):
            if update.t > now or update.ticket in self.vanished:
                continue
            spent = 60 + update.text * 7 % 7200
            # Some write down afterwards what they did days before, most the same day.
            executed = update.t // DAY * DAY - (3 * DAY if update.text % 11 == 0 else 0)
            yield (
                executed,
                {
                    "billable": update.text % 4 != 0,
                    "note": "" if update.text % 5 else NOTES[update.text % len(NOTES)],
                    "id": TIME_ENTRY_ID + number,
                    "timer_running": False,
                    "agent_id": agent_id(update.assignee),
                    "ticket_id": ticket_id(update.ticket),
                    "company_id": self.company_of(update.ticket),
                    "time_spent": f"{spent // 3600:02}:{spent // 60 % 60:02}",
                    "executed_at": iso(executed),
                    "start_time": iso(update.t),
                    "created_at": iso(update.t),
                    "updated_at": iso(update.t),
                    "time_spent_in_seconds": spent,
                },
            )


#: The fields of `stats` that the reference names of a list.
DOCUMENTED_STATS = ("first_responded_at", "resolved_at", "closed_at")


def customer_name(customer: int) -> str:
    """The name of a customer index."""
    return f"{FIRST_NAMES[customer % 25]} {LAST_NAMES[customer // 25 % 25]}"


def customer_email(customer: int) -> str | None:
    """The address of a customer index; most write from elsewhere."""
    return f"customer{customer}@mail.example" if customer % 60 == 0 else None


def _tags(bits: int) -> list[str]:
    return [tag for i, tag in enumerate(TAGS) if bits >> i & 1]
