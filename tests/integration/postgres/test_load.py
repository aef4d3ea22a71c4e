"""Publications in PostgreSQL: what arrives, what readers see meanwhile, and what failures leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import adbc_driver_manager
import duckdb
import pytest

from orchestration.ground.settings import Settings
from orchestration.publication import postgres, publish
from orchestration.publication.marts_file import Description
from tests.postgres import Server, connect, rows, run, server

START = datetime(2026, 3, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as found:
        yield found


@dataclass
class Place:
    """A home that publishes, and its database."""

    folder: Path
    settings: Settings
    server: Server
    published: list[publish.Publication] = field(default_factory=list)

    def publish(
        self,
        marts: Mapping[str, str],
        keys: Mapping[str, list[str]] | None = None,
        descriptions: Mapping[str, Description] | None = None,
    ) -> publish.Publication:
        """The next version of the files: mart -> its query."""
        warehouse = self.folder / "warehouse.duckdb"
        with duckdb.connect(str(warehouse)) as con:
            con.execute("CREATE SCHEMA IF NOT EXISTS marts")
            for name, query in marts.items():
                quoted = name.replace('"', '""')
                con.execute(f'CREATE OR REPLACE TABLE marts."{quoted}" AS {query}')
        number = len(self.published)
        facts = {"as_of": START.isoformat(), "build_id": f"build-{number}", "time_zone": "Europe/Berlin"}
        found = publish.publish(
            warehouse,
            self.folder / "published",
            list(marts),
            {**facts, "keys": keys or {}},
            keep=50,
            descriptions=descriptions,
            now=START + timedelta(hours=number),
        )
        self.published.append(found)
        return found

    def load(self, publication: publish.Publication, *, forget: bool = False) -> postgres.Loaded:
        return postgres.load(publication, self.settings, forget=forget)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        assert self.settings.postgres_url
        with connect(self.settings.postgres_url) as con:
            return rows(con, query)


@pytest.fixture
def place(running: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    url = running.new_database(request.node.name[:50])
    return Place(tmp_path, Settings(home=tmp_path, postgres_url=url), running)


HOSTILE = 'we"ird; DROP TABLE x -- %s \\ ü'
KINDS = """
SELECT * FROM (VALUES
    (1, 'it''s "x"' || chr(10) || chr(9) || ',\\N', true, 1.5::DOUBLE, 32767::SMALLINT,
     (-9223372036854775807 - 1)::BIGINT, 123456789012345678901234567890::HUGEINT, 12.345::DECIMAL(9, 3),
     DATE '2024-02-29', TIMESTAMP '2026-03-29 01:30:00.123456', TIMESTAMPTZ '2026-03-29 01:30:00+02',
     ['a', NULL, '{"}'], [1, 2]),
    (2, '', false, 'nan'::DOUBLE, 0::SMALLINT, 0::BIGINT, -170141183460469231731::HUGEINT, -0.001,
     DATE '1899-12-31', TIMESTAMP '1969-12-31 23:59:59.999999', TIMESTAMPTZ '2026-10-25 02:30:00+01', [], []),
    (3, '日本 😀 \\x00', NULL, 'inf', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t(id, "{hostile}", flag, ratio, small, big, huge, exact, day, moment, "at zone", words, numbers)
""".replace("{hostile}", HOSTILE.replace('"', '""'))


def test_everything_arrives_as_it_is(place: Place) -> None:
    found = place.publish(
        {HOSTILE: KINDS, "empty": "SELECT 1 AS id WHERE false"},
        {HOSTILE: ["id", HOSTILE]},
        {HOSTILE: Description('It\'s \\ all\n"here"', {HOSTILE: "what'; --", "id": "its number"})},
    )
    assert place.load(found).rows == {"empty": 0, HOSTILE: 3}
    name = HOSTILE.replace('"', '""')
    there = place.ask(f'SELECT * FROM cxmarts."{name}" ORDER BY id')
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        # Parquet has no such whole numbers: there they are doubles.
        files = con.execute(
            "SELECT * FROM read_parquet(?) ORDER BY id", [str(found.path / "marts" / f"{HOSTILE}.parquet")]
        ).fetchall()
    huge = 6
    assert [row[huge] for row in there] == ["123456789012345678901234567890", "-170141183460469231731", None]
    assert [shown(row, huge) for row in there] == [shown(row, huge) for row in files]
    types = place.ask(
        "SELECT data_type::text FROM information_schema.columns WHERE table_schema = 'cxmarts'"
        " AND ordinal_position > 6 AND table_name LIKE 'we%' ORDER BY ordinal_position"
    )
    times = ["timestamp without time zone", "timestamp with time zone"]
    assert [type_ for (type_,) in types] == ["numeric", "numeric", "date", *times, "ARRAY", "ARRAY"]
    assert place.ask("SELECT count(*) FROM cxmarts.empty") == [(0,)]
    comment = (
        "SELECT obj_description('cxmarts.\"{}\"'::regclass), col_description('cxmarts.\"{}\"'::regclass, 2)"
    )
    assert place.ask(comment.format(name, name)) == [('It\'s \\ all\n"here"', "what'; --")]
    assert place.ask("SELECT version, as_of, time_zone FROM cxmarts.loaded_version") == [
        (found.version, START.replace(tzinfo=None), "Europe/Berlin")
    ]
    [(index,)] = place.ask("SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'we%'")
    assert index.split("(")[1].count(",") == 2


def shown(row: tuple[Any, ...], but: int) -> list[str]:
    """A row's values in words, so that nan equals nan; exact numbers without their type."""
    return [str(value) for place, value in enumerate(row) if place != but]


def test_the_character_that_postgres_has_not(place: Place) -> None:
    place.load(place.publish({"t": "SELECT 'a' || chr(0) || 'b' AS x, ['c' || chr(0)] AS xs"}))
    assert place.ask("SELECT x, xs FROM cxmarts.t") == [("a\ufffdb", ["c\ufffd"])]


def test_a_name_that_postgres_would_cut(place: Place) -> None:
    with pytest.raises(postgres.LoadError, match=r"63 bytes: rename x{64}"):
        place.load(place.publish({"t": f"SELECT 1 AS {'x' * 64}"}))


def test_what_did_not_change_is_not_loaded_again(place: Place) -> None:
    same, other = "SELECT 1 AS id, 'a' AS label", "SELECT {} AS id"
    of_run = "SELECT 1 AS id, 'run-{}' AS run_id"
    place.load(place.publish({"same": same, "other": other.format(1), "of_run": of_run.format(1)}))
    second = place.publish({"same": same, "other": other.format(2), "of_run": of_run.format(2)})
    assert place.load(second).rows == {"other": 1, "of_run": 1}
    assert place.ask("SELECT run_id FROM cxmarts.of_run") == [("run-2",)]
    assert place.load(place.published[0]).rows == {"of_run": 1}, "of the version before there are rows still"
    assert place.ask("SELECT id FROM cxmarts.other") == [(1,)]
    assert postgres.shown_version(place.settings) == place.published[0].version


def test_rows_of_two_versions_are_kept_and_none_after_an_erasure(place: Place) -> None:
    for number in range(1, 5):
        place.load(place.publish({"t": f"SELECT {number} AS n FROM range({number})"}))
    counts = "SELECT cxmarts_load, count(*) FROM cxmarts_rows.t GROUP BY 1 ORDER BY 1"
    assert place.ask(counts) == [(3, 3), (4, 4)]
    assert place.load(place.published[-1], forget=True).rows == {}
    assert place.ask(counts) == [(4, 4)]
    [(pages,)] = place.ask("SELECT pg_relation_size('cxmarts_rows.t')")
    assert pages > 0
    assert place.ask("SELECT mart, load, is_current FROM cxmarts.loaded_marts") == [("t", 4, True)]


def marts_of(number: int) -> dict[str, str]:
    """Three marts in which every row tells the version; from the eighth on one has a further column."""
    more = ", 'new' AS further" if number >= 8 else ""
    return {
        "small": f"SELECT {number} AS n, i FROM range(10) AS t(i)",
        "large": f"SELECT {number} AS n, i, md5(i::VARCHAR) AS label{more} FROM range(3000) AS t(i)",
        "growing": f"SELECT {number} AS n, i FROM range({number}) AS t(i)",
    }


def seen(con: Any) -> set[tuple[Any, ...]]:
    """What one reader sees of each mart: the numbers in it, and how many rows."""
    found = {rows(con, "SELECT count(DISTINCT n), min(n), count(*) FROM cxmarts.growing")[0]}
    [(distinct, number, count)] = found
    assert (distinct, count) == (1, number)
    assert rows(con, "SELECT count(DISTINCT n), min(n), count(*) FROM cxmarts.small") == [(1, number, 10)]
    assert rows(con, "SELECT count(DISTINCT n), min(n), count(*) FROM cxmarts.large") == [(1, number, 3000)]
    return {*rows(con, "SELECT version FROM cxmarts.loaded_version"), (number,)}


def repeatable(url: str) -> Any:
    con = connect(url)
    run(con, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return con


def test_readers_during_twenty_publishes(place: Place) -> None:
    """Some read all the time; one begins before each publish, and reads on after it."""
    url = place.settings.postgres_url or ""
    place.load(place.publish(marts_of(1), {"large": ["i"]}))
    is_over, problems, told = threading.Event(), [], []

    def read_on() -> None:
        try:
            while not is_over.is_set():
                with repeatable(url) as con:
                    told.append(frozenset(seen(con)))
        except Exception as error:
            problems.append(error)

    readers = [threading.Thread(target=read_on) for _ in range(1)]
    for reader in readers:
        reader.start()
    try:
        for number in range(2, 22):
            found = place.publish(marts_of(number), {"large": ["i"]})
            with repeatable(url) as con:
                # Its snapshot is taken; it has looked at none of what is published next.
                before = rows(con, "SELECT version FROM cxmarts.loaded_version")
                place.load(found)
                assert seen(con) == {*before, (number - 1,)}
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    assert not problems
    versions = {(each.version, number) for number, each in enumerate(place.published, start=1)}
    numbers = {frozenset({(version,), (number,)}) for version, number in versions}
    assert set(told) <= numbers
    assert len(set(told)) > 5, "they saw it move"
    assert place.ask("SELECT min(further) FROM cxmarts.large") == [("new",)]


def test_columns_come_go_and_change_their_type(place: Place) -> None:
    first = place.publish({"t": "SELECT 1 AS a, 2 AS b, 'x' AS c", "gone": "SELECT 1 AS n"})
    second = place.publish({"t": "SELECT 'y' AS new, 'text' AS a, 'z' AS c"})
    place.load(first)
    run_once(place, "CREATE VIEW public.mine AS SELECT c FROM cxmarts.t")
    with pytest.raises(postgres.LoadError, match="What to do: drop the views of your own"):
        place.load(second)
    assert place.ask("SELECT a, b, c FROM cxmarts.t, cxmarts.gone") == [(1, 2, "x")]
    run_once(place, "DROP VIEW public.mine")
    place.load(second)
    assert place.ask("SELECT new, a, c FROM cxmarts.t") == [("y", "text", "z")]
    assert place.ask("SELECT to_regclass('cxmarts.gone')::text") == [(None,)]
    assert place.load(first).rows == {"gone": 1}
    assert place.ask("SELECT a, b, c FROM cxmarts.t, cxmarts.gone") == [(1, 2, "x")]


def run_once(place: Place, statement: str) -> None:
    with connect(place.settings.postgres_url or "", autocommit=True) as con:
        run(con, statement)


def test_a_new_column_waits_for_whoever_reads_the_view(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOCK_TRIES", 2)
    place.load(place.publish({"t": "SELECT 1 AS a"}))
    found = place.publish({"t": "SELECT 2 AS a, 3 AS b"})
    with repeatable(place.settings.postgres_url or "") as con:
        assert rows(con, "SELECT * FROM cxmarts.t") == [(1,)]
        with pytest.raises(postgres.LoadError, match="open transaction reads a view whose columns change"):
            place.load(found)
        assert rows(con, "SELECT * FROM cxmarts.t") == [(1,)]
    place.load(found)
    assert place.ask("SELECT * FROM cxmarts.t") == [(2, 3)]


LOAD = """
import sys
from pathlib import Path
from orchestration.ground.settings import Settings
from orchestration.publication import postgres, publish
published = Path(sys.argv[1])
postgres.load(publish.current(published), Settings(home=published.parent, postgres_url=sys.argv[2]))
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    """Asks again and again, a thousand times at most."""
    assert any(is_so() for _ in range(1000))


def is_waiting(con: Any) -> bool:
    """Whether a load waits for what the test holds; the server takes a breath before it answers."""
    [(count,)] = rows(
        con,
        "SELECT count(*) FROM (SELECT pg_sleep(0.02)) AS breath, pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'cxmarts' AND wait_event_type = 'Lock'",
    )
    return bool(count)


def test_a_load_killed_half_way(place: Place) -> None:
    """One mart is loaded, the next one is locked by the test: there it is killed."""
    url = place.settings.postgres_url or ""
    marts = {"a": "SELECT {} AS n FROM range(1000)", "b": "SELECT {} AS n"}
    first = place.publish({name: query.format(1) for name, query in marts.items()})
    place.load(first)
    second = place.publish({name: query.format(2) for name, query in marts.items()})
    with connect(url) as holder, connect(url, autocommit=True) as watcher:
        run(holder, "LOCK TABLE cxmarts_rows.b IN SHARE MODE")
        loading = subprocess.Popen(
            [sys.executable, "-c", LOAD, place.folder / "published", url],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        wait_until(lambda: loading.poll() is None and is_waiting(watcher))
        loading.send_signal(signal.SIGKILL)
        loading.wait()
        assert rows(watcher, "SELECT DISTINCT a.n, b.n FROM cxmarts.a, cxmarts.b") == [(1, 1)]
        holder.rollback()
    assert place.load(second).rows == {"a": 1000, "b": 1}
    assert place.ask("SELECT a.n, b.n, count(*) FROM cxmarts.a, cxmarts.b GROUP BY 1, 2") == [(2, 2, 1000)]
    assert place.ask("SELECT count(DISTINCT cxmarts_load) FROM cxmarts_rows.a") == [(2,)]


def test_a_server_that_goes_away(place: Place) -> None:
    url = place.settings.postgres_url or ""
    marts = {"a": "SELECT {} AS n FROM range(1000)", "b": "SELECT {} AS n"}
    place.load(place.publish({name: query.format(1) for name, query in marts.items()}))
    second = place.publish({name: query.format(2) for name, query in marts.items()})
    problems: list[postgres.LoadError] = []

    def load() -> None:
        try:
            place.load(second)
        except postgres.LoadError as error:
            problems.append(error)

    with connect(url) as holder, connect(url, autocommit=True) as watcher:
        run(holder, "LOCK TABLE cxmarts_rows.b IN SHARE MODE")
        loading = threading.Thread(target=load)
        loading.start()
        wait_until(lambda: is_waiting(watcher))
        place.server.stop()
    loading.join()
    with pytest.raises(postgres.LoadError) as refused:
        place.load(second)
    place.server.start()
    problems.append(refused.value)
    for text in map(str, problems):
        assert f"PostgreSQL at 127.0.0.1:{place.server.port}/" in text
        assert f"version {second.version} was not loaded" in text
        assert "see that the server runs" in text
        assert "the next `cxmarts refresh` catches up" in text
        assert "p@ss" not in text
        assert "p%40ss" not in text
    assert len(problems) == 2
    assert place.ask("SELECT DISTINCT a.n, b.n FROM cxmarts.a, cxmarts.b") == [(1, 1)]
    assert place.load(second).rows == {"a": 1000, "b": 1}
    assert place.ask("SELECT DISTINCT a.n, b.n FROM cxmarts.a, cxmarts.b") == [(2, 2)]


def test_a_wrong_password_is_told_without_it(place: Place) -> None:
    found = place.publish({"t": "SELECT 1 AS a"})
    wrong = place.server.url("postgres", password="gu%2Fess%25ed")
    with pytest.raises(postgres.LoadError) as refused:
        postgres.load(found, replace(place.settings, postgres_url=wrong))
    assert "password authentication failed" in str(refused.value)
    assert "What to do: correct user and password in CXMARTS_POSTGRES_URL" in str(refused.value)
    broken = place.server.url("postgres", password="gu%zzessed")
    with pytest.raises(postgres.LoadError) as refused_too:
        postgres.load(found, replace(place.settings, postgres_url=broken))
    for text in (str(refused.value), str(refused_too.value)):
        assert "gu%" not in text
        assert "gu/" not in text


def test_who_may_read(place: Place) -> None:
    """The role is made, may read all marts, also a new one, and nothing else."""
    settings = replace(place.settings, postgres_reader='read"ers')
    assert not postgres.load(place.publish({"t": "SELECT 1 AS a"}), settings).warning
    postgres.load(place.publish({"t": "SELECT 1 AS a", "u": "SELECT 2 AS b"}), settings)
    with connect(place.settings.postgres_url or "", autocommit=True) as con:
        run(con, 'CREATE ROLE bi LOGIN PASSWORD \'x\' IN ROLE "read""ers"')
    url = place.server.url(place.settings.postgres_url.rpartition("/")[2], "bi", "x")  # type: ignore[union-attr]
    with connect(url, autocommit=True) as con:
        assert rows(con, "SELECT a, b, version FROM cxmarts.t, cxmarts.u, cxmarts.loaded_version") == [
            (1, 2, place.published[-1].version)
        ]
        for refused in (
            "DELETE FROM cxmarts.t",
            "TABLE cxmarts_rows.t",
            "DELETE FROM cxmarts.loaded_version",
        ):
            with pytest.raises(adbc_driver_manager.ProgrammingError, match="permission denied"):
                run(con, refused)


def test_a_user_with_few_rights(place: Place) -> None:
    """What is missing is said with the line to run; without the role it loads all the same."""
    database = (place.settings.postgres_url or "").rpartition("/")[2]
    run_once(place, "CREATE ROLE loader LOGIN PASSWORD 'l'")
    settings = replace(
        place.settings, postgres_url=place.server.url(database, "loader", "l"), postgres_reader="bi_2"
    )
    found = place.publish({"t": "SELECT 1 AS a"})
    with pytest.raises(postgres.LoadError, match=r"permission denied.*GRANT CREATE ON DATABASE"):
        postgres.load(found, settings)
    assert (
        f'GRANT CREATE ON DATABASE "{database}" TO "loader"'
        in {finding.subject: finding.text for finding in postgres.examine(settings, found.version)}["rights"]
    )
    run_once(place, f'GRANT CREATE ON DATABASE "{database}" TO "loader"')
    assert 'CREATE ROLE "bi_2" NOLOGIN' in postgres.load(found, settings).warning
    told = list(postgres.examine(settings, found.version))
    assert all(finding.ok for finding in told)
    assert [finding.subject for finding in told if finding.warns] == ["reader"]
    run_once(place, 'CREATE ROLE "bi_2" NOLOGIN')
    assert not postgres.load(found, settings).warning
    assert [finding.subject for finding in postgres.examine(settings, "another") if finding.warns] == [
        "version"
    ]
