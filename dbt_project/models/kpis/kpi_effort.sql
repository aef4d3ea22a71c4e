{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- What it took to solve a ticket, for the customer and for us, by the local date of the ticket's creation. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
} -%}
{%- set measures = effort_measures() -%}
{%- set numbers = [] -%}
{%- set columns = [] -%}
{%- for measure, (column, _, _) in measures.items() -%}
{%- do numbers.append(((measure,), measure)) -%}
{%- do columns.append(column) -%}
{%- endfor -%}
{%- set changed = changed_days([(
    'tickets', 'created_at, ' ~ (dimensions.values() | list + columns) | join(', ') ~ ', first_solved_at, full_resolution_seconds', 'created_at'
)]) -%}
with facts as (
    select
        {{ business_date('created_at') }} as day, {{ dimensions.values() | join(', ') }},
        {% for measure, (column, may, _) in measures.items() %}
        case when {{ may }} then {{ column }} end as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('tickets') }}
),

measures as (
    {% for measure, (_, _, kpi) in measures.items() %}
    select '{{ measure }}' as measure, '{{ kpi }}' as kpi
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{{ kpi_cells(
    dimensions,
    {'n': 'count({})', 'affected': 'count(case when {} > 0 then 1 end)'},
    {'total_micros': 'sum(cast(round({} * 1e6) as bigint))', 'quantiles': median_and_p90('{}')},
    keys=['measure'], key_rows='measures', changed=changed, measures=numbers
) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.measure,
    c.n,
    c.affected,
    cast(100e0 * c.affected / nullif(c.n, 0) as double) as affected_pct,
    cast({{ wilson_pct('c.affected', 'c.n', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.affected', 'c.n', '+') }} as double) as ci_high_pct,
    cast(cast(c.total_micros as double) / 1e6 as double) as total,
    cast(cast(c.total_micros as double) / 1e6 / nullif(c.n, 0) as double) as mean_per_ticket,
    cast({{ element('c.quantiles', 1) }} as double) as median_per_ticket,
    cast({{ element('c.quantiles', 2) }} as double) as p90_per_ticket,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
inner join measures as m on c.measure = m.measure
{{ join_definition("m.kpi") }}
