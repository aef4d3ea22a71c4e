-- What to do today, a line per ticket, what is most overdue first: promises broken, promises that break next, unhappy customers to contact, the oldest unsolved.
WITH items AS (
    SELECT
        CASE reason
            WHEN 'promise_broken' THEN 'broken' WHEN 'promise_due' THEN 'due' WHEN 'customer_not_contacted' THEN 'contact' ELSE 'oldest'
        END AS list,
        coalesce(ticket_id, response_id) AS name, ticket_id IS NULL AS is_answer, link, what AS about, is_overdue,
        seconds_left AS remaining, unsolved_age_seconds AS age, group_name AS team, priority, work_rank AS place
    FROM worklist
)
SELECT
    * EXCLUDE (place), count(*) OVER (PARTITION BY list) AS lines,
    count(*) FILTER (is_overdue) OVER (PARTITION BY list) AS overdue,
    row_number() OVER (PARTITION BY list ORDER BY place) AS line
FROM items
QUALIFY line <= 100
ORDER BY list, line
