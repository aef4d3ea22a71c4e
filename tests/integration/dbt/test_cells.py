"""Cells of the KPI tables as the macro groups facts: numbers by another route, and within the memory that it may take."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from tests import parsed

GRAINS = ["day", "week", "month", "quarter", "all"]
FIRST = date(2024, 2, 26)
#: Dimensions by their columns; the second has months and all time alone.
COLUMNS = {"team": "team_id", "agent": "agent_id"}
RARE = {"agent": ["month", "all"]}
SLICE = "16000000"


def macros(columns: dict[str, str]) -> Any:
    """The macros of `cells.sql` over facts with these dimensions, without dbt."""
    environment = Environment(
        loader=FileSystemLoader(parsed.ROOT / "dbt_project" / "macros"), extensions=["jinja2.ext.do"]
    )
    environment.globals |= {
        "return": lambda value: value,
        "kpi_name": lambda: "kpi_toy",
        "offered_dimensions": lambda kpi: columns,
        "period_grains": lambda: GRAINS,
        "grains_of": lambda name: RARE.get(name, GRAINS),
        "grain_name": lambda no: f"({GRAINS})[{no}]",
        "period_start": lambda grain, day: (
            "cast(null as date)" if grain == "all" else f"cast(date_trunc('{grain}', {day}) as date)"
        ),
    }
    return environment.get_template("kpi/cells.sql").module


def grouped(columns: dict[str, str], aggregates: dict[str, str], keys: list[str]) -> str:
    """SQL of the cells of a table `facts`."""
    sql = str(macros(columns).grouped_facts(aggregates, keys))
    assert SLICE in sql
    return sql


def median(column: str) -> str:
    """The aggregate that the KPI models use."""
    source = (parsed.ROOT / "dbt_project" / "macros" / "engine" / "aggregate.sql").read_text()
    environment = Environment(extensions=["jinja2.ext.do"])
    return str(environment.from_string(source).module.default__median_and_p90(column))  # type: ignore[attr-defined]


def period_of(grain: str, day: date) -> date | None:
    """The first day of a period."""
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "all": None,
    }[grain]


CELLS = grouped(COLUMNS, {"n": "count(*)", "quantiles": median("seconds")}, ["kind"])

Fact = tuple[int, str | None, str | None, str, float | None]
FACTS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["x", None]),
        st.sampled_from(["k", "l"]),
        # Few of them, for ties.
        st.none() | st.sampled_from([0.0, 1.5, -3.0]) | st.floats(-1e12, 1e12),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(facts=FACTS, slice_size=st.sampled_from([1, 40, 10**9]))
def test_medians_of_all_cells_are_those_of_numpy(facts: list[Fact], slice_size: int) -> None:
    """Whatever is grouped at a time, down to one grain and dimension."""
    wanted = defaultdict(list)
    for day, team, agent, kind, value in facts:
        for grain in GRAINS:
            start = period_of(grain, FIRST + timedelta(days=day))
            wanted[grain, start, "all", "all", kind].append(value)
            wanted[grain, start, "team", team or "(none)", kind].append(value)
            if grain in RARE["agent"]:
                wanted[grain, start, "agent", agent or "(none)", kind].append(value)
    with duckdb.connect() as con:
        con.execute("create table facts (day date, team_id text, agent_id text, kind text, seconds double)")
        if facts:
            con.executemany(
                "insert into facts values (?, ?, ?, ?, ?)",
                [[FIRST + timedelta(days=day), *rest] for day, *rest in facts],
            )
        rows = con.execute(CELLS.replace(SLICE, str(slice_size))).fetchall()
    found = {tuple(row[:5]): row[5:] for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == wanted.keys()
    for cell, values in wanted.items():
        n, quantiles = found[cell]
        known = [value for value in values if value is not None]
        assert n == len(values)
        if known:
            assert quantiles == pytest.approx(np.percentile(known, [50, 90]), rel=1e-9, abs=1e-9)
        else:
            assert quantiles is None


STATUS = Path("/proc/self/status")


def build_large() -> None:
    """Medians of 14 measures of 100,000 facts by nine dimensions, with 200 MB for DuckDB; prints the peak in MiB.

    All at once they are 70 million values, which took 900 MiB.
    """
    columns = {f"d{i}": f"d{i}" for i in range(9)}
    measures = [f"m{i}" for i in range(14)]
    with duckdb.connect(config={"memory_limit": "200MB", "threads": 1}) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(
            "create table facts as select date '2024-01-01' + cast(i % 300 as integer) as day, "
            + ", ".join(f"cast(i % {i + 2} as text) as {name}" for i, name in enumerate(columns))
            + ", "
            + ", ".join(
                f"cast(hash(i, {i}) % 1000000 as double) as {name}" for i, name in enumerate(measures)
            )
            + " from range(100000) as r(i)"
        )
        sql = grouped(columns, {f"q_{name}": median(name) for name in measures}, [])
        con.execute(f"create temp table cells as {sql}")
    # Not of resource: its peak counts that of the process that started this one.
    peak = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    print(int(peak[1]) // 1024 if peak else "unknown")  # noqa: T201


@pytest.mark.skipif(not STATUS.exists(), reason="the peak of memory is read as Linux tells it")
def test_medians_stay_near_the_memory_limit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import build_large; build_large()"],
        cwd=parsed.ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500
