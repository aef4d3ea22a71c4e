"""As of when, how fresh and how complete."""

from __future__ import annotations

from orchestration.report.blocks import Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.texts import Texts

#: How many incomplete channels are told in words; the table has all.
CHANNELS = 3


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    words = missing(data, texts)
    if data["sources"] and not any(row["is_stale"] for row in data["sources"]):
        words.insert(0, texts("fresh"))
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
        rows = [
            [
                _channel(r, texts),
                r["source"],
                texts.name("measure", r["measure"]),
                number(r["known"]),
                number(r["expected"]),
            ]
            for r in data["gaps"]
        ]
        heads = [texts(f"head.{name}") for name in ("channel", "source", "number", "known", "expected")]
        folded.append((texts("gaps"), Table(heads, rows)))
    if restated:
        rows = [
            [r["mart"].replace("_", " "), texts.name("cause", r["cause"]), number(r["cells"])]
            for r in data["restated"]
        ]
        heads = [texts(f"head.{name}") for name in ("table", "cause", "numbers")]
        folded.append((texts("restatements"), Table(heads, rows)))
    tables = [(texts("sources"), sources)] if data["sources"] else []
    return Screen("fresh", texts("title.fresh"), words=words, tables=tables, folded=folded)


def missing(data: Data, texts: Texts) -> list[str]:
    """What a reader must know before any number: which source is behind, which channels are incomplete."""
    if not data["sources"]:
        return [texts("no_sources")]
    stale = [row["source"] for row in data["sources"] if row["is_stale"]]
    words = [texts("stale", sources=", ".join(stale))] if stale else []
    found: dict[tuple[str, str], list[Row]] = {}
    for row in data["gaps"]:
        found.setdefault((_channel(row, texts), row["source"]), []).append(row)
    for (channel, source), rows in [*found.items()][:CHANNELS]:
        shares = sorted({texts.value(row["share"], "percent"): row["share"] for row in rows}.values())
        share = texts.value(shares[0], "percent")
        if len(shares) > 1:
            share = texts.interval(shares[0], shares[-1], "percent")
        names = ", ".join(texts.name("measure", row["measure"]) for row in rows)
        words.append(texts("gap", channel=channel, source=source, share=share, numbers=names))
    if more := found.keys() - [*found][:CHANNELS]:
        words.append(texts("gaps_more", count=texts.number(len(more))))
    return words


def _channel(row: Row, texts: Texts) -> str:
    return texts("nobody") if row["channel"] in (None, "(none)") else str(row["channel"])
