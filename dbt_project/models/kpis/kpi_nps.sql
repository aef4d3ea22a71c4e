{#- Percent promoters minus percent detractors of the headline NPS questions, by the local date of the answer. #}
{%- set dimensions = {
    'source': 'source', 'survey': 'survey', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area',
    'complexity': 'complexity', 'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'agent_id'
} -%}
with facts as (
    select *, {{ business_date('answered_at') }} as day
    from {{ ref('survey_answers') }}
    where kind = 'nps' and is_headline
),

{{ kpi_cells(dimensions, {
    'n': 'count(*)',
    'promoters': "count(case when nps_class = 'promoter' then 1 end)",
    'passives': "count(case when nps_class = 'passive' then 1 end)",
    'detractors': "count(case when nps_class = 'detractor' then 1 end)"
}) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.n,
    c.promoters,
    c.passives,
    c.detractors,
    cast(100e0 * (c.promoters - c.detractors) / nullif(c.n, 0) as double) as nps,
    {#- Half the 95 % interval: each answer is +1, 0 or -1. #}
    cast(
        100e0 * 1.959963984540054e0 * sqrt(
            ((c.promoters + c.detractors) * 1e0 / nullif(c.n, 0)
                - ((c.promoters - c.detractors) * 1e0 / nullif(c.n, 0)) * ((c.promoters - c.detractors) * 1e0 / nullif(c.n, 0)))
            / nullif(c.n, 0)
        ) as double
    ) as margin,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition("'nps'") }}
