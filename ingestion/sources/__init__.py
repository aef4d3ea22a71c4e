"""The vendors that are read over HTTP: how a source is made from plain settings."""

from collections.abc import Callable

from ingestion.sources import typeform, zendesk
from ingestion.streams import Source

#: Vendor name -> `source(name, ...)`, which takes the vendor's settings and returns the declared source.
VENDORS: dict[str, Callable[..., Source]] = {
    zendesk.VENDOR: zendesk.source,
    typeform.VENDOR: typeform.source,
}
