"""Dagster's SQLite event log with its connections kept open (docs/adr/0004).

Dagster's own opens, checkpoints and closes a file for every event: 15 to 30 ms of CPU each, several seconds
of a nightly run. This one keeps the connections, commits a batch of events at once, and asks once what it
asks with each.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagster import AssetKey, DagsterEventType, EventLogEntry
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, func, inspect, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import StaticPool

KEPT = 4
BUSY_SECONDS = 60
#: What a step tells of each of its assets, one right after the other: it is stored together.
OF_EACH_ASSET = {
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
}
#: What Dagster's own class keeps in the index too.
MIRRORED = ASSET_EVENTS | ASSET_CHECK_EVENTS | EVENT_TYPE_TO_PIPELINE_RUN_STATUS.keys()
#: Names in a list, as Python writes it.
_LISTED = re.compile(r"\['[^']*'(?:, '[^']*')+\]")


class EventLog(SqliteEventLogStorage):
    """The event log named in dagster.yaml; the files are those of Dagster's own class."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._batch: dict[str, Connection] | None = None
        self._waiting: list[EventLogEntry] = []
        self._made: set[AssetKey] = set()
        self._records: dict[AssetKey, AssetRecord] = {}
        self._present: set[str] = set()
        super().__init__(base_dir, inst_data)
        self._db_lock = threading.RLock()  # type: ignore[assignment]

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> EventLog:
        """What Dagster makes it by."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if self._batch is not None:
                if shard not in self._batch:
                    self._batch[shard] = self._engine(shard).connect()
                    self._batch[shard].begin()
                yield self._batch[shard]
                return
            self._store_waiting()
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection
            self._tell_watchers(shard)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; a line that names a step that failed names it once, not for each of its assets."""
        if not event.is_dagster_event and event.level == logging.ERROR:
            event = event._replace(user_message=_LISTED.sub(_each_once, event.user_message))
        with self._db_lock:
            told = event.dagster_event
            if self._batch is not None:
                super().store_event(event)
            elif told is None or told.event_type not in OF_EACH_ASSET:
                self._records.clear()
                super().store_event(event)
            else:
                self._waiting.append(event)
                if told.is_step_materialization and told.asset_key:
                    self._made.add(told.asset_key)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction per file, the rows of a table in one statement."""
        with self._db_lock:
            self._batch = {}
            try:
                self._insert(events)
                for shard, connection in self._batch.items():
                    connection.commit()
                    self._tell_watchers(shard)
            finally:
                for connection in self._batch.values():
                    connection.close()
                self._batch = None

    def _insert(self, events: Sequence[EventLogEntry]) -> None:
        """What Dagster's `store_event` does with one event."""
        table, rows = SqlEventLogStorageTable, [self._event_to_row(each) for each in events]
        by_run: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_run.setdefault(row["run_id"], []).append(row)
        for run_id, its in by_run.items():
            with self.run_connection(run_id) as run:
                run.execute(table.insert(), its)
        mirrored = [at for at, each in enumerate(events) if each.dagster_event_type in MIRRORED]
        if not mirrored:
            return
        with self.index_connection() as index:
            told_ids = table.insert().returning(table.c.id, sort_by_parameter_order=True)
            ids = index.scalars(told_ids, [rows[at] for at in mirrored]).all()
            told = [(events[at], event_id) for at, event_id in zip(mirrored, ids, strict=True)]
            made = [(each, event_id) for each, event_id in told if each.dagster_event_type in ASSET_EVENTS]
            self._store_asset_event_tags(
                index, [each for each, _ in made], [event_id for _, event_id in made]
            )
            self._store_assets(index, made)
        for each, event_id in told:
            if each.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(each, event_id)

    def _store_assets(self, index: Connection, told: Sequence[tuple[EventLogEntry, int]]) -> None:
        """What the index keeps of each asset itself: its newest events."""
        table, has_times = AssetKeyTable, self._has_asset_key_index_cols_on_connection(index)
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for each, event_id in told:
            values = self._get_asset_entry_values(each, event_id, has_times)
            if values and each.dagster_event and each.dagster_event.asset_key:
                key = each.dagster_event.asset_key.to_string()
                by_columns.setdefault((*values,), []).append({"its_key": key, **values})
        for assets in by_columns.values():
            keys = [{"asset_key": values["its_key"]} for values in assets]
            index.execute(insert(table).on_conflict_do_nothing(), keys)
            index.execute(table.update().where(table.c.asset_key == bindparam("its_key")), assets)

    def _store_waiting(self) -> None:
        """Whoever reads or writes sees all that was told before."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.store_event_batch(waiting)

    def get_asset_records(self, asset_keys: Sequence[AssetKey] | None = None) -> Sequence[AssetRecord]:
        """The records of assets. A step asks for each that it made: the first brings along the others."""
        if asset_keys is None or len(asset_keys) != 1:
            return super().get_asset_records(asset_keys)
        [key] = asset_keys
        with self._db_lock:
            if key in self._made:
                made, self._made = self._made, set()
                self._records |= {
                    each.asset_entry.asset_key: each for each in super().get_asset_records([*made])
                }
            found = self._records.get(key)
        return [found] if found else super().get_asset_records(asset_keys)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table."""

        def ask() -> bool:
            with self.index_connection() as connection:
                return bool(inspect(connection).has_table(table_name))

        return self._has(f"table {table_name}", ask)

    def has_secondary_index(self, name: str) -> bool:
        """Whether the index was migrated so far."""
        ask = super().has_secondary_index
        return self._has(f"migration {name}", lambda: ask(name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        ask = super()._has_asset_key_col_on_connection
        return self._has(f"column {column_name}", lambda: ask(conn, column_name))

    def _has(self, what: str, ask: Callable[[], bool]) -> bool:
        """Whether the index has what no event takes away: asked with every event, answered once."""
        if what not in self._present and ask():
            self._present.add(what)
        return what in self._present

    def newest_runs(self) -> set[str]:
        """The runs that hold the newest materialization of an asset, or the newest result of a check."""
        events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
        newest = [
            select(events.run_id).where(
                events.id.in_(
                    select(func.max(events.id))
                    .where(events.dagster_event_type == "ASSET_MATERIALIZATION")
                    .group_by(events.asset_key)
                )
            ),
            select(checks.run_id).where(
                checks.id.in_(
                    select(func.max(checks.id))
                    .where(checks.evaluation_event.is_not(None))
                    .group_by(checks.asset_key, checks.check_name)
                )
            ),
        ]
        with self.index_connection() as connection:
            return {str(run_id) for query in newest for (run_id,) in connection.execute(query)}

    def delete_events(self, run_id: str) -> None:
        """Forget a run; its file goes too, and its check results, which Dagster's own class leaves behind."""
        checks = AssetCheckExecutionsTable
        with self._db_lock:
            with self.index_connection() as connection:
                self.delete_events_for_run(connection, run_id)
                connection.execute(checks.delete().where(checks.c.run_id == run_id))
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            shard = Path(self.path_for_shard(run_id))
            for suffix in ("", "-wal", "-shm"):
                shard.with_name(shard.name + suffix).unlink(missing_ok=True)

    def dispose(self) -> None:
        """Close every file."""
        with self._db_lock:
            self._store_waiting()
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()

    def _tell_watchers(self, shard: str) -> None:
        # The UI watches the file itself, which a write-ahead log leaves untouched.
        with suppress(OSError):
            Path(self.path_for_shard(shard)).touch()

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
        self._engines[shard] = engine
        while len(self._engines) > KEPT:
            oldest = next(iter(self._engines))
            self._engines.pop(oldest).dispose()
        return engine


def _each_once(listed: re.Match[str]) -> str:
    return f"[{', '.join(dict.fromkeys(listed[0][1:-1].split(', ')))}]"


def _relax(connection: Any, _: Any) -> None:
    # With a write-ahead log this loses no consistency, at most the last events at a power cut.
    with suppress(Exception):
        connection.execute("PRAGMA synchronous = NORMAL")
