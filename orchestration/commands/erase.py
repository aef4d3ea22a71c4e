"""The proof that nothing is left of an erased person: a search of everything below the home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from orchestration.ground import erase
from orchestration.ground.erase import Person
from orchestration.ground.home import Home
from orchestration.ground.sql import quoted_name, quoted_text

#: Columns that hold ids of persons; elsewhere the same number is another's.
_PEOPLE = {
    "customer_id",
    "requester_id",
    "submitter_id",
    "author_id",
    "actor_id",
    "responder_id",
    "updater_id",
}
_TEXTS = ("VARCHAR", "[", "STRUCT", "MAP", "JSON")


def left(home: Home, person: Person) -> tuple[list[str], list[str]]:
    """Search everything below the home for a person.

    Returns:
        Where something is left, and where it was searched, a line each.
    """
    found, common = erase.left_in_landing(home, person)
    searched = [f"landing: every record of {home.landing}"]
    databases = [home.warehouse, *sorted(home.root.glob("published*/versions/*/*.duckdb"))]
    for path in (path for path in databases if path.exists()):
        with duckdb.connect(str(path), read_only=True) as con:
            tables = con.execute(
                "select schema_name, table_name from duckdb_tables() where not internal and not temporary"
            ).fetchall()
            names = [f"{quoted_name(schema)}.{quoted_name(name)}" for schema, name in tables]
            found += _left_in(con, path, names, person, common)
        searched.append(f"{path.relative_to(home.root)}: {len(names)} tables")
    parquet = sorted(home.root.glob("published*/versions/*/marts/*.parquet"))
    with duckdb.connect() as con:
        for path in parquet:
            found += _left_in(con, path, [f"read_parquet({quoted_text(path)})"], person, common)
    searched.append(f"published: {len(parquet)} Parquet files")
    files, n = erase.left_in_files(home, person, common)
    searched.append(f"the bytes of {n} files below {home.root}, Dagster's history and logs among them")
    if common:
        searched.append(f"not for {len(common)} of their texts, which records of others hold word for word")
    return [*found, *files], searched


def _left_in(
    con: duckdb.DuckDBPyConnection, path: Path, tables: Iterable[str], person: Person, common: set[str]
) -> Iterator[str]:
    """The columns in which an address, a text or, in columns of persons, an id of theirs stands."""
    texts, ids, words = sorted(person.texts - common), sorted(person.ids), erase.words(person)
    for table in tables:
        tests: dict[str, str] = {}
        parameters: list[object] = []
        columns = con.execute(f"describe select * from {table}").fetchall()  # noqa: S608
        has_source = any(name == "source" for name, *_ in columns)
        of_theirs = "source in (select unnest(cast(? as varchar[])))" if has_source else "true"
        for name, kind, *_ in columns:
            if any(mark in kind for mark in _TEXTS):
                text = f"cast({quoted_name(name)} as varchar)"
                tests[name] = f"list_contains(cast(? as varchar[]), {text}) or regexp_matches({text}, ?)"
                parameters += [texts, words]
                if name in _PEOPLE:
                    # At another source the same id is another's.
                    tests[name] += f" or (list_contains(cast(? as varchar[]), {text}) and {of_theirs})"
                    parameters += [ids, *([sorted(person.sources)] if has_source else [])]
        if not tests:
            continue
        counts = ", ".join(f"count(case when {test} then 1 end)" for test in tests.values())
        numbers = con.execute(f"select {counts} from {table}", parameters).fetchone() or ()  # noqa: S608
        for name, n in zip(tests, numbers, strict=True):
            if n:
                yield f"{path}: {n} rows of {table}.{name}"
