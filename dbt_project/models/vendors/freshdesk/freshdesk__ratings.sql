{#- One row per question that was rated. #}
with given as (
    select source, record_id, survey_id, ticket_id, customer_id, agent_id, group_id, answered_at, deleted, unnest(ratings) as rating
    from {{ ref('stg_freshdesk__satisfaction_ratings') }}
    where answered_at <= {{ as_of() }}
),

questions as (
    select s.source, s.record_id as survey_id, s.survey_title, unnest(s.questions) as question
    from {{ in_force(ref('stg_freshdesk__surveys')) }} as s
),

named as (
    select
        source, survey_id, {{ freshdesk_question('question.id') }} as question_id, max(question.label) as title, bool_or(question['default']) as is_default
    from questions
    group by source, survey_id, question.id
)

select
    g.source,
    g.record_id as response_id,
    g.survey_id,
    {{ freshdesk_question('g.rating.key') }} as question_id,
    n.title,
    g.rating.key = 'default_question' or coalesce(n.is_default, false) as is_default,
    try_cast(g.rating.value as double) as score,
    g.ticket_id,
    g.customer_id,
    g.agent_id,
    g.group_id,
    g.answered_at,
    g.deleted
from given as g
left join named as n on g.source = n.source and g.survey_id = n.survey_id and {{ freshdesk_question('g.rating.key') }} = n.question_id
