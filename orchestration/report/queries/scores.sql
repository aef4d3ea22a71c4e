-- How often each score was given in the newest whole quarter, to the two questions of a kind that were answered most; which score is the best.
WITH titles AS (
    SELECT source, survey, question_id, max(survey_title) AS survey_title, max(question_title) AS question_title
    FROM unmapped_questions
    GROUP BY ALL
),

ends AS (
    SELECT source, survey, question_id, kind, max(CASE direction WHEN 'lower_is_better' THEN scale_min ELSE scale_max END) AS best
    FROM survey_answers
    GROUP BY ALL
)

SELECT
    d.period_start AS start, d.source, d.survey, d.question_id AS question, d.kind, d.score, d.n, d.answers, d.share_pct AS share,
    d.is_small_n AS is_small, e.best, q.question_title,
    (SELECT max(t.survey_title) FROM titles AS t WHERE t.source = d.source AND t.survey = d.survey) AS survey_title
FROM kpi_distribution AS d
LEFT JOIN titles AS q ON d.source = q.source AND d.survey = q.survey AND d.question_id = q.question_id
LEFT JOIN ends AS e ON d.source = e.source AND d.survey = e.survey AND d.question_id = e.question_id AND d.kind = e.kind
WHERE
    d.dimension = 'all' AND d.period_grain = 'quarter' AND d.kind IN ('csat', 'nps', 'ces')
    AND d.period_start = date_trunc('quarter', getvariable('today')) - INTERVAL 3 MONTH
QUALIFY dense_rank() OVER (PARTITION BY d.kind ORDER BY d.answers DESC, d.source, d.survey, d.question_id) <= 2
ORDER BY d.kind, d.answers DESC, d.source, d.survey, d.question_id, d.score
