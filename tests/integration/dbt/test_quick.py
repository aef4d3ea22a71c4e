"""The dbt that we build with, some of it patched away, against dbt as it is."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse import control_tables
from sandbox.server import Sandbox

from . import warehouse as module
from .conftest import fetch_sandbox
from .warehouse import Warehouse

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
#: When a model was built.
OF_THE_CLOCK = {"built_at"}


@pytest.mark.campaign
def test_quick_builds_what_dbt_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All relations of a full build, row for row."""
    ours = Warehouse(tmp_path / "quick", time_zone="America/New_York", is_empty=True)
    theirs = Warehouse(tmp_path / "dbt", time_zone="America/New_York", is_empty=True)
    theirs.landing = ours.landing
    with Sandbox(tickets=60, seed=7, now=NOW) as sandbox:
        fetch_sandbox(sandbox, ours.landing)
    ours.build(NOW.isoformat(), restricted=True)
    with monkeypatch.context() as patched:
        patched.setattr(module, "quick", lambda *_, **__: nullcontext())
        theirs.build(NOW.isoformat(), restricted=True)
    assert differences(ours, theirs) == {}
    assert len(relations(ours)) > 100


def differences(ours: Warehouse, theirs: Warehouse) -> dict[str, int]:
    """Table -> rows that only one of two warehouses has."""
    assert views(ours) == views(theirs)
    assert relations(ours) == relations(theirs)
    found = {}
    with duckdb.connect() as con:
        for name, path in (("ours", ours.path), ("theirs", theirs.path)):
            con.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
        for (schema, table), columns in relations(ours).items():
            names = ", ".join(f'"{column}"' for column, _ in columns if column not in OF_THE_CLOCK)
            one, other = (f'SELECT {names} FROM {name}.{schema}."{table}"' for name in ("ours", "theirs"))
            [(rows,)] = con.execute(
                f"SELECT count(*) FROM (({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one}))"
            ).fetchall()
            found |= {f"{schema}.{table}": rows} if rows else {}
    return found


def views(of: Warehouse) -> dict[tuple[str, str], str]:
    """What they read stands in the tables."""
    found = of.query("SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL")
    return {(schema, name): sql for schema, name, sql in found}


def relations(of: Warehouse) -> dict[tuple[str, str], list[tuple[str, str]]]:
    with control_tables.connect(of.path, read_only=True) as con:
        found = control_tables.columns(con)
    return {relation: columns for relation, columns in found.items() if relation not in views(of)}
