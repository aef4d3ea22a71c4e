"""How a model becomes a table: whole or not at all, and never against its contract."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.assets.models import describe
from orchestration.ground.home import Home
from orchestration.warehouse.dbt import PACKAGED, NodeResult, Project, RunParameters

FILES = {
    "dbt_project.yml": """
name: tiny
version: "1.0"
profile: tiny
models: {+schema: marts, +materialized: table}
""",
    "profiles.yml": """
tiny:
  target: here
  outputs:
    here:
      type: duckdb
      path: "{{ env_var('CXMARTS_WAREHOUSE', 'warehouse.duckdb') }}"
      config_options: {memory_limit: "{{ env_var('CXMARTS_MEMORY_LIMIT', '1GB') }}"}
""",
    "macros/names.sql": """
{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}
{% macro get_incremental_replace_ids_sql(arg_dict) %}
delete from {{ arg_dict['target_relation'] }} where id in (select id from {{ arg_dict['temp_relation'] }});
insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }};
{% endmacro %}
""",
    "models/promised.sql": """
{{ config(contract={'enforced': true}) }}
{% if env_var('CXMARTS_BUILD_ID', '') == 'another type' %}select 1.5e0 as n, 'b' as word
{% elif env_var('CXMARTS_BUILD_ID', '') == 'another order' %}select 'b' as word, 2 as n
{% elif env_var('CXMARTS_BUILD_ID', '') == 'more' %}select 2 as n, 'b' as word, 3 as extra
{% else %}select 1 as n, 'a' as word
{% endif %}
""",
    "models/growing.sql": """
{{ config(
    materialized='incremental', incremental_strategy='replace_ids',
    post_hook="{{ 'select error(1 / 0)' if env_var('CXMARTS_BUILD_ID', '') == 'fails' }}"
) }}
{% if env_var('CXMARTS_BUILD_ID', '') == 'wider' %}select 1 as id, 'w' as build, 0 as more
{% elif is_incremental() %}select 2 as id, '{{ env_var('CXMARTS_BUILD_ID', '') }}' as build
{% else %}select unnest([1, 2]) as id, 'first' as build
{% endif %}
""",
    "models/indexed.sql": "{{ config(indexes=[{'columns': ['a']}]) }} select 1 as a",
    "models/granted.sql": "{{ config(grants={'select': ['everyone']}) }} select 1 as a",
    "models/hungry.sql": "select list(range) as all_of_them from range(10000000)",
    "models/changing.sql": "{{ config(materialized='view') }} select 1 as a",
    "models/schema.yml": """
models:
  - name: promised
    columns:
      - {name: n, data_type: integer}
      - {name: word, data_type: varchar}
""",
}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packaged")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(PACKAGED / "materializations" / "duckdb.sql", folder / "macros")
    return folder


@pytest.fixture(scope="module")
def project(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    yield Project(Home(tmp_path_factory.mktemp("home")), None, packaged).prepare()


def build(
    project: Project, folder: Path, name: str, build_id: str = "", memory_limit: str = "1GB"
) -> NodeResult:
    parameters = RunParameters(
        warehouse=folder / "warehouse.duckdb",
        landing=folder / "landing",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        build_id=build_id,
        timezone="UTC",
        memory_limit=memory_limit,
    )
    [result] = project.build([name], parameters)
    return result


def rows(folder: Path, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        return con.execute(f"SELECT * FROM marts.{table} ORDER BY ALL").fetchall()


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("another type", "has n DOUBLE, word VARCHAR and should have n INTEGER"),
        ("another order", "has word VARCHAR, n INTEGER and should have n INTEGER, word VARCHAR"),
        ("more", "extra INTEGER"),
    ],
)
def test_a_table_against_its_contract_is_refused_and_the_one_before_stays(
    project: Project, tmp_path: Path, broken: str, says: str
) -> None:
    assert not build(project, tmp_path, "promised").is_failed
    result = build(project, tmp_path, "promised", broken)
    assert result.is_failed
    assert says in result.message
    assert rows(tmp_path, "promised") == [(1, "a")]


def test_rows_that_came_replace_those_of_their_key(project: Project, tmp_path: Path) -> None:
    build(project, tmp_path, "growing", "first")
    assert not build(project, tmp_path, "growing", "second").is_failed
    assert rows(tmp_path, "growing") == [(1, "first"), (2, "second")]


def test_a_hook_that_fails_leaves_the_table_as_it_was(project: Project, tmp_path: Path) -> None:
    build(project, tmp_path, "growing", "first")
    assert build(project, tmp_path, "growing", "fails").is_failed
    assert rows(tmp_path, "growing") == [(1, "first"), (2, "first")]


def test_rows_of_another_shape_do_not_enter(project: Project, tmp_path: Path) -> None:
    build(project, tmp_path, "growing", "first")
    result = build(project, tmp_path, "growing", "wider")
    assert result.is_failed
    assert "other columns" in result.message
    assert rows(tmp_path, "growing") == [(1, "first"), (2, "first")]


@pytest.mark.parametrize(("name", "asks_for"), [("indexed", "indexes"), ("granted", "grants")])
def test_a_model_that_asks_for_what_is_not_done_is_refused(
    project: Project, tmp_path: Path, name: str, asks_for: str
) -> None:
    result = build(project, tmp_path, name)
    assert result.is_failed
    assert f"asks for {asks_for}" in result.message


def test_a_model_that_lacks_memory_says_what_gives_it_more(project: Project, tmp_path: Path) -> None:
    result = build(project, tmp_path, "hungry", memory_limit="20MB")
    assert result.is_failed
    assert "hungry" in describe(result)
    assert "CXMARTS_MEMORY_LIMIT" in describe(result)


def test_a_view_may_become_a_table(packaged: Path, tmp_path: Path) -> None:
    first = Project(Home(tmp_path / "home"), None, packaged).prepare()
    assert not build(first, tmp_path, "changing").is_failed
    model = packaged / "models" / "changing.sql"
    model.write_text("select 2 as a")
    try:
        assert not build(
            Project(Home(tmp_path / "home"), None, packaged).prepare(), tmp_path, "changing"
        ).is_failed
    finally:
        model.write_text(FILES["models/changing.sql"])
    assert rows(tmp_path, "changing") == [(2,)]
