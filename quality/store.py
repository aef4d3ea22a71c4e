"""The durable memory of the gates: verdicts of batches, results, builds.

One sqlite file (`$CXMARTS_HOME/control.sqlite`). If it is lost, everything is judged again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from quality.verdicts import Verdict

BatchVerdict = Literal["passed", "held", "waived", "superseded", "lost"]
BuildVerdict = Literal["passed", "held"]
Key = tuple[str, str, str]

KEPT_BUILDS = 60
KEPT_ANSWERS = 5_000
#: So many held batches a message names.
MAX_NAMED = 5
BUSY_SECONDS = 30

_BATCHES = """
create table if not exists batches (
    source text not null, vendor text not null, stream text not null, batch_id text not null,
    path text not null, rows integer not null, received integer, landed integer, duplicates integer,
    unchanged integer, tombstones integer,
    first_changed_at text, last_changed_at text, fetched_at text, day_counts text not null, volume_day text,
    verdict text not null check (verdict in ('passed', 'held', 'waived', 'superseded', 'lost')),
    reason text not null, held_by text, held_since text, predecessor text,
    judged_at text not null, waived_by text, waived_why text, waived_at text,
    primary key (source, stream, batch_id)
) without rowid;
"""
_OTHERS = """
create table if not exists builds (
    build_id text primary key, as_of text not null, judged_at text not null, mart_rows text not null,
    verdict text not null check (verdict in ('passed', 'held'))
) without rowid;
create table if not exists gate_results (
    build_id text not null, batch_id text not null, source text not null, stream text not null,
    gate text not null, subject text not null, expectation text not null, severity text not null,
    outcome text not null, element_count integer not null, unexpected_count integer not null,
    examples text not null, observed text not null, message text not null, what_to_do text not null
);
create index if not exists gate_results_build on gate_results (build_id);
create index if not exists gate_results_batch on gate_results (batch_id);
create table if not exists answers (question text primary key, is_met integer not null);
"""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A landed batch and what was decided about it. Times are UTC; `day_counts`: rows by UTC change day.

    `held_by` is the gate that holds it; `predecessor` the batch of its stream before it, None where the file
    does not tell. A batch is lost when its file is gone and its stream was not read again since.
    """

    source: str
    vendor: str
    stream: str
    batch_id: str
    path: str
    rows: int
    received: int | None = None
    landed: int | None = None
    duplicates: int | None = None
    unchanged: int | None = None
    tombstones: int | None = None
    first_changed_at: datetime | None = None
    last_changed_at: datetime | None = None
    fetched_at: datetime | None = None
    day_counts: Mapping[date, int] = field(default_factory=dict)
    volume_day: date | None = None
    verdict: BatchVerdict = "held"
    reason: str = ""
    held_by: str | None = None
    held_since: datetime | None = None
    predecessor: str | None = None
    judged_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    waived_by: str | None = None
    waived_why: str | None = None
    waived_at: datetime | None = None

    @property
    def key(self) -> Key:
        """What identifies the batch."""
        return (self.source, self.stream, self.batch_id)

    @property
    def is_to_be_staged(self) -> bool:
        """Whether its rows are to be parsed for the staged gate: the landing gate lets it through."""
        return self.verdict in ("passed", "waived") or (self.verdict == "held" and self.held_by == "staged")


@dataclass(frozen=True, kw_only=True)
class Build:
    """The verdict on the candidate marts of one build."""

    build_id: str
    as_of: datetime
    verdict: BuildVerdict
    mart_rows: Mapping[str, int]
    judged_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def passed(self) -> bool:
        """Whether the marts of this build may be published."""
        return self.verdict == "passed"


class Store:
    """The control file, created private (0600) when absent. Every write is one durable transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        # Autocommit: transactions are opened by name. Steps of one process may run in different threads.
        self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._create()
        except sqlite3.DatabaseError:
            self._db.close()
            raise

    def _create(self) -> None:
        """Make the tables; one that an earlier version made takes today's form, with its rows."""
        found = self._columns("batches")
        is_current = found >= {f.name for f in fields(Batch)}
        if is_current and self._columns("answers"):
            return
        with self._write():
            if not is_current and (names := ", ".join(sorted(found))):
                self._db.execute("alter table batches rename to old_batches")
                self._db.execute(_BATCHES)
                self._db.execute(f"insert into batches ({names}) select {names} from old_batches")  # noqa: S608
                self._db.execute("drop table old_batches")
            for statement in (_BATCHES, *filter(str.strip, _OTHERS.split(";"))):
                self._db.execute(statement)

    def _columns(self, table: str) -> set[str]:
        return {row["name"] for row in self._db.execute(f"pragma table_info({table})")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def batches(
        self, source: str | None = None, stream: str | None = None, verdict: BatchVerdict | None = None
    ) -> list[Batch]:
        """Judged batches, oldest first."""
        rows = self._select("batches", {"source": source, "stream": stream, "verdict": verdict}, "batch_id")
        return [_batch(row) for row in rows]

    def held(self) -> list[Batch]:
        """Batches that block publishing."""
        return self.batches(verdict="held")

    def verdicts(self) -> dict[Key, BatchVerdict]:
        """Verdict of every judged batch, by (source, stream, batch_id)."""
        rows = self._db.execute("select source, stream, batch_id, verdict from batches")
        return {(row["source"], row["stream"], row["batch_id"]): row["verdict"] for row in rows}

    def results(
        self,
        *,
        gate: str | None = None,
        batch_id: str | None = None,
        build_id: str | None = None,
        subject: str | None = None,
        failed_only: bool = False,
    ) -> list[Verdict]:
        """Stored results. Of batches only what failed is kept; of builds everything."""
        equal = {"gate": gate, "batch_id": batch_id, "build_id": build_id, "subject": subject}
        rows = self._select("gate_results", equal, "rowid")
        verdicts = [_verdict(row) for row in rows]
        return [v for v in verdicts if not v.success] if failed_only else verdicts

    def save_batches(
        self, batches: Iterable[Batch], verdicts: Iterable[Verdict] = (), *, gates: Collection[str] = ()
    ) -> None:
        """Store batches and their failures, in place of what these gates said about them before."""
        with self._write():
            for batch in batches:
                self._put("batches", _batch_row(batch))
                for gate in gates:
                    self._db.execute(
                        "delete from gate_results"
                        " where gate = ? and source = ? and stream = ? and batch_id = ?",
                        (gate, *batch.key),
                    )
            for verdict in verdicts:
                if not verdict.success:
                    self._put("gate_results", _verdict_row(verdict, batch_id=verdict.subject))

    def waive(self, batch_ids: Sequence[str], *, why: str, by: str) -> list[Batch]:
        """Let held batches through; the reason is kept.

        Raises:
            ValueError: no reason.
            LookupError: a batch that is unknown or not held; nothing is waived then.
        """
        if not why.strip():
            raise ValueError("say why the batch may pass: the reason is kept with it")
        with self._write():
            held = self.held()
            absent = sorted(set(batch_ids) - {batch.batch_id for batch in held})
            if absent:
                found = ", ".join(batch.batch_id for batch in held[:MAX_NAMED]) or "none"
                raise LookupError(
                    f"not held: {', '.join(absent)}; held are: {found}; `cxmarts batches` says why"
                )
            for batch_id in batch_ids:
                self._db.execute(
                    "update batches set verdict = 'waived', waived_by = ?, waived_why = ?, waived_at = ?"
                    " where batch_id = ? and verdict = 'held'",
                    (by, why.strip(), _text(datetime.now(UTC)), batch_id),
                )
            return [batch for batch in self.batches(verdict="waived") if batch.batch_id in set(batch_ids)]

    def forget(self, batch_ids: Iterable[str]) -> None:
        """Drop what is known of these batches: they are judged again as if new."""
        with self._write():
            for batch_id in batch_ids:
                self._db.execute("delete from batches where batch_id = ?", (batch_id,))
                self._db.execute("delete from gate_results where batch_id = ?", (batch_id,))

    def save_build(self, build: Build, verdicts: Iterable[Verdict]) -> None:
        """Store the verdict on a build with all its results; the oldest builds go."""
        with self._write():
            self._put(
                "builds",
                {
                    "build_id": build.build_id,
                    "as_of": _text(build.as_of),
                    "verdict": build.verdict,
                    "judged_at": _text(build.judged_at),
                    "mart_rows": json.dumps(dict(build.mart_rows)),
                },
            )
            self._db.execute("delete from gate_results where build_id = ?", (build.build_id,))
            for verdict in verdicts:
                self._put("gate_results", _verdict_row(verdict, build_id=build.build_id))
            old = self.builds(limit=-1)[KEPT_BUILDS:]
            for gone in old:
                self._db.execute("delete from builds where build_id = ?", (gone.build_id,))
                self._db.execute("delete from gate_results where build_id = ?", (gone.build_id,))

    def build(self, build_id: str) -> Build | None:
        """One build, or None when it was never judged."""
        rows = self._select("builds", {"build_id": build_id}, "build_id")
        return _build(rows[0]) if rows else None

    def builds(self, limit: int = 20) -> list[Build]:
        """The last builds judged, newest first."""
        sql = "select * from builds order by judged_at desc, build_id desc limit ?"
        rows = self._db.execute(sql, (limit,))
        return [_build(row) for row in rows]

    @contextmanager
    def known(self) -> Iterator[dict[str, bool]]:
        """What Great Expectations was asked, with its answers; what the block adds is kept, the oldest go."""
        before = {row["question"]: bool(row["is_met"]) for row in self._db.execute("select * from answers")}
        known = dict(before)
        yield known
        if new := [question for question in known if question not in before]:
            with self._write():
                for question in new:
                    self._put("answers", {"question": question, "is_met": known[question]})
                self._db.execute(
                    "delete from answers where rowid <= (select max(rowid) from answers) - ?", (KEPT_ANSWERS,)
                )

    @contextmanager
    def _write(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _select(self, table: str, equal: Mapping[str, str | None], order: str) -> list[sqlite3.Row]:
        # Table, column and order names are literals of this module; values are bound.
        given = {column: value for column, value in equal.items() if value is not None}
        where = " and ".join(f"{column} = ?" for column in given) or "true"
        sql = f"select * from {table} where {where} order by {order}"  # noqa: S608
        return self._db.execute(sql, tuple(given.values())).fetchall()

    def _put(self, table: str, row: Mapping[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        sql = f"insert or replace into {table} ({', '.join(row)}) values ({marks})"  # noqa: S608
        self._db.execute(sql, tuple(row.values()))


_TIMES = ("first_changed_at", "last_changed_at", "fetched_at", "held_since", "judged_at", "waived_at")


# What is kept of a verdict: not where the rows stood in a frame that is gone.
_RESULT = tuple(f.name for f in fields(Verdict) if f.compare)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def _batch_row(batch: Batch) -> dict[str, Any]:
    row = {f.name: getattr(batch, f.name) for f in fields(Batch)}
    row |= {name: _text(row[name]) for name in _TIMES}
    row["day_counts"] = json.dumps({day.isoformat(): n for day, n in batch.day_counts.items()})
    row["volume_day"] = batch.volume_day.isoformat() if batch.volume_day else None
    return row


def _batch(row: sqlite3.Row) -> Batch:
    values: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118 (a Row iterates over values)
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES if values[name]}
    values["day_counts"] = {date.fromisoformat(d): n for d, n in json.loads(values["day_counts"]).items()}
    values["volume_day"] = date.fromisoformat(values["volume_day"]) if values["volume_day"] else None
    return Batch(**values)


def _build(row: sqlite3.Row) -> Build:
    return Build(
        build_id=row["build_id"],
        as_of=datetime.fromisoformat(row["as_of"]),
        verdict=row["verdict"],
        mart_rows=json.loads(row["mart_rows"]),
        judged_at=datetime.fromisoformat(row["judged_at"]),
    )


def _verdict_row(verdict: Verdict, *, batch_id: str = "", build_id: str = "") -> dict[str, Any]:
    row = {name: getattr(verdict, name) for name in _RESULT}
    row["examples"] = json.dumps([dict(example) for example in verdict.examples])
    return {"build_id": build_id, "batch_id": batch_id, **row}


def _verdict(row: sqlite3.Row) -> Verdict:
    values = {name: row[name] for name in _RESULT}
    values["examples"] = tuple(json.loads(values["examples"]))
    return Verdict(**values)
