"""What the two fake vendors share: a request, a response, and small helpers for paging and rate limits."""

import base64
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

Json = dict[str, Any]
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Request:
    """A parsed request: path below the vendor's prefix, parameters, headers, and the vendor's base URL."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str

    def url(self, **parameters: object) -> str:
        """The address of this resource with these parameters; page__size stands for page[size]."""
        pairs = {_bracketed(name): str(value) for name, value in parameters.items() if value is not None}
        return f"{self.base}{self.path}?{urlencode(pairs)}"


def _bracketed(name: str) -> str:
    head, _, tail = name.partition("__")
    return f"{head}[{tail}]" if tail else head


@dataclass
class Response:
    """Status, JSON body and extra headers."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"


class ApiError(Exception):
    """An error answer in the vendor's own words."""

    def __init__(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.response = Response(status, encode(body), headers or {})


def integer(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A positive whole number among the parameters, capped at `most`; 400 for anything else."""
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise ApiError(
            400, {"error": "InvalidParameter", "description": f"{name} must be a positive integer"}
        )
    return min(int(text), most)


def to_cursor(text: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def from_cursor(cursor: str) -> str:
    """What is in an opaque cursor; 400 if it is none of ours."""
    try:
        return base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError as error:
        raise ApiError(
            400, {"error": "InvalidPaginationParameter", "description": "invalid cursor"}
        ) from error


class RateLimit:
    """At most `most` requests in any sixty seconds, None for no limit. `clock` counts in seconds."""

    def __init__(self, most: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._times: deque[float] = deque()

    def take(self) -> tuple[int, float]:
        """Count a request: how many are left, and the seconds to wait if it was one too many (else 0)."""
        if self.most is None:
            return 10_000, 0.0
        now = self._clock()
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if len(self._times) >= self.most:
            return 0, self._times[0] + 60 - now
        self._times.append(now)
        return self.most - len(self._times), 0.0


def listing(request: Request, name: str, records: Sequence[Json], most: int = 100, **more: object) -> Json:
    """A full list by cursor paging (`page[size]`, `page[after]`), or all at once without `page[size]`.

    As recorded from the real API, `links.next` is filled on the last page too: `meta.has_more` ends a walk.
    """
    if "page[size]" not in request.query:
        return {name: list(records[:most]), "next_page": None, "previous_page": None, "count": len(records)}
    size = integer(request.query, "page[size]", most, most)
    after = request.query.get("page[after]")
    begin = int(from_cursor(after)) if after else 0
    page = list(records[begin : begin + size])
    following = to_cursor(str(begin + len(page)))
    return {
        name: page,
        "meta": {
            "has_more": begin + size < len(records),
            "after_cursor": following,
            "before_cursor": to_cursor(str(begin)),
        },
        "links": {
            "prev": request.url(page__size=size, page__before=to_cursor(str(begin)), **more),
            "next": request.url(page__size=size, page__after=following, **more),
        },
    }
