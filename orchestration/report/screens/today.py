"""What to do today, a line per ticket."""

from __future__ import annotations

from itertools import groupby

from orchestration.report.blocks import Links, Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.texts import NONE, Texts

LISTS = ("promise", "contact", "oldest")


def screen(data: Data, texts: Texts, links: Links) -> Screen:
    """The screen of a version."""
    found = {key: list(rows) for key, rows in groupby(data["due"], lambda row: row["list"])}
    tables, words = [], []
    for key in LISTS:
        rows = found.get(key, [])
        if not rows:
            words.append(texts(f"due.{key}.none"))
            continue
        count = {"lines": texts.number(rows[0]["lines"]), "overdue": texts.number(rows[0]["overdue"])}
        title = texts(f"due.{key}", **count)
        heads = [texts(f"head.{name}") for name in ("ticket", "why", "when", "group", "priority")]
        body = [
            [
                links.ticket(row["source"], row["ticket"]),
                _why(row, texts),
                _when(row, data, texts),
                row["team"] or NONE,
                texts.name("priority", row["priority"]) if row["priority"] else NONE,
            ]
            for row in rows
        ]
        tables.append((title, Table(heads, body)))
    return Screen("today", texts("title.today"), words, tables=tables)


def _why(row: Row, texts: Texts) -> str:
    kind = {"promise": "measure", "contact": "unhappy", "oldest": "status"}[row["list"]]
    about = texts.name(kind, row["about"])
    return texts("why.overdue", about=about) if row["is_overdue"] else about


def _when(row: Row, data: Data, texts: Texts) -> str:
    as_of = data.as_of.replace(tzinfo=None)
    if row["list"] == "oldest":
        return texts("open_for", time=texts.value((as_of - row["since"]).total_seconds(), "seconds", 0))
    if row["due_at"] is None:
        return texts("no_due")
    seconds = (row["due_at"] - as_of).total_seconds()
    shown = texts.value(abs(seconds), "seconds", 0)
    return texts("due_in" if seconds >= 0 else "due_since", time=shown)
