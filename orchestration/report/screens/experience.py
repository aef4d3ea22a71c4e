"""Whether it mattered to customers: experience beside score."""

from __future__ import annotations

from itertools import groupby

from orchestration.report.blocks import Chart, Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import count, point
from orchestration.report.texts import Texts

#: Of two exposures the one that says the same as the other, turned round.
OTHER_SIDE = ("no", "met")
#: How many differences of a score are told in words; the chart has all.
LARGEST = 3


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    charts, words = [], [texts("association")]
    for kind, found in groupby(data["experience"], lambda row: row["kind"]):
        rows = list(found)
        compared = [row for row in rows if row["exposure"] not in OTHER_SIDE]
        real = sorted((row for row in compared if row["is_real"]), key=lambda row: -abs(row["difference"]))
        told = real[:LARGEST]
        counts = {"real": len(real), "all": len(compared), "shown": len(told)}
        key = "differences.some" if len(told) < len(real) else "differences" if real else "no_difference"
        words.append(texts(key, kpi=texts.name("kpi", kind), **counts))
        words += [_difference(row, texts) for row in told]
        points = [
            point({**row, "value": row["difference"]}, _exposure(row, texts, "short"), "points", texts)
            for row in rows
        ]
        heads = [
            texts(f"head.{name}")
            for name in ("experience", "n", "value", "n_others", "others", "difference", "interval")
        ]
        unit = "points" if kind == "nps" else "percent"
        body = [
            [
                _exposure(row, texts), count(row, texts), texts.value(row["value"], unit),
                texts.number(row["rest_n"]), texts.value(row["rest_value"], unit),
                texts.number(row["difference"], 1),
                texts.interval(row["low"], row["high"], "points"),
            ]
            for row in rows
        ]  # fmt: skip
        options = {"unit": texts("axis_unit.points"), "line": 0}
        title = texts("chart.experience.title", kpi=texts.name("kpi", kind))
        charts.append(
            Chart(
                "dots", title, texts("chart.experience", count=len(rows)), points, options, Table(heads, body)
            )
        )
    if not charts:
        words.append(texts("experience_none"))
    return Screen("experience", texts("title.experience"), words=words, charts=charts)


def _exposure(row: Row, texts: Texts, kind: str = "factor") -> str:
    factor, exposure = texts.name(kind, row["factor"]), texts.name("exposure", row["exposure"])
    return texts("exposure_is", factor=factor, exposure=exposure)


def _difference(row: Row, texts: Texts) -> str:
    unit = "points" if row["kind"] == "nps" else "percent"
    return texts(
        "difference",
        kpi=texts.name("kpi", row["kind"]),
        exposure=_exposure(row, texts),
        value=texts.value(row["value"], unit),
        n=texts.number(row["n"]),
        others=texts.value(row["rest_value"], unit),
        n_others=texts.number(row["rest_n"]),
    )
