"""Whether a killed refresh loses anything. `python bench/crash.py --kills 200 --seed 1`.

Whole refreshes of a generated company, each a process of its own, are killed (SIGKILL) at random instants,
several in a row in one home: of the first fetch and of the night after. After each kill readers must see
nothing, or a whole version; after the last one a refresh to its end must give the landing and the marts of a
home that nobody killed. Compared are all marts row for row, both ways, but for `publication` and the columns
that tell of the run. Prints each kill and the figures; exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.same_numbers import HERE, differences, refresh, start
from ingestion.landing import Landing, LandingError
from ingestion.records import Known
from orchestration.publication import publish
from orchestration.publication.marts_file import PublishError
from sandbox.server import HELPDESKS, Sandbox

#: The nights, and how many kills one home gets in each.
KILLS = {"first fetch": 5, "a day later": 4}
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
#: Vendors give out what happened only after a while.
SEEN = NOW + timedelta(hours=2)


#: By stream and id a record's payload, and whether it is gone.
Newest = dict[str, dict[Any, tuple[bytes, bool]]]


@dataclass(frozen=True)
class Night:
    """An instant of the company, the vendors as they were then, and what an undisturbed home published."""

    name: str
    as_of: datetime
    env: dict[str, str]
    marts: Path
    landed: Newest
    seconds: float


@dataclass
class Figures:
    """What a campaign saw."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    comparisons: int = 0
    marts: int = 0
    losses: list[str] = field(default_factory=list)

    @property
    def killed(self) -> int:
        """Kills so far."""
        return sum(self.kills.values())

    def lose(self, texts: Iterable[str], where: str) -> None:
        """Note what is not as it should be."""
        for text in texts:
            print(f"  LOST: {where}: {text}", flush=True)
            self.losses.append(f"{where}: {text}")


def nights(work: Path, stack: ExitStack, tickets: int, seed: int) -> list[Night]:
    """The company on two days, each behind a server of its own, and a home that nobody kills."""
    found, home = [], work / "undisturbed" / "home"
    home.parent.mkdir()
    for day, name in enumerate(KILLS):
        sandbox = stack.enter_context(
            Sandbox(tickets=tickets, seed=seed, now=SEEN, at=SEEN + timedelta(days=day), days=60)
        )
        as_of, started = NOW + timedelta(days=day), time.monotonic()
        env = sandbox.env(*HELPDESKS)
        database = refresh(HERE, home, env, as_of).resolve()
        seconds = time.monotonic() - started
        print(f"undisturbed, {name}: {seconds:.0f} s", flush=True)
        found.append(Night(name, as_of, env, database, newest(home / "landing"), seconds))
    return found


def newest(root: Path) -> Newest:
    """By stream and id the newest version of each record that landed, and whether it is gone."""
    landing = Landing(root)
    return {
        f"{source}/{stream}": {
            name: (landed.payload, landed.deleted)
            for name, landed in Known.read(landing, source, stream).records.items()
        }
        for source, stream in landing.streams()
    }


def kill(home: Path, night: Night, after: float) -> str:
    """Kill a refresh so many seconds after its start; the phase that it was in, "" if it had ended."""
    with (home.parent / "said").open("w+") as said:
        process = start(HERE, home, night.env, night.as_of, said)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        over = [line[2:30].strip() for line in said if line.startswith("✓")]
        if process.returncode > 0:
            raise SystemExit(f"the refresh failed by itself: {(home.parent / 'said').read_text()}")
    if process.returncode == 0:
        return ""
    return f"after: {over[-1]}" if over else "while starting"


def unsound(home: Path, company: Sequence[Night]) -> Iterator[str]:
    """What is wrong with a home after a kill: readers must see nothing or a whole version."""
    landing = Landing(home / "landing")
    for path in landing.batches():
        try:
            landing.info(path)
        except LandingError as error:
            yield str(error)
    try:
        current = publish.current(home / "published")
    except PublishError as error:
        yield str(error)
        return
    if current is not None:
        [night] = [each for each in company if each.as_of == current.as_of]
        yield from otherwise(night.marts, current.path / publish.DATABASE)


def landed_otherwise(truth: Newest, ours: Newest) -> Iterator[str]:
    """How records differ from those of an undisturbed landing."""
    for stream in sorted(truth.keys() | ours.keys()):
        theirs, landed = truth.get(stream, {}), ours.get(stream, {})
        if other := [name for name in theirs.keys() | landed.keys() if theirs.get(name) != landed.get(name)]:
            yield f"{stream}: {len(other):,} records differ, such as {other[0]!r}"


def otherwise(
    truth: Path, ours: Path, but: Collection[str] = (), but_columns: Collection[str] = ()
) -> list[str]:
    """How marts differ, `but` for some and for some columns, from those of a home that nobody disturbed."""
    found = differences(truth, ours, but={"publication", *but}, but_columns=but_columns)
    return [text for is_fault, text in found if is_fault]


def wrong(home: Path, night: Night) -> list[str]:
    """How a home differs from an undisturbed one after a refresh to its end."""
    return [
        *otherwise(night.marts, home / "published" / "current" / publish.DATABASE),
        *landed_otherwise(night.landed, newest(home / "landing")),
        *(f"{path} is left" for path in (home / "published" / "versions").glob(".*")),
    ]


def campaign(kills: int, seed: int, tickets: int, work: Path) -> Figures:
    """Kill refreshes until there were so many kills."""
    figures, chance = Figures(), random.Random(seed)
    with ExitStack() as stack:
        company = nights(work, stack, tickets, seed)
        figures.marts = len(
            publish.publications(work / "undisturbed" / "home" / "published")[0].manifest["marts"]
        )
        while (left := kills - figures.killed) > 0:
            home = work / "killed" / "home"
            home.parent.mkdir()
            for night in company:
                # The last home, too, gets a kill of the second night.
                spared = 1 if night is company[0] else 0
                for _ in range(min(KILLS[night.name], left - spared)):
                    after = chance.uniform(0, night.seconds)
                    if phase := kill(home, night, after):
                        figures.kills[night.name, phase] += 1
                        print(f"{night.name}: killed after {after:.1f} s, {phase}", flush=True)
                        figures.lose(unsound(home, company), night.name)
                left = kills - figures.killed
                refresh(HERE, home, night.env, night.as_of)
                figures.lose(wrong(home, night), night.name)
                figures.comparisons += 1
                figures.marts = len(list((night.marts.parent / "marts").iterdir()))
            shutil.rmtree(home.parent)
    return figures


def main() -> int:
    """The campaign and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tickets", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        figures = campaign(options.kills, options.seed, options.tickets, Path(work))
    print("\n| night | phase | kills |\n| --- | --- | --- |")
    for (night, phase), number in figures.kills.items():
        print(f"| {night} | {phase} | {number} |")
    print(
        f"\n{figures.killed} kills, {figures.comparisons} comparisons of landing and {figures.marts} marts "
        f"with an undisturbed home: {len(figures.losses)} losses"
    )
    return 1 if figures.losses else 0


if __name__ == "__main__":
    sys.exit(main())
