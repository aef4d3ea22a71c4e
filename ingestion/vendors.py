"""What a vendor is: the settings of its accounts, and how a source is made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from ingestion.erasing import Personal, declare
from ingestion.landing import Landing
from ingestion.streams import Source

#: What becomes of a value: a text is taken as it stands; so is a secret, which nobody is told; a base URL
#: loses its trailing slash; an ISO time with its zone becomes a datetime in UTC.
Kind = Literal["text", "secret", "url", "time"]


@dataclass(frozen=True)
class Variable:
    """A setting of one account.

    Attributes:
        key: What stands behind the vendor's name: `API_TOKEN`.
        meaning: What it is, for the documents.
        kind: How it is checked.
        default: The value where none is set.
        without: What holds where none is set and there is no default, for the documents.
        example: A value that would do, for whoever sets one that does not.
    """

    key: str
    meaning: str
    kind: Kind = "text"
    default: str = ""
    without: str = ""
    example: str = ""


#: Every vendor's accounts can bound their first fetch.
START_AT = Variable(
    "START_AT", "earliest change of the first fetch, ISO with zone", kind="time", without="the whole history"
)


@dataclass(frozen=True)
class Vendor:
    """A vendor that is read over HTTP.

    Attributes:
        name: Lower-case letters; begins its variables, names its folders and stands in the landing.
        title: Its product, for the documents.
        variables: The settings of an account.
        ways: Sets of keys, each of which makes an account; the first is the usual one.
        source: Makes an account's source: its name, then the values by key in lower case.
        holidays: (landing, source name) -> the holidays that landed: by schedule, first and last local date.
        personal: Where its records hold a person.
    """

    name: str
    title: str
    variables: tuple[Variable, ...]
    ways: tuple[tuple[str, ...], ...]
    source: Callable[..., Source]
    holidays: Callable[[Landing, str], Mapping[str, list[tuple[date, date]]]] | None = None
    personal: Personal = field(default_factory=Personal)

    def __post_init__(self) -> None:
        declare(self.name, self.personal)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all variables."""
        return tuple(variable.key for variable in self.variables)

    def names(self, *keys: str, account: str = "") -> tuple[str, ...]:
        """Environment variables of an account, all by default: `EMEA__<VENDOR>_URL` of the account `emea`."""
        prefix = f"{account.upper()}__" if account and account != self.name else ""
        return tuple(f"{prefix}{self.name.upper()}_{key}" for key in keys or self.keys)

    def of_kind(self, kind: Kind, values: Mapping[str, Any]) -> Iterator[str]:
        """Those of an account's values that are of a kind."""
        return (values[each.key] for each in self.variables if each.kind == kind and each.key in values)
