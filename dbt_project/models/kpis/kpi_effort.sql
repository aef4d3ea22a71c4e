{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- What it took to solve a ticket, for the customer and for us, by the local date of the ticket's creation. #}
with facts as ({{ wide_facts() }}),

cells as (
    {{ kpi_cells(
        {'n': 'count({})', 'affected': 'count(case when {} > 0 then 1 end)'},
        {'total_micros': 'sum(cast(round({} * 1e6) as bigint))', 'quantiles': median_and_p90('{}')},
        is_wide=true
    ) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
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
{{ join_member_label() }}
{{ join_definition() }}
