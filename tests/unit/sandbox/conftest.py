from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from sandbox.company import Company
from sandbox.lifecycle import AUTO_REPLY, BY_AGENT, BY_CUSTOMER, BY_RULE, CREATE, CUSTOMER_COMMENT, Update
from sandbox.server import Sandbox

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)  # a Wednesday evening


@pytest.fixture(scope="session")
def company() -> Company:
    """A company for looking at; tests that move its clock make their own."""
    return Company(seed=7, tickets=1000, now=NOW)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(tickets=400, seed=3, now=NOW, profile="clean") as running:
        yield running


@pytest.fixture
def zendesk(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    env = sandbox.env()
    auth = (f"{env['ZENDESK_EMAIL']}/token", env["ZENDESK_API_TOKEN"])
    with httpx2.Client(base_url=env["ZENDESK_URL"] + "/api/v2", auth=auth, timeout=5) as client:
        yield client


@pytest.fixture
def typeform(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    env = sandbox.env()
    headers = {"Authorization": f"Bearer {env['TYPEFORM_TOKEN']}"}
    with httpx2.Client(base_url=env["TYPEFORM_URL"], headers=headers, timeout=5) as client:
        yield client


class Story:
    """Writes a ticket's updates by hand: `at("10:30", status=OPEN)` on 4 June 2024, a Tuesday, UTC."""

    def __init__(self, at: str = "10:00", **state: Any) -> None:
        blank = {name: 0 for name in Update._fields} | {
            "assignee": -1,
            "kind": CREATE,
            "comment": CUSTOMER_COMMENT,
        }
        self.updates = [Update(**(blank | {"t": seconds(at)} | state))]

    def at(self, time: str, **changes: Any) -> "Story":
        comment = changes.get("comment", 0)
        kind = BY_CUSTOMER if comment == CUSTOMER_COMMENT else BY_RULE if comment == AUTO_REPLY else BY_AGENT
        self.updates.append(
            self.updates[-1]._replace(**({"t": seconds(time), "comment": 0, "kind": kind} | changes))
        )
        return self


def seconds(time: str) -> int:
    """`HH:MM[:SS]` of 4 June 2024, or `D HH:MM` of another day of that month, as unix seconds."""
    day, _, clock = time.rpartition(" ")
    hour, minute, *second = (int(part) for part in clock.split(":"))
    return int(datetime(2024, 6, int(day or 4), hour, minute, *second, tzinfo=UTC).timestamp())


@pytest.fixture(scope="session")
def story() -> type[Story]:
    return Story
