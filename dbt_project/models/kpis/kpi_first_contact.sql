{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Shares of tickets that were settled the first time, by each convention in use, by the local date of the ticket's creation. #}
with tickets as ({{ counted_facts() }}),

{#- 1 yes, 0 no, -1 not known before the window is over; null where it does not count. #}
facts as (
    select
        day, {{ offered_dimensions(kpi_name()).values() | join(', ') }},
        {% for _, convention, told in measures() %}
        case when {{ told.where }} then case when {{ told.numerator }} then 1 when {{ told.denominator }} then 0 else -1 end end
            as {{ convention }}{{ ',' if not loop.last }}
        {% endfor %}
    from tickets
),

cells as (
    {{ kpi_cells({
        'counted': 'count({})',
        'numerator': 'count(case when {} = 1 then 1 end)',
        'immature': 'count(case when {} = -1 then 1 end)'
    }, is_wide=true) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
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
{{ join_member_label() }}
{{ join_definition() }}
