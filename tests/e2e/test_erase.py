"""A customer of a whole company is erased: nothing of them is left below the home, and no KPI moves."""

import json
from pathlib import Path

import duckdb
import pytest

from sandbox.server import Sandbox
from tests.homes import run, variables

CURRENT = Path(".cxmarts", "published", "current")


def published(copy: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(copy / CURRENT / "marts.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def kpis(copy: Path) -> dict[str, str]:
    marts = json.loads((copy / CURRENT / "manifest.json").read_text())["marts"]
    return {name: mart["content_hash"] for name, mart in marts.items() if name.startswith("kpi_")}


@pytest.mark.campaign
def test_a_customer_leaves_and_every_kpi_stays(copy: Path, sandbox: Sandbox) -> None:
    [(customer,)] = published(
        copy,
        "select customer_id from survey_answers where customer_id is not null"
        " group by all order by count(*) desc, customer_id limit 1",
    )
    of = f"from tickets where customer_id = '{customer}' order by ticket_id"
    tickets, before = published(copy, f"select ticket_id {of}"), kpis(copy)
    assert tickets

    def search() -> list[Path]:
        files = (path for path in (copy / ".cxmarts").rglob("*") if path.is_file() and not path.is_symlink())
        return [path for path in files if str(customer).encode() in path.read_bytes()]

    assert search()
    erase = ("erase", "zendesk", "--customer", str(customer), "--yes")
    # A source is down: the numbers cannot be published anew, and readers keep what they have.
    broken = run(copy, *erase, **variables(sandbox, ZENDESK_API_TOKEN="wrong"))
    assert broken.returncode == 1
    assert "the landing is clean; the versions published before still hold them" in broken.stderr
    assert published(copy, f"select ticket_id {of}") == tickets
    done = run(copy, *erase, **variables(sandbox))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "nothing left"), done.stderr
    assert search() == []
    assert len(list((copy / CURRENT).parent.glob("versions/*"))) == 1
    assert kpis(copy) == before
    theirs = ", ".join(f"'{ticket}'" for (ticket,) in tickets)
    [(nobody, n)] = published(
        copy, f"select customer_id, count(*) from tickets where ticket_id in ({theirs}) group by all"
    )
    assert (nobody != customer, n) == (True, len(tickets))
