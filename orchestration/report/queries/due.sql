-- What to do today, a line per ticket: promises broken or about to break, unhappy customers to contact, the oldest unsolved.
WITH promises AS (
    SELECT source, ticket_id, metric AS about, due_at, due_at < getvariable('as_of') AS is_overdue, NULL::TIMESTAMP AS since
    FROM sla_targets
    WHERE due_at IS NOT NULL AND ended_at IS NULL AND NOT coalesce(is_paused, false) AND outcome IN ('active', 'breached')
),
helpdesks AS (
    SELECT source, count(*) OVER () AS helpdesks FROM tickets GROUP BY source
),
-- A survey tool names a ticket of the helpdesk: where there is but one, it is of that.
contacts AS (
    SELECT
        coalesce(h.source, f.source) AS source, ticket_id, kind AS about, due_at, outcome = 'overdue' AS is_overdue, flagged_at AS since
    FROM follow_ups AS f
    LEFT JOIN helpdesks AS h ON f.source = h.source OR h.helpdesks = 1
    WHERE outcome IN ('open', 'overdue') AND flagged_at >= getvariable('as_of') - INTERVAL 30 DAY AND ticket_id IS NOT NULL
),
waiting AS (
    SELECT source, ticket_id, status AS about, NULL::TIMESTAMP AS due_at, false AS is_overdue, created_at AS since
    FROM tickets
    WHERE NOT is_solved
),
all_lines AS (
    SELECT 'promise' AS list, * FROM promises
    UNION ALL
    SELECT 'contact' AS list, * FROM contacts
    UNION ALL
    SELECT 'oldest' AS list, * FROM waiting
),
lines AS (
    SELECT
        list, source, ticket_id, min_by(about, coalesce(due_at, since)) AS about, min(due_at) AS due_at,
        bool_or(is_overdue) AS is_overdue, min(since) AS since
    FROM all_lines
    GROUP BY list, source, ticket_id
)
SELECT
    l.list, l.source, l.ticket_id AS ticket, l.about, l.due_at, l.is_overdue, l.since, t.priority,
    coalesce(g.group_name, t.group_id) AS team,
    count(*) OVER (PARTITION BY l.list) AS lines, count(*) FILTER (l.is_overdue) OVER (PARTITION BY l.list) AS overdue
FROM lines AS l
LEFT JOIN tickets AS t ON l.source = t.source AND l.ticket_id = t.ticket_id
LEFT JOIN groups AS g ON t.source = g.source AND t.group_id = g.group_id
QUALIFY row_number() OVER (
    PARTITION BY l.list
    ORDER BY l.is_overdue DESC, CASE WHEN l.list = 'contact' THEN -epoch(l.since) ELSE epoch(coalesce(l.due_at, l.since)) END, l.ticket_id
) <= 15
ORDER BY
    l.list, l.is_overdue DESC,
    CASE WHEN l.list = 'contact' THEN -epoch(l.since) ELSE epoch(coalesce(l.due_at, l.since)) END, l.source, l.ticket_id
