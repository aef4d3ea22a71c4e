"""The one list of vendors that are read over HTTP."""

from collections.abc import Mapping

from ingestion.sources import freshdesk, typeform, zendesk
from ingestion.vendors import Vendor

VENDORS: Mapping[str, Vendor] = {
    vendor.name: vendor for vendor in (zendesk.VENDOR, freshdesk.VENDOR, typeform.VENDOR)
}

#: Vendor -> keys that a later version will know: refused until then, rather than overlooked.
LATER: Mapping[str, tuple[str, ...]] = {
    "surveymonkey": ("URL", "TOKEN", "START_AT"),
    "intercom": ("URL", "TOKEN", "START_AT"),
    "qualtrics": ("URL", "API_TOKEN", "START_AT"),
    "servicenow": ("URL", "USER", "PASSWORD", "START_AT"),
}
