"""What to do today, a line per ticket."""

from __future__ import annotations

from itertools import groupby

from orchestration.report.blocks import Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import linked
from orchestration.report.texts import NONE, Texts

LISTS = ("promise", "contact", "oldest")


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    found = {key: list(rows) for key, rows in groupby(data["due"], lambda row: row["list"])}
    tables, words = [], []
    heads = [texts(f"head.{name}") for name in ("ticket", "why", "when", "group", "priority")]
    for key in LISTS:
        rows = found.get(key, [])
        if not rows:
            words.append(texts(f"due.{key}.none"))
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
        tables.append((texts(f"due.{key}", **count), Table(heads, body)))
    return Screen("today", texts("title.today"), words, tables=tables)


def _why(row: Row, texts: Texts) -> str:
    kind = {"promise": "measure", "contact": "unhappy", "oldest": "age"}[row["list"]]
    about = texts.name(kind, row["about"])
    return texts("why.overdue", about=about) if row["is_overdue"] else about


def _when(row: Row, texts: Texts) -> str:
    if row["list"] == "oldest":
        return texts("open_for", time=texts.value(row["age"], "seconds", 0))
    if row["remaining"] is None:
        return texts("no_due")
    shown = texts.value(abs(row["remaining"]), "seconds", 0)
    return texts("due_in" if row["remaining"] >= 0 else "due_since", time=shown)
