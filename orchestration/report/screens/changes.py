"""What changed and is no noise, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.report.blocks import Screen, Sentence, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import linked, member, mood
from orchestration.report.texts import NONE, Texts
from orchestration.report.tickets import Behind

#: How many sentences are told, how many of them over all at first, and how many signals more are listed.
SENTENCES, OVER_ALL, LISTED = 12, 8, 200


def screen(data: Data, texts: Texts, tickets: Mapping[int, Behind]) -> Screen:
    """The screen of a version."""
    signals = data["signals"]
    sentences = []
    over_all = [(place, row) for place, row in enumerate(signals) if row["dimension"] == "all"]
    by_member = [(place, row) for place, row in enumerate(signals) if row["dimension"] != "all"]
    in_order = [*over_all[:OVER_ALL], *by_member, *over_all[OVER_ALL:]]
    for place, row in in_order[:SENTENCES]:
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
    rest = [row for _, row in in_order[SENTENCES:]]
    folded = [_further(rest, texts)] if rest else []
    tables = [_effects(data["changes"], texts)] if data["changes"] else []
    return Screen(
        "changes", texts("title.changes"), sentences=sentences, tables=tables, folded=folded, notes=words
    )


def _further(rows: Sequence[Row], texts: Texts) -> tuple[str, Table]:
    """The signals that are told in no sentence."""
    heads = [texts(f"head.{name}") for name in ("about", "period", "value", "than_usual", "limits", "since")]
    body = [
        [
            _about(row, texts),
            texts.period(row["grain"], row["start"]),
            texts.value(row["value"], row["unit"]),
            texts(f"word.{row['shift']}"),
            texts.interval(row["floor"], row["ceiling"], row["unit"]),
            texts.period(row["grain"], row["since"]),
        ]
        for row in rows[:LISTED]
    ]
    count = {"shown": texts.number(len(body)), "count": texts.number(len(rows))}
    return texts("more_signals", **count), Table(heads, body)


def _effects(rows: Sequence[Row], texts: Texts) -> tuple[str, Table]:
    """What the company changed, and what came after."""
    heads = [texts(f"head.{name}") for name in ("date", "change", "kpi", "before", "after", "outcome")]
    body = [
        [
            texts.period("day", row["day"]),
            row["what"],
            _about(row, texts),
            _month(row, "before", texts),
            _month(row, "after", texts),
            texts(f"outcome.{row['outcome']}"),
        ]
        for row in rows
    ]
    return texts("effects"), Table(heads, body)


def _month(row: Row, side: str, texts: Texts) -> str:
    if row[f"{side}_start"] is None:
        return NONE
    unit, low = row["unit"], row[f"{side}_low"]
    interval = "" if low is None else f"; {texts.interval(low, row[f'{side}_high'], unit)}"
    period, value = texts.period("month", row[f"{side}_start"]), texts.value(row[f"{side}_value"], unit)
    return texts("month_is", period=period, value=value, n=texts.number(row[f"{side}_n"]), interval=interval)


def _of_all(shown: int, count: int, texts: Texts) -> str:
    return texts("tickets_of", shown=texts.number(shown), count=texts.number(count))


def _about(row: Row, texts: Texts) -> str:
    kpi, dimension = texts.name("kpi", row["kpi"]), row["dimension"]
    if dimension == "all":
        return kpi
    named = texts.name("dimension", dimension)
    return texts("of_member", kpi=kpi, dimension=named, member=member(row, texts))


def _signal(row: Row, texts: Texts) -> str:
    unit, grain = row["unit"], texts(f"since.{row['grain']}")
    told = texts(
        f"signal.{row['signal']}",
        about=_about(row, texts),
        period=texts.period(row["grain"], row["start"]),
        value=texts.value(row["value"], unit),
        limits=texts.interval(row["floor"], row["ceiling"], unit),
        center=texts.value(row["center"], unit),
        word=texts(f"word.{row['shift']}"),
        side=texts("side.above" if row["value"] > row["center"] else "side.below"),
        grain=grain,
    )
    if row["since"] == row["start"]:
        return told
    return f"{told} {texts('signal.since', period=texts.period(row['grain'], row['since']))}"
