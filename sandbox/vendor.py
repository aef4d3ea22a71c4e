"""What a vendor of the sandbox is: its API over a company, and the settings with which it is read."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from sandbox.company import Company
from sandbox.http import Request, Response


class Api(Protocol):
    """A vendor's endpoints."""

    def handle(self, request: Request) -> Response:
        """The answer to a request below the vendor's prefix."""


class Limits(NamedTuple):
    """Requests a minute to the exports and in all; None without."""

    exports: int | None = None
    requests: int | None = None


class Vendor(NamedTuple):
    """A vendor: its name is the prefix of its paths. Of the helpdesks a company mostly has one."""

    name: str
    api: Callable[[Company, Limits], Api]
    env: Callable[[str], dict[str, str]]
    is_helpdesk: bool = False
