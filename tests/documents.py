"""What the documents show and promise: their code, by parsing the Markdown."""

from __future__ import annotations

import re
from argparse import _SubParsersAction
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestration.commands.cli import _parser
from tests.parsed import ROOT

#: Whatever code stands in them runs in the tests, or a test says why not.
PAGES = (
    "README.md",
    "docs/files.md",
    "docs/bi.md",
    "docs/operations.md",
    "sandbox/examples/servicenow/README.md",
)
PROGRAMS = "cxmarts|make|git|dagster|dg|duckdb|python|pip|uv|dbt|docker|ssh|chmod"
INLINE = "inline"


@dataclass(frozen=True)
class Code:
    """A block or an inline code; `language` is a block's, '' where it names none, or INLINE."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def _tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text())


def blocks(language: str | None = None) -> list[Code]:
    """All blocks of all pages, or those of a language."""
    found = [
        Code(page, token.map[0] + 1, token.info, token.content)
        for page in PAGES
        for token in _tokens(page)
        if token.type in ("fence", "code_block") and token.map
    ]
    return [each for each in found if language in (None, each.language)]


def inline() -> list[Code]:
    """Code within the text."""
    return [
        Code(page, token.map[0] + 1, INLINE, child.content)
        for page in PAGES
        for token in _tokens(page)
        if token.map
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def commands() -> dict[str, Code]:
    """Every command as it is written, without remarks, and where it stands first."""
    found: dict[str, Code] = {}
    for block in blocks():
        if block.language in ("sh", ""):
            for line in block.text.splitlines():
                command = line.partition(" # ")[0].strip()
                if _is_command(command):
                    found.setdefault(command, block)
    for code in inline():
        if _is_command(code.text):
            found.setdefault(code.text, code)
    return found | {text: code for text, code in _of_the_table() if text not in found}


def _is_command(text: str) -> bool:
    """A program with arguments, variables before it or not."""
    return re.match(rf"(?:\w+=\S* )*(?:\.venv/bin/)?(?:{PROGRAMS}) \S", text) is not None


def _of_the_table() -> Iterator[tuple[str, Code]]:
    """The table of commands: its second column names options and sub-commands of the first one's command."""
    page = "docs/operations.md"
    known = next(action.choices for action in _parser()._actions if isinstance(action, _SubParsersAction))
    tokens = _tokens(page)
    [start] = [n for n, token in enumerate(tokens) if token.type == "inline" and token.content == "Commands"]
    end = next(n for n, token in enumerate(tokens) if n > start and token.type == "table_close")
    command = ""
    for token in tokens[start:end]:
        for text in [child.content for child in token.children or () if child.type == "code_inline"]:
            code = Code(page, token.map[0] + 1 if token.map else 0, INLINE, text)
            if _is_command(text):
                command = text
            elif text.startswith("--"):
                yield f"{command} {text}", code
            elif text.partition(" ")[0] in known and " " in text:
                yield f"cxmarts {text}", code


def formulas() -> list[Code]:
    """Inline code that computes: parts of a row put together in SQL."""
    return [code for code in inline() if re.search(r"\bsum\(\w+\)", code.text, re.IGNORECASE)]
