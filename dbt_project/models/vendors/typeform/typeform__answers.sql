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

level_1 as (
    select source, form_id, form_title, valid_from, valid_to, unnest(fields) as field from forms
),

level_2 as (
    select source, form_id, form_title, valid_from, valid_to, unnest(field.properties.fields) as field from level_1
),

level_3 as (
    select source, form_id, form_title, valid_from, valid_to, unnest(field.properties.fields) as field from level_2
),

{#- A question counts wherever it stands in its form. #}
questions as (
    {% for level in [1, 2, 3] %}
    select
        source, form_id, form_title, valid_from, valid_to,
        field.id as question_id,
        field.ref as question_ref,
        field.title as title,
        field.type as question_type,
        field.properties.choices as choices,
        {#- How many steps a scale has nobody knows unless the definition says it. #}
        case
            when field.type in ('nps', 'yes_no') then 0e0
            when field.properties.steps is null then null
            when field.type = 'rating' or field.type = 'opinion_scale' and field.properties.start_at_one then 1e0
            when field.type = 'opinion_scale' then 0e0
        end as scale_min,
        case
            when field.type = 'nps' then 10e0
            when field.type = 'yes_no' then 1e0
            when field.type = 'rating' or field.type = 'opinion_scale' and field.properties.start_at_one then field.properties.steps * 1e0
            when field.type = 'opinion_scale' then field.properties.steps - 1e0
        end as scale_max
    from level_{{ level }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

options as (
    select distinct source, form_id, question_id, question_ref, choice.id as option_id, choice.ref as option_ref, choice.label as label
    from (select source, form_id, question_id, question_ref, unnest(choices) as choice from questions) as q
),

{#- Choices that stand for a score: faces, stars in words. A rule names one by its label in any language or version of the form, its id or ref. #}
labels as (select * from {{ ref('answer_scores') }}),

option_scores as (
    select o.source, o.form_id, o.question_id, o.option_id, o.option_ref, l.score, l.source = '*' as is_general
    from options as o
    inner join labels as l
        on o.form_id = l.survey and l.question_id in (o.question_id, o.question_ref) and l.source in (o.source, '*')
        and l.answer in (o.label, o.option_id, o.option_ref)
),

responses as (
    select * from {{ ref('stg_typeform__responses') }}
    where coalesce(submitted_at <= {{ as_of() }}, true)
),

answers as (
    select
        source, form_id, response_id, record_id, submitted_at, sent_at, ticket_id, customer_id, customer_email_hash, segment, product, service_area, complexity,
        dimensions, case when deleted then 'deleted' when response_type <> 'completed' then 'partial' end as not_given,
        unnest(answers) as answer, generate_subscripts(answers, 1) as place
    from responses
),

{#- A question that a response answers twice: the later answer counts. #}
given as (
    select
        *,
        row_number() over (
            partition by source, form_id, response_id, answer.field.id
            order by case when not_given is null then 0 else 1 end, submitted_at desc nulls last, record_id desc, place desc
        ) as answer_no
    from answers
    where answer.type in ('number', 'boolean', 'choice', 'choices')
),

{#- The question as it was when it was answered, else as another version of the form has it; of one that was replaced before the form was
    first fetched the answer itself says what kind it is, and of some kinds the scale is always the same. #}
asked as (
    select
        a.*,
        coalesce(q.form_title, f.form_title) as form_title,
        coalesce(q.question_id, a.answer.field.id, '(none)') as question_id,
        coalesce(q.question_ref, a.answer.field.ref) as question_ref,
        q.title,
        coalesce(q.question_type, a.answer.field.type) as question_type,
        q.question_id is not null as is_in_definition,
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

scored_questions as (
    select q.source, q.form_id, q.question_id, min(l.score) as lowest, max(l.score) as highest
    from asked as q
    inner join labels as l on q.form_id = l.survey and l.question_id in (q.question_id, q.question_ref) and l.source in (q.source, '*')
    group by q.source, q.form_id, q.question_id
),

{#- A label of this source goes before one of all sources, what the answer says itself before what its option says elsewhere. #}
scored as (
    select
        {{ star_except(['scale_min', 'scale_max', 'version_no'], 'q') }},
        coalesce(l.score, o.score) as score,
        coalesce(q.scale_min, k.lowest) as scale_min,
        coalesce(q.scale_max, k.highest) as scale_max,
        k.question_id is not null as has_scores,
        row_number() over (
            partition by q.source, q.form_id, q.response_id, q.question_id
            order by
                case when coalesce(l.source = '*', o.is_general, false) then 1 else 0 end, case when l.score is null then 1 else 0 end,
                coalesce(l.score, o.score) desc nulls last
        ) as label_no
    from asked as q
    left join labels as l
        on q.form_id = l.survey and l.question_id in (q.question_id, q.question_ref) and l.source in (q.source, '*')
        and l.answer in (q.answer.choice.label, q.answer.choice.id, q.answer.choice.ref)
    left join option_scores as o
        on q.source = o.source and q.form_id = o.form_id and q.question_id = o.question_id
        and (q.answer.choice.id = o.option_id or q.answer.choice.ref = o.option_ref)
    left join scored_questions as k on q.source = k.source and q.form_id = k.form_id and q.question_id = k.question_id
    where q.version_no = 1
)

select
    'typeform__responses' as stream_key,
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
        when 'boolean' then case when a.answer.boolean then 1e0 when not a.answer.boolean then 0e0 end
        when 'number' then a.answer.number
        else a.score
    end as score,
    case a.answer.type
        when 'boolean' then case when a.answer.boolean then 'yes' when not a.answer.boolean then 'no' end
        when 'choice' then a.answer.choice.label
    end as original_answer,
    a.scale_min,
    a.scale_max,
    cast(null as varchar) as declared_kind,
    cast(null as double) as declared_positive_from,
    cast(null as varchar) as declared_direction,
    cast(null as boolean) as is_good,
    false as is_edited,
    case
        when a.not_given is not null then a.not_given
        when a.answer.type in ('choice', 'choices') and a.score is null and a.has_scores then 'label not scored'
        when not a.is_in_definition then 'question not in the definition'
    end as lacks,
    cast(null as varchar) as row_order,
    a.submitted_at as answered_at,
    a.submitted_at as answered_until,
    a.sent_at,
    a.ticket_id,
    a.customer_id,
    a.customer_email_hash,
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
