{#- How often each score was given to each declared question, by the local date of the answer. #}
with facts as ({{ counted_facts() }}),

grouped as ({{ grouped_facts(['count(*) as n'], ['source', 'survey', 'question_id', 'kind', 'score']) }}),

totals as (
    select
        *, sum(n) over (partition by period_grain, period_start, dimension, member, source, survey, question_id) as answers
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
