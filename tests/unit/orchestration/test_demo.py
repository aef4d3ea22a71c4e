"""The demo's home: its rule files are the reader's, and one of another release is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.commands import demo
from orchestration.ground.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def test_rule_files_are_put_there_once_and_kept_as_they_were_edited(home: Home) -> None:
    rules = home.root / "rules"
    with demo.company(home, 100) as variables:
        assert variables["CXMARTS_RULES"] == str(rules)
    shipped = (rules / "kpi_targets.csv").read_text()
    (rules / "kpi_targets.csv").write_text("edited")
    (rules / "segment_sizes.csv").unlink()
    with demo.company(home):
        assert (rules / "kpi_targets.csv").read_text() == "edited" != shipped
        assert (rules / "segment_sizes.csv").exists()


def test_a_folder_of_the_reader_goes_before_them(home: Home, tmp_path: Path) -> None:
    with demo.company(home, 100, tmp_path) as variables:
        assert variables["CXMARTS_RULES"] == str(tmp_path)


@pytest.mark.parametrize("state", [{}, {"edition": demo.EDITION - 1}])
def test_a_demo_of_another_release_is_refused(home: Home, state: dict[str, int]) -> None:
    old = {"tickets": 1000, "now": "2026-11-28T00:00:00+00:00", **state}
    (home.root / "demo.json").write_text(json.dumps(old))
    with pytest.raises(demo.DemoError, match="another release: remove it"), demo.company(home):
        pass
