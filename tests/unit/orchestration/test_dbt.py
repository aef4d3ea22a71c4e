"""The project that runs: the packaged one with the analyst's rules, parsed when something changed."""

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import SettingsError
from orchestration.warehouse import control_tables, dbt
from orchestration.warehouse.dbt import DbtError, NodeResult, Project, RunParameters, fingerprints

FILES = {
    "dbt_project.yml": """
name: tiny
version: "1.0"
profile: tiny
models:
  tiny:
    +materialized: table
    +schema: marts
seeds:
  tiny:
    +schema: rules
""",
    "profiles.yml": """
tiny:
  target: here
  outputs:
    here: {type: duckdb, path: "{{ env_var('CXMARTS_WAREHOUSE', 'warehouse.duckdb') }}"}
""",
    "macros/names.sql": """
{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}
{% macro doubled(x) %}{{ x }} * 2{% endmacro %}
""",
    "seeds/targets.csv": "kpi,target\ncsat,80\nnps,30\n",
    "seeds/other.csv": "a\n1\n",
    "models/first.sql": """
select kpi, {{ doubled('target') }} as target, '{{ env_var('CXMARTS_BUILD_ID', '') }}' as build
from {{ ref('targets') }}
""",
    "models/second.sql": "select count(*) as n from {{ ref('first') }}",
    "models/third.sql": "select a from {{ ref('other') }}",
    "models/schema.yml": """
models:
  - name: first
    columns:
      - name: kpi
        data_tests: [unique]
""",
}


ALL = {"targets", "other", "first", "second", "third"}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packaged")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def shared(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    yield Project(Home(tmp_path_factory.mktemp("home")), None, packaged).prepare()


@pytest.fixture
def home(shared: Project, tmp_path: Path) -> Home:
    """A home in which the project was parsed before: dbt reads again what changed."""
    return Home(Path(shutil.copytree(shared.folder.parent, tmp_path / "home")))


def parameters(home: Path) -> RunParameters:
    return RunParameters(
        warehouse=home / "warehouse.duckdb",
        landing=home / "landing",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        build_id="b1",
        timezone="UTC",
        memory_limit="1GB",
    )


def test_an_unknown_rule_file_is_refused_with_the_known_names(
    packaged: Path, rules: Path, tmp_path: Path
) -> None:
    (rules / "target.csv").write_text("kpi,target\n")
    with pytest.raises(
        SettingsError, match=r"target\.csv is no rule file; there are other\.csv, targets\.csv"
    ):
        Project(Home(tmp_path / "home"), rules, packaged).prepare()


def test_other_columns_are_refused_with_their_names(packaged: Path, rules: Path, tmp_path: Path) -> None:
    (rules / "targets.csv").write_text("kpi,goal\ncsat,80\n")
    with pytest.raises(
        SettingsError, match=r"targets\.csv lacks target and has unknown goal \(columns are kpi, target\)"
    ):
        Project(Home(tmp_path / "home"), rules, packaged).prepare()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "kpi,target\nZufriedenheit für alle,80\n".encode("cp1252"),
            r"targets\.csv:2: is not UTF-8 text \(byte 0xFC\)",
        ),
        ("kpi,target\n".encode("utf-16"), r"targets\.csv:1: is not UTF-8 text"),
        (b"kpi;target\ncsat;80\n", r"targets\.csv is separated by semicolons; save it with commas"),
        (b"kpi,target\ncsat,80\n\nces,1,2\n", r"targets\.csv:4: the row has 3 cells, the header 2"),
        (b'kpi,target\ncsat,80\n"ces,1\n', r"targets\.csv:3: unexpected end of data"),
        (b"kpi,target,target\ncsat,80,81\n", r"targets\.csv has twice target"),
    ],
)
def test_a_rule_file_that_cannot_be_read_is_named_with_its_line(
    packaged: Path, rules: Path, tmp_path: Path, content: bytes, expected: str
) -> None:
    (rules / "targets.csv").write_bytes(content)
    with pytest.raises(SettingsError, match=expected):
        Project(Home(tmp_path / "home"), rules, packaged).prepare()


def test_a_rule_for_a_kpi_that_there_is_not_is_named_with_its_line(rules: Path, tmp_path: Path) -> None:
    """A source's own service metric may be new to us; a company's own definitions go before ours."""
    packaged, goals = tmp_path / "packaged", "kpi,dimension\ncsat,\nsla_own,\n"
    (packaged / "seeds").mkdir(parents=True)
    for name in ("kpi_definitions", "kpi_targets", "benchmarks", "changes"):
        (packaged / "seeds" / f"{name}.csv").write_text("kpi,dimension\ncsat,\n")
        (rules / f"{name}.csv").write_text(goals)
    project = Project(Home(tmp_path / "home"), rules, packaged)
    project._files()
    for name in ("kpi_targets", "benchmarks", "changes"):
        (rules / f"{name}.csv").write_text(f"\ufeff{goals}\nctas,\n")
    with pytest.raises(SettingsError) as refused:
        project._files()
    assert [problem.partition(f"{rules}/")[2] for problem in refused.value.problems] == [
        f"{name}.csv:5: there is no KPI 'ctas'; there are csat, sla_own"
        for name in ("benchmarks", "changes", "kpi_targets")
    ]
    (rules / "kpi_definitions.csv").write_text("kpi,dimension\nctas,\ncsat,\n")
    project._files()


def test_a_rule_file_from_before_a_column_came_is_empty_in_it(
    packaged: Path, rules: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dbt.LATER_COLUMNS, "targets.csv", ["target"])
    (rules / "targets.csv").write_text('\ufeffkpi\n"a, b"\n')
    project = Project(home, rules, packaged).prepare()
    with (project.folder / "seeds" / "targets.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["kpi", "target"], ["a, b", ""]]


def test_dimensions_of_a_rules_folder_from_before_go_on(packaged: Path, rules: Path, tmp_path: Path) -> None:
    """They were a file of their own; what the list has already is there once."""
    own = shutil.copytree(packaged, tmp_path / "packaged")
    (own / "seeds" / "dimensions.csv").write_text("dimension,record_column\nsegment,segment\n")
    (rules / "declared_dimensions.csv").write_text("dimension\nregion\nsegment\n\n")
    project = Project(Home(tmp_path / "home"), rules, own).prepare()
    assert (project.folder / "seeds" / "dimensions.csv").read_text().split() == [
        "dimension,record_column",
        "segment,segment",
        "region,",
    ]
    (rules / "declared_dimensions.csv").write_text("dimension,label\nregion,R\n")
    with pytest.raises(SettingsError, match=r"declared_dimensions\.csv has unknown label"):
        project.prepare()


def test_the_analysts_rules_win_and_the_package_stays(packaged: Path, rules: Path, home: Home) -> None:
    own = "\ufefftarget,kpi\n90,csat\n"
    (rules / "targets.csv").write_text(own)
    project = Project(home, rules, packaged).prepare()
    results = project.build(["targets", "first", "second"], parameters(home.root))
    assert [r.status for r in results if r.is_failed] == []
    with duckdb.connect(str(home.root / "warehouse.duckdb")) as con:
        assert con.execute("SELECT kpi, target FROM marts.first").fetchall() == [("csat", 180)]
    assert (packaged / "seeds" / "targets.csv").read_text() == FILES["seeds/targets.csv"]


def test_it_is_parsed_again_only_when_something_changed(shared: Project, packaged: Path) -> None:
    home = Home(shared.folder.parent)
    before = shared.manifest_path.stat().st_mtime_ns
    Project(home, None, packaged).prepare()
    assert shared.manifest_path.stat().st_mtime_ns == before
    (packaged / "models" / "extra.sql").write_text("select 1 as one")
    try:
        assert "model.tiny.extra" in Project(home, None, packaged).prepare().manifest["nodes"]
    finally:
        (packaged / "models" / "extra.sql").unlink()
    again = Project(home, None, packaged).prepare()
    assert "model.tiny.extra" not in again.manifest["nodes"]
    assert not (again.folder / "models" / "extra.sql").exists()


def test_what_was_parsed_at_installation_serves_every_home(
    shared: Project, packaged: Path, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.prepare().keep(packaged / "target" / "parsed")
    parsed: list[str] = []
    invoke = dbt._invoke
    monkeypatch.setattr(dbt, "_invoke", lambda *given: (parsed.append(given[1][0]), invoke(*given))[1])
    project = Project(Home(tmp_path / "home"), None, packaged).prepare()
    assert parsed == []
    assert fingerprints(project.manifest, "UTC") == fingerprints(shared.manifest, "UTC")
    assert [r for r in project.build(["targets"], parameters(tmp_path)) if r.is_failed] == []
    (rules / "targets.csv").write_text("kpi,target\ncsat,90\n")
    own = Project(Home(tmp_path / "other"), rules, packaged).prepare()
    assert fingerprints(own.manifest, "UTC")["targets"] != fingerprints(project.manifest, "UTC")["targets"]
    assert parsed == ["build"]
    (packaged / "models" / "extra.sql").write_text("select 1 as one")
    try:
        own.prepare()
    finally:
        (packaged / "models" / "extra.sql").unlink()
    assert parsed == ["build", "parse"]


def test_a_home_may_be_moved(packaged: Path, home: Home, tmp_path: Path) -> None:
    before = Project(home, None, packaged).prepare()
    known, parsed_at = fingerprints(before.manifest, "UTC"), before.manifest_path.stat().st_mtime_ns
    home.root.rename(tmp_path / "moved")
    project = Project(Home(tmp_path / "moved"), None, packaged).prepare()
    assert project.manifest_path.stat().st_mtime_ns == parsed_at
    assert fingerprints(project.manifest, "UTC") == known
    assert [r for r in project.build(["targets"], parameters(tmp_path / "moved")) if r.is_failed] == []


def test_a_broken_project_is_one_clear_error(packaged: Path, home: Home) -> None:
    (packaged / "models" / "broken.sql").write_text("select * from {{ ref('nowhere') }}")
    try:
        with pytest.raises(DbtError, match="nowhere"):
            Project(home, None, packaged).prepare()
    finally:
        (packaged / "models" / "broken.sql").unlink()


def test_a_build_reports_nodes_and_tests_and_leaves_the_file_free(shared: Project, tmp_path: Path) -> None:
    told: list[NodeResult] = []
    results = shared.build(["targets", "first", "second"], parameters(tmp_path), on_node=told.append)
    assert [(r.name, r.status) for r in results] == [
        ("targets", "success"),
        ("first", "success"),
        ("unique_first_kpi", "pass"),
        ("second", "success"),
    ]
    assert [r.name for r in told] == [r.name for r in results]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT DISTINCT build FROM marts.first").fetchall() == [("b1",)]


def test_a_failing_test_stops_what_follows_and_counts_its_rows(shared: Project, tmp_path: Path) -> None:
    shared.build(["targets", "first"], parameters(tmp_path))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("INSERT INTO rules.targets VALUES ('csat', 1), ('nps', 2)")
    results = {r.name: r for r in shared.build(["first", "second"], parameters(tmp_path))}
    assert (results["unique_first_kpi"].status, results["unique_first_kpi"].failures) == ("fail", 2)
    assert results["second"].status == "skipped"


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("models/second.sql", "select count(*) + 1 as n from {{ ref('first') }}", {"second"}),
        ("models/first.sql", "select kpi, target from {{ ref('targets') }}", {"first", "second"}),
        ("seeds/targets.csv", "kpi,target\ncsat,81\n", {"targets", "first", "second"}),
        ("macros/names.sql", FILES["macros/names.sql"].replace("* 2", "* 3"), ALL),
    ],
)  # fmt: skip
def test_a_change_reaches_what_reads_it(
    shared: Project, packaged: Path, home: Home, file: str, text: str, changed: set[str]
) -> None:
    before = fingerprints(shared.manifest, "UTC")
    (packaged / file).write_text(text)
    try:
        after = fingerprints(Project(home, None, packaged).prepare().manifest, "UTC")
    finally:
        (packaged / file).write_text(FILES[file])
    assert {name for name in before if before[name] != after[name]} == changed


def test_a_time_zone_changes_everything(shared: Project) -> None:
    utc, berlin = fingerprints(shared.manifest, "UTC"), fingerprints(shared.manifest, "Europe/Berlin")
    assert all(utc[name] != berlin[name] for name in utc)


def test_rules_alone_leave_the_fingerprints_of_code(shared: Project, packaged: Path, home: Home) -> None:
    before = fingerprints(shared.manifest, "UTC", with_contents=False)
    seed = packaged / "seeds" / "targets.csv"
    seed.write_text("kpi,target\ncsat,81\n")
    try:
        manifest = Project(home, None, packaged).prepare().manifest
        assert fingerprints(manifest, "UTC", with_contents=False) == before
    finally:
        seed.write_text(FILES["seeds/targets.csv"])


def test_what_changed_is_dropped_and_what_did_not_stays(shared: Project, tmp_path: Path) -> None:
    wanted = fingerprints(shared.manifest, "UTC")
    shared.build(["targets", "other", "first", "second", "third"], parameters(tmp_path))
    with control_tables.connect(tmp_path / "warehouse.duckdb") as con:
        assert set(control_tables.drop_changed(con, shared.manifest, wanted)) == set(wanted)  # never recorded
    shared.build(["targets", "other", "first", "second", "third"], parameters(tmp_path))
    with control_tables.connect(tmp_path / "warehouse.duckdb") as con:
        con.execute("INSERT INTO control.applied_batches VALUES ('first', 'x')")
        control_tables.save_fingerprints(con, wanted)
        assert control_tables.drop_changed(con, shared.manifest, wanted) == []
        con.execute("CREATE TABLE marts.retired AS SELECT 1 AS n")
        con.execute("INSERT INTO control.fingerprints VALUES ('retired', 'x')")
        assert control_tables.drop_changed(con, shared.manifest, {**wanted, "first": "new"}) == ["first"]
        left = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert {"second", "targets"} <= left
        assert not {"first", "retired"} & left
        assert con.execute("SELECT * FROM control.applied_batches").fetchall() == []
