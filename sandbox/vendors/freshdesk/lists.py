"""Freshdesk's people and settings, rendered as of the company's now."""

from collections.abc import Iterator

from sandbox import catalog
from sandbox.catalog import (
    ADMIN_ID,
    AREAS,
    COMPANY_KINDS,
    COMPANY_WORDS,
    CUSTOMER_ID,
    DELETED_GROUP,
    GROUP_IDS,
    GROUPS,
    ID_BASE,
    ORGANIZATION_ID,
    PARTNER_ID,
    POLICIES,
    PRODUCTS,
    SEGMENTS,
    Policy,
)
from sandbox.company import Company
from sandbox.hours import DAY, Schedule
from sandbox.real.company import BOT_ID, EUROPE_AFTER, EUROPE_BEFORE, NIGHT_SCHEDULE, RealCompany
from sandbox.rendering import Record, iso
from sandbox.vendors.freshdesk.records import (
    COMPLEXITY_WORDS,
    OLD_SURVEY_ID,
    PRODUCT_IDS,
    SECOND_QUESTION,
    SURVEY_ID,
    THIRD_PARTY,
    customer_email,
    customer_name,
)
from sandbox.vendors.freshdesk.slas import EUROPE_GROUP

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
FIELD_ID = ID_BASE + 86_000_000


def agents(company: Company) -> list[Record]:
    """The agents that there are: who left, or became a customer, is no longer listed."""
    began = company.start - 300 * DAY
    people = [(ADMIN_ID, "Sam Adminson", "admin@sandbox.example")]
    for index, identifier in enumerate(company.team.ids):
        versions = company.agent_versions.get(index, [])
        if not any(version.role == "end-user" and version.t <= company.now_seconds for version in versions):
            people.append((identifier, customer_name(index * 7 + 3), f"agent{index}@sandbox.example"))
    if isinstance(company, RealCompany):
        people.append((BOT_ID, "Answer Helper", "helper@sandbox.example"))
        people.append((PARTNER_ID, "Partner Desk", "partner@sandbox.example"))
    return [_agent(identifier, name, email, began) for identifier, name, email in people]


def _agent(identifier: int, name: str, email: str, began: int) -> Record:
    return {
        "available": False,
        "occasional": identifier == PARTNER_ID,
        "id": identifier,
        "ticket_scope": 1,
        "created_at": iso(began),
        "updated_at": iso(began),
        "last_active_at": None,
        "available_since": None,
        "type": "collaborator" if identifier == PARTNER_ID else "support_agent",
        "contact": {
            "active": True,
            "email": email,
            "job_title": None,
            "language": "en",
            "last_login_at": None,
            "mobile": None,
            "name": name,
            "phone": None,
            "time_zone": "Eastern Time (US & Canada)",
            "created_at": iso(began),
            "updated_at": iso(began),
        },
        "signature": None,
    }


def contact(company: Company, index: int) -> Record:
    """A customer; the state of deletion stands in `deleted`, which a living one lacks."""
    joined, changed = int(company.joined[index]), contact_changed(company, index)
    organization = int(company.organization_of[index])
    record: Record = {
        "active": index % 3 == 0,
        "address": None,
        "description": "prefers e-mail" if changed > joined else None,
        "email": customer_email(index),
        "id": CUSTOMER_ID + 128 * index,
        "job_title": None,
        "language": "en",
        "mobile": None,
        "name": customer_name(index),
        "phone": None if index % 60 == 0 else f"+1500555{index % 10_000:04}",
        "time_zone": "Eastern Time (US & Canada)",
        "twitter_id": None,
        "custom_fields": {},
        "facebook_id": None,
        "created_at": iso(joined),
        "updated_at": iso(changed),
        "csat_rating": None,
        "preferred_source": None,
        "company_id": ORGANIZATION_ID + 128 * organization if organization >= 0 else None,
        "unique_external_id": None,
        "twitter_profile_status": False,
        "twitter_followers_count": None,
    }
    if is_deleted(company, index):
        record["deleted"] = True
    return record


def contact_changed(company: Company, index: int) -> int:
    """When a customer's record changed last, in unix seconds."""
    joined, touched = int(company.joined[index]), int(company.touched[index])
    return touched if joined < touched <= company.now_seconds else joined


def is_deleted(company: Company, index: int) -> bool:
    """Whether a customer was deleted by now."""
    return index % 97 == 5 and contact_changed(company, index) > int(company.joined[index])


def contacts(company: Company, state: str) -> Iterator[tuple[int, Record]]:
    """The customers of a state by name, as the vendor lists them, with the time of their last change."""
    chosen = [
        index
        for index, joined in enumerate(company.joined.tolist())
        if joined <= company.now_seconds and is_deleted(company, index) == (state == "deleted")
    ]
    for index in sorted(chosen, key=lambda index: (customer_name(index), index)):
        if state != "blocked":
            yield contact_changed(company, index), contact(company, index)


def companies(company: Company) -> list[Record]:
    """The customers' companies, by name."""
    records = []
    for index in range(company.organizations):
        changed = created = company.start - 200 * DAY + index % 5000 * 60
        for version in company.organization_versions.get(index, []):
            if version.t <= company.now_seconds:
                changed = version.t
        segment = SEGMENTS[company.segment_at(index, company.now_seconds)]
        records.append(
            {
                "id": ORGANIZATION_ID + 128 * index,
                "name": f"{COMPANY_WORDS[index % 20]} {COMPANY_KINDS[index // 20 % 10]} {index // 200 + 1}",
                "description": None,
                "note": None,
                "domains": [],
                "created_at": iso(created),
                "updated_at": iso(changed),
                "custom_fields": {"segment": segment, **company.organization_fields(index)},
                "health_score": None,
                "account_tier": "Premium" if segment == SEGMENTS[0] else None,
                "renewal_date": None,
                "industry": None,
            }
        )
    return sorted(records, key=lambda record: (record["name"], record["id"]))


def groups(company: Company) -> list[Record]:
    """The groups that there are, with their agents; one has its own hours."""
    began = company.start - 380 * DAY
    names = [(place, name) for place, name in enumerate(GROUPS) if place != DELETED_GROUP]
    if isinstance(company, RealCompany) and company.deleted > company.now_seconds:
        names.append((catalog.NIGHT_GROUP, "Night crew"))
    present = {agent["id"] for agent in agents(company)}
    return [
        {
            "id": GROUP_IDS[place],
            "name": name,
            "description": None,
            "escalate_to": None,
            "unassigned_for": None,
            "business_hour_id": company.schedules[1].id if place == EUROPE_GROUP else None,
            "group_type": "support_agent_group",
            "created_at": iso(began),
            "updated_at": iso(began),
            "auto_ticket_assign": 0,
            "agent_ids": [
                company.team.ids[agent]
                for agent in (company.team.groups[place] if place < len(company.team.groups) else [])
                if company.team.ids[agent] in present
            ],
        }
        for place, name in names
    ]


def products(company: Company) -> list[Record]:
    """The products."""
    began = iso(company.start - 400 * DAY)
    return [
        {
            "id": identifier,
            "name": name,
            "description": None,
            "primary_email": None,
            "default": place == 0,
            "created_at": began,
            "updated_at": began,
        }
        for place, (identifier, name) in enumerate(zip(PRODUCT_IDS, PRODUCTS, strict=True))
    ]


def business_hours(company: Company) -> list[Record]:
    """The calendars, the default first. Holidays are the account's, but no answer tells them."""
    shown = [0, 1]
    if isinstance(company, RealCompany):
        now = company.now_seconds
        shown = [0, EUROPE_AFTER if company.edited <= now else EUROPE_BEFORE]
        shown += [NIGHT_SCHEDULE] if company.deleted > now else []
    return [_calendar(company, company.schedules[place], place) for place in shown]


def _calendar(company: Company, schedule: Schedule, place: int) -> Record:
    began = company.start - (390 - 10 * place) * DAY
    changed = company.edited if isinstance(company, RealCompany) and place == EUROPE_AFTER else began
    days = {}
    for low, high in schedule.intervals:
        days[_DAYS[low // 1440]] = {
            "start_time": _clock(low % 1440, place == 0),
            "end_time": _clock(high - low // 1440 * 1440, place == 0),
        }
    return {
        "id": schedule.id,
        "name": schedule.name,
        "description": None,
        "time_zone": schedule.rails_zone,
        "is_default": place == 0,
        "business_hours": days,
        "created_at": iso(began if place != EUROPE_AFTER else company.start - 380 * DAY),
        "updated_at": iso(changed),
    }


def _clock(minute: int, is_short: bool) -> str:
    """A time of day in either of the two ways that were seen; the day's end is its last minute or second."""
    if minute >= 1440:
        return "11:59 pm" if is_short else "11:59:59 pm"
    hour, rest = divmod(minute, 60)
    half = "am" if hour < 12 else "pm"
    hour = hour % 12 or 12
    return f"{hour}:{rest:02} {half}" if is_short else f"{hour:02}:{rest:02}:00 {half}"


def sla_policies(company: Company) -> list[Record]:
    """The policies by position; the first holds for the companies of the first segment."""
    premium = [
        ORGANIZATION_ID + 128 * index
        for index, segment in enumerate(company.segments.tolist())
        if segment == 0
    ]
    return [_policy(company, policy, premium if policy.tag else None) for policy in POLICIES]


def _policy(company: Company, policy: Policy, companies: list[int] | None) -> Record:
    began = iso(company.start - 350 * DAY)
    return {
        "id": policy.id,
        "name": policy.title,
        "description": policy.description,
        "active": True,
        "sla_target": {
            f"priority_{priority}": {
                "respond_within": policy.targets["first_reply_time"][priority - 1] * 60,
                "resolve_within": policy.targets["total_resolution_time"][priority - 1] * 60,
                "next_respond_within": None,
                "business_hours": policy.business_hours,
                "escalation_enabled": True,
            }
            for priority in (4, 3, 2, 1)
        },
        "applicable_to": {} if companies is None else {"company_ids": companies},
        "is_default": companies is None,
        "position": policy.position,
        "created_at": began,
        "updated_at": began,
        "escalation": {},
    }


def surveys(company: Company) -> list[Record]:
    """The survey of today and the one before."""

    def question(identifier: str, label: str, ratings: list[int]) -> Record:
        return {"id": identifier, "label": label, "accepted_ratings": ratings}

    every = [103, 102, 101, 100, -101, -102, -103]
    began, since = iso(company.start - 300 * DAY), iso(company.surveyed)
    asked = "How would you rate your overall satisfaction for the resolution provided by the agent?"
    return [
        {
            "id": OLD_SURVEY_ID,
            "title": "Default Survey",
            "active": False,
            "created_at": began,
            "updated_at": since,
            "questions": [question("default_question", asked, every) | {"default": True}],
        },
        {
            "id": SURVEY_ID,
            "title": "Support survey",
            "active": True,
            "created_at": since,
            "updated_at": since,
            "questions": [
                question("default_question", asked, every) | {"default": True},
                question(SECOND_QUESTION, "Was it easy to reach us?", [103, 100, -103]),
            ],
        },
    ]


def ticket_fields(company: Company) -> list[Record]:
    """The system's fields and the account's own; the status field names the account's own statuses."""
    statuses = {
        "2": ["Open", "Being Processed"],
        "3": ["Pending", "Awaiting your Reply"],
        "4": ["Resolved", "This ticket has been Resolved"],
        "5": ["Closed", "This ticket has been Closed"],
        str(THIRD_PARTY): ["Waiting on Third Party", "Awaiting a Third Party"],
    }
    sources = {
        "Email": 1, "Portal": 2, "Phone": 3, "Forum": 4, "Twitter": 5, "Facebook": 6, "Chat": 7,
        "MobiHelp": 8, "Feedback Widget": 9, "Outbound Email": 10, "Ecommerce": 11, "Bot": 12, "Whatsapp": 13,
    }  # fmt: skip
    fields: list[tuple[str, str, str, object]] = [
        ("requester", "Search a requester", "default_requester", None),
        ("subject", "Subject", "default_subject", None),
        ("ticket_type", "Type", "default_ticket_type", ["Question", "Incident", "Problem"]),
        ("source", "Source", "default_source", sources),
        ("status", "Status", "default_status", statuses),
        ("priority", "Priority", "default_priority", {"Low": 1, "Medium": 2, "High": 3, "Urgent": 4}),
        ("group", "Group", "default_group", {group["name"]: group["id"] for group in groups(company)}),
        ("agent", "Agent", "default_agent", {a["contact"]["name"]: a["id"] for a in agents(company)}),
        ("product", "Product", "default_product", dict(zip(PRODUCTS, PRODUCT_IDS, strict=True))),
        ("description", "Description", "default_description", None),
        ("company", "Company", "default_company", None),
        ("cf_service_area", "Service area", "custom_dropdown", list(AREAS)),
        ("cf_complexity", "Complexity", "custom_dropdown", list(COMPLEXITY_WORDS)),
        ("cf_reference", "Reference", "custom_text", None),
    ]
    began = iso(company.start - 400 * DAY)
    records = []
    for position, (name, label, kind, choices) in enumerate(fields, 1):
        record: Record = {
            "id": FIELD_ID + position,
            "name": name,
            "label": label,
            "description": f"Ticket {name}",
            "position": position,
            "required_for_closure": False,
            "required_for_agents": kind in ("default_requester", "default_subject"),
            "type": kind,
            "default": kind.startswith("default_"),
            "customers_can_edit": False,
            "customers_can_filter": False,
            "label_for_customers": label,
            "required_for_customers": False,
            "displayed_to_customers": True,
            "created_at": began,
            "updated_at": began,
        }
        if choices is not None:
            record["choices"] = choices
        records.append(record)
    return records
