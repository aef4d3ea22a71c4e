with given as (
    select source, record_id, survey_id, fetched_at, unnest(answers) as answer
    from {{ ref('stg_zendesk__survey_responses') }}
    where not deleted
),

ratings as (
    select distinct
        source, record_id, answer.question.id as question_id,
        case when answer.question.sub_type = 'customer_satisfaction' then 'helpdesk rating' else survey_id end as survey
    from given
    where answer.type = 'rating_scale' and answer.rating is not null
      and coalesce({{ usable_time('answer.updated_at') }}, {{ usable_time('answer.created_at') }}) <= {{ as_of() }}
)

select source, 'helpdesk rating' as survey, count(*) as answers
from {{ ref('stg_zendesk__satisfaction_ratings') }}
where created_at <= {{ as_of() }} and score not in ('offered', 'unoffered')
group by source
union all
select source, survey, count(*) from ratings group by source, survey
