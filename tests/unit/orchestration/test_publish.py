"""A publication is complete, verified, and switched to in one step; otherwise nothing changes."""

import hashlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publication import publish
from orchestration.publication.marts_file import Description, PublishError
from tests.trees import tree

FACTS = {"as_of": "2026-03-01T02:00:00+00:00", "build_id": "build-1"}
START = datetime(2026, 3, 1, 3, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "warehouse.duckdb"
    path.parent.mkdir()
    build(path, "SELECT 1 AS ticket_id, 'a''b' AS status, TIMESTAMPTZ '2026-01-01 10:00:00+02' AS created_at")
    return path


def build(path: Path, query: str, mart: str = "tickets") -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA IF NOT EXISTS marts; CREATE SCHEMA IF NOT EXISTS core")
        con.execute("CREATE OR REPLACE TABLE core.secret AS SELECT 'name' AS person")
        con.execute(f"CREATE OR REPLACE TABLE marts.{mart} AS {query}")


def write(
    path: Path, marts: list[str] | None = None, hours: int = 0, keep: int = 14, **options: object
) -> publish.Publication:
    published = path.parent / "published"
    now = START + timedelta(hours=hours)
    return publish.publish(path, published, marts or ["tickets"], FACTS, keep=keep, now=now, **options)  # type: ignore[arg-type]


def test_what_readers_find(warehouse: Path) -> None:
    tickets = Description("Tickets, one a row: it's all", {"status": 'new, "open"', "later": "not built yet"})
    done = write(warehouse, descriptions={"tickets": tickets, "agents": Description("not published", {})})
    current = warehouse.parent / "published" / "current"
    assert current.is_symlink()
    assert publish.current(current.parent) == done
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        assert con.execute("SELECT ticket_id, status FROM tickets").fetchall() == [(1, "a'b")]
        assert con.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall() == [
            ("tickets", "Tickets, one a row: it's all")
        ]
        [(comment,)] = con.execute(
            "SELECT comment FROM duckdb_columns() WHERE column_name = 'status'"
        ).fetchall()
        assert comment == 'new, "open"'
    rows = duckdb.read_parquet(str(current / "marts" / "tickets.parquet")).fetchall()
    assert rows[0][:2] == (1, "a'b")
    mart = done.manifest["marts"]["tickets"]
    assert mart["rows"] == 1
    assert [c["name"] for c in mart["columns"]] == ["ticket_id", "status", "created_at"]
    assert (done.manifest["as_of"], done.manifest["version"]) == (FACTS["as_of"], done.version)


def test_old_engines_can_read_the_file(warehouse: Path) -> None:
    """The storage version stands in the file's header: 64 is what DuckDB 1.0 to 1.1 read."""
    header = (write(warehouse).path / "marts.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_nothing_names_a_path_of_the_machine(warehouse: Path) -> None:
    done = write(warehouse)
    for file in done.path.rglob("*"):
        assert not file.is_file() or str(warehouse.parent).encode() not in file.read_bytes()


def test_the_content_hash_sees_content_only(warehouse: Path) -> None:
    hours = itertools.count()

    def hash_of(query: str) -> str:
        build(warehouse, query)
        return str(write(warehouse, hours=next(hours)).manifest["marts"]["tickets"]["content_hash"])

    base = hash_of("SELECT * FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.5)) AS t(id, name, value)")
    same = {
        "other order": "SELECT * FROM (VALUES (2, NULL, 2.5), (1, 'a', 1.5)) AS t(id, name, value)",
    }
    other = {
        "a value": "SELECT * FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.6)) AS t(id, name, value)",
        "null and text": "SELECT * FROM (VALUES (1, 'a', 1.5), (2, 'NULL', 2.5)) AS t(id, name, value)",
        "one row twice": "SELECT * FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.5), (2, NULL, 2.5))"
        " AS t(id, name, value)",
        "a column's name": "SELECT * FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.5)) AS t(id, label, value)",
        "a column's type": "SELECT id::BIGINT AS id, name, value"
        " FROM (VALUES (1, 'a', 1.5), (2, NULL, 2.5)) AS t(id, name, value)",
    }
    assert [name for name, query in same.items() if hash_of(query) != base] == []
    assert [name for name, query in other.items() if hash_of(query) == base] == []


def test_swapped_columns_are_another_content(warehouse: Path) -> None:
    build(warehouse, "SELECT 'x' AS a, 'y' AS b")
    first = write(warehouse).manifest["marts"]["tickets"]["content_hash"]
    build(warehouse, "SELECT 'y' AS a, 'x' AS b")
    assert write(warehouse, hours=1).manifest["marts"]["tickets"]["content_hash"] != first


def test_run_columns_do_not_count(warehouse: Path) -> None:
    build(warehouse, "SELECT 1 AS id, 'run-1' AS build_id")
    first = write(warehouse).manifest["marts"]["tickets"]["content_hash"]
    build(warehouse, "SELECT 1 AS id, 'run-2' AS build_id")
    second = write(warehouse, hours=1)
    assert second.manifest["marts"]["tickets"]["content_hash"] == first
    assert duckdb.read_parquet(str(second.path / "marts" / "tickets.parquet")).fetchall() == [(1, "run-2")]


def test_a_row_keeps_the_version_that_showed_it_first(warehouse: Path) -> None:
    build(warehouse, "SELECT 1 AS id, NULL::VARCHAR AS version")
    first = write(warehouse)
    build(warehouse, f"SELECT 1 AS id, '{first.version}' AS version UNION ALL SELECT 2, NULL")
    second = write(warehouse, hours=1)
    for folder, rows in ((first, [(1, first.version)]), (second, [(1, first.version), (2, second.version)])):
        assert (
            duckdb.read_parquet(str(folder.path / "marts" / "tickets.parquet")).order("id").fetchall() == rows
        )


MANY = "SELECT i AS id, md5(i::VARCHAR) AS label, i * {factor} AS value FROM range({rows}) AS t(i)"


def rows_of(version: publish.Publication, mart: str) -> list[tuple[object, ...]]:
    """The rows that both of a version's forms show."""
    with duckdb.connect(str(version.path / "marts.duckdb"), read_only=True) as con:
        rows = con.execute(f"FROM {mart} ORDER BY ALL").fetchall()
    parquet = duckdb.read_parquet(str(version.path / "marts" / f"{mart}.parquet"))
    assert parquet.query("p", "FROM p ORDER BY ALL").fetchall() == rows
    return rows


def contents_of(version: publish.Publication) -> dict[str, object]:
    """All tables, views, functions and comments of a version's database."""
    with duckdb.connect(str(version.path / "marts.duckdb"), read_only=True) as con:
        return {
            "tables": con.execute("SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL").fetchall(),
            "columns": con.execute(
                "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
                " ORDER BY table_name, column_index"
            ).fetchall(),
            "views": con.execute(
                "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
            ).fetchall(),
            "functions": con.execute(
                "SELECT function_name, function_type, macro_definition FROM duckdb_functions()"
                " WHERE NOT internal ORDER BY ALL"
            ).fetchall(),
        }


def test_a_version_goes_on_from_the_one_before(warehouse: Path) -> None:
    """What did not change stands in the same blocks; few rows that did are replaced; old files stay."""
    build(warehouse, MANY.format(factor=1, rows=100_000))
    build(warehouse, "SELECT * FROM range(100_000) AS t(number)", "groups")
    first = write(warehouse, ["tickets", "groups"])
    before = tree(first.path)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("UPDATE marts.tickets SET value = -1 WHERE id % 1000 = 7")
        con.execute("DELETE FROM marts.tickets WHERE id % 1000 = 8")
        con.execute("INSERT INTO marts.tickets SELECT -id - 1, label, value FROM marts.tickets WHERE id < 50")
        expected = con.execute("FROM marts.tickets ORDER BY ALL").fetchall()
    second = write(warehouse, ["tickets", "groups"], hours=1)
    assert rows_of(second, "tickets") == expected
    assert rows_of(second, "groups") == rows_of(first, "groups")
    assert tree(first.path) == before
    old, new = ((v.path / "marts.duckdb").read_bytes() for v in (first, second))
    start, size = 3 * 4096, 256 * 1024
    blocks = {old[at : at + size] for at in range(start, len(old), size)}
    shared = sum(new[at : at + size] in blocks for at in range(start, len(new), size))
    assert shared > len(blocks) / 2


def test_versions_do_not_grow(warehouse: Path) -> None:
    """Night after night some rows of one mart change, and all of another: the file stays of a size."""
    build(warehouse, MANY.format(factor=1, rows=60_000))
    build(warehouse, MANY.format(factor=1, rows=10_000), "groups")
    sizes, stored = [], []
    for hour in range(12):
        done = write(warehouse, ["tickets", "groups"], hours=hour, keep=2)
        sizes.append((done.path / "marts.duckdb").stat().st_size)
        with duckdb.connect(str(done.path / "marts.duckdb"), read_only=True) as con:
            found = con.execute("SELECT estimated_size FROM duckdb_tables() WHERE table_name = 'tickets'")
            stored += [rows for (rows,) in found.fetchall()]
        with duckdb.connect(str(warehouse)) as con:
            expected = con.execute("FROM marts.tickets ORDER BY ALL").fetchall()
            con.execute(f"UPDATE marts.tickets SET value = value + 1 WHERE id % 25 = {hour}")
            con.execute("UPDATE marts.groups SET value = value + 1")
    assert rows_of(done, "tickets") == expected
    assert stored[1] == 60_000 * 1.04  # deleted rows keep their place ...
    assert max(stored) < 60_000 * 1.04 / 0.9  # ... and are at most a tenth
    assert max(sizes) < 2 * sizes[0]
    header = (done.path / "marts.duckdb").read_bytes()[12:20]
    assert int.from_bytes(header, "little") == 64  # still what DuckDB 1.0 reads


def test_the_file_is_as_large_as_its_rows(warehouse: Path) -> None:
    """Where all rows change, the new ones take the place of the old; what shrinks gives its place back."""
    sizes = []
    build(warehouse, "SELECT 1 AS id", "groups")
    for hour, rows in enumerate((200_000, 200_000, 1_000, 1_000)):
        build(warehouse, MANY.format(factor=hour, rows=rows))
        done = write(warehouse, ["tickets", "groups"], hours=hour)
        assert len(rows_of(done, "tickets")) == rows
        sizes.append((done.path / "marts.duckdb").stat().st_size)
    assert sizes[1] < 1.5 * sizes[0]
    assert sizes[3] < sizes[0] / 4


@pytest.mark.parametrize(
    "query",
    [
        "SELECT i::VARCHAR AS id, 'x' AS label FROM range(9) AS t(i)",
        "SELECT i AS id, 'x' AS word FROM range(9) AS t(i)",
        "SELECT 'x' AS label, i AS id FROM range(9) AS t(i)",
        "SELECT i AS id, 'x' AS label, 1 AS more FROM range(9) AS t(i)",
        "SELECT i AS id FROM range(9) AS t(i)",
        "SELECT * FROM (VALUES (0, 'x'), (1, 'x'), (1, 'x')) AS t(id, label)",
        "SELECT i AS id, 'x' AS label FROM range(0) AS t(i)",
    ],
    ids=["type", "name", "order", "another", "one less", "twins", "nothing left"],
)
def test_a_changed_mart_is_as_if_written_afresh(warehouse: Path, query: str) -> None:
    build(warehouse, "SELECT unnest([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) AS id, 'x' AS label")
    write(warehouse)
    build(warehouse, query)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        described = con.execute("DESCRIBE marts.tickets").fetchall()
        expected = con.execute("FROM marts.tickets ORDER BY ALL").fetchall()
    second = write(warehouse, hours=1)
    assert rows_of(second, "tickets") == expected
    with duckdb.connect(str(second.path / "marts.duckdb"), read_only=True) as con:
        assert [row[:2] for row in con.execute("DESCRIBE tickets").fetchall()] == [r[:2] for r in described]


def test_what_left_the_project_leaves_the_next_version(warehouse: Path) -> None:
    """Marts, views, functions and words: a version is what one written from nothing would be."""
    build(warehouse, "SELECT 1 AS id", "groups")
    ids = "create view ids as select ticket_id from tickets"
    write(
        warehouse,
        ["tickets", "groups"],
        descriptions={
            "tickets": Description("old", {"ticket_id": "its number", "status": "old"}),
            "ids": Description("of tickets", {}),
        },
        views={
            "ids": ids,
            "gone": "create view gone as select id from groups",
            "f": "create macro f(x) as x + 1",
            "g": "create macro g(x) as table select x as y",
        },
    )
    wanted: dict[str, Any] = {
        "descriptions": {
            "tickets": Description("new", {"ticket_id": "its number", "created_at": "when"}),
            "ids": Description("", {"ticket_id": "a number"}),
        },
        "views": {"ids": ids + " where ticket_id > 0", "f": "create macro f(x) as x + 2"},
    }
    second = write(warehouse, ["tickets"], 1, **wanted)
    assert not (second.path / "marts" / "groups.parquet").exists()
    elsewhere = warehouse.parent / "elsewhere"
    afresh = publish.publish(warehouse, elsewhere, ["tickets"], FACTS, keep=1, **wanted)
    assert contents_of(second) == contents_of(afresh)
    assert ("tickets", "status", "VARCHAR", None) in contents_of(second)["columns"]  # type: ignore[operator]


@pytest.mark.parametrize("damage", ["cut off", "altered", "absent", "another's rows"])
def test_a_damaged_file_is_not_carried_on(warehouse: Path, damage: str) -> None:
    build(warehouse, MANY.format(factor=1, rows=50_000))
    build(warehouse, "SELECT 1 AS id", "groups")
    first = write(warehouse, ["tickets", "groups"])
    file = first.path / "marts.duckdb"
    whole = file.read_bytes()
    if damage == "cut off":
        file.write_bytes(whole[: len(whole) // 2])
    elif damage == "altered":
        file.write_bytes(bytes(byte ^ 255 if at % 5000 == 0 else byte for at, byte in enumerate(whole)))
    elif damage == "absent":
        file.unlink()
    else:
        with duckdb.connect(str(file)) as con:
            con.execute("UPDATE tickets SET label = 'x' WHERE id = 17")
    build(warehouse, "SELECT 2 AS id", "groups")
    second = write(warehouse, ["tickets", "groups"], hours=1)
    with duckdb.connect(str(second.path / "marts.duckdb"), read_only=True) as con:
        assert con.execute("FROM groups").fetchall() == [(2,)]
        con.execute(f"ATTACH '{warehouse}' AS candidates (READ_ONLY)")
        differing = "FROM tickets EXCEPT FROM candidates.marts.tickets"
        assert con.execute(
            f"SELECT count(*), (SELECT count(*) FROM ({differing})) FROM tickets"
        ).fetchall() == [(50_000, 0)]


def test_what_fails_half_way_is_told_and_leaves_nothing(warehouse: Path) -> None:
    first = write(warehouse)
    build(warehouse, "SELECT 2 AS ticket_id, 'b' AS status")
    with pytest.raises(duckdb.Error, match="nowhere"):
        write(warehouse, hours=1, views={"v": "create view v as select nowhere from tickets"})
    assert publish.publications(warehouse.parent / "published") == [first]
    assert write(warehouse, hours=2).manifest["marts"]["tickets"]["rows"] == 1


def test_the_manifest_tells_what_the_database_is_known_by(warehouse: Path) -> None:
    written = write(warehouse)
    found = hashlib.sha256((written.path / "marts.duckdb").read_bytes()).hexdigest()
    assert written.manifest["database_sha256"] == found


def test_unchanged_marts_share_their_file(warehouse: Path) -> None:
    build(warehouse, "SELECT 1 AS id", "groups")
    first = write(warehouse, ["tickets", "groups"])
    build(warehouse, "SELECT 2 AS ticket_id")
    second = write(warehouse, ["tickets", "groups"], hours=1)
    inode = [
        {f: (v.path / "marts" / f"{f}.parquet").stat().st_ino for f in ("tickets", "groups")}
        for v in (first, second)
    ]
    assert inode[0]["groups"] == inode[1]["groups"]
    assert inode[0]["tickets"] != inode[1]["tickets"]


def test_a_refusal_leaves_everything_as_it_was(warehouse: Path) -> None:
    write(warehouse)
    published = warehouse.parent / "published"
    before = tree(published)

    def refuse(rows: Mapping[str, int]) -> None:
        raise PublishError("no")

    with pytest.raises(PublishError, match="no"):
        write(warehouse, hours=1, check=refuse)
    with pytest.raises(PublishError, match="mart absent is not in the warehouse"):
        write(warehouse, ["absent", "tickets"], hours=2)
    with pytest.raises(PublishError, match="no marts"):
        publish.publish(warehouse, published, [], FACTS, keep=3)
    assert tree(published) == before


def test_what_a_killed_run_left_is_removed(warehouse: Path) -> None:
    write(warehouse)
    draft = warehouse.parent / "published" / "versions" / ".20260301T999999Z-abc"
    (draft / "marts").mkdir(parents=True)
    assert len(publish.publications(warehouse.parent / "published")) == 1
    write(warehouse, hours=1)
    assert not draft.exists()


def test_readers_never_see_a_mixture(warehouse: Path) -> None:
    """While versions are switched, every read of the pointer gives one complete version."""
    build(warehouse, "SELECT 0 AS n FROM range(1000)")
    write(warehouse)
    current = warehouse.parent / "published" / "current"
    stop, seen, broken = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            folder = current.resolve()
            with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
                from_file = con.execute("SELECT min(n), max(n), count(*) FROM tickets").fetchall()
            parquet = str(folder / "marts" / "tickets.parquet")
            with duckdb.connect() as con:
                from_parquet = con.execute(f"SELECT min(n), max(n), count(*) FROM '{parquet}'").fetchall()
            seen.add(from_file[0])
            if from_file != from_parquet or from_file[0][0] != from_file[0][1] or from_file[0][2] != 1000:
                broken.append((from_file, from_parquet))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in range(1, 9):
            build(warehouse, f"SELECT {version} AS n FROM range(1000)")
            write(warehouse, hours=version)
    finally:
        stop.set()
        reader.join()
    assert broken == []
    assert seen <= {(n, n, 1000) for n in range(9)}


def test_an_open_reader_keeps_its_version(warehouse: Path) -> None:
    write(warehouse)
    current = warehouse.parent / "published" / "current"
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        for hour in range(1, 4):
            build(warehouse, f"SELECT {hour} + 1 AS ticket_id")
            write(warehouse, hours=hour, keep=1)
        assert con.execute("SELECT ticket_id FROM tickets").fetchall() == [(1,)]
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        assert con.execute("SELECT ticket_id FROM tickets").fetchall() == [(4,)]


def test_retention_keeps_the_newest_and_the_current(warehouse: Path) -> None:
    first, *_ = [write(warehouse, hours=hour, keep=3) for hour in range(3)]
    published = warehouse.parent / "published"
    publish.rollback(published, first.version)
    last = write(warehouse, hours=5, keep=2, switch=False)
    kept = publish.publications(published)
    assert kept[0].version == last.version
    assert [p.version for p in kept if p.is_current] == [first.version]
    assert len(kept) == 3  # two newest, and the current one


def test_rollback(warehouse: Path) -> None:
    first = write(warehouse)
    build(warehouse, "SELECT 2 AS ticket_id")
    write(warehouse, hours=1)
    published = warehouse.parent / "published"
    publish.rollback(published, first.version)
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as con:
        assert con.execute("SELECT ticket_id FROM tickets").fetchall() == [(1,)]
    with pytest.raises(PublishError, match="no version '2020'"):
        publish.rollback(published, "2020")


def test_a_version_beside_the_current_one(warehouse: Path) -> None:
    first = write(warehouse)
    beside = write(warehouse, hours=1, switch=False)
    assert not beside.is_current
    found = publish.current(warehouse.parent / "published")
    assert found is not None
    assert found.version == first.version


def test_definition_versions_are_named(warehouse: Path) -> None:
    build(warehouse, "SELECT 1 AS n, 3 AS definition_version", "kpi_csat")
    assert write(warehouse, ["kpi_csat", "tickets"]).manifest["definition_versions"] == {"kpi_csat": ["3"]}


def test_definitions_are_in_the_manifest_and_on_the_columns(warehouse: Path) -> None:
    build(warehouse, "SELECT 80.0 AS csat_pct, 5 AS n", "kpi_csat")
    build(
        warehouse,
        "SELECT 'csat' AS kpi, 'kpi_csat' AS mart, 'csat_pct' AS value_column, 3 AS definition_version,"
        " 'positive / answers' AS definition, 'it''s top two' AS variant"
        " UNION ALL SELECT 'team', 'kpi_csat', NULL, 1, 'several values', 'by event'",
        "kpi_definitions",
    )
    csat = Description("", {"csat_pct": "Percent.", "n": "Answers."})
    done = write(warehouse, ["kpi_csat", "kpi_definitions"], descriptions={"kpi_csat": csat})
    assert done.manifest["definitions"]["csat"] == {
        "mart": "kpi_csat",
        "value_column": "csat_pct",
        "definition_version": 3,
        "definition": "positive / answers",
        "variant": "it's top two",
    }
    with duckdb.connect(str(done.path / "marts.duckdb"), read_only=True) as con:
        comments = dict(
            con.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'kpi_csat'"
            ).fetchall()
        )
    assert comments == {
        "csat_pct": "Percent.\ncsat, version 3: positive / answers (it's top two)",
        "n": "Answers.",
    }


def test_a_folder_with_a_quote_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "it's" / "warehouse.duckdb"
    path.parent.mkdir()
    build(path, "SELECT 1 AS ticket_id")
    assert write(path).manifest["marts"]["tickets"]["rows"] == 1


def test_a_private_folder(warehouse: Path) -> None:
    """What stands apart has the same version's name, and nobody else may enter."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "CREATE SCHEMA restricted; CREATE TABLE restricted.people AS SELECT 'Ada' AS customer_name"
        )
    apart = warehouse.parent / "published_restricted"
    apart.mkdir(mode=0o755)
    open_one = write(warehouse)
    private = publish.publish(
        warehouse,
        apart,
        ["people"],
        FACTS,
        keep=3,
        descriptions={"people": Description("", {"customer_name": "who"})},
        schema="restricted",
        is_private=True,
        now=START,
    )
    assert private.version == open_one.version
    assert apart.stat().st_mode & 0o777 == 0o700
    with duckdb.connect(str(apart / "current" / "marts.duckdb"), read_only=True) as con:
        assert con.execute("SELECT customer_name FROM people").fetchall() == [("Ada",)]
        assert con.execute(
            "SELECT comment FROM duckdb_columns() WHERE column_name = 'customer_name'"
        ).fetchall() == [("who",)]


def test_a_person_who_left_is_nowhere_in_the_next_private_version(warehouse: Path) -> None:
    people = "SELECT 'Ada Lovelace ' || i AS customer_name FROM range({}, 99) AS t(i)"
    for hour, first in enumerate((0, 1)):
        with duckdb.connect(str(warehouse)) as con:
            con.execute("CREATE SCHEMA IF NOT EXISTS restricted")
            con.execute(f"CREATE OR REPLACE TABLE restricted.people AS {people.format(first)}")
        done = write(warehouse, ["people"], hour, schema="restricted", is_private=True)
        name = b"Ada Lovelace 0"
        assert (name in (done.path / "marts.duckdb").read_bytes()) == (first == 0)


def test_following_a_rollback(warehouse: Path) -> None:
    """The pointer goes where the other one went; to a version that it does not have, nowhere."""
    first, second = write(warehouse), write(warehouse, hours=1)
    published = warehouse.parent / "published"
    publish.follow(published, first.version)
    assert publish.current(published) == first
    publish.follow(published, "20200101T000000000000Z-abcdef")
    assert publish.current(published) is None
    publish.follow(published, second.version)
    assert publish.current(published) == second


def test_views_and_functions_read_the_published_tables(warehouse: Path) -> None:
    """They are created over the copies, are described as these are, and are no marts."""
    done = write(
        warehouse,
        descriptions={"solved": Description("a view", {"status": "its column"})},
        views={
            "solved": "create view solved as select status from tickets",
            "having": "create macro having_status(wanted) as table"
            " select s.status from solved as s where s.status = wanted",
        },
    )
    with duckdb.connect(str(done.path / "marts.duckdb"), read_only=True) as con:
        assert con.execute("FROM having_status('a''b')").fetchall() == [("a'b",)]
        assert con.execute("FROM having_status('c')").fetchall() == []
        assert con.execute("SELECT comment FROM duckdb_views() WHERE NOT internal").fetchall() == [
            ("a view",)
        ]
        assert con.execute("SELECT comment FROM duckdb_columns() WHERE table_name = 'solved'").fetchall() == [
            ("its column",)
        ]
    assert done.manifest["views"] == ["solved", "having"]
    assert done.manifest["marts"].keys() == {"tickets"}


def torn(version: publish.Publication) -> None:
    manifest = version.path / "manifest.json"
    manifest.write_text(manifest.read_text()[:100])


@pytest.mark.parametrize("damage", [torn, lambda version: shutil.rmtree(version.path)], ids=["torn", "gone"])
def test_a_damaged_current_version_says_how_to_get_on(
    warehouse: Path, damage: Callable[[publish.Publication], None]
) -> None:
    first, second = write(warehouse), write(warehouse, hours=1)
    published = warehouse.parent / "published"
    damage(second)
    with pytest.raises(PublishError, match=f"is damaged.*`cxmarts rollback {first.version}`"):
        publish.current(published)
    assert [each.version for each in publish.publications(published)] == [first.version]
    publish.rollback(published, first.version)
    assert publish.current(published) == replace(first, is_current=True)


def test_a_copy_that_followed_links_goes_on(warehouse: Path) -> None:
    """As `cp -rL` restores a home: `current` is a folder with the version's files."""
    first, second = write(warehouse), write(warehouse, hours=1)
    published = warehouse.parent / "published"
    (published / "current").unlink()
    shutil.copytree(second.path, published / "current")
    assert publish.current(published) == second
    assert publish.publications(published) == [second, replace(first, is_current=False)]
    build(warehouse, "SELECT 2 AS ticket_id")
    third = write(warehouse, hours=2)
    assert (published / "current").resolve() == third.path
    assert publish.current(published) == third
    assert {path.name for path in published.iterdir()} == {"current", "versions"}


def test_a_damaged_version_beside_the_current_one_stops_nothing(warehouse: Path) -> None:
    first, second = write(warehouse), write(warehouse, hours=1)
    torn(first)
    published = warehouse.parent / "published"
    assert publish.current(published) == second
    [problem] = publish.damages(published)
    assert first.version in problem
    assert "remove the folder, or restore it from backup" in problem
    third = write(warehouse, hours=2, keep=1)
    assert publish.publications(published) == [third]


def test_the_only_version_being_damaged_says_how_to_get_on(warehouse: Path) -> None:
    torn(write(warehouse))
    with pytest.raises(PublishError, match="there is no other version: remove "):
        publish.current(warehouse.parent / "published")


@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o644), (0o750, 0o640), (0o700, 0o600)])
def test_a_version_is_as_open_as_the_folder_of_all(warehouse: Path, folder: int, file: int) -> None:
    published = warehouse.parent / "published"
    published.mkdir()
    published.chmod(folder)
    before = os.umask(0o077)
    try:
        version = write(warehouse).path
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in version.rglob("*") if path.is_file()}
    assert modes == {file}
    folders = (published / "versions", version, version / "marts")
    assert [path.stat().st_mode & 0o777 for path in folders] == [folder] * 3
