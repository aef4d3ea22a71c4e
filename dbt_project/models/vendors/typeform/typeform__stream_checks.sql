{{ config(meta={'next_at': 'always'}) }}
{#- Answers against the questions and hidden fields of their forms. #}
with answered as (select distinct source, form_id as survey from {{ ref('stg_typeform__responses') }}),

{#- No KPI lacks anything of a form that is left out. #}
left_surveys as ({{ surveys_left_out('answered') }}),

responses as (
    select r.*
    from {{ ref('stg_typeform__responses') }} as r
    left join left_surveys as l on r.source = l.source and r.form_id = l.survey
    where l.survey is null and not r.deleted and r.response_type = 'completed' and r.submitted_at <= {{ as_of() }}
),

forms as (select source, record_id as form_id, changed_at, fields, hidden_fields from {{ ref('stg_typeform__forms') }}),

top_level as (select source, form_id, unnest(fields) as field from forms),

second_level as (select source, form_id, unnest(field.properties.fields) as field from top_level),

questions as (
    select source, form_id, field.id as question_id from top_level
    union
    select source, form_id, unnest(field.properties.fields).id from top_level
    union
    select source, form_id, unnest(field.properties.fields).id from second_level
),

{#- What was answered before the oldest definition that we have may have been asked by an older one. #}
defined as (select source, form_id, min(changed_at) as defined_at from forms group by source, form_id),

answers as (
    select r.source, r.form_id, unnest(r.answers).field.id as question_id
    from responses as r
    left join defined as d on r.source = d.source and r.form_id = d.form_id
    where coalesce(r.submitted_at >= d.defined_at, true)
),

{#- How long a form was without an answer: at most before its newest one, and since. #}
gaps as (
    select
        source, form_id, submitted_at,
        {{ seconds(micros_between('lag(submitted_at) over (partition by source, form_id order by submitted_at)', 'submitted_at')) }} as gap
    from responses
),

silences as (
    select
        source, form_id, max(gap) as longest,
        {{ seconds(micros_between('max(submitted_at)', as_of())) }} as since,
        (count(*) - 1) / nullif({{ seconds(micros_between('min(submitted_at)', 'max(submitted_at)')) }}, 0) as per_second
    from gaps
    group by source, form_id
),

about_tickets as (
    select distinct source, form_id
    from forms
    where
        {% for field in hidden_fields() if field.attribute == 'ticket_id' %}
        ({{ is_form_of(field, 'form_id') }} and list_contains(hidden_fields, '{{ field.name }}')){{ ' or' if not loop.last }}
        {% endfor %}
)

select
    a.source, cast(null as varchar) as channel, 'answers_have_questions' as rule, count(*) as expected, count(q.question_id) as found
from answers as a
left join questions as q on a.source = q.source and a.form_id = q.form_id and a.question_id = q.question_id
group by a.source
union all
select r.source, null, 'answers_name_tickets', count(*), count(r.ticket_id)
from responses as r
inner join about_tickets as f on r.source = f.source and r.form_id = f.form_id
group by r.source
union all
{#- As many as usually come in the time since the newest, if it is longer than any before. #}
select
    source, null, 'forms_go_on',
    cast(sum(ceil(since * per_second)) as bigint),
    cast(sum(case when since > longest then 0 else ceil(since * per_second) end) as bigint)
from silences
where per_second is not null
group by source
