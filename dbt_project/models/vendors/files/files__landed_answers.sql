with given as (
    select distinct source, coalesce(question.survey, source) as survey, response_id, question.id as question_id
    from {{ in_force(ref('stg_files__survey_answers')) }} as a
    where score is not null and coalesce(answered_at <= {{ as_of() }}, true)
)

select source, survey, count(*) as answers from given group by source, survey
