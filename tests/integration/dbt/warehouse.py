"""A warehouse for tests of the dbt models: records land as a vendor sends them, dbt runs in this process."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder

from ingestion.landing import Landing
from orchestration.ground import locking
from orchestration.warehouse import control_tables, cutoff
from orchestration.warehouse.quick import Templates, quick
from sandbox.server import RULES
from tests import parsed

#: What the sandbox's company declares of its forms.
SANDBOX = {path.name: path.read_text() for path in sorted(RULES.glob("*.csv"))}


def questions(*rows: str) -> str:
    """The rule file with the sandbox's rows, and these: source, survey, question_id, kind, scale_min, ..."""
    head, *known = SANDBOX["questions.csv"].splitlines()
    filled = (row + "," * (head.count(",") - row.count(",")) for row in rows)
    return "\n".join([head, *known, *filled, ""])


#: A process compiles a text once.
TEMPLATES = Templates()


class BuildError(Exception):
    """dbt did not finish; the text names the nodes that failed."""


class Warehouse:
    """A landing and a warehouse in one folder.

    Args:
        folder: An empty folder.
        time_zone: The business zone.
        rules: Seeds to use instead of the shipped ones and the sandbox's: file name to CSV text.
        is_empty: Without the seeds and the staging models, empty, that a warehouse has from the start otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        time_zone: str = "UTC",
        rules: Mapping[str, str] | None = None,
        is_empty: bool = False,
    ) -> None:
        self.landing = Landing(folder / "landing")
        self.path = folder / "warehouse.duckdb"
        self.target = folder / "target"
        self.time_zone = time_zone
        self.builds = 0
        self.unchanged: set[str] = set()
        self._project = folder / "dbt"
        self._rules = {name.removesuffix(".csv") for name in rules or {}}
        folder.mkdir(exist_ok=True)
        shutil.copytree(parsed.project().folder, self._project, ignore=shutil.ignore_patterns("target"))
        for name, text in (SANDBOX | dict(rules or {})).items():
            (self._project / "seeds" / name).write_text(text)
        if not is_empty:
            shutil.copyfile(_template(), self.path)

    def copy(self, folder: Path) -> Warehouse:
        """What is built so far once more, over the same landing, with the same rules."""
        copy = Warehouse(folder, time_zone=self.time_zone, is_empty=True)
        shutil.copytree(self._project / "seeds", copy._project / "seeds", dirs_exist_ok=True)
        shutil.copyfile(self.path, copy.path)
        copy.landing, copy.builds = self.landing, self.builds
        return copy

    def land(
        self,
        vendor: str,
        stream: str,
        records: Iterable[Mapping[str, Any]],
        *,
        source: str | None = None,
        id_field: str = "id",
        changed: str | None = "updated_at",
        fetched_at: str = "2030-01-01T00:00:00Z",
    ) -> Path:
        """Lands one batch; `changed` names the field with the change time, text or Unix seconds (None: of the fetch)."""
        rows = list(records)
        fetched = _time(fetched_at)
        table = pa.table(
            {
                "record_id": pa.array(
                    [_text(r.get("_record_id", r.get(id_field))) for r in rows], pa.string()
                ),
                "changed_at": pa.array(
                    [_time(r.get(changed)) if changed else fetched for r in rows], pa.timestamp("us", "UTC")
                ),
                "deleted": pa.array([bool(r.get("_deleted", False)) for r in rows], pa.bool_()),
                "payload": pa.array(
                    [json.dumps({k: v for k, v in r.items() if not k.startswith("_")}) for r in rows],
                    pa.string(),
                ),
                "fetched_at": pa.array([fetched] * len(rows), pa.timestamp("us", "UTC")),
            }
        )
        return self.landing.write(
            source=source or vendor,
            vendor=vendor,
            stream=stream,
            account=None,
            spec_version=1,
            cursors={},
            rows=table,
            received=len(rows),
        ).path

    def build(
        self,
        as_of: str,
        *,
        select: Iterable[str] = (),
        resource_types: Collection[str] = ("model", "seed"),
        appended: Mapping[str, str] | None = None,
        restricted: bool = False,
        cuts_off: bool = True,
        slice_tickets: int = 200_000,
        patched_rows: int = 2_500_000,
    ) -> list[Any]:
        """Runs dbt over everything landed, all batches passed; as in a refresh, over the seeds and streams that are new.

        Args:
            as_of: The instant the numbers hold for.
            select: Models to build; all by default.
            resource_types: Kinds of nodes to run.
            appended: SQL to put behind a model's own, by name: to see it fail.
            restricted: Read names and comments from the landing.
            cuts_off: Leave out, as a refresh does, the models whose rows cannot differ.
            slice_tickets: So many tickets are built at a time.
            patched_rows: Tables of tickets with more rows are written anew.

        Returns:
            dbt's result of each node.

        Raises:
            BuildError: What failed.
        """
        self.builds += 1
        environment = {
            "CXMARTS_WAREHOUSE": str(self.path),
            "CXMARTS_AS_OF": as_of,
            "CXMARTS_TIMEZONE": self.time_zone,
            "CXMARTS_BUILD_ID": f"build-{self.builds}",
            "CXMARTS_CLOSE_BUILD": "true",
            "CXMARTS_RESTRICTED": "true" if restricted else "",
            "CXMARTS_THREADS": "1",
            "CXMARTS_SLICE_TICKETS": str(slice_tickets),
            "CXMARTS_PATCHED_ROWS": str(patched_rows),
            "DO_NOT_TRACK": "1",
        }
        os.environ.update(environment)
        self._register()
        manifest = self._manifest(appended or {}, resource_types)
        self._mark_idle(manifest)
        folder = str(self._project)
        arguments = ["--log-level=none", "--log-level-file=none", "build", "--no-write-json"]
        arguments += ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(self.target)]
        for kind in resource_types:
            arguments += ["--resource-type", kind]
        if names := list(select):
            arguments += ["--select", *names]
        arguments += ["--exclude", "tag:idle"]
        cut_off = self._cut_off(as_of, restricted) if cuts_off and not appended else None
        try:
            with quick(TEMPLATES, tells=False), cut_off.over_dbt() if cut_off else nullcontext():
                outcome = dbtRunner(manifest).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
        self.unchanged = cut_off.unchanged if cut_off else set()
        if cut_off:
            with control_tables.connect(self.path) as con:
                cutoff.save(con, cut_off, self.time_zone)
        results = list(getattr(outcome.result, "results", []))
        if not outcome.success:
            failed = [r for r in results if r.status in ("error", "fail", "runtime error")]
            raise BuildError(
                "\n".join(f"{r.node.name}: {r.message}" for r in failed) or str(outcome.exception)
            )
        return results

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def _cut_off(self, as_of: str, restricted: bool) -> cutoff.CutOff:
        manifest = parsed.project().manifest
        instant = datetime.fromisoformat(as_of.replace("Z", "+00:00"))
        # Rules never change under a warehouse.
        seeds = {node["name"]: "as they are" for node in manifest["nodes"].values()}
        with control_tables.connect(self.path) as con:
            return cutoff.prepare(
                con, manifest, seeds, f"build-{self.builds}", instant, is_restricted=restricted
            )

    def _manifest(self, appended: Mapping[str, str], kinds: Collection[str]) -> Manifest:
        """The parsed project with the tests that are run, afresh: a run leaves its compiled SQL in its nodes."""
        parsed_project = _parsed()
        manifest = copy.copy(parsed_project)
        manifest.nodes = {}
        for name, node in parsed_project.nodes.items():
            if node.resource_type == "test" and "test" not in kinds:
                continue
            manifest.nodes[name] = fresh = copy.copy(node)
            fresh.tags = [*node.tags]
            if node.resource_type == "seed":
                fresh.root_path = str(self._project)
            else:
                fresh.extra_ctes = []
            fresh.raw_code += appended.get(node.name, "")
        if "unit_test" not in kinds:
            manifest.unit_tests = {}
        return manifest

    def _mark_idle(self, manifest: Manifest) -> None:
        """Tags seeds that are loaded, and the models of streams of which nothing is to be merged: names cost dbt more."""
        schemas = {node.name: node.schema for node in manifest.nodes.values()}
        seeds = {node.name for node in manifest.nodes.values() if node.resource_type == "seed"}
        staging = {name: _stream(name) for name in schemas if name.startswith("stg_")}
        with duckdb.connect(str(self.path)) as con:
            pending = control_tables.pending(con, staging)
            if self.builds == 1:
                # Built from nothing, as without the template.
                for name in {*pending, *self._rules}:
                    con.execute(f"drop table if exists {schemas[name]}.{name}")
            present = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
        merged = staging.keys() - pending
        idle = {*(seeds & present), *merged, *(name.replace("stg_", "new_", 1) for name in merged)}
        for node in manifest.nodes.values():
            if node.name in idle:
                node.tags.append("idle")

    def _register(self) -> None:
        found = [self.landing.info(path) for path in self.landing.batches()]
        about = [
            (info.source, info.vendor, info.stream, info.batch_id, str(info.path), info.landed)
            for info in found
        ]
        with control_tables.connect(self.path) as connection:
            control_tables.register_batches(
                connection, [control_tables.BatchRow(*each, "passed") for each in about]
            )


@functools.cache
def _parsed() -> Manifest:
    """The parsed project as dbt keeps it for itself. Read only."""
    stored = (parsed.project().folder / "target" / "partial_parse.msgpack").read_bytes()
    return Manifest.from_msgpack(stored, decoder=extended_mashumuro_decoder)


@functools.cache
def _template() -> Path:
    """A warehouse with the shipped seeds and staging of nothing, built once for each state of the project."""
    project = parsed.project()
    found = project.folder.parent / "empty.duckdb"
    seeds = [path.read_bytes() for path in sorted(project.folder.glob("seeds/*.csv"))]
    rules = hashlib.sha256(b"".join(seeds) + repr(SANDBOX).encode())
    state = f"{(project.folder / 'target' / 'cxmarts_parsed').read_text()} {rules.hexdigest()} {duckdb.__version__}"
    marker = found.with_suffix(".state")
    with locking.exclusive(found.with_suffix(".lock"), "building an empty warehouse", wait=True):
        if not (found.exists() and marker.exists() and marker.read_text() == state):
            marker.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory() as folder:
                empty = Warehouse(Path(folder), is_empty=True)
                empty.build("2000-01-01T00:00:00Z", select=["resource_type:seed", "tag:parse", "tag:staging"])
                with duckdb.connect(str(empty.path)) as con:
                    con.execute("use control")
                    for (table,) in con.execute("show tables").fetchall():
                        con.execute(f"delete from {table}")
                shutil.copyfile(empty.path, found.with_suffix(".new")).replace(found)
            marker.write_text(state)
    return found


def _stream(staging: str) -> tuple[str, str]:
    vendor, _, stream = staging.removeprefix("stg_").partition("__")
    return vendor, stream


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _time(value: Any) -> datetime | None:
    """As ingestion reads a change clock: null for what is no time."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except (ValueError, OverflowError):
        return None
