-- What this version shows otherwise than the one before, of periods that were over.
SELECT mart, cause, sum(cells)::BIGINT AS cells, min(period_start) AS first_start
FROM restatements
WHERE version = getvariable('version')
GROUP BY mart, cause
ORDER BY cells DESC, mart, cause
