"""Every cell of every KPI table opens: kpi_cell gives exactly the records that its counts count."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.publication import publish
from orchestration.refresh import refresh
from sandbox.server import Sandbox
from tests import homes, parsed
from tests.integration.orchestration.conftest import settings_of

NODES = {n["name"]: n for n in parsed.project().manifest["nodes"].values() if n["resource_type"] == "model"}
CELL_COLUMNS = ("period_grain", "period_start", "dimension", "member")


def _keys_and_counts() -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """KPI table -> key of its members (SQL on its row) -> column -> which members it counts (SQL)."""
    unique = {
        test["attached_node"]: test["test_metadata"]["kwargs"]["columns"]
        for test in parsed.project().manifest["nodes"].values()
        if test["resource_type"] == "test" and test["test_metadata"]["name"] == "unique_key"
    }
    for name, node in NODES.items():
        if not node["config"]["meta"].get("members"):
            continue
        # The company's scores are whole numbers.
        key = " || '/' || ".join(
            f"{column}::INT::VARCHAR"
            if node["columns"][column]["data_type"] == "double"
            else f"{column}::VARCHAR"
            for column in unique[node["unique_id"]]
            if column not in CELL_COLUMNS
        )
        counts: dict[str, dict[str, str]] = {}
        for column, described in node["columns"].items():
            told = described["config"]["meta"].get("counts", {})
            for constant, which in told.items() if isinstance(told, dict) else [("", told)]:
                counts.setdefault(f"'{constant}'" if constant else key or "''", {})[column] = which
        yield name, counts


COUNTS = dict(_keys_and_counts())
#: The keys that the members of a table may have.
KEYS = {
    table: " UNION ALL ".join(f"SELECT {key} FROM {table}" for key in counts)
    for table, counts in COUNTS.items()
}
#: A table without periods is one cell per key.
WITHOUT_PERIODS = {name for name in COUNTS if "period_grain" not in NODES[name]["columns"]}
CELL = "'all' AS period_grain, NULL::DATE AS period_start, 'all' AS dimension, 'all' AS member"
#: A company of two months without rule files of its own has none: see test_members_by_rules.
MADE_BY_RULES = {"kpi_cost", "kpi_retention"}
#: Repeats the other tables' numbers: those open.
DOES_NOT_OPEN = {"kpi_scorecard"}


@pytest.fixture(scope="module")
def published(first: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a quiet night leaves it, on which the view and the function are not rendered anew."""
    home = Path(shutil.copytree(first / ".cxmarts", tmp_path_factory.mktemp("later") / "home", symlinks=True))
    later = homes.NOW + timedelta(days=1)
    outcome = refresh(settings_of(home, sandbox, CXMARTS_AS_OF=later.isoformat()))
    assert (outcome.published, outcome.problems) == (True, [])
    current = publish.current(home / "published")
    assert current is not None
    assert current.as_of == later
    return current.path / "marts.duckdb"


@pytest.fixture
def con(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published), read_only=True) as opened:
        yield opened


def test_every_kpi_table_opens() -> None:
    """And says of at least one of its numbers which members it counts."""
    tables = {name for name in NODES if name.startswith("kpi_")}
    assert tables == COUNTS.keys() | DOES_NOT_OPEN
    assert [name for name, counts in COUNTS.items() if not counts] == []


@pytest.mark.parametrize("table", COUNTS)
def test_members_agree_with_every_cell(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Every row of the table by a call of its own: all grains, dimensions, members and keys."""
    for key, counts in COUNTS[table].items():
        wanted = ", ".join(f"{count} AS want_{n}" for n, count in enumerate(counts))
        got = ", ".join(f"count(*) FILTER ({which}) AS got_{n}" for n, which in enumerate(counts.values()))
        columns = f"{CELL}, *" if table in WITHOUT_PERIODS else "*"
        cells = f"SELECT {columns}, {key} AS key_, {wanted} FROM {table}"
        arguments = "c.period_grain, c.period_start, c.dimension, c.member, key := c.key_"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE compared AS SELECT c.*, l.* FROM ({cells}) AS c,"
            f" LATERAL (SELECT {got} FROM kpi_cell('{table}', {arguments})) AS l"
        )
        differs = " OR ".join(f"want_{n} <> got_{n}" for n in range(len(counts)))
        columns = "period_grain, period_start, dimension, member, key_, COLUMNS('^(want|got)_')"
        assert con.execute(f"SELECT {columns} FROM compared WHERE {differs} LIMIT 3").fetchall() == []
        # No member is in no cell: each dimension holds all of them, but those that count for some days only;
        # an extra dimension of a table holds some.
        extra = NODES[table]["config"]["meta"].get("extra_dimensions", [])
        missing = con.execute(
            "SELECT period_grain, dimension, sum(want_0), any_value(members) FROM compared, LATERAL ("
            "SELECT count(*) AS members FROM metric_members"
            f" WHERE kpi = '{table}' AND {next(iter(counts.values()))}"
            " AND key IN (SELECT key_ FROM compared) AND (period_grain = 'all' OR day IS NOT NULL)"
            f" AND until_day IS NULL) AS m WHERE NOT list_contains({extra}::VARCHAR[], dimension)"
            " GROUP BY ALL HAVING any_value(members) > 0 AND sum(want_0) <> any_value(members)"
        ).fetchall()
        assert missing == []
    unknown = con.execute(
        f"SELECT DISTINCT key FROM metric_members WHERE kpi = '{table}' AND key NOT IN ({KEYS[table]})"
    ).fetchall()
    assert unknown == []


def test_the_company_fills_the_tables(con: duckdb.DuckDBPyConnection) -> None:
    """What is compared above is not nothing."""
    filled = con.execute("SELECT kpi, count(*) FROM metric_members GROUP BY kpi").fetchall()
    assert {kpi for kpi, _ in filled} >= COUNTS.keys() - {"kpi_ces"} - MADE_BY_RULES


def test_a_statistic_is_made_of_its_members_values(con: duckdb.DuckDBPyConnection) -> None:
    differing = con.execute(
        "SELECT * FROM kpi_response_times AS c, LATERAL (SELECT median(value) AS median, avg(value) AS mean"
        " FROM kpi_cell('kpi_response_times', c.period_grain, c.period_start, c.dimension, c.member,"
        " key := c.measure || '/' || c.clock)) AS m"
        " WHERE abs(c.median_seconds - m.median) > 1e-6 OR abs(c.mean_seconds - m.mean) > 1e-3"
    ).fetchall()
    assert differing == []


def test_a_record_is_listed_once_for_a_key(con: duckdb.DuckDBPyConnection) -> None:
    key = "kpi, key, source, ticket_id, response_id, question_id, record_id"
    assert con.execute(f"SELECT {key} FROM metric_members GROUP BY ALL HAVING count(*) > 1").fetchall() == []


def test_members_lead_to_their_tickets(con: duckdb.DuckDBPyConnection) -> None:
    """From a cell to the rows of a mart; and a cell of nobody is empty."""
    [(month, breached)] = con.execute(
        "SELECT period_start, breached FROM kpi_sla_compliance"
        " WHERE period_grain = 'month' AND dimension = 'all' AND metric = 'first_reply'"
        " ORDER BY breached DESC LIMIT 1"
    ).fetchall()
    cell = f"kpi_cell('kpi_sla_compliance', 'month', DATE '{month}', 'all', 'all', key := 'first_reply')"
    found = con.execute(
        f"SELECT count(*), count(t.ticket_id) FROM {cell} AS m"
        " LEFT JOIN tickets AS t ON t.source = m.source AND t.ticket_id = m.ticket_id"
        " WHERE m.outcome = 'breached'"
    ).fetchall()
    assert found == [(breached, breached)]
    nobody = "kpi_cell('kpi_sla_compliance', 'all', NULL, 'segment', 'nobody', key := 'first_reply')"
    assert con.execute(f"FROM {nobody}").fetchall() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "'kpi_nothing', 'all', NULL, 'all', 'all'",
            "no KPI kpi_nothing; there are kpi_",
        ),
        ("NULL, 'all', NULL, 'all', 'all'", "no KPI null; there are kpi_"),
        (
            "'kpi_csat', 'months', '2026-02-01', 'all', 'all'",
            "no period_grain months; there are day, week, month,",
        ),
        ("'kpi_csat', NULL, '2026-02-01', 'all', 'all'", "no period_grain null; there are day, week, month,"),
        ("'kpi_csat', 'month', NULL, 'all', 'all'", "period_start is null; it is the first day of the month"),
        (
            "'kpi_csat', 'month', '2026-02-03', 'all', 'all'",
            "2026-02-03 is no first day of a month; 2026-02-01 is",
        ),
        ("'kpi_csat', 'week', DATE '2026-02-03', 'all', 'all'", "is no first day of a week; 2026-02-02 is"),
        ("'kpi_csat', 'all', NULL, 'segmnet', 'SMB'", "no dimension segmnet; there are agent, all, channel,"),
        ("'kpi_csat', 'all', NULL, 'all', 'all', key := 'x'", "kpi_csat has no key x"),
        ("'kpi_ces', 'months', NULL, 'all', 'all'", "no period_grain months"),
        (
            "'kpi_sla_compliance', 'all', NULL, 'all', 'all'",
            "needs a key; there are agent_work, first_reply,",
        ),
        (
            "'kpi_sla_compliance', 'all', NULL, 'all', 'all', key := NULL",
            "needs a key; there are agent_work,",
        ),
        (
            "'kpi_sla_compliance', 'all', NULL, 'all', 'all', key := 'frist'",
            "has no key frist; there are agent_work,",
        ),
        (
            "'kpi_team', 'all', NULL, 'all', 'all'",
            "kpi_team needs a key; there are csat, first_replies, replies,",
        ),
        (
            "'kpi_response_times', 'all', NULL, 'all', 'all', key := 'first_reply'",
            "there are agent_wait/business,",
        ),
    ],
)
def test_what_can_be_no_cell_is_an_error(con: duckdb.DuckDBPyConnection, arguments: str, says: str) -> None:
    """Nothing would read as none. Also of a table without rows, and in the middle of a larger query."""
    for query in (f"FROM kpi_cell({arguments})", f"SELECT count(*) FROM kpi_cell({arguments})"):
        with pytest.raises(duckdb.InvalidInputException, match=re.escape(says)):
            con.execute(query).fetchall()


def test_the_version_tells_its_instant(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("SELECT DISTINCT as_of = as_of() FROM publication").fetchall() == [(True,)]


def test_a_table_without_rows_takes_every_key(con: duckdb.DuckDBPyConnection) -> None:
    """What its keys would be, nobody can tell yet."""
    assert con.execute("SELECT count(*) FROM kpi_cost").fetchall() == [(0,)]
    assert con.execute("FROM kpi_cell('kpi_cost', 'all', NULL, 'all', 'all', key := 'base')").fetchall() == []


def test_the_file_under_another_name(published: Path) -> None:
    """Attached, the view resolves as it is, the function after `USE`."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{published}' AS elsewhere (READ_ONLY)")
        [(members,)] = con.execute(
            "SELECT count(*) FROM elsewhere.metric_members WHERE kpi = 'kpi_volume'"
        ).fetchall()
        con.execute("USE elsewhere")
        cell = con.execute(
            "SELECT count(*) FROM kpi_cell('kpi_volume', 'all', NULL, 'all', 'all')"
        ).fetchall()
    assert cell == [(members,)]
    assert members > 50


def _is_view(name: str) -> bool:
    return NODES[name]["schema"] == "marts" and NODES[name]["config"]["materialized"] == "view"


def test_what_readers_are_told(published: Path, con: duckdb.DuckDBPyConnection) -> None:
    """The view is described, is in the manifest, and holds no rows of its own."""
    found = publish.current(published.parents[2])
    assert found is not None
    assert set(found.manifest["views"]) == {name for name in NODES if _is_view(name)} | {"as_of", "kpi_cell"}
    assert "metric_members" not in found.manifest["marts"]
    assert not (published.parent / "marts" / "metric_members.parquet").exists()
    [(comment,)] = con.execute(
        "SELECT comment FROM duckdb_views() WHERE view_name = 'metric_members'"
    ).fetchall()
    assert "kpi_cell(" in comment
