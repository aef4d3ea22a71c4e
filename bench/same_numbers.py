"""Whether two checkouts publish the same numbers. `python -m bench.same_numbers BASE --tickets 120 1000`.

BASE is the checkout to compare this one with (`git worktree add ../base REVISION`). Both refresh against one
generated company, night after night, and against folders of mappings (`--files`). Compared are all marts, row
for row, over the columns and dimensions that BASE has; what only this checkout has is listed. Exit code 1
where anything else differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import duckdb

from sandbox.server import Sandbox

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
HERE = Path(__file__).resolve().parents[1]
#: Columns that tell of the run, not of the company; vendors give out what happened only after two hours.
OF_THE_RUN = {"version", "before_version", "last_fetched_at"}
SETTLED = timedelta(hours=2)


def start(
    checkout: Path, home: Path, environ: Mapping[str, str], as_of: datetime, said: IO[str]
) -> subprocess.Popen[str]:
    """Start a refresh by a checkout's code, with these settings only; what it says goes into a file."""
    # The installed script starts one checkout's code; where another keeps its own command, that one says.
    scripts = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["cxmarts"].partition(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    return subprocess.Popen(
        [sys.executable, "-c", program, "refresh", "--as-of", as_of.isoformat()],
        cwd=home.parent,
        env={
            "PATH": os.defpath,
            "HOME": str(home.parent),
            "PYTHONPATH": str(checkout),
            "CXMARTS_HOME": str(home),
        }
        | dict(environ),
        stdout=said,
        stderr=said,
        text=True,
        start_new_session=True,
    )


def refresh(checkout: Path, home: Path, environ: Mapping[str, str], as_of: datetime) -> Path:
    """One refresh by a checkout's code; where its publication is."""
    with tempfile.TemporaryFile("w+") as said:
        if start(checkout, home, environ, as_of, said).wait():
            said.seek(0)
            raise SystemExit(f"{checkout}: {said.read()}")
    return home / "published" / "current" / "marts.duckdb"


def differences(
    base: Path, ours: Path, *, but: Collection[str] = (), but_columns: Collection[str] = ()
) -> Iterator[tuple[bool, str]]:
    """How a publication differs from another, `but` for some: whether it is a fault, and what it is."""
    with duckdb.connect() as con:
        for name, file in (("base", base), ("ours", ours)):
            con.execute(f"ATTACH '{file.resolve()}' AS {name} (READ_ONLY)")
        marts = {name: _tables(con, name) for name in ("base", "ours")}
        for mart in sorted(marts["ours"].keys() - marts["base"].keys()):
            yield False, f"{mart}: a new mart"
        for mart, columns in sorted(marts["base"].items()):
            if mart in but:
                continue
            if mart not in marts["ours"]:
                yield True, f"{mart}: is gone"
                continue
            if lost := columns - marts["ours"][mart]:
                yield True, f"{mart}: has lost {', '.join(sorted(lost))}"
                continue
            if new := marts["ours"][mart] - columns:
                yield False, f"{mart}: new columns {', '.join(sorted(new))}"
            known, where = sorted(columns - OF_THE_RUN - set(but_columns)), ""
            if {"dimension", "member"} <= columns:
                dimensions = f"(SELECT DISTINCT dimension FROM base.{mart})"
                found = con.execute(
                    f"SELECT dimension, count(*) FROM ours.{mart} WHERE dimension NOT IN {dimensions}"
                    " GROUP BY dimension ORDER BY dimension"
                ).fetchall()
                for dimension, rows in found:
                    yield False, f"{mart}: {rows:,} rows of the new dimension {dimension}"
                where = f" WHERE dimension IN {dimensions} OR dimension IS NULL"
            selected = {
                name: f"SELECT {', '.join(known)} FROM {name}.{mart}{where if name == 'ours' else ''}"
                for name in ("base", "ours")
            }
            for name, other in (("base", "ours"), ("ours", "base")):
                only = con.execute(f"{selected[name]} EXCEPT ALL {selected[other]}").fetchall()
                if only:
                    example = dict(zip(known, only[0], strict=True))
                    yield True, f"{mart}: {len(only):,} rows only in {name}, such as {example}"


def _tables(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, set[str]]:
    tables: dict[str, set[str]] = {}
    for table, column in con.execute(
        "SELECT c.table_name, c.column_name FROM duckdb_columns() AS c INNER JOIN duckdb_tables() AS t"
        " ON t.database_name = c.database_name AND t.table_name = c.table_name WHERE c.database_name = ?",
        [catalog],
    ).fetchall():
        tables.setdefault(table, set()).add(column)
    return tables


def compare(base: Path, folder: Path, environ: Mapping[str, str], as_of: datetime, what: str) -> bool:
    """A refresh by each checkout, in a home of its own, and what differs between them."""
    published = []
    for name, checkout in (("base", base), ("ours", HERE)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        published.append(refresh(checkout, folder / name / "home", environ, as_of))
    found = list(differences(*published))
    faults = [text for is_fault, text in found if is_fault]
    print(f"{what}: {'DIFFERENT' if faults else 'same'}", flush=True)
    for is_fault, text in found:
        print(f"  {'differs: ' if is_fault else ''}{text}", flush=True)
    return not faults


def main() -> int:
    """Companies of all sizes over some nights, then the folders of mappings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--tickets", type=int, nargs="*", default=[120, 1000, 3000])
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--files", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    base, same = options.base.resolve(), True
    with tempfile.TemporaryDirectory() as work:
        for tickets in options.tickets:
            with Sandbox(tickets=tickets, seed=7, now=NOW + SETTLED, profile="clean") as sandbox:
                for night in range(options.nights):
                    folder, as_of = Path(work) / str(tickets), NOW + timedelta(days=night)
                    what = f"{tickets:,} tickets, night {night + 1}"
                    same &= compare(base, folder, sandbox.env(), as_of, what)
                    sandbox.advance(days=1)
        for number, files in enumerate(options.files):
            environ = {"CXMARTS_FILES": str(files.resolve())}
            same &= compare(base, Path(work) / f"files{number}", environ, NOW, str(files))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
