"""As of when, how fresh and how complete."""

from __future__ import annotations

from orchestration.report.blocks import Screen, Table
from orchestration.report.data import Data
from orchestration.report.screens.words import last_whole
from orchestration.report.texts import NONE, Texts


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    week = texts.period("week", last_whole("week", data.today))
    words = [
        texts("as_of", time=texts.time(data.as_of, data.zone), zone=data.zone.key),
        texts("last_week", period=week),
    ]
    stale = [row["source"] for row in data["sources"] if row["is_stale"]]
    words.append(texts("stale", sources=", ".join(stale)) if stale else texts("fresh"))
    if not data["sources"]:
        words = [*words[:2], texts("no_sources")]
    restated = sum(row["cells"] for row in data["restated"])
    words.append(texts("restated", cells=texts.number(restated)) if restated else texts("not_restated"))
    number = texts.number
    sources = Table(
        [
            texts(f"head.{name}")
            for name in ("source", "state", "fetched", "newest", "records", "rejected", "held")
        ],
        [
            [
                row["source"],
                texts("state.stale" if row["is_stale"] else "state.fresh"),
                texts.time(row["fetched_at"], data.zone),
                texts.time(row["newest_at"], data.zone),
                number(row["records"]),
                number(row["rejected"]),
                number((row["held"] or 0) + (row["lost"] or 0)),
            ]
            for row in data["sources"]
        ],
    )
    folded = []
    if data.warnings:
        words.append(texts("warned", count=number(len(data.warnings))))
        rows = [[subject.replace("_", " "), message] for subject, message in data.warnings]
        folded.append((texts("warnings"), Table([texts("head.about"), texts("head.warning")], rows, "en")))
    if data["gaps"]:
        words.append(texts("gaps_told", count=number(len(data["gaps"]))))
        rows = [
            [
                texts.name("measure", r["measure"]),
                number(r["known"]),
                number(r["expected"]),
                r["channels"] or NONE,
            ]
            for r in data["gaps"]
        ]
        heads = [texts(f"head.{name}") for name in ("number", "known", "expected", "channels")]
        folded.append((texts("gaps"), Table(heads, rows)))
    if restated:
        rows = [
            [r["mart"].replace("_", " "), texts.name("cause", r["cause"]), number(r["cells"])]
            for r in data["restated"]
        ]
        heads = [texts(f"head.{name}") for name in ("table", "cause", "numbers")]
        folded.append((texts("restatements"), Table(heads, rows)))
    tables = [(texts("sources"), sources)] if data["sources"] else []
    return Screen("fresh", texts("title.fresh"), words, tables=tables, folded=folded)
