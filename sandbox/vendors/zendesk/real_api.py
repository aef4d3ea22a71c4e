"""The Zendesk Support API of a real company: scopes, more accounts, lists that are edited and cut."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox import catalog
from sandbox.company import Ints
from sandbox.http import ApiError, Json, Request, listing
from sandbox.real.company import (
    BOT_ID,
    EUROPE_AFTER,
    EUROPE_BEFORE,
    NIGHT_SCHEDULE,
    RealCompany,
    old_account,
)
from sandbox.real.facts import NO_REASON, RATING_REASONS
from sandbox.rendering import Record, iso, ticket_id
from sandbox.vendors.zendesk import people
from sandbox.vendors.zendesk.api import Zendesk
from sandbox.vendors.zendesk.real_records import (
    LABS_BRAND_ID,
    RealRecords,
    thread_id,
)
from sandbox.vendors.zendesk.records import URL

Mask = NDArray[np.bool_]
SCOPES = ("agent", "ai_agent", "all")
OLD_FIELD_ID = catalog.ID_BASE + 67_647_252


class RealZendesk(Zendesk):
    """Answers requests below the prefix of ZENDESK_URL; arguments as of `Zendesk`."""

    company: RealCompany

    def __init__(self, company: RealCompany, *arguments: Any, **more: Any) -> None:
        super().__init__(company, *arguments, **more)
        self.records = RealRecords(company)
        ais = [
            (t, facts.handed_over) if facts.is_by_ai else None
            for t, facts in zip(company.created.tolist(), company.facts, strict=True)
        ]
        never = np.iinfo(np.int64).max
        #: Until when an AI agent has the ticket.
        self._ai_until: Ints = np.array([0 if ai is None else ai[1] or never for ai in ais], dtype=np.int64)
        self.routes += [
            (re.compile(rf"/api/v2/{pattern}(?:\.json)?"), handler)
            for pattern, handler in (
                (r"tickets/(\d+)/side_conversations", self.side_conversations),
                ("group_slas/policies", self.group_sla_policies),
                ("satisfaction_reasons", self.satisfaction_reasons),
            )
        ]

    # ---- scopes of the exports ----

    def _in_scope(self, request: Request, tickets: Ints) -> Mask:
        scope = request.query.get("support_type_scope", "agent")
        if scope not in SCOPES:
            raise ApiError(
                400, {"error": "InvalidValue", "description": f"support_type_scope is one of {SCOPES}"}
            )
        is_ai: Mask = self._ai_until[tickets] > self.company.horizon
        return np.ones_like(is_ai) if scope == "all" else is_ai == (scope == "ai_agent")

    def _tickets(self, request: Request) -> tuple[Ints, Ints, Ints]:
        times, tickets, rows = super()._tickets(request)
        keep = self._in_scope(request, tickets)
        return times[keep], tickets[keep], rows[keep]

    def _events(self, request: Request) -> tuple[Ints, Ints]:
        times, rows = super()._events(request)
        keep = self._in_scope(request, self.company.updates["ticket"][rows])
        return times[keep], rows[keep]

    # ---- users ----

    def _accounts(self) -> list[tuple[int, int, Record]]:
        company = self.company
        began = company.start - 200 * 86_400
        accounts = super()._accounts()
        bot = people.user(BOT_ID, "Answer Helper", "helper@sandbox.example", "agent", began, began)
        partner = people.user(catalog.PARTNER_ID, "Partner Desk", None, "end-user", began, began)
        partner |= {"shared": True, "shared_agent": True}
        for record in (bot, partner):
            accounts.append((began, int(record["id"]), record))
        for customer, merged in company.merged_accounts.items():
            known = people.customer(company, customer)
            identifier = old_account(customer)
            old = people.user(identifier, known["name"], None, "end-user", began, merged)
            accounts.append((merged, identifier, old | {"active": False}))
        return accounts

    # ---- lists ----

    def groups(self, request: Request) -> Json:
        shown = request.query.get("exclude_deleted")
        records = people.groups(self.company, shown == "false")
        is_gone = self.company.deleted <= self.company.horizon
        if not is_gone or shown == "false":
            began = self.company.start - 300 * 86_400
            identifier = catalog.GROUP_IDS[catalog.NIGHT_GROUP]
            changed = self.company.deleted if is_gone else began
            records.append(
                records[0]
                | {
                    "url": f"{URL}/groups/{identifier}.json",
                    "id": identifier,
                    "name": "Night crew",
                    "default": False,
                    "deleted": is_gone,
                    "created_at": iso(began),
                    "updated_at": iso(changed),
                }
            )
        return listing(request, "groups", records, exclude_deleted=shown)

    def brands(self, request: Request) -> Json:
        [first] = people.brands(self.company)
        is_gone = self.company.deleted <= self.company.horizon
        labs = first | {
            "url": f"{URL}/brands/{LABS_BRAND_ID}.json",
            "id": LABS_BRAND_ID,
            "name": "Sandbox Labs",
            "subdomain": "sandboxlabs",
            "default": False,
            "active": not is_gone,
            "is_deleted": is_gone,
        }
        if is_gone:
            labs["updated_at"] = iso(self.company.deleted)
        return listing(request, "brands", [first, labs])

    def ticket_fields(self, request: Request) -> Json:
        records = people.ticket_fields(self.company)
        is_edited = self.company.edited <= self.company.horizon
        for record in records:
            if record["id"] == catalog.FIELD_IDS["complexity"] and is_edited:
                record |= {"description": "How hard it is", "updated_at": iso(self.company.edited)}
        if self.company.deleted > self.company.horizon:
            records.append(records[0] | {"id": OLD_FIELD_ID, "title": "Old topic", "type": "text"})
        return listing(request, "ticket_fields", records)

    def sla_policies(self, request: Request) -> Json:
        records = people.sla_policies(self.company)
        if self.company.deleted > self.company.horizon:
            records.insert(1, people.sla_policy(self.company, catalog.ESCALATIONS))
        if self.company.edited <= self.company.horizon:
            records[-1] |= {
                "description": "Everyone else, in the hours of the desk",
                "updated_at": iso(self.company.edited),
            }
        return listing(request, "sla_policies", records)

    def group_sla_policies(self, request: Request) -> Json:
        """Group SLA policies; their ids are those of the metric events (the reference shows texts)."""
        gone = {0} if self.company.deleted <= self.company.horizon else set()
        began = iso(self.company.start - 340 * 86_400)
        records = [
            {
                "url": f"{URL}/group_slas/policies/{policy.id}.json",
                "id": policy.id,
                "title": policy.title,
                "description": policy.description,
                "position": place + 1,
                "filter": {
                    "all": [
                        {
                            "field": "group_id",
                            "operator": "includes",
                            "value": [catalog.GROUP_IDS[group] for group in policy.groups],
                        }
                    ]
                },
                "policy_metrics": [
                    {
                        "priority": catalog.PRIORITIES[i + 1],
                        "metric": "group_ownership_time",
                        "target": minutes,
                        "business_hours": policy.business_hours,
                    }
                    for i, minutes in enumerate(policy.minutes)
                ],
                "created_at": began,
                "updated_at": began,
            }
            for place, policy in enumerate(catalog.GROUP_POLICIES)
            if place not in gone
        ]
        return listing(request, "group_sla_policies", records)

    def _shown_schedules(self) -> list[int]:
        company = self.company
        shown = [0, EUROPE_AFTER if company.edited <= company.horizon else EUROPE_BEFORE]
        return shown if company.deleted <= company.horizon else [*shown, NIGHT_SCHEDULE]

    def schedules(self, request: Request) -> Json:
        company = self.company
        records = []
        for place, index in enumerate(self._shown_schedules()):
            record = people.schedule(company, company.schedules[index], place)
            if index == EUROPE_AFTER:
                record["updated_at"] = iso(company.edited)
            records.append(record)
        return listing(request, "schedules", records)

    def holidays(self, request: Request, schedule: str) -> Json:
        company = self.company
        for index in self._shown_schedules():
            if company.schedules[index].id == int(schedule):
                return {"holidays": people.holidays(company.schedules[index])}
        raise ApiError(404, {"error": "RecordNotFound", "description": "Not found"})

    def satisfaction_reasons(self, request: Request) -> Json:
        began = iso(self.company.start - 300 * 86_400)
        reasons = [
            {
                "url": f"{URL}/satisfaction_reasons/{identifier}.json",
                "id": identifier,
                "reason_code": code,
                "value": label,
                "raw_value": label,
                "created_at": began,
                "updated_at": began,
                "deleted_at": None,
            }
            for identifier, code, label in (NO_REASON, *RATING_REASONS)
        ]
        return {"reasons": reasons, "next_page": None, "previous_page": None, "count": len(reasons)}

    def side_conversations(self, request: Request, ticket: str) -> Json:
        index = int(ticket) - 1
        if not 0 <= index < self.company.ticket_count():
            raise ApiError(404, {"error": "RecordNotFound", "description": "Not found"})
        began = self.company.facts[index].side_conversation
        if began is None or began > self.company.horizon:
            return {"side_conversations": [], "next_page": None, "previous_page": None, "count": 0}
        identifier, at = thread_id(index), f"{iso(began)[:-1]}.000Z"
        record = {
            "url": f"{URL}/tickets/{ticket}/side_conversations/{identifier}",
            "id": identifier,
            "ticket_id": ticket_id(index),
            "subject": "Could you check this?",
            "preview_text": "Could you check this?",
            "state": "open",
            "participants": [{"user_id": catalog.ADMIN_ID, "name": "Sam Adminson", "email": None}],
            "external_ids": {},
            "created_at": at,
            "updated_at": at,
            "message_added_at": at,
            "state_updated_at": at,
        }
        return {"side_conversations": [record], "next_page": None, "previous_page": None, "count": 1}
