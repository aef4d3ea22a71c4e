"""Zendesk Support as one of the sandbox's vendors."""

from sandbox.company import Company
from sandbox.real.company import RealCompany
from sandbox.vendor import Limits, Vendor
from sandbox.vendors.zendesk.api import Zendesk
from sandbox.vendors.zendesk.real_api import RealZendesk

EMAIL = "admin@sandbox.example"
API_TOKEN = "sandbox-api-token"  # noqa: S105 - opens nothing but the sandbox
OAUTH_TOKEN = "sandbox-oauth-token"  # noqa: S105


def _api(company: Company, limits: Limits) -> Zendesk:
    if isinstance(company, RealCompany):
        return RealZendesk(company, EMAIL, API_TOKEN, OAUTH_TOKEN, *limits)
    return Zendesk(company, EMAIL, API_TOKEN, OAUTH_TOKEN, *limits)


def _env(url: str) -> dict[str, str]:
    return {"ZENDESK_URL": url, "ZENDESK_EMAIL": EMAIL, "ZENDESK_API_TOKEN": API_TOKEN}


VENDOR = Vendor("zendesk", _api, _env, is_helpdesk=True)
