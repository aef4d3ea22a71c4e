-- What to do today, a line per ticket: promises broken or about to break, unhappy customers to contact, the oldest unsolved.
WITH items AS (
    SELECT
        CASE reason WHEN 'customer_not_contacted' THEN 'contact' WHEN 'unsolved_for_long' THEN 'oldest' ELSE 'promise' END AS list,
        coalesce(ticket_id, response_id) AS name, ticket_id IS NULL AS is_answer, link, what AS about, is_overdue,
        seconds_left AS remaining, unsolved_age_seconds AS age, group_name AS team, priority, work_rank AS place
    FROM worklist
)
SELECT
    * EXCLUDE (place), count(*) OVER (PARTITION BY list) AS lines,
    count(*) FILTER (is_overdue) OVER (PARTITION BY list) AS overdue,
    -- Whom nobody called is called while the memory is fresh.
    row_number() OVER (
        PARTITION BY list ORDER BY CASE WHEN list = 'contact' THEN -remaining ELSE place END, place
    ) AS line
FROM items
QUALIFY line <= 15
ORDER BY list, line
