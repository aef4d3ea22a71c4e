-- How many weeks and months those are that a chart judged, and how many signals among them chance alone gives.
SELECT dimension = 'all' AS is_all, count(*) AS periods, coalesce(sum(false_signal_rate), 0) AS by_chance
FROM kpi_scorecard
WHERE
    dimension NOT IN ('agent', 'source') AND signal IS NOT NULL AND (
        (period_grain = 'week' AND period_start >= date_trunc('week', getvariable('today')) - INTERVAL 56 DAY)
        OR (period_grain = 'month' AND period_start >= date_trunc('month', getvariable('today')) - INTERVAL 8 MONTH)
    )
GROUP BY ALL
ORDER BY is_all DESC
