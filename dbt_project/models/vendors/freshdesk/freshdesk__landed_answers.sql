with given as (
    select distinct
        source, case when is_default then 'helpdesk rating' else coalesce(survey_id, 'helpdesk survey') end as survey, response_id, question_id
    from {{ ref('freshdesk__ratings') }}
)

select source, survey, count(*) as answers from given group by source, survey
