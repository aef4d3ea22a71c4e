{#- Share of positive answers to the headline CSAT questions, by the local date of the answer. #}
with facts as ({{ counted_facts() }}),

cells as ({{ kpi_cells({'n': 'count(*)', 'positive': 'count(case when is_positive then 1 end)'}) }}),

weighted as (
    {{ weighted_by_segment('(100e0 * c.positive / c.n)', '(100e0 * c.positive / c.n) * (100 - 100e0 * c.positive / c.n)') }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.n,
    c.positive,
    cast(100e0 * c.positive / nullif(c.n, 0) as double) as csat_pct,
    cast({{ wilson_pct('c.positive', 'c.n', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.positive', 'c.n', '+') }} as double) as ci_high_pct,
    cast(w.value as double) as weighted_csat_pct,
    cast(w.margin as double) as weighted_margin,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
left join weighted as w
    on c.dimension = w.dimension and c.period_grain = w.period_grain and c.period_start is not distinct from w.period_start
{{ join_definition() }}
