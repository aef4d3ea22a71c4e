-- What has no tile, of its newest whole month that is settled: from low to high lies the interval, of costs what the scenarios give.
WITH months AS (
    SELECT
        kpi, kpi AS definition, period_start AS start, value, n, ci_low AS low, ci_high AS high, target, benchmark, NULL AS currency,
        is_small_n AS is_small
    FROM kpi_scorecard
    WHERE
        dimension = 'all' AND period_grain = 'month' AND NOT is_partial_period
        AND kpi IN ('ces', 'first_contact_resolution_rate', 'reopen_rate', 'sla_next_reply', 'survey_response')
    UNION ALL
    SELECT
        'follow_up', 'follow_up', period_start, 100.0 * sum(contacted_in_time) / nullif(sum(due), 0), sum(due), NULL, NULL, NULL, NULL,
        NULL, false
    FROM kpi_follow_up
    WHERE dimension = 'all' AND period_grain = 'month' AND NOT is_partial_period
    GROUP BY period_start
    UNION ALL
    SELECT
        'weighted_nps', 'nps', period_start, weighted_nps, n, weighted_nps - weighted_margin, weighted_nps + weighted_margin, NULL, NULL,
        NULL, is_small_n
    FROM kpi_nps
    WHERE dimension = 'all' AND period_grain = 'month' AND NOT is_partial_period
    UNION ALL
    SELECT
        'cost_per_ticket', 'cost_per_ticket', period_start, max(CASE WHEN scenario = 'base' THEN cost_per_ticket END), max(solved),
        min(cost_per_ticket), max(cost_per_ticket), NULL, NULL, max(currency), bool_or(is_small_n)
    FROM kpi_cost
    WHERE dimension = 'all' AND period_grain = 'month' AND NOT is_partial_period
    GROUP BY period_start
    UNION ALL
    SELECT
        'service_roi', 'service_roi', period_start, max(CASE WHEN scenario = 'base' THEN roi_pct END), max(solved), min(roi_pct),
        max(roi_pct), NULL, NULL, NULL, bool_or(is_small_n)
    FROM kpi_cost
    WHERE dimension = 'all' AND period_grain = 'month' AND NOT is_partial_period
    GROUP BY period_start
)
SELECT m.* EXCLUDE (definition), d.unit
FROM months AS m
LEFT JOIN kpi_definitions AS d ON m.definition = d.kpi
WHERE
    m.value IS NOT NULL AND m.start >= getvariable('today') - INTERVAL 4 MONTH
    AND m.start + INTERVAL 1 MONTH + to_days(coalesce(d.settles_after_days, 0)) <= getvariable('today')
QUALIFY row_number() OVER (PARTITION BY m.kpi ORDER BY m.start DESC) = 1
ORDER BY m.kpi
