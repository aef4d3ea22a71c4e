"""What changed and is no noise, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.report.blocks import Screen, Sentence
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import linked, member, mood
from orchestration.report.texts import Texts
from orchestration.report.tickets import Behind

#: How many sentences are told; what is more stands in the scorecard.
SENTENCES = 12


def screen(data: Data, texts: Texts, tickets: Mapping[int, Behind]) -> Screen:
    """The screen of a version."""
    signals = data["signals"]
    sentences = []
    for place, row in enumerate(signals[:SENTENCES]):
        found = tickets.get(place)
        named = [linked(*each) for each in found.tickets] if found else []
        about = _of_all(len(named), found.count, texts) if found else ""
        sentences.append(Sentence(_signal(row, texts), mood(row["shift"]), named, about))
    words = []
    if not data["judged"]:
        words.append(texts("nothing_judged"))
    elif not signals:
        words.append(texts("noise"))
    for row in data["judged"]:
        key = "judged.all" if row["is_all"] else "judged.members"
        words.append(
            texts(key, periods=texts.number(row["periods"]), chance=texts.number(row["by_chance"], 1))
        )
    if len(signals) > SENTENCES:
        words.append(texts("more_signals", count=texts.number(len(signals) - SENTENCES)))
    return Screen("changes", texts("title.changes"), sentences=sentences, notes=words)


def _of_all(shown: int, count: int, texts: Texts) -> str:
    return texts("tickets_of", shown=texts.number(shown), count=texts.number(count))


def _signal(row: Row, texts: Texts) -> str:
    unit, grain = row["unit"], texts(f"since.{row['grain']}")
    about = texts.name("kpi", row["kpi"])
    if row["dimension"] != "all":
        about = texts(
            "of_member",
            kpi=about,
            dimension=texts.name("dimension", row["dimension"]),
            member=member(row, texts),
        )
    return texts(
        f"signal.{row['signal']}",
        about=about,
        period=texts.period(row["grain"], row["start"]),
        value=texts.value(row["value"], unit),
        limits=texts.interval(row["floor"], row["ceiling"], unit),
        center=texts.value(row["center"], unit),
        word=texts(f"word.{row['shift']}"),
        side=texts("side.above" if row["value"] > row["center"] else "side.below"),
        grain=grain,
    )
