"""What to do today, a line per ticket."""

from __future__ import annotations

from itertools import groupby

from orchestration.report.blocks import Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import linked
from orchestration.report.texts import NONE, Texts

LISTS = ("broken", "due", "contact", "oldest")
#: Lines of a list that are seen at once; the others are folded.
SHOWN = 10


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    found = {key: list(rows) for key, rows in groupby(data["due"], lambda row: row["list"])}
    tables, folded, notes = [], [], []
    heads = [texts(f"head.{name}") for name in ("ticket", "why", "when", "group", "priority")]
    for key in LISTS:
        rows = found.get(key, [])
        if not rows:
            notes.append(texts(f"due.{key}.none"))
            continue
        count = {"lines": texts.number(rows[0]["lines"]), "overdue": texts.number(rows[0]["overdue"])}
        body = [
            [
                linked(texts("an_answer", id=row["name"]) if row["is_answer"] else row["name"], row["link"]),
                _why(row, texts),
                _when(row, texts),
                row["team"] or NONE,
                texts.name("priority", row["priority"]) if row["priority"] else NONE,
            ]
            for row in rows
        ]
        name = texts(f"due.{key}", **count)
        tables.append((name, Table(heads, body[:SHOWN])))
        if rest := body[SHOWN:]:
            first, last = texts.number(SHOWN + 1), texts.number(len(body))
            folded.append((texts("due.rest", list=name, first=first, last=last), Table(heads, rest)))
    return Screen("today", texts("title.today"), tables=tables, folded=folded, notes=notes)


def _why(row: Row, texts: Texts) -> str:
    kind = {"contact": "unhappy", "oldest": "age"}.get(row["list"], "measure")
    return texts.name(kind, row["about"])


def _when(row: Row, texts: Texts) -> str:
    if row["list"] == "oldest":
        return texts("open_for", time=texts.value(row["age"], "seconds", 0))
    if row["remaining"] is None:
        return texts("no_due")
    shown = texts.value(abs(row["remaining"]), "seconds", 0)
    return texts("due_in" if row["remaining"] >= 0 else "due_since", time=shown)
