"""The scorecard of the published marts, for people at a terminal. Reads nothing but `published/current`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

_LINES = """
WITH lines AS (
    SELECT 1 AS place, 'CSAT' AS name, 'csat' AS kpi, 'all' AS dimension, 'all' AS member,
        csat_pct AS value, '%' AS unit, n, ci_low_pct AS low, ci_high_pct AS high
    FROM kpi_csat WHERE period_grain = 'all' AND dimension = 'all'
    UNION ALL
    SELECT 2, CASE dimension WHEN 'all' THEN 'NPS' ELSE 'NPS, segment ' || member END,
        'nps', dimension, member, nps, '', n, CASE WHEN n > 0 THEN greatest(nps - margin, -100) END,
        CASE WHEN n > 0 THEN least(nps + margin, 100) END
    FROM kpi_nps WHERE period_grain = 'all' AND dimension IN ('all', 'segment')
    UNION ALL
    SELECT 3, CASE measure WHEN 'first_reply' THEN 'First response' ELSE 'Full resolution' END
        || ', median, ' || clock || ' time', CASE clock WHEN 'calendar' THEN measure || '_time' END,
        'all', 'all', median_seconds, 's', n, NULL, NULL
    FROM kpi_response_times
    WHERE period_grain = 'all' AND dimension = 'all' AND measure IN ('first_reply', 'full_resolution')
    UNION ALL
    SELECT 4, 'SLA met, ' || replace(metric, '_', ' '), 'sla_' || metric, 'all', 'all', attainment_pct, '%',
        met + breached, NULL, NULL
    FROM kpi_sla_compliance WHERE period_grain = 'all' AND dimension = 'all' AND met + breached > 0
)
SELECT l.name, l.value, l.unit, l.n, l.low, l.high, s.target, s.target_gap
FROM lines AS l
LEFT JOIN kpi_scorecard AS s
    ON s.kpi = l.kpi AND s.period_grain = 'all' AND s.dimension = l.dimension AND s.member = l.member
ORDER BY l.place, l.name
"""

# The newest week and the newest month that a chart judges, over all.
_SHIFTS = """
WITH judged AS (
    SELECT *, row_number() OVER (PARTITION BY kpi, period_grain ORDER BY period_start DESC) AS newest_no
    FROM kpi_scorecard
    WHERE dimension = 'all' AND signal IS NOT NULL
)
SELECT j.kpi, CASE d.unit WHEN 'percent' THEN '%' WHEN 'seconds' THEN 's' ELSE '' END, j.period_grain,
    j.period_start, j.value, j.center, j.lower_limit, j.upper_limit, j.signal, j.shift
FROM judged AS j
LEFT JOIN kpi_definitions AS d ON j.kpi = d.kpi
WHERE j.newest_no = 1 AND j.signal <> 'none'
ORDER BY j.kpi, j.period_grain
"""


@dataclass(frozen=True)
class Line:
    """A figure: value, interval, target and gap in the unit ('%', 's' or '' for points); the count."""

    name: str
    value: float | None
    unit: str
    n: int
    low: float | None
    high: float | None
    target: float | None
    gap: float | None


@dataclass(frozen=True)
class Shift:
    """A newest week or month that is no noise: its value, and what the control chart expected."""

    kpi: str
    unit: str
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
    """The figures of a publication."""
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        return [Line(*row) for row in con.execute(_LINES).fetchall()]


def shifts(current: Path) -> list[Shift]:
    """What the newest weeks and months of a publication say that is no noise."""
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        return [Shift(*row) for row in con.execute(_SHIFTS).fetchall()]


def show(value: float | None, unit: str) -> str:
    """A figure for people: one decimal, durations in the unit that fits."""
    if value is None:
        return "-"
    if unit != "s":
        return f"{value:.1f}{' %' if unit else ''}"
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(value) >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} s"
