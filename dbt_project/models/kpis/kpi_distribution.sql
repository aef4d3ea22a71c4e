{#- How often each score was given to each declared question, by the local date of the answer; and why ratings are bad, for
    questions that ask. #}
with facts as ({{ counted_facts() }}),

bad as (
    select f.*
    from facts as f
    where not f.is_positive
      and (f.source, f.survey, f.question_id) in (select k.source, k.survey, k.question_id from facts as k where k.reason is not null)
),

grouped as (
    {{ grouped_facts({'n': 'count(*)'}, ['source', 'survey', 'question_id', 'kind', 'score']) }}
    union all
    select
        {{ grain_name('grain_no') }}, period_start, 'reason', coalesce(reason, '(none)'), source, survey, question_id, kind, score, count(*)
    from ({{ in_periods('bad', false) }}) as b
    group by grain_no, period_start, reason, source, survey, question_id, kind, score
),

totals as (
    select
        *,
        {#- A reason's share is one of all bad ratings. #}
        sum(n) over (
            partition by period_grain, period_start, dimension, case when dimension <> 'reason' then member end, source, survey, question_id
        ) as answers
    from grouped
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.source,
    c.survey,
    c.question_id,
    c.kind,
    c.score,
    c.n,
    cast(c.answers as bigint) as answers,
    cast(100e0 * c.n / nullif(c.answers, 0) as double) as share_pct,
    {{ is_small_n('c.answers') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from totals as c
{{ join_member_label() }}
{{ join_definition() }}
