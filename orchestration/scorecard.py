"""The scorecard of the published marts, for people at a terminal. Reads nothing but `published/current`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

_QUERY = """
WITH lines AS (
    SELECT 1 AS place, 'CSAT' AS name, csat_pct AS value, '%' AS unit, n,
        ci_low_pct AS low, ci_high_pct AS high
    FROM kpi_csat WHERE period_grain = 'all' AND dimension = 'all'
    UNION ALL
    SELECT 2, CASE dimension WHEN 'all' THEN 'NPS' ELSE 'NPS, segment ' || member END,
        nps, '', n, CASE WHEN n > 0 THEN greatest(nps - margin, -100) END,
        CASE WHEN n > 0 THEN least(nps + margin, 100) END
    FROM kpi_nps WHERE period_grain = 'all' AND dimension IN ('all', 'segment')
    UNION ALL
    SELECT 3, CASE measure WHEN 'first_reply' THEN 'First response' ELSE 'Full resolution' END
        || ', median, ' || clock || ' time', median_seconds, 's', n, NULL, NULL
    FROM kpi_response_times
    WHERE period_grain = 'all' AND dimension = 'all' AND measure IN ('first_reply', 'full_resolution')
    UNION ALL
    SELECT 4, 'SLA met, ' || replace(metric, '_', ' '), attainment_pct, '%', met + breached, NULL, NULL
    FROM kpi_sla_compliance WHERE period_grain = 'all' AND dimension = 'all' AND met + breached > 0
)
SELECT name, value, unit, n, low, high FROM lines ORDER BY place, name
"""


@dataclass(frozen=True)
class Line:
    """A figure: value and interval in the unit ('%', 's' or '' for points), and the count behind it."""

    name: str
    value: float | None
    unit: str
    n: int
    low: float | None
    high: float | None


def read(current: Path) -> list[Line]:
    """The figures of a publication."""
    with duckdb.connect(str(current.resolve() / "marts.duckdb"), read_only=True) as con:
        return [Line(*row) for row in con.execute(_QUERY).fetchall()]


def show(value: float | None, unit: str) -> str:
    """A figure for people: one decimal, durations in the unit that fits."""
    if value is None:
        return "-"
    if unit != "s":
        return f"{value:.1f}{' %' if unit else ''}"
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if value >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} s"
