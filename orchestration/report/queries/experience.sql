-- How the score of those who experienced something differs from all others', in the last 365 days.
SELECT
    kind, factor, exposure, n, others_n AS rest_n, value, others_value AS rest_value, difference, ci_low AS low, ci_high AS high,
    is_significant AS is_real, is_small_n AS is_small
FROM kpi_experience
WHERE time_span <> 'all' AND n > 0 AND others_n > 0 AND factor <> 'channel'
ORDER BY
    kind, factor, exposure NOT LIKE 'under%', exposure NOT LIKE '%hour%', try_cast(regexp_extract(exposure, '\d+') AS INTEGER),
    exposure
