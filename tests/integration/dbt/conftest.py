"""Helpers for tests of the dbt models."""

from __future__ import annotations

from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import typeform, zendesk
from sandbox.server import Sandbox


def fetch_sandbox(sandbox: Sandbox, landing: Landing) -> None:
    """Fetches what is new of the sandbox's helpdesk and forms; every stream must succeed."""
    env = sandbox.env()
    sources = [
        zendesk.source(
            "zendesk", env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
        ),
        typeform.source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
    ]
    result = fetch(sources, landing)
    assert [each.error for each in result.streams if each.error] == []
