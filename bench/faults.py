"""Whether a misbehaving vendor costs anything. `python bench/faults.py --seeds 100 --refreshes 10`.

A seed draws how often requests fail (2 to 40 %), by which faults (500, 502, 503, 429, connections broken
off, answers cut off or slow), and how large pages and batches are. A first fetch and the night after, each
repeated until it ends well, must land the newest version of every record that an undisturbed fetch lands;
with `--refreshes` so many seeds are whole refreshes as well, and must publish the same marts. Last come
records with hostile texts and impossible values through a whole refresh. Exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.crash import NOW, SEEN, landed_otherwise, newest, otherwise
from bench.same_numbers import HERE, start
from ingestion import records
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import VENDORS
from ingestion.streams import Source
from orchestration.publication import publish
from sandbox.server import HELPDESKS, Sandbox

KINDS = ("500", "502", "503", "429", "429_without_retry_after", "reset", "truncated", "slow")
LEAST, MOST = 0.02, 0.4
#: A refresh waits for real between attempts, so it gets fewer faults.
MOST_OF_A_REFRESH = 0.15
#: Runs until a fetch must have ended well.
TRIES = 20
CANARY = "canary-5c2f"
#: Columns that tell an organization's name as it was sent.
NAMES = frozenset({"member_label", "organization_name"})
HALF = "half-an-emoji"
TEXTS = (
    "{{ 7 * 7 }}",
    "{% for x in range(10) %}x{% endfor %}",
    "{{ env_var('HOME') }}",
    "'; DROP TABLE marts.tickets; --",
    '" OR 1 = 1',
    "$(touch /tmp/x)",
    "`touch /tmp/x`",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "%s %n %(x)s {0} {x}",
    "NULL",
    "\\",
    "\x00",
    "\n\r\n\t\x1b[31m",
    "\u202e\u200b\ufeff",
    "e\u0301 ß 漢字 🏳️‍🌈",
    '{"json": [1, null]}',
    "redacted",
    HALF,
    "x" * 20_000,
)
#: Values that no ticket can have.
IMPOSSIBLE: tuple[dict[str, Any], ...] = (
    {"status": 5},
    {"created_at": "0001-01-01T00:00:00Z"},
    {"created_at": "9999-12-31T23:59:59Z"},
)


def _text(record: dict[str, Any], name: str = "id") -> str:
    """The same hostile text for the same record each time."""
    return f"{TEXTS[crc32(str(record[name]).encode()) % len(TEXTS)]} {CANARY}"


def _spoil_ticket(record: dict[str, Any]) -> None:
    text = _text(record)
    record |= {"subject": text, "raw_subject": text, "description": text}
    record["tags"] = [*record["tags"], text]
    record["custom_fields"] = [*record["custom_fields"], {"id": 1, "value": text}]


def _spoil_event(record: dict[str, Any]) -> None:
    for child in record["child_events"]:
        child |= {
            name: _text(record) for name in ("subject", "body", "html_body", "plain_body") if name in child
        }


def _spoil_name(record: dict[str, Any]) -> None:
    record |= {"name": _text(record), "notes": _text(record), "details": _text(record)}


def _spoil_response(record: dict[str, Any]) -> None:
    record["hidden"] = {**record.get("hidden", {}), "note": _text(record, "response_id")}
    for answer in record.get("answers") or ():
        if answer["type"] == "text":
            answer["text"] = _text(record, "response_id")


def _spoil_desk(record: dict[str, Any]) -> None:
    # A merge is told by a note's text alone.
    if "merged into" in record.get("body_text", ""):
        return
    record |= {name: _text(record) for name in ("subject", "body", "body_text", "note") if name in record}
    record |= {name: _text(record) for name in ("feedback", "description") if record.get(name)}
    if "tags" in record:
        record["tags"] = [*record["tags"], _text(record)]


#: Path, array of records, and what is done to each.
SPOILERS: tuple[tuple[str, str, Callable[[dict[str, Any]], None]], ...] = (
    ("/incremental/tickets", "tickets", _spoil_ticket),
    ("/incremental/ticket_events", "ticket_events", _spoil_event),
    ("/incremental/users", "users", _spoil_name),
    ("/incremental/organizations", "organizations", _spoil_name),
    ("/responses", "items", _spoil_response),
    ("/freshdesk/api/v2/tickets", "", _spoil_desk),
    ("/satisfaction_ratings", "", _spoil_desk),
    ("/time_entries", "", _spoil_desk),
    ("/freshdesk/api/v2/contacts", "", _spoil_name),
    ("/freshdesk/api/v2/companies", "", _spoil_name),
)


class Clock:
    """Monotonic seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Figures:
    """What a campaign saw: of each seed what was drawn and met, and what was lost."""

    seeds: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def note(self, line: str, losses: list[str]) -> None:
        """Tell of one seed."""
        print(f"{line}: {'LOST' if losses else 'as undisturbed'}", flush=True)
        for text in losses:
            print(f"  {text}", flush=True)
        self.seeds.append(line)
        self.losses += losses


def misbehave(sandbox: Sandbox, chance: random.Random, most: float) -> str:
    """Plan faults at a rate and in a mix drawn by chance; what was drawn."""
    rate = chance.uniform(LEAST, most)
    kinds = chance.sample(KINDS, chance.randint(2, len(KINDS)))
    shares = [chance.random() for _ in kinds]
    for kind, share in zip(kinds, shares, strict=True):
        sandbox.faults.add(kind, times=None, probability=rate * share / sum(shares))
    return f"{rate:.0%} of {', '.join(sorted(kinds))}"


def sources(sandbox: Sandbox, page: int) -> list[Source]:
    """The sandbox's accounts, with pages of at most so many records."""
    env = sandbox.env(*HELPDESKS)
    login = {"email": env["ZENDESK_EMAIL"], "api_token": env["ZENDESK_API_TOKEN"]}
    zendesk = VENDORS["zendesk"].source("zendesk", env["ZENDESK_URL"], **login)
    key = env["FRESHDESK_API_KEY"]
    freshdesk = VENDORS["freshdesk"].source("freshdesk", env["FRESHDESK_URL"], api_key=key)
    typeform = VENDORS["typeform"].source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"])
    return [
        replace(source, streams=tuple(_with_pages(stream, page) for stream in source.streams))
        for source in (zendesk, freshdesk, typeform)
    ]


def _with_pages(stream: Any, page: int) -> Any:
    return replace(stream, paging=replace(stream.paging, size=min(stream.paging.size, page)))


def fetched(sandbox: Sandbox, root: Path, page: int) -> int:
    """Fetch until it ends well; how many runs it took."""
    clock = Clock()
    for tries in range(1, TRIES + 1):
        result = fetch(sources(sandbox, page), Landing(root), sleep=clock.sleep, clock=clock)
        if not result.failed_sources:
            return tries
    errors = {f"{each.source}/{each.stream}: {each.error}" for each in result.streams if each.error}
    raise SystemExit(f"no fetch of {TRIES} ended well: {errors}")


def differing(root: Path, truth: Path) -> Iterator[str]:
    """How a landing differs from an undisturbed one, or does not add up."""
    yield from landed_otherwise(newest(truth), newest(root))
    landing = Landing(root)
    for path in landing.batches():
        info = landing.info(path)
        if info.received + info.tombstones != info.landed + info.duplicates + info.unchanged:
            yield f"{path} does not add up"


def ingestion(seed: int, tickets: int, work: Path, figures: Figures) -> None:
    """A first fetch and the night after, under the seed's faults."""
    chance, runs = random.Random(seed), []
    losses: list[str] = []
    drawn: list[str] = []
    page, batch = chance.choice((20, 100, 1000)), chance.choice((100, 700, 100_000))
    with (
        Sandbox(tickets=tickets, seed=seed, now=SEEN, days=60) as sandbox,
        patch.object(records, "BATCH_ROWS", batch),
    ):
        for night in range(2):
            fetched(sandbox, work / "truth", page)
            drawn.append(misbehave(sandbox, chance, MOST))
            runs.append(fetched(sandbox, work / "landing", page))
            sandbox.faults.clear()
            losses += differing(work / "landing", work / "truth")
            sandbox.advance(days=1 if night == 0 else 0)
        met = sandbox.faults.met
    figures.note(
        f"seed {seed}: {met} faults, {', then '.join(drawn)}; runs {runs}",
        [f"seed {seed}: {x}" for x in losses],
    )


def refreshed(home: Path, sandbox: Sandbox, day: int, helpdesks: Sequence[str] = HELPDESKS) -> int:
    """Refresh until it ends well; how many runs it took."""
    home.parent.mkdir(exist_ok=True)
    for tries in range(1, TRIES + 1):
        with (home.parent / "said").open("w+") as said:
            if start(HERE, home, sandbox.env(*helpdesks), NOW + timedelta(days=day), said).wait() == 0:
                return tries
    raise SystemExit(f"no refresh of {TRIES} ended well: {(home.parent / 'said').read_text()}")


def database(home: Path) -> Path:
    """What a home published last."""
    return home / "published" / "current" / publish.DATABASE


def refreshes(seed: int, tickets: int, work: Path, figures: Figures) -> None:
    """The same by whole refreshes: the marts must be those of an undisturbed home."""
    chance, runs = random.Random(seed), []
    losses: list[str] = []
    drawn: list[str] = []
    truth, home = work / "undisturbed" / "home", work / "disturbed" / "home"
    with Sandbox(tickets=tickets, seed=seed, now=SEEN, days=60) as sandbox:
        for night in range(2):
            refreshed(truth, sandbox, night)
            drawn.append(misbehave(sandbox, chance, MOST_OF_A_REFRESH))
            runs.append(refreshed(home, sandbox, night))
            sandbox.faults.clear()
            losses += otherwise(database(truth), database(home))
            sandbox.advance(days=1 if night == 0 else 0)
        met = sandbox.faults.met
    line = f"refreshes, seed {seed}: {met} faults, {', then '.join(drawn)}; runs {runs}"
    figures.note(line, [f"refreshes, seed {seed}: {x}" for x in losses])


def hostile(seed: int, tickets: int, work: Path, figures: Figures, truth: Path | None = None) -> None:
    """Hostile texts change no number and reach no mart; impossible values cost their records and no other.

    Args:
        seed: of the company.
        tickets: its size.
        work: an empty folder.
        figures: where to note what is lost.
        truth: the marts of the company as it is, seen through its usual helpdesk; None to make them of all.
    """
    helpdesks = HELPDESKS if truth is None else HELPDESKS[:1]
    with Sandbox(tickets=tickets, seed=seed, now=SEEN, days=60) as sandbox:

        def marts(name: str) -> Path:
            refreshed(work / name / "home", sandbox, 0, helpdesks)
            sandbox.faults.clear()
            return database(work / name / "home")

        truth = truth or marts("undisturbed")
        for path, name, change in SPOILERS:
            sandbox.faults.mutate(path, name, change)
        sandbox.faults.rewrite("", lambda body: body.replace(HALF.encode(), rb"\ud83d"))
        spoiled = marts("hostile")
        landed = [
            each
            for stream in newest(work / "hostile" / "home" / "landing").values()
            for each in stream.values()
        ]
        texts = sum(CANARY.encode() in payload for payload, _ in landed)
        # Text that was cut off is listed there: rightly so.
        losses = [
            *otherwise(truth, spoiled, but={"rejected_values"}, but_columns=NAMES),
            *shown(spoiled),
        ]
        figures.note(f"hostile texts in {texts:,} of {len(landed):,} records, seed {seed}", losses)
        # Fewer than the share of a batch that would hold it.
        chosen = random.Random(seed).sample(sorted(known(truth)), k=max(1, tickets // 120))
        impossible = dict(zip(chosen, IMPOSSIBLE, strict=False))
        sandbox.faults.mutate(
            "/incremental/tickets", "tickets", lambda each: each.update(impossible.get(str(each["id"]), {}))
        )
        odd = marts("impossible")
    with duckdb.connect(str(odd), read_only=True) as con:
        query = "SELECT record_id FROM rejected_rows WHERE stream = 'zendesk__tickets'"
        rejected = {name for (name,) in con.execute(query).fetchall()}
    lost, strangers = known(truth) - known(odd) - rejected, rejected - impossible.keys()
    losses = [f"ticket {name} is neither counted nor rejected" for name in sorted(lost)]
    losses += [f"ticket {name} is rejected, though it is as it was" for name in sorted(strangers)]
    figures.note(f"{len(impossible)} tickets with impossible values, seed {seed}", losses)


def known(marts: Path) -> set[str]:
    """The tickets that marts count or exclude."""
    with duckdb.connect(str(marts), read_only=True) as con:
        query = "SELECT ticket_id FROM tickets UNION ALL SELECT ticket_id FROM excluded_tickets"
        return {name for (name,) in con.execute(query).fetchall()}


def shown(marts: Path) -> Iterator[str]:
    """The marts in which a hostile text stands, but for names."""
    with duckdb.connect(str(marts), read_only=True) as con:
        for (mart,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            query = (
                f"SELECT count(*) FROM (SELECT COLUMNS(c -> c NOT IN ?) FROM {mart}) AS t"
                " WHERE contains(CAST(t AS VARCHAR), ?)"
            )
            [(rows,)] = con.execute(query, [sorted(NAMES), CANARY]).fetchall()
            if rows:
                yield f"{mart}: {rows:,} rows hold a hostile text"


def main() -> int:
    """The campaign and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--refreshes", type=int, default=1, help="seeds that are whole refreshes as well")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--tickets", type=int, default=300)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    figures = Figures()
    for run, seeds in ((ingestion, options.seeds), (refreshes, options.refreshes), (hostile, 1)):
        for seed in range(options.seed, options.seed + seeds):
            with tempfile.TemporaryDirectory() as work:
                run(seed, options.tickets, Path(work), figures)
    print(f"\n{len(figures.seeds)} campaigns: {len(figures.losses)} losses")
    return 1 if figures.losses else 0


if __name__ == "__main__":
    sys.exit(main())
