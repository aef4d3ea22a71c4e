"""What the doctor reads of the published marts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.commands import doctor
from orchestration.ground.home import Home


def publish(home: Home, columns: str, rows: str, mart: str = "agents") -> None:
    current = home.published / "current"
    current.mkdir(parents=True)
    with duckdb.connect(str(current / "marts.duckdb")) as con:
        con.execute(f"create table {mart} as select * from (values {rows}) as t({columns})")


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


def test_it_names_channels_with_gaps(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert list(doctor._gaps(home)) == []
    publish(
        home,
        "source, channel, measure, missing, unexplained, expected, gap",
        "('desk', 'chat', 'first_reply', 11, 1, 140, 'warning'),"
        " ('desk', 'chat', 'reopens', 7, 0, 150, 'warning'),"
        "('desk', 'web', 'reopens', 0, 0, 900, 'unknown'), ('desk', 'email', 'reopens', 1, 0, 900, null)",
        "completeness_summary",
    )
    [finding] = doctor._gaps(home)
    assert (finding.source, finding.ok, finding.warns) == ("desk", True, True)
    assert finding.text.startswith(
        "chat: missing or unexplained are first reply 12 of 140, reopens 7 of 150;"
    )


def test_it_names_what_counted_and_nobody_declared(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert list(doctor._undeclared(home)) == []
    publish(
        home,
        "source, survey, question_id, counted_before, questions_line",
        "('forms', 'f', 'stars', 30, 'forms,f,stars,csat,,,,,'), ('forms', 'f', 'vague', 2, null),"
        " ('forms', 'f', 'new', 0, 'forms,f,new,csat,,,,,')",
        "unmapped_questions",
    )
    stars, vague = doctor._undeclared(home)
    assert (stars.source, stars.ok, stars.warns) == ("forms", True, True)
    assert stars.text.startswith("stars of f: 30 answers count no more")
    assert stars.text.endswith("in questions.csv: forms,f,stars,csat,,,,,")
    assert "2 answers" in vague.text
