with given as (
    select source, form_id, response_id, unnest(answers) as answer
    from {{ ref('stg_typeform__responses') }}
    where coalesce(submitted_at <= {{ as_of() }}, true)
),

rated as (
    select distinct source, form_id, response_id, answer.field.id as question_id
    from given
    where answer.type in ('number', 'boolean', 'choice', 'choices')
)

select source, form_id as survey, count(*) as answers from rated group by source, form_id
