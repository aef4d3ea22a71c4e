{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Shares of tickets that were settled the first time, by each convention in use, by the local date of the ticket's creation. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
} -%}
{%- set conventions = first_contact_conventions() -%}
{%- set numbers = [] -%}
{%- for convention in conventions -%}{%- do numbers.append(((convention,), convention)) -%}{%- endfor -%}
{%- set changed = changed_days([(
    'tickets', 'created_at, ' ~ dimensions.values() | join(', ') ~ ', customer_id, has_repeat_contact, is_reopened_in_window, is_one_touch, '
        ~ 'is_one_touch_explore, first_solved_at, full_resolution_seconds', 'created_at'
)]) -%}
with facts as (
    select
        {{ business_date('created_at') }} as day, {{ dimensions.values() | join(', ') }},
        {% for convention, (yes, may) in conventions.items() %}
        {{ first_contact_verdict(yes, may) }} as {{ convention }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('tickets') }}
),

conventions as (
    {% for convention in conventions %}
    select '{{ convention }}' as convention
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{{ kpi_cells(dimensions, {
    'counted': 'count({})',
    'numerator': 'count(case when {} = 1 then 1 end)',
    'immature': 'count(case when {} = -1 then 1 end)'
}, keys=['convention'], key_rows='conventions', changed=changed, measures=numbers) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.convention,
    c.numerator,
    c.counted - c.immature as denominator,
    c.immature,
    cast(100e0 * c.numerator / nullif(c.counted - c.immature, 0) as double) as rate_pct,
    cast({{ wilson_pct('c.numerator', '(c.counted - c.immature)', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.numerator', '(c.counted - c.immature)', '+') }} as double) as ci_high_pct,
    {{ is_small_n('(c.counted - c.immature)') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    c.immature > 0 as is_provisional,
    d.definition_version
from cells as c
{{ join_definition("c.convention || '_rate'") }}
