-- What the company changed, and the number that it was to move, before and after.
SELECT
    c.changed_on AS day, c.what, c.kpi, c.dimension, c.member, coalesce(c.member_label, c.member) AS label,
    c.before_start, c.before_value, c.before_n, c.before_low, c.before_high,
    c.after_start, c.after_value, c.after_n, c.after_low, c.after_high, c.outcome, d.unit
FROM change_effects AS c
LEFT JOIN kpi_definitions AS d ON c.kpi = d.kpi
ORDER BY c.changed_on DESC, c.what, c.kpi, c.dimension, c.member
