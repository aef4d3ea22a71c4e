"""What the records of all vendors have in common: ids of the company's things, and times."""

from datetime import UTC, datetime
from typing import Any

from sandbox.catalog import AGENT_ID, GROUP_IDS

Record = dict[str, Any]

_CLOCK = [f"T{h:02}:{m:02}:{s:02}Z" for h in range(24) for m in range(60) for s in range(60)]
_days: dict[int, str] = {}


def iso(t: int) -> str:
    """A unix second as vendors write times."""
    day, second = divmod(t, 86_400)
    text = _days.get(day)
    if text is None:
        text = _days[day] = datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")
    return text + _CLOCK[second]


def ticket_id(ticket: int) -> int:
    """The id of a ticket index."""
    return ticket + 1


def agent_id(agent: int) -> int | None:
    """The user id of an agent index, None for nobody (-1)."""
    return AGENT_ID + 128 * agent if agent >= 0 else None


def group_id(group: int) -> int | None:
    """The id of a group index, None for no group (-1)."""
    return GROUP_IDS[group] if group >= 0 else None
