"""Documents say what the code does: settings, commands, links, examples, and the generated dictionary."""

import argparse
import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.sources import VENDORS
from ingestion.sources.files import mapping
from orchestration.commands import cli, dictionary, settings_docs
from orchestration.ground import settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sandbox/examples/**/*.md")])
CHECKED = [*PAGES, *ROOT.glob("bench/*.md")]

VARIABLES = sorted(
    {*settings.VARIABLES, *settings.LATER_VARIABLES, *settings.PASSED_ON}
    | {name for vendor in VENDORS.values() for name in vendor.names()}
)


def named_in(text: str) -> set[str]:
    return set(re.findall(r"[A-Z][A-Z0-9_]*[A-Z0-9]", text))


def test_the_dictionary_is_in_step_with_the_dbt_project() -> None:
    assert dictionary.TARGET.read_text() == dictionary.render(), "run `make docs`"


@pytest.mark.parametrize("page", settings_docs.PAGES, ids=lambda page: page.name)
def test_the_vendors_settings_are_in_step_with_what_they_declare(page: Path) -> None:
    assert page.read_text() == settings_docs.render(page), "run `make docs`"


def test_every_control_table_stands_in_their_table() -> None:
    created = (ROOT / "orchestration" / "warehouse" / "control_tables.sql").read_text()
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = page.partition("## Control tables")[2].partition("\n## ")[0].splitlines()
    told = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows if row.startswith("|")))
    assert sorted(told) == sorted(re.findall(r"create table if not exists control\.(\w+)", created))


def test_the_dictionary_notices_a_changed_description(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(dictionary.PROJECT, project)
    page = project / "models" / "marts" / "tickets.yml"
    page.write_text(page.read_text().replace("When it was created, UTC.", "When it came."))
    assert "When it came." in dictionary.render(project)


def test_every_setting_stands_in_the_table_of_settings() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.partition("\n## Settings\n")[2].partition("\n## ")[0]
    assert set(VARIABLES) - named_in(section) == set()


def test_every_setting_stands_in_the_example() -> None:
    lines = (ROOT / ".env.example").read_text()
    assert set(VARIABLES) - set(re.findall(r"^([A-Z_]+)=", lines, re.MULTILINE)) == set()


def test_no_setting_is_documented_that_is_refused_as_unknown() -> None:
    documented = {
        name
        for page in [*PAGES, ROOT / ".env.example"]
        for name in named_in(page.read_text())
        if name.startswith("CXMARTS")
    }
    assert documented - {"CXMARTS", *settings.VARIABLES, *settings.LATER_VARIABLES} == set()


def test_the_example_settings_are_accepted(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text(lines)
    assert settings.load({}, tmp_path).sources == ()


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def test_every_key_and_column_of_mappings_is_documented() -> None:
    page = (ROOT / "docs" / "files.md").read_text()
    assert [key for key in (*mapping.KEYS, *mapping.QUESTION_KEYS) if f"`{key}`" not in page] == []
    named = [*mapping.FORMATS, *mapping.SPECIAL_DATE_FORMATS, *mapping.EMPTY, *mapping.ENTITIES]
    assert [name for name in named if name not in page] == []
    columns = {ours for entity in mapping.COLUMNS.values() for ours in entity}
    assert [ours for ours in sorted(columns) if not re.search(rf"\b{ours}\b", page)] == []


def test_every_command_and_option_is_documented() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    missing = [name for name, _ in parsers() if f"`cxmarts {name}`" not in page]
    for name in ("refresh", "refetch"):
        options = dict(parsers())[name]._option_string_actions
        missing += [option for option in options if option not in ("-h", "--help") and option not in page]
    assert missing == []


def test_every_command_named_in_the_documents_exists() -> None:
    known = {name for name, _ in parsers()}
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"(?:`|bin/)cxmarts ([a-z]+)", page.read_text())
    }
    assert {(page, name) for page, name in named if name not in known} == set()
    assert named


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        code = " ".join(re.findall(r"`[^`]*`|```.*?```", page.read_text(), re.DOTALL))
        assert set(re.findall(r"\bmake ([a-z-]+)", code)) <= targets, page.name


@pytest.mark.parametrize("page", CHECKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if heading:
            assert heading in headings(path), target


def headings(path: Path) -> set[str]:
    """The anchors of a page, by the rule of code hosts."""
    lines = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in lines}


def test_the_lock_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"\w+://\S+|^--\S+", lock, re.MULTILINE) == []
    assert "--hash=sha256:" in lock


def test_no_tracked_text_names_a_registry_or_a_path_of_one_machine() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    host = re.compile(r"pypi\.org|pythonhosted\.org|(?<![\w.])/(?:work|home|Users|root)/")
    found = []
    for name in names.splitlines():
        path = ROOT / name
        if path == Path(__file__) or not path.is_file() or path.suffix in (".gz", ".parquet"):
            continue
        found += [(name, match) for match in host.findall(path.read_text(errors="replace"))]
    assert found == []


#: Messages that are put together of several texts, or are another program's.
PUT_TOGETHER = {
    "landing gate, ...": ["... gate, ...: "],
    "staged gate, ...": ["... gate, ...: "],
    "marts gate, ...": ["... gate, ...: "],
    "CXMARTS_RULES: ... lacks": ["CXMARTS_RULES: ...", "lacks ..."],
    "is in use by process": ["is in use by ...", "process ..."],
    "Out of Memory Error": [],
}


def texts_of_the_program() -> str:
    """A line each; what they fill in is `...`."""
    texts = []
    for path in [
        path for room in ("ingestion", "orchestration", "quality") for path in (ROOT / room).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "..." for part in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_the_messages_of_the_table_of_failures_are_what_the_program_says() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    table = page.partition("\n| the message says |")[2].partition("\n\n")[0]
    messages = [
        text for row in table.splitlines()[2:] for text in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
    assert len(messages) > 15
    texts = texts_of_the_program()
    missing = [
        (message, part)
        for message in messages
        for part in PUT_TOGETHER.get(message, [message])
        if not re.search(".*".join(map(re.escape, re.split(r"\.\.\.|\bN\b", part))), texts)
    ]
    assert missing == []
