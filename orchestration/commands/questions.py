"""Questions that nobody declared: what they look like, and their rows in the rule file `questions`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.errors import ExpectedError
from ingestion.texts import read_text
from orchestration.ground.files import replace_text
from orchestration.ground.home import Home
from orchestration.ground.locking import exclusive
from orchestration.publication import publish
from orchestration.warehouse import control_tables
from orchestration.warehouse.dbt import PACKAGED, RULE_BYTES, rule_problems
from sandbox.server import RULES as OF_THE_SANDBOX

FILE = "questions.csv"
#: What tells questions apart.
KEY = ("source", "survey", "question_id")

_UNMAPPED = """
SELECT source, survey, question_id, coalesce(survey_title, survey), coalesce(question_title, question_id),
    reason, proposed_kind, answers, distribution, questions_line
FROM {schema}unmapped_questions
ORDER BY questions_line IS NULL, answers DESC, source, survey, question_id
"""


class QuestionsError(ExpectedError):
    """Proposals cannot be read or accepted; the message says why and what to do."""


@dataclass(frozen=True)
class Question:
    """A question that counts for nothing, as the mart `unmapped_questions` has it.

    `kind` and `line` are what it looks like and its row for the rule file; None where nobody can tell.
    """

    source: str
    survey: str
    question_id: str
    survey_title: str
    title: str
    reason: str
    kind: str | None
    answers: int
    distribution: str | None
    line: str | None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it apart."""
        return (self.source, self.survey, self.question_id)


def unmapped(home: Home) -> list[Question]:
    """Those of the published marts, of the warehouse before anything is published; proposals come first.

    Raises:
        QuestionsError: nothing is built yet, or an earlier release built it.
    """
    published = publish.current(home.published)
    if published is not None:
        with duckdb.connect(str(published.path / publish.DATABASE), read_only=True) as con:
            return _read(con, "")
    if home.warehouse.exists():
        with (
            exclusive(home.lock, "cxmarts questions"),
            control_tables.connect(home.warehouse, read_only=True) as con,
        ):
            return _read(con, "marts.")
    raise QuestionsError("nothing was built yet; run `cxmarts refresh`")


def _read(con: duckdb.DuckDBPyConnection, schema: str) -> list[Question]:
    try:
        return [Question(*row) for row in con.execute(_UNMAPPED.format(schema=schema)).fetchall()]
    except (duckdb.CatalogException, duckdb.BinderException):
        raise QuestionsError("the marts were built by an earlier release; run `cxmarts refresh`") from None


def declared(rules: Path | None, questions: Iterable[Question]) -> set[tuple[str, str, str]]:
    """The keys of those that the rule file has by now, for their own source and survey or for all."""
    path = rules / FILE if rules else None
    rows = _rows(path) if path and path.exists() else []
    known = {tuple(row.get(column) or "" for column in KEY) for row in rows}
    return {
        q.key
        for q in questions
        if any((a, b, q.question_id) in known for a in (q.source, "*") for b in (q.survey, ""))
    }


def accept(home: Home, rules: Path | None, wanted: Sequence[Question]) -> list[Question]:
    """Append the rows of these questions to the rule file, which is made where there is none.

    Args:
        home: whose lock keeps two from writing at once.
        rules: the folder of `CXMARTS_RULES`.
        wanted: proposals.

    Returns:
        Those that were not declared there yet.

    Raises:
        QuestionsError: there is no folder, or it is the sandbox's own; the file cannot be read.
    """
    if rules is None:
        raise QuestionsError(
            "CXMARTS_RULES is not set: make a folder for your rule files, name it in .env as"
            " CXMARTS_RULES, and accept again"
        )
    if rules.resolve() == OF_THE_SANDBOX.resolve():
        raise QuestionsError(
            f"CXMARTS_RULES ({rules}) is the sandbox's own: copy it to a folder of yours, and name that"
        )
    path = (rules / FILE).resolve()
    shipped = (PACKAGED / "seeds" / FILE).read_text()
    columns = shipped.splitlines()[0].split(",")
    with exclusive(home.root / "rules.lock", "cxmarts questions --accept", wait=True):
        if path.exists():
            if problems := rule_problems(path, columns):
                raise QuestionsError("; ".join(problems))
            text = path.read_bytes().decode()
        else:
            text = shipped
        end = "\r\n" if "\r\n" in text else "\n"
        head = next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        added = io.StringIO()
        writer = csv.DictWriter(added, head, lineterminator=end)
        known = declared(rules, wanted)
        new = [question for question in wanted if question.key not in known]
        for question in new:
            cells = next(csv.reader([question.line or ""]))
            writer.writerow(dict(zip(columns, cells, strict=True)))
        if new:
            replace_text(path, text + ("" if text.endswith("\n") else end) + added.getvalue())
    return new


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_text(path, RULE_BYTES), newline="")))
