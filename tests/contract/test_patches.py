"""Where a library is patched or taken at its private word, an upgrade that changes the place is noticed.

A digest of the place as it was when ours was written; what ours does instead, and why, says the ADR.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import great_expectations
import pytest
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.base import EventLogStorage
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.cache import RelationsCache
from dbt.context.base import BaseContext
from dbt.context.macros import MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.include import duckdb, global_project
from dbt.parser import manifest
from dbt.task.base import BaseRunner
from dbt.task.build import BuildTask
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.dataclass_schema import dbtClassMixin
from dbt_common.events import base_types
from dbt_common.events.event_manager import EventManager

MATERIALIZATIONS = Path("macros", "materializations")


def materializations() -> Iterator[str]:
    adapters = Path(duckdb.__file__).parent / MATERIALIZATIONS
    yield from ((adapters / name).read_text() for name in ("table.sql", "incremental.sql", "hooks.sql"))
    yield (Path(global_project.__file__).parent / MATERIALIZATIONS / "models" / "view.sql").read_text()


def event_log() -> Iterator[str]:
    yield inspect.getsource(SqliteEventLogStorage)
    yield inspect.getsource(EventLogStorage.store_event_batch)
    for name in ("_event_to_row", "_store_asset_event", "_store_asset_event_tags", "_get_asset_entry_values"):
        yield inspect.getsource(getattr(SqlEventLogStorage, name))


def imports_put_off() -> Iterator[str]:
    folder = Path(great_expectations.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        for line in re.findall(r"^\s*(?:from|import) +(?:scipy|altair).*", path.read_text(), re.MULTILINE):
            yield f"{path.relative_to(folder)}: {line.strip()}\n"


def decoding() -> Iterator[str]:
    yield inspect.getsource(manifest.extended_mashumuro_decoder)
    yield inspect.getsource(manifest.extended_msgpack_decoder)
    yield inspect.getsource(manifest.ManifestLoader.read_manifest_for_partial_parse)


def runners() -> Iterator[str]:
    yield inspect.getsource(BuildTask.get_runner_type)
    yield inspect.getsource(BaseRunner.run_with_hooks)
    yield inspect.getsource(BaseRunner._build_run_result)


def quickened() -> Iterator[str]:
    yield inspect.getsource(MacroNamespaceBuilder)
    yield inspect.getsource(ManifestContext)
    yield inspect.getsource(BaseContext.to_dict)
    yield inspect.getsource(BaseAdapter.get_relation)
    yield inspect.getsource(RelationsCache.get_relations)
    yield inspect.getsource(EventManager.fire_event)
    yield inspect.getsource(base_types.BaseEvent.__init__)
    yield inspect.getsource(BehaviorFlagRendered)
    yield inspect.getsource(dbtClassMixin.validate)


@pytest.mark.parametrize(
    ("place", "ours", "why", "digest"),
    [
        (materializations, "dbt_project/materializations/duckdb.sql", "docs/adr/0003", "75d58b9b9807ea36"),
        (runners, "orchestration/warehouse/cutoff.py", "docs/adr/0007", "4d8da1a9ecc1c8fe"),
        (event_log, "orchestration/storage.py", "docs/adr/0004", "7173a5a1d67ab006"),
        (imports_put_off, "quality/runner.py", "docs/adr/0005", "ad9d3e1b76a6927a"),
        (decoding, "orchestration/warehouse/dbt.py", "docs/adr/0006", "5901957365462f03"),
        (
            quickened,
            "orchestration/warehouse/quick.py",
            "docs/adr/0008",
            "a2add1e2c144a529",
        ),
    ],
)
def test_what_ours_stands_in_for_is_what_it_was(
    place: Callable[[], Iterator[str]], ours: str, why: str, digest: str
) -> None:
    found = hashlib.sha256("".join(place()).encode()).hexdigest()[:16]
    assert found == digest, (
        f"{place.__name__}: the library changed what {ours} stands in for. Read {why}, compare, adapt ours,"
        f" run the tests that it names, and only then put {found} here"
    )
