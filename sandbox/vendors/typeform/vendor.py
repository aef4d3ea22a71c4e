"""Typeform as one of the sandbox's vendors."""

from sandbox.company import Company
from sandbox.real.company import RealCompany
from sandbox.vendor import Limits, Vendor
from sandbox.vendors.typeform.api import Typeform
from sandbox.vendors.typeform.real_api import RealTypeform

TOKEN = "sandbox-form-token"  # noqa: S105 - opens nothing but the sandbox


def _api(company: Company, _: Limits) -> Typeform:
    return RealTypeform(company, TOKEN) if isinstance(company, RealCompany) else Typeform(company, TOKEN)


def _env(url: str) -> dict[str, str]:
    return {"TYPEFORM_URL": url, "TYPEFORM_TOKEN": TOKEN}


VENDOR = Vendor("typeform", _api, _env)
