-- How fresh and complete each source is.
SELECT
    source, bool_or(is_stale) AS is_stale, min(last_fetched_at) AS fetched_at, max(newest_change_at) AS newest_at,
    sum(records)::BIGINT AS records, sum(rejected_rows)::BIGINT AS rejected, sum(held_batches)::BIGINT AS held,
    sum(lost_batches)::BIGINT AS lost
FROM publication
GROUP BY source
ORDER BY source
