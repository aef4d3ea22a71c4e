"""What counted and nobody declares any more is told once; answers outside a scale stop no other number."""

import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.commands.cli import main
from orchestration.commands.doctor import _undeclared
from orchestration.ground.home import Home
from orchestration.publication import publish
from sandbox.catalog import CSAT_FORM
from sandbox.real import forms
from sandbox.real.forms import FACES_FORM
from sandbox.server import RULES

from .conftest import Night

STARS, QUICK = forms.RATING.id, forms.SPEED.id
ANSWERS = "select question_id, score, count(*) from survey_answers where source = 'typeform' group by all"
OFF_SCALE = "select count(*) from rejected_rows where reason like '%outside its scale 1.0 to 4.0'"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How quick we were is not declared any more; the five stars are, as four."""
    folder = tmp_path_factory.mktemp("rules")
    for path in RULES.glob("*.csv"):
        shutil.copy(path, folder)
    known = (folder / "questions.csv").read_text().splitlines(keepends=True)
    kept = [line for line in known if STARS not in line and f",{forms.SPEED.ref}," not in line]
    assert len(kept) == len(known) - 2
    (folder / "questions.csv").write_text("".join([*kept, f"*,{CSAT_FORM},{STARS},csat,1,4,,,\n"]))
    return folder


def ask(night: Night, sql: str) -> list[tuple[Any, ...]]:
    current = publish.current(night.home / "published")
    assert current is not None
    with duckdb.connect(str(current.path / publish.DATABASE), read_only=True) as con:
        return con.execute(sql).fetchall()


def about(texts: list[str], words: str) -> list[str]:
    return [text for text in texts if words in text]


@pytest.mark.campaign
def test_it_is_told_published_and_accepted(
    night: Night, rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {(question, score): n for question, score, n in ask(night, ANSWERS)}
    quick = sum(n for (question, _), n in before.items() if question == QUICK)
    assert quick > 0
    line = f"typeform,{FACES_FORM},{QUICK},csat,,,,,"

    outcome = night.publish(CXMARTS_RULES=str(rules))
    [told] = about(outcome.warnings, "count no more, for nobody declared")
    assert f"counted_before {quick}, " in told
    assert line in told
    [held] = about(outcome.warnings, "outside their question's scale")
    [(off_scale,)] = ask(night, OFF_SCALE)
    assert off_scale > 0
    assert f"typeform/{CSAT_FORM}/{STARS}: {off_scale}" in held
    [(named,)] = ask(night, "select held_questions from publication where held_questions is not null")
    assert f"typeform/{CSAT_FORM}/{STARS}: {off_scale}" in named
    counted = {(question, score): n for question, score, n in ask(night, ANSWERS)}
    assert {score for question, score in counted if question == STARS} <= {1, 2, 3, 4}
    gone = {key for key in before if key[0] == QUICK or key == (STARS, 5)}
    assert not gone & counted.keys()
    assert all(counted[key] >= before[key] for key in before.keys() - gone)
    assert ("rules",) in ask(
        night, "select distinct cause from restatements where mart = 'kpi_csat' and column_name = 'n'"
    )
    [finding] = _undeclared(Home(night.home))
    assert line in finding.text

    outcome = night.publish(CXMARTS_RULES=str(rules))
    assert about(outcome.warnings, "count no more, for nobody declared") == []
    assert about(outcome.warnings, "outside their question's scale") == [held]
    assert list(_undeclared(Home(night.home))) == []

    # What a build in this process left is no setting.
    for name in [name for name in os.environ if name.startswith("CXMARTS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(rules)
    monkeypatch.setenv("CXMARTS_HOME", str(night.home))
    monkeypatch.setenv("CXMARTS_RULES", str(rules))
    assert main(["questions"]) == 0
    assert line in capsys.readouterr().out
    assert main(["questions", "--accept", "typeform", FACES_FORM, QUICK]) == 0
    night.publish(CXMARTS_RULES=str(rules))
    counts = ask(night, f"select count(*) from survey_answers where question_id = '{QUICK}'")
    assert counts[0][0] >= quick
    capsys.readouterr()
    assert main(["questions"]) == 0
    assert line not in capsys.readouterr().out
