"""Column lineage read off SQL, through stars, CTEs and subqueries; nothing where the SQL leaves doubt."""

from pathlib import Path

import pytest

from orchestration.warehouse.lineage import Columns, Store, resolve

COLUMNS = {
    ("core", "orders"): ["order_id", "customer_id", "euros", "placed_at"],
    ("core", "customers"): ["customer_id", "name"],
    ("raw_shop", "orders"): ["record_id", "payload"],
}


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "select o.*, upper(c.name) as customer"
            " from w.core.orders as o join core.customers as c using (customer_id)",
            {
                "order_id": ["orders.order_id"],
                "customer_id": ["orders.customer_id"],
                "euros": ["orders.euros"],
                "placed_at": ["orders.placed_at"],
                "customer": ["customers.name"],
            },
        ),
        (
            "with paid as (select order_id, euros * 100 as cents from core.orders),"
            " twice as (select cents + order_id as mixed from paid)"
            " select mixed, count(*) over (partition by mixed) as n from twice",
            {"mixed": ["orders.euros", "orders.order_id"], "n": ["orders.euros", "orders.order_id"]},
        ),
        (
            "select order_id as id, 'order' as kind from core.orders"
            " union all select customer_id, name from core.customers",
            {"id": ["customers.customer_id", "orders.order_id"], "kind": ["customers.name"]},
        ),
        (
            "select name, customer_id from core.customers"
            " union all by name select customer_id, 'x' as name from core.orders",
            {"name": ["customers.name"], "customer_id": ["customers.customer_id", "orders.customer_id"]},
        ),
        (
            "select (select max(o.euros) from core.orders as o where o.customer_id = c.customer_id) as most"
            " from core.customers as c",
            {"most": ["orders.euros"]},
        ),
        (
            "select cast(g.d as date) as day from"
            " unnest(generate_series((select min(placed_at) from core.orders), now(), interval 1 day))"
            " as g (d)",
            {"day": ["orders.placed_at"]},
        ),
        (
            "select r.record_id as id, r.payload ->> '$.euros' as euros from read_parquet(['a', 'b']) as r",
            {"id": ["orders.record_id"], "euros": ["orders.payload"]},
        ),
        (
            "with recursive parts (no, name) as (select 1, name from core.customers union all select 1, null"
            " union all (select max(no) + 1, max(customer_id) from core.orders, parts"
            " union all select max(no) + 1, null from parts having max(no) < 3))"
            " select no, name from parts",
            {"no": [], "name": ["customers.name", "orders.customer_id"]},
        ),
    ],
    ids=["star", "cte", "union", "union by name", "scalar subquery", "table function", "files", "recursion"],
)
def test_columns_are_traced_to_tables(sql: str, wanted: dict[str, list[str]]) -> None:
    found = resolve(sql, COLUMNS, files=("raw_shop", "orders"))
    assert {
        name: [f"{table}.{column}" for _, table, column in leaves] for name, leaves in found.items()
    } == wanted


@pytest.mark.parametrize(
    "sql",
    [
        "select nowhere from core.orders",
        "select customer_id from core.orders, core.customers",
        "select x.name from pg_timezone_names() as x",
        "select from where",
        "drop table core.orders",
    ],
    ids=["unknown column", "ambiguous", "function", "no SQL", "no query"],
)
def test_what_is_in_doubt_is_left_out(sql: str) -> None:
    assert resolve(sql, COLUMNS) == {}


def test_it_is_kept_by_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "columns.json")
    found = Columns({"a": "BIGINT"}, {"a": [["core", "orders", "euros"]]})
    doubtful = Columns({"a": "BIGINT", "b": "VARCHAR"}, {})
    assert store.get("mart", "v1") is None
    store.put("mart", "v1", found)
    store.put("doubtful", "v1", doubtful)
    store.save()
    again = Store(tmp_path / "columns.json")
    assert again.get("mart", "v1") == found
    assert again.get("doubtful", "v1") == doubtful
    assert again.get("mart", "v2") is None
    (tmp_path / "columns.json").write_text("{torn")
    assert Store(tmp_path / "columns.json").get("mart", "v1") is None
