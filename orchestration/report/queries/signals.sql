-- What is no noise in the last eight whole weeks and months, over all and by member, once for each number: the newest first, of those what is furthest out.
-- Single agents are nobody's morning news, and a single source says what all say.
WITH judged AS (
    SELECT
        *,
        -- A period that begins a row of them, all shifted alike.
        lag(shift) OVER series IS DISTINCT FROM shift OR lag(signal) OVER series NOT IN ('beyond_limits', 'run') AS is_first
    FROM kpi_scorecard
    WHERE
        period_grain IN ('week', 'month') AND dimension NOT IN ('agent', 'source') AND NOT is_partial_period AND signal IS NOT NULL
    WINDOW series AS (PARTITION BY kpi, period_grain, dimension, member ORDER BY period_start)
),

shifts AS (
    SELECT *, max(CASE WHEN is_first THEN period_start END) OVER series AS since
    FROM judged
    WINDOW series AS (PARTITION BY kpi, period_grain, dimension, member ORDER BY period_start)
)

SELECT
    s.kpi, s.period_grain AS grain, s.period_start AS start, s.dimension, s.member,
    coalesce(s.member_label, s.member) AS label, s.value, s.n, s.center, s.lower_limit AS floor, s.upper_limit AS ceiling,
    s.signal, s.shift, s.since, d.unit
FROM shifts AS s
LEFT JOIN kpi_definitions AS d ON d.kpi = s.kpi
WHERE
    s.signal IN ('beyond_limits', 'run') AND (
        (s.period_grain = 'week' AND s.period_start >= date_trunc('week', getvariable('today')) - INTERVAL 56 DAY)
        OR (s.period_grain = 'month' AND s.period_start >= date_trunc('month', getvariable('today')) - INTERVAL 8 MONTH)
    )
QUALIFY row_number() OVER (PARTITION BY s.kpi, s.dimension, s.member ORDER BY s.period_start DESC) = 1
ORDER BY
    s.dimension <> 'all', s.period_start DESC,
    abs(s.value - s.center) / nullif(greatest(s.upper_limit - s.center, s.center - s.lower_limit), 0) DESC NULLS LAST,
    s.kpi, s.dimension, s.member
