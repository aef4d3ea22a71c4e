"""Typeform: forms with every version of their definition, and the responses of each form."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec

from ingestion.erasing import Personal
from ingestion.http import FetchError, checked_secret, checked_url
from ingestion.landing import Landing
from ingestion.paging import NumberedList, TokenWalk
from ingestion.records import Known
from ingestion.streams import Get, Partitions, Source, Stream
from ingestion.vendors import START_AT, Variable, Vendor

NAME = "typeform"
URL = "https://api.typeform.com"


def source(name: str, token: str, *, url: str = URL, start_at: datetime | None = None) -> Source:
    """A Typeform account.

    Args:
        name: Instance name; `typeform` for the first account.
        token: Personal access token with `forms:read` and `responses:read`.
        url: The account's data centre.
        start_at: Earliest response to fetch first; None for all.

    Raises:
        PermanentError: the URL or the token cannot be sent.
    """
    variables = VENDOR.names("TOKEN", "URL", account=name)
    return Source(
        name=name,
        vendor=NAME,
        url=checked_url(url, variables[1]),
        streams=STREAMS,
        headers={"Authorization": f"Bearer {checked_secret(token, variables[0])}"},
        variables=variables,
        start_at=start_at,
        account=_account,
        # The vendor allows two requests a second.
        concurrency=1,
    )


class _Me(msgspec.Struct):
    user_id: Any = None
    alias: Any = None
    email: Any = None


def _account(get: Get) -> str | None:
    """A fingerprint of the token's account; None if the token may not ask (`accounts:read`)."""
    try:
        me = get("/me", msgspec.json.Decoder(_Me).decode)
    except FetchError as error:
        if error.status in (403, 404):
            return None
        raise
    known = me.user_id or me.email or me.alias
    return sha256(str(known).encode()).hexdigest()[:16] if known else None


def _definition(get: Get, form_id: str, _: bytes) -> bytes:
    return get(f"/forms/{quote(form_id, safe='')}", _object)


def _object(body: bytes) -> bytes:
    """The text of a JSON object, checked."""
    msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return body.strip()


def _forms(landing: Landing, name: str, _: frozenset[str]) -> Partitions:
    """The forms that are not deleted; also in a night in which they could not be listed."""
    known = Known.read(landing, name, "forms").records
    return Partitions(sorted(form for form, at in known.items() if isinstance(form, str) and not at.deleted))


WALK = TokenWalk()
STREAMS = (
    Stream(
        "forms",
        "/forms",
        "items",
        NumberedList(),
        clock="last_updated_at",
        detail=_definition,
        is_list=True,
        trusts_clock=True,
    ),
    Stream(
        "responses",
        "/forms/{partition}/responses",
        "items",
        WALK,
        id_field="response_id",
        clock="submitted_at",
        partitions=_forms,
        after=("forms",),
        prefixes_id=True,
        missing_ok=True,
        rereading=WALK,
    ),
)

VENDOR = Vendor(
    NAME,
    "Typeform",
    (
        Variable("TOKEN", "personal access token, forms:read and responses:read", "secret"),
        Variable("URL", "the account's data centre", "url", default=URL, example=URL),
        START_AT,
    ),
    ways=(("TOKEN",),),
    source=source,
    personal=Personal(
        kept=frozenset({"type", "ref", "token", "response_type", "label", "labels", "ids", "refs"}),
        emptied=frozenset({"metadata"}),
        loose=frozenset({"hidden"}),
        nothing_personal=frozenset({"forms"}),
        removable=frozenset({"responses"}),
        tickets_streams=frozenset(),
    ),
)
