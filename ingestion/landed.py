"""What has landed of a record, and when an id that is a ULID was made."""

from __future__ import annotations

from dataclasses import dataclass

_LAST_MILLISECOND = 253_402_300_799_000  # of year 9999


@dataclass
class Landed:
    """The newest landed version of a record."""

    payload: bytes
    deleted: bool
    changed_at: int | None


_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid_time(identifier: str) -> int | None:
    """When a ULID was made, in microseconds since 1970; None if it is none."""
    digits = [_ULID.find(letter) for letter in identifier]
    if len(digits) != 26 or min(digits) < 0:
        return None
    milliseconds = 0
    for digit in digits[:10]:
        milliseconds = milliseconds * 32 + digit
    return milliseconds * 1000 if milliseconds <= _LAST_MILLISECOND else None


def ulid_floor(milliseconds: int) -> str:
    """What no ULID is less than that was made since, in milliseconds since 1970."""
    at = max(0, milliseconds)
    return "".join(_ULID[at >> 5 * place & 31] for place in range(9, -1, -1))
