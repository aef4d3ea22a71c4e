"""The demo as people run it."""

import json
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.homes import run
from tests.parsed import ROOT
from tests.uis import started


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Of two formulas told in other words one has a new version; and a target."""
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (ROOT / "dbt_project" / "seeds" / "kpi_definitions.csv").read_text()
    for old, new in (
        (',0,3,"100 x positive answers', ',0,4,"100 x happy answers'),
        ('"percent promoters (9-10)', '"per cent promoters (9-10)'),
    ):
        assert old in text
        text = text.replace(old, new)
    (rules / "kpi_definitions.csv").write_text(text)
    (rules / "kpi_targets.csv").write_text(
        "kpi,dimension,member,target,direction,source,valid_from,valid_to\ncsat,,,99,,the board,,\n"
    )
    return rules


@pytest.mark.slow
def test_the_demo_and_what_comes_after(tmp_path: Path, rules: Path) -> None:
    """From nothing to a scorecard. A refresh fetches only what changed since, own rules show; the UI is up.

    Both find the company and its time zone by themselves: no setting names them.
    """
    once = run(tmp_path, "demo", "--tickets", "100")
    assert once.returncode == 0, once.stderr
    assert "Scorecard" in once.stdout
    assert "goes before the demo's own rules" not in once.stderr
    assert "99.0 %" not in once.stdout
    [query] = re.findall(r"^  a query +(.*)$", once.stdout.partition("Where to look next")[2], re.MULTILINE)
    asked = subprocess.run(query, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "period_start" in asked.stdout
    landed = list((tmp_path / ".cxmarts" / "landing").rglob("*.parquet"))
    current = tmp_path / ".cxmarts" / "published" / "current"
    before = current.resolve().name

    twice = run(tmp_path, "refresh", CXMARTS_RULES=str(rules))
    assert twice.returncode == 0, twice.stderr
    assert "`cxmarts scorecard`" in twice.stdout
    [lacks] = re.findall("goes before the demo's own rules: it does not declare (.*)", twice.stderr)
    assert "cSatRat1ng01" in lacks
    more = set((tmp_path / ".cxmarts" / "landing").rglob("*.parquet")) - set(landed)
    rows = sum(duckdb.read_parquet([str(path)]).count("*").fetchall()[0][0] for path in more)
    assert rows < 500
    card = run(tmp_path, "scorecard").stdout
    assert "target" in card
    assert "99.0 %" in card
    changed_definitions_show(current, before)
    the_ui_is_alive(tmp_path)

    refused = run(tmp_path, "refresh", ZENDESK_URL="https://x.zendesk.com", ZENDESK_OAUTH_TOKEN="t")
    assert refused.returncode == 1
    assert "holds the demo's data" in refused.stderr


def the_ui_is_alive(folder: Path) -> None:
    """Its schedule is on, in the company's zone, and a stream can be fetched by its button."""
    with started(folder) as ui:
        assert ui.schedule() == ("America/New_York", "RUNNING")
        launched = ui.ask(
            "mutation($run: ExecutionParams!) { launchRun(executionParams: $run) { __typename"
            " ... on LaunchRunSuccess { run { id } } } }",
            run={
                "mode": "default",
                "selector": {
                    "repositoryLocationName": "cxmarts",
                    "repositoryName": "__repository__",
                    "jobName": "nightly",
                    "assetSelection": [{"path": ["raw_zendesk", "groups"]}],
                },
            },
        )["launchRun"]
        assert ui.ended(launched["run"]["id"]) == "RunSuccessEvent"


def changed_definitions_show(current: Path, before: str) -> None:
    """In the journal, the manifest and the comments; what has no new version is warned of."""
    journal = duckdb.sql(
        "SELECT key, column_name, before, after, cause, before_version"
        f" FROM '{current}/marts/restatements.parquet' WHERE mart = 'kpi_definitions' ORDER BY key"
    ).fetchall()
    assert journal == [
        ("csat", "definition_version", 3, 4, "rules", before),
        ("nps", "definition", 3, 3, "rules", before),
    ]
    manifest = json.loads((current / "manifest.json").read_text())
    assert manifest["definition_versions"]["kpi_csat"] == ["4"]
    assert manifest["definitions"]["csat"]["definition"].startswith("100 x happy answers")
    [warning] = [
        result
        for result in manifest["gate_results"]
        if result["expectation"] == "changed_definitions_have_a_new_version"
    ]
    assert (warning["severity"], warning["outcome"]) == ("warning", "failed")
    assert "nps" in warning["message"]
    assert "Raise definition_version" in warning["message"]
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        [(comment, version)] = con.execute(
            "SELECT comment, (SELECT definition_version FROM kpi_definitions WHERE kpi = 'csat')"
            " FROM duckdb_columns() WHERE table_name = 'kpi_csat' AND column_name = 'csat_pct'"
        ).fetchall()
    assert "csat, version 4: 100 x happy answers" in comment
    assert version == 4


@pytest.mark.slow
def test_the_demo_through_freshdesk(tmp_path: Path) -> None:
    made = run(tmp_path, "demo", "--tickets", "100", "--helpdesk", "freshdesk")
    assert made.returncode == 0, made.stderr
    assert "Scorecard" in made.stdout
    marts = tmp_path / ".cxmarts" / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.sql("SELECT source, count(*) > 50 FROM tickets GROUP BY source").fetchall() == [
            ("freshdesk", True)
        ]
