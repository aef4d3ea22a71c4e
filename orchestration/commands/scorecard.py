"""The scorecard of the published marts, for people at a terminal: the headlines of the KPIs' cards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingestion.errors import ExpectedError
from orchestration.commands.dictionary import PROJECT, models

_LINES = """
SELECT l.name, l.value, coalesce(l.unit, d.unit), l.n, l.low, l.high, s.target, s.target_gap, l.defined
FROM ({lines}) AS l
LEFT JOIN kpi_definitions AS d ON d.kpi = l.kpi
LEFT JOIN kpi_scorecard AS s
    ON s.kpi = l.kpi AND s.period_grain = 'all' AND s.dimension = l.dimension AND s.member = l.member
ORDER BY l.name
"""

# Of how many tickets a number is known where a channel has a gap, and which channels have.
_GAPS = """
SELECT
    measure, any_value(kpis), sum(expected - missing - unexplained - unknown)::BIGINT, sum(expected)::BIGINT,
    list(CASE WHEN sources > 1 THEN source || ' ' ELSE '' END || channel || CASE
        WHEN gap = 'unknown' THEN ' unknown' WHEN missing = 0 THEN ' unexplained' ELSE ' missing'
    END ORDER BY missing + unexplained DESC, source, channel) FILTER (gap IS NOT NULL)
FROM (
    SELECT *, count(DISTINCT source) OVER () AS sources FROM completeness_summary WHERE has_vendor_numbers
)
GROUP BY measure
HAVING count(gap) > 0
ORDER BY measure
"""

# The newest week and the newest month that a chart judges, over all; as in the report none of long ago.
_NEWEST = """
    SELECT *, row_number() OVER (PARTITION BY kpi, period_grain ORDER BY period_start DESC) AS newest_no
    FROM kpi_scorecard
    WHERE dimension = 'all' AND signal IS NOT NULL AND (
        (period_grain = 'week' AND period_start >= date_trunc('week', $today) - INTERVAL 56 DAY)
        OR (period_grain = 'month' AND period_start >= date_trunc('month', $today) - INTERVAL 8 MONTH)
    )
"""

_SHIFTS = """
WITH judged AS ({newest})
SELECT j.kpi, d.unit, j.period_grain, j.period_start,
    j.value, j.center, j.lower_limit, j.upper_limit, j.signal, j.shift
FROM judged AS j
LEFT JOIN kpi_definitions AS d ON j.kpi = d.kpi
WHERE j.newest_no = 1 AND j.signal <> 'none'
ORDER BY j.kpi, j.period_grain
"""

# Of those periods how many there are, and how many signals among them chance alone gives.
_JUDGED = """
SELECT count(*), coalesce(sum(false_signal_rate), 0)::DOUBLE FROM ({newest}) WHERE newest_no = 1
"""


# A whole period of the scorecard: over all, and by the members of a dimension.
_PERIOD = """
WITH newest AS (
    SELECT max(period_start) AS period_start
    FROM kpi_scorecard
    WHERE period_grain = $grain AND dimension = 'all' AND NOT is_partial_period
)
SELECT s.*, d.unit, d.better
FROM kpi_scorecard AS s
INNER JOIN newest AS n ON s.period_start = n.period_start
LEFT JOIN kpi_definitions AS d ON s.kpi = d.kpi
WHERE s.period_grain = $grain AND s.dimension IN ('all', $dimension) AND s.value IS NOT NULL
ORDER BY s.kpi, s.dimension <> 'all', coalesce(s.member_label, s.member), s.member
"""

_DIMENSIONS = """
SELECT DISTINCT dimension FROM kpi_scorecard WHERE period_grain = $grain ORDER BY dimension
"""


class ScorecardError(ExpectedError):
    """The scorecard does not hold what was asked for; the message says what it holds."""


@dataclass(frozen=True)
class Cell:
    """A KPI in one period, of all or of one member, in the unit of its definition."""

    period_start: date
    kpi: str
    unit: str | None
    better: str | None
    dimension: str
    member: str
    member_label: str | None
    value: float
    n: int
    ci_low: float | None
    ci_high: float | None
    previous_value: float | None
    target: float | None
    is_small_n: bool
    is_significant_change: bool | None

    @property
    def verdict(self) -> str:
        """What the change from the period before amounts to, in a word or two."""
        if self.is_small_n:
            return "too few"
        if self.is_significant_change is None or self.previous_value is None:
            return ""
        if not self.is_significant_change:
            return "unchanged"
        side = "higher" if self.value > self.previous_value else "lower"
        return side if self.better is None else "better" if side == self.better else "worse"


@dataclass(frozen=True)
class Line:
    """A figure: value, interval, target and gap in the unit of its definition; the count."""

    name: str
    value: float | None
    unit: str | None
    n: int
    low: float | None
    high: float | None
    target: float | None
    gap: float | None
    kpi: str = ""


@dataclass(frozen=True)
class Gap:
    """A number of tickets that is not known of all: which KPIs it feeds, of how many it is, and where not."""

    measure: str
    kpis: tuple[str, ...]
    known: int
    expected: int
    channels: tuple[str, ...]

    def __str__(self) -> str:
        name = self.measure.replace("_", " ")
        return f"{name}: {self.known:,} of {self.expected:,} tickets known, {', '.join(self.channels)}"


@dataclass(frozen=True)
class Shift:
    """A newest week or month that is no noise: its value, and what the control chart expected."""

    kpi: str
    unit: str | None
    grain: str
    start: date
    value: float
    center: float
    low: float
    high: float
    signal: str
    direction: str

    def __str__(self) -> str:
        value, center, low, high = (
            show(number, self.unit) for number in (self.value, self.center, self.low, self.high)
        )
        name = self.kpi.replace("_", " ")
        side = "above" if self.value > self.center else "below"
        why = "the limits" if self.signal == "beyond_limits" else f"it for eight {self.grain}s or more"
        return (
            f"{name}, {self.grain} of {self.start}: {value}, {self.direction} than usual"
            f" ({center}, limits {low} to {high}; {side} {why})"
        )


def read(current: Path) -> list[Line]:
    """The figures of a publication by KPI; what an older one does not hold is left out, or its interval."""
    lines: list[Line] = []
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        for model in models(PROJECT / "models" / "kpis"):
            meta = model["config"]["meta"]
            told = [line for line in meta.get("headlines", ()) if "label" in line]
            plain = [{key: line[key] for key in line if key not in ("low", "high")} for line in told]
            for headlines in filter(None, (told, plain)):
                selects = " UNION ALL ".join(
                    _select(model["name"], line, meta.get("definition")) for line in headlines
                )
                with suppress(duckdb.BinderException, duckdb.CatalogException):
                    lines += [Line(*row) for row in con.execute(_LINES.format(lines=selects)).fetchall()]
                    break
    return lines


def _select(mart: str, line: Mapping[str, Any], definition: object) -> str:
    """A headline of a card as SQL: one row, or one for each value that its label names."""
    label, dimensions = _filled(line["label"], "replace({}, '_', ' ')"), ["all", *line.get("split_by", ())]
    where = {"period_grain": "all", **line.get("where", {})}
    conditions = [f"{column} = {_text(value)}" for column, value in where.items()]
    conditions.append(f"dimension IN ({', '.join(map(_text, dimensions))})")
    if "{" in line["label"]:
        conditions.append(f"{line['n']} > 0")
    defined = line.get("kpi", definition if isinstance(definition, str) else "")
    name = f"{label} || CASE dimension WHEN 'all' THEN '' ELSE ', ' || dimension || ' ' || member END"
    return (
        f"SELECT {name} AS name,"  # noqa: S608
        f" {_filled(line['kpi']) if 'kpi' in line else 'NULL'} AS kpi, dimension, member,"
        f" {line['value']} AS value, {_text(line['unit']) if 'unit' in line else 'NULL'} AS unit,"
        f" {_filled(defined) or 'NULL'} AS defined,"
        f" {line['n']} AS n, {line.get('low', 'NULL')} AS low, {line.get('high', 'NULL')} AS high"
        f" FROM {mart} WHERE {' AND '.join(conditions)}"
    )


def _filled(template: str, column: str = "{}") -> str:
    """A text of a card as SQL, with the columns that it names in braces."""
    parts = re.split(r"\{(\w+)\}", template)
    return " || ".join(
        column.format(part) if number % 2 else _text(part) for number, part in enumerate(parts) if part
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def of_period(current: Path, grain: str, dimension: str = "all") -> list[Cell]:
    """The scorecard of the last whole period: over all, and by the members of a dimension.

    Args:
        current: a version's folder.
        grain: week, month or quarter.
        dimension: one of those that the scorecard has for the grain.

    Raises:
        ScorecardError: it has no such dimension.
    """
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        known = [name for (name,) in con.execute(_DIMENSIONS, {"grain": grain}).fetchall()]
        if dimension not in ("all", *known):
            there = ", ".join(name for name in known if name != "all")
            raise ScorecardError(f"the scorecard has no {dimension} by {grain}; there are {there}")
        found = con.execute(_PERIOD, {"grain": grain, "dimension": dimension})
        columns = [column[0] for column in found.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return [Cell(**{each.name: row[each.name] for each in fields(Cell)}) for row in rows]


def gaps(current: Path) -> list[Gap]:
    """The numbers of a publication that are not known of all tickets; an older one does not say."""
    database = str(current.resolve() / "marts.duckdb")
    with suppress(duckdb.CatalogException), duckdb.connect(database, read_only=True) as con:
        return [
            Gap(measure, tuple(kpis.split(", ")), known, expected, tuple(channels))
            for measure, kpis, known, expected, channels in con.execute(_GAPS).fetchall()
        ]
    return []


def shifts(current: Path, today: date) -> list[Shift]:
    """What the newest weeks and months of a publication of this day say that is no noise."""
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        return [
            Shift(*row) for row in con.execute(_SHIFTS.format(newest=_NEWEST), {"today": today}).fetchall()
        ]


def judged(current: Path, today: date) -> tuple[int, float] | None:
    """How many newest weeks and months are judged, and signals expected by chance; none if it is older."""
    database = str(current.resolve() / "marts.duckdb")
    with suppress(duckdb.BinderException), duckdb.connect(database, read_only=True) as con:
        [(periods, expected)] = con.execute(_JUDGED.format(newest=_NEWEST), {"today": today}).fetchall()
        return periods, expected
    return None


def show_interval(low: float | None, high: float | None, unit: str | None) -> str:
    """An interval for people, with as many decimals as its bounds need to differ; none of no width."""
    if low is None or high is None:
        return ""
    shown = [(show(low, unit, decimals), show(high, unit, decimals)) for decimals in range(1, 5)]
    return " to ".join(next((pair for pair in shown if pair[0] != pair[1]), ()))


def show(value: float | None, unit: str | None, decimals: int = 1) -> str:
    """A figure for people: one decimal, counts of tickets without, durations in the unit that fits."""
    if value is None:
        return "-"
    if unit == "tickets" and value.is_integer():
        return f"{value:,.0f}"
    if unit != "seconds":
        return f"{value:.{decimals}f}{' %' if unit == 'percent' else ''}"
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(value) >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} s"
