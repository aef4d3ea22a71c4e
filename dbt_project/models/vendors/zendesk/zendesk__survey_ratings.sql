{{ config(meta={'next_at': 'horizon'}, materialized='table') }}
with given as (
    select v.source, v.record_id, v.ticket_id, v.responder_id, v.survey_id, v.survey_version, v.sent_at, v.changed_at, v.fetched_at,
        unnest(v.answers) as answer
    from {{ ref('zendesk__survey_versions') }} as v
),

dated as (
    select
        *,
        {{ usable_time('answer.created_at') }} as first_answered_at,
        coalesce({{ usable_time('answer.updated_at') }}, {{ usable_time('answer.created_at') }}) as answered_at
    from given
    where answer.type = 'rating_scale' and answer.rating is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, record_id, answer.question.id order by answered_at desc, changed_at desc nulls last, fetched_at desc
        ) as newest_no
    from dated
    where answered_at <= {{ as_of() }}
),

{#- Of the version of the survey that was answered, else of the first known one. #}
questions as (
    select source, record_id as survey_id, survey_version, changed_at, unnest(questions) as question from {{ ref('stg_zendesk__surveys') }}
),

options as (
    select source, survey_id, survey_version, changed_at, question.id as question_id, question.headline.value as title,
        unnest(question.options) as choice
    from questions
),

{#- What a bad rating's customer chose from a list; what they wrote is none of it. #}
labels as (
    select
        source, survey_id, choice.id as option_id,
        max(struct_pack(survey_version := survey_version, changed_at := changed_at, label := choice.label.value)).label as label
    from options
    where choice.id is not null
    group by source, survey_id, choice.id
),

chosen as (
    select source, record_id, survey_id, changed_at, fetched_at, unnest(answer.selections) as selection
    from given
    where answer.type = 'closed_ended' and coalesce({{ usable_time('answer.created_at') }} <= {{ as_of() }}, true)
),

reasons as (
    select
        c.source, c.record_id,
        max(struct_pack(told_at := coalesce(c.changed_at, c.fetched_at), label := l.label)).label as reason
    from chosen as c
    inner join labels as l on c.source = l.source and c.survey_id = l.survey_id and c.selection.option_id = l.option_id
    group by c.source, c.record_id
),

scales as (
    select
        source, survey_id, survey_version, question_id,
        max(title) as title,
        min(choice.rating) as scale_min,
        max(choice.rating) as scale_max,
        row_number() over (partition by source, survey_id, question_id order by survey_version) as version_no
    from options
    group by source, survey_id, survey_version, question_id
)

select
    r.source,
    r.record_id as response_id,
    r.survey_id,
    coalesce(r.answer.question.id, '(none)') as question_id,
    coalesce(e.title, f.title) as question_title,
    coalesce(r.answer.question.sub_type = 'customer_satisfaction', false) as is_satisfaction,
    r.ticket_id,
    r.responder_id as customer_id,
    r.answer.rating as score,
    coalesce(e.scale_min, f.scale_min) as scale_min,
    coalesce(e.scale_max, f.scale_max) as scale_max,
    r.answer.rating_category = 'good' as is_good,
    case when r.answer.question.sub_type = 'customer_satisfaction' then w.reason end as reason,
    r.answered_at > r.first_answered_at as is_edited,
    r.first_answered_at,
    r.answered_at,
    r.sent_at
from ranked as r
left join scales as e
    on r.source = e.source and r.survey_id = e.survey_id and r.survey_version = e.survey_version and r.answer.question.id = e.question_id
left join scales as f
    on r.source = f.source and r.survey_id = f.survey_id and r.answer.question.id = f.question_id and f.version_no = 1
left join reasons as w on r.source = w.source and r.record_id = w.record_id
where r.newest_no = 1
