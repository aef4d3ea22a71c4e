{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Reply and resolution times of counted tickets, by the local date of the ticket's creation. #}
with facts as ({{ wide_facts() }}),

cells as (
    {{ kpi_cells({'n': 'count({})', 'n_vendor': 'count({}_by_vendor)'}, {
        'mean_seconds': 'cast(sum(cast(round({0} * 1e6) as bigint)) as double) / 1e6 / count({0})',
        'quantiles': median_and_p90('{}')
    }, is_wide=true) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.measure,
    c.clock,
    c.n,
    c.n_vendor,
    c.mean_seconds,
    {{ element('c.quantiles', 1) }} as median_seconds,
    {{ element('c.quantiles', 2) }} as p90_seconds,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
{{ join_definition() }}
