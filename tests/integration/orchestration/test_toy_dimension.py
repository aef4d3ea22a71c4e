"""A dimension is two rows of rule files: every KPI, its members, the journal and gate 3 know it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ground.settings import Settings
from orchestration.publication import publish
from orchestration.refresh import refresh
from tests import parsed

SEEDS = parsed.ROOT / "dbt_project" / "seeds"
#: A name of the company's own for what a ticket's field says: its numbers must be those of service_area.
DIMENSION = "line,,month quarter all,,\n"
FIELD = "*,Service area,line\n"
#: Tables whose cells are people's, a rule file's or none of periods and dimensions.
WITHOUT = {"kpi_cost", "kpi_experience", "kpi_retention", "kpi_team"}


def published(settings: Settings) -> duckdb.DuckDBPyConnection:
    outcome = refresh(settings)
    assert (outcome.problems, outcome.published) == ([], outcome.published)
    current = publish.current(settings.home / "published")
    assert current is not None
    return duckdb.connect(str(current.path / "marts.duckdb"), read_only=True)


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


@pytest.mark.recipe
def test_a_dimension_is_two_rows_of_rule_files(home: Callable[..., Settings], tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, row in (("dimensions.csv", DIMENSION), ("ticket_field_map.csv", FIELD)):
        (rules / name).write_text((SEEDS / name).read_text() + row)
    settings = home(CXMARTS_RULES=str(rules))
    with published(settings) as con:
        in_every_kpi(con)
        assert rows(con, "SELECT count(*) FROM restatements WHERE dimension = 'line'") == [(0,)]
    # The field has another meaning: every closed period's members are told differently.
    (rules / "ticket_field_map.csv").write_text((SEEDS / "ticket_field_map.csv").read_text())
    with published(settings) as con:
        restated = rows(
            con, "SELECT DISTINCT dimension, cause FROM restatements WHERE mart = 'kpi_volume' AND key <> '*'"
        )
        assert restated == [("line", "rules")]


def in_every_kpi(con: duckdb.DuckDBPyConnection) -> None:
    columns = "* EXCLUDE (dimension, member_label)"
    told = "period_grain IN ('month', 'quarter', 'all')"
    # The backlog goes on from its days, which this dimension has not.
    for table in set(parsed.kpis_of("tickets")) - {"kpi_backlog"}:
        own, known = (
            f"SELECT {columns} FROM {table} WHERE dimension = '{dimension}' AND {told}"
            for dimension in ("line", "service_area")
        )
        assert rows(con, f"SELECT count(*) > 0 FROM ({own})") == [(True,)], table
        for one, other in ((own, known), (known, own)):
            assert rows(con, f"{one} EXCEPT ALL {other}") == [], table
        other_grains = f"SELECT count(*) FROM {table} WHERE dimension = 'line' AND NOT {told}"
        assert rows(con, other_grains) == [(0,)]
    split = "SELECT sum(n) FROM kpi_csat WHERE period_grain = 'month' AND dimension = '{}'"
    [(whole,)], [(parts,)] = rows(con, split.format("all")), rows(con, split.format("line"))
    assert parts == whole > 0
    assert split_by(con, "segment") - WITHOUT - split_by(con, "line") == {"kpi_backlog"}
    for table, count, key in (
        ("kpi_volume", "created", "''"),
        ("kpi_sla_compliance", "met + breached", "c.metric"),
    ):
        cell = f"'{table}', c.period_grain, c.period_start, 'line', c.member, key := {key}"
        counted = f"SELECT count(*) FILTER (in_denominator) AS members FROM kpi_cell({cell})"
        cells = f"SELECT c.member FROM {table} AS c, LATERAL ({counted}) AS m WHERE dimension = 'line'"
        assert rows(con, f"{cells} AND members <> {count}") == [], table
    with pytest.raises(duckdb.Error, match="no line by day; there are month, quarter, all"):
        rows(con, "SELECT * FROM kpi_cell('kpi_volume', 'day', DATE '2026-02-01', 'line', 'x')")


def split_by(con: duckdb.DuckDBPyConnection, dimension: str) -> set[str]:
    """The KPI tables that have cells of a dimension."""
    tables = rows(con, "SELECT table_name FROM duckdb_columns() WHERE column_name = 'member_label'")
    has = "SELECT count(*) > 0 FROM {} WHERE dimension = '{}'"
    return {table for (table,) in tables if rows(con, has.format(table, dimension)) == [(True,)]}
