"""The dbt project as Dagster sees it, from a parsed project in miniature."""

from typing import Any

from orchestration.assets.graph import ModelGraph


def node(name: str, *reads: str, schema: str = "marts", materialized: str = "table") -> dict[str, Any]:
    return {
        "name": name,
        "unique_id": f"model.tiny.{name}",
        "resource_type": "model",
        "schema": schema,
        "database": "warehouse",
        "alias": name,
        "description": "",
        "columns": {},
        "fqn": ["tiny", name],
        "package_name": "tiny",
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "raw_code": "select 1",
        "tags": [],
        "meta": {},
        "config": {"materialized": materialized, "schema": schema, "meta": {}, "tags": []},
        "depends_on": {"nodes": [f"model.tiny.{parent}" for parent in reads], "macros": []},
    }


def test_what_is_read_through_an_ephemeral_model_comes_first() -> None:
    """Alphabetical or manifest order would yield `a_mart` before the model it reads through `between`."""
    nodes = [
        node("a_mart", "between"),
        node("between", "z_core", materialized="ephemeral", schema="core"),
        node("z_core", schema="core"),
    ]
    manifest = {
        "nodes": {n["unique_id"]: n for n in nodes},
        "sources": {},
        "groups": {},
        "metadata": {"adapter_type": "duckdb"},
        "child_map": {},
    }
    graph = ModelGraph(manifest)
    assert graph.order == ["z_core", "a_mart"]
    assert [key.to_user_string() for key in graph.keys.values()] == ["marts/a_mart", "core/z_core"]
    [mart] = [spec for spec in graph.specs.values() if spec.key.path[-1] == "a_mart"]
    assert [dep.asset_key.to_user_string() for dep in mart.deps] == ["core/z_core"]


def test_what_lands_is_read_and_the_book_keeping_is_no_asset() -> None:
    sources = {
        f"source.tiny.{schema}.{name}": {"source_name": schema, "name": name, "resource_type": "source"}
        for schema, name in (("raw_zendesk", "tickets"), ("control", "batches"))
    }
    parsed = node("new_zendesk__tickets", schema="parse")
    parsed["depends_on"]["nodes"] = [*sources]
    mart = node("a_mart", "new_zendesk__tickets")
    described = {"name": "n", "data_type": "bigint", "description": "Tickets.", "config": {"meta": {}}}
    mart["columns"] = {"n": described}
    manifest = {"nodes": {n["unique_id"]: n for n in (mart, parsed)}, "sources": sources, "metadata": {}}
    of_mart, of_parsed = ModelGraph(manifest).specs.values()
    assert [dep.asset_key.to_user_string() for dep in of_parsed.deps] == ["raw_zendesk/tickets"]
    assert [dep.asset_key.to_user_string() for dep in of_mart.deps] == ["parse/new_zendesk__tickets"]
    assert of_mart.metadata["dagster/table_name"] == "marts.a_mart"
    [column] = of_mart.metadata["dagster/column_schema"].columns
    assert (column.name, column.type, column.description) == ("n", "bigint", "Tickets.")


def test_groups_follow_the_folders_and_owners_the_cards() -> None:
    ours = {"email": "marts@example.com"}
    nodes = [
        node("a_mart") | {"fqn": ["tiny", "marts", "a_mart"]},
        node("kpi_a") | {"fqn": ["tiny", "kpis", "kpi_a"]},
        node("kpi_b") | {"fqn": ["tiny", "kpis", "kpi_b"]},
        node("journal") | {"fqn": ["tiny", "books", "journal"]},
    ]
    owners = {"kpi_a": "care@example.com", "kpi_b": "the care team"}
    for each in nodes:
        each["group"] = "analytics"
        each["config"]["meta"] = {"owner": owners[each["name"]]} if each["name"] in owners else {}
    manifest = {
        "nodes": {n["unique_id"]: n for n in nodes},
        "sources": {},
        "groups": {"group.tiny.analytics": {"name": "analytics", "owner": ours}},
        "child_map": {n["unique_id"]: [] for n in nodes},
        "metadata": {"project_name": "tiny"},
        "macros": {},
        "exposures": {},
    }
    specs = {spec.key.path[-1]: spec for spec in ModelGraph(manifest).specs.values()}
    assert {name: spec.group_name for name, spec in specs.items()} == {
        "a_mart": "marts", "kpi_a": "kpis", "kpi_b": "kpis", "journal": "books",
    }  # fmt: skip
    assert {name: list(spec.owners) for name, spec in specs.items()} == {
        # dbt's groups have owners because dbt wants some.
        "a_mart": [],
        "kpi_a": ["care@example.com"],
        # No address and no team: Dagster takes no other owner.
        "kpi_b": [],
        "journal": [],
    }
