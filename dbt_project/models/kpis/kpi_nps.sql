{#- Percent promoters minus percent detractors of the headline NPS questions, by the local date of the answer. #}
with facts as ({{ counted_facts() }}),

cells as (
    {{ kpi_cells({
        'n': 'count(*)',
        'promoters': "count(case when nps_class = 'promoter' then 1 end)",
        'passives': "count(case when nps_class = 'passive' then 1 end)",
        'detractors': "count(case when nps_class = 'detractor' then 1 end)"
    }) }}
),

weighted as (
    {{ weighted_by_segment(
        '(100e0 * (c.promoters - c.detractors) / c.n)',
        '10000e0 * ((c.promoters + c.detractors) * 1e0 / c.n'
        ~ ' - ((c.promoters - c.detractors) * 1e0 / c.n) * ((c.promoters - c.detractors) * 1e0 / c.n))'
    ) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.n,
    c.promoters,
    c.passives,
    c.detractors,
    cast(100e0 * (c.promoters - c.detractors) / nullif(c.n, 0) as double) as nps,
    {#- Half the 95 % interval: each answer is +1, 0 or -1. #}
    cast(
        100e0 * {{ z_95() }} * sqrt(
            ((c.promoters + c.detractors) * 1e0 / nullif(c.n, 0)
                - ((c.promoters - c.detractors) * 1e0 / nullif(c.n, 0)) * ((c.promoters - c.detractors) * 1e0 / nullif(c.n, 0)))
            / nullif(c.n, 0)
        ) as double
    ) as margin,
    {% for bound, sign in {'ci_low': '-', 'ci_high': '+'}.items() %}
    cast({{ nps_bound('(c.promoters - c.detractors)', '(c.promoters + c.detractors)', 'c.n', sign) }} as double) as {{ bound }},
    {% endfor %}
    cast(w.value as double) as weighted_nps,
    cast(w.margin as double) as weighted_margin,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
left join weighted as w
    on c.dimension = w.dimension and c.period_grain = w.period_grain and c.period_start is not distinct from w.period_start
{{ join_definition() }}
