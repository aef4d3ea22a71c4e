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

{#- Choices that stand for a score: faces, stars in words. #}
labels as (
    select
        *,
        min(score) over (partition by survey, question_id) as lowest,
        max(score) over (partition by survey, question_id) as highest
    from {{ ref('answer_scores') }}
),

responses as (
    select * from {{ ref('stg_typeform__responses') }}
    where not deleted and response_type = 'completed' and submitted_at <= {{ as_of() }}
),

answers as (
    select
        source, form_id, response_id, record_id, submitted_at, sent_at, ticket_id, customer_id, segment, product, service_area, complexity,
        dimensions, unnest(answers) as answer, generate_subscripts(answers, 1) as place
    from responses
),

{#- A question that a response answers twice: the later answer counts. #}
given as (
    select
        *,
        row_number() over (
            partition by source, form_id, response_id, answer.field.id order by submitted_at desc, record_id desc, place desc
        ) as answer_no
    from answers
),

{#- The question as it was when it was answered, else as another version of the form has it; of one that was replaced before the form was
    first fetched the answer itself says what kind it is, and of some kinds the scale is always the same. #}
asked as (
    select
        a.*,
        coalesce(q.form_title, f.form_title) as form_title,
        coalesce(q.question_id, a.answer.field.id) as question_id,
        coalesce(q.question_ref, a.answer.field.ref) as question_ref,
        q.title,
        coalesce(q.question_type, a.answer.field.type) as question_type,
        q.question_id is null and a.answer.field.id is not null and a.answer.field.type in ('nps', 'yes_no', 'rating', 'opinion_scale') as is_replaced,
        case when q.question_id is not null then q.scale_min when a.answer.field.type in ('nps', 'yes_no') then 0e0 end as scale_min,
        case
            when q.question_id is not null then q.scale_max
            when a.answer.field.type = 'nps' then 10e0
            when a.answer.field.type = 'yes_no' then 1e0
        end as scale_max,
        row_number() over (
            partition by a.source, a.form_id, a.response_id, a.answer.field.id
            order by case when a.submitted_at >= q.valid_from and a.submitted_at < q.valid_to then 0 else 1 end, q.valid_from desc, f.valid_from desc
        ) as version_no
    from given as a
    left join questions as q on a.source = q.source and a.form_id = q.form_id and a.answer.field.id = q.question_id
    left join forms as f
        on a.source = f.source and a.form_id = f.form_id and a.submitted_at >= f.valid_from and a.submitted_at < f.valid_to
    where a.answer_no = 1
),

{#- A label of this source goes before one of all sources. #}
scored as (
    select
        {{ star_except(['scale_min', 'scale_max', 'version_no'], 'q') }}, l.score,
        coalesce(q.scale_min, l.lowest) as scale_min,
        coalesce(q.scale_max, l.highest) as scale_max,
        row_number() over (
            partition by q.source, q.form_id, q.response_id, q.question_id order by case when l.source = '*' then 1 else 0 end
        ) as label_no
    from asked as q
    left join labels as l
        on q.answer.choice.label = l.answer and q.form_id = l.survey and l.question_id in (q.question_id, q.question_ref)
        and l.source in (q.source, '*')
    where q.version_no = 1 and (q.scale_min is not null or l.score is not null or q.is_replaced)
)

select
    a.source,
    a.response_id,
    a.form_id as survey,
    a.form_title as survey_title,
    a.question_id,
    a.question_ref,
    a.title as question_title,
    a.question_type,
    false as is_helpdesk,
    case a.answer.type
        when 'boolean' then case when a.answer.boolean then 1e0 else 0e0 end
        when 'choice' then a.score
        else a.answer.number
    end as score,
    case a.answer.type when 'boolean' then case when a.answer.boolean then 'yes' else 'no' end when 'choice' then a.answer.choice.label end
        as original_answer,
    a.scale_min,
    a.scale_max,
    cast(null as varchar) as declared_kind,
    cast(null as double) as declared_positive_from,
    cast(null as varchar) as declared_direction,
    cast(null as boolean) as is_good,
    false as is_edited,
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
    cast(null as varchar) as organization_id,
    a.dimensions,
    cast(null as varchar) as reason
from scored as a
where a.label_no = 1
