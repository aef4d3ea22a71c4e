"""Settings: the environment and `.env`, typed, checked once, and complete or refused.

Every variable is listed in `VARIABLES` or declared by a vendor in `ingestion.sources`.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from dotenv.parser import parse_stream

from ingestion.errors import ExpectedError
from ingestion.sources import LATER, VENDORS
from ingestion.urls import is_loopback
from ingestion.vendors import Variable, Vendor

VARIABLES = (
    "CXMARTS_HOME",
    "CXMARTS_AS_OF",
    "CXMARTS_TIMEZONE",
    "CXMARTS_LANGUAGE",
    "CXMARTS_RULES",
    "CXMARTS_FILES",
    "CXMARTS_ALLOW_STALE",
    "CXMARTS_KEEP_VERSIONS",
    "CXMARTS_REREAD_DAYS",
    "CXMARTS_OWNER",
    "CXMARTS_WEBHOOK_URL",
    "CXMARTS_WEBHOOK_BRIEF",
    "CXMARTS_FOLLOW_UP_URL",
    "CXMARTS_POSTGRES_URL",
    "CXMARTS_POSTGRES_READER",
    "CXMARTS_RESTRICTED",
    "CXMARTS_MEMORY_LIMIT",
)
#: Those of the report's texts, the default first.
LANGUAGES = ("en", "de")
LATER_VARIABLES = ("CXMARTS_LANDING_URL",)
# Read by the TLS library itself.
PASSED_ON = ("SSL_CERT_FILE",)
# The working folder of whoever started a process that runs in another one. No setting: set by `cxmarts ui`.
FOLDER = "_CXMARTS_FOLDER"

_KEYS = {**{name: vendor.keys for name, vendor in VENDORS.items()}, **LATER}
_INSTANCE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", re.IGNORECASE)
#: What Dagster takes; what it does not keeps the UI from loading.
_OWNER = re.compile(r"team:\S+( \S+)*|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class SettingsError(ExpectedError):
    """The settings cannot be used; `problems` names each variable and the reason."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the settings cannot be used:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True)
class Account:
    """An API account to fetch from.

    Attributes:
        name: its name among the sources.
        vendor: its vendor's name.
        values: its settings by key, as the vendor declares them; never in `repr`, for its credentials.
    """

    name: str
    vendor: str
    values: Mapping[str, Any] = field(repr=False)

    @property
    def urls(self) -> list[str]:
        """Where it is."""
        return list(VENDORS[self.vendor].of_kind("url", self.values))

    @property
    def secrets(self) -> list[str]:
        """What must be told to nobody."""
        return list(VENDORS[self.vendor].of_kind("secret", self.values))


@dataclass(frozen=True)
class Settings:
    """What the environment asks for; paths are absolute."""

    home: Path
    as_of: datetime | None = None
    timezone: str = "UTC"
    language: str = LANGUAGES[0]
    rules: Path | None = None
    files: Path | None = None
    allow_stale: frozenset[str] = frozenset()
    keep_versions: int = 14
    reread_days: int = 28
    owner: str | None = None
    webhook_url: str | None = field(default=None, repr=False)
    is_brief_sent: bool = True
    follow_up_url: str | None = field(default=None, repr=False)
    postgres_url: str | None = field(default=None, repr=False)
    postgres_reader: str = "cxmarts_reader"
    is_restricted: bool = False
    memory_limit: str = "2GB"
    ca_file: Path | None = None
    sources: tuple[Account, ...] = ()


def load(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, *, use_file: bool = True
) -> Settings:
    """The settings of this process: `.env` in the working folder, overridden by the environment.

    Values of `.env` are taken as they stand: `${...}` in them is text.

    Args:
        environ: the environment; the process's own by default.
        folder: the working folder; the current one by default.
        use_file: read its `.env`.

    Raises:
        SettingsError: a variable is unknown, malformed, half set or not supported; all problems at once.
    """
    environ = os.environ if environ is None else environ
    folder = (folder or Path(environ.get(FOLDER) or Path.cwd())).resolve()
    problems: list[str] = []
    values = _read_env_file(folder / ".env", problems) if use_file else {}
    known = {name for name in environ if name.startswith("CXMARTS_") or _parse_source_name(name)}
    values |= {name: environ[name] for name in known | (set(PASSED_ON) & environ.keys())}
    values = {name: value.strip() for name, value in values.items() if value.strip()}
    settings = _Reader(values, folder, problems).read()
    if problems:
        raise SettingsError(sorted(problems))
    return settings


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with its zone, in UTC.

    Raises:
        ValueError: no ISO time, or no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("has no zone; write for example 2026-11-21T00:00:00Z")
    return moment.astimezone(UTC)


def size_in_bytes(text: str) -> int:
    """A size such as 2GB or 1500MiB in bytes; raises `ValueError` on other texts."""
    if not (size := _MEMORY.fullmatch(text)):
        raise ValueError(f"{text!r} is no size such as 2GB or 1500MiB")
    number, prefix, binary = size.groups()
    return int(float(number) * math.pow(1024 if binary else 1000, "KMGT".index(prefix.upper()) + 1))


def is_owner(text: str) -> bool:
    """Whether Dagster takes it for the owner of an asset: an address, or a team as `team:NAME`."""
    return bool(_OWNER.fullmatch(text))


def _read_env_file(path: Path, problems: list[str]) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f".env: cannot be read ({error.__class__.__name__})")
        return {}
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        # A binding begins with the blank lines before it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        number = binding.original.line + binding.original.string[:blank].count("\n")
        name, value = binding.key, binding.value
        if binding.error or (name is not None and value is None):
            problems.append(f".env line {number}: is no NAME=value")
        elif name is None or value is None:
            continue
        elif name in values:
            problems.append(f".env line {number}: {name} is set twice")
        elif not (name.startswith("CXMARTS_") or name in PASSED_ON or _parse_source_name(name)):
            problems.append(f".env line {number}: {name} is no known setting")
        else:
            values[name] = value
    return values


def _parse_source_name(variable: str) -> tuple[str | None, str, str] | None:
    """`EMEA__<VENDOR>_URL` -> ("EMEA", the vendor, "URL"); None if it is no source's variable."""
    prefix, separator, rest = variable.rpartition("__")
    if separator and not _INSTANCE.fullmatch(prefix):
        return None
    vendor, _, key = rest.partition("_")
    if vendor.isupper() and key in _KEYS.get(vendor.lower(), ()):
        return (prefix or None, vendor.lower(), key)
    return None


class _Reader:
    """Turns the raw values into settings and collects every problem on the way."""

    def __init__(self, values: Mapping[str, str], folder: Path, problems: list[str]) -> None:
        self.values, self.folder, self.problems = values, folder, problems

    def read(self) -> Settings:
        for name in self.values:
            if name in LATER_VARIABLES:
                self.problems.append(f"{name}: not supported in this version")
            elif name.startswith("CXMARTS_") and name not in VARIABLES:
                self.problems.append(f"{name}: is no known setting")
        memory = self.values.get("CXMARTS_MEMORY_LIMIT", "2GB")
        if not _MEMORY.fullmatch(memory):
            self.problems.append("CXMARTS_MEMORY_LIMIT: must be a size such as 2GB or 1500MiB")
        stale = [part.strip() for part in self.values.get("CXMARTS_ALLOW_STALE", "").split(",")]
        stale = [part for part in stale if part]
        if bad := [part for part in stale if not _NAME.fullmatch(part)]:
            self.problems.append(f"CXMARTS_ALLOW_STALE: {bad[0]!r} is no source name (comma-separated names)")
        return Settings(
            home=self.folder / Path(self.values.get("CXMARTS_HOME", ".cxmarts")).expanduser(),
            as_of=self._time("CXMARTS_AS_OF"),
            timezone=self._zone(),
            language=self._language(),
            rules=self._folder("CXMARTS_RULES"),
            files=self._folder("CXMARTS_FILES"),
            allow_stale=frozenset(stale),
            keep_versions=self._number("CXMARTS_KEEP_VERSIONS", 14),
            reread_days=self._number("CXMARTS_REREAD_DAYS", 28),
            owner=self._owner(),
            webhook_url=self._url("CXMARTS_WEBHOOK_URL", allow_query=True),
            is_brief_sent=self._flag("CXMARTS_WEBHOOK_BRIEF", default=True),
            follow_up_url=self._url("CXMARTS_FOLLOW_UP_URL", allow_query=True),
            postgres_url=self._database_url("CXMARTS_POSTGRES_URL"),
            postgres_reader=self.values.get("CXMARTS_POSTGRES_READER", "cxmarts_reader"),
            is_restricted=self._flag("CXMARTS_RESTRICTED"),
            memory_limit=memory,
            ca_file=self._ca_file(),
            sources=self._sources(),
        )

    def _time(self, name: str) -> datetime | None:
        text = self.values.get(name)
        if text is None:
            return None
        try:
            return parse_time(text)
        except ValueError as error:
            reason = str(error) if "zone" in str(error) else "is no ISO time such as 2026-11-21T00:00:00Z"
            self.problems.append(f"{name}: {reason}")
            return None

    def _zone(self) -> str:
        name = self.values.get("CXMARTS_TIMEZONE", "UTC")
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.problems.append(f"CXMARTS_TIMEZONE: {name!r} is no IANA time zone such as Europe/Berlin")
        return name

    def _language(self) -> str:
        name = self.values.get("CXMARTS_LANGUAGE", LANGUAGES[0])
        if name not in LANGUAGES:
            self.problems.append(f"CXMARTS_LANGUAGE: {name!r} is none of {', '.join(LANGUAGES)}")
        return name

    def _owner(self) -> str | None:
        owner = self.values.get("CXMARTS_OWNER")
        if owner is not None and not is_owner(owner):
            self.problems.append("CXMARTS_OWNER: must be an address or team:NAME")
        return owner

    def _number(self, name: str, default: int) -> int:
        text = self.values.get(name, str(default))
        if text.isascii() and text.isdigit() and int(text) >= 1:
            return int(text)
        self.problems.append(f"{name}: must be a whole number of at least 1")
        return default

    def _flag(self, name: str, *, default: bool = False) -> bool:
        text = self.values.get(name, str(default)).lower()
        if text not in ("true", "false"):
            self.problems.append(f"{name}: must be true or false")
        return text == "true"

    def _folder(self, name: str) -> Path | None:
        if name not in self.values:
            return None
        path = self.folder / Path(self.values[name]).expanduser()
        if not path.is_dir():
            self.problems.append(f"{name}: {self.values[name]} is no folder")
        return path

    def _ca_file(self) -> Path | None:
        if "SSL_CERT_FILE" not in self.values:
            return None
        path = self.folder / Path(self.values["SSL_CERT_FILE"]).expanduser()
        if not path.is_file():
            self.problems.append(f"SSL_CERT_FILE: {self.values['SSL_CERT_FILE']} is no file")
        return path

    def _url(
        self, name: str, *, allow_query: bool = False, example: str = "https://example.com"
    ) -> str | None:
        text = self.values.get(name)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or re.search(r"\s", text):
            self.problems.append(f"{name}: is no URL such as {example}")
        elif parts.username is not None or parts.password is not None:
            self.problems.append(f"{name}: must not hold a user or a password")
        elif not allow_query and (parts.query or parts.fragment):
            self.problems.append(f"{name}: must not hold a query")
        elif parts.scheme == "http" and not is_loopback(host):
            self.problems.append(f"{name}: plain http goes to loopback only; use https")
        return text if allow_query else text.rstrip("/")

    def _database_url(self, name: str) -> str | None:
        text = self.values.get(name)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            _ = parts.port
            host = parts.hostname or dict(parse_qsl(parts.query)).get("host")
        except ValueError:
            host = None
        is_usable = host and parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1
        if not is_usable or re.search(r"\s", text):
            self.problems.append(f"{name}: is no URL such as postgresql://user:password@host:5432/database")
        return text

    def _sources(self) -> tuple[Account, ...]:
        found: dict[tuple[str | None, str], dict[str, str]] = {}
        for variable in self.values:
            if parsed := _parse_source_name(variable):
                instance, vendor, key = parsed
                if vendor in LATER:
                    self.problems.append(f"{variable}: not supported in this version")
                else:
                    found.setdefault((instance, vendor), {})[key] = variable
        accounts = [self._account(name, VENDORS[vendor], given) for (name, vendor), given in found.items()]
        complete = sorted((a for a in accounts if a), key=lambda account: (account.vendor, account.name))
        names = [account.name for account in complete]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.problems.append(f"two accounts share the source name {name!r}: give each instance its own")
        return tuple(complete)

    def _account(self, instance: str | None, vendor: Vendor, given: Mapping[str, str]) -> Account | None:
        """The account that these variables, by key, make; None where they do not, which is a problem."""
        name = instance.lower() if instance else vendor.name
        names = {**dict(zip(vendor.keys, vendor.names(account=name), strict=True)), **given}
        values = {each.key: self._value(names[each.key], each) for each in vendor.variables}
        always = set.intersection(*map(set, vendor.ways))
        ways = [way for way in vendor.ways if (set(way) - always) & given.keys()] or [vendor.ways[0]]
        if len(ways) > 1:
            usual, other = (" and ".join(names[key] for key in way if key not in always) for way in ways[:2])
            self.problems.append(f"{other}: set either it, or {usual}")
            return None
        if missing := [names[key] for key in ways[0] if not values[key]]:
            told = ", ".join(sorted(given.values()))
            self.problems.append(f"{', '.join(missing)}: missing ({told} is set)")
            return None
        return Account(name, vendor.name, {key: value for key, value in values.items() if value})

    def _value(self, name: str, variable: Variable) -> str | datetime | None:
        if variable.kind == "time":
            return self._time(name)
        if variable.kind == "url":
            return self._url(name, example=variable.example) or variable.default
        return self.values.get(name) or variable.default
