-- How often each score was given in the newest whole quarter, to the two questions of a kind that were answered most.
SELECT
    period_start AS start, source, survey, question_id AS question, kind, score, n, answers, share_pct AS share, is_small_n AS is_small
FROM kpi_distribution
WHERE
    dimension = 'all' AND period_grain = 'quarter' AND kind IN ('csat', 'nps', 'ces')
    AND period_start = date_trunc('quarter', getvariable('today')) - INTERVAL 3 MONTH
QUALIFY dense_rank() OVER (PARTITION BY kind ORDER BY answers DESC, source, survey, question_id) <= 2
ORDER BY kind, answers DESC, source, survey, question_id, score
