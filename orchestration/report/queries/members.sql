-- The members of the dimensions in the newest whole quarter: segments beside each other.
SELECT
    s.kpi, s.period_grain AS grain, s.period_start AS start, s.dimension, s.member, coalesce(s.member_label, s.member) AS label,
    s.value, s.n, s.ci_low AS low, s.ci_high AS high, s.target, s.is_small_n AS is_small, d.unit
FROM kpi_scorecard AS s
LEFT JOIN kpi_definitions AS d ON d.kpi = s.kpi
WHERE
    s.dimension = 'segment' AND s.period_grain = 'quarter' AND s.n > 0
    AND s.period_start = date_trunc('quarter', getvariable('today')) - INTERVAL 3 MONTH
ORDER BY s.kpi, s.member
