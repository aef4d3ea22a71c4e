-- From the middle ticket to the slow ones, month by month.
SELECT
    period_start AS start, measure, n, median_seconds AS value, p90_seconds AS high, is_small_n AS is_small
FROM kpi_response_times
WHERE
    dimension = 'all' AND clock = 'calendar' AND period_grain = 'month' AND NOT is_partial_period
    AND measure IN ('first_reply', 'full_resolution') AND n > 0
    AND period_start >= date_trunc('month', getvariable('today')) - INTERVAL 12 MONTH
ORDER BY measure, period_start
