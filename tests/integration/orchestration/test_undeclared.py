"""What counted and nobody declares any more is told once; answers outside a scale stop no other number."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.commands.cli import main
from orchestration.commands.doctor import _undeclared
from orchestration.ground.home import Home
from orchestration.publication import publish
from orchestration.warehouse.dbt import PACKAGED
from sandbox.catalog import CSAT_FORM, NPS_FORM
from sandbox.vendors.typeform.api import FIELDS

from .conftest import Night

STARS, LIKELY = FIELDS[CSAT_FORM][0], FIELDS[NPS_FORM][0]
HEAD = (PACKAGED / "seeds" / "questions.csv").read_text()
ANSWERS = "select survey, score, count(*) from survey_answers where source = 'typeform' group by all"
OFF_SCALE = "select count(*) from rejected_rows where reason like '%outside its scale 1.0 to 4.0'"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Who will recommend is not declared; the five stars are, as four."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "questions.csv").write_text(f"{HEAD}*,{CSAT_FORM},{STARS},csat,1,4,,,\n")
    return folder


def ask(night: Night, sql: str) -> list[tuple[Any, ...]]:
    current = publish.current(night.home / "published")
    assert current is not None
    with duckdb.connect(str(current.path / publish.DATABASE), read_only=True) as con:
        return con.execute(sql).fetchall()


def about(texts: list[str], words: str) -> list[str]:
    return [text for text in texts if words in text]


def test_it_is_told_published_and_accepted(
    night: Night, rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {(survey, score): n for survey, score, n in ask(night, ANSWERS)}
    loyal = sum(n for (survey, _), n in before.items() if survey == NPS_FORM)
    assert loyal > 0
    line = f"typeform,{NPS_FORM},{LIKELY},nps,,,,,"

    outcome = night.publish(CXMARTS_RULES=str(rules))
    [told] = about(outcome.warnings, "count no more, for nobody declared")
    assert f"counted_before {loyal}, " in told
    assert line in told
    [held] = about(outcome.warnings, "outside their question's scale")
    [(off_scale,)] = ask(night, OFF_SCALE)
    assert off_scale > 0
    assert f"typeform/{CSAT_FORM}/{STARS}: {off_scale}" in held
    assert ask(night, "select stream, held_questions from publication where held_questions is not null") == [
        ("responses", f"typeform/{CSAT_FORM}/{STARS}: {off_scale}")
    ]
    counted = {(survey, score): n for survey, score, n in ask(night, ANSWERS)}
    assert {survey for survey, _ in counted} == {CSAT_FORM}
    assert {score for _, score in counted} <= {1, 2, 3, 4}
    assert all(n >= before.get(key, 0) for key, n in counted.items())
    assert ask(
        night, "select distinct cause from restatements where mart = 'kpi_nps' and column_name = 'n'"
    ) == [("rules",)]
    [finding] = _undeclared(Home(night.home))
    assert line in finding.text

    outcome = night.publish(CXMARTS_RULES=str(rules))
    assert about(outcome.warnings, "count no more, for nobody declared") == []
    assert about(outcome.warnings, "outside their question's scale") == [held]
    assert list(_undeclared(Home(night.home))) == []

    monkeypatch.chdir(rules)
    monkeypatch.setenv("CXMARTS_HOME", str(night.home))
    monkeypatch.setenv("CXMARTS_RULES", str(rules))
    assert main(["questions"]) == 0
    assert line in capsys.readouterr().out
    assert main(["questions", "--accept", "typeform", NPS_FORM, LIKELY]) == 0
    night.publish(CXMARTS_RULES=str(rules))
    counts = ask(night, f"select count(*) from survey_answers where survey = '{NPS_FORM}'")
    assert counts[0][0] >= loyal
    assert main(["questions"]) == 0
    assert capsys.readouterr().out.endswith("Every rating question is declared.\n")
