"""Whatever the page size, the shared seconds and the moments of failure: every record exactly once."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import extract, records
from ingestion.http import Answer, PermanentError, Traffic, TransientError
from ingestion.landing import Landing
from ingestion.paging import (
    IDLE_PAGES,
    CursorExport,
    CursorList,
    CursorWindow,
    LinkedList,
    LinkedWindow,
    NumberedExport,
    NumberedList,
    Page,
    TimeExport,
    TokenWalk,
)
from ingestion.streams import Lookup, Source, Stream

START = 1_770_000_000
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def iso(second):
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def second_of(text):
    return int(datetime.fromisoformat(text).timestamp())


class Table:
    """Records (id, second) behind each way of paging, as the vendors document it."""

    def __init__(self, seconds, size):
        self.rows = [
            {"id": number, "token": f"t{number}", "at": START + second, "created_at": iso(START + second)}
            for number, second in enumerate(sorted(seconds))
        ]
        self.size = size

    def since(self, second):
        return [row for row in self.rows if row["at"] >= second]

    def cursor_export(self, params):
        start = (
            int(params["cursor"])
            if "cursor" in params
            else len(self.rows) - len(self.since(params["start_time"]))
        )
        page = self.rows[start : start + self.size]
        end = start + self.size >= len(self.rows)
        return {"rows": page, "after_cursor": str(start + len(page)), "end_of_stream": end}

    def time_export(self, params):
        found = self.since(params["start_time"])
        if "page[size]" in params:
            return self.listed(found, params)
        page = found[: self.size]
        end = page[-1]["at"] if page else None
        return {"rows": page, "end_time": end, "end_of_stream": len(found) <= self.size}

    def listed(self, found, params):
        start = int(params.get("page[after]", 0))
        meta = {"has_more": start + self.size < len(found), "after_cursor": str(start + self.size)}
        return {"rows": found[start : start + self.size], "meta": meta}

    def whole_list(self, params):
        return self.listed(self.rows, params)

    def numbered_list(self, params):
        start = (params["page"] - 1) * self.size
        return {"rows": self.rows[start : start + self.size], "page_count": -(-len(self.rows) // self.size)}

    def window(self, params):
        # Neither oldest nor newest first.
        found = sorted(self.since(params.get("start_time", 0)), key=lambda row: (row["id"] % 3, row["id"]))
        return self.listed(found, params)

    def token_walk(self, params):
        found = self.since(second_of(params["since"]) if "since" in params else 0)[::-1]
        if "before" in params:
            found = found[[row["token"] for row in found].index(params["before"]) + 1 :]
        return {"rows": found[: self.size], "total_items": len(found)}

    def numbered_export(self, params):
        return self.linked(self.since(second_of(params["updated_since"])), params)

    def linked(self, found, params):
        start = (params["page"] - 1) * self.size
        self.link = 'rel="next"' if start + self.size < len(found) else ""
        return {"rows": found[start : start + self.size]}

    def linked_list(self, params):
        return self.linked(self.rows, params)

    def linked_window(self, params):
        found = self.since(second_of(params["created_since"]) if "created_since" in params else 0)
        return self.linked(sorted(found, key=lambda row: (row["id"] % 3, row["id"])), params)


STYLES = {
    "cursor_export": lambda size: CursorExport(size),
    "time_export": lambda size: TimeExport("cursor", size, cursor_size=size),
    "whole_list": lambda size: CursorList(size),
    "numbered_list": lambda size: NumberedList(size),
    "window": lambda size: CursorWindow(size=size),
    "token_walk": lambda size: TokenWalk(size=size),
    "numbered_export": lambda size: NumberedExport(size=size),
    "linked_list": lambda size: LinkedList(size),
    "linked_window": lambda size: LinkedWindow(size=size),
}


class FakeClient:
    """The client's place in the loop, without a network; chosen requests fail."""

    base_url = "http://127.0.0.1"
    answer = None
    failing: frozenset[int] = frozenset()
    asked = 0

    def __init__(self, *_, **__):
        self.traffic = Traffic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def get(self, path, params, decode):
        FakeClient.asked += 1
        if FakeClient.asked in FakeClient.failing:
            raise TransientError("answered 500", url=path, status=500)
        body = json.dumps(FakeClient.answer(params)).encode()
        return decode(body), Answer(body, NOW, getattr(FakeClient.table, "link", ""))


def run(table, style, name, failing, rounds):
    """Fetch with failures, then twice without; the ids that landed, and the last result."""
    stream = Stream("rows", "/rows", "rows", style, clock="at", is_list=name.endswith("_list"))
    source = Source("vendor", "vendor", (stream,), url="http://127.0.0.1")
    FakeClient.table, FakeClient.answer = table, getattr(table, name)
    FakeClient.failing, FakeClient.asked = frozenset(failing), 0
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(extract, "Client", FakeClient),
        patch("os.fsync"),
    ):
        landing = Landing(Path(folder))
        for left in reversed(range(rounds)):
            if left < 2:
                FakeClient.failing = frozenset()
            (result,) = extract.fetch([source], landing).streams
        ids = [each for path in landing.batches() for each in pq.read_table(path)["record_id"].to_pylist()]
        for path in landing.batches():
            info = landing.info(path)
            assert info.received + info.tombstones == info.landed + info.duplicates + info.unchanged
    return ids, result


@pytest.mark.parametrize("name", STYLES)
@settings(max_examples=40, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 12), max_size=40),
    size=st.integers(1, 7),
    failing=st.sets(st.integers(1, 25), max_size=4),
    rows=st.integers(3, 30),
)
def test_every_record_exactly_once(name, seconds, size, failing, rows):
    with patch.object(records, "BATCH_ROWS", rows):
        ids, last = run(Table(seconds, size), STYLES[name](size), name, failing, rounds=len(failing) + 2)
    assert last.error is None
    assert sorted(map(int, ids)) == list(range(len(seconds)))
    assert last.batches == []


class Walled(Table):
    """Gives no page above a wall; single records by their ids."""

    def __init__(self, seconds, size, wall):
        super().__init__(seconds, size)
        self.wall = wall
        Random(len(seconds)).shuffle(self.rows)
        for number, row in enumerate(self.rows, 1):
            row["id"] = number
        self.rows.sort(key=lambda row: (row["at"], row["id"]))

    def export(self, params):
        assert params["page"] <= self.wall
        found = self.since(second_of(params["updated_since"]))
        if "order" in params:
            found = sorted(found, key=lambda row: row["id"], reverse=params["order"] == "desc")
        return self.linked(found, params)

    def get(self, path, params, decode):
        FakeClient.asked += 1
        if FakeClient.asked in FakeClient.failing:
            raise TransientError("answered 500", url=path, status=500)
        name = path.removeprefix("/rows/")
        found = [row for row in self.rows if str(row["id"]) == name]
        if name != path and not found:
            raise PermanentError("not found", url=path, status=404)
        answer = found[0] if found else self.export(params)["rows"]
        return decode(json.dumps(answer).encode()), Answer(json.dumps(answer).encode(), NOW, self.link)


@settings(max_examples=60, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 3), max_size=60),
    size=st.integers(1, 4),
    wall=st.integers(1, 4),
    failing=st.sets(st.integers(1, 40), max_size=4),
)
def test_no_second_beyond_the_wall_costs_a_record(seconds, size, wall, failing):
    table = Walled(seconds, size, wall)
    style = NumberedExport(size=size, wall=wall, orders=({"order": "asc"}, {"order": "desc"}))
    stream = Stream("rows", "/rows", "", style, clock="at", lookup=Lookup("/rows/{id}"))
    source = Source("vendor", "vendor", (stream,), url="http://127.0.0.1")
    FakeClient.failing, FakeClient.asked = frozenset(failing), 0
    client = type("Client", (FakeClient,), {"get": staticmethod(table.get)})
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(extract, "Client", client),
        patch("os.fsync"),
    ):
        landing = Landing(Path(folder))
        for left in reversed(range(len(failing) + 2)):
            FakeClient.failing = FakeClient.failing if left >= 2 else frozenset()
            (result,) = extract.fetch([source], landing).streams
        ids = {each for path in landing.batches() for each in pq.read_table(path)["record_id"].to_pylist()}
    assert result.error is None
    assert ids == {str(row["id"]) for row in table.rows}
    assert result.batches == []


def test_a_second_that_fills_a_page_is_stepped_over_once():
    table = Table([0, 5, 5, 5, 5, 9], 3)
    for row in table.rows:
        row["ticket_id"] = row["id"] + 100
    ids, last = run(table, TimeExport("step_over", 3), "time_export", (), rounds=2)
    # Page 1 ends with two of second 5, page 2 shows three of its four, page 3 goes on behind it.
    assert ids == ["0", "1", "2", "3", "5"]
    assert last.batches == []


def page(date=NOW, **envelope):
    return Page(envelope, [], [], [], date)


def test_the_end_of_the_export_is_its_flag_not_its_links_or_size():
    full = Page(
        {"end_time": START + 9, "end_of_stream": True, "meta": None},
        [b"{}"] * 3,
        ["1", "2", "3"],
        [(START + 4) * 1_000_000] * 3,
        NOW,
    )
    step = TimeExport(size=3).advance({"start_time": START}, full)
    assert step.done
    assert step.state["start_time"] == START + 4  # the newest record, not `end_time`


def test_an_empty_end_keeps_the_state():
    state = {"start_time": START, "seen": ["a"], "seen_until": 5}
    step = TimeExport().advance(state, page(end_time=None, end_of_stream=True, meta=None))
    assert (step.done, step.state) == (True, state)
    cursor = {"cursor": "c"}
    assert CursorExport().advance(cursor, page(after_cursor=None, end_of_stream=True)).state == cursor


class Endless:
    """Says at every request that more follows, in the words of every vendor.

    Args:
        rows: what the n-th page holds.
        cursor: where the n-th page leads.
        pages: how many say so; the last one says that it is the end.
    """

    link = 'rel="next"'

    def __init__(self, rows, cursor=lambda n: f"c{n}", pages=10**9):
        self.rows, self.cursor, self.pages = rows, cursor, pages
        self.n = 0

    def __getattr__(self, _):
        return self.page

    def page(self, params):
        self.n += 1
        more = self.n < self.pages
        return {
            "rows": self.rows(self.n),
            "after_cursor": self.cursor(self.n),
            "end_of_stream": not more,
            "end_time": START + self.n,
            "meta": {"has_more": more, "after_cursor": self.cursor(self.n)},
            "page_count": 10**9,
            "total_items": 10**9,
        }


def row(number, token):
    return {"id": number, "token": token, "at": START, "created_at": iso(START)}


def once(name, endless):
    ids, result = run(endless, STYLES[name](3), name, (), rounds=1)
    return ids, result.error


@pytest.mark.parametrize("name", STYLES)
def test_pages_without_a_new_record_end_with_a_message(name):
    ids, error = once(name, endless := Endless(lambda n: [row(1, f"t{n}"), row(2, f"u{n}")]))
    assert f"vendor/rows: {IDLE_PAGES} pages in a row gave no new record" in str(error)
    assert set(ids) == {"1", "2"}
    assert endless.n == IDLE_PAGES + 1


@pytest.mark.parametrize("name", ["cursor_export", "time_export", "whole_list", "window"])
def test_empty_pages_for_ever_end_with_a_message(name):
    ids, error = once(name, endless := Endless(lambda n: []))
    assert "pages in a row gave no new record" in str(error)
    assert (ids, endless.n) == ([], IDLE_PAGES)


@pytest.mark.parametrize("name", ["cursor_export", "whole_list", "window", "token_walk"])
def test_a_cursor_that_comes_again_ends_with_a_message(name):
    """Every page is new; but the third leads back to where the first led."""

    def leads(n):
        return f"c{(n - 1) % 2}"

    ids, error = once(name, endless := Endless(lambda n: [row(n, leads(n))], leads))
    assert "vendor/rows: the pages go in a circle" in str(error)
    assert "c0" in str(error)
    assert (ids, endless.n) == (["1", "2", "3"], 3)


def test_a_cursor_that_comes_again_within_a_full_second_ends_with_a_message():
    class Second(Endless):
        def page(self, params):
            return {**super().page(params), "end_time": START}

    table = Second(lambda n: [row(n, "")], lambda n: f"c{n % 2}")
    with patch.object(TimeExport, "start", lambda self, at: {"start_time": START}):
        _, error = once("time_export", table)
    assert "the pages go in a circle" in str(error)


def test_an_export_of_many_empty_pages_gets_to_its_end():
    """In the nights after, where they are more than a run puts up with."""
    style, rows = STYLES["cursor_export"](3), lambda n: [row(n, "")] if n in (1, 350) else []
    for rounds, wanted in ((1, ["1"]), (4, ["1", "350"])):
        ids, last = run(Endless(rows, pages=350), style, "cursor_export", (), rounds=rounds)
        assert ids == wanted
    assert last.error is None
