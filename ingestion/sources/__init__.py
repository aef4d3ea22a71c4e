"""The vendors that are read over HTTP: how a source is made from plain settings."""

from collections.abc import Callable
from datetime import date

from ingestion.landing import Landing
from ingestion.sources import typeform, zendesk
from ingestion.streams import Source

#: Vendor name -> `source(name, ...)`, which takes the vendor's settings and returns the declared source.
VENDORS: dict[str, Callable[..., Source]] = {
    zendesk.VENDOR: zendesk.source,
    typeform.VENDOR: typeform.source,
}

#: Vendor name -> (landing, source) -> the holidays that landed: by schedule, first and last local date.
HOLIDAYS: dict[str, Callable[[Landing, str], dict[str, list[tuple[date, date]]]]] = {
    zendesk.VENDOR: zendesk.holidays,
}
