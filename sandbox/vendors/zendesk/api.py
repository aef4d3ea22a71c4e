"""The Zendesk Support API of the sandbox company, as the vendor documents it, read-only."""

import re
from base64 import b64decode
from collections.abc import Callable

import numpy as np

from sandbox.catalog import CUSTOMER_ID, DELETED
from sandbox.clocks import MetricEvent
from sandbox.company import Company, Ints
from sandbox.http import (
    ApiError,
    Json,
    RateLimit,
    Request,
    Response,
    encode,
    from_cursor,
    integer,
    listing,
    to_cursor,
)
from sandbox.lifecycle import SYSTEM, Update
from sandbox.rendering import iso, ticket_id
from sandbox.vendors.zendesk import people
from sandbox.vendors.zendesk.records import Records, metric_event, survey

PAGE = 1000


class Zendesk:
    """Answers requests below the prefix of ZENDESK_URL.

    Args:
        company: whose records are served, as of its now.
        email, api_token, oauth_token: accepted credentials (Basic `email/token:api_token`, or Bearer).
        exports_per_minute, requests_per_minute: rate limits, None without.
    """

    def __init__(
        self,
        company: Company,
        email: str,
        api_token: str,
        oauth_token: str,
        exports_per_minute: int | None = None,
        requests_per_minute: int | None = None,
    ) -> None:
        self.company = company
        self.records = Records(company)
        self.basic = f"{email}/token:{api_token}"
        self.oauth_token = oauth_token
        self.exports = RateLimit(exports_per_minute)
        self.others = RateLimit(requests_per_minute)
        self.routes: list[tuple[re.Pattern[str], Callable[..., Json]]] = [
            (re.compile(rf"/api/v2/{pattern}(?:\.json)?"), handler)
            for pattern, handler in (
                ("incremental/tickets/cursor", self.tickets_by_cursor),
                ("incremental/tickets", self.tickets_by_time),
                ("incremental/ticket_events", self.ticket_events),
                ("incremental/ticket_metric_events", self.ticket_metric_events),
                ("incremental/users/cursor", self.users_by_cursor),
                ("incremental/users", self.users_by_time),
                ("incremental/organizations", self.organizations),
                (r"tickets/(\d+)/audits", self.audits),
                ("tickets/count", self.count_of_tickets),
                ("satisfaction_ratings", self.satisfaction_ratings),
                ("guide/survey_responses", self.survey_responses),
                ("guide/en-us/surveys", self.surveys),
                ("groups", self.groups),
                ("brands", self.brands),
                ("ticket_fields", self.ticket_fields),
                ("slas/policies", self.sla_policies),
                ("business_hours/schedules", self.schedules),
                (r"business_hours/schedules/(\d+)/holidays", self.holidays),
                ("users/me", self.me),
            )
        ]

    def handle(self, request: Request) -> Response:
        """Answer a GET request; errors come as the vendor's JSON."""
        try:
            self._authenticate(request.headers.get("authorization", ""))
            limit = self.exports if "/incremental/" in request.path else self.others
            remaining, wait = limit.take()
            headers = {"x-rate-limit": str(limit.most or 10_000), "x-rate-limit-remaining": str(remaining)}
            if wait > 0:
                headers["Retry-After"] = str(int(wait) + 1)
                body = {
                    "error": "APIRateLimitExceeded",
                    "description": "Number of allowed API requests per minute exceeded",
                }
                raise ApiError(429, body, headers)
            for pattern, handler in self.routes:
                match = pattern.fullmatch(request.path)
                if match:
                    return Response(200, encode(handler(request, *match.groups())), headers)
            raise ApiError(404, {"error": "InvalidEndpoint", "description": "Not found"}, headers)
        except ApiError as error:
            return error.response

    def _authenticate(self, header: str) -> None:
        scheme, _, value = header.partition(" ")
        good = False
        if scheme.lower() == "basic":
            try:
                good = b64decode(value).decode() == self.basic
            except ValueError:
                good = False
        elif scheme.lower() == "bearer":
            good = value == self.oauth_token
        if not good:
            raise ApiError(
                401,
                {"error": "Couldn't authenticate you"},
                {"WWW-Authenticate": 'Basic realm="Web Password"'},
            )

    # ---- incremental exports ----

    def _start_time(self, request: Request) -> int:
        text = request.query.get("start_time", "")
        if not text.isdigit():
            raise ApiError(
                400, {"error": "InvalidValue", "description": "start_time must be a unix epoch time"}
            )
        if int(text) > self.company.horizon:
            description = "Too recent start_time. Use a start_time older than 60 seconds"
            raise ApiError(422, {"error": "InvalidValue", "description": description})
        return int(text)

    def _by_time(
        self, request: Request, name: str, times: Ints, render: Callable[[Ints], list[Json]], **more: object
    ) -> Json:
        """A page of a time-based export: records from `start_time` on, in order of time.

        The next page begins with the last second of this one, so that second is served twice; a second that
        fills a page is served for ever, as with the vendor.
        """
        begin = int(np.searchsorted(times, self._start_time(request), side="left"))
        end = int(np.searchsorted(times, self.company.horizon, side="right"))
        size = integer(request.query, "per_page", PAGE, PAGE)
        stop = max(begin, min(begin + size, end))
        last = int(times[stop - 1]) if stop > begin else None
        return {
            name: render(np.arange(begin, stop)),
            "count": stop - begin,
            "end_time": last,
            "next_page": request.url(start_time=last, **more) if last else None,
            "end_of_stream": stop >= end,
        }

    def _by_cursor(
        self,
        request: Request,
        name: str,
        times: Ints,
        ids: Ints,
        render: Callable[[Ints], list[Json]],
        **more: object,
    ) -> Json:
        """A page of a cursor export: records by (time, id); a cursor holds the last of these seen."""
        cursor = request.query.get("cursor")
        if cursor:
            try:
                time, identifier = (int(float(part)) for part in from_cursor(cursor).rstrip("|").split("||"))
            except ValueError as error:
                raise ApiError(400, {"error": "InvalidValue", "description": "invalid cursor"}) from error
            begin = int(np.searchsorted(times, time, side="left"))
            same = int(np.searchsorted(times, time, side="right"))
            begin += int(np.searchsorted(ids[begin:same], identifier, side="right"))
        else:
            begin = int(np.searchsorted(times, self._start_time(request), side="left"))
        size = integer(request.query, "per_page", PAGE, PAGE)
        stop = min(begin + size, len(times))
        after = cursor
        if stop > begin:
            after = to_cursor(f"{int(times[stop - 1])}.0||{int(ids[stop - 1])}|")
        elif after is None:
            after = to_cursor(f"{self.company.horizon}.0||0|")
        return {
            name: render(np.arange(begin, stop)),
            "after_cursor": after,
            "after_url": request.url(cursor=after, per_page=request.query.get("per_page"), **more),
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": stop >= len(times),
        }

    def _render_tickets(self, request: Request, rows: Ints, tickets: Ints) -> Callable[[Ints], list[Json]]:
        with_metrics = "metric_sets" in request.query.get("include", "").split(",")
        company = self.company

        def render(positions: Ints) -> list[Json]:
            page = []
            for ticket, row in zip(tickets[positions].tolist(), rows[positions].tolist(), strict=True):
                updates = [
                    Update(*values) for values in company.updates[company.starts[ticket] : row + 1].tolist()
                ]
                page.append(self.records.ticket(ticket, updates, with_metrics))
            return page

        return render

    def _tickets(self, request: Request) -> tuple[Ints, Ints, Ints]:
        """What `Company.tickets_by_change` gives, of the tickets asked for."""
        return self.company.tickets_by_change()

    def _events(self, request: Request) -> tuple[Ints, Ints]:
        """Times and rows of the updates with an event, of the tickets asked for."""
        return self.company.event_times, self.company.event_rows

    def tickets_by_cursor(self, request: Request) -> Json:
        times, tickets, rows = self._tickets(request)
        render = self._render_tickets(request, rows, tickets)
        return self._by_cursor(request, "tickets", times, tickets, render, **_asked(request))

    def tickets_by_time(self, request: Request) -> Json:
        times, tickets, rows = self._tickets(request)
        render = self._render_tickets(request, rows, tickets)
        return self._by_time(request, "tickets", times, render, **_asked(request))

    def ticket_events(self, request: Request) -> Json:
        company = self.company
        times, every = self._events(request)
        with_comments = "comment_events" in request.query.get("include", "").split(",")

        def render(positions: Ints) -> list[Json]:
            rows = every[positions]
            updates = map(Update._make, company.updates[rows].tolist())
            earlier = map(Update._make, company.updates[rows - 1].tolist())
            page = []
            for row, update, before in zip(rows.tolist(), updates, earlier, strict=True):
                known = before if row and before.ticket == update.ticket else None
                page.append(self.records.ticket_event(row, update, known, with_comments))
            return page

        return self._by_time(request, "ticket_events", times, render, **_asked(request))

    def ticket_metric_events(self, request: Request) -> Json:
        company = self.company
        times = company.metric_times
        leave_out = request.query.get("exclude_deleted") == "true"

        def render(positions: Ints) -> list[Json]:
            events = map(MetricEvent._make, company.metric_events[positions].tolist())
            pairs = zip(positions.tolist(), events, strict=True)
            return [metric_event(p, event) for p, event in pairs if not (event.deleted and leave_out)]

        if "page[size]" not in request.query:
            return self._by_time(request, "ticket_metric_events", times, render)
        start = self._start_time(request)
        size = integer(request.query, "page[size]", 100, 100)
        after = request.query.get("page[after]")
        begin = int(from_cursor(after)) if after else int(np.searchsorted(times, start, side="left"))
        end = int(np.searchsorted(times, company.horizon, side="right"))
        stop = max(begin, min(begin + size, end))
        following = to_cursor(str(stop))
        return {
            "ticket_metric_events": render(np.arange(begin, stop)),
            "meta": {
                "has_more": stop < end,
                "after_cursor": following,
                "before_cursor": to_cursor(str(begin)),
            },
            "links": {
                "prev": None,
                "next": request.url(start_time=start, page__size=size, page__after=following),
            },
        }

    def _accounts(self) -> list[tuple[int, int, Json]]:
        """Users that are no customers, as (updated, id, record)."""
        return people.staff(self.company)

    def _users(self) -> tuple[Ints, Ints, Callable[[Ints], list[Json]]]:
        company = self.company
        workers = self._accounts()
        customers = np.flatnonzero(company.joined <= company.horizon)
        touched = company.touched[customers]
        updated = np.where(touched <= company.horizon, touched, company.joined[customers])
        times = np.concatenate([np.array([t for t, _, _ in workers], dtype=np.int64), updated])
        ids = np.concatenate(
            [np.array([i for _, i, _ in workers], dtype=np.int64), CUSTOMER_ID + 128 * customers]
        )
        sources = np.concatenate([-1 - np.arange(len(workers)), customers])
        order = np.lexsort((ids, times))
        times, ids, sources = times[order], ids[order], sources[order]

        def render(positions: Ints) -> list[Json]:
            return [
                people.customer(company, source) if source >= 0 else workers[-1 - source][2]
                for source in sources[positions].tolist()
            ]

        return times, ids, render

    def users_by_cursor(self, request: Request) -> Json:
        times, ids, render = self._users()
        return self._by_cursor(request, "users", times, ids, render)

    def users_by_time(self, request: Request) -> Json:
        times, _, render = self._users()
        return self._by_time(request, "users", times, render)

    def organizations(self, request: Request) -> Json:
        found = sorted(
            (people.organization(self.company, index) for index in range(self.company.organizations)),
            key=lambda pair: (pair[0], pair[1]["id"]),
        )
        times = np.array([changed for changed, _ in found], dtype=np.int64)
        return self._by_time(
            request, "organizations", times, lambda positions: [found[i][1] for i in positions.tolist()]
        )

    # ---- lists ----

    def audits(self, request: Request, ticket: str) -> Json:
        index = int(ticket) - 1
        updates = self.company.life(index) if 0 <= index < self.company.ticket_count() else []
        if not updates or updates[-1].status == DELETED:
            raise ApiError(404, {"error": "RecordNotFound", "description": "Not found"})
        first_row = int(self.company.starts[index])
        audits = [
            self.records.audit(first_row + i, update, updates[i - 1] if i else None)
            for i, update in enumerate(updates)
            if update.kind < SYSTEM
        ]
        return listing(request, "audits", audits)

    def count_of_tickets(self, request: Request) -> Json:
        """How many tickets there are but deleted ones; the reference leaves open if archived ones count."""
        _, _, rows = self._tickets(request)
        kept = self.company.updates["status"][rows] != DELETED
        return {"count": {"value": int(kept.sum()), "refreshed_at": iso(self.company.horizon)}}

    def satisfaction_ratings(self, request: Request) -> Json:
        company = self.company
        start = request.query.get("start_time", "0")
        if not start.isdigit():
            raise ApiError(
                400, {"error": "InvalidValue", "description": "start_time must be a unix epoch time"}
            )
        times = company.updates["t"][company.rating_rows]
        begin = int(np.searchsorted(times, int(start), side="left"))
        end = int(np.searchsorted(times, company.now_seconds, side="right"))
        size = integer(request.query, "page[size]", 100, 100)
        after = request.query.get("page[after]")
        first = int(from_cursor(after)) if after else begin
        stop = max(first, min(first + size, end))
        rows = company.rating_rows[first:stop]
        following = to_cursor(str(stop))
        ratings = [
            self.records.rating(row, Update(*values))
            for row, values in zip(rows.tolist(), company.updates[rows].tolist(), strict=True)
        ]
        return {
            "satisfaction_ratings": ratings,
            "meta": {
                "has_more": stop < end,
                "after_cursor": following,
                "before_cursor": to_cursor(str(first)),
            },
            "links": {
                "prev": None,
                "next": request.url(start_time=start, page__size=size, page__after=following),
            },
        }

    def survey_responses(self, request: Request) -> Json:
        """Surveys sent, answered or not, by id and so by the time of sending; filters add up."""
        company, query = self.company, request.query
        start, end = (query.get(f"filter[created_at_{edge}]", "") for edge in ("start", "end"))
        size = query.get("page[size]", "50")
        if not ((start + end + "0").isdigit() and size.isdigit() and 1 <= int(size) <= 50):
            raise ApiError(400, {"errors": [{"code": "InvalidParameter", "status": "400"}]})
        sent = company.updates["t"][company.survey_rows] * 1000
        latest = min(int(end or company.now_seconds * 1000), company.now_seconds * 1000)
        chosen = (sent >= int(start or 0)) & (sent <= latest)
        tickets = company.updates["ticket"][company.survey_rows]
        for name, of_each in (
            ("subject_zrns", tickets + ticket_id(0)),
            ("responder_ids", CUSTOMER_ID + 128 * company.requester[tickets]),
        ):
            if asked := query.get(f"filter[{name}]"):
                ids = [each.removeprefix("zen:ticket:") for each in asked.split(",")]
                chosen &= np.isin(of_each, [int(each) for each in ids if each.isdigit()])
        rows = company.survey_rows[chosen]
        after = query.get("page[after]")
        begin = int(from_cursor(after)) if after else 0
        stop = max(begin, min(begin + int(size), len(rows)))
        return {
            "meta": {
                "after_cursor": to_cursor(str(stop)),
                "before_cursor": to_cursor(str(begin)),
                "has_more": stop < len(rows),
            },
            "survey_responses": [self.records.survey_response(row) for row in rows[begin:stop].tolist()],
        }

    def surveys(self, request: Request) -> Json:
        return listing(request, "surveys", [survey(self.company)], most=50)

    def groups(self, request: Request) -> Json:
        shown = request.query.get("exclude_deleted")
        return listing(
            request, "groups", people.groups(self.company, shown == "false"), exclude_deleted=shown
        )

    def brands(self, request: Request) -> Json:
        return listing(request, "brands", people.brands(self.company))

    def ticket_fields(self, request: Request) -> Json:
        return listing(request, "ticket_fields", people.ticket_fields(self.company))

    def sla_policies(self, request: Request) -> Json:
        return listing(request, "sla_policies", people.sla_policies(self.company))

    def schedules(self, request: Request) -> Json:
        records = [
            people.schedule(self.company, schedule, place)
            for place, schedule in enumerate(self.company.schedules)
        ]
        return listing(request, "schedules", records)

    def holidays(self, request: Request, schedule: str) -> Json:
        for known in self.company.schedules:
            if known.id == int(schedule):
                return {"holidays": people.holidays(known)}
        raise ApiError(404, {"error": "RecordNotFound", "description": "Not found"})

    def me(self, request: Request) -> Json:
        return {"user": people.admin(self.company)}


def _asked(request: Request) -> dict[str, str | None]:
    """The parameters of an export of tickets that its next page keeps."""
    return {name: request.query.get(name) for name in ("include", "support_type_scope")}
