"""Exported files as a source: a folder of mappings (`<name>.yml`) that say what each file means."""

from ingestion.sources.files.mapping import MappingError
from ingestion.sources.files.source import declared, sources

__all__ = ["MappingError", "declared", "sources"]
