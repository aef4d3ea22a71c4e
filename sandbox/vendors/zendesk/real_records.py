"""What Zendesk tells of a real company's tickets: messages, calls, links, silent changes.

After the reference of audit events, the via object, the ticket, and recorded records. These leave open how a
changed `support_type` is told (here like any other field), the `rel` of merges and of tickets from side
conversations, and what the events of sharing and of side conversations carry.
"""

from sandbox.catalog import (
    BAD,
    BRAND_ID,
    CUSTOMER_ID,
    ID_BASE,
    MERGED_TAG,
    REPLIES,
    SUBJECTS,
)
from sandbox.lifecycle import (
    AGENT_REPLY,
    CREATE,
    CUSTOMER_COMMENT,
    INTERNAL_NOTE,
    SILENT,
    SYSTEM,
    Update,
)
from sandbox.real.company import MERGE_SECONDS, RealCompany, old_account
from sandbox.real.facts import NO_REASON, Facts, Session, rating_reason
from sandbox.rendering import Record, iso, ticket_id
from sandbox.vendors.zendesk.records import Records

LABS_BRAND_ID = BRAND_ID + 128
SHARING_AGREEMENT_ID = ID_BASE + 61_000_000
#: Parts of a metric set that say when something happened, or how long it took.
METRIC_TIMES = (
    "first_resolution_time_in_minutes",
    "full_resolution_time_in_minutes",
    "agent_wait_time_in_minutes",
    "requester_wait_time_in_minutes",
)
_NOTHING = {"calendar": None, "business": None}


class RealRecords(Records):
    """Renders one real company's records."""

    company: RealCompany

    def _facts(self, ticket: int) -> Facts:
        return self.company.facts[ticket]

    # ---- tickets ----

    def via(self, ticket: int) -> Record:
        """How the ticket came about."""
        facts = self._facts(ticket)
        origin: Record = {}
        target: Record = {}
        named = facts.follows if facts.follows is not None else facts.parent
        if named is not None:
            first = self.company.updates[self.company.starts[named]]
            origin = {
                "ticket_id": ticket_id(named),
                "subject": SUBJECTS[int(first["text"]) % len(SUBJECTS)],
                "channel": self._facts(named).channel,
            }
        elif facts.channel == "voice":
            customer = {"phone": "+15005550006", "formatted_phone": "+1 (500) 555-0006", "name": "Caller"}
            line = {"phone": "+15005550010", "formatted_phone": "+1 (500) 555-0010", "name": "Sandbox"}
            origin, target = (line, customer) if facts.rel == "outbound" else (customer, line)
        elif facts.channel == "facebook":
            origin = {"name": "Visitor", "profile_url": "https://social.example/v", "facebook_id": "501"}
        return {"channel": facts.channel, "source": {"from": origin, "to": target, "rel": facts.rel}}

    def ticket(self, ticket: int, updates: list[Update], with_metrics: bool) -> Record:
        record = super().ticket(ticket, updates, with_metrics)
        facts, last = self._facts(ticket), updates[-1]
        if facts.is_silent and last.kind == SILENT and ticket % 2:
            record["updated_at"] = iso(next(u.t for u in reversed(updates) if u.kind < SYSTEM))
        record["via"] = self.via(ticket)
        record["type"] = self._type(ticket)
        record["support_type"] = facts.support_type(last.t)
        record["from_messaging_channel"] = facts.channel in ("native_messaging", "whatsapp")
        record["is_public"] = facts.sessions is None
        if facts.problem is not None:
            record["problem_id"] = ticket_id(facts.problem)
        record["has_incidents"] = any(map(self._is_there, self.company.incidents.get(ticket, [])))
        if record["status"] == "closed":
            later = self.company.follow_ups.get(ticket, [])
            record["followup_ids"] = [ticket_id(other) for other in later if self._is_there(other)]
        if facts.is_labs:
            record["brand_id"] = LABS_BRAND_ID
        if facts.begins == "private_share":
            record["sharing_agreement_ids"] = [SHARING_AGREEMENT_ID]
        if last.score == BAD:
            rated = next(update for update in updates if update.score == BAD)
            identifier, _, label = rating_reason(rated)
            record["satisfaction_rating"] |= {"reason": label, "reason_id": identifier}
        return record

    def _is_there(self, ticket: int) -> bool:
        return int(self.company.created[ticket]) <= self.company.horizon

    def _type(self, ticket: int) -> str | None:
        if self._facts(ticket).problem is not None:
            return "incident"
        return "problem" if ticket in self.company.incidents else ("question", None)[ticket % 2]

    def metric_set(self, ticket: int, updates: list[Update]) -> Record:
        record = super().metric_set(ticket, updates)
        facts = self._facts(ticket)
        silent = any(update.kind == SILENT for update in updates)
        if facts.is_imported or (silent and facts.is_silent and not facts.tells_times):
            told = [update for update in updates if update.kind < SYSTEM]
            record |= {name: _NOTHING for name in METRIC_TIMES} | {"solved_at": None}
            known = super().metric_set(ticket, told)
            names = ("status_updated_at", "assignee_updated_at", "custom_status_updated_at")
            record |= {name: known[name] for name in names}
            if facts.is_imported:
                record |= {"reply_time_in_minutes": _NOTHING, "reply_time_in_seconds": {"calendar": None}}
        return record

    def rating(self, row: int, update: Update) -> Record:
        identifier, _, label = rating_reason(update) if update.score == BAD else NO_REASON
        return super().rating(row, update) | {"reason": label, "reason_id": identifier}

    # ---- events ----

    def _creation(self, update: Update) -> list[Record]:
        facts = self._facts(update.ticket)
        created, *more = super()._creation(update)
        created["type"] = self._type(update.ticket)
        created["support_type"] = facts.support_type(update.t)
        if facts.first_requester is not None:
            created["requester_id"] = facts.first_requester
        if facts.is_labs:
            created["brand_id"] = LABS_BRAND_ID
        if facts.problem is not None:
            created["problem_id"] = ticket_id(facts.problem)
        return [created, *more]

    def changes(self, update: Update, before: Update | None) -> list[Record]:
        facts = self._facts(update.ticket)
        changes = super().changes(update, before)
        if update.t == facts.handed_over:
            changes.append({"event_type": "Change", "support_type": "agent", "previous_value": "ai_agent"})
        if before is None and facts.begins == "private_share":
            shared = {"agreement_id": SHARING_AGREEMENT_ID, "action": "shared"}
            changes.append({"event_type": "TicketSharingEvent", **shared})
        if update.t == facts.side_conversation:
            thread = {"thread_id": thread_id(update.ticket), "subject": "Could you check this?"}
            changes.append({"event_type": "CollaborationThreadCreated", **thread})
        for session in facts.sessions or []:
            if update.t == session.start:
                changes.append({"event_type": "ChatStartedEvent", "value": self._chat(update, session, [])})
            if update.t == session.end:
                changes.append(
                    {"event_type": "ChatEndedEvent", "value": self._chat(update, session, session.messages)}
                )
        return changes

    def _chat(self, update: Update, session: Session, messages: list[tuple[int, int]]) -> Record:
        number = f"{ticket_id(update.ticket)}.{session.start}"
        history = [
            {
                "chat_index": place,
                "type": "ChatMessage",
                "actor_id": str(actor),
                "actor_type": "end-user" if actor >= CUSTOMER_ID else "agent",
                "actor_name": "Visitor" if actor >= CUSTOMER_ID else "Support",
                "timestamp": t * 1000,
                "message": REPLIES[t % len(REPLIES)],
            }
            for place, (t, actor) in enumerate(sorted(messages))
        ]
        return {"chat_id": f"2109.{number}", "visitor_id": f"10502823-{number}", "history": history}

    def comment(self, event: int, identifier: int, update: Update) -> Record | None:
        comment = super().comment(event, identifier, update)
        facts = self._facts(update.ticket)
        if comment is None:
            return None
        is_said = update.comment in (AGENT_REPLY, CUSTOMER_COMMENT)
        if facts.sessions is not None and is_said:
            if update.kind != CREATE:
                return None
            # The ticket of a conversation opens with an internal comment that names it.
            text = f"Conversation with {update.actor}"
            comment |= {"body": text, "plain_body": text, "html_body": text, "public": False}
        if update.comment == CUSTOMER_COMMENT and update.actor < CUSTOMER_ID:  # on the customer's behalf
            customer = int(self.company.requester[update.ticket])
            is_old = update.t < self.company.merged_accounts.get(customer, 0)
            comment["author_id"] = old_account(customer) if is_old else CUSTOMER_ID + 128 * customer
        comment["type"] = self._comment_type(facts, update)
        if comment["type"] in ("VoiceComment", "TpeVoiceComment"):
            comment["data"] = {
                "from": "+15005550006",
                "to": "+15005550010",
                "call_duration": 30 + update.text % 400,
                "call_id": update.t * 1000 + update.text,
                "started_at": iso(update.t - 60),
                "recorded": False,
            }
        if update.kind == CREATE and facts.follows is None:
            comment["via"] = self.via(update.ticket)
        return comment

    def _comment_type(self, facts: Facts, update: Update) -> str:
        """Calls later on come as calls too, with partners' telephony also the private notes on them."""
        if facts.channel == "facebook":
            return "FacebookComment" if update.comment in (AGENT_REPLY, CUSTOMER_COMMENT) else "Comment"
        is_call = update.kind == CREATE or (update.comment == AGENT_REPLY and update.text % 3 == 0)
        is_note = update.comment == INTERNAL_NOTE and facts.comment_type == "TpeVoiceComment"
        return facts.comment_type if is_call or is_note else "Comment"

    def ticket_event(self, row: int, update: Update, before: Update | None, with_comments: bool) -> Record:
        record = super().ticket_event(row, update, before, with_comments)
        merge = self._merge(update)
        for child in record["child_events"]:
            if merge and "public" in child:
                child |= merge
        return record

    def audit(self, row: int, update: Update, before: Update | None) -> Record:
        record = super().audit(row, update, before)
        merge = self._merge(update)
        for child in record["events"]:
            if merge and "public" in child:
                child |= merge
        return record

    def _merge(self, update: Update) -> Record | None:
        """Text and origin of the note that a merge leaves on either ticket."""
        facts = self._facts(update.ticket)
        if update.comment != INTERNAL_NOTE:
            return None
        if facts.merged_into is not None and update.tags & MERGED_TAG:
            return _merge_note("This request was closed and merged into request #{}.", facts.merged_into)
        for other in facts.merged_from:
            if 0 < update.t - self.merged_at(other) <= MERGE_SECONDS:
                return _merge_note("Request #{} was closed and merged into this request.", other)
        return None

    def merged_at(self, ticket: int) -> int:
        """When a ticket was merged into another, unix seconds."""
        company = self.company
        return int(company.updates["t"][company.starts[ticket + 1] - 1])


def _merge_note(text: str, other: int) -> Record:
    body, source = text.format(ticket_id(other)), {"ticket_ids": [ticket_id(other)]}
    via = {"channel": "web", "source": {"from": source, "to": {}, "rel": "merge"}}
    return {"via": via, "body": body, "plain_body": body, "html_body": body}


def thread_id(ticket: int) -> str:
    """The id of a ticket's side conversation."""
    return f"{ticket:08x}-4ae1-11f1-9738-b5e9d567b472"
