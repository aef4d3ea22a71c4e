{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Targets met and breached by the local date on which they ended, else were breached; running ones at the as-of time. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'agent_id'
} -%}
{%- set changed = changed_days([(
    'sla_targets', 'ended_at, breached_at, metric, outcome, ' ~ dimensions.values() | join(', '),
    target_counted_at()
)], key='metric') -%}
with facts as (
    select *, {{ business_date(target_counted_at()) }} as day
    from {{ ref('sla_targets') }}
    where {{ is_counted_target() }}
),

metrics as (select distinct metric from facts),

{{ kpi_cells(dimensions, {
    'met': "count(case when outcome = 'met' then 1 end)",
    'breached': "count(case when outcome = 'breached' then 1 end)",
    'active': "count(case when outcome = 'active' then 1 end)"
}, keys=['metric'], key_rows='metrics', changed=changed) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.metric,
    c.met,
    c.breached,
    c.active,
    cast(100e0 * c.met / nullif(c.met + c.breached, 0) as double) as attainment_pct,
    cast({{ wilson_pct('c.met', '(c.met + c.breached)', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.met', '(c.met + c.breached)', '+') }} as double) as ci_high_pct,
    {{ is_small_n('(c.met + c.breached)') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    coalesce(d.definition_version, 1) as definition_version
from cells as c
{{ join_definition("'sla_' || c.metric") }}
