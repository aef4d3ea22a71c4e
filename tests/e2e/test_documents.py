"""Every command of the documents, run to its end as it is written there."""

from __future__ import annotations

import csv
import json
import re
import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import openpyxl
import pytest
import yaml

from sandbox.server import Sandbox
from tests import recipes
from tests.documents import Code, blocks, commands
from tests.e2e import story, test_real_sets
from tests.homes import variables
from tests.parsed import ROOT
from tests.shell import Shell

#: Commands that no test runs as they are written, and why.
ELSEWHERE = {
    "make test": "`.ci/run` runs it with the slow tests, in a clean clone",
    "make setup": "`.ci/run` begins with it, in a clean clone",
    "git pull": "needs the repository that was cloned",
    "cxmarts rollback": "a name; its form with a version is run",
    "cxmarts refetch": "a name; its form with a source is run",
    "cxmarts forget": "a name; its form with a source is run",
    "cxmarts files": "a name; its form with a file is run",
    "cxmarts ui": "what `make ui` runs",
    "cxmarts demo": "what `make demo` runs",
    "cxmarts ui --port": "tests/e2e/test_ui.py",
    "cxmarts ui --read-only": "tests/e2e/test_ui.py",
    "cxmarts erase": "a name; its forms are run by tests/unit/orchestration/test_erase.py",
    "cxmarts erase SOURCE --customer ID": "tests/e2e/test_erase.py",
    "cxmarts erase --email ADDRESS": "tests/unit/orchestration/test_erase.py",
    "cxmarts erase SOURCE --response ID": "tests/unit/orchestration/test_erase.py",
    "cxmarts erase zendesk --customer 28835750003072": "tests/e2e/test_erase.py, another customer",
    "cxmarts erase zendesk --customer 28835750003072 --dry-run": "tests/unit/orchestration/test_erase.py",
    "cxmarts questions": "tests/e2e/test_commands.py",
    "cxmarts questions --json": "tests/unit/orchestration/test_questions.py",
    "cxmarts questions --accept SOURCE SURVEY QUESTION": "tests/unit/orchestration/test_questions.py",
    "cxmarts questions --accept all": "tests/unit/orchestration/test_questions.py",
    "cxmarts demo --tickets": "tests/e2e/test_demo.py",
    "make demo HELPDESK=freshdesk": "tests/e2e/test_demo.py, by `cxmarts demo`",
    "cxmarts report": "tests/e2e/test_report.py",
    "cxmarts report --open": "tests/e2e/test_report.py, with another program than a browser",
    "cxmarts docs": "tests/e2e/test_dbt_docs.py",
    "cxmarts docs --open": "tests/e2e/test_dbt_docs.py; opened as `cxmarts report --open` opens",
    "cxmarts refetch typeform/responses": "tests/integration/ingestion/test_deleted_responses.py",
    "cxmarts refetch zendesk/survey_responses": "tests/integration/ingestion/test_changed_answers.py",
    "ssh -L 3000:127.0.0.1:3000 HOST": "needs another machine",
}


def promised() -> set[str]:
    """The commands that the tests of this folder say they run."""
    return {
        command
        for module in (sys.modules[__name__], test_real_sets)
        for test in vars(module).values()
        if callable(test)
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "documents"
        for command in mark.args
    }


def test_every_command_is_run_or_explained() -> None:
    written = commands()
    missing = {
        f"{place}: {command}"
        for command, place in written.items()
        if command not in promised() | set(ELSEWHERE)
    }
    assert missing == set(), "run it in a test, or say in ELSEWHERE why not"
    assert promised() - set(written) == set()
    assert set(ELSEWHERE) - set(written) == set()
    assert promised() & set(ELSEWHERE) == set()
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    goals = {goal for step in steps if step.startswith("make ") for goal in step.split()}
    assert {"setup", "test-all"} <= goals


def filled_settings(values: dict[str, str]) -> str:
    """`.env.example` with the values filled in."""
    text = (ROOT / ".env.example").read_text()
    for name, value in values.items():
        text, count = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        assert count == 1
    return text


@pytest.fixture(scope="module")
def demo(checkout: Path) -> str:
    """What the first `make demo` of the checkout prints."""
    return Shell()(checkout, "make demo").stdout


def form(line: str) -> str:
    """A line of a table without its numbers and rules."""
    return re.sub(r"-?[\d,]+(\.\d+)?", "0", re.sub(r"[^\S\n]+|[━─]+", " ", line)).strip()


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_prints(demo: str) -> None:
    [shown] = [block.text for block in blocks("") if "Scorecard as of" in block.text]
    printed = [form(line) for line in demo.splitlines()]
    missing = [line for line in map(form, shown.splitlines()) if line not in printed]
    assert missing == []
    places = [printed.index(form(line)) for line in shown.splitlines() if "│" in line]
    assert places == sorted(places)


@pytest.fixture(scope="module")
def night(checkout: Path, demo: str) -> story.Night:
    return story.night(checkout, demo)


@pytest.mark.slow
@pytest.mark.parametrize("check", story.CHECKS, ids=lambda check: check.__name__)
def test_the_demo_shows_what_the_readme_promises(
    night: story.Night, check: Callable[[story.Night], None]
) -> None:
    check(night)


@pytest.mark.slow
@pytest.mark.documents("make demo")
def test_a_second_demo_fetches_only_what_changed(shell: Shell, checkout: Path, demo: str) -> None:
    landing = checkout / ".cxmarts" / "landing"
    before = {path: path.stat().st_size for path in landing.rglob("*.parquet")}
    assert "Scorecard" in shell(checkout, "make demo").stdout
    after = {path: path.stat().st_size for path in landing.rglob("*.parquet")}
    assert before.items() <= after.items()
    assert sum(after.values()) < sum(before.values()) * 1.2


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql_on_the_demo(block: Code, checkout: Path, demo: str) -> None:
    assert recipes.empty_answers(checkout, block) == []


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_on_the_demo(block: Code, checkout: Path, demo: str) -> None:
    assert [name for name, table in recipes.results(checkout, block).items() if table.empty] == []


@pytest.mark.slow
@pytest.mark.documents("make ui", "dagster dev -w workspace.yaml", "dg dev")
def test_the_ui(shell: Shell, checkout: Path, demo: str) -> None:
    with socket.socket() as own:
        if own.connect_ex(("127.0.0.1", 3000)) == 0:
            pytest.skip("the port of the UI is in use")
    home = str(checkout / ".cxmarts" / "dagster")
    for written, environ in (
        ("make ui", {}),
        ("dagster dev -w workspace.yaml", {"DAGSTER_HOME": home}),
        ("dg dev", {"DAGSTER_HOME": home}),
    ):
        with (
            shell.serving(checkout, written, ready="http://127.0.0.1:", **environ) as said,
            # Dagster's own server says where it is before it listens.
            httpx2.Client(transport=httpx2.HTTPTransport(retries=6), timeout=60) as client,
        ):
            [link] = re.findall(r"http://127\.0\.0\.1:\d+\S*", said[-1])
            client.get(link)
            assert client.get(urljoin(link, "/")).status_code == 200
            query = {"query": "{ assetNodes { assetKey { path } } }"}
            origin = {"Origin": urljoin(link, "/").rstrip("/")}
            asked = client.post(urljoin(link, "/graphql"), json=query, headers=origin).json()
            assert {"assetKey": {"path": ["marts", "kpi_csat"]}} in asked["data"]["assetNodes"]


@pytest.mark.slow
@pytest.mark.documents(
    "cxmarts scorecard",
    "cxmarts scorecard --period week --dimension segment",
    "cxmarts sql",
    "cxmarts sql QUERY",
    "cxmarts sql QUERY --csv",
    "cxmarts publications",
    "cxmarts rollback VERSION",
)
def test_back_to_the_first_version(shell: Shell, checkout: Path, demo: str) -> None:
    versions = re.findall(r"\S+Z-\w+", shell(checkout, "cxmarts publications").stdout)
    assert len(versions) > 1
    said = shell(checkout, "cxmarts rollback VERSION", ("VERSION", versions[-1])).stdout
    assert said.startswith(f"current is {versions[-1]}")
    assert f"current {versions[-1]}" in shell(checkout, "cxmarts publications").stdout
    assert "Scorecard" in shell(checkout, "cxmarts scorecard").stdout
    weekly = shell(checkout, "cxmarts scorecard --period week --dimension segment").stdout
    assert "Week of" in weekly
    assert "Enterprise" in weekly
    query = ("QUERY", "'SELECT count(*) AS n FROM tickets'")
    assert " n " in shell(checkout, "cxmarts sql QUERY", query).stdout
    piped = ("cxmarts sql", "echo 'SELECT 1 AS one' | cxmarts sql")
    assert " one " in shell(checkout, "cxmarts sql", piped).stdout
    assert shell(checkout, "cxmarts sql QUERY --csv", query).stdout.startswith("n\n")


@pytest.mark.slow
@pytest.mark.documents(
    "cxmarts doctor",
    "cxmarts refresh --full",
    "cxmarts refresh --as-of TIME",
    "cxmarts refresh --as-of 2026-01-31T23:00:00Z",
)
def test_the_example_settings_filled_in(shell: Shell, copy: Path, sandbox: Sandbox) -> None:
    """Refreshed with them as a whole, later, and as of an earlier instant."""
    (copy / ".env").write_text(filled_settings({}))
    asked = shell(copy, "cxmarts doctor", code=1).stdout
    assert [line for line in asked.splitlines() if line.startswith("FAIL")] == [
        "FAIL sources: none: set the credentials of one (see .env.example), or try `cxmarts demo`"
    ]
    (copy / ".env").write_text(filled_settings(variables(sandbox)))
    assert "FAIL" not in shell(copy, "cxmarts doctor").stdout

    current = copy / ".cxmarts/published/current"
    before = current.resolve()
    assert shell(copy, "cxmarts refresh --full").stdout.startswith("Published ")
    assert current.resolve() != before
    assert as_of(current) == variables(sandbox)["CXMARTS_AS_OF"][:19]
    later = shell(copy, "cxmarts refresh --as-of TIME", ("TIME", "2026-03-02T07:00:00Z")).stdout
    assert later.startswith("Published ")

    current = current.resolve()
    assert as_of(current) == "2026-03-02T07:00:00"
    beside = shell(copy, "cxmarts refresh --as-of 2026-01-31T23:00:00Z").stdout.splitlines()
    assert beside[0].startswith("Wrote (current stays as it is)")
    assert as_of(Path(beside[1])) == "2026-01-31T23:00:00"
    assert (copy / ".cxmarts/published/current").resolve() == current


def as_of(version: Path) -> str:
    return str(json.loads((version / "manifest.json").read_text())["as_of"])[:19]


@pytest.mark.slow
@pytest.mark.documents(
    "cxmarts refetch zendesk",
    "cxmarts refetch zendesk/tickets --since 2026-10-01T00:00:00Z",
    "cxmarts refetch SOURCE[/STREAM] [--since TIME]",
)
def test_refetching(shell: Shell, copy: Path, sandbox: Sandbox) -> None:
    settings = variables(sandbox)
    every = shell(copy, "cxmarts refetch zendesk", **settings).stdout.splitlines()
    assert len(every) > 10
    for written, *filled in (
        ("cxmarts refetch zendesk/tickets --since 2026-10-01T00:00:00Z",),
        (
            "cxmarts refetch SOURCE[/STREAM] [--since TIME]",
            ("SOURCE[/STREAM]", "zendesk/tickets"),
            ("[--since TIME]", "--since 2026-02-01T00:00:00Z"),
        ),
    ):
        assert (
            shell(copy, written, *filled, **settings).stdout
            == "zendesk/tickets: the next refresh reads it again\n"
        )


@pytest.mark.documents("cxmarts forget SOURCE", "cxmarts forget SOURCE[/STREAM] [--yes]")
def test_forgetting_what_is_no_longer_declared(shell: Shell, copy: Path) -> None:
    landing = copy / ".cxmarts" / "landing"
    kept = shell(copy, "cxmarts forget SOURCE", ("SOURCE", "typeform"), code=1, answer="n\n")
    assert "nothing was removed" in kept.stderr
    assert (landing / "typeform").exists()
    shell(copy, "cxmarts forget SOURCE", ("SOURCE", "typeform"), answer="y\n")
    assert not (landing / "typeform").exists()
    of_a_stream = (("SOURCE[/STREAM]", "zendesk/groups"), ("[--yes]", "--yes"))
    shell(copy, "cxmarts forget SOURCE[/STREAM] [--yes]", *of_a_stream)
    assert not (landing / "zendesk" / "groups").exists()
    assert (landing / "zendesk" / "tickets").exists()


@pytest.mark.documents("chmod 711 $CXMARTS_HOME", "chmod 750 $CXMARTS_HOME/published")
def test_the_way_to_what_is_published(shell: Shell, copy: Path, sandbox: Sandbox) -> None:
    """What is opened stays so, the rest private; the doctor finds nothing wrong in it."""
    home = copy / ".cxmarts"
    for command in ("chmod 711 $CXMARTS_HOME", "chmod 750 $CXMARTS_HOME/published"):
        shell(copy, command, CXMARTS_HOME=str(home))
    assert "FAIL" not in Shell()(copy, "cxmarts doctor", **variables(sandbox)).stdout
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, home / "published", home / "landing")}
    assert modes == {".cxmarts": 0o711, "published": 0o750, "landing": 0o700}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def phone_survey(folder: Path, name: str, wrong: int) -> None:
    """A survey of 100 answers on 1 to 5, some of them outside."""
    (folder / f"{name}.yml").write_text(f"""\
file: {name}.csv
format: csv
entity: survey_answers
mode: snapshot
id: id
columns: {{score: score, answered_at: at}}
date_format: iso8601
question: {{kind: csat, scale_min: 1, scale_max: 5, positive_from: 4}}
""")
    rows = [f"{i},{9 if i < wrong else 4},2026-02-10T10:00:{i % 60:02}Z" for i in range(100)]
    (folder / f"{name}.csv").write_text("\n".join(["id,score,at", *rows, ""]))


@pytest.mark.slow
@pytest.mark.documents(
    "cxmarts batches",
    "cxmarts rejected",
    "cxmarts rejected [SOURCE]",
    "cxmarts refetch SOURCE/STREAM",
    'cxmarts batches waive ID --why "..."',
    "cxmarts batches waive ID... --why TEXT",
    "cxmarts refresh",
    "cxmarts refresh --json",
)
def test_held_batches(shell: Shell, copy: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """One is repaired, two are waived."""
    exports = tmp_path / "exports"
    exports.mkdir()
    for name in ("north", "south", "west"):
        phone_survey(exports, name, wrong=5)
    settings = variables(sandbox, CXMARTS_FILES=str(exports))
    refused = shell(copy, "cxmarts refresh", code=1, **settings).stderr
    assert "not published, the published marts stay as they were" in refused
    listed = shell(copy, "cxmarts batches", **settings).stdout
    held = dict(re.findall(r"^held +(\w+)/survey_answers (\S+)", listed, re.MULTILINE))
    assert held.keys() == {"north", "south", "west"}
    assert len(rows(shell(copy, "cxmarts rejected", **settings).stdout)) == 15
    of_one = shell(copy, "cxmarts rejected [SOURCE]", ("[SOURCE]", "west"), **settings).stdout
    assert {row["source"] for row in rows(of_one)} == {"west"}

    phone_survey(exports, "north", wrong=0)
    shell(copy, "cxmarts refetch SOURCE/STREAM", ("SOURCE/STREAM", "north/survey_answers"), **settings)
    for written, *filled in (
        ('cxmarts batches waive ID --why "..."', ("ID", held["south"])),
        (
            "cxmarts batches waive ID... --why TEXT",
            ("ID...", held["west"]),
            ("TEXT", shlex.quote("a strike")),
        ),
    ):
        assert "waived" in shell(copy, written, *filled, **settings).stdout
    told = json.loads(shell(copy, "cxmarts refresh --json", **settings).stdout.splitlines()[-1])
    assert told["published"] is True
    assert told["as_of"] == settings["CXMARTS_AS_OF"]
    assert "a strike" in shell(copy, "cxmarts batches", **settings).stdout


@pytest.mark.documents(
    "cxmarts files draft exports/tickets.xlsx -o mappings",
    "cxmarts files draft FILE",
    "cxmarts files draft FILE --force",
    "cxmarts files draft FILE --entity ENTITY",
    "cxmarts files draft FILE --score COLUMN",
    "cxmarts doctor",
)
def test_a_mapping_in_a_minute(shell: Shell, tmp_path: Path) -> None:
    """Drafted, looked through and read; nothing that is there is lost."""
    for name in ("exports", "mappings"):
        (tmp_path / name).mkdir()
    book = openpyxl.Workbook()
    book.active.append(["Ticket ID", "Status", "Created at", "Closed at", "Rating"])
    for i in range(1, 41):
        closed = f"2026-02-01 12:{i:02}" if i % 2 else None
        book.active.append(
            [i, ("Open", "Closed")[i % 2], f"2026-02-01 10:{i:02}", closed, i % 5 + 1 if closed else None]
        )
    book.save(tmp_path / "exports" / "tickets.xlsx")
    mappings = tmp_path / "mappings"

    said = shell(tmp_path, "cxmarts files draft exports/tickets.xlsx -o mappings").stdout
    assert re.findall(r"wrote (\S+)", said) == ["mappings/tickets.yml", "mappings/tickets_csat.yml"]
    found = shell(tmp_path, "cxmarts doctor", CXMARTS_FILES=str(mappings)).stdout
    assert [line for line in found.splitlines() if "tickets" in line and not line.startswith("ok ")] == []
    assert found.count("40 rows") == 2

    file, drafted = ("FILE", "exports/tickets.xlsx"), (mappings / "tickets.yml").read_text()
    assert yaml.safe_load(shell(tmp_path, "cxmarts files draft FILE", file).stdout)["entity"] == "tickets"
    (mappings / "tickets.yml").write_text("# mine\n")
    there = Shell()(tmp_path, "cxmarts files draft exports/tickets.xlsx -o mappings", code=1).stderr
    assert there.startswith("cxmarts: mappings/tickets.yml, mappings/tickets_csat.yml")
    assert "--force" in there
    assert (mappings / "tickets.yml").read_text() == "# mine\n"
    shell(tmp_path, "cxmarts files draft FILE --force", ("FILE", "exports/tickets.xlsx -o mappings"))
    assert (mappings / "tickets.yml").read_text() == drafted

    asked = shell(
        tmp_path, "cxmarts files draft FILE --entity ENTITY", file, ("ENTITY", "survey_answers")
    ).stdout
    scored = shell(tmp_path, "cxmarts files draft FILE --score COLUMN", file, ("COLUMN", "Rating")).stdout
    for text in (asked, scored):
        assert yaml.safe_load(text)["columns"]["score"] == "Rating"


@pytest.mark.slow
@pytest.mark.documents("cxmarts sandbox")
def test_the_sandbox_prints_the_settings_to_reach_it(shell: Shell, tmp_path: Path) -> None:
    with shell.serving(tmp_path, "cxmarts sandbox", ready="CXMARTS_TIMEZONE=") as said:
        (tmp_path / ".env").write_text("".join(said))
        assert "FAIL" not in Shell()(tmp_path, "cxmarts doctor").stdout
