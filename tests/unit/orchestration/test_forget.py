"""Taking a source out: only what was named, only when nothing declares it, and never unasked."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ingestion.landing import Landing
from ingestion.landing_format import SCHEMA
from orchestration.commands.cli import main
from orchestration.ground import forget
from orchestration.ground.home import Home
from quality.gates import judge_batches
from quality.store import Store

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MAPPING = """\
file: export.csv
format: csv
entity: tickets
source: bank
mode: snapshot
id: id
columns: {created_at: created, status: status}
date_format: iso8601
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Tickets and answers of `bank`, users of `zendesk`: landed, judged, and a warehouse."""
    home = Home(tmp_path / "home").create()
    for name in [name for name in os.environ if name.startswith(("CXMARTS_", "ZENDESK_", "TYPEFORM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CXMARTS_HOME", str(home.root))
    monkeypatch.chdir(tmp_path)
    rows = pa.table(
        {
            "record_id": ["1"],
            "changed_at": pa.array([NOW], SCHEMA.field("changed_at").type),
            "deleted": [False],
            "payload": ["{}"],
            "fetched_at": pa.array([NOW], SCHEMA.field("fetched_at").type),
        }
    )
    landing = Landing(home.landing)
    for source, vendor, stream in (
        ("bank", "files", "tickets"),
        ("bank", "files", "survey_answers"),
        ("zendesk", "zendesk", "users"),
    ):
        landing.write(
            source=source, vendor=vendor, stream=stream, account=None, spec_version=1, cursors={}, rows=rows,
            received=1,
        )  # fmt: skip
    with Store(home.control) as store:
        judge_batches(store, landing.batches())
    home.warehouse.write_bytes(b"rows of bank")
    return home


def streams(home: Home) -> set[tuple[str, str]]:
    """What is left, of which landing and verdicts must agree."""
    with Store(home.control) as store:
        judged = {(batch.source, batch.stream) for batch in store.batches()}
    assert judged == set(Landing(home.landing).streams())
    return judged


def test_a_source_is_taken_out_and_the_journal_says_who_did_it_and_what(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert main(["forget", "bank", "--yes"]) == 0
    assert streams(home) == {("zendesk", "users")}
    assert not (home.landing / "bank").exists()
    assert not any("bank" in str(path) for path in home.landing.rglob("*"))
    assert not home.warehouse.exists()
    [line] = [json.loads(line) for line in home.journal.read_text().splitlines()]
    assert (line["did"], line["source"], line["streams"], line["files"]) == (
        "forget",
        "bank",
        ["survey_answers", "tickets"],
        2,
    )
    assert line["by"]
    assert home.journal.stat().st_mode & 0o777 == 0o600
    assert forget.forgotten_since(home, before) == {"bank"}
    assert forget.forgotten_since(home, datetime.now(UTC) + timedelta(hours=1)) == set()
    assert "Versions published before still hold it" in capsys.readouterr().out


def test_one_stream_is_taken_out(home: Home) -> None:
    assert main(["forget", "bank/tickets", "--yes"]) == 0
    assert streams(home) == {("bank", "survey_answers"), ("zendesk", "users")}


def refused(home: Home, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said where nothing is done."""
    before = streams(home)
    assert main(["forget", *arguments]) == 1
    assert streams(home) == before
    assert home.warehouse.exists()
    assert not home.journal.exists()
    return capsys.readouterr().err


def test_it_asks_first(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", (tmp_path / "answer").open("w+"))
    assert "no terminal to ask at: add --yes" in refused(home, capsys, "bank")
    for answer, code in (("no\n", 1), ("\n", 1), ("y\n", 0)):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        assert main(["forget", "bank"]) == code
    assert "Forget them for good? [y/N]" in capsys.readouterr().err
    assert streams(home) == {("zendesk", "users")}


class Terminal:
    """Somebody who types one line."""

    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.line


@pytest.mark.parametrize("name", ["bnk", "*", "../home", "bank/users", "."])
def test_what_never_landed_is_refused(home: Home, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert f"nothing of {name!r} has landed" in refused(home, capsys, name, "--yes")


def test_what_is_still_declared_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also by a mapping that cannot be read; another stream of its source is nobody's."""
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    monkeypatch.setenv("CXMARTS_FILES", str(mappings))
    (mappings / "bank.yml").write_text(MAPPING)
    said = refused(home, capsys, "bank", "--yes")
    assert f"remove the mapping {mappings / 'bank.yml'} first" in said
    (mappings / "bank.yml").write_text("format: [")
    assert "remove the mapping bank.yml first" in refused(home, capsys, "bank", "--yes")
    (mappings / "bank.yml").write_text(MAPPING)
    assert main(["forget", "bank/survey_answers", "--yes"]) == 0
    (mappings / "bank.yml").unlink()
    assert main(["forget", "bank", "--yes"]) == 0
    monkeypatch.setenv("ZENDESK_URL", "https://acme.zendesk.com")
    monkeypatch.setenv("ZENDESK_OAUTH_TOKEN", "token")
    capsys.readouterr()
    assert main(["forget", "zendesk", "--yes"]) == 1
    assert "remove the settings of the zendesk account zendesk first" in capsys.readouterr().err


def test_who_was_killed_in_between_starts_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The landing is gone, the verdicts are not."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "forget", killed)
        assert main(["forget", "bank", "--yes"]) == 130
    assert main(["forget", "bank", "--yes"]) == 0
    assert streams(home) == {("zendesk", "users")}
