"""Taking a person out of the landing and of what remembers its rows; `ingestion.erasing` says what stays."""

from __future__ import annotations

import json
import mmap
import os
import re
import secrets
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from ingestion.erasing import ADDRESS, NOBODY, Erased, Scrubber, address_hash, addresses, personal_of
from ingestion.landing import Landing
from ingestion.landing_format import Place
from orchestration.ground.files import replace_text
from orchestration.ground.home import Home

#: A text this long is told apart from others; an id of so many digits is no other number by chance.
LONG_TEXT, LONG_ID = 24, 8


@dataclass
class Person:
    """Who is taken out, and what is known to be theirs. Pairs are of a source and an id.

    Attributes:
        customers: Ids at helpdesks.
        addresses: E-mail addresses, lower case.
        hashes: Of addresses that landed hashed.
        names: As their own records have them.
        shared: Ids of theirs that another helpdesk has too: whose is an answer that names no more?
        shared_tickets: The same of their tickets.
        tickets: Their tickets.
        records: Their answers: source/stream and record id.
        organizations: Those that have no other member.
        texts: What they wrote and what was written to them, the long ones.
        rows: Rows that name them or are theirs, by source/stream.
        is_removed: Their records are to go too.
    """

    customers: set[tuple[str, str]] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    shared_tickets: set[str] = field(default_factory=set)
    tickets: set[tuple[str, str]] = field(default_factory=set)
    records: set[tuple[str, str]] = field(default_factory=set)
    organizations: set[tuple[str, str]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)
    is_removed: bool = False

    @property
    def size(self) -> int:
        """How much is known; grows while more is found."""
        pairs = (self.customers, self.tickets, self.records, self.organizations)
        return sum(len(each) for each in pairs) + len(self.addresses) + len(self.hashes) + len(self.names)

    @property
    def sources(self) -> set[str]:
        """Where something is theirs."""
        return {source for source, _ in self.customers} | {key.partition("/")[0] for key, _ in self.records}

    @property
    def ids(self) -> set[str]:
        """Their ids as customers."""
        return {identifier for _, identifier in self.customers}

    def entries(self) -> Iterator[tuple[str, str, str]]:
        """What the list of erased persons gets: kind, source, value."""
        yield from (("ticket", *each) for each in sorted(self.tickets))
        # A survey names the tickets of a helpdesk.
        tickets = {ticket for _, ticket in self.tickets} - self.shared_tickets
        yield from (("ticket", "*", ticket) for ticket in sorted(tickets))
        yield from (("record", *each) for each in sorted(self.records))
        yield from (("organization", *each) for each in sorted(self.organizations))
        yield from (("name", "*", each) for each in sorted(self.names))

    def on(self, erased: Erased) -> str | None:
        """The name that a list has for them, which says nothing; None if they are not on it."""
        named = [("customer", *each) for each in self.customers]
        named += [("address", "*", each) for each in self.addresses]
        known = (erased.find(*each) for each in [*named, *self.entries()])
        return next((str(each["of"]) for each in known if each), None)

    def put_on(self, erased: Erased) -> None:
        """Put them on a list."""
        of = self.on(erased) or secrets.token_hex(8)
        for kind, source, value in self.entries():
            erased.add(kind, source, value, of=of)
        for source, identifier in self.customers:
            number = erased.add("customer", source, identifier, of=of)
            if identifier not in self.shared:
                # In a survey it is the same as at the helpdesk.
                erased.add("customer", "*", identifier, of=of)
                erased.stand_in("customer", "*", identifier, number)
        for address in sorted(self.addresses):
            instead = erased.add("address", "*", address, of=of)
            erased.add("address_hash", "*", address_hash(address), of=of)
            erased.stand_in("address_hash", "*", address_hash(address), address_hash(instead))
        for each in sorted(self.hashes - {address_hash(address) for address in self.addresses}):
            instead = erased.add("address_hash", "*", each, of=of)
            if len(instead) < len(each):
                erased.stand_in("address_hash", "*", each, address_hash(f"{instead}{NOBODY}"))
        if self.is_removed:
            erased.remove(of)

    def about(self) -> list[str]:
        """What there is, a line each."""
        lines = [f"{name}: {n:,} rows" for name, n in sorted(self.rows.items())]
        known = {
            "ids": len(self.ids),
            "addresses": len(self.addresses),
            "tickets": len(self.tickets),
            "answers": len(self.records),
            "organizations without another member": len(self.organizations),
        }
        told = [", ".join(f"{n} {name}" for name, n in known.items() if n)]
        if self.shared:
            shared = ", ".join(sorted(self.shared))
            told.append(f"another helpdesk has {shared} too: answers that name no more than this id stay")
        return [*lines, *told]


def remembered(home: Home) -> Person | None:
    """Whom an erase was about that broke off."""
    try:
        told = json.loads(home.erasing.read_text())
    except FileNotFoundError:
        return None
    pairs = [{(a, b) for a, b in told[name]} for name in ("customers", "tickets", "records", "organizations")]
    plain = [
        set(told[name]) for name in ("addresses", "hashes", "names", "texts", "shared", "shared_tickets")
    ]
    return Person(
        customers=pairs[0],
        tickets=pairs[1],
        records=pairs[2],
        organizations=pairs[3],
        addresses=plain[0],
        hashes=plain[1],
        names=plain[2],
        texts=plain[3],
        shared=plain[4],
        shared_tickets=plain[5],
        rows=Counter(told["rows"]),
        is_removed=told["is_removed"],
    )


def remember(home: Home, person: Person) -> None:
    """Keep whom it is about until it is done: what is taken out first leads to the rest."""
    told = {name: sorted(each) if isinstance(each, set) else each for name, each in vars(person).items()}
    replace_text(home.erasing, json.dumps(told))
    home.erasing.chmod(0o600)


def find(home: Home, person: Person, response: tuple[str, str] | None = None) -> Person:
    """Complete what is known of a person by what landed.

    Args:
        home: The home; its lock is held by the caller.
        person: What is known; grows.
        response: Source and id of a survey's response that is theirs.
    """
    landing = Landing(home.landing)
    before, users, tickets = -1, _ids(landing, "users"), _ids(landing, "tickets_streams")
    while person.size != before:
        before = person.size
        members: dict[tuple[str, str], dict[str, bool]] = {}
        ours = person.customers
        person.shared |= {i for source, i in users if i in person.ids and (source, i) not in ours}
        named = {ticket for _, ticket in person.tickets}
        person.shared_tickets |= {
            i for source, i in tickets if i in named and (source, i) not in person.tickets
        }
        with TemporaryDirectory() as folder:
            listed = Erased(Path(folder))
            person.put_on(listed)
        for path in landing.batches():
            _complete(landing, path, listed, person, response, members)
        for organization, are_theirs in members.items():
            if all(are_theirs.values()):
                person.organizations.add(organization)
    with TemporaryDirectory() as folder:
        listed = Erased(Path(folder))
        person.put_on(listed)
    person.rows.clear()
    for path in landing.batches():
        source, stream, _ = Place.of(path)
        for _, old, new in _changes(landing, path, listed):
            person.rows[f"{source}/{stream}"] += 1
            gone = set(_texts(json.loads(old))) - set(_texts(json.loads(new)))
            person.texts |= {text for text in gone if len(text) >= LONG_TEXT}
    return person


def _ids(landing: Landing, role: str) -> set[tuple[str, str]]:
    """Source and id of all persons, or tickets, of which a record landed."""
    found = set()
    for path in landing.batches():
        source, stream, _ = Place.of(path)
        if stream in getattr(personal_of(landing.info(path).vendor), role):
            ids = pq.read_table(path, columns=["record_id"])["record_id"].to_pylist()
            found |= {(source, each) for each in ids if each is not None}
    return found


def _complete(
    landing: Landing,
    path: Path,
    listed: Erased,
    person: Person,
    response: tuple[str, str] | None,
    members: dict[tuple[str, str], dict[str, bool]],
) -> None:
    source, stream, _ = Place.of(path)
    personal = personal_of(landing.info(path).vendor)
    is_survey = not personal.users and stream not in personal.own_ids
    if stream in personal.nothing_personal or not (
        is_survey or stream in personal.users | personal.tickets_streams
    ):
        return
    scrubber = Scrubber(listed, personal, source, stream)
    for record_id, _, payload in _rows(path):
        if record_id is None or (
            stream in personal.tickets_streams and not scrubber.may_concern(record_id, payload)
        ):
            continue
        if (told := _decoded(payload)) is None:
            continue
        named = {address.casefold() for address in addresses(payload)}
        is_theirs = scrubber.owner(record_id, told) is not None
        if stream in personal.users:
            is_theirs = is_theirs or str(told.get("email") or "").casefold() in person.addresses
            if told.get(personal.member_of):
                members.setdefault((source, str(told[personal.member_of])), {})[record_id] = is_theirs
            if is_theirs:
                person.customers.add((source, record_id))
                person.addresses |= {str(told["email"]).casefold()} if told.get("email") else set()
                person.names |= {str(told["name"])} if told.get("name") else set()
        elif stream in personal.tickets_streams:
            if is_theirs:
                ticket = (told.get("values") or {}).get("ticket_id") or record_id
                person.tickets |= {(source, record_id), (source, str(ticket))}
        else:
            is_asked = (
                response is not None
                and source == response[0]
                and record_id.endswith((response[1], f"/{response[1]}"))
                and record_id.rpartition("/")[2] == response[1].rpartition("/")[2]
            )
            hashed = (told.get("values") or {}).get("customer_email_hash")
            if is_theirs or is_asked or named & person.addresses or listed.find("address_hash", "*", hashed):
                person.records.add((f"{source}/{stream}", record_id))
                person.addresses |= {text.casefold() for text in _texts(told) if ADDRESS.fullmatch(text)}
                person.hashes |= {hashed} if hashed else set()


def scrub(home: Home, person: Person, *, by: str) -> int:
    """Take them out of the landing and of what remembers its rows; gives how many rows changed.

    Whoever is killed in between starts again: the list stands first, and each file is whole before and after.
    """
    landing = Landing(home.landing)
    remember(home, person)
    erased = landing.erased()
    person.put_on(erased)
    erased.save()
    line = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "by": by,
        "did": "erase",
        "rows": sum(person.rows.values()),
        "records": person.is_removed,
    }
    with os.fdopen(os.open(home.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as journal:
        journal.write(json.dumps(line) + "\n")
    changed = sum(landing.scrub(path) for path in landing.batches())
    for path in (home.warehouse, home.warehouse.with_name(f"{home.warehouse.name}.wal")):
        path.unlink(missing_ok=True)
    for folder in (Path(f"{home.warehouse}.tmp"), home.scratch):
        shutil.rmtree(folder, ignore_errors=True)
    _clean_store(home, person)
    _clean_logs(home, person)
    return changed


def _clean_store(home: Home, person: Person) -> None:
    """Take the results of gates out that show one of their rows."""
    if not home.control.exists():
        return
    pattern = _pattern(person, with_ids=True)
    with closing(sqlite3.connect(home.control, isolation_level=None)) as store:
        store.create_function("shows", 1, lambda text: bool(pattern.search(str(text).encode())))
        columns = [
            name for _, name, kind, *_ in store.execute("pragma table_info(gate_results)") if kind == "text"
        ]
        any_shows = " or ".join(f"shows({name})" for name in columns) or "false"
        store.execute(f"delete from gate_results where {any_shows}")  # noqa: S608
        store.execute("vacuum")
        store.execute("pragma wal_checkpoint(truncate)")


def _clean_logs(home: Home, person: Person) -> None:
    """Remove what a refresh makes anew, where one of their terms is in it."""
    pattern = _pattern(person)
    for folder in (home.dagster, home.dbt):
        if any(_matches(path, pattern) for path in _files(folder)):
            shutil.rmtree(folder)
    if home.alerts.exists() and _matches(home.alerts, pattern):
        home.alerts.unlink()


def left_in_landing(home: Home, person: Person) -> tuple[list[str], set[str]]:
    """Where something of them still stands in the landing, and which of their texts others have too."""
    landing, left, common = Landing(home.landing), [], set[str]()
    erased, pattern = landing.erased(), _pattern(person, person.texts)
    for path in landing.batches():
        rows = len(list(_changes(landing, path, erased)))
        for record_id, _, payload in _rows(path):
            rows += pattern.search(f"{record_id} {payload}".encode()) is not None
            common |= person.texts.intersection(_texts(_decoded(payload))) if person.texts else set()
        if rows:
            left.append(f"{path}: {rows} rows")
    return left, common


def left_in_files(home: Home, person: Person, common: Iterable[str]) -> tuple[list[str], int]:
    """Files of the home that hold an address, a long id or a long text, and how many were read."""
    pattern, left, n = _pattern(person, common), [], 0
    for path in _files(home.root):
        if path == home.erasing or path.is_symlink():
            continue
        n += 1
        if _matches(path, pattern):
            left.append(str(path))
    return left, n


def words(person: Person) -> str:
    """A pattern of RE2 of what is theirs in any text: addresses, and ids that are long."""
    ids = sorted(each for each in person.ids if each.isdigit() and len(each) >= LONG_ID)
    parts = [re.escape(address) for address in sorted(person.addresses)]
    return "(?i)" + "|".join([*parts, *(rf"\b{each}\b" for each in ids)]) if parts or ids else "^\\b$"


def _pattern(person: Person, common: Iterable[str] = (), *, with_ids: bool = False) -> re.Pattern[bytes]:
    """What would be theirs in a file's bytes."""
    texts = {text for text in person.texts - set(common) if text.isprintable()}
    words = [*person.addresses, *texts, *(json.dumps(text)[1:-1] for text in texts)]
    plain = b"|".join(re.escape(word.encode()) for word in sorted(set(words)))
    ids = [each for each in person.ids if with_ids or (each.isdigit() and len(each) >= LONG_ID)]
    numbers = b"|".join(re.escape(each.encode()) for each in sorted(ids))
    parts = [plain] * bool(plain) + [rb"(?<![0-9])(?:" + numbers + rb")(?![0-9])"] * bool(numbers)
    return re.compile(b"|".join(parts) or rb"(?!)", re.IGNORECASE)


def _matches(path: Path, pattern: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return pattern.search(content) is not None
    except (ValueError, FileNotFoundError):  # empty, or gone meanwhile
        return False


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _rows(path: Path) -> Iterator[tuple[str | None, bool, str]]:
    with pq.ParquetFile(path) as file:
        for part in file.iter_batches(columns=["record_id", "deleted", "payload"]):
            yield from zip(
                *(part[name].to_pylist() for name in ("record_id", "deleted", "payload")), strict=True
            )


def _changes(landing: Landing, path: Path, erased: Erased) -> Iterator[tuple[str | None, str, str]]:
    """The rows of a file that a list would change: id, payload before and after."""
    source, stream, _ = Place.of(path)
    scrubber = Scrubber(erased, personal_of(landing.info(path).vendor), source, stream)
    if scrubber.is_idle:
        return
    for record_id, deleted, payload in _rows(path):
        try:
            clean = scrubber.scrub(record_id, deleted, payload)
        except (ValueError, AttributeError, RecursionError):
            continue
        if clean is not None:
            yield record_id, payload, clean[2]


def _decoded(payload: str) -> dict[str, Any] | None:
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
