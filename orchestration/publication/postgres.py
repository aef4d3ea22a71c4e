"""A publication in PostgreSQL, for readers that cannot open files.

    cxmarts.<mart>            a view: the rows of the current load
    cxmarts.loaded_version    one row: the version that the views show
    cxmarts.loaded_marts      per mart its loads, one of them current
    cxmarts_rows.<mart>       the rows of the current load and of one more, told apart by a column

All marts, small and large, are kept alike: rows are added and deleted, and a pointer moves, in one
transaction. PostgreSQL shows rows as of a reader's snapshot, but names as they are by now: so a reader in
REPEATABLE READ keeps the version that it began with, whatever is published meanwhile, where a renamed schema,
a truncated or a new table would show it nothing or something else. A load that breaks off leaves nothing.

A mart whose content hash a load has already is not loaded again. Columns are added to the rows, never
changed: one of another type is another one there. A new column comes at the end of its view; where one is
gone or has another type the view is made anew. Who began before that finds the new column null.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import adbc_driver_manager
import duckdb
from adbc_driver_postgresql import dbapi

from ingestion.errors import ExpectedError
from ingestion.streams import Finding
from ingestion.urls import is_loopback
from orchestration.ground.alerts import redact, secrets
from orchestration.ground.settings import Settings
from orchestration.ground.sql import naive, quoted_name, quoted_text
from orchestration.publication import marts_file
from orchestration.publication.publish import DATABASE, Publication
from orchestration.warehouse.cutoff import RUN_COLUMNS

READERS, ROWS = "cxmarts", "cxmarts_rows"
LOAD = "cxmarts_load"
#: What changes a view waits for open transactions that read it, and others wait behind it: briefly, and for
#: less than the server's deadlock_timeout, so that no reader is ever ended; and again, for so many tries.
LOCK_TRIES = 30
BRIEFLY, LONG = "300ms", "60s"
LOCKED = "55P03"
BATCH_ROWS = 20_000
OLDEST_SERVER = 13
#: Of PostgreSQL: one of ours, so that two loads at once wait for each other.
ADVISORY_LOCK = 7_365_110_421

# DuckDB's type -> PostgreSQL's, and the type to hand over where it is not the same.
_TYPES = {
    "BOOLEAN": ("boolean", ""),
    "TINYINT": ("smallint", "SMALLINT"),
    "UTINYINT": ("smallint", "SMALLINT"),
    "SMALLINT": ("smallint", ""),
    "USMALLINT": ("integer", "INTEGER"),
    "INTEGER": ("integer", ""),
    "UINTEGER": ("bigint", "BIGINT"),
    "BIGINT": ("bigint", ""),
    "UBIGINT": ("numeric", "DECIMAL(20, 0)"),
    "HUGEINT": ("numeric", "DECIMAL(38, 0)"),
    "FLOAT": ("real", ""),
    "DOUBLE": ("double precision", ""),
    "DATE": ("date", ""),
    "TIMESTAMP": ("timestamp without time zone", ""),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", ""),
    "VARCHAR": ("text", ""),
}
_LISTED = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR"}

_CONTROL = (
    f"CREATE SCHEMA IF NOT EXISTS {READERS}",
    f"CREATE SCHEMA IF NOT EXISTS {ROWS}",
    f"CREATE TABLE IF NOT EXISTS {READERS}.loaded_marts (mart text, load bigint, content_hash text NOT NULL,"
    " rows bigint NOT NULL, version text NOT NULL, is_current boolean NOT NULL, PRIMARY KEY (mart, load))",
    f"CREATE TABLE IF NOT EXISTS {READERS}.loaded_version (version text PRIMARY KEY,"
    " as_of timestamp NOT NULL, time_zone text, published_at timestamp NOT NULL,"
    " loaded_at timestamp NOT NULL)",
    f"COMMENT ON TABLE {READERS}.loaded_marts IS"
    " 'Loads by mart: the version that brought it, and which one the views show'",
    f"COMMENT ON TABLE {READERS}.loaded_version IS 'The version that the views show; one row, times in UTC'",
)

# What to do, by the first letters of the SQLSTATE.
_TODO = {
    "08": "see that the server runs and that CXMARTS_POSTGRES_URL leads to it",
    "28": "correct user and password in CXMARTS_POSTGRES_URL",
    "3D": "create the database, or correct its name in CXMARTS_POSTGRES_URL",
    "42501": "let the user of CXMARTS_POSTGRES_URL own the schemas cxmarts and cxmarts_rows, or create them:"
    " GRANT CREATE ON DATABASE",
    LOCKED: "somebody's open transaction reads a view whose columns change: end it (pg_stat_activity)",
    "2BP01": "drop the views of your own that read a column that is gone or has another type",
    "42809": "cxmarts and cxmarts_rows must hold nothing but what cxmarts puts there",
    "42P07": "cxmarts and cxmarts_rows must hold nothing but what cxmarts puts there",
    "25006": "lead CXMARTS_POSTGRES_URL to the primary server",
    "53": "give the server more room",
    "54": "a value that tells rows of a mart apart is too long for an index: shorten it at its source",
    "57": "see that the server runs",
}
_REFUSED = {"authentication failed": "28", "no password": "28", "does not exist": "3D"}


class LoadError(ExpectedError):
    """PostgreSQL does not show the version. Its readers keep the one before; the text holds no password."""


@dataclass(frozen=True)
class Loaded:
    """What PostgreSQL shows now.

    Attributes:
        version: the version.
        rows: of the marts that were loaded, how many rows each; the others were there already.
        warning: what stopped nothing and is to be done; empty if nothing.
    """

    version: str
    rows: Mapping[str, int]
    warning: str = ""


@dataclass(frozen=True)
class _Column:
    """A column of a mart.

    Attributes:
        name: its name.
        type: its type in PostgreSQL.
        source: SQL of DuckDB that gives it as PostgreSQL takes it.
    """

    name: str
    type: str
    source: str

    @property
    def stored(self) -> str:
        """Its name among the rows, as SQL."""
        digest = hashlib.sha256(f"{self.name} {self.type}".encode()).hexdigest()[:8]
        return quoted_name(f"{self.name.encode()[:50].decode(errors='ignore')} {digest}")


def load(publication: Publication, settings: Settings, *, forget: bool = False) -> Loaded:
    """Make PostgreSQL show this version, the newest or an earlier one.

    Args:
        publication: the version; its manifest names the marts, their hashes and their `keys`.
        settings: hold the server's URL and the name of the role that may read.
        forget: keep nothing of the versions before, as after an erasure.

    Raises:
        LoadError: it could not; readers there see what they saw before.
    """
    with _failures(settings, f"version {publication.version} was not loaded"):
        with _session(settings) as con:
            _refuse_server(con)
            columns = _columns(publication)
            con.run(f"SET lock_timeout = '{LONG}'")
            con.run("SET client_min_messages = warning")
            con.commit()
            _enter(con)
            warning = _prepare(con, settings, publication, columns)
            con.commit()
            rows = _load(con, settings, publication, columns, keep=1 if forget else 2)
            con.commit()
        if forget:
            # Deleted rows stay in the pages until then.
            with _session(settings, autocommit=True) as con:
                for mart in columns:
                    con.run(f"VACUUM {_stored(mart)}")
    return Loaded(publication.version, rows, warning)


def shown_version(settings: Settings) -> str | None:
    """The version that readers of PostgreSQL see; None before the first.

    Raises:
        LoadError: it cannot be asked.
    """
    with _failures(settings, "it cannot be asked"), _session(settings) as con:
        return _shown_version(con)


def examine(settings: Settings, published: str | None) -> Iterator[Finding]:
    """What could keep a load from succeeding: connection, server, rights, and the version that is shown.

    Args:
        settings: hold the server's URL.
        published: the current version of the files.
    """
    try:
        with _failures(settings, "it cannot be used"), _session(settings) as con:
            _refuse_server(con)
            [(server, user, database, may_create, may_use)] = con.rows(
                "SELECT current_setting('server_version'), current_user::text, current_database()::text,"
                " has_database_privilege(current_database(), 'CREATE'),"
                " (SELECT count(*) = 2 FROM pg_namespace"
                f" WHERE nspname IN ('{READERS}', '{ROWS}') AND pg_has_role(nspowner, 'USAGE'))"
            )
            problem = "" if _has_role(con, settings) else _role_problem(settings)
            shown = _shown_version(con)
    except LoadError as error:
        yield Finding("postgres", "connection", False, str(error))
        return
    yield Finding("postgres", "connection", True, f"PostgreSQL {server}, {_place(settings)}, as {user}")
    if may_create or may_use:
        yield Finding("postgres", "rights", True, f"the schemas {READERS} and {ROWS} are ours to fill")
    else:
        todo = f"GRANT CREATE ON DATABASE {quoted_name(database)} TO {quoted_name(user)}"
        yield Finding("postgres", "rights", False, f"may not create schemas: {todo}")
    if problem:
        yield Finding("postgres", "reader", True, problem, warns=True)
    if shown == published:
        yield Finding("postgres", "version", True, f"shows {shown or 'nothing yet'}")
    else:
        text = f"shows {shown or 'nothing'}, the files {published or 'nothing'}: the next refresh catches up"
        yield Finding("postgres", "version", True, text, warns=True)


class _Connection:
    """A connection that runs one statement at a time."""

    def __init__(self, con: dbapi.Connection) -> None:
        self._con = con

    def run(self, statement: str) -> None:
        with self._con.cursor() as cursor:
            cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._con.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def copy(self, mart: str, reader: Any) -> int:
        """Add rows by binary COPY; how many."""
        with self._con.cursor() as cursor:
            return int(cursor.adbc_ingest(mart, reader, mode="append", db_schema_name=ROWS))

    def commit(self) -> None:
        self._con.commit()


@contextmanager
def _session(settings: Settings, *, autocommit: bool = False) -> Iterator[_Connection]:
    con = dbapi.connect(_address(settings.postgres_url or ""), autocommit=autocommit)
    try:
        yield _Connection(con)
    finally:
        # Rolls back what is not committed.
        con.close()


def _address(url: str) -> str:
    """The URL, with bounds on waiting for a silent server; over a network encrypted unless it says not to."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    bounds = {"connect_timeout": "10", "tcp_user_timeout": "60000", "application_name": "cxmarts"}
    host = parts.hostname or given.get("host", "")
    # A folder is where a socket is.
    safety = {} if host.startswith("/") or is_loopback(host) else {"sslmode": "require"}
    # libpq takes no plus for a space.
    query = urlencode({**bounds, **safety, **given}).replace("+", "%20")
    return f"{url.partition('?')[0]}?{query}"


def _place(settings: Settings) -> str:
    """Where it is, without user and password."""
    parts = urlsplit(settings.postgres_url or "")
    return f"{(parts.netloc.rpartition('@')[2] or 'a local socket')}{parts.path}"


@contextmanager
def _failures(settings: Settings, what: str) -> Iterator[None]:
    """Failures of the server or of reading the version, in words for people."""
    try:
        yield
    except (adbc_driver_manager.Error, duckdb.Error, OSError) as error:
        state = getattr(error, "sqlstate", None) or ""
        text = re.sub(r"\s*(\n\s*Query was: |SQLSTATE: ).*", "", str(error), flags=re.DOTALL)
        text = re.sub(r"^[A-Z_]+: \[libpq\] ", "", text).strip()
        said = redact(
            "; ".join(line.strip() for line in text.splitlines() if line.strip()), secrets(settings)
        )
        if isinstance(error, adbc_driver_manager.OperationalError) and not state:
            # Of what fails on connecting there is the text alone.
            state = next((state for text, state in _REFUSED.items() if text in said), "08")
        found = (todo for start, todo in _TODO.items() if state.startswith(start))
        todo = next(found, "`cxmarts doctor` asks the server")
        raise LoadError(
            f"PostgreSQL at {_place(settings)}: {what} ({said[:500].rstrip('.')}). What to do: {todo}."
            " Its readers keep the version before, the files are not touched; the next `cxmarts refresh`"
            " catches up; at once does `cxmarts rollback` to the version that is current"
        ) from None


def _refuse_server(con: _Connection) -> None:
    """Raises: LoadError."""
    [(number, encoding)] = con.rows(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    )
    if number < OLDEST_SERVER * 10_000:
        raise LoadError(
            f"PostgreSQL is older than {OLDEST_SERVER}: lead CXMARTS_POSTGRES_URL to a newer server"
        )
    if encoding != "UTF8":
        raise LoadError(f"the database of CXMARTS_POSTGRES_URL is encoded in {encoding}: create one in UTF8")


def _shown_version(con: _Connection) -> str | None:
    [(exists,)] = con.rows(f"SELECT to_regclass('{READERS}.loaded_version') IS NOT NULL")
    found = con.rows(f"SELECT version FROM {READERS}.loaded_version") if exists else []
    return str(found[0][0]) if found else None


def _enter(con: _Connection) -> None:
    """Wait for another load to end, and let no other begin until this transaction's end."""
    con.rows(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})::text")


def _columns(publication: Publication) -> dict[str, list[_Column]]:
    """By mart, its columns as PostgreSQL has them.

    Raises:
        LoadError: a name is longer than PostgreSQL's may be, which would cut it.
    """
    marts = {
        mart: [_column(each["name"], each["type"]) for each in told["columns"]]
        for mart, told in publication.manifest["marts"].items()
    }
    for name in (*marts, *(column.name for columns in marts.values() for column in columns)):
        if len(name.encode()) > 63:
            raise LoadError(f"PostgreSQL has no names of more than 63 bytes: rename {name}")
    return marts


def _column(name: str, type_: str) -> _Column:
    quoted, element = quoted_name(name), type_.removesuffix("[]")
    if element != type_ and element in _LISTED:
        clean = f"list_transform({quoted}, lambda each: {_clean('each')})"
        return _Column(name, f"{_TYPES[element][0]}[]", clean if element == "VARCHAR" else quoted)
    if type_.startswith("DECIMAL("):
        return _Column(name, "numeric", quoted)
    if type_ == "VARCHAR" or type_ not in _TYPES:
        return _Column(name, "text", _clean(quoted if type_ == "VARCHAR" else f"CAST({quoted} AS VARCHAR)"))
    target, handed = _TYPES[type_]
    return _Column(name, target, f"CAST({quoted} AS {handed})" if handed else quoted)


def _clean(text: str) -> str:
    """PostgreSQL's texts hold anything but the character 0."""
    return f"replace({text}, chr(0), '\ufffd')"


def _prepare(
    con: _Connection, settings: Settings, publication: Publication, marts: Mapping[str, Sequence[_Column]]
) -> str:
    """What readers do not see: tables of rows with all columns and indexes, the role; returns a warning."""
    for statement in _CONTROL:
        con.run(statement)
    there = {mart: {*map(quoted_name, columns)} for mart, columns in _relations(con, ROWS, "r").items()}
    indexes = {
        *con.rows(f"SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = '{ROWS}'")
    }
    keys = publication.manifest.get("keys", {})
    statements = []
    for mart, columns in marts.items():
        if mart not in there:
            statements.append(f"CREATE TABLE {_stored(mart)} ({LOAD} bigint NOT NULL)")
        known = there.get(mart, ())
        if added := [f"ADD {each.stored} {each.type}" for each in columns if each.stored not in known]:
            statements.append(f"ALTER TABLE {_stored(mart)} {', '.join(added)}")
        # That it is a key is the gate's to say.
        stored = {each.name: each.stored for each in columns}
        listed = ", ".join([LOAD, *(stored[name] for name in keys.get(mart, []))])
        index = f"key_{hashlib.sha256(f'{mart} {listed}'.encode()).hexdigest()[:16]}"
        if (mart, index) not in indexes:
            statements.append(f"CREATE INDEX {index} ON {_stored(mart)} ({listed})")
        others = [name for table, name in indexes if table == mart and name != index]
        statements += [f"DROP INDEX {ROWS}.{quoted_name(name)}" for name in others]
    _patiently(con, statements)
    if _has_role(con, settings):
        return ""
    [(may_create,)] = con.rows("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    if may_create:
        con.run(f"CREATE ROLE {quoted_name(settings.postgres_reader)} NOLOGIN")
    return "" if may_create else _role_problem(settings)


def _load(
    con: _Connection,
    settings: Settings,
    publication: Publication,
    marts: Mapping[str, Sequence[_Column]],
    *,
    keep: int,
) -> dict[str, int]:
    """All that readers see, in the transaction at hand; returns the rows of what was loaded."""
    _enter(con)
    known = con.rows(f"SELECT mart, load, content_hash FROM {READERS}.loaded_marts ORDER BY load")
    number = max((load for _, load, _ in known), default=0) + 1
    told = publication.manifest["marts"]
    current: dict[str, int] = {}
    with marts_file.connect(publication.path / DATABASE) as file:
        for mart, columns in marts.items():
            same = [
                load for name, load, hash_ in known if (name, hash_) == (mart, told[mart]["content_hash"])
            ]
            is_of_run = not RUN_COLUMNS.isdisjoint(column.name for column in columns)
            if same and not is_of_run:
                current[mart] = same[-1]
                continue
            current[mart] = number
            rows = _copy(con, file, mart, columns, number)
            if rows != told[mart]["rows"]:
                raise LoadError(f"mart {mart}: {rows} rows arrived of {told[mart]['rows']}: run it again")
            con.run(
                f"INSERT INTO {READERS}.loaded_marts VALUES ({_text(mart)}, {number},"
                f" {_text(told[mart]['content_hash'])}, {rows}, {_text(publication.version)}, false)"
            )
        comments = _described(file)
    for mart, load in current.items():
        others = [other for name, other, _ in known if name == mart and other != load]
        if others[: len(others) - (keep - 1)]:
            kept = ", ".join(map(str, [load, *others[len(others) - (keep - 1) :]]))
            con.run(f"DELETE FROM {_stored(mart)} WHERE {LOAD} NOT IN ({kept})")
            con.run(f"DELETE FROM {READERS}.loaded_marts WHERE mart = {_text(mart)} AND load NOT IN ({kept})")
        if load == number:
            con.run(f"ANALYZE {_stored(mart)}")
    _point(con, publication, current)
    # Last, for what it locks is locked until the end.
    _patiently(con, _views(con, marts))
    _comment(con, marts, comments)
    if _has_role(con, settings):
        role = quoted_name(settings.postgres_reader)
        con.run(f"GRANT USAGE ON SCHEMA {READERS} TO {role}")
        con.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {READERS} TO {role}")
    return {mart: told[mart]["rows"] for mart, load in current.items() if load == number}


def _copy(
    con: _Connection,
    file: duckdb.DuckDBPyConnection,
    mart: str,
    columns: Sequence[_Column],
    number: int,
) -> int:
    shown = ", ".join(f"{column.source} AS {column.stored}" for column in columns)
    query = f"SELECT {number}::BIGINT AS {LOAD}, {shown} FROM main.{quoted_name(mart)}"
    # Let go of in any case: DuckDB opens a file again only when nobody reads it any more.
    with file.execute(query).to_arrow_reader(BATCH_ROWS) as reader:
        return con.copy(mart, reader)


def _point(con: _Connection, publication: Publication, current: Mapping[str, int]) -> None:
    """The pointer: which load of each mart is current, and of which version they are."""
    pairs = ", ".join(f"({_text(mart)}, {load})" for mart, load in current.items())
    con.run(
        f"UPDATE {READERS}.loaded_marts SET is_current = (mart, load) IN ({pairs})"
        f" WHERE is_current <> ((mart, load) IN ({pairs}))"
    )
    manifest = publication.manifest
    told = [publication.version, naive(publication.as_of), manifest.get("time_zone", "")]
    told.append(manifest["published_at"])
    con.run(f"DELETE FROM {READERS}.loaded_version")
    con.run(
        f"INSERT INTO {READERS}.loaded_version VALUES ({', '.join(map(_text, told))},"
        " now() AT TIME ZONE 'UTC')"
    )


def _views(con: _Connection, marts: Mapping[str, Sequence[_Column]]) -> list[str]:
    """What makes the views those of these marts, with their columns; what is so already is left alone."""
    statements: list[str] = []
    there = _relations(con, READERS, "v")
    for mart, columns in marts.items():
        wanted = {column.name: column.type for column in columns}
        shown = {column.name: f"{column.stored} AS {quoted_name(column.name)}" for column in columns}
        before = there.get(mart)
        if before == wanted:
            continue
        stays = before is not None and before.items() <= wanted.items()
        if before is not None and not stays:
            statements.append(f"DROP VIEW {_view(mart)}")
        # A view that stays takes further columns at its end only.
        order = [*before, *(name for name in wanted if name not in before)] if before and stays else [*wanted]
        statements.append(
            f"CREATE OR REPLACE VIEW {_view(mart)} AS SELECT {', '.join(map(shown.__getitem__, order))}"
            f" FROM {_stored(mart)} WHERE {LOAD} ="
            f" (SELECT load FROM {READERS}.loaded_marts WHERE mart = {_text(mart)} AND is_current)"
        )
    for mart in there.keys() - marts.keys():
        statements.append(f"DROP VIEW {_view(mart)}")
        statements.append(f"DROP TABLE {_stored(mart)}")
        statements.append(f"DELETE FROM {READERS}.loaded_marts WHERE mart = {_text(mart)}")
    return statements


def _comment(
    con: _Connection, marts: Mapping[str, Sequence[_Column]], wanted: Mapping[tuple[str, str], str]
) -> None:
    """Make the comments on the views and their columns those of the file."""
    there = {
        (mart, column): text
        for mart, column, text in con.rows(
            "SELECT c.relname::text, coalesce(a.attname::text, ''), d.description FROM pg_description AS d"
            f" JOIN pg_class AS c ON c.oid = d.objoid AND c.relnamespace = '{READERS}'::regnamespace"
            " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0"
            " WHERE d.classoid = 'pg_class'::regclass AND c.relkind = 'v'"
        )
    }
    for mart, columns in marts.items():
        for column in ("", *(each.name for each in columns)):
            text = wanted.get((mart, column), "")
            if text != there.get((mart, column), ""):
                what = f"COLUMN {_view(mart)}.{quoted_name(column)}" if column else f"VIEW {_view(mart)}"
                con.run(f"COMMENT ON {what} IS {_text(text)}")


def _described(file: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """The comments of a version's file, by mart and column; that of the mart has no column."""
    found = file.execute(
        "SELECT table_name, '', comment FROM duckdb_tables() WHERE comment IS NOT NULL"
        " UNION ALL SELECT table_name, column_name, comment FROM duckdb_columns()"
        " WHERE NOT internal AND comment IS NOT NULL"
    )
    return {(mart, column): text for mart, column, text in found.fetchall()}


def _relations(con: _Connection, schema: str, kind: str) -> dict[str, dict[str, str]]:
    """The tables (`r`) or views (`v`) of a schema, with their columns and types in order."""
    found: dict[str, dict[str, str]] = {}
    for name, column, type_ in con.rows(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)"
        " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        f" WHERE n.nspname = '{schema}' AND c.relkind = '{kind}' ORDER BY c.relname, a.attnum"
    ):
        found.setdefault(name, {})[column] = type_
    return found


def _patiently(con: _Connection, statements: Sequence[str]) -> None:
    """Run, together, what takes locks that readers may hold; between tries it lets go of what it has."""
    if statements:
        each = "\n".join(f"EXECUTE {_text(statement)};" for statement in statements)
        body = (
            f"BEGIN FOR attempt IN REVERSE {LOCK_TRIES}..1 LOOP BEGIN\n{each}\nRETURN;"
            " EXCEPTION WHEN lock_not_available THEN IF attempt = 1 THEN RAISE; END IF; END; END LOOP; END"
        )
        con.run(f"SET LOCAL lock_timeout = '{BRIEFLY}'")
        con.run(f"DO {_text(body)}")
        con.run(f"SET LOCAL lock_timeout = '{LONG}'")


def _has_role(con: _Connection, settings: Settings) -> bool:
    role = _text(settings.postgres_reader)
    [(count,)] = con.rows(f"SELECT count(*) FROM pg_roles WHERE rolname = {role}")
    return bool(count)


def _role_problem(settings: Settings) -> str:
    role = settings.postgres_reader
    return (
        f"PostgreSQL has no role {role}, and the user of CXMARTS_POSTGRES_URL may not create roles: let an"
        f" administrator run CREATE ROLE {quoted_name(role)} NOLOGIN; the next refresh lets it read"
    )


def _stored(mart: str) -> str:
    return f"{ROWS}.{quoted_name(mart)}"


def _view(mart: str) -> str:
    return f"{READERS}.{quoted_name(mart)}"


def _text(value: object) -> str:
    """A text as SQL of PostgreSQL, whatever is in it and whatever the server's settings."""
    text = quoted_text(str(value).replace("\0", "\ufffd"))
    return f"E{text.replace(chr(92), chr(92) * 2)}" if "\\" in text else text
