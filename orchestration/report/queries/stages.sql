-- From creation to solve: how the time of a group's tickets parts into stages, and what else waits, in the newest settled quarter or ever.
WITH periods AS (
    SELECT *, period_grain = 'quarter' AS is_quarter
    FROM kpi_bottlenecks
    WHERE
        dimension IN ('all', 'group') AND clock = 'calendar' AND (
            period_grain = 'all' OR (
                period_grain = 'quarter' AND period_start
                = date_trunc('quarter', getvariable('today') - INTERVAL 28 DAY) - INTERVAL 3 MONTH
            )
        )
)
SELECT
    p.period_grain AS grain, p.period_start AS start, p.dimension, p.member, coalesce(p.member_label, p.member) AS label, p.stage,
    -- A ticket counts in each group that held it: of all groups together it is no number of tickets. Resolution times are of the same tickets.
    CASE WHEN p.dimension = 'all' AND p.stage = 'all' THEN t.n ELSE p.n END AS n,
    p.share_pct AS share, p.median_seconds AS value, p.p90_seconds AS high, p.is_small_n AS is_small
FROM periods AS p
LEFT JOIN kpi_response_times AS t
    ON
        t.measure = 'full_resolution' AND t.clock = p.clock AND t.dimension = 'all'
        AND t.period_grain = p.period_grain AND t.period_start IS NOT DISTINCT FROM p.period_start
WHERE p.is_quarter = (SELECT coalesce(bool_or(is_quarter AND NOT is_small_n AND dimension = 'all'), false) FROM periods)
ORDER BY p.dimension, label, p.stage
