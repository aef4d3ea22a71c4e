"""What the page's filters divide: the parts of the cells that can be summed, as small as they can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestration.report.data import Data, Row
from orchestration.report.screens.words import member
from orchestration.report.texts import Texts

KPIS = ("csat", "nps", "ces", "sla_first_reply", "sla_next_reply", "tickets_created")
#: What the first screen shows and nobody can sum, and why.
FIXED = {"first_reply_time": "explore.median", "backlog": "explore.state"}
GRAINS = ("month", "week")


def cells(data: Data, texts: Texts) -> dict[str, Any]:
    """The cells as JSON.

    Returns:
        `periods`: grain -> first days and names; `dimensions`: name, and members with theirs; `kpis`: name,
        unit and least count; `cells`: KPI -> grain -> dimension -> by member a list of place of the period,
        plus, over (0 where nothing divides), one after the other.
    """
    rows = [row for row in data["cells"] if row["kpi"] in KPIS]
    periods = {grain: sorted({row["start"] for row in rows if row["grain"] == grain}) for grain in GRAINS}
    places = {grain: {start: at for at, start in enumerate(starts)} for grain, starts in periods.items()}
    members = _members(rows, texts)
    found: dict[str, Any] = {}
    for row in rows:
        by_dimension = found.setdefault(row["kpi"], {}).setdefault(row["grain"], {})
        names = [*members[row["dimension"]]]
        lists = by_dimension.setdefault(row["dimension"], [[] for _ in names])
        part = [places[row["grain"]][row["start"]], row["plus"], row["over"] or 0]
        lists[names.index(row["member"])] += part
    units = {row["kpi"]: (row["unit"], row["small"]) for row in rows}
    return {
        "periods": {
            grain: [[start.isoformat(), texts.period(grain, start)] for start in starts]
            for grain, starts in periods.items()
        },
        "dimensions": {
            dimension: {"name": texts.name("dimension", dimension), "members": [*names.items()]}
            for dimension, names in members.items()
        },
        "kpis": {
            kpi: {"name": texts.name("kpi", kpi), "unit": units[kpi][0], "small": units[kpi][1]}
            for kpi in KPIS
            if kpi in found
        },
        "cells": found,
    }


def fixed(texts: Texts) -> dict[str, str]:
    """What cannot be summed, by name: why."""
    return {texts.name("kpi", kpi): texts(reason) for kpi, reason in FIXED.items()}


def _members(rows: Sequence[Row], texts: Texts) -> dict[str, dict[str, str]]:
    """Dimension -> member -> its name; `all` first."""
    found: dict[str, dict[str, str]] = {"all": {"all": texts("explore.all")}}
    for row in sorted(rows, key=lambda row: (row["dimension"], row["member"] == "(none)", row["label"])):
        if row["dimension"] != "all":
            found.setdefault(row["dimension"], {})[row["member"]] = member(row, texts)
    return found
