-- The parts of the cells that can be summed, of the last 24 months: a figure is 100 x plus / over, or plus where nothing divides.
WITH parts AS (
    SELECT 'csat' AS kpi, period_grain, period_start, dimension, member, member_label, is_partial_period, positive AS plus, n AS over
    FROM kpi_csat
    UNION ALL
    SELECT 'nps', period_grain, period_start, dimension, member, member_label, is_partial_period, promoters - detractors, n
    FROM kpi_nps
    UNION ALL
    SELECT 'ces', period_grain, period_start, dimension, member, member_label, is_partial_period, easy, n
    FROM kpi_ces
    UNION ALL
    SELECT
        'sla_' || metric, period_grain, period_start, dimension, member, member_label, is_partial_period, met, met + breached
    FROM kpi_sla_compliance
    WHERE metric IN ('first_reply', 'next_reply')
    UNION ALL
    SELECT 'tickets_created', period_grain, period_start, dimension, member, member_label, is_partial_period, created, NULL
    FROM kpi_volume
)
SELECT
    p.kpi, p.period_grain AS grain, p.period_start AS start, p.dimension, p.member, coalesce(p.member_label, p.member) AS label,
    p.plus, p.over, d.unit, coalesce(d.small_n, 0) AS small
FROM parts AS p
LEFT JOIN kpi_definitions AS d ON p.kpi = d.kpi
WHERE
    p.period_grain IN ('week', 'month') AND NOT p.is_partial_period AND p.dimension NOT IN ('agent', 'organization')
    AND p.period_start >= getvariable('today') - INTERVAL 24 MONTH AND (p.over > 0 OR p.over IS NULL AND p.plus > 0)
ORDER BY p.kpi, grain, p.dimension, p.member, start
