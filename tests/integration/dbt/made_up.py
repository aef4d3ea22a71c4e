"""Scorecards over KPI tables that are made up: series of which the truth is known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from tests import parsed

from .warehouse import Warehouse

FIRST = date(2022, 1, 3)


def week(number: int) -> date:
    return FIRST + timedelta(days=7 * number)


def cells(
    member: str, columns: dict[str, Any], grain: str = "week", dimension: str = "group"
) -> pd.DataFrame:
    """Cells of one series, a period after the other; columns that are no list hold for all of them."""
    frame = pd.DataFrame(columns)
    starts = [week(i) if grain == "week" else FIRST + timedelta(days=i) for i in range(len(frame))]
    return frame.assign(
        period_grain=grain, period_start=starts, dimension=dimension, member=member, is_partial_period=False,
        definition_version=1, **({} if "is_small_n" in columns else {"is_small_n": False}),
    )  # fmt: skip


def answers(member: str, positive: Any, n: Any = 100, **more: Any) -> pd.DataFrame:
    """Cells of CSAT with their intervals, small below 30 answers."""
    k, n = np.array(positive), np.broadcast_to(n, len(positive))
    share, z2 = k / n, 1.959963984540054**2
    middle, half = share + z2 / n / 2, np.sqrt(z2 * share * (1 - share) / n + (z2 / n / 2) ** 2)
    return cells(
        member,
        {
            "n": n, "positive": k, "csat_pct": 100 * share, "is_small_n": n < 30,
            "ci_low_pct": 100 * (middle - half) / (1 + z2 / n), "ci_high_pct": 100 * (middle + half) / (1 + z2 / n),
            **more,
        },
    )  # fmt: skip


def make_up(warehouse: Warehouse, tables: dict[str, list[pd.DataFrame]]) -> None:
    """Puts them in place of the KPI tables that there are; the others are empty."""
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute("create schema if not exists core")
        connection.execute(
            "create or replace table core.int_member_labels (dimension varchar, member varchar, member_label varchar)"
        )
        for name, kpi in parsed.kpis().items():
            columns = ", ".join(f"{column} {told['data_type']}" for column, told in kpi["columns"].items())
            connection.execute(f"create or replace table marts.{name} ({columns})")
            if name in tables:
                connection.register("made_up", pd.concat(tables[name]))
                connection.execute(f"insert into marts.{name} by name from made_up")


def scorecard(folder: Path, tables: dict[str, list[pd.DataFrame]], as_of: date) -> Warehouse:
    """A warehouse with kpi_scorecard over them, at noon of a day."""
    warehouse = Warehouse(folder, is_empty=True)
    make_up(warehouse, tables)
    warehouse.build(
        f"{as_of}T12:00:00Z",
        select=["kpi_scorecard", "kpi_definitions", "kpi_targets", "benchmarks", "dimensions"],
    )
    return warehouse
