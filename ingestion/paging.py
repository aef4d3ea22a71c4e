# ruff: noqa: D102 - the methods are documented once, in the base class
"""How one page leads to the next: small state machines whose state is the cursor that lands with the data.

Times inside states are unix seconds (UTC). `seen` in a state holds the keys of records that the next request
will give again, `seen_until` the latest of their times, so that an inclusive boundary costs no second copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, ClassVar

import msgspec

from ingestion.http import PermanentError

#: What a paging style needs to go on: JSON values only.
State = dict[str, Any]

SECOND = 1_000_000
#: Pages in a row without a record that the walk had not met; no vendor's filter leaves so many empty.
IDLE_PAGES = 100


@dataclass(frozen=True)
class Page:
    """One page as the paging styles see it.

    Attributes:
        envelope: The fields beside the records that the style asked for; None where absent.
        records: The records' JSON.
        ids: Their ids; None where missing.
        clocks: Microseconds since 1970 of the field that the vendor orders or filters by; None if unreadable.
        date: The vendor's now.
        link: The `Link` header.
    """

    envelope: Mapping[str, Any]
    records: Sequence[bytes]
    ids: Sequence[str | None]
    clocks: Sequence[int | None]
    date: datetime
    link: str = ""

    @property
    def newest(self) -> int | None:
        """The latest readable clock, in unix seconds."""
        known = [clock for clock in self.clocks if clock is not None]
        return max(known) // SECOND if known else None

    def boundary(self, start: int, resume: int) -> State:
        """What to remember of a page that was asked from `start` on when the next one asks from `resume` on.

        Only a record that lies between the two surely does not come again: the vendor may order by another
        clock than the record shows.
        """
        low, high = start * SECOND, resume * SECOND
        again = [at for at, clock in enumerate(self.clocks) if clock is None or not low <= clock < high]
        until = max((self.clocks[at] or 0 for at in again), default=0)
        return _remember({record_key(self.records[at]) for at in again}, until)


@dataclass(frozen=True)
class Step:
    """What follows a page: the next state, whether the walk ended, what was stepped over."""

    state: State
    done: bool = False
    skipped: tuple[dict[str, Any], ...] = ()


class Guard:
    """Ends a walk that would not end by itself; costs a few bytes per page."""

    def __init__(self) -> None:
        self._asked: set[int] = set()
        self._given: set[int] = set()
        self._idle = 0

    def ask(self, params: Mapping[str, str | int]) -> None:
        """Note a request of the walk.

        Raises:
            PermanentError: the walk has made it before, so that everything after it would come again.
        """
        request = hash(frozenset(params.items()))
        if request in self._asked:
            shown = ", ".join(f"{name}={str(value)[:60]}" for name, value in params.items())
            raise PermanentError(
                f"the pages go in a circle: after {len(self._asked)} of them the vendor leads back to {shown}"
                "; run again, and report it to the vendor if it recurs"
            )
        self._asked.add(request)

    def take(self, page: Page) -> None:
        """Note what a request gave."""
        content = hash((*(page.records if None in page.ids else page.ids), *page.clocks))
        self._idle = 0 if page.records and content not in self._given else self._idle + 1
        self._given.add(content)

    @property
    def is_idle(self) -> bool:
        """Whether the last `IDLE_PAGES` gave nothing that the walk had not met."""
        return self._idle >= IDLE_PAGES


def is_last(page: Page) -> bool:
    """Whether the `Link` header of a page names no next one."""
    return 'rel="next"' not in page.link


def record_key(record: bytes) -> str:
    """A short fingerprint of a record's content."""
    return blake2b(record, digest_size=8).hexdigest()


class Paging(ABC):
    """A paging style.

    Attributes:
        envelope: Fields of the answer beside the records that it needs.
        order: Field by which the vendor orders or filters, where it is not the change clock; or reads it from
            the record, in microseconds since 1970, where no one field holds it.
        persists: Whether a walk can be taken up in a later run; if not, it starts anew.
    """

    envelope: ClassVar[tuple[str, ...]] = ()
    persists: ClassVar[bool] = True
    order: str | Callable[[bytes], int | None] | None = None

    @abstractmethod
    def start(self, at: datetime | None) -> State:
        """The state of a first walk, from a time on or over the whole history."""

    @abstractmethod
    def params(self, state: State) -> dict[str, str | int]:
        """The query parameters of the next request."""

    @abstractmethod
    def advance(self, state: State, page: Page) -> Step:
        """The step that follows a page.

        Raises:
            PermanentError: the walk cannot go on without losing records.
        """


@dataclass(frozen=True)
class CursorExport(Paging):
    """A cursor export: `cursor` from `after_cursor` until `end_of_stream`.

    Any number of records may share one timestamp. The vendor leaves out the last minute itself, and the last
    cursor stands behind the last record given.
    """

    envelope = ("after_cursor", "end_of_stream")
    size: int = 1000

    def start(self, at: datetime | None) -> State:
        return {"start_time": _seconds(at)}

    def params(self, state: State) -> dict[str, str | int]:
        where = {"cursor": state["cursor"]} if "cursor" in state else {"start_time": state["start_time"]}
        return {**where, "per_page": self.size}

    def advance(self, state: State, page: Page) -> Step:
        after = page.envelope["after_cursor"]
        if page.envelope["end_of_stream"] is True:
            return Step({"cursor": after} if after else state, done=True)
        if not isinstance(after, str) or after == state.get("cursor"):
            raise PermanentError("the export says that more follows but gives no new cursor")
        return Step({"cursor": after})


@dataclass(frozen=True)
class TimeExport(Paging):
    """A time-based export: `start_time` from `end_time` until `end_of_stream`, both ends inclusive.

    A second that fills a whole page never ends: `end_time` equals `start_time`. What happens then:
        `cursor`: the second is read through the endpoint's cursor form, 100 records a page;
        `step_over`: the second is left, and reported with the ticket ids of the page;
        `fail`: the walk ends with an error.

    The walk's end is the newest record seen, at most `settle` before the vendor's now.
    """

    envelope = ("end_time", "end_of_stream", "meta")
    full_second: str = "fail"
    size: int = 1000
    cursor_size: int = 100
    settle: timedelta = timedelta(minutes=1)

    def start(self, at: datetime | None) -> State:
        return {"start_time": _seconds(at)}

    def params(self, state: State) -> dict[str, str | int]:
        start: dict[str, str | int] = {"start_time": state["start_time"]}
        if "after" not in state:
            return {**start, "per_page": self.size}
        after = {"page[after]": state["after"]} if state["after"] else {}
        return {**start, "page[size]": self.cursor_size, **after}

    def advance(self, state: State, page: Page) -> Step:
        if "after" in state:
            return self._within_second(state, page)
        start, end = state["start_time"], _integer(page.envelope["end_time"])
        settled = _seconds(page.date - self.settle)
        if self._ended(start, end, page):
            newest = start if page.newest is None else page.newest
            return Step(self._from(max(start, min(newest, settled)), state, page), done=True)
        if end is None or end < start:
            raise PermanentError(f"the export says that more follows {start} but ends at {end}")
        if end > settled:
            return Step(self._from(max(start, settled), state, page), done=True)
        if end > start:
            return Step(self._from(end, state, page))
        if self.full_second == "cursor":
            return Step({**self._from(start, state, page), "after": ""})
        if self.full_second == "step_over":
            skip = {"second": start, "ticket_ids": _ticket_ids(page.records)}
            left = self._from(start + 1, {**state, "skipped": [*state.get("skipped", ()), skip]}, page)
            return Step(left, skipped=(skip,))
        raise PermanentError(
            f"{len(page.records)} or more records changed in the second {start}: the time-based export "
            "cannot go past it and has no cursor form. `cxmarts refetch` with `--since "
            f"{_iso(start + 1)}` goes on behind that second, without its records"
        )

    def _ended(self, start: int, end: int | None, page: Page) -> bool:
        flag = page.envelope["end_of_stream"]
        if isinstance(flag, bool):
            return flag
        return end is None or (end <= start and len(page.records) < self.size)

    def _within_second(self, state: State, page: Page) -> Step:
        second = state["start_time"]
        meta = page.envelope["meta"] if isinstance(page.envelope["meta"], dict) else {}
        after = meta.get("after_cursor")
        if (page.newest is not None and page.newest > second) or meta.get("has_more") is not True:
            return Step(self._from(second + 1, state, page))
        if not isinstance(after, str) or after == state["after"]:
            raise PermanentError("the list says that more follows but gives no new cursor")
        return Step({**state, "after": after})

    def _from(self, second: int, state: State, page: Page) -> State:
        """The state that starts at a second, knowing what it will be given again."""
        kept = {"skipped": state["skipped"]} if "skipped" in state else {}
        seen = _boundary(state, page, state["start_time"], second)
        return {"start_time": second, **seen, **kept}


@dataclass(frozen=True)
class CursorList(Paging):
    """Cursor pagination over a complete list: `page[after]` while `meta.has_more`.

    An answer without `meta` is the whole list, or is continued by `page` while `next_page` is filled.
    """

    envelope = ("meta", "next_page")
    persists = False
    size: int = 100

    def start(self, at: datetime | None) -> State:
        return {}

    def params(self, state: State) -> dict[str, str | int]:
        return {"page[size]": self.size, **state.get("next", {})}

    def advance(self, state: State, page: Page) -> Step:
        return _next_of_list(state, page)


@dataclass(frozen=True)
class NumberedList(Paging):
    """A complete list by page number until `page_count`."""

    envelope = ("page_count",)
    persists = False
    size: int = 200

    def start(self, at: datetime | None) -> State:
        return {"page": 1}

    def params(self, state: State) -> dict[str, str | int]:
        return {"page": state["page"], "page_size": self.size}

    def advance(self, state: State, page: Page) -> Step:
        count = page.envelope["page_count"]
        done = not page.records or (isinstance(count, int) and state["page"] >= count)
        return Step({"page": state["page"] + 1}, done=done)


@dataclass(frozen=True)
class LinkedList(Paging):
    """A complete list by page number, for as long as the `Link` header names a next page."""

    persists = False
    size: int = 100

    def start(self, at: datetime | None) -> State:
        return {"page": 1}

    def params(self, state: State) -> dict[str, str | int]:
        return {"page": state["page"], "per_page": self.size}

    def advance(self, state: State, page: Page) -> Step:
        return Step({"page": state["page"] + 1}, done=not page.records or is_last(page))


@dataclass(frozen=True)
class Window(Paging):
    """A filter by time whose pages come in another order, so that only a walk to its end moves the state.

    The next walk starts `overlap` before the newest record seen, at most `settle` before the walk began: what
    changes behind a page that was read comes with the next walk. A walk that was cut off goes on from its
    last page: nothing between it and `since` is left out.
    """

    overlap: timedelta = timedelta(0)
    settle: timedelta = timedelta(minutes=1)

    def start(self, at: datetime | None) -> State:
        return {"since": None if at is None else _seconds(at), "is_first": True}

    def _since(self, state: State) -> int | None:
        """The filter of this walk, in unix seconds; a first walk has nothing before it to read again."""
        if state["since"] is None or state.get("is_first"):
            return state["since"]  # type: ignore[no-any-return]
        return state["since"] - int(self.overlap.total_seconds())  # type: ignore[no-any-return]

    def _step(self, state: State, page: Page, following: State | None) -> Step:
        """Go on with `following` in the state, or end the walk if it is None."""
        began = state.get("began", _seconds(page.date))
        overlap, settled = int(self.overlap.total_seconds()), began - int(self.settle.total_seconds())
        newest = max((n for n in (state.get("newest"), page.newest) if n is not None), default=None)
        reached = state["since"] if newest is None else max(state["since"] or 0, min(newest, settled))
        edge = 0 if reached is None else (reached - overlap) * SECOND
        tail = [[clock, key] for clock, key in state.get("tail", ()) if clock >= edge]
        for clock, record in zip(page.clocks, page.records, strict=True):
            if clock is not None and clock >= edge:
                tail.append([clock, record_key(record)])
        if following is not None:
            return Step({**state, "began": began, "newest": newest, "tail": tail, **following})
        seen = _remember({key for _, key in tail}, max((clock for clock, _ in tail), default=0))
        return Step({"since": reached, **seen}, done=True)


@dataclass(frozen=True)
class CursorWindow(Window):
    """A start time with cursor pagination, in an order that the vendor does not promise.

    `since_param` takes the start in units of `per_second` a second.
    """

    envelope = ("meta", "next_page")
    size: int = 100
    order: str | Callable[[bytes], int | None] | None = "created_at"
    since_param: str = "start_time"
    per_second: int = 1

    def params(self, state: State) -> dict[str, str | int]:
        since = self._since(state)
        start = {} if since is None else {self.since_param: since * self.per_second}
        return {**start, "page[size]": self.size, **state.get("next", {})}

    def advance(self, state: State, page: Page) -> Step:
        step = _next_of_list(state, page)
        return self._step(state, page, None if step.done else step.state)


@dataclass(frozen=True)
class LinkedWindow(Window):
    """A start time with page numbers, in an order that the vendor does not promise."""

    size: int = 100
    order: str | Callable[[bytes], int | None] | None = "created_at"
    since_param: str = "created_since"

    def params(self, state: State) -> dict[str, str | int]:
        since = self._since(state)
        start = {} if since is None else {self.since_param: _iso(since)}
        return {**start, "page": state.get("page", 1), "per_page": self.size}

    def advance(self, state: State, page: Page) -> Step:
        following = None if not page.records or is_last(page) else {"page": state.get("page", 1) + 1}
        return self._step(state, page, following)


@dataclass(frozen=True)
class TokenWalk(Window):
    """Newest first, `before` the token of the last, `since` and `until` inclusive."""

    envelope = ("total_items",)
    size: int = 1000
    token: str = "token"  # noqa: S105 - the name of a field
    overlap: timedelta = timedelta(hours=1)
    settle: timedelta = timedelta(minutes=30)

    def params(self, state: State) -> dict[str, str | int]:
        since = self._since(state)
        start = {} if since is None else {"since": _iso(since)}
        until = {"until": _iso(state["until"])} if "until" in state else {}
        before = {"before": state["before"]} if "before" in state else {}
        return {"page_size": self.size, **start, **until, **before}

    def stretch(self, since: int, until: int) -> State:
        """The state of a walk through these seconds alone, both included."""
        return {"since": since, "until": until, "is_first": True}

    def these(self, ids: Sequence[str]) -> dict[str, str | int]:
        """The query parameters that ask for records by their ids."""
        return {"page_size": self.size, "included_response_ids": ",".join(ids)}

    def advance(self, state: State, page: Page) -> Step:
        total = page.envelope["total_items"]
        if not page.records or (isinstance(total, int) and total <= len(page.records)):
            return self._step(state, page, None)
        last = msgspec.json.decode(page.records[-1])
        token = (last.get(self.token) if isinstance(last, dict) else None) or page.ids[-1]
        if not isinstance(token, str) or token == state.get("before"):
            raise PermanentError("more responses follow, but the last one of the page has no token")
        return self._step(state, page, {"before": token})


@dataclass(frozen=True)
class NumberedExport(Paging):
    """Changes by page number, oldest first, where the vendor has a wall: no page above `wall`.

    Records move between pages while they are read, so each page restarts the window at the newest time seen;
    the number only rises while one second fills whole pages. A second that reaches the wall is read in other
    `orders`, the first from below and the second from above: parameters under which what changed since comes
    by its id. What lies between what these two give is stepped over and reported, to be asked for by id;
    without other orders such a second fails.
    """

    since_param: str = "updated_since"
    size: int = 100
    wall: int = 300
    settle: timedelta = timedelta(minutes=1)
    orders: tuple[Mapping[str, str], ...] = ()

    def start(self, at: datetime | None) -> State:
        return {"since": _seconds(at), "page": 1}

    def stretch(self, since: int, until: int) -> State:
        """The state of a walk through these seconds alone, both included."""
        return {"since": since, "page": 1, "until": until}

    def params(self, state: State) -> dict[str, str | int]:
        order = self.orders[state["order"]] if "order" in state else {}
        window = {self.since_param: _iso(state["since"]), "page": state["page"], "per_page": self.size}
        return {**window, **order}

    def advance(self, state: State, page: Page) -> Step:
        if "order" in state:
            return self._in_other_order(state, page)
        since, settled = state["since"], _seconds(page.date - self.settle)
        newest = since if page.newest is None else page.newest
        is_beyond = newest > state.get("until", settled)
        if not page.records or is_last(page) or is_beyond:
            return Step(self._from(max(since, min(newest, settled)), 1, state, page), done=True)
        if newest > since:
            return Step(self._from(newest, 1, state, page))
        if state["page"] < self.wall:
            return Step(self._from(since, state["page"] + 1, state, page))
        if self.orders:
            return Step({**self._from(since, 1, state, page), "order": 0})
        raise PermanentError(
            f"{self.wall * self.size} or more records changed in the second {since}: the vendor gives no "
            f"page above {self.wall}. `cxmarts refetch` with `--since {_iso(since + 1)}` goes on behind "
            "that second, without the rest of its records"
        )

    def _in_other_order(self, state: State, page: Page) -> Step:
        """Upwards until the wall, then downwards until it or what was read."""
        second, order = state["since"], state["order"]
        numbers = [int(each) for each in page.ids if each is not None and each.isdigit()]
        low, high = state.get("low"), min(numbers, default=0)
        if not page.records or is_last(page) or (order and low is not None and high <= low + 1):
            return Step({**self._kept(state), "since": second + 1, "page": 1})
        if state["page"] < self.wall:
            return Step({**state, "page": state["page"] + 1})
        if order + 1 < len(self.orders):
            return Step({**state, "page": 1, "order": order + 1, "low": max(numbers, default=0)})
        skip = {"second": second, "first": (low or 0) + 1, "last": high - 1}
        kept = self._kept(state)
        skipped = [*kept.get("skipped", ()), skip]
        return Step({**kept, "skipped": skipped, "since": second + 1, "page": 1}, skipped=(skip,))

    def _from(self, second: int, number: int, state: State, page: Page) -> State:
        seen = _boundary(state, page, state["since"], second)
        return {"since": second, "page": number, **seen, **self._kept(state)}

    def _kept(self, state: State) -> State:
        return {name: state[name] for name in ("until", "skipped") if name in state}


def _boundary(state: State, page: Page, start: int, resume: int) -> State:
    """`seen` and `seen_until` of the next state; a walk that stays at its second forgets nothing."""
    found = page.boundary(start, resume)
    if resume > start:
        return found
    seen = {*state.get("seen", ()), *found.get("seen", ())}
    return _remember(seen, max(state.get("seen_until", 0), found.get("seen_until", 0)))


def _next_of_list(state: State, page: Page) -> Step:
    meta, next_page = page.envelope["meta"], page.envelope["next_page"]
    previous = state.get("next", {})
    if isinstance(meta, dict):
        if meta.get("has_more") is not True:
            return Step({}, done=True)
        after = meta.get("after_cursor")
        if not isinstance(after, str) or after == previous.get("page[after]"):
            raise PermanentError("the list says that more follows but gives no new cursor")
        return Step({"next": {"page[after]": after}})
    if not next_page or not page.records:
        return Step({}, done=True)
    return Step({"next": {"page": previous.get("page", 1) + 1}})


def _remember(seen: set[str], until: int) -> State:
    return {"seen": sorted(seen), "seen_until": until} if seen else {}


def _ticket_ids(records: Sequence[bytes]) -> list[str]:
    found = {str(msgspec.json.decode(record, type=_OfTicket).ticket_id) for record in records}
    return sorted(found - {"None"})


class _OfTicket(msgspec.Struct):
    ticket_id: Any = None


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _iso(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _integer(value: object) -> int | None:
    return value if type(value) is int else None
