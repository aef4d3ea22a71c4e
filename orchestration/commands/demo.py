"""The demo's home, and its company: generated, behind real HTTP, alive while it is read."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.errors import ExpectedError
from orchestration.ground.files import replace_text
from orchestration.ground.home import Home

TICKETS, SEED = 15_000, 7
#: Raised when the company's story changes: what a home holds of an earlier one does not go on.
EDITION = 1
QUESTIONS = "questions.csv"


class DemoError(ExpectedError):
    """The home is not the demo's, or the demo's and no longer of use; the message says what to do."""


def is_demo(home: Home) -> bool:
    """Whether a home holds the demo's data."""
    return _path(home).exists()


def rules(home: Home, own: Path | None) -> Path | None:
    """The folder of rule files that a refresh of a home reads: the user's own, else that of the demo."""
    return _folder(home) if own is None and is_demo(home) else own


@contextlib.contextmanager
def company(
    home: Home, tickets: int = TICKETS, rules: Path | None = None, helpdesks: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """The home's company on loopback for the block, by the clock of this machine: the same at every start.

    Args:
        home: the demo's home, or an empty one that becomes it.
        tickets: the size of a new company, in two years.
        rules: the user's rule files, which go before the company's.
        helpdesks: those of a new company; one that is usual by default.

    Yields:
        The variables with which it is read, the time zone and the rule files among them.

    Raises:
        DemoError: the home holds data of real sources, or does not tell any more which company it is.
    """
    from sandbox.demo.company import DemoCompany
    from sandbox.server import HELPDESKS, Sandbox

    state = _founded(home, tickets, helpdesks)
    if helpdesks and set(helpdesks) != set(state.get("helpdesks") or HELPDESKS[:1]):
        raise DemoError(f"{home.root} holds a demo of other helpdesks: remove it, or set CXMARTS_HOME anew")
    print(f"Generating a company with {state['tickets']:,} tickets …", file=sys.stderr)  # noqa: T201
    try:
        made = DemoCompany(SEED, state["tickets"], datetime.fromisoformat(state["now"]))
        served = Sandbox(company=made, is_live=True)
        variables = served.env(*state.get("helpdesks", ()))
    except ValueError as error:
        raise DemoError(f"no company can be generated: {error}") from None
    replace_text(_path(home), json.dumps(state))
    shipped = _with_rules(home, made.rules())
    with served as sandbox:
        if sandbox.company.is_over:
            still = f"it stands still since {sandbox.company.now:%Y-%m-%d}"
            print(  # noqa: T201
                f"The demo's company was made for a month: {still}; remove {home.root} for a new one",
                file=sys.stderr,
            )
        if rules is not None:
            _tell_of_undeclared(rules, shipped)
        yield variables | {"CXMARTS_RULES": str(rules or shipped)}


def _with_rules(home: Home, files: Mapping[str, str]) -> Path:
    """The home's folder of rule files; the company's own are put there once, and then are the reader's."""
    folder = _folder(home)
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        if not (folder / name).exists():
            replace_text(folder / name, text)
    return folder


def _tell_of_undeclared(rules: Path, shipped: Path) -> None:
    if lacking := _questions(shipped) - _questions(rules):
        text = (
            f"CXMARTS_RULES ({rules}) goes before the demo's own rules: it does not declare "
            f"{', '.join(sorted(lacking))}; the lines of {shipped / QUESTIONS} do"
        )
        print(text, file=sys.stderr)  # noqa: T201


def _questions(folder: Path) -> set[str]:
    """The questions that the rule files of a folder declare; what cannot be read is told by the refresh."""
    with (
        contextlib.suppress(OSError, ValueError, csv.Error),
        (folder / QUESTIONS).open(encoding="utf-8-sig", newline="") as file,
    ):
        return {row["question_id"] for row in csv.DictReader(file) if row.get("question_id")}
    return set()


def _path(home: Home) -> Path:
    return home.root / "demo.json"


def _folder(home: Home) -> Path:
    return home.root / "rules"


def _founded(home: Home, tickets: int, helpdesks: Sequence[str]) -> dict[str, Any]:
    """The company's size and the hour it was founded in: together with the seed, all that it is made from."""
    path = _path(home)
    if path.exists():
        with contextlib.suppress(OSError, ValueError, TypeError):
            state = dict(json.loads(path.read_text()))
            if state.get("edition") == EDITION:
                return state
            raise DemoError(
                f"{home.root} holds the demo of another release: remove it, and run `cxmarts demo` anew"
            )
        raise DemoError(f"{path} is damaged: remove {home.root}, and run `cxmarts demo` anew")
    if any(home.landing.iterdir()):
        raise DemoError(f"{home.root} holds data of real sources: set CXMARTS_HOME to another folder")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return {"edition": EDITION, "tickets": tickets, "now": hour.isoformat(), "helpdesks": list(helpdesks)}
