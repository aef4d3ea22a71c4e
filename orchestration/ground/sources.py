"""The sources to fetch, made from what the settings declare."""

from __future__ import annotations

from dataclasses import replace

from ingestion.sources import VENDORS
from ingestion.streams import Source
from orchestration.ground.settings import Settings, SettingsError


def sources(settings: Settings) -> list[Source]:
    """The sources to fetch, as the settings declare them.

    Raises:
        SettingsError: the folder of mappings holds none.
    """
    found = []
    for account in settings.sources:
        options = {key.lower(): value for key, value in account.values.items()}
        source = VENDORS[account.vendor].source(account.name, **options)
        found.append(replace(source, reread_days=settings.reread_days))
    if settings.files:
        from ingestion.sources.files import MappingError
        from ingestion.sources.files import sources as file_sources

        try:
            found += file_sources(settings.files, {source.name for source in found})
        except MappingError as error:
            raise SettingsError([f"CXMARTS_FILES: {error}"]) from None
    return found
