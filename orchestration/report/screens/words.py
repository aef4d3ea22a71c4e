"""What several screens say alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from orchestration.report.blocks import Cell
from orchestration.report.data import Row
from orchestration.report.texts import NONE, UNITS, Texts


def last_whole(grain: str, day: date) -> date:
    """First day of the last period that was over when `day` began."""
    if grain == "week":
        return day - timedelta(days=day.weekday() + 7)
    if grain == "month":
        return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    return first.replace(month=(first.month - 1) // 3 * 3 + 1, day=1)


def linked(text: str, address: str | None) -> Cell:
    """A text that leads somewhere, if there is an address that can be opened."""
    return (text, address) if address and re.match("https?://", address) else text


def mood(shift: str) -> str:
    """How a better or worse number is coloured."""
    return {"better": "good", "worse": "bad"}.get(shift, "plain")


def scale(values: Sequence[float | None], unit: str | None, texts: Texts) -> tuple[float, str]:
    """What to divide by so that an axis has handy numbers, and the axis's title."""
    if unit != "seconds":
        return 1, texts.name("axis_unit", unit or "number")
    most = max((abs(value) for value in values if value is not None), default=0)
    name, size = next(((name, size) for name, size in UNITS if most >= 2 * size), ("seconds", 1))
    return size, texts.name("axis_unit", name)


def member(row: Row, texts: Texts) -> str:
    """What people call the member of a row."""
    return texts("nobody") if row["member"] == "(none)" else str(row["label"])


def count(row: Row | None, texts: Texts) -> str:
    """The n of a row, with the word where it is too few."""
    if not row:
        return NONE
    return texts.number(row["n"]) + (f" ({texts('word.few')})" if row["is_small"] else "")


def point(row: Row, label: str, unit: str | None, texts: Texts) -> dict[str, Any]:
    """A row of a chart of dots, with its n."""
    value, interval = texts.value(row["value"], unit), texts.interval(row["low"], row["high"], unit)
    return {
        "label": f"{label} ({texts.number(row['n'])})",
        "tip": f"{label}: {value} ({interval}; n {count(row, texts)})",
        "value": row["value"] if row["value"] is None else round(row["value"], 3),
        "low": row["low"] if row["low"] is None else round(row["low"], 3),
        "high": row["high"] if row["high"] is None else round(row["high"], 3),
        "is_pale": bool(row["is_small"]),
    }
