"""Whether a killed refresh loses anything. `python bench/crash.py --kills 200 --seed 1`.

Whole refreshes of a generated company with both helpdesks, each a process of its own, are killed (SIGKILL) at
random instants, as often in one phase as in another, several in a row in one home: of the first fetch and of
the night after. After each kill readers must see
nothing, or a whole version; after the last one a refresh to its end must give the landing and the marts of a
home that nobody killed. Compared are all marts row for row, both ways, but for `publication` and the columns
that tell of the run. Prints each kill and the figures; exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    """An instant of the company, the vendors as they were then, and what an undisturbed home published.

    Attributes:
        phases: those of the undisturbed refresh, and what comes after, with the seconds that each took.
    """

    name: str
    as_of: datetime
    env: dict[str, str]
    marts: Path
    landed: Newest
    phases: dict[str, float]


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


class Refresh:
    """A refresh in a process of its own, and what it says."""

    def __init__(self, home: Path, env: Mapping[str, str], as_of: datetime) -> None:
        reading, writing = os.pipe()
        self._said, self.text = os.fdopen(reading), ""
        with os.fdopen(writing, "w") as said:
            self.process = start(HERE, home, env, as_of, said)

    def __enter__(self) -> Refresh:
        return self

    def __exit__(self, *_: object) -> None:
        self._said.close()

    def over(self) -> Iterator[str]:
        """The phases as they end, until it says no more."""
        for line in self._said:
            self.text += line
            if line.startswith("✓"):
                yield line[2:30].strip()


def nights(work: Path, stack: ExitStack, tickets: int, seed: int) -> list[Night]:
    """The company on two days, each behind a server of its own, and a home that nobody kills."""
    found, home = [], work / "undisturbed" / "home"
    home.parent.mkdir()
    for day, name in enumerate(KILLS):
        sandbox = stack.enter_context(
            Sandbox(tickets=tickets, seed=seed, now=SEEN, at=SEEN + timedelta(days=day), days=60)
        )
        as_of, env = NOW + timedelta(days=day), sandbox.env(*HELPDESKS)
        phases: dict[str, float] = {}
        began = time.monotonic()
        with Refresh(home, env, as_of) as whole:
            for phase in itertools.chain(whole.over(), ["Ending"]):
                phases[phase], began = time.monotonic() - began, time.monotonic()
            if whole.process.wait():
                raise SystemExit(f"the refresh failed by itself: {whole.text}")
        print(f"undisturbed, {name}: {sum(phases.values()):.0f} s", flush=True)
        database = (home / "published" / "current" / publish.DATABASE).resolve()
        found.append(Night(name, as_of, env, database, newest(home / "landing"), phases))
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


def kill(home: Path, night: Night, phase: str, share: float) -> str:
    """Kill a refresh when that share of a phase may be over; the phase that it was in, "" if it had ended."""
    names = list(night.phases)
    with Refresh(home, night.env, night.as_of) as refreshing:
        over = refreshing.over()
        ended = sum(1 for _ in itertools.islice(over, names.index(phase)))
        try:
            refreshing.process.wait(share * night.phases[phase])
        except subprocess.TimeoutExpired:
            os.killpg(refreshing.process.pid, signal.SIGKILL)
        code = refreshing.process.wait()
        ended += sum(1 for _ in over)
    if code > 0:
        raise SystemExit(f"the refresh failed by itself: {refreshing.text}")
    return names[ended] if code else ""


def shuffled(names: Iterable[str], chance: random.Random) -> Iterator[str]:
    """The names in a drawn order, again and again."""
    deck = list(names)
    while True:
        chance.shuffle(deck)
        yield from deck


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
        phases = shuffled(company[0].phases, chance)
        while (left := kills - figures.killed) > 0:
            home = work / "killed" / "home"
            home.parent.mkdir()
            for night in company:
                # The last home, too, gets a kill of the second night.
                spared = 1 if night is company[0] else 0
                for _ in range(min(KILLS[night.name], left - spared)):
                    if phase := kill(home, night, next(phases), chance.random()):
                        figures.kills[night.name, phase] += 1
                        print(f"{night.name}: killed in {phase}", flush=True)
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
