"""Cost of the ticket and SLA marts: `python -m bench.sla --tickets 100000 --accounts 1 10`.

The sandbox company of that size lands once over real HTTP and is staged by the real models, as it stands
and a day later; n accounts are the same staged rows under n source names. Measured are the models between
staging and `tickets`, `ticket_replies` and `sla_targets`: a full build and the night after it, each in a
process of its own, by the operating system's accounting (user + system CPU, peak memory); and `sla.sql`,
one script for the same answers, on the same tables under the same limits. Every answer is compared, row
for row and column for column. Once more with a company of 100 tickets, which costs what dbt costs, and once
with an open ticket of 20 years added. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import duckdb

from bench.refresh import NOW
from ingestion.extract import fetch
from ingestion.landing import Landing
from ingestion.sources import zendesk
from orchestration.ground.home import Home
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import Project, RunParameters, is_built
from sandbox.server import Sandbox

SCRIPT = Path(__file__).with_suffix(".sql")
MARTS = ("tickets", "ticket_replies", "sla_targets")
#: The as-of times of the full build and of the night after it.
TIMES = (NOW, NOW + timedelta(days=1))
SMALL = 100
TASK = "--task"
MEMORY = os.environ.get("CXMARTS_MEMORY_LIMIT", "2GB")

Cost = dict[str, float]


class Work:
    """A folder with the parsed dbt project and, per company, what was landed and staged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = Project(Home(root / "home"))

    def landing(self, tickets: int | str) -> Path:
        """What a company's helpdesk sent."""
        return self.root / str(tickets) / "landing"

    def staged(self, tickets: int | str, night: int) -> Path:
        """The warehouse in which a company is staged, at the first instant or after the night."""
        return self.root / str(tickets) / f"staged{night}" / "warehouse.duckdb"

    def nodes(self) -> tuple[list[str], list[str]]:
        """Names of what is built up to staging, and from there to the marts."""
        manifest = self.project.manifest["nodes"]
        nodes = {key: node for key, node in manifest.items() if is_built(node)}
        staged = {k for k, n in nodes.items() if n["config"]["schema"] in ("rules", "parse", "staging")}
        wanted = [f"model.cxmarts.{name}" for name in MARTS]
        found: set[str] = set()
        while wanted:
            key = wanted.pop()
            if key in manifest and key not in found | staged:
                found.add(key)
                wanted += manifest[key]["depends_on"]["nodes"]
        return sorted(nodes[k]["name"] for k in staged), sorted(nodes[k]["name"] for k in found if k in nodes)

    def touched_models(self) -> set[tuple[str, str]]:
        """Schema and name of all models that are built by touched tickets."""
        nodes = self.project.manifest["nodes"].values()
        return {
            (node["config"]["schema"], node["name"])
            for node in nodes
            if node["config"].get("incremental_strategy") == "replace_touched"
        }


def serve(tickets: int, answers: Queue[Any], orders: Queue[Any]) -> None:
    """The sandbox; each order moves its clock by so many days, None ends it."""
    with Sandbox(tickets=tickets, seed=7, now=NOW, profile="clean") as sandbox:
        answers.put(sandbox.env())
        while (days := orders.get()) is not None:
            sandbox.advance(days=days)
            answers.put(len(sandbox.requests))


def prepare(root: str) -> None:
    """Parses the dbt project."""
    Work(Path(root)).project.prepare()


def land(root: str, tickets: str) -> None:
    """The company's helpdesk over HTTP, then what a day brought; stages both."""
    work = Work(Path(root))
    answers: Queue[Any] = mp.Queue()
    orders: Queue[Any] = mp.Queue()
    mp.Process(target=serve, args=(int(tickets), answers, orders), daemon=True).start()
    env, landing = answers.get(), Landing(work.landing(tickets))
    source = zendesk.source(
        "zendesk", env["ZENDESK_URL"], email=env["ZENDESK_EMAIL"], api_token=env["ZENDESK_API_TOKEN"]
    )
    for night in range(len(TIMES)):
        warehouse = work.staged(tickets, night)
        warehouse.parent.mkdir(parents=True)
        if night:
            orders.put(1)
            answers.get()
            shutil.copyfile(work.staged(tickets, night - 1), warehouse)
        failed = [each.error for each in fetch([source], landing).streams if each.error]
        if failed:
            raise SystemExit(f"fetching failed: {failed[0]}")
        run(stage, work.root, tickets, night)
    orders.put(None)


def stage(root: str, tickets: str, night: str) -> None:
    """Stages what has landed, with the project's own models."""
    work = Work(Path(root))
    warehouse, landing = work.staged(tickets, int(night)), Landing(work.landing(tickets))
    batches = [landing.info(path) for path in landing.batches()]
    with control_tables.connect(warehouse) as con:
        about = [(b.source, b.vendor, b.stream, b.batch_id, str(b.path), b.landed) for b in batches]
        control_tables.register_batches(con, [control_tables.BatchRow(*each, "passed") for each in about])
    _build(work, warehouse, work.nodes()[0], int(night), closes_build=False)


def build(root: str, warehouse: str, night: str) -> None:
    """The marts and the models between staging and them."""
    work = Work(Path(root))
    _build(work, Path(warehouse), work.nodes()[1], int(night), closes_build=True)


def add_others(root: str, warehouse: str) -> None:
    """Stand-ins for other models by touched tickets: while one is missing, all tickets count as touched."""
    with control_tables.connect(Path(warehouse)) as con:
        for schema, name in Work(Path(root)).touched_models():
            con.execute(f"create table if not exists {schema}.{name} as select 1 as nothing limit 0")


def _build(work: Work, warehouse: Path, nodes: list[str], night: int, *, closes_build: bool) -> None:
    os.environ["DBT_INDIRECT_SELECTION"] = "empty"  # models without their tests
    parameters = RunParameters(warehouse, work.root, TIMES[night], f"night-{night}", "UTC", MEMORY)
    failed = [r for r in work.project.build(nodes, parameters, closes_build=closes_build) if r.is_failed]
    if failed:
        raise SystemExit(f"{failed[0].name}: {failed[0].message}")


def script(root: str, warehouse: str, night: str) -> None:
    """`sla.sql` under the settings of dbt_project/profiles.yml."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": f"{warehouse}.tmp",
        "preserve_insertion_order": "false",
        "checkpoint_threshold": "1GB",
    }
    with duckdb.connect(warehouse, config=settings) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"set variable as_of = timestamp '{TIMES[int(night)]:%Y-%m-%d %H:%M:%S}'")
        con.execute(SCRIPT.read_text())


def run(task: Callable[..., None], *arguments: object) -> Cost:
    """A function of this module in a process of its own: CPU seconds and peak MiB.

    A process begins with the peak of the one that started it, so this one does nothing large itself.
    """
    process = subprocess.Popen([sys.executable, "-m", "bench.sla", TASK, task.__name__, *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{task.__name__} failed")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mib": usage.ru_maxrss // 1024}


def load(staged: str, warehouse: str, accounts: str) -> None:
    """Staged tables, the helpdesk's for each account, rules and what was applied, into a warehouse."""
    with control_tables.connect(Path(warehouse)) as con:
        con.execute(f"attach '{staged}' as staged (read_only)")
        tables = con.execute(
            "select table_schema, table_name,"
            " bool_or(column_name = 'source' and table_name like 'stg_zendesk%')"
            " from information_schema.columns where table_catalog = 'staged'"
            " and (table_schema in ('rules', 'staging') or table_name in ('applied_batches', 'batches'))"
            " group by all"
        ).fetchall()
        for schema, name, is_by_source in tables:
            con.execute(f"create schema if not exists {schema}")
            con.execute(f"create or replace table {schema}.{name} as from staged.{schema}.{name} limit 0")
            for account in range(int(accounts) if is_by_source else 1):
                other = f"replace ('zendesk_{account}' as source)" if account else ""
                con.execute(f"insert into {schema}.{name} select * {other} from staged.{schema}.{name}")


def add_old_ticket(first: str, later: str, warehouse: str) -> None:
    """Adds a ticket that stays open through the night once more, as if filed 20 years earlier."""
    earlier = "interval 20 years"
    with control_tables.connect(Path(warehouse)) as con:
        con.execute(f"attach '{first}' as first (read_only)")
        con.execute(f"attach '{later}' as later (read_only)")
        [(ticket,)] = con.execute(
            "select max(f.record_id) from first.staging.stg_zendesk__tickets as f"
            " inner join later.staging.stg_zendesk__tickets as l on f.record_id = l.record_id"
            " where f.status = 'open' and l.status = 'open'"
        ).fetchall()
        own_id = f"'9{int(ticket):012}'"
        event = {
            "record_id": "'9' || record_id",
            "ticket_id": own_id,
            "event_at": f"event_at - {earlier}",
        }
        for name, key, changes in (
            ("tickets", "record_id", {"record_id": own_id, "created_at": f"created_at - {earlier}"}),
            ("ticket_events", "ticket_id", event),
            ("ticket_metric_events", "ticket_id", event),
        ):
            replace = ", ".join(f"{expression} as {column}" for column, expression in changes.items())
            table = f"staging.stg_zendesk__{name}"
            con.execute(
                f"insert into {table} select * replace ({replace}) from {table} where {key} = ?", [ticket]
            )


def compare(warehouse: str) -> None:
    """All rows must be those of the script in all of its columns, seconds to the microsecond.

    Raises:
        SystemExit: they differ.
    """
    with control_tables.connect(Path(warehouse)) as con:
        for mart in MARTS:
            columns = con.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_schema = 'by_hand' and table_name = ?",
                [mart],
            ).fetchall()
            values = ", ".join(f"round({name}, 6)" if kind == "DOUBLE" else name for name, kind in columns)
            ours, theirs = (f"select {values} from {schema}.{mart}" for schema in ("marts", "by_hand"))
            for one, other in ((ours, theirs), (theirs, ours)):
                different = con.execute(f"{one} except all {other} limit 3").fetchall()
                if different:
                    raise SystemExit(f"{mart}: the script and the models differ, e.g. {different}")


def count(warehouse: Path) -> dict[str, int]:
    """Rows of each mart, and the tickets that the last build looked at."""
    tables = {"touched tickets": "vendors.touched_tickets"} | {mart: f"marts.{mart}" for mart in MARTS}
    with control_tables.connect(warehouse, read_only=True) as con:
        return {
            name: int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
            for name, table in tables.items()
        }


def measure(work: Work, tickets: int, accounts: int, *, has_old_ticket: bool) -> dict[str, Any]:
    """Full build and night of one company, and the script at both instants; of many accounts at the first."""
    folder = Path(tempfile.mkdtemp(dir=work.root))
    warehouse = folder / "warehouse.duckdb"
    results: dict[str, Any] = {"tickets": tickets * accounts, "has_old_ticket": has_old_ticket}
    for night, name in enumerate(("full", "night")):
        run(load, work.staged(tickets, night), warehouse, accounts)
        if has_old_ticket:
            run(add_old_ticket, *(work.staged(tickets, each) for each in range(len(TIMES))), warehouse)
        results[name] = run(build, work.root, warehouse, night)
        if not night or accounts == 1:
            results[f"{name}, script"] = run(script, work.root, warehouse, night)
            run(compare, warehouse)
        results[name] |= count(warehouse)
        if not night:
            run(add_others, work.root, warehouse)
    shutil.rmtree(folder)
    return results


def main() -> None:
    """Lands and stages the companies, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=100_000, help="of one account")
    parser.add_argument(
        "--accounts", type=int, nargs="+", default=[1, 10], help="how often the account is there"
    )
    parser.add_argument("--folder", type=Path, help="keeps what was landed and staged, for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Work((options.folder or Path(temporary)).resolve())
        run(prepare, work.root)
        for tickets in (SMALL, options.tickets):
            if not work.staged(tickets, len(TIMES) - 1).exists():
                run(land, work.root, tickets)
        cases = [(SMALL, 1, False), (SMALL, 1, True), (options.tickets, 1, True)]
        cases += [(options.tickets, accounts, False) for accounts in options.accounts]
        results = []
        for tickets, accounts, has_old_ticket in cases:
            result = measure(work, tickets, accounts, has_old_ticket=has_old_ticket)
            results.append(result)
            print(f"{result['tickets']:,} tickets{', and one 20 years old' * has_old_ticket}")
            for name in ("full", "full, script", "night", "night, script"):
                if name in result:
                    print(f"    {name:14}", result[name], flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1:2] == [TASK]:
        globals()[sys.argv[2]](*sys.argv[3:])
    else:
        main()
