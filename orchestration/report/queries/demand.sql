-- When tickets come in the week beside when somebody is there: of the newest whole quarter, or ever where it has less than one an hour.
WITH periods AS (
    SELECT period_grain AS grain, period_start AS start, hour_of_week AS hour, created AS n, open_hours > 0 AS is_open
    FROM kpi_demand
    WHERE
        dimension = 'all' AND (
            period_grain = 'quarter' AND period_start = date_trunc('quarter', getvariable('today')) - INTERVAL 3 MONTH
            OR period_grain = 'all'
        )
)
SELECT *
FROM periods
WHERE grain = CASE WHEN (SELECT sum(n) FROM periods WHERE grain = 'quarter') >= 168 THEN 'quarter' ELSE 'all' END
ORDER BY hour
