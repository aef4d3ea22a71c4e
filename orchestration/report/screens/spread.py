"""Distributions and segments, not only medians and totals."""

from __future__ import annotations

from itertools import groupby

from orchestration.report.blocks import Chart, Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import count, last_whole, member, point, scale
from orchestration.report.texts import Texts

SEGMENTED = ("csat", "nps", "sla_first_reply")


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    quarter = texts.period("quarter", last_whole("quarter", data.today))
    charts = [*_times(data, texts), *_scores(data, texts), *_segments(data, texts)]
    words = [texts("spread_intro", period=quarter)] if charts else [texts("spread_none", period=quarter)]
    return Screen("spread", texts("title.spread"), words=words, charts=charts)


def _times(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    for measure, found in groupby(data["times"], lambda row: row["measure"]):
        rows = list(found)
        size, unit = scale([row["high"] for row in rows], "seconds", texts)
        points = [
            {
                "start": row["start"].isoformat(),
                "value": round(row["value"] / size, 4),
                "high": round(row["high"] / size, 4),
                "is_pale": bool(row["is_small"]),
                "tip": _told(row, texts),
            }
            for row in rows
        ]
        heads = [texts(f"head.{name}") for name in ("period", "n", "median", "p90")]
        body = [
            [
                texts.period("month", r["start"]),
                count(r, texts),
                texts.value(r["value"], "seconds"),
                texts.value(r["high"], "seconds"),
            ]
            for r in reversed(rows)
        ]
        told = _told(rows[-1], texts)
        options = {"unit": unit, "time_format": texts("axis.month")}
        title = texts("chart.times.title", measure=texts.name("times", measure))
        charts.append(Chart("ranges", title, told, points, options, Table(heads, body)))
    return charts


def _told(row: Row, texts: Texts) -> str:
    return texts(
        "chart.times",
        period=texts.period("month", row["start"]),
        median=texts.value(row["value"], "seconds"),
        high=texts.value(row["high"], "seconds"),
    )


def _scores(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    questions = groupby(
        data["scores"], lambda row: (row["kind"], row["source"], row["survey"], row["question"])
    )
    for (kind, _, survey, question), found in questions:
        rows = list(found)
        bars = [
            {
                "label": texts.number(row["score"]),
                "share": round(row["share"], 2),
                "is_pale": bool(row["is_small"]),
                "tip": f"{texts.number(row['score'])}: {texts.value(row['share'], 'percent')} (n {row['n']})",
            }
            for row in rows
        ]
        options = {"unit": texts("axis_unit.percent"), "across": texts("head.score")}
        heads = [texts(f"head.{name}") for name in ("score", "n", "share")]
        body = [
            [texts.number(r["score"]), texts.number(r["n"]), texts.value(r["share"], "percent")] for r in rows
        ]
        title = texts(
            "chart.scores.title",
            kpi=texts.name("kpi", kind),
            survey=rows[0]["survey_title"] or survey,
            question=rows[0]["question_title"] or question,
        )
        most = max(rows, key=lambda row: row["n"])
        few = f" ({texts('word.few')})" if rows[0]["is_small"] else ""
        told = texts(
            "chart.scores", n=texts.number(rows[0]["answers"]) + few, score=texts.number(most["score"]),
            share=texts.value(most["share"], "percent"),
        )  # fmt: skip
        if rows[0]["best"] is not None:
            best = texts("easiest" if kind == "ces" else "best", score=texts.number(rows[0]["best"]))
            told = f"{told} {best}"
        charts.append(Chart("bars", title, told, bars, options, Table(heads, body)))
    return charts


def _segments(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    for kpi in SEGMENTED:
        rows = [row for row in data["members"] if row["kpi"] == kpi]
        if all(row["member"] == "(none)" for row in rows):
            continue
        unit = rows[0]["unit"]
        points = [point(row, member(row, texts), unit, texts) for row in rows]
        options = {
            "unit": texts.name("axis_unit", unit or "number"),
            "line": rows[0]["target"],
            "domain": [-100, 100] if unit == "points" else [0, 100],
        }
        title = texts(
            "chart.members.title", kpi=texts.name("kpi", kpi), dimension=texts.name("dimension", "segment")
        )
        heads = [texts("head.segment"), *(texts(f"head.{name}") for name in ("value", "n", "interval"))]
        body = [
            [
                member(row, texts), texts.value(row["value"], unit), count(row, texts),
                texts.interval(row["low"], row["high"], unit),
            ]
            for row in rows
        ]  # fmt: skip
        told = "; ".join(f"{line[0]} {line[1]} (n {line[2]})" for line in body)
        charts.append(Chart("dots", title, told, points, options, Table(heads, body)))
    return charts
