{{ config(
    materialized='incremental', incremental_strategy='replace_periods',
    meta={'facts': 'tickets', 'time': 'created_at'}
) }}
{#- Shares of tickets that came back, passed on or were settled at once, by the local date of the ticket's creation. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
} -%}
{#- What says yes, of the tickets that may. #}
{%- set rates = {
    'reopen': ('reopens > 0', 'first_solved_at is not null'),
    'transfer': ('group_hops > 0', 'first_solved_at is not null'),
    'escalation': ('escalations > 0', 'first_solved_at is not null'),
    'one_touch': ('is_one_touch', 'full_resolution_seconds is not null'),
    'first_contact_resolution': ('is_first_contact_resolved', 'true')
} -%}
{%- set numbers = [] -%}
{%- for rate in rates -%}{%- do numbers.append(((rate,), rate)) -%}{%- endfor -%}
{%- set changed = changed_days([(
    'tickets', 'created_at, ' ~ dimensions.values() | join(', ') ~ ', reopens, group_hops, escalations, is_one_touch, '
        ~ 'is_first_contact_resolved, first_solved_at, full_resolution_seconds', 'created_at'
)]) -%}
with facts as (
    select
        {{ business_date('created_at') }} as day, {{ dimensions.values() | join(', ') }},
        {% for rate, (yes, may) in rates.items() %}
        case when {{ may }} and {{ yes }} then 1 when {{ may }} and not ({{ yes }}) then 0 end as {{ rate }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('tickets') }}
),

rates as (
    {% for rate in rates %}
    select '{{ rate }}' as rate
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{{ kpi_cells(dimensions, {'denominator': 'count({})', 'numerator': 'sum({})'}, keys=['rate'], key_rows='rates', changed=changed, measures=numbers) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.rate,
    c.numerator,
    c.denominator,
    cast(100e0 * c.numerator / nullif(c.denominator, 0) as double) as rate_pct,
    cast({{ wilson_pct('c.numerator', 'c.denominator', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.numerator', 'c.denominator', '+') }} as double) as ci_high_pct,
    {{ is_small_n('c.denominator') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition("c.rate || '_rate'") }}
