"""The same landing and instant give the same numbers, whenever and wherever; what changed is journalled."""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from sandbox.catalog import BUSINESS_ZONE
from tests.homes import NOW, hashes, run, small_company
from tests.trees import tree

pytestmark = pytest.mark.campaign

FIRST, SECOND = NOW, NOW + timedelta(days=4)


@dataclass
class Nights:
    """A folder after two nights, and the first of them once more, in another time zone."""

    folder: Path
    first: Path
    second: Path
    published: dict[str, str]
    earlier: dict[str, Any]


def refresh(folder: Path, as_of: datetime, **environ: str) -> dict[str, Any]:
    done = run(folder, "refresh", "--json", "--as-of", as_of.isoformat(), **environ)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def nights(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = Path(shutil.copytree(first, tmp_path_factory.mktemp("nights") / "copy", symlinks=True))
    published = folder / ".cxmarts" / "published"
    first_version = (published / "current").resolve()
    with small_company() as sandbox:
        sandbox.advance(days=4)
        second = refresh(folder, SECOND, **sandbox.env())
        before = tree(published)
        # Neither the landing of later nights nor the machine's clock may show.
        earlier = refresh(folder, FIRST, **sandbox.env(), TZ="Pacific/Kiritimati")
    return Nights(folder, first_version, Path(second["path"]), before, earlier)


def test_an_earlier_instant_is_what_was_published_then(nights: Nights) -> None:
    earlier = Path(nights.earlier["path"])
    assert earlier != nights.first
    assert hashes(earlier) == hashes(nights.first)
    assert hashes(earlier)["tickets"] != hashes(nights.second)["tickets"]
    assert nights.earlier["problems"] == []
    tickets = [
        duckdb.sql(f"SELECT count(*) FROM '{version}/marts/tickets.parquet'").fetchall()[0][0]
        for version in (earlier, nights.second)
    ]
    assert tickets[0] < tickets[1]


def test_an_earlier_instant_leaves_the_current_version_alone(nights: Nights) -> None:
    assert nights.earlier["published"] is False
    published = nights.folder / ".cxmarts" / "published"
    assert (published / "current").resolve() == nights.second.resolve()
    now = tree(published)
    added = f"versions/{nights.earlier['version']}/"
    assert {name: digest for name, digest in now.items() if not name.startswith(added)} == nights.published


def numbers(mart: Path, key: list[str]) -> dict[tuple[Any, ...], dict[str, float | None]]:
    """The numbers of a KPI table in periods that had ended by the first night, by key."""
    day = FIRST.astimezone(ZoneInfo(BUSINESS_ZONE)).date()
    ends = f"period_start < date_trunc(period_grain, DATE '{day}')"
    found = duckdb.sql(f"SELECT * FROM '{mart}' WHERE period_grain <> 'all' AND {ends}")
    counted = [
        name
        for name, kind in zip(found.columns, found.types, strict=True)
        if str(kind) in ("BIGINT", "DOUBLE") and name not in key
    ]
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    return {tuple(row[name] for name in key): {name: row[name] for name in counted} for row in rows}


def test_the_journal_accounts_for_every_changed_number(nights: Nights) -> None:
    """Against a comparison of the two versions' files, number by number."""
    project = json.loads((nights.folder / ".cxmarts" / "dbt" / "target" / "manifest.json").read_text())
    keys = {
        node["attached_node"].rpartition(".")[2]: node["test_metadata"]["kwargs"]["columns"]
        for node in project["nodes"].values()
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "unique_key"
    }
    changed = {}
    for path in sorted((nights.second / "marts").glob("kpi_*.parquet")):
        key = keys[path.stem]
        if path.stem == "kpi_scorecard" or "period_start" not in key:
            continue
        before, after = numbers(nights.first / "marts" / path.name, key), numbers(path, key)
        changed[path.stem] = 0
        for cell in before.keys() | after.keys():
            was, now = before.get(cell, {}), after.get(cell, {})
            if any(was.values()) or any(now.values()):
                changed[path.stem] += sum(was.get(name) != now.get(name) for name in was | now)
    with duckdb.connect(str(nights.second / "marts.duckdb"), read_only=True) as con:
        journal = dict(con.execute("SELECT mart, sum(cells) FROM restatements GROUP BY mart").fetchall())
        [(strangers,)] = con.execute(
            "SELECT count(*) FROM restatements WHERE cause IN ('code', 'rules')"
        ).fetchall()
    assert sum(changed.values()) > 500
    assert journal == {mart: count for mart, count in changed.items() if count}
    assert strangers == 0
