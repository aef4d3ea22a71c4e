-- The last periods of each KPI over all: value, interval, target, benchmark, the period before, control limits.
SELECT
    s.kpi, s.period_grain AS grain, s.period_start AS start, s.value, s.n, s.ci_low AS low, s.ci_high AS high,
    s.target, s.target_gap AS gap, s.is_significant_gap AS is_gap_real, s.status, s.previous_value AS before,
    s.is_significant_change AS is_change_real, s.chart, s.center, s.lower_limit AS floor, s.upper_limit AS ceiling,
    s.signal, s.shift, s.benchmark, s.benchmark_scope AS scope, s.is_small_n AS is_small, d.unit, d.better, coalesce(d.settles_after_days, 0) AS settles
FROM kpi_scorecard AS s
LEFT JOIN kpi_definitions AS d ON d.kpi = s.kpi
WHERE
    s.dimension = 'all' AND NOT s.is_partial_period AND (
        (s.period_grain = 'week' AND s.period_start >= getvariable('today') - INTERVAL 200 DAY)
        OR (s.period_grain = 'month' AND s.period_start >= getvariable('today') - INTERVAL 27 MONTH)
        OR (s.period_grain = 'quarter' AND s.period_start >= getvariable('today') - INTERVAL 39 MONTH)
    )
ORDER BY s.kpi, s.period_grain, s.period_start
