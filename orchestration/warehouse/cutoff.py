"""Early cut-off: a model whose rows cannot differ from those it has is not built again.

Rows follow from code (a changed fingerprint drops the relation), from what is read, and from the instant
`as_of`. Each relation has a version that moves only when its rows did; a model is due when something that it
reads has another version than it was built from, or when `as_of` has reached its `next_at`, which its card
or `meta` declares:

    never      the instant says nothing (the default)
    horizon    it decides which staged records have come into force: `reached_horizon` tells
    midnight   the business zone's next
    touched    whenever a ticket is touched
    restricted every night on which names and texts are read from the landing
    always     every night; so does whatever reads the book-keeping, which no version tells
    SQL        an aggregate over the facts of its card, else over its own rows, with `:as_of`

A view asks for the instant when it is read: what it declares is for those that read it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from orchestration.ground.sql import naive, quoted_name, quoted_text

if TYPE_CHECKING:
    import duckdb

#: What drives the models of tickets and is no content of theirs.
TOUCHED = "touched_tickets"
NEVER, HORIZON, MIDNIGHT, ALWAYS = "never", "horizon", "midnight", "always"
BY_TICKETS, RESTRICTED = "touched", "restricted"
#: Columns that differ from run to run, whatever the rows say.
RUN_COLUMNS = frozenset({"as_of", "built_at", "build_id", "run_id", "published_at", "version"})
UNCHANGED = "unchanged"
#: So many of what moved are named as the reason.
SHOWN = 3
#: Chosen before dbt runs, by what landed.
_BY_BATCHES = ("parse", "staging")


@dataclass
class CutOff:
    """What one build may leave out.

    Attributes:
        manifest: the parsed project.
        build_id: names the build.
        as_of: its instant, UTC.
        versions: relation -> the version of its rows; moves as relations are built.
        counted: the same without what runs on with the clock: who reads that is built every night.
        is_restricted: names and texts are read from the landing.
        inputs: model -> what it was built from.
        next_at: model -> the instant from which it is due, UTC.
        is_full: all is due: the build before broke off, or staged records have come into force.
        unchanged: the models that were left out.
        built_from: model that was built -> the versions that it read.
        rows: relation that was built -> how many rows it has.
        reasons: model that was built -> why.
    """

    manifest: Mapping[str, Any]
    build_id: str
    as_of: datetime
    is_restricted: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    counted: dict[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    next_at: Mapping[str, datetime] = field(default_factory=dict)
    is_full: bool = False
    unchanged: set[str] = field(default_factory=set)
    built_from: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        nodes = self.manifest["nodes"]
        self._nodes = {
            node["name"]: node for node in nodes.values() if node["resource_type"] in ("model", "seed")
        }
        self._read: dict[str, frozenset[str]] = {}

    def read_by(self, name: str) -> frozenset[str]:
        """The tables and seeds that a model reads, through views too; `ALWAYS` for what no version tells."""
        if name not in self._read:
            found: set[str] = set()
            for key in self._nodes[name]["depends_on"].get("nodes", []):
                parent = self.manifest["nodes"].get(key)
                if parent is None:
                    found |= {ALWAYS} if self.manifest["sources"][key]["source_name"] == "control" else set()
                elif parent["name"] == TOUCHED:
                    continue
                elif parent["config"]["materialized"] in ("view", "ephemeral"):
                    found |= self.read_by(parent["name"])
                    found |= _untold(self.declared(parent["name"]))
                else:
                    found.add(parent["name"])
            self._read[name] = frozenset(found)
        return self._read[name]

    def declared(self, name: str) -> str | list[str]:
        """What a model says of its next instant."""
        declared: str | list[str] = self._nodes[name]["config"].get("meta", {}).get("next_at", NEVER)
        return declared

    def is_view(self, name: str) -> bool:
        """Whether it holds no rows, and is read as of when it is asked."""
        return bool(self._nodes[name]["config"]["materialized"] == "view")

    def schema_of(self, name: str) -> str:
        """The schema of a model or seed."""
        return str(self._nodes[name]["schema"])

    def facts_of(self, name: str) -> str:
        """What `next_at` is asked of: the facts of a card, else the model itself."""
        return str(self._nodes[name]["config"].get("meta", {}).get("facts", name))

    def inputs_of(self, name: str) -> dict[str, str]:
        """The versions of what a model reads, as they are now; of a view none, as it is read when asked."""
        declared = self.declared(name)
        if self.is_view(name):
            read = frozenset({RESTRICTED} if declared == RESTRICTED else ())
        else:
            read = self.read_by(name)
        told = self.versions | ({} if declared == ALWAYS else self.counted)
        told[RESTRICTED] = self.build_id if self.is_restricted else "off"
        return {each: told.get(each, self.build_id) for each in sorted(read)}

    def why_due(self, name: str) -> str:
        """Why a model's rows may differ from those that it has; empty where they cannot."""
        node = self._nodes[name]
        if node["resource_type"] != "model" or node["schema"] in _BY_BATCHES:
            return "something landed"
        if self.is_full:
            return "all is due"
        before, now = self.inputs.get(name), self.inputs_of(name)
        if before is None:
            return "it is new"
        if moved := sorted(each for each in before.keys() | now.keys() if before.get(each) != now.get(each)):
            return f"{', '.join(moved[:SHOWN])} moved"
        is_by_tickets = self.declared(name) == BY_TICKETS and not self.is_view(name)
        if is_by_tickets and self.versions.get(TOUCHED, "0/").split("/")[0] != "0":
            return "tickets are touched"
        next_at = self.next_at.get(name)
        return f"{next_at:%Y-%m-%d %H:%M} has come" if next_at is not None and next_at <= self.as_of else ""

    @contextmanager
    def over_dbt(self) -> Iterator[None]:
        """Within the block dbt asks at each model's turn whether it is due, and leaves out what is not."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.artifacts.resources.types import NodeType
        from dbt.artifacts.schemas.results import RunStatus, TestStatus
        from dbt.task.build import BuildTask
        from dbt.task.run import ModelRunner
        from dbt.task.test import TestRunner

        cut_off = self

        def left_out(runner: Any, status: Any) -> Any:
            return runner._build_run_result(runner.node, time.time(), status, [], UNCHANGED)

        class DueModels(ModelRunner):
            def run_with_hooks(self, manifest: Any) -> Any:
                name = self.node.name
                if self.skip:
                    return self.on_skip()  # type: ignore[no-untyped-call]
                if not (why := cut_off.why_due(name)):
                    cut_off.unchanged.add(name)
                    if self.node.config.meta.get("keeps_before"):
                        _execute(DuckDBConnectionManager, keep_before(self.node))
                    return left_out(self, RunStatus.Success)
                read = cut_off.inputs_of(name)
                result = super().run_with_hooks(manifest)  # type: ignore[no-untyped-call]
                if result.status == RunStatus.Success:
                    cut_off.built_from[name] = read
                    cut_off.reasons[name] = why
                    sql = f"SELECT * FROM ({_VERSIONS}) WHERE model = {quoted_text(name)}"  # noqa: S608
                    cut_off.learn(_execute(DuckDBConnectionManager, sql))
                return result

        class AskedTests(TestRunner):
            def run_with_hooks(self, manifest: Any) -> Any:
                asked = {key.split(".")[-1] for key in self.node.depends_on.nodes if key.startswith("model.")}
                if asked and asked <= cut_off.unchanged and not self.skip:
                    return left_out(self, TestStatus.Pass)
                return super().run_with_hooks(manifest)  # type: ignore[no-untyped-call]

        usual = dict(BuildTask.RUNNER_MAP)
        BuildTask.RUNNER_MAP |= {NodeType.Model: DueModels, NodeType.Test: AskedTests}
        try:
            yield
        finally:
            BuildTask.RUNNER_MAP |= usual

    def learn(self, told: Iterable[tuple[Any, ...]]) -> None:
        """Take the versions of relations from rows of `_VERSIONS`; a seed's is its file's."""
        for name, version, counted, rows in told:
            node = self._nodes.get(name)
            if node and node["resource_type"] == "model":
                run = f"/{self.build_id}" if RUN_COLUMNS & node["columns"].keys() else ""
                self.rows[name] = rows
                self.versions[name], self.counted[name] = version + run, (counted or version) + run


def _untold(declared: str | list[str]) -> frozenset[str]:
    """What of a view no version of what it reads tells."""
    return frozenset({declared}) if declared in (ALWAYS, RESTRICTED) else frozenset()  # type: ignore[arg-type]


#: Of each relation its version, what KPIs count of it, and its rows; of a staging table by its batches.
_VERSIONS = """
SELECT model, rows || '/' || sum_1 || '/' || sum_2 AS version,
    rows || '/' || counted_1 || '/' || counted_2 AS counted, rows
FROM control.contents
UNION ALL
SELECT model, count(*) || '/' || sum(hash(batch_id)::HUGEINT), '', NULL
FROM control.applied_batches
GROUP BY model
"""


def keep_before(node: Any) -> str:
    """What the touched tickets had, of a model that is left out: what they have."""
    name = quoted_name(node.name)
    return (
        f"CREATE OR REPLACE TABLE core.{quoted_name(f'before_{node.name}')} AS"  # noqa: S608
        f" SELECT t.* FROM {quoted_name(node.schema)}.{name} AS t"
        f" WHERE (t.source, t.ticket_id) IN (SELECT source, ticket_id FROM vendors.{TOUCHED})"
    )


def prepare(
    con: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    build_id: str,
    as_of: datetime,
    *,
    is_restricted: bool = False,
) -> CutOff:
    """What may be left out of a build, by what the builds before it recorded.

    Args:
        con: the warehouse.
        manifest: the parsed project.
        fingerprints: of all models and seeds, as they should be built.
        build_id: names the build.
        as_of: its instant, UTC.
        is_restricted: names and texts are read from the landing.
    """
    cut_off = CutOff(manifest, build_id, as_of, is_restricted)
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            cut_off.versions[node["name"]] = fingerprints[node["name"]]
        elif node["schema"] == "staging":
            cut_off.versions[node["name"]] = "no batch"
    cut_off.learn(con.execute(_VERSIONS).fetchall())
    inputs: dict[str, Mapping[str, str]] = {}
    next_at: dict[str, datetime] = {}
    for name, read, at in con.execute("SELECT model, inputs, next_at FROM control.model_inputs").fetchall():
        inputs[name] = json.loads(read)
        if at is not None:
            next_at[name] = at.replace(tzinfo=UTC)
    [(broken,)] = con.execute("SELECT count(*) FROM control.started_builds").fetchall()
    cut_off.inputs, cut_off.next_at, cut_off.rows = inputs, next_at, {}
    cut_off.is_full = broken > 0 or reached_horizon(con, manifest, as_of)
    return cut_off


def reached_horizon(con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], as_of: datetime) -> bool:
    """Whether a staged record has come into force since the last completed build: it lay ahead of it then.

    Of records with times inside (`has_nested_times`) any that is ahead will do.
    """
    nested = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["config"].get("meta", {}).get("has_nested_times")
    }
    found = con.execute("SELECT max(as_of) FROM control.completed_builds").fetchall()
    if found[0][0] is None:
        return True
    columns = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'staging'"
        " AND database_name = current_database() AND data_type = 'TIMESTAMP'"
        " AND column_name NOT LIKE '%due_at' AND column_name <> 'fetched_at'"
    ).fetchall()
    ahead = " UNION ALL ".join(
        f"SELECT 1 FROM staging.{quoted_name(table)} WHERE {quoted_name(name)} > $1"  # noqa: S608
        f" AND ({table in nested} OR {quoted_name(name)} <= $2)"
        for table, name in columns
    )
    sql = f"SELECT EXISTS ({ahead})" if ahead else "SELECT $1 > $2"
    [(is_reached,)] = con.execute(sql, [found[0][0], naive(as_of)]).fetchall()
    return bool(is_reached)


def save(con: duckdb.DuckDBPyConnection, cut_off: CutOff, zone: str) -> None:
    """Record what was built from what, and mark what was left out as of this build."""
    rows = [
        (name, json.dumps(read), _next_at(con, cut_off, name, zone))
        for name, read in cut_off.built_from.items()
    ]
    con.begin()
    for name, read, at in rows:
        con.execute("DELETE FROM control.model_inputs WHERE model = ?", [name])
        con.execute("INSERT INTO control.model_inputs VALUES (?, ?, ?)", [name, read, at])
    con.execute(
        "UPDATE control.model_builds SET build_id = $1, as_of = $2, built_at = now() AT TIME ZONE 'UTC'"
        " WHERE model IN (SELECT unnest($3::VARCHAR[]))",
        [cut_off.build_id, naive(cut_off.as_of), sorted(cut_off.unchanged)],
    )
    con.commit()


def _next_at(con: duckdb.DuckDBPyConnection, cut_off: CutOff, name: str, zone: str) -> datetime | None:
    if cut_off.is_view(name):
        return None
    declared = cut_off.declared(name)
    found = [
        _instant(con, cut_off, name, each, zone)
        for each in ([declared] if isinstance(declared, str) else declared)
    ]
    return min((at for at in found if at is not None), default=None)


def _instant(
    con: duckdb.DuckDBPyConnection, cut_off: CutOff, name: str, declared: str, zone: str
) -> datetime | None:
    if declared in (NEVER, HORIZON, RESTRICTED, BY_TICKETS):
        return None
    if declared == ALWAYS:
        return naive(cut_off.as_of)
    if declared == MIDNIGHT:
        local = cut_off.as_of.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
        return naive(datetime(local.year, local.month, local.day, tzinfo=ZoneInfo(zone)))
    facts = cut_off.facts_of(name)
    at = f"TIMESTAMP '{naive(cut_off.as_of).isoformat(sep=' ')}'"
    relation = f"{quoted_name(cut_off.schema_of(facts))}.{quoted_name(facts)}"
    sql = f"SELECT {declared.replace(':as_of', at)} FROM {relation}"  # noqa: S608
    [(instant,)] = con.execute(sql).fetchall()
    return instant  # type: ignore[no-any-return]


def _execute(manager: Any, sql: str) -> list[tuple[Any, ...]]:
    """Run a statement over dbt's own connection: no other may open the file meanwhile."""
    handle = manager.env().handle()
    try:
        cursor = handle.cursor().execute(sql)
        return cursor.fetchall() if sql.startswith("SELECT") else []
    finally:
        handle.close()
