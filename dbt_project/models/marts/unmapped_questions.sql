{{ config(meta={'next_at': 'always'}) }}
{#- Rating questions that do not count, what their declaration lacks, and what they look like. #}
{%- set before = published_marts().get('survey_answers', {'columns': {}}) -%}
with answers as (
    select *
    from {{ ref('int_answers') }}
    where kind is null and is_rating and is_latest and left_out in ('not declared', 'question not in the definition', 'label not scored')
),

given as (
    select
        source, survey, question_id, original_answer, score, count(*) as answers,
        row_number() over (partition by source, survey, question_id order by score nulls last, original_answer) as answer_no
    from answers
    group by source, survey, question_id, original_answer, score
),

distributions as (
    select
        source, survey, question_id,
        {{ listed("case when answer_no <= 50 then original_answer || ': ' || answers else '...' end", 'answer_no') }} as distribution
    from given
    where answer_no <= 51
    group by source, survey, question_id
),

questions as (
    select
        source, survey, question_id,
        max(survey_title) as survey_title,
        max(question_title) as question_title,
        any_value(question_type) as question_type,
        min(scale_min) as scale_min,
        max(scale_max) as scale_max,
        min(problem) as reason,
        min(proposed_kind) as proposed_kind,
        count(*) as answers,
        min(answered_at) as first_answered_at,
        max(answered_at) as last_answered_at
    from answers
    group by source, survey, question_id
),

{#- What readers see counted and will see no more. #}
counted as (
    {% if not ['source', 'response_id', 'question_id', 'kind'] | reject('in', before.columns) | list %}
    select a.source, a.survey, a.question_id, count(*) as answers
    from answers as a
    inner join {{ before.relation }} as b on a.source = b.source and a.response_id = b.response_id and a.question_id = b.question_id
    where b.kind in ('csat', 'nps', 'ces')
    group by a.source, a.survey, a.question_id
    {% else %}
    select cast(null as varchar) as source, cast(null as varchar) as survey, cast(null as varchar) as question_id, cast(null as bigint) as answers
    where false
    {% endif %}
)

select
    q.source,
    q.survey,
    q.question_id,
    q.survey_title,
    q.question_title,
    q.question_type,
    q.scale_min,
    q.scale_max,
    q.reason,
    q.proposed_kind,
    q.answers,
    d.distribution,
    case
        when q.proposed_kind is not null
            then {{ csv_cell('q.source') }} || ',' || {{ csv_cell('q.survey') }} || ',' || {{ csv_cell('q.question_id') }} || ',' || q.proposed_kind || ',,,,,'
    end as questions_line,
    coalesce(c.answers, 0) as counted_before,
    q.first_answered_at,
    q.last_answered_at
from questions as q
left join distributions as d on q.source = d.source and q.survey = d.survey and q.question_id = d.question_id
left join counted as c on q.source = c.source and q.survey = c.survey and q.question_id = c.question_id
