"""Cost of a refresh: first run, a day with a delta, nothing new, a quiet night. `python -m bench.refresh`.

Each refresh is the real command in a process of its own, measured by the operating system's accounting
(user and system CPU, children included; peak memory of the largest process); the sandbox is not counted.
How fast the cores are changes by the hour: each row has beside it what a fixed loop and the import of
the same libraries cost just before, and `--against FOLDER` runs another checkout in turns with this one,
over its own sandbox.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
#: What is refreshed: the days that the company's clock moves before, and the instant.
STEPS = {
    "first run": (0, NOW),
    "a day later": (1, NOW + timedelta(days=1)),
    "nothing new": (0, NOW + timedelta(days=1, minutes=1)),
    "a quiet night": (0, NOW + timedelta(days=2)),
}
LOOP = "sum(n * n for n in range(5_000_000))"
IMPORTS = "import dagster, dbt.cli.main, duckdb, great_expectations, pandas; import os; os._exit(0)"


@dataclass
class Checkout:
    """A version of the project with its company and its home.

    Attributes:
        folder: the working tree; its command is run with this Python.
        home: where it refreshes.
    """

    folder: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    company: Any = None

    @contextmanager
    def served(self, tickets: int) -> Iterator[None]:
        """Serve the company of this checkout's sandbox meanwhile."""
        command = [sys.executable, str(Path(__file__).with_name("served.py")), str(tickets), NOW.isoformat()]
        self.company = subprocess.Popen(
            command, env=self._environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.env = json.loads(self.company.stdout.readline())
        try:
            yield
        finally:
            self.company.kill()
            self.company.wait()

    def move(self, days: int) -> None:
        """The company goes on by so many days."""
        self.company.stdin.write(f"{days}\n")
        self.company.stdin.flush()
        self.company.stdout.readline()

    def refresh(self, as_of: datetime) -> dict[str, Any]:
        """One `cxmarts refresh`: its JSON line, CPU seconds, wall seconds, peak MiB."""
        scripts = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]["scripts"]
        module, _, function = scripts["cxmarts"].partition(":")
        code = f"import sys; from {module} import {function}; sys.exit({function}())"
        arguments = ["refresh", "--json", "--as-of", as_of.isoformat()]
        environment = self._environment() | self.env | {"CXMARTS_HOME": str(self.home)}
        return _measured([sys.executable, "-c", code, *arguments], environment, self.home.parent)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder)}


def _measured(command: list[str], environment: dict[str, str], work: Path) -> dict[str, Any]:
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, env=environment, cwd=work, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        out.seek(0)
        text = out.read().decode()
    if status:
        raise SystemExit(f"{command[-1]} failed:\n{text}")
    lines = text.strip().splitlines()
    return {
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_s": round(wall, 1),
        "peak_mib": usage.ru_maxrss // 1024,
        **(json.loads(lines[-1]) if lines else {}),
    }


def calibrated() -> dict[str, float]:
    """CPU seconds now: of a fixed loop in Python, and of a process that imports the libraries and leaves."""
    with tempfile.TemporaryDirectory() as folder:
        costs = {
            name: _measured([sys.executable, "-c", code], dict(os.environ), Path(folder))["cpu_s"]
            for name, code in (("loop", LOOP), ("imports", IMPORTS))
        }
    return costs


def run(tickets: int, folders: dict[str, Path], *, is_reversed: bool) -> dict[str, dict[str, Any]]:
    """All steps once, each version's in turns with the other's: step -> version -> what it cost."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        checkouts = {name: Checkout(folder, Path(work, name, "home")) for name, folder in folders.items()}
        for checkout in checkouts.values():
            checkout.home.parent.mkdir()
            stack.enter_context(checkout.served(tickets))
        for step, (days, as_of) in STEPS.items():
            found[step] = {"calibration": calibrated()}
            for name in sorted(checkouts, reverse=is_reversed):
                if days:
                    checkouts[name].move(days)
                found[step][name] = checkouts[name].refresh(as_of)
                _tell(step, name, found[step])
    return found


def _tell(step: str, name: str, found: dict[str, Any]) -> None:
    result, loop, imports = found[name], *found["calibration"].values()
    figures = ", ".join(f"{key} {result.get(key)}" for key in ("cpu_s", "wall_s", "peak_mib", "requests"))
    print(f"{step:14} {name:8} {figures}; loop {loop}, imports {imports}", flush=True)
    for phase, cost in result.get("phases", {}).items():
        print(f"    {phase:16} {cost['cpu_seconds']}")


def main() -> None:
    """Run the rounds; print each refresh, the medians and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--against", type=Path, help="a checkout of another version, run in turns with this one"
    )
    asked = parser.parse_args()
    folders = {"ours": HERE} | ({"other": asked.against.resolve()} if asked.against else {})
    rounds = [run(asked.tickets, folders, is_reversed=bool(n % 2)) for n in range(asked.rounds)]
    for step in STEPS:
        costs = [
            (each[step]["ours"]["cpu_s"], each[step]["calibration"]["imports"], each[step].get("other"))
            for each in rounds
        ]
        line = f"{step:14} {statistics.median(ours for ours, _, _ in costs):.1f} CPU s"
        line += f", {statistics.median(ours / imports for ours, imports, _ in costs):.2f} of the imports"
        if asked.against:
            line += (
                f", {statistics.median(ours / other['cpu_s'] for ours, _, other in costs):.2f} of the other"
            )
        print(line)
    print(json.dumps({"tickets": asked.tickets, "rounds": rounds}))


if __name__ == "__main__":
    main()
