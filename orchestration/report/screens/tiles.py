"""Where we stand: a tile per headline KPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orchestration.report.blocks import Chart, Screen, Table, Tile
from orchestration.report.data import Data, Row
from orchestration.report.screens.fresh import missing
from orchestration.report.screens.words import last_whole, mood, scale
from orchestration.report.texts import NONE, Texts

#: The KPIs of the first screen, and how many points each shows.
TILES = ("csat", "nps", "first_reply_time", "sla_first_reply", "backlog", "tickets_created")
POINTS = 26


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    series: dict[tuple[str, str], list[Row]] = {}
    for row in data["trend"]:
        series.setdefault((row["kpi"], row["grain"]), []).append(row)
    changes = [row for row in data["changes"] if row["dimension"] == "all"]
    tiles = [
        _tile(kpi, series, data.today, [row for row in changes if row["kpi"] == kpi], texts) for kpi in TILES
    ]
    tables, notes = [], []
    if data["further"]:
        tables.append((texts("further"), _further(data["further"], texts)))
        notes.append(texts("further_note"))
    at = texts("as_of", time=texts.time(data.as_of, data.zone), zone=data.zone.key)
    week = texts("last_week", period=texts.period("week", last_whole("week", data.today)))
    words = [f"{at} {week}", *missing(data, texts), texts("tiles_intro"), texts("tiles_note")]
    return Screen(
        "tiles", texts("title.tiles"), _lead(tiles, texts), words, tiles=tiles, tables=tables, notes=notes
    )


def _lead(tiles: Sequence[Tile], texts: Texts) -> str:
    """How we are, in a sentence; empty where no tile has a number."""
    if not any(tile.period for tile in tiles):
        return ""
    named = {
        shift: [tile.name for tile in tiles if tile.word == texts(f"word.{shift}")]
        for shift in ("better", "worse", "higher", "lower")
    }
    told = {shift: names for shift, names in named.items() if names or shift in ("better", "worse")}
    if any(tile.is_off_target is not None for tile in tiles):
        told["off_target"] = [tile.name for tile in tiles if tile.is_off_target]
    parts = {part: "; ".join(names) or texts("lead.none") for part, names in told.items()}
    return " ".join(texts(f"lead.{part}", names=names) for part, names in parts.items())


def _further(rows: Sequence[Row], texts: Texts) -> Table:
    """What has no tile."""

    def worth(value: float | None, row: Row) -> str:
        if row["unit"] == "money" and value is not None:
            return f"{texts.number(value, 2)} {row['currency'] or ''}".rstrip()
        return texts.value(value, row["unit"])

    heads = [
        texts(f"head.{name}") for name in ("kpi", "period", "value", "n", "range", "target", "benchmark")
    ]
    body = [
        [
            texts.name("kpi", row["kpi"]),
            texts.period("month", row["start"]),
            worth(row["value"], row),
            texts.number(row["n"]) + (f" ({texts('word.few')})" if row["is_small"] else ""),
            NONE
            if row["low"] is None
            else texts("interval", low=worth(row["low"], row), high=worth(row["high"], row)),
            worth(row["target"], row),
            worth(row["benchmark"], row),
        ]
        for row in rows
    ]
    return Table(heads, body)


def chosen(kpi: str, series: Mapping[tuple[str, str], Sequence[Row]], today: date) -> Row | None:
    """The row that a tile shows: of the last whole week whose numbers are settled, or month, or quarter.

    The first that is not small; where all are, the one that counts most. None without any.
    """
    found = []
    for grain in ("week", "month", "quarter"):
        rows = series.get((kpi, grain), ())
        day = today - timedelta(days=max((row["settles"] for row in rows), default=0))
        start = last_whole(grain, day)
        found += [row for row in rows if row["start"] == start and row["value"] is not None]
    return next(
        (row for row in found if not row["is_small"]), max(found, key=lambda row: row["n"] or 0, default=None)
    )


def _tile(
    kpi: str,
    series: Mapping[tuple[str, str], list[Row]],
    today: date,
    changes: Sequence[Row],
    texts: Texts,
) -> Tile:
    name, row = texts.name("kpi", kpi), chosen(kpi, series, today)
    if row is None:
        return Tile(name, NONE, "", "", texts("word.none"), "pale", texts("why.none"), [], None)
    unit, period = row["unit"], texts.period(row["grain"], row["start"])
    is_newest = row["start"] == last_whole(row["grain"], today)
    if not is_newest:
        period = texts(f"settled.{row['grain']}", period=period)
    rows = series[kpi, row["grain"]]
    word, color, reason = _judge(row, rows, texts)
    value = texts.value(row["value"], unit)
    n = "" if unit == "tickets" else texts("n", n=texts.number(row["n"]))
    facts = []
    if row["low"] is not None:
        facts.append(texts("interval_is", interval=texts.interval(row["low"], row["high"], unit)))
    facts.append(_target(row, texts))
    before = row["before"]
    facts.append(
        texts("before", value=texts.value(before, unit)) if before is not None else texts("no_before")
    )
    if row["benchmark"] is not None:
        facts.append(texts("benchmark", value=texts.value(row["benchmark"], unit), scope=row["scope"]))
    chart = _trend(name, row, rows, changes, texts)
    is_usual = row["grain"] == "week" and is_newest
    is_off = None
    if row["target"] is not None:
        # One within the interval may be met.
        is_off = row["status"] == "off_target" and row["is_gap_real"] is not False
    return Tile(name, value, period, n, word, color, reason, facts, chart, is_usual, is_off)


def _judge(row: Row, rows: Sequence[Row], texts: Texts) -> tuple[str, str, str]:
    """The word on a row of a series, its mood, and why."""
    unit = row["unit"]
    limits = texts.interval(row["floor"], row["ceiling"], unit)
    if row["is_small"]:
        return texts("word.few"), "pale", texts("why.few")
    if row["signal"] in ("beyond_limits", "run"):
        center = texts.value(row["center"], unit)
        why = texts(
            f"why.{row['signal']}", limits=limits, center=center, periods=texts(f"periods.{row['grain']}")
        )
        return texts(f"word.{row['shift']}"), mood(row["shift"]), why
    if row["is_change_real"]:
        side = "higher" if row["value"] > row["before"] else "lower"
        shift = side if row["better"] is None else "better" if side == row["better"] else "worse"
        return texts(f"word.{shift}"), mood(shift), texts("why.change")
    if row["signal"] == "none":
        return texts("word.unchanged"), "plain", texts("why.within", limits=limits)
    if row["is_change_real"] is not None:
        return texts("word.unchanged"), "plain", texts("why.noise")
    is_charted = len(rows) < POINTS or any(each["chart"] for each in rows)
    return texts("word.unjudged"), "plain", texts("why.unjudged" if is_charted else "why.uncharted")


def _target(row: Row, texts: Texts) -> str:
    unit, gap = row["unit"], row["gap"]
    if row["target"] is None or gap is None:
        return texts("target.none")
    target = texts.value(row["target"], unit)
    if not gap:
        return texts("target.met", target=target)
    if unit == "percent":
        size = texts("unit.points", number=texts.number(abs(gap), 1))
    else:
        size = texts.value(abs(gap), unit)
    said = texts("target.above" if gap > 0 else "target.below", target=target, gap=size)
    verdict = texts.name("status", row["status"])
    within = texts("target.noise") if row["is_gap_real"] is False else ""
    return " ".join(filter(None, (f"{said}: {verdict}.", within)))


def _tip(row: Row, texts: Texts) -> str:
    period, value = texts.period(row["grain"], row["start"]), texts.value(row["value"], row["unit"])
    few = f", {texts('word.few')}" if row["is_small"] else ""
    return f"{period}: {value} ({texts('n', n=texts.number(row['n']))}{few})"


def _trend(name: str, row: Row, rows: Sequence[Row], changes: Sequence[Row], texts: Texts) -> Chart:
    rows = [each for each in rows if each["start"] <= row["start"]][-POINTS:]
    size, unit = scale([each["value"] for each in rows], row["unit"], texts)

    def scaled(value: float | None) -> float | None:
        return None if value is None else round(value / size, 4)

    data: list[dict[str, Any]] = []
    for each in rows:
        point: dict[str, Any] = {name: scaled(each[name]) for name in ("value", "floor", "ceiling", "center")}
        point |= {
            "start": each["start"].isoformat(),
            "is_pale": bool(each["is_small"]),
            "is_chosen": each is row,
            "tip": _tip(each, texts),
        }
        data.append(point | ({"low": scaled(row["low"]), "high": scaled(row["high"])} if each is row else {}))
    heads = [texts(f"head.{each}") for each in ("period", "value", "n", "interval", "limits")]
    table = Table(
        heads,
        [
            [
                texts.period(each["grain"], each["start"]),
                texts.value(each["value"], each["unit"]),
                texts.number(each["n"]) + (f" ({texts('word.few')})" if each["is_small"] else ""),
                texts.interval(each["low"], each["high"], each["unit"]),
                texts.interval(each["floor"], each["ceiling"], each["unit"]),
            ]
            for each in reversed(rows)
        ],
    )
    values = [each["value"] for each in rows if each["value"] is not None]
    description = texts(
        "chart.trend",
        periods=texts.number(len(rows)),
        grain=texts(f"periods.{row['grain']}"),
        low=texts.value(min(values), row["unit"]),
        high=texts.value(max(values), row["unit"]),
        last=texts.value(row["value"], row["unit"]),
    )
    options = {
        "unit": unit,
        "target": scaled(row["target"]),
        "time_format": texts(f"axis.{row['grain']}"),
        "marks": [
            {"start": each["day"].isoformat(), "tip": f"{texts.period('day', each['day'])}: {each['what']}"}
            for each in changes
            if rows[0]["start"] <= each["day"] <= row["start"]
        ],
    }
    return Chart("trend", name, description, data, options, table)
