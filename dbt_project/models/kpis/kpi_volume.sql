{{ config(
    materialized='incremental', incremental_strategy='replace_periods',
    meta={'facts': 'tickets', 'time': 'created_at'}
) }}
{#- Counted tickets by the local date of their creation: how many came, how many of them are solved now, how many were reopened. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
} -%}
{%- set changed = changed_days([
    ('tickets', 'created_at, ' ~ dimensions.values() | join(', ') ~ ', status, reopens', 'created_at')
]) -%}
with facts as (
    select *, {{ business_date('created_at') }} as day from {{ ref('tickets') }}
),

{{ kpi_cells(dimensions, {
    'created': 'count(*)',
    'solved': "count(case when status in ('solved', 'closed') then 1 end)",
    'reopened': 'count(case when reopens > 0 then 1 end)'
}, changed=changed) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.created,
    c.solved,
    c.reopened,
    {{ is_small_n('c.created') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition("'tickets_created'") }}
