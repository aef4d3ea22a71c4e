"""The demo's home: its rule files are the reader's, and one of another release is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestration.commands import cli, demo
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


def test_the_doctor_knows_its_company(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its sources answer, and the time zone is its own."""
    monkeypatch.chdir(tmp_path)
    # What a build in this process left is none.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CXMARTS_")}
    monkeypatch.setattr(os, "environ", {**kept, "CXMARTS_HOME": str(home.root)})
    with demo.company(home, 100):
        pass
    os.umask(0o022)  # as a shell has it
    assert cli.main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "time zone America/New_York" in told
    assert "ok   zendesk:" in told and "ok   typeform:" in told


@pytest.mark.parametrize("state", [{}, {"edition": demo.EDITION - 1}])
def test_a_demo_of_another_release_is_refused(home: Home, state: dict[str, int]) -> None:
    old = {"tickets": 1000, "now": "2026-11-28T00:00:00+00:00", **state}
    (home.root / "demo.json").write_text(json.dumps(old))
    with pytest.raises(demo.DemoError, match="another release: remove it"), demo.company(home):
        pass


def test_a_demo_keeps_to_its_helpdesks(home: Home) -> None:
    with demo.company(home, 100, helpdesks=("freshdesk",)) as first:
        assert first.keys() >= {"FRESHDESK_URL", "FRESHDESK_API_KEY", "TYPEFORM_TOKEN"}
    with demo.company(home) as again:
        assert again.keys() == first.keys()
    with pytest.raises(demo.DemoError, match="other helpdesks"), demo.company(home, helpdesks=("zendesk",)):
        pass


def test_the_usual_helpdesk_may_be_named(home: Home) -> None:
    with demo.company(home, 100) as first:
        assert "ZENDESK_URL" in first
    with demo.company(home, helpdesks=("zendesk",)) as again:
        assert "ZENDESK_URL" in again


def test_a_helpdesk_that_is_none_leaves_no_demo(home: Home) -> None:
    with (
        pytest.raises(demo.DemoError, match="unknown helpdesk 'other'"),
        demo.company(home, 100, helpdesks=("other",)),
    ):
        pass
    with demo.company(home, 100) as usual:
        assert "ZENDESK_URL" in usual
