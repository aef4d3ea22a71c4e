"""Freshdesk as one of the sandbox's vendors."""

from sandbox.company import Company
from sandbox.vendor import Limits, Vendor
from sandbox.vendors.freshdesk.api import Freshdesk

API_KEY = "sandbox-api-key"


def _api(company: Company, limits: Limits) -> Freshdesk:
    return Freshdesk(company, API_KEY, *limits)


def _env(url: str) -> dict[str, str]:
    return {"FRESHDESK_URL": url, "FRESHDESK_API_KEY": API_KEY}


VENDOR = Vendor("freshdesk", _api, _env, is_helpdesk=True)
