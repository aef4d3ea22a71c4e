"""Memory and CPU at millions of tickets: `python -m bench.large --tickets 100000 --accounts 1 3 10`.

The sandbox company of that size lands once over real HTTP, helpdesk and forms, and is staged by the real
models; n accounts are the helpdesk's staged rows under n source names. Measured are all models after
staging, gate 3 and the publication, then the same a day later with no record changed (every model is
built, of tickets those that are unsolved), each in a process of its own, with CXMARTS_MEMORY_LIMIT for
DuckDB (2GB unless set): user + system CPU and peak memory by the operating system's accounting, of each
model too. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing as mp
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from bench.refresh import NOW
from bench.sla import MEMORY, Work, load, serve, stage
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import typeform, zendesk
from orchestration.publication import publish
from orchestration.warehouse import control_tables
from orchestration.warehouse.contracts import contracts, with_dimensions
from orchestration.warehouse.dbt import NodeResult, RunParameters, is_built
from quality.gates import judge_marts
from quality.store import Store

TASK = "--task"
SHOWN = 15


def peak_mib() -> int:
    """The most memory that this process held since it began, or since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def forget_peak() -> None:
    """Let the peak begin anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def marts_of(work: Work) -> list[str]:
    """The published tables."""
    return sorted(contracts(work.project.manifest))


def land(root: str, tickets: str) -> None:
    """The company's helpdesk and forms over HTTP, staged."""
    work = Work(Path(root))
    answers: Queue[Any] = mp.Queue()
    orders: Queue[Any] = mp.Queue()
    mp.Process(target=serve, args=(int(tickets), answers, orders), daemon=True).start()
    env = answers.get()
    sources = [
        zendesk.source(
            "zendesk", env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
        ),
        typeform.source("typeform", env["TYPEFORM_TOKEN"], url=env["TYPEFORM_URL"]),
    ]
    failed = [each.error for each in fetch(sources, Landing(work.landing(tickets))).streams if each.error]
    if failed:
        raise SystemExit(f"fetching failed: {failed[0]}")
    work.staged(tickets, 0).parent.mkdir(parents=True)
    stage(root, tickets, "0")
    orders.put(None)


def as_of(night: str) -> datetime:
    """The instant of a night, by its number from 0."""
    return NOW + timedelta(days=int(night))


def build(root: str, warehouse: str, night: str) -> None:
    """All models after staging; what each cost goes to stdout, dbt's start with the first."""
    work = Work(Path(root))
    os.environ["DBT_INDIRECT_SELECTION"] = "empty"  # models without their tests
    costs: dict[str, dict[str, float]] = {}
    spent = 0.0

    def measure(result: NodeResult) -> None:
        nonlocal spent
        before, spent = spent, time.process_time()
        costs[result.name] = {"cpu_s": round(spent - before, 2), "peak_mib": peak_mib()}
        forget_peak()

    staged = set(work.nodes()[0])
    nodes = [n["name"] for n in work.project.manifest["nodes"].values() if is_built(n)]
    # As a refresh does: one thread where little came.
    threads = (os.cpu_count() or 1) if night == "0" else 1
    parameters = RunParameters(
        Path(warehouse), work.root, as_of(night), f"night-{night}", "UTC", MEMORY, threads=threads
    )
    results = work.project.build(
        [name for name in nodes if name not in staged], parameters, closes_build=True, on_node=measure
    )
    print(json.dumps(costs))
    if failed := [result for result in results if result.is_failed]:
        raise SystemExit(f"{failed[0].name}: {failed[0].message}")


def judge(root: str, warehouse: str, night: str) -> None:
    """Gate 3 over all marts."""
    from orchestration.checks import _frames

    work = Work(Path(root))
    with (
        control_tables.connect(Path(warehouse)) as con,
        Store(Path(warehouse).with_name("control.sqlite")) as store,
    ):
        dimensions = [name for (name,) in con.execute("SELECT dimension FROM rules.dimensions").fetchall()]
        asked = {
            name: with_dimensions(each, dimensions) for name, each in contracts(work.project.manifest).items()
        }
        report = judge_marts(store, f"night-{night}", as_of(night), _frames(con, asked), asked)
    for verdict in report.verdicts:
        if verdict.blocks:
            print(f"{verdict.subject}: {verdict.message}", file=sys.stderr)


def publish_marts(root: str, warehouse: str, night: str) -> None:
    """A version."""
    work = Work(Path(root))
    with control_tables.connect(Path(warehouse)) as con:
        views = control_tables.published_sql(con)
    facts = {"as_of": as_of(night).isoformat(), "build_id": f"night-{night}"}
    folder = Path(warehouse).with_name("published")
    publish.publish(
        Path(warehouse), folder, marts_of(work), facts, keep=1, views=views, now=datetime.now(UTC)
    )


def run(task: str, *arguments: object) -> tuple[dict[str, float], str]:
    """A function of this module in a process of its own: CPU and wall seconds, peak MiB; its stdout."""
    started = time.monotonic()
    environment = {**os.environ, "CXMARTS_MEMORY_LIMIT": MEMORY}
    command = [sys.executable, "-m", "bench.large", TASK, task, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(f"{task} failed: {text}")
    return {
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "wall_s": round(time.monotonic() - started, 1),
        "peak_mib": usage.ru_maxrss // 1024,
    }, text


def load_accounts(root: str, tickets: str, warehouse: str, accounts: str) -> None:
    """The staged rows, the helpdesk's once for each account."""
    load(str(Work(Path(root)).staged(tickets, 0)), warehouse, accounts)


def prepare(root: str) -> None:
    """Parses the dbt project."""
    Work(Path(root)).project.prepare()


def main() -> None:
    """Lands and stages once, then builds, judges and publishes each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=100_000, help="of one account")
    parser.add_argument("--accounts", type=int, nargs="+", default=[1, 3, 10], help="how many accounts")
    parser.add_argument("--folder", type=Path, help="keeps what was landed and staged, for the next time")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Work((options.folder or Path(temporary)).resolve())
        run("prepare", work.root)
        if not work.staged(options.tickets, 0).exists():
            run("land", work.root, options.tickets)
        for accounts in options.accounts:
            folder = Path(tempfile.mkdtemp(dir=work.root))
            warehouse = folder / "warehouse.duckdb"
            run("load_accounts", work.root, options.tickets, warehouse, accounts)
            result: dict[str, Any] = {"tickets": options.tickets * accounts, "memory_limit": MEMORY}
            for night, task in itertools.product((0, 1), ("build", "judge", "publish_marts")):
                cost, told = run(task, work.root, warehouse, night)
                models = json.loads(told.splitlines()[-1]) if task == "build" else {}
                # Its own peak began anew with each model.
                cost["peak_mib"] = max(cost["peak_mib"], *(each["peak_mib"] for each in models.values()), 0)
                result[f"{task} {night}"] = cost
                print(f"{result['tickets']:,} tickets, night {night}, {task:13}", cost, flush=True)
                if models:
                    result[f"models {night}"] = models
                    for name in sorted(models, key=lambda each: -models[each]["peak_mib"])[:SHOWN]:
                        print(f"    {name:28} {models[name]}", flush=True)
            results.append(result)
            shutil.rmtree(folder)
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1:2] == [TASK]:
        globals()[sys.argv[2]](*sys.argv[3:])
    else:
        main()
