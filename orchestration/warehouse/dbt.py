"""The dbt project: a copy in the home folder with the analyst's seeds over it, run in this process."""

from __future__ import annotations

import csv
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
from mashumaro.config import BaseConfig

from ingestion.errors import ExpectedError
from ingestion.texts import TextError, read_text
from orchestration.ground import locking
from orchestration.ground.home import Home
from orchestration.ground.settings import SettingsError, size_in_bytes
from orchestration.warehouse.cutoff import UNCHANGED, CutOff
from orchestration.warehouse.lineage import Store
from orchestration.warehouse.quick import Templates, quick

PACKAGED = Path(__file__).parents[2] / "dbt_project"
# A parsed project: the manifest as dbt writes it and as it keeps it for itself, and what it was parsed from.
PARSED = ("manifest.json", "partial_parse.msgpack", "cxmarts_parsed")
#: What builds find out and keep beside it: compiled templates, columns with their lineage.
TEMPLATES, COLUMNS = "cxmarts_templates.bin", "cxmarts_columns.json"
#: Columns that a rule file got later: one that was written before is taken to be empty in them.
LATER_COLUMNS = {
    "kpi_targets.csv": ["source"],
    "kpi_definitions.csv": ["elsewhere"],
    "benchmarks.csv": ["valid_from", "valid_to"],
    "exclusion_rules.csv": ["scope"],
    "follow_up_policies.csv": ["horizon_days"],
    "survey_policies.csv": ["reminder_days"],
    "bots.csv": ["is_bot", "within_seconds", "min_tickets"],
    "vendor_numbers.csv": ["is_in_part"],
}
#: The rule file of before that named the company's own dimensions; its rows go on as rows of the list of all.
OWN_DIMENSIONS, DIMENSIONS = "declared_dimensions.csv", "dimensions.csv"
#: The list of all KPIs, and the rule files whose rows are about one of them.
KPIS, ABOUT_KPIS = "kpi_definitions.csv", ("benchmarks.csv", "changes.csv", "kpi_targets.csv")
#: KPIs that no list can hold: a source may have service metrics of its own.
SERVICE_METRIC = "sla_"
#: What a rule file may hold at most.
RULE_BYTES = 64 * 1024 * 1024
#: The tag of dbt's tests that ask what gate 3 asks anyway.
JUDGED_AT_GATE_3 = "gate_3"
FAILED = ("error", "fail", "runtime error", "skipped")

#: What a run builds is tagged with it.
_DUE = "due"
# No network: dbt's telemetry and version check stay off. No logs: what matters is in the results, and
# formatting every event costs a tenth of a run.
_QUIET = (
    "--no-send-anonymous-usage-stats",
    "--no-version-check",
    "--log-level=none",
    "--log-level-file=none",
)


#: Models of tickets are built so many tickets at a time as the memory limit holds at this size. A million
#: at once took more than 2 GB, slices of 200,000 do not.
TICKET_BYTES = 10_000
#: Rows are deleted from tables of so many rows as a hundredth of the limit holds at this size: what DuckDB
#: remembers of the deleted ones' neighbours. Larger tables are written anew.
PATCHED_BYTES = 100 * 8


# dbt's classes are compiled when one is first read or written, not all of them when dbt is imported.
BaseConfig.lazy_compilation = True


class DbtError(ExpectedError):
    """dbt could not parse or run the project; the message names what failed and why."""


@dataclass(frozen=True)
class NodeResult:
    """One node of a finished dbt run.

    `failures` counts the rows that a test found, `sql` finds them; `rows` are those of a built table.
    """

    unique_id: str
    name: str
    status: str
    message: str
    failures: int | None
    seconds: float
    sql: str = ""
    rows: int | None = None

    @property
    def is_failed(self) -> bool:
        """Whether the node, or one before it, failed."""
        return self.status in FAILED


@dataclass(frozen=True)
class RunParameters:
    """What a run is told through its environment (read at execution, so it never causes a new parse)."""

    warehouse: Path
    landing: Path
    as_of: datetime
    build_id: str
    timezone: str
    memory_limit: str
    is_restricted: bool = False
    is_read_only: bool = False
    threads: int = 1

    def environment(self) -> dict[str, str]:
        """The variables that the models read."""
        return {
            "CXMARTS_WAREHOUSE": str(self.warehouse),
            "CXMARTS_LANDING": str(self.landing),
            "CXMARTS_AS_OF": f"{self.as_of:%Y-%m-%dT%H:%M:%S.%fZ}",
            "CXMARTS_BUILD_ID": self.build_id,
            "CXMARTS_TIMEZONE": self.timezone,
            "CXMARTS_MEMORY_LIMIT": self.memory_limit,
            "CXMARTS_SLICE_TICKETS": str(int(size_in_bytes(self.memory_limit) // TICKET_BYTES)),
            "CXMARTS_PATCHED_ROWS": str(int(size_in_bytes(self.memory_limit) // PATCHED_BYTES)),
            "CXMARTS_RESTRICTED": "true" if self.is_restricted else "",
            "CXMARTS_ACCESS_MODE": "read_only" if self.is_read_only else "automatic",
            "CXMARTS_THREADS": str(self.threads),
        }


class Project:
    """The copy of the dbt project under the home folder."""

    def __init__(self, home: Home, rules: Path | None = None, packaged: Path = PACKAGED) -> None:
        self.folder, self._home, self._rules, self._packaged = home.dbt, home, rules, packaged

    @property
    def manifest_path(self) -> Path:
        """The parsed project."""
        return self.folder / "target" / "manifest.json"

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """The parsed project as dbt writes it; `prepare` comes first."""
        manifest = dict(json.loads(self.manifest_path.read_bytes()))
        # dbt notes where it read the seeds; the home may have been moved since.
        for node in manifest["nodes"].values():
            if node["resource_type"] == "seed":
                node["root_path"] = str(self.folder)
        return manifest

    def prepare(self) -> Project:
        """Bring the copy up to date and parse it if anything but rows of rules changed since it was parsed.

        Raises:
            SettingsError: a file in the rules folder is no seed, cannot be read, or has other columns.
            DbtError: the project does not parse.
        """
        with locking.exclusive(self._home.root / "dbt.lock", "preparing the dbt project", wait=True):
            wanted = self._files()
            state = _state(wanted)
            target = self.folder / "target"
            self._copy(wanted)
            if not _is_parsed(target, state):
                (target / PARSED[-1]).unlink(missing_ok=True)
                for cached in ("manifest", "_parsed", "_templates", "columns"):
                    self.__dict__.pop(cached, None)
                if _is_parsed(self._packaged / "target" / "parsed", state):
                    _copy_parsed(self._packaged / "target" / "parsed", target)
                else:
                    self._parse()
                    (target / PARSED[-1]).write_text(_marker(target, state))
        return self

    @functools.cached_property
    def columns(self) -> Store:
        """The columns of the models as they were built last."""
        return Store(self.folder / "target" / COLUMNS)

    def keep(self, folder: Path) -> None:
        """Copy the parsed project to a folder, for homes that will hold the same files."""
        _copy_parsed(self.folder / "target", folder)

    @functools.cached_property
    def _parsed(self) -> Any:
        """The parsed project as dbt keeps it for itself: with it, no run parses again."""
        from dbt.contracts.graph.manifest import Manifest
        from dbt.contracts.graph.nodes import SeedNode
        from dbt.parser.manifest import extended_mashumuro_decoder

        stored = (self.folder / "target" / "partial_parse.msgpack").read_bytes()
        manifest = Manifest.from_msgpack(stored, decoder=extended_mashumuro_decoder)
        for node in manifest.nodes.values():
            if isinstance(node, SeedNode):
                node.root_path = str(self.folder)
        return manifest

    @functools.cached_property
    def _templates(self) -> Templates:
        return Templates(self.folder / "target" / TEMPLATES)

    def _files(self) -> dict[Path, bytes]:
        """Relative path in the copy -> content."""
        files = {}
        for path in sorted(self._packaged.rglob("*")):
            relative = path.relative_to(self._packaged)
            if path.is_file() and relative.parts[0] not in ("target", "logs") and path.name[0] != ".":
                files[relative] = path.read_bytes()
        return files | self._overlay(files)

    def _overlay(self, files: Mapping[Path, bytes]) -> dict[Path, bytes]:
        if self._rules is None:
            return {}
        seeds = {p.name: p for p in files if p.parts[0] == "seeds" and p.suffix == ".csv"}
        former: dict[str, list[str]] = {OWN_DIMENSIONS: ["dimension"]}
        overlay, problems = {}, []
        for own in sorted(self._rules.glob("*.csv")):
            if own.name not in seeds and own.name not in former:
                known = ", ".join(sorted(seeds))
                problems.append(f"CXMARTS_RULES: {own.name} is no rule file; there are {known}")
            elif found := rule_problems(own, former.get(own.name) or _header(files[seeds[own.name]])):
                problems += found
            elif own.name in seeds:
                overlay[seeds[own.name]] = _completed(own)
        for name in ABOUT_KPIS:
            if seeds.get(name) in overlay:
                listed = seeds[KPIS]
                problems += _kpi_problems(self._rules / name, overlay.get(listed, files[listed]))
        if problems:
            raise SettingsError(problems)
        if (own := self._rules / OWN_DIMENSIONS).exists():
            listed = seeds[DIMENSIONS]
            overlay[listed] = _with_own_dimensions(overlay.get(listed, files[listed]), own)
        return overlay

    def _copy(self, wanted: Mapping[Path, bytes]) -> None:
        for relative, content in wanted.items():
            target = self.folder / relative
            if not target.exists() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        for path in sorted(self.folder.rglob("*"), reverse=True):
            relative = path.relative_to(self.folder)
            if relative.parts[0] in ("target", "logs"):
                continue
            if path.is_file() and relative not in wanted:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def _parse(self) -> None:
        _invoke(None, ["parse", *self._arguments()], [])

    def _arguments(self) -> list[str]:
        folder = str(self.folder)
        return ["--project-dir", folder, "--profiles-dir", folder, "--log-path", f"{folder}/logs"]

    def build(
        self,
        nodes: Collection[str],
        parameters: RunParameters,
        *,
        closes_build: bool = False,
        cut_off: CutOff | None = None,
        on_node: Callable[[NodeResult], None] | None = None,
    ) -> list[NodeResult]:
        """Build these nodes with the tests that touch them, in dependency order.

        Tests that gate 3 judges anyway are left to it.

        Args:
            nodes: names of models and seeds.
            parameters: what the models are told.
            closes_build: tell the project that this run completes the build.
            cut_off: leave out the models that it says are not due.
            on_node: called as each node ends.

        Returns:
            One result per node and test; failures are results, not errors.

        Raises:
            DbtError: dbt did not get as far as running nodes.
        """
        command = ["build", "--select", f"tag:{_DUE}", "--exclude", f"tag:{JUDGED_AT_GATE_3}"]
        command += ["--exclude-resource-type", "unit_test"]
        command += ["--no-write-json", *self._arguments()]
        environment = parameters.environment() | {"CXMARTS_CLOSE_BUILD": "true" if closes_build else ""}
        callbacks = [functools.partial(_on_event, on_node)] if on_node else []
        with (
            _connections(),
            _environment(environment),
            _tagged(self._parsed, nodes),
            cut_off.over_dbt() if cut_off else nullcontext(),
            quick(self._templates),
        ):
            outcome = _invoke(self._parsed, command, callbacks)
        return [_result(result) for result in outcome.results]

    def document(self, parameters: RunParameters, page: Path) -> None:
        """Write dbt's documentation as one page: models, graph, SQL, and the columns that the warehouse has.

        Args:
            parameters: what the models are told; the warehouse is only read.
            page: where to; its folder is there.

        Raises:
            DbtError: a model's SQL cannot be compiled, or the warehouse cannot be read.
        """
        parameters = replace(parameters, is_read_only=True)
        with tempfile.TemporaryDirectory(dir=page.parent) as folder:
            # The parsed project keeps what it holds: dbt writes into a folder of its own.
            command = ["docs", "generate", "--static", "--target-path", folder, *self._arguments()]
            with _connections(), _environment(parameters.environment()), quick(self._templates):
                catalog = _invoke(self._parsed, command, [])
            written = Path(folder, "static_index.html")
            if catalog.errors or not written.exists():
                results = map(_result, catalog._compile_results or ())
                failed = [f"{each.name}: {each.message}" for each in results if each.is_failed]
                raise DbtError("dbt docs: " + " | ".join([*(catalog.errors or ()), *failed])[:600])
            written.replace(page)


def _is_parsed(target: Path, state: str) -> bool:
    marker = target / PARSED[-1]
    return marker.exists() and marker.read_text() == _marker(target, state)


def _marker(target: Path, state: str) -> str:
    """What was parsed, and how long the files are that hold it: torn ones are made anew."""
    files = [target / name for name in PARSED[:-1]]
    return " ".join([state, *(str(file.stat().st_size) if file.exists() else "0" for file in files)])


def _copy_parsed(origin: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in (TEMPLATES, COLUMNS, *PARSED):
        if (origin / name).exists():
            shutil.copyfile(origin / name, target / name)


def is_built(node: Mapping[str, Any]) -> bool:
    """Whether a node of the project becomes a relation of its own."""
    return node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "ephemeral"


def code_fingerprints(manifest: Mapping[str, Any]) -> dict[str, str]:
    """A fingerprint per model and seed of what decides its columns: its code and that of what it reads."""
    return fingerprints(manifest, duckdb.__version__, with_contents=False)


def fingerprints(manifest: Mapping[str, Any], extra: str, *, with_contents: bool = True) -> dict[str, str]:
    """A fingerprint per model and seed: of its code, configuration and content, and of all that it reads.

    Every macro of the project goes into every fingerprint: hooks and guarded calls do not show in a
    model's own list of macros, and macros change with a release only.

    Args:
        manifest: the parsed project.
        extra: goes into every fingerprint (zone database, time zone).
        with_contents: whether the rows of seeds count, or code alone.

    Returns:
        node name -> fingerprint.
    """
    name = manifest["metadata"]["project_name"]
    macros = [macro for macro in manifest["macros"].values() if macro["package_name"] == name]
    shared = _digest(extra, *sorted(macro["macro_sql"] for macro in macros))
    nodes = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")
    }

    @functools.cache
    def fingerprint(key: str) -> str:
        node = nodes.get(key)
        if node is None:
            return key
        columns = [[column["name"], column["data_type"]] for column in node["columns"].values()]
        config = json.dumps([node["config"], columns], sort_keys=True, default=str)
        read = (fingerprint(parent) for parent in sorted(node["depends_on"].get("nodes", [])))
        content = _content(node) if with_contents else ""
        return _digest(shared, node["raw_code"], content, config, *read)

    return {node["name"]: fingerprint(key) for key, node in nodes.items() if is_built(node)}


def _content(node: Mapping[str, Any]) -> str:
    """The checksum of a seed's file; dbt itself gives large ones a checksum of their path only."""
    if node["resource_type"] != "seed":
        return ""
    return hashlib.sha256(Path(node["root_path"], node["original_file_path"]).read_bytes()).hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def rule_problems(own: Path, columns: list[str]) -> list[str]:
    """What keeps a rule file with these columns from being read, each with its line."""
    try:
        reader = csv.reader(io.StringIO(read_text(own, RULE_BYTES), newline=""), strict=True)
        head = next(reader, [])
        if problems := _header_problems(own, columns, head):
            return problems
        uneven = ((reader.line_num, len(row)) for row in reader if row and len(row) != len(head))
        return [
            f"CXMARTS_RULES: {own}:{line}: the row has {cells} cells, the header {len(head)}"
            for line, cells in islice(uneven, 5)
        ]
    except TextError as error:
        return [f"CXMARTS_RULES: {error}"]
    except csv.Error as error:
        return [f"CXMARTS_RULES: {own}:{reader.line_num}: {error}; save it as CSV with standard quoting"]


def _header_problems(own: Path, ours: list[str], theirs: list[str]) -> list[str]:
    if len(theirs) == 1 and ";" in theirs[0]:
        return [f"CXMARTS_RULES: {own.name} is separated by semicolons; save it with commas"]
    optional = LATER_COLUMNS.get(own.name, [])
    found = {
        "lacks": [c for c in ours if c not in theirs and c not in optional],
        "has unknown": [c for c in theirs if c not in ours],
        "has twice": [c for c in ours if theirs.count(c) > 1],
    }
    parts = [f"{what} {', '.join(columns)}" for what, columns in found.items() if columns]
    return (
        [f"CXMARTS_RULES: {own.name} {' and '.join(parts)} (columns are {', '.join(ours)})"] if parts else []
    )


def _kpi_problems(own: Path, definitions: bytes) -> list[str]:
    """The rows of a rule file that are about no KPI: nothing would come of them, and nobody would know."""
    known = {row["kpi"] for row in csv.DictReader(io.StringIO(definitions.decode("utf-8-sig"), newline=""))}
    reader = csv.DictReader(io.StringIO(read_text(own, RULE_BYTES), newline=""))
    unknown = (
        (reader.line_num, row["kpi"])
        for row in reader
        if row["kpi"] and row["kpi"] not in known and not row["kpi"].startswith(SERVICE_METRIC)
    )
    return [
        f"CXMARTS_RULES: {own}:{line}: there is no KPI {kpi!r}; there are {', '.join(sorted(known))}"
        for line, kpi in islice(unknown, 5)
    ]


def _completed(path: Path) -> bytes:
    """The file's content, with the later columns of a rule file that lacks them."""
    content = path.read_bytes()
    lacking = [c for c in LATER_COLUMNS.get(path.name, []) if c not in _header(content)]
    if not lacking:
        return content
    head, *rows = _rows(content)
    return _csv([[*head, *lacking], *([*row, *("" for _ in lacking)] for row in rows)])


def _with_own_dimensions(dimensions: bytes, own: Path) -> bytes:
    """The list of all dimensions with those of the rule file of before that it lacks."""
    head, *rows = _rows(dimensions)
    place = head.index("dimension")
    known = {row[place] for row in rows}
    names = [row[0] for row in islice(_rows(own.read_bytes()), 1, None) if row[0] not in known]
    return _csv([head, *rows, *([name if at == place else "" for at in range(len(head))] for name in names)])


def _header(content: bytes) -> list[str]:
    return next(_rows(content), [])


def _rows(content: bytes) -> Iterator[list[str]]:
    return filter(None, csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _state(files: Mapping[Path, bytes]) -> str:
    """What a parse depends on: all but the rows of rule files, which are read when they are loaded."""
    digest = hashlib.sha256(importlib.metadata.version("dbt-core").encode())
    for relative, content in sorted(files.items()):
        told = b"" if relative.suffix == ".csv" else content
        digest.update(f"{relative}\0{hashlib.sha256(told).hexdigest()}\0".encode())
    return digest.hexdigest()


@contextmanager
def _connections() -> Iterator[None]:
    """End with the block the connection that dbt keeps open: it shuts out every other one to the file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        yield
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@contextmanager
def _tagged(manifest: Any, names: Collection[str]) -> Iterator[None]:
    """These nodes are due: dbt compares every node with every name of a selection, but once with one tag."""
    due = [node for node in manifest.nodes.values() if node.name in names]
    for node in due:
        node.tags.append(_DUE)
    try:
        yield
    finally:
        for node in due:
            node.tags.remove(_DUE)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _invoke(manifest: Any, command: list[str], callbacks: Sequence[Callable[[Any], None]]) -> Any:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest, list(callbacks)).invoke([*_QUIET, *command])
    if outcome.exception is not None:
        if not isinstance(outcome.exception, Exception):
            raise outcome.exception
        raise DbtError(f"dbt {command[0]}: {_first_lines(str(outcome.exception))}") from outcome.exception
    return outcome.result


def _on_event(on_node: Callable[[NodeResult], None], event: Any) -> None:
    if event.info.name == "NodeFinished" and event.data.run_result.message != UNCHANGED:
        info, result = event.data.node_info, event.data.run_result
        rows = None
        if result.status == "success" and info.materialized != "view":
            rows = _count(info.node_relation.relation_name)
        seconds = result.execution_time
        on_node(
            NodeResult(
                info.unique_id, info.node_name, result.status, result.message, None, seconds, rows=rows
            )
        )


def _count(relation: str) -> int:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    # Over dbt's own connection: no other may open the file meanwhile.
    handle = DuckDBConnectionManager.env().handle()  # type: ignore[no-untyped-call]
    try:
        counted = handle.cursor().execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608
        return int(counted[0])
    finally:
        handle.close()


def _result(result: Any) -> NodeResult:
    message = _first_lines(str(result.message or ""))
    node, sql = result.node, getattr(result.node, "compiled_code", None) or ""
    return NodeResult(
        node.unique_id, node.name, str(result.status), message, result.failures, result.execution_time, sql
    )


def _first_lines(text: str, limit: int = 600) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines)[:limit]
