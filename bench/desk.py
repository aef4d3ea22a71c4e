"""What fetching Freshdesk costs in requests. `python -m bench.desk --tickets 1000 10000`.

The sandbox company of that size, read as a second helpdesk: a first load, once more with nothing new, and a
week of nights. Beside the requests of each stands the least that the API allows: one a stream, one for 100
records that are new or of a complete list, and one for the conversations of each ticket that changed.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from ingestion.extract import FetchResult, fetch
from ingestion.landing import Landing
from ingestion.sources import VENDORS
from ingestion.streams import Source
from sandbox.server import Sandbox

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
PAGE = 100


def least(source: Source, result: FetchResult) -> int:
    """Requests without which what landed cannot be had."""
    lists = {stream.name for stream in source.streams if stream.is_list}
    needed = {each.stream: each.received if each.stream in lists else each.landed for each in result.streams}
    needed.pop("conversations")
    return sum(max(1, ceil(n / PAGE)) for n in needed.values()) + needed["tickets"]


def main() -> None:
    """Print a line a fetch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[1000])
    parser.add_argument("--nights", type=int, default=7)
    options = parser.parse_args()
    print("| tickets | fetch | tickets landed | requests | the least | of these conversations |")
    print("| --- | --- | --- | --- | --- | --- |")
    for tickets in options.tickets:
        with tempfile.TemporaryDirectory() as root, Sandbox(tickets=tickets, now=NOW) as sandbox:
            env = sandbox.env("freshdesk")
            make = VENDORS["freshdesk"].source
            source = make("freshdesk", env["FRESHDESK_URL"], api_key=env["FRESHDESK_API_KEY"])
            names = ["first load", "nothing new", *(f"night {n + 1}" for n in range(options.nights))]
            for name in names:
                if name.startswith("night"):
                    sandbox.advance(days=1)
                result = fetch([source], Landing(Path(root)))
                asked = sum(each.requests for each in result.streams)
                streams = {each.stream: each for each in result.streams}
                landed, of_each = streams["tickets"].landed, streams["conversations"].requests
                figures = (landed, asked, least(source, result), of_each)
                print(f"| {tickets:,} | {name} | {' | '.join(f'{n:,}' for n in figures)} |", flush=True)


if __name__ == "__main__":
    main()
