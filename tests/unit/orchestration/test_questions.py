"""Questions that nobody declared, from the marts to a line of the rule file."""

import csv
import json
import os
from pathlib import Path

import duckdb
import pytest

from orchestration.commands import cli
from orchestration.ground.home import Home
from orchestration.warehouse.dbt import PACKAGED
from sandbox.server import RULES

HEAD = (PACKAGED / "seeds" / "questions.csv").read_text()
UNKNOWN = "its kind is not declared"
UNMAPPED = [
    ("typeform", "f1", "stars", "After a call", "How was it?", UNKNOWN, "csat", 30, "2: 6, 5: 24",
     "typeform,f1,stars,csat,,,,,"),
    ("typeform", 'a "b", c', "yes", None, None, UNKNOWN, "csat", 3, "no: 1, yes: 2",
     'typeform,"a ""b"", c",yes,csat,,,,,'),
    ("typeform", "f1", "words", "After a call", "How?", "its answers have no scores", None, 1,
     "No opinion: 1", None),
    ("typeform", "f1", "vague", "After a call", "[A][/b]", f"{UNKNOWN}, its scale is not declared", None, 2,
     "1: 2", None),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build in this process left is none."""
    for name in [name for name in os.environ if name.startswith("CXMARTS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose first night built its marts and published none."""
    root = Home(tmp_path / ".cxmarts").create()
    with duckdb.connect(str(root.warehouse)) as con:
        con.execute("CREATE SCHEMA marts")
        con.execute(
            "CREATE TABLE marts.unmapped_questions (source TEXT, survey TEXT, question_id TEXT,"
            " survey_title TEXT, question_title TEXT, reason TEXT, proposed_kind TEXT, answers BIGINT,"
            " distribution TEXT, questions_line TEXT)"
        )
        places = ", ".join("?" * len(UNMAPPED[0]))
        con.executemany(f"INSERT INTO marts.unmapped_questions VALUES ({places})", UNMAPPED)
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXMARTS_HOME", str(tmp_path / ".cxmarts"))
    monkeypatch.setenv("CXMARTS_RULES", str(tmp_path / "rules"))
    return tmp_path


def rows(home: Path) -> list[list[str]]:
    with (home / "rules" / "questions.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_they_are_shown_with_what_analysts_need_to_decide(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["questions"]) == 0
    shown = capsys.readouterr().out
    for text in ("After a call", "How was it?", "[A][/b]", "30", "2: 6, 5: 24", "csat", "its kind is"):
        assert text in shown
    assert '\ntypeform,f1,stars,csat,,,,,\ntypeform,"a ""b"", c",yes,csat,,,,,\n' in shown
    assert shown.endswith("which never counts:\ntypeform,f1,vague,KIND,MIN,MAX,,,\n")
    assert cli.main(["questions", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["question_id"], each["answers"], each["is_declared"]) for each in told] == [
        ("stars", 30, False),
        ("yes", 3, False),
        ("vague", 2, False),
        ("words", 1, False),
    ]


def test_a_line_is_written_once_and_all_others_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is made with its header; afterwards the question is shown as declared."""
    assert cli.main(["questions", "--accept", "typeform", "f1", "stars"]) == 0
    assert "next refresh counts" in capsys.readouterr().out
    assert (home / "rules" / "questions.csv").read_text() == HEAD + "typeform,f1,stars,csat,,,,,\n"
    assert cli.main(["questions"]) == 0
    assert "declared by" in capsys.readouterr().out
    for _ in range(2):
        assert cli.main(["questions", "--accept", "all"]) == 0
        assert "typeform f1 stars: declared already" in capsys.readouterr().out
    assert [row[1:4] for row in rows(home)[1:]] == [["f1", "stars", "csat"], ['a "b", c', "yes", "csat"]]


def test_a_file_of_ones_own_keeps_its_rows_its_columns_and_its_line_ends(home: Path) -> None:
    """One row there is for every source; the last line has no end."""
    columns = HEAD.strip().split(",")
    mine = ",".join(reversed(columns)) + "\r\n" + ",,,,,nps,stars,f1,*\r\n" + ",,,,,ces,effort,f2,typeform"
    (home / "rules" / "questions.csv").write_bytes(b"\xef\xbb\xbf" + mine.encode())
    assert cli.main(["questions", "--accept", "all"]) == 0
    text = (home / "rules" / "questions.csv").read_bytes()
    assert text.decode("utf-8-sig") == mine + '\r\n,,,,,csat,yes,"a ""b"", c",typeform\r\n'
    assert text.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (["typeform", "f1", "nobody"], "no question that waits; there are: typeform f1 stars, typeform a"),
        (["typeform", "f1", "vague"], "its scale is not declared; write its line into questions.csv by hand"),
        (["typeform", "f1"], "--accept takes SOURCE SURVEY QUESTION, or all"),
    ],
)
def test_what_cannot_be_accepted_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], named: list[str], told: str
) -> None:
    assert cli.main(["questions", "--accept", *named]) == 1
    assert told in capsys.readouterr().err
    assert not (home / "rules" / "questions.csv").exists()


def test_without_a_folder_of_ones_own_it_says_what_to_do(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (RULES / "questions.csv").read_bytes()
    monkeypatch.setenv("CXMARTS_RULES", str(RULES))
    assert cli.main(["questions", "--accept", "all"]) == 1
    assert "copy it to a folder of yours" in capsys.readouterr().err
    assert (RULES / "questions.csv").read_bytes() == before
    monkeypatch.delenv("CXMARTS_RULES")
    assert cli.main(["questions", "--accept", "all"]) == 1
    assert "name it in .env as CXMARTS_RULES" in capsys.readouterr().err


def test_in_a_demo_its_own_rule_files_are_those(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXMARTS_RULES")
    (home / ".cxmarts" / "demo.json").write_text("{}")
    (home / ".cxmarts" / "rules").mkdir()
    assert cli.main(["questions", "--accept", "typeform", "f1", "stars"]) == 0
    assert "f1,stars,csat" in (home / ".cxmarts" / "rules" / "questions.csv").read_text()
    capsys.readouterr()
    assert cli.main(["questions"]) == 0
    assert "declared by" in capsys.readouterr().out


def test_a_refresh_ends_with_how_many_the_command_lists(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli._tell_of_questions(Home(home / ".cxmarts"))
    assert "count for nothing: 4, see" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_stays_as_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = HEAD.replace("kind", "what")
    (home / "rules" / "questions.csv").write_text(broken)
    assert cli.main(["questions", "--accept", "all"]) == 1
    assert "questions.csv lacks kind" in capsys.readouterr().err
    assert (home / "rules" / "questions.csv").read_text() == broken


def test_before_anything_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXMARTS_HOME", str(tmp_path / ".cxmarts"))
    assert cli.main(["questions"]) == 1
    assert "nothing was built yet; run `cxmarts refresh`" in capsys.readouterr().err
