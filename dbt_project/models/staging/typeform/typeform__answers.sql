{{ config(materialized='ephemeral') }}
{#- Ratings of form responses, one row per answered rating question, with the definition in force when it was answered. #}
with forms as (
    select
        source,
        record_id as form_id,
        form_title,
        fields,
        case when row_number() over (partition by source, record_id order by changed_at) = 1 then {{ the_beginning() }} else changed_at end
            as valid_from,
        coalesce(lead(changed_at) over (partition by source, record_id order by changed_at), {{ the_end() }}) as valid_to
    from {{ ref('stg_typeform__forms') }}
    where not deleted
),

top_level as (
    select source, form_id, form_title, valid_from, valid_to, unnest(fields) as field from forms
),

grouped as (
    select source, form_id, form_title, valid_from, valid_to, unnest(field.properties.fields) as field from top_level
),

questions as (
    {% for level in ['top_level', 'grouped'] %}
    select
        source, form_id, form_title, valid_from, valid_to,
        field.id as question_id,
        field.ref as question_ref,
        field.title as title,
        field.type as question_type,
        {#- Steps default to 11 (opinion scale, from 0) and 3 (rating, from 1). #}
        case field.type
            when 'nps' then 0e0
            when 'rating' then 1e0
            when 'opinion_scale' then case when field.properties.start_at_one then 1e0 else 0e0 end
            when 'yes_no' then 0e0
        end as scale_min,
        case field.type
            when 'nps' then 10e0
            when 'rating' then coalesce(field.properties.steps, 3) * 1e0
            when 'opinion_scale'
                then coalesce(field.properties.steps, 11) - case when field.properties.start_at_one then 0e0 else 1e0 end
            when 'yes_no' then 1e0
        end as scale_max
    from {{ level }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

responses as (
    select * from {{ ref('stg_typeform__responses') }} where not deleted and submitted_at <= {{ as_of() }}
),

answers as (
    select
        source, form_id, response_id, submitted_at, sent_at, ticket_id, customer_id, segment, product, service_area, complexity,
        unnest(answers) as answer
    from responses
)

select
    a.source,
    a.response_id,
    a.form_id as survey,
    q.form_title as survey_title,
    q.question_id,
    q.question_ref,
    q.title as question_title,
    q.question_type,
    case when a.answer.type = 'boolean' then case when a.answer.boolean then 1e0 else 0e0 end else a.answer.number end as score,
    q.scale_min,
    q.scale_max,
    cast(null as varchar) as declared_kind,
    cast(null as double) as declared_positive_from,
    cast(null as varchar) as declared_direction,
    a.submitted_at as answered_at,
    a.sent_at,
    a.ticket_id,
    a.customer_id,
    a.segment,
    a.product,
    a.service_area,
    a.complexity,
    cast(null as varchar) as channel,
    cast(null as varchar) as priority,
    cast(null as varchar) as group_id,
    cast(null as varchar) as agent_id,
    cast(null as varchar) as organization_id
from answers as a
inner join questions as q
    on a.source = q.source and a.form_id = q.form_id and a.answer.field.id = q.question_id
    and a.submitted_at >= q.valid_from and a.submitted_at < q.valid_to
where q.scale_min is not null
