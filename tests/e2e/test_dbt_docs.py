"""dbt's documentation by one command: of a real warehouse, which it only reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from tests.browser import browser
from tests.homes import run


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.slow
def test_it_is_one_page_of_the_project_and_this_warehouse(copy: Path, tmp_path: Path) -> None:
    home = Home(copy / ".cxmarts")
    kept = [home.warehouse, *sorted((home.dbt / "target").glob("*.json"))]
    before = [digest(file) for file in kept]
    done = run(copy, "docs", "--open", BROWSER="echo opened %s")
    assert done.returncode == 0, done.stderr
    written, opened = done.stdout.splitlines()
    page = Path(written)
    assert opened == f"opened {page.as_uri()}" and page.stat().st_mode & 0o077 == 0
    # Neither the warehouse nor what the next refresh goes on from has changed.
    assert [digest(file) for file in kept] == before
    assert not [path for path in home.root.iterdir() if path.name.startswith("tmp")]

    with browser(tmp_path / "profile") as chromium:
        tab = chromium.page()
        for domain in ("Page", "Network", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        tab.open(f"{page.as_uri()}#!/model/model.cxmarts.kpi_response_times")
        tab.shows("How long do customers wait, typically and at worst?")
        tab.shows("median_seconds")
        # The type is the warehouse's word, the SQL as it was compiled; all models stand beside it.
        tab.shows("DOUBLE")
        tab.press("Compiled")
        tab.wait("document.querySelector('pre.code').innerText.includes('\"marts\".\"tickets\"')")
        tab.wait(r"/Projects\s+cxmarts/.test(document.body.innerText)")
        asked = [
            e["params"]["request"]["url"] for e in tab.events if e["method"] == "Network.requestWillBeSent"
        ]
        assert not [e for e in tab.events if e["method"] == "Runtime.consoleAPICalled"]
    # dbt's page looks for its icon beside itself, and asks nobody else.
    assert {url for url in asked if not url.startswith(("data:", home.root.as_uri()))} == set()


def test_without_a_warehouse_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "docs")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no warehouse yet; run `cxmarts refresh`" in done.stderr
    assert not (tmp_path / ".cxmarts").exists()


def test_a_refresh_that_runs_is_not_disturbed(copy: Path) -> None:
    home = Home(copy / ".cxmarts")
    with exclusive(home.lock, "refresh"):
        done = run(copy, "docs")
    assert done.returncode == 3 and "(refresh)" in done.stderr
    assert not (home.root / "dbt_docs.html").exists()
