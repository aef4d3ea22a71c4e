"""Names and texts inside SQL, where no parameter can stand, and instants as its parameters."""

from datetime import UTC, datetime


def quoted_name(identifier: str) -> str:
    """A name as SQL, whatever is in it."""
    return '"' + identifier.replace('"', '""') + '"'


def quoted_text(value: object) -> str:
    """A text as SQL, whatever is in it."""
    return "'" + str(value).replace("'", "''") + "'"


def naive(at: datetime) -> datetime:
    """UTC without a zone, as the warehouse's timestamps are."""
    return at.astimezone(UTC).replace(tzinfo=None)
