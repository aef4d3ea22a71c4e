{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Targets met and breached by the local date on which they ended, else were breached; running ones at the as-of time. #}
with facts as ({{ counted_facts() }}),

cells as (
    {{ kpi_cells({
        'met': "count(case when outcome = 'met' then 1 end)",
        'breached': "count(case when outcome = 'breached' then 1 end)",
        'active': "count(case when outcome = 'active' then 1 end)"
    }) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
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
{{ join_member_label() }}
{{ join_definition() }}
