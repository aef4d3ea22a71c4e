"""Exported files as sources: what a folder of mappings declares, how it is read and examined."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ingestion.landing import Landing, LandingError
from ingestion.sources.files.load import VENDOR, Load
from ingestion.sources.files.mapping import TICKET_EVENTS, TICKETS, Mapping, MappingError
from ingestion.sources.files.parse import load
from ingestion.streams import Finding, Progress, Source, StreamResult


def sources(folder: Path, taken: Collection[str] = ()) -> list[Source]:
    """The sources that a folder of mappings declares, by name.

    A mapping with a mistake becomes part of a source that fails with its text, so that the others still land.

    Args:
        folder: Holds the mappings.
        taken: Names of sources that are no files.

    Raises:
        MappingError: the folder holds no mapping.
    """
    return [
        Source(name=name, vendor=VENDOR, reader=partial(_read, each), checker=partial(_check, each))
        for name, each in sorted(_folders(folder, taken).items())
    ]


def declared(folder: Path) -> list[tuple[str, str, str]]:
    """Per mapping its file, source and entity; of one that cannot be read the entity is empty."""
    try:
        folders = _folders(folder)
    except MappingError:
        return []
    return [
        *((str(m.path), name, m.entity) for name, each in folders.items() for m in each.mappings),
        *((f"{stem}.yml", name, "") for name, each in folders.items() for stem in each.broken),
    ]


def _folders(folder: Path, taken: Collection[str] = ()) -> dict[str, _Folder]:
    paths = sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yml", ".yaml"))
    if not paths:
        raise MappingError(
            f"{folder}: no mapping (<name>.yml) here; CXMARTS_FILES must name a folder of mappings"
        )
    found: dict[str, _Folder] = defaultdict(_Folder)
    for path in paths:
        try:
            if path.with_suffix(".yml") in paths and path.suffix != ".yml":
                raise MappingError(f"{path}: there is a mapping {path.stem}.yml too; rename one of them")
            mapping = load(path)
            if mapping.source in taken:
                raise MappingError(
                    f"{mapping.at('source')}: an account is named `{mapping.source}` already; "
                    "give this mapping another `source`"
                )
            found[mapping.source].mappings.append(mapping)
        except MappingError as error:
            name = error.source or re.sub(r"[^a-z0-9_-]+", "_", path.stem.lower()).strip("_-") or VENDOR
            found[f"{name}_{VENDOR}" if name in taken else name].broken[path.stem] = error
    return found


@dataclass
class _Folder:
    """The mappings of one source.

    Attributes:
        mappings: Those that can be read.
        broken: By name, why the others cannot.
    """

    mappings: list[Mapping] = field(default_factory=list)
    broken: dict[str, MappingError] = field(default_factory=dict)

    def with_tickets(self) -> list[Mapping]:
        """The mappings; where none has the tickets, events that tell the status carry them."""
        if any(mapping.entity == TICKETS for mapping in self.mappings):
            return self.mappings
        return [_with_tickets(mapping) for mapping in self.mappings]

    def lists(self) -> Iterator[tuple[list[Mapping], MappingError | None]]:
        """The mappings that fill one list together, and why it cannot be read."""
        lists: dict[tuple[str, str, str], list[Mapping]] = defaultdict(list)
        for mapping in self.with_tickets():
            lists[mapping.group].append(mapping)
        for together in lists.values():
            yield together, self._fault(together)

    def _fault(self, together: list[Mapping]) -> MappingError | None:
        first = together[0]
        for mapping in together:
            if mapping.mode != first.mode:
                return MappingError(
                    f"{mapping.at('mode')}: `mode` is {mapping.mode}, but {first.path} fills the same list "
                    f"as {first.mode}; they must agree (or, for answers, differ in `question.id`)"
                )
            if self.broken and mapping not in self.mappings:
                return MappingError(
                    f"{mapping.path}: whether its events carry the tickets is not known while "
                    f"{', '.join(f'{name}.yml' for name in self.broken)} cannot be read"
                )
        return None


def _with_tickets(mapping: Mapping) -> Mapping:
    if mapping.carries_ticket or mapping.entity != TICKET_EVENTS or "status" not in mapping.columns:
        return mapping
    return replace(mapping, carries_ticket=True, fingerprint=f"{mapping.fingerprint}+tickets")


def _read(
    folder: _Folder, source: Source, landing: Landing, uncounted: Collection[str], progress: Progress
) -> Iterator[StreamResult]:
    """Land every list of a source, one after the other; one result per stream."""
    results: dict[str, StreamResult] = {}

    def result_of(stream: str, error: Exception | None = None) -> StreamResult:
        result = results.setdefault(stream, StreamResult(source.name, VENDOR, stream))
        result.error = result.error or error
        return result

    if folder.broken:
        result_of("", MappingError("\n".join(map(str, folder.broken.values()))))
    for mappings, fault in folder.lists():
        result = result_of(mappings[0].entity, fault)
        started = time.monotonic()
        try:
            if not fault:
                Load(mappings, landing, result, progress, folder.broken, uncounted).run()
        except (MappingError, LandingError) as error:
            result.error = result.error or error
        result.seconds += time.monotonic() - started
    yield from results.values()


def _check(folder: _Folder, source: Source) -> Iterator[Finding]:
    """Read every file whole: a line per mapping, with the mistakes of its rows."""
    for error in folder.broken.values():
        yield Finding(source.name, "mapping", False, str(error))
    for mappings, fault in folder.lists():
        trial = Load(mappings, None, StreamResult(source.name, VENDOR, mappings[0].entity), lambda _: None)
        try:
            if fault:
                raise fault
            trial.run()
        except MappingError as error:
            yield Finding(source.name, trial.mapping.name, False, str(error))
            continue
        for mapping in mappings:
            tally = trial.tallies[mapping.name]
            orphans = _without_tickets(mapping, folder)
            text = "; ".join([tally.about(), *_creation(mapping), *orphans, *tally.faults()])
            yield Finding(source.name, mapping.name, tally.is_clean() and not orphans, text)


def _creation(mapping: Mapping) -> list[str]:
    is_told = mapping.entity != TICKET_EVENTS or not mapping.carries_ticket or "created_at" in mapping.columns
    return [] if is_told else ["no column is `created_at`: a ticket is created with its first event"]


def _without_tickets(mapping: Mapping, folder: _Folder) -> list[str]:
    if mapping.entity != TICKET_EVENTS or any(each.carries_ticket for each in folder.with_tickets()):
        return []
    return ["no mapping of this source has the tickets of these events, so that they count nowhere"]
