"""Content hashes of the marts in a warehouse, as a publication's manifest holds them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.publication import marts_file


def content_hashes(warehouse: Path) -> dict[str, str]:
    """Every mart that was built, with its content hash."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' order by 1"
        ).fetchall()
        return {name: marts_file.measure(connection, "marts", name).content_hash for (name,) in names}
