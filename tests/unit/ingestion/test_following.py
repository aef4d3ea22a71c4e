"""Whatever happens to tickets between nights: every conversation lands, and none twice without a reason."""

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import extract
from ingestion.http import Answer, PermanentError, Traffic, TransientError
from ingestion.landing import Landing
from ingestion.sources import freshdesk
from tests.integration.ingestion.desk import Desk

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICKETS = range(1, 6)
STREAMS = ("tickets", "deleted_tickets", "spam_tickets", "conversations")

happening = st.tuples(
    st.sampled_from(["say", "touch", "trash", "restore", "hide", "show"]), st.sampled_from(TICKETS)
)
#: Some requests of a night, or all of a stretch: then the stream is given up for this time.
failures = st.one_of(
    st.sets(st.integers(1, 14), max_size=2), st.builds(lambda first: set(range(first, 30)), st.integers(4, 9))
)
night = st.tuples(st.lists(happening, max_size=5), failures)


class Client:
    """The client's place in the loop: asks a desk without a network; chosen requests of a night fail."""

    base_url = "http://127.0.0.1"
    desk: Desk
    failing: frozenset[int] = frozenset()
    asked = 0

    def __init__(self, *_, **__):
        self.traffic = Traffic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def get(self, path, params, decode):
        Client.asked += 1
        if Client.asked in Client.failing:
            raise TransientError("answered 500", url=path, status=500)
        answer = self.desk.answer(path, {name: str(value) for name, value in params.items()})
        status = getattr(answer, "status", 200)
        if status != 200:
            raise PermanentError(f"answered {status}", url=path, status=status)
        body = json.dumps(answer.body).encode()
        return decode(body), Answer(body, self.desk.vendor.now, answer.headers.get("Link", ""))


def reply(body=None, status=200, headers=None):
    return SimpleNamespace(body=body, status=status, headers=headers or {})


class Account:
    """A desk and its landing."""

    def __init__(self, root):
        self.desk = Client.desk = Desk(SimpleNamespace(now=NOW, url="http://127.0.0.1", answer=None), reply)
        self.landing = Landing(root)
        self.spoken, self.disturbed = 0, set()
        source = freshdesk.source("freshdesk", "http://127.0.0.1", api_key="key")
        streams = tuple(each for each in source.streams if each.name in STREAMS)
        self.source = extract.replace(source, streams=streams, concurrency=1)
        self.desk.tickets = dict.fromkeys(TICKETS, self.desk.now - 900)
        for ticket in TICKETS:
            self.happen("say", ticket)

    def happen(self, what, ticket):
        desk, second = self.desk, self.desk.now - 600 + self.spoken % 60
        if what == "say" and ticket in desk.tickets:
            self.spoken += 1
            desk.say(ticket, self.spoken, second)
        elif what == "touch" and ticket in desk.tickets:
            desk.tickets[ticket] = second
        elif what == "trash" and ticket in desk.tickets:
            del desk.tickets[ticket]
            desk.trash[ticket] = second
            self.disturbed.add(ticket)
        elif what == "restore" and ticket in desk.trash:
            del desk.trash[ticket]
            desk.tickets[ticket] = second
        elif what in ("hide", "show"):
            (desk.gone.add if what == "hide" else desk.gone.discard)(ticket)
            self.disturbed |= {ticket} if what == "hide" else set()

    def fetch(self, failing=()):
        Client.failing, Client.asked = frozenset(failing), 0
        results = extract.fetch([self.source], self.landing).streams
        self.desk.vendor.now += timedelta(days=1)
        return results

    def landed(self):
        return Counter(
            int(number)
            for path in self.landing.batches("freshdesk", "conversations")
            for number in pq.read_table(path)["record_id"].to_pylist()
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(night, max_size=5))
def test_every_conversation_lands_and_none_twice_without_a_reason(nights):
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(extract, "Client", Client),
        patch("os.fsync"),
    ):
        account = Account(Path(folder))
        is_whole = True
        for happenings, failing in nights:
            for what, ticket in happenings:
                account.happen(what, ticket)
            account.fetch(failing)
            is_whole &= not failing
        # What was out of sight shows again with the ticket's next change.
        for ticket in TICKETS:
            for what in ("show", "restore", "touch"):
                account.happen(what, ticket)
        account.fetch()
        assert all(each.error is None for each in account.fetch())
        landed = account.landed()
        said = {each["id"]: ticket for ticket, told in account.desk.conversations.items() for each in told}
        assert landed.keys() == said.keys()
        if is_whole:
            twice = {said[number] for number, times in landed.items() if times > 1}
            assert twice <= account.disturbed
        assert all(not each.batches for each in account.fetch())
