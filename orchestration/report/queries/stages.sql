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
    period_grain AS grain, period_start AS start, dimension, member, coalesce(member_label, member) AS label, stage, n,
    share_pct AS share, mean_seconds AS mean, median_seconds AS value, p90_seconds AS high, is_small_n AS is_small
FROM periods
WHERE is_quarter = (SELECT coalesce(bool_or(is_quarter AND NOT is_small_n AND dimension = 'all'), false) FROM periods)
ORDER BY dimension, label, stage
