"""What all vendors' credentials have in common."""

from __future__ import annotations

from ingestion.http import PermanentError


def prefixed(name: str, vendor: str, *variables: str) -> tuple[str, ...]:
    """The names of an instance's settings: `EMEA__ZENDESK_URL` for the instance `emea`."""
    return variables if name == vendor else tuple(f"{name.upper()}__{variable}" for variable in variables)


def checked_secret(value: str, variable: str) -> str:
    """A credential that can be sent in a header.

    Raises:
        PermanentError: it is empty or holds characters that no header takes; the text never shows it.
    """
    value = value.strip()
    if not value:
        raise PermanentError(f"{variable} is not set")
    if not (value.isascii() and value.isprintable()):
        raise PermanentError(f"{variable} holds characters that cannot be sent: copy it again")
    return value
