"""The one list of vendors whose APIs the sandbox speaks."""

from sandbox.vendors.freshdesk.vendor import VENDOR as FRESHDESK
from sandbox.vendors.typeform.vendor import VENDOR as TYPEFORM
from sandbox.vendors.zendesk.vendor import VENDOR as ZENDESK

VENDORS = (ZENDESK, FRESHDESK, TYPEFORM)
