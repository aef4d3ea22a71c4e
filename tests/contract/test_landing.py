"""The landing's columns, as its format declares them, as dbt takes them."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader

from ingestion.landing_format import ROW_NUMBER, SCHEMA
from tests import parsed


def test_dbt_reads_the_columns_that_a_landing_file_has(tmp_path: Path) -> None:
    macros = Environment(
        loader=FileSystemLoader(parsed.ROOT / "dbt_project" / "macros"), extensions=["jinja2.ext.do"]
    )
    landed_files = macros.get_template("staging.sql").module.landed_files
    pq.write_table(SCHEMA.empty_table(), tmp_path / "batch.parquet")
    of_files = columns(landed_files([{"path": str(tmp_path / "batch.parquet")}]))
    assert [name for name, _ in of_files] == [*SCHEMA.names, ROW_NUMBER]
    assert sorted(columns(landed_files([]))) == sorted(of_files), "what stands for no file has other columns"


def columns(relation: str) -> list[tuple[str, str]]:
    with duckdb.connect() as con:
        return [(row[0], row[1]) for row in con.execute(f"describe select * from {relation}").fetchall()]
