"""What the doctor reads of the published marts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.commands import doctor
from orchestration.ground.home import Home


def publish(home: Home, columns: str, rows: str) -> None:
    current = home.published / "current"
    current.mkdir(parents=True)
    with duckdb.connect(str(current / "marts.duckdb")) as con:
        con.execute(f"create table agents as select * from (values {rows}) as t({columns})")


def test_it_names_probable_bots(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert list(doctor._bots(home)) == []
    publish(home, "source, agent_id, is_probable_bot", "('desk', '7', true), ('desk', '8', false)")
    [finding] = doctor._bots(home)
    assert (finding.source, finding.ok, finding.warns) == ("desk", True, True)
    assert "agent 7" in finding.text


def test_marts_of_before_name_none(tmp_path: Path) -> None:
    publish(Home(tmp_path), "source, agent_id", "('desk', '7')")
    assert list(doctor._bots(Home(tmp_path))) == []
