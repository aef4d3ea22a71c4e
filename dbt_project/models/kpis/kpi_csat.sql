{#- Share of positive answers to the headline CSAT questions, by the local date of the answer. #}
{%- set dimensions = {
    'source': 'source', 'survey': 'survey', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area',
    'complexity': 'complexity', 'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'agent_id'
} -%}
with facts as (
    select *, {{ business_date('answered_at') }} as day
    from {{ ref('survey_answers') }}
    where kind = 'csat' and is_headline
),

{{ kpi_cells(dimensions, {'n': 'count(*)', 'positive': 'count(case when is_positive then 1 end)'}) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.n,
    c.positive,
    cast(100e0 * c.positive / nullif(c.n, 0) as double) as csat_pct,
    cast({{ wilson_pct('c.positive', 'c.n', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.positive', 'c.n', '+') }} as double) as ci_high_pct,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition("'csat'") }}
