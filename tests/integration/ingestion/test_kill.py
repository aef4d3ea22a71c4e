"""kill -9 in the middle of a fetch: the next run ends with what an uninterrupted one has."""

import signal
import subprocess
import sys
import threading
from hashlib import sha256

import pytest

from ingestion.landing import Landing
from tests.integration.ingestion.desk import START, Desk

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
import ingestion.records
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import zendesk
ingestion.records.BATCH_ROWS = 1500
source = zendesk.source("zendesk", sys.argv[1], email="a@example.com", api_token="t")
streams = tuple(each for each in source.streams if each.name in ("tickets", "ticket_events"))
fetch([replace(source, streams=streams)], Landing(Path(sys.argv[2])))
"""


@pytest.mark.parametrize("answered", [1, 4, 7])
def test_kill_9_loses_at_most_the_batch_in_flight(account, zendesk_source, lander, vendor, answered):
    account.records["tickets"] = [
        {"id": number, "generated_timestamp": 1_770_000_000 + number // 4} for number in range(5500)
    ]
    account.records["ticket_events"] = [
        {"id": number, "ticket_id": number, "timestamp": 1_770_000_000 + number // 4}
        for number in range(5500)
    ]
    reached, release = threading.Event(), threading.Event()
    count = iter(range(1000))

    def answer(path, params):
        if next(count) >= answered:
            reached.set()
            release.wait(60)
        return account.answer(path, params)

    vendor.answer = answer
    root = lander.landing.root
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, vendor.url, str(root)])
    assert reached.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    release.set()
    vendor.answer = account.answer

    landed = {stream: len(lander.ids("zendesk", stream)) for stream in ("tickets", "ticket_events")}
    result = lander.fetch(zendesk_source("tickets", "ticket_events"))
    for each in result.streams:
        assert each.error is None
        assert each.landed == 5500 - landed[each.stream]
        ids = lander.ids("zendesk", each.stream)
        assert sorted(map(int, ids)) == list(range(5500))


OF_FRESHDESK = """
import sys
from pathlib import Path
import ingestion.records
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import freshdesk
ingestion.records.BATCH_ROWS = 20
fetch([freshdesk.source("freshdesk", sys.argv[1], api_key="t")], Landing(Path(sys.argv[2])))
"""


@pytest.mark.parametrize("answered", [2, 20, 70])
def test_kill_9_among_the_conversations_loses_none(reply, freshdesk_source, lander, vendor, answered):
    desk = Desk(vendor, reply)
    for ticket in range(1, 101):
        desk.say(ticket, 100 * ticket, START + ticket)
        desk.say(ticket, 100 * ticket + 1, START + ticket)
    reached, release, asked = threading.Event(), threading.Event(), []

    def answer(path, params):
        if path.endswith("/conversations"):
            asked.append(path)
            if len(asked) > answered:
                reached.set()
                release.wait(60)
        return desk.answer(path, params)

    vendor.answer = answer
    child = subprocess.Popen([sys.executable, "-c", OF_FRESHDESK, vendor.url, str(lander.landing.root)])
    assert reached.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    release.set()
    vendor.answer = desk.answer

    landed = len(lander.ids("freshdesk", "conversations"))
    assert landed >= 2 * answered - 20
    result = lander.stream(freshdesk_source(), "conversations")
    assert (result.error, result.landed) == (None, 200 - landed)
    assert result.requests == 100 - landed // 2
    expected = sorted(100 * ticket + place for ticket in range(1, 101) for place in (0, 1))
    assert sorted(map(int, lander.ids("freshdesk", "conversations"))) == expected


def test_a_half_written_file_is_ignored_and_cleaned(account, zendesk_source, lander):
    account.records["tickets"] = [{"id": 1, "generated_timestamp": 1_770_000_000}]
    lander.fetch(zendesk_source("tickets"))
    (file,) = lander.landing.batches()
    half = file.with_name(f".{file.name}.tmp")
    half.write_bytes(file.read_bytes()[:100])
    assert Landing(lander.landing.root).batches() == [file]
    lander.fetch(zendesk_source("tickets"))
    assert not half.exists()


def test_a_file_that_outgrows_its_limit_leaves_nothing_behind(account, vendor, tmp_path):
    """A real write error from the kernel, in place of a full disk."""
    account.records["tickets"] = [
        {"id": number, "generated_timestamp": 1, "noise": sha256(b"%d" % number).hexdigest()}
        for number in range(3000)
    ]
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n{SCRIPT}"
    command = [sys.executable, "-c", limited, vendor.url, str(tmp_path / "landing")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "LandingError: Cannot write to the landing at" in run.stderr
    assert "File too large" in run.stderr
    assert [path for path in (tmp_path / "landing").rglob("*") if path.is_file()] == []
