"""Zendesk's users, organizations and full lists, rendered as of the company's now."""

from typing import Any

from sandbox import catalog
from sandbox.catalog import (
    ADMIN_ID,
    AGENT_ID,
    BRAND_ID,
    COMPANY_KINDS,
    COMPANY_WORDS,
    CUSTOMER_ID,
    DELETED_GROUP,
    FIELD_IDS,
    FIRST_NAMES,
    GROUP_IDS,
    GROUPS,
    ID_BASE,
    LAST_NAMES,
    ORGANIZATION_ID,
    POLICIES,
    PRIORITIES,
    SEGMENTS,
    TICKET_FORM_ID,
    Policy,
)
from sandbox.company import Company
from sandbox.hours import Schedule
from sandbox.rendering import iso
from sandbox.vendors.zendesk.records import URL

Record = dict[str, Any]


def _name(number: int) -> str:
    return f"{FIRST_NAMES[number % 25]} {LAST_NAMES[number // 25 % 25]}"


def user(identifier: int, name: str, email: str | None, role: str, created: int, updated: int) -> Record:
    """A user of this role, created and updated at unix seconds."""
    return {
        "id": identifier,
        "url": f"{URL}/users/{identifier}.json",
        "name": name,
        "email": email,
        "created_at": iso(created),
        "updated_at": iso(updated),
        "time_zone": "Eastern Time (US & Canada)",
        "iana_time_zone": catalog.BUSINESS_ZONE,
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 1,
        "locale": "en-US",
        "organization_id": None,
        "role": role,
        "verified": email is not None,
        "external_id": None,
        "tags": [],
        "alias": None,
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": None,
        "notes": None,
        "role_type": None,
        "custom_role_id": None,
        "moderator": role != "end-user",
        "ticket_restriction": None,
        "only_private_comments": False,
        "restricted_agent": False,
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "user_fields": {},
    }


def admin(company: Company) -> Record:
    """The administrator, who also owns the API token."""
    began = company.start - 400 * 86_400
    return user(ADMIN_ID, "Sam Adminson", "admin@sandbox.example", "admin", began, began)


def staff(company: Company) -> list[tuple[int, int, Record]]:
    """The admin and the agents as (updated, id, record)."""
    began = company.start - 300 * 86_400
    records = [admin(company)]
    updated = [company.start - 400 * 86_400]
    for agent in range(len(company.team.ids)):
        record = user(
            AGENT_ID + 128 * agent,
            _name(agent * 7 + 3),
            f"agent{agent}@sandbox.example",
            "agent",
            began,
            began,
        )
        record["default_group_id"] = GROUP_IDS[agent % 5]
        changed = began
        for version in company.agent_versions.get(agent, []):
            if version.t <= company.horizon:
                changed = version.t
                record |= {"role": version.role, "active": version.active, "updated_at": iso(changed)}
        records.append(record)
        updated.append(changed)
    return [(t, int(record["id"]), record) for t, record in zip(updated, records, strict=True)]


def customer(company: Company, index: int) -> Record:
    """An end-user; one in sixty has an e-mail address."""
    identifier = CUSTOMER_ID + 128 * index
    joined, touched = int(company.joined[index]), int(company.touched[index])
    email = f"customer{index}@mail.example" if index % 60 == 0 else None
    record = user(identifier, _name(index), email, "end-user", joined, joined)
    if joined < touched <= company.horizon:
        record |= {"updated_at": iso(touched), "details": "prefers e-mail"}
        if index % 97 == 5:
            record |= {"active": False, "name": "Deleted User"}
    organization = int(company.organization_of[index])
    record["organization_id"] = ORGANIZATION_ID + 128 * organization if organization >= 0 else None
    return record


def organization(company: Company, index: int) -> tuple[int, Record]:
    """When an organization last changed, and its record."""
    identifier = ORGANIZATION_ID + 128 * index
    created = company.start - 200 * 86_400 + index % 5000 * 60
    changed = created
    for version in company.organization_versions.get(index, []):
        if version.t <= company.horizon:
            changed = version.t
    segment = SEGMENTS[company.segment_at(index, company.horizon)]
    name = f"{COMPANY_WORDS[index % 20]} {COMPANY_KINDS[index // 20 % 10]} {index // 200 + 1}"
    return changed, {
        "url": f"{URL}/organizations/{identifier}.json",
        "id": identifier,
        "name": name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": iso(created),
        "updated_at": iso(changed),
        "deleted_at": None,
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": [],
        "organization_fields": {"segment": segment, **company.organization_fields(index)},
    }


# ---- full lists ----


def groups(company: Company, with_deleted: bool) -> list[Record]:
    """The groups; a deleted one is only shown on request."""
    began = company.start - 380 * 86_400
    return [
        {
            "url": f"{URL}/groups/{GROUP_IDS[i]}.json",
            "id": GROUP_IDS[i],
            "is_public": True,
            "name": name,
            "description": "",
            "default": i == 0,
            "deleted": i == DELETED_GROUP,
            "created_at": iso(began),
            "updated_at": iso(began + (86_400 * 40 if i == DELETED_GROUP else 0)),
        }
        for i, name in enumerate(GROUPS)
        if with_deleted or i != DELETED_GROUP
    ]


def brands(company: Company) -> list[Record]:
    """The only brand."""
    began = iso(company.start - 400 * 86_400)
    return [
        {
            "url": f"{URL}/brands/{BRAND_ID}.json",
            "id": BRAND_ID,
            "name": "Sandbox",
            "brand_url": URL,
            "active": True,
            "subdomain": "sandbox",
            "has_help_center": True,
            "help_center_state": "enabled",
            "default": True,
            "is_deleted": False,
            "logo": None,
            "host_mapping": None,
            "ticket_form_ids": [TICKET_FORM_ID],
            "signature_template": "{{agent.signature}}",
            "created_at": began,
            "updated_at": began,
        }
    ]


def ticket_fields(company: Company) -> list[Record]:
    """The system fields and the three custom ones that carry product, service area and complexity."""
    began = iso(company.start - 400 * 86_400)
    options = {
        "product": catalog.PRODUCTS,
        "service_area": catalog.AREAS,
        "complexity": tuple(word.capitalize() for word in catalog.COMPLEXITIES),
    }
    fields: list[tuple[int, str, str, tuple[str, ...]]] = [
        (ID_BASE + 14_573_076 + 128 * i, title, kind, ())
        for i, (title, kind) in enumerate(
            [
                ("Subject", "subject"),
                ("Description", "description"),
                ("Status", "status"),
                ("Type", "tickettype"),
                ("Priority", "priority"),
                ("Group", "group"),
                ("Assignee", "assignee"),
            ]
        )
    ]
    fields += [
        (FIELD_IDS[key], key.replace("_", " ").capitalize(), "tagger", words)
        for key, words in options.items()
    ]
    records = []
    for position, (identifier, title, kind, words) in enumerate(fields, 1):
        record: Record = {
            "url": f"{URL}/ticket_fields/{identifier}.json",
            "id": identifier,
            "type": kind,
            "title": title,
            "raw_title": title,
            "description": "",
            "raw_description": "",
            "position": position,
            "active": True,
            "required": False,
            "collapsed_for_agents": False,
            "regexp_for_validation": None,
            "title_in_portal": title,
            "raw_title_in_portal": title,
            "visible_in_portal": True,
            "editable_in_portal": True,
            "required_in_portal": False,
            "tag": None,
            "created_at": began,
            "updated_at": began,
            "removable": bool(words),
            "key": None,
            "agent_description": None,
            "agent_can_edit": True,
        }
        if words:
            record["custom_field_options"] = [
                {
                    "id": identifier + 1 + i,
                    "name": word,
                    "raw_name": word,
                    "value": word.lower(),
                    "default": False,
                }
                for i, word in enumerate(words)
            ]
        records.append(record)
    return records


def sla_policies(company: Company) -> list[Record]:
    """The SLA policies with their targets."""
    return [sla_policy(company, policy) for policy in POLICIES]


def sla_policy(company: Company, policy: Policy) -> Record:
    """An SLA policy with its targets."""
    began = iso(company.start - 350 * 86_400)
    condition = (
        [] if policy.tag is None else [{"field": "current_tags", "operator": "includes", "value": policy.tag}]
    )
    return {
        "url": f"{URL}/slas/policies/{policy.id}.json",
        "id": policy.id,
        "title": policy.title,
        "description": policy.description,
        "position": policy.position,
        "filter": {"all": condition, "any": []},
        "policy_metrics": [
            {
                "priority": PRIORITIES[i + 1],
                "metric": metric,
                "target": minutes,
                "target_in_seconds": minutes * 60,
                "business_hours": policy.business_hours,
            }
            for metric, targets in policy.targets.items()
            for i, minutes in enumerate(targets)
        ],
        "metric_settings": None,
        "created_at": began,
        "updated_at": began,
    }


def schedule(company: Company, schedule: Schedule, place: int) -> Record:
    """A schedule; its holidays are a resource of their own. The first is the account's oldest."""
    began = iso(company.start - (390 - 10 * place) * 86_400)
    return {
        "id": schedule.id,
        "name": schedule.name,
        "time_zone": schedule.rails_zone,
        "intervals": [{"start_time": low, "end_time": high} for low, high in schedule.intervals],
        "created_at": began,
        "updated_at": began,
    }


def holidays(schedule: Schedule) -> list[Record]:
    """The holidays of a schedule, in local dates."""
    return [
        {
            "id": schedule.id + 1 + i,
            "name": name,
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        for i, (first, last, name) in enumerate(schedule.holidays)
    ]
