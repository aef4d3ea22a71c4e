"""The sandbox company that `bench.refresh` fetches from, of whichever checkout stands first on PYTHONPATH.

Prints its environment as a line of JSON; moves its clock on by the number of days on each line of stdin.
"""

from __future__ import annotations

import inspect
import json
import sys
from datetime import datetime

from sandbox.server import Sandbox


def main() -> None:
    """Serve a quiet company: `served.py TICKETS NOW`."""
    tickets, now = int(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
    # Earlier versions knew no other company.
    quiet = {"profile": "clean"} if "profile" in inspect.signature(Sandbox).parameters else {}
    with Sandbox(tickets=tickets, seed=7, now=now, **quiet) as sandbox:
        print(json.dumps(sandbox.env()), flush=True)
        for line in sys.stdin:
            sandbox.advance(days=int(line))
            print("moved", flush=True)


if __name__ == "__main__":
    main()
