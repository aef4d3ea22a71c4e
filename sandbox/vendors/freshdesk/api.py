"""The Freshdesk API (v2) of the sandbox company, as the vendor documents it, read-only."""

import re
import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np

from sandbox.company import Company, Ints
from sandbox.hours import DAY
from sandbox.http import ApiError, Json, Request, Response, encode
from sandbox.vendors.freshdesk import lists
from sandbox.vendors.freshdesk.records import Records

PER_PAGE, MOST_PER_PAGE, LAST_PAGE = 30, 100, 300
PAGED = ("page", "per_page")
#: Credits of a request, and of each thing that it embeds.
CREDIT, EMBEDDED = 1, 2
#: What lists can be asked for; the reference names each resource's own, and others are refused.
INCLUDES = ("requester", "stats", "company", "description")
FILTERS = ("new_and_my_open", "watching", "spam", "deleted")
STATES = ("verified", "unverified", "blocked", "deleted")
ORDERS = ("created_at", "due_by", "updated_at", "status")
TICKET_PARAMETERS = (
    *PAGED,
    *("filter", "requester_id", "email", "unique_external_id", "company_id"),
    *("updated_since", "order_by", "order_type", "include"),
)
CONTACT_PARAMETERS = (
    *PAGED,
    *("email", "mobile", "phone", "company_id", "state", "_updated_since", "unique_external_id"),
)


class Credits:
    """At most `most` credits in any sixty seconds, None for no limit. `clock` counts in seconds."""

    def __init__(self, most: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.clock = clock
        self._spent: deque[tuple[float, int]] = deque()

    def take(self, cost: int) -> tuple[int, float]:
        """Spend: what is left, and the seconds to wait if it was too much (else 0)."""
        if self.most is None:
            return 5000, 0.0
        now = self.clock()
        while self._spent and self._spent[0][0] <= now - 60:
            self._spent.popleft()
        used = sum(each for _, each in self._spent)
        if used + cost > self.most:
            return self.most - used, (self._spent[0][0] + 60 - now) if self._spent else 60.0
        self._spent.append((now, cost))
        return self.most - used - cost, 0.0


class Route(NamedTuple):
    """An endpoint: what it answers, the parameters that it takes, whether it has a limit of its own."""

    pattern: re.Pattern[str]
    handler: Callable[..., "Sequence[Json] | _Rendered | Json"]
    parameters: tuple[str, ...] = PAGED
    is_limited: bool = False


class Freshdesk:
    """Answers requests below the prefix of FRESHDESK_URL.

    Args:
        company: Whose records are served, as of its now.
        api_key: The user name that is let in, with any password.
        lists_per_minute: Credits a minute of the lists of tickets and of contacts, each; None without.
        requests_per_minute: Credits a minute of everything together; None without.

    Attributes:
        records: What is rendered; put indexes into `records.vanished` to delete tickets for good.
    """

    def __init__(
        self,
        company: Company,
        api_key: str,
        lists_per_minute: int | None = None,
        requests_per_minute: int | None = None,
    ) -> None:
        self.company = company
        self.records = Records(company)
        self.api_key = api_key
        self.credits = Credits(requests_per_minute)
        self.list_credits = {name: Credits(lists_per_minute) for name in ("tickets", "contacts")}
        listed = (
            ("agents", lists.agents, (*PAGED, "email", "mobile", "phone", "state")),
            ("groups", lists.groups, PAGED),
            ("companies", lists.companies, PAGED),
            ("products", lists.products, PAGED),
            ("business_hours", lists.business_hours, PAGED),
            ("sla_policies", lists.sla_policies, PAGED),
            ("surveys", lists.surveys, (*PAGED, "state")),
            ("ticket_fields", lists.ticket_fields, (*PAGED, "type")),
        )
        self.routes = [
            Route(_path(name), self._whole(render), parameters) for name, render, parameters in listed
        ]
        self.routes += [
            Route(
                _path("tickets"),
                self.tickets,
                TICKET_PARAMETERS,
                is_limited=True,
            ),
            Route(_path(r"tickets/(\d+)"), self.ticket, ("include",)),
            Route(_path(r"tickets/(\d+)/conversations"), self.conversations),
            Route(
                _path("contacts"),
                self.contacts,
                CONTACT_PARAMETERS,
                is_limited=True,
            ),
            Route(
                _path("surveys/satisfaction_ratings"),
                self.satisfaction_ratings,
                (*PAGED, "created_since", "user_id"),
            ),
            Route(
                _path("time_entries"),
                self.time_entries,
                (*PAGED, "company_id", "agent_id", "executed_after", "executed_before", "billable"),
            ),
        ]

    def handle(self, request: Request) -> Response:
        """Answer a GET request; errors come as the vendor's JSON."""
        try:
            self._authenticate(request.headers.get("authorization", ""))
            route, matched = self._route(request.path)
            headers = self._charge(route, request)
            _check(request.query, route.parameters)
            answer = route.handler(request, *matched.groups())
            if not isinstance(answer, dict):
                answer, following = _page(request, answer, is_walled=route.handler == self.tickets)
                headers |= following
            return Response(200, encode(answer), headers)
        except ApiError as error:
            return error.response

    def _authenticate(self, header: str) -> None:
        scheme, _, value = header.partition(" ")
        try:
            name, colon, _ = b64decode(value).decode().partition(":")
        except ValueError:
            name, colon = "", ""
        if scheme.lower() != "basic" or not colon or name != self.api_key:
            body = {
                "code": "invalid_credentials",
                "message": "You have to be logged in to perform this action.",
            }
            raise ApiError(401, body)

    def _route(self, path: str) -> tuple[Route, re.Match[str]]:
        for route in self.routes:
            if matched := route.pattern.fullmatch(path):
                return route, matched
        raise ApiError(404, {"code": "not_found", "message": "no such endpoint"})

    def _charge(self, route: Route, request: Request) -> dict[str, str]:
        """The headers that tell the credits; 429 where there are none left."""
        name = request.path.removeprefix("/api/v2/")
        accounts = [self.credits, *([self.list_credits[name]] if route.is_limited else [])]
        embedded = [each for each in request.query.get("include", "").split(",") if each]
        cost = CREDIT + EMBEDDED * len(embedded)
        taken = [account.take(cost) for account in accounts]
        # The tighter limit is the one that is told.
        (left, _), most = min(
            (each, account.most or 5000) for each, account in zip(taken, accounts, strict=True)
        )
        headers = {
            "X-Ratelimit-Total": str(most),
            "X-Ratelimit-Remaining": str(max(left, 0)),
            "X-Ratelimit-Used-CurrentRequest": str(cost),
        }
        if wait := max(wait for _, wait in taken):
            body = {"message": "You have exceeded the limit of requests per minute"}
            raise ApiError(429, body, headers | {"Retry-After": str(int(wait) + 1)})
        return headers

    # ---- tickets ----

    def _listed(self, filter_name: str) -> tuple[Ints, Ints]:
        """Tickets of a filter and when they changed; without one, those that are neither spam nor deleted."""
        if filter_name not in ("", "deleted", "spam"):
            raise unknown("filter", FILTERS)
        return self.records.listed(filter_name)

    def tickets(self, request: Request) -> "_Rendered":
        query, company = request.query, self.company
        tickets, changed = self._listed(query.get("filter", ""))
        if "updated_since" in query:
            keep = changed >= _time(query, "updated_since")
        else:
            keep = company.created[tickets] >= company.now_seconds - 30 * DAY
        tickets, changed = tickets[keep], changed[keep]
        keys = {"created_at": company.created[tickets], "updated_at": changed}
        order = query.get("order_by", "created_at")
        if order not in keys:
            raise unknown("order_by", ORDERS)
        kind = query.get("order_type", "desc")
        if kind not in ("asc", "desc"):
            raise unknown("order_type", ("asc", "desc"))
        sorted_places = np.lexsort((tickets, keys[order]))
        rows = tickets[sorted_places if kind == "asc" else sorted_places[::-1]]
        include = [each for each in query.get("include", "").split(",") if each]
        if not set(include) <= set(INCLUDES):
            raise unknown("include", INCLUDES)
        return _Rendered(rows, lambda ticket: self.records.ticket(ticket, include))

    def _there(self, ticket: str) -> int:
        """The index of a ticket that can be read; 404 without a body of any use, as the vendor's."""
        index = int(ticket) - 1
        is_there = (
            0 <= index < len(self.company.created) and self.company.created[index] <= self.company.now_seconds
        )
        if not is_there or index in self.records.vanished or self.records.trash(index)[0] == "deleted":
            raise ApiError(404, {})
        return index

    def ticket(self, request: Request, ticket: str) -> Json:
        include = [each for each in request.query.get("include", "").split(",") if each]
        return self.records.ticket(self._there(ticket), [*include, "description"])

    def conversations(self, request: Request, ticket: str) -> Sequence[Json]:
        return self.records.conversations(self._there(ticket))

    # ---- the rest ----

    def contacts(self, request: Request) -> Sequence[Json]:
        state = request.query.get("state", "")
        if state not in ("", *STATES):
            raise unknown("state", STATES)
        since = _time(request.query, "_updated_since") if "_updated_since" in request.query else 0
        return [record for changed, record in lists.contacts(self.company, state) if changed >= since]

    def satisfaction_ratings(self, request: Request) -> Sequence[Json]:
        since = _text_of(request.query, "created_since")
        return [rating for rating in self.records.ratings() if rating["created_at"] >= since]

    def time_entries(self, request: Request) -> Sequence[Json]:
        since = _time(request.query, "executed_after") if "executed_after" in request.query else 0
        return [record for executed, record in self.records.time_entries() if executed >= since]

    def _whole(self, render: Callable[[Company], Sequence[Json]]) -> Callable[[Request], Sequence[Json]]:
        return lambda request: render(self.company)


class _Rendered:
    """Tickets of which only a page is rendered."""

    def __init__(self, tickets: Ints, render: Callable[[int], Json]) -> None:
        self._tickets, self._render = tickets, render

    def __len__(self) -> int:
        return len(self._tickets)

    def __getitem__(self, page: slice) -> list[Json]:
        return [self._render(ticket) for ticket in self._tickets[page].tolist()]


def _path(pattern: str) -> re.Pattern[str]:
    return re.compile(f"/api/v2/{pattern}")


def invalid(field: str, message: str, code: str = "invalid_value") -> ApiError:
    """A refusal in the vendor's words."""
    errors = [{"field": field, "message": message, "code": code}]
    return ApiError(400, {"description": "Validation failed", "errors": errors})


def unknown(field: str, known: Sequence[str]) -> ApiError:
    """The refusal of a value that is none of those known."""
    return invalid(field, f"It should be one of these values: '{','.join(known)}'")


def _check(query: Mapping[str, str], known: Iterable[str]) -> None:
    for name in query:
        if name not in known:
            raise invalid(name, "Unexpected/invalid field in request", "invalid_field")


def _page(
    request: Request, records: "Sequence[Json] | _Rendered", is_walled: bool
) -> tuple[list[Json], dict[str, str]]:
    """The page that was asked for, and the header that leads to the next."""
    number, size = _number(request.query, "page", 1), _number(request.query, "per_page", PER_PAGE)
    if size > MOST_PER_PAGE:
        raise invalid("per_page", "It should be a Positive Integer less than or equal to 100")
    if is_walled and number > LAST_PAGE:
        text = "You cannot access tickets beyond the 300th page. Please provide a smaller page number."
        raise invalid("page", text)
    found = records[(number - 1) * size : number * size]
    if number * size >= len(records):
        return list(found), {}
    asked = urlencode({**request.query, "page": number + 1})
    return list(found), {"Link": f'<{request.base}{request.path}?{asked}>; rel="next"'}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise invalid(name, "It should be a Positive Integer")
    return int(text)


def _time(query: Mapping[str, str], name: str) -> int:
    """A time among the parameters, in unix seconds."""
    try:
        moment = datetime.fromisoformat(query[name])
    except ValueError:
        raise invalid(
            name, "It should be in the 'combined date and time ISO8601' format", "invalid_date"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _text_of(query: Mapping[str, str], name: str) -> str:
    """The same as the text that records write; before all of them without it."""
    return f"{datetime.fromtimestamp(_time(query, name), UTC):%Y-%m-%dT%H:%M:%SZ}" if name in query else ""
