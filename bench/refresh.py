"""Cost of a refresh: first run, a night with a delta, nothing new. `python -m bench.refresh --tickets 10000`.

Each refresh is the real command in a process of its own, measured by the operating system's accounting
(user + system CPU, children included; peak memory of the largest process). The sandbox runs in another
process and is not counted. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


def serve(tickets: int, answers: Queue[Any], orders: Queue[Any]) -> None:
    """The sandbox; each order moves its clock by so many days, None ends it."""
    with Sandbox(tickets=tickets, seed=7, now=NOW, profile="clean") as sandbox:
        answers.put(sandbox.env())
        while (days := orders.get()) is not None:
            sandbox.advance(days=days)
            answers.put(len(sandbox.requests))


def refresh(home: Path, env: dict[str, str], as_of: datetime, work: Path) -> dict[str, Any]:
    """One `cxmarts refresh`: its JSON line, CPU seconds, wall seconds, peak MiB."""
    command = [
        str(Path(sys.executable).with_name("cxmarts")),
        "refresh",
        "--json",
        "--as-of",
        as_of.isoformat(),
    ]
    environment = {**os.environ, **env, "CXMARTS_HOME": str(home)}
    started = time.monotonic()
    with (work / "out").open("w+b") as out:
        process = subprocess.Popen(command, env=environment, cwd=work, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        out.seek(0)
        text = out.read().decode()
    if status:
        raise SystemExit(f"refresh failed:\n{text}")
    return {
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "wall_s": round(wall, 1),
        "peak_mib": usage.ru_maxrss // 1024,
        **json.loads(text.strip().splitlines()[-1]),
    }


def main() -> None:
    """Runs the three nights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=10_000)
    tickets = parser.parse_args().tickets
    answers: Queue[Any] = mp.Queue()
    orders: Queue[Any] = mp.Queue()
    server = mp.Process(target=serve, args=(tickets, answers, orders), daemon=True)
    server.start()
    env, results = answers.get(), {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, days in (("first run", 0), ("a day later", 1), ("nothing new", 0)):
            if days:
                orders.put(days)
                answers.get()
            as_of = NOW + timedelta(
                days=1 if name != "first run" else 0, minutes=1 if name == "nothing new" else 0
            )
            results[name] = refresh(work / "home", env, as_of, work)
            print(
                f"{name:12}",
                {k: v for k, v in results[name].items() if k in ("cpu_s", "wall_s", "peak_mib", "requests")},
            )
            for phase, cost in results[name].get("phases", {}).items():
                print(f"    {phase:28} {cost}")
    orders.put(None)
    print(json.dumps({"tickets": tickets, "results": results}))


if __name__ == "__main__":
    main()
