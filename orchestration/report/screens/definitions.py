"""What the numbers mean, and why the helpdesk shows another one."""

from __future__ import annotations

from orchestration.report.blocks import Screen, Table
from orchestration.report.data import Data
from orchestration.report.texts import Texts


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    meant = Table(
        [texts(f"head.{name}") for name in ("kpi", "definition", "variant", "elsewhere")],
        [
            [
                texts.name("kpi", row["kpi"]),
                *(row[name] or "" for name in ("definition", "variant", "elsewhere")),
            ]
            for row in data["definitions"]
        ],
        "en",
    )
    rows, number = data["reconciliation"], texts.number
    compared, apart = (
        sum(row["compared"] for row in rows),
        sum(row["compared"] - row["equal"] for row in rows),
    )
    words = [texts("definitions_intro"), texts("english")]
    if compared:
        unexplained = sum(row["unexplained"] for row in rows)
        words.append(
            texts(
                "reconciled", compared=number(compared), apart=number(apart), unexplained=number(unexplained)
            )
        )
    else:
        words.append(texts("not_reconciled"))
    names = ("compared", "equal", "by_schedule", "by_rule", "by_history", "unexplained")
    why = Table(
        [texts("head.number"), texts("head.clock"), *(texts(f"head.{name}") for name in names)],
        [
            [
                texts.name("measure", r["measure"]),
                texts.name("clock", r["clock"]),
                *(number(r[name]) for name in names),
            ]
            for r in rows
        ],
    )
    folded = [(texts("definitions"), meant)]
    if rows:
        folded.append((texts("reconciliation"), why))
    return Screen("definitions", texts("title.definitions"), words=words, folded=folded)
