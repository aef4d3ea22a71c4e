{#- The headline KPIs side by side, each with its target, benchmark, previous period, and whether the change is more than noise. #}
with kpis as (
    select period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        'csat' as kpi, csat_pct as value, n, ci_low_pct as ci_low, ci_high_pct as ci_high,
        {#- Variance of the value in its own units squared, for the test of a change. #}
        csat_pct * (100 - csat_pct) / nullif(n, 0) as variance
    from {{ ref('kpi_csat') }}
    union all
    select period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        'nps', nps, n, case when n > 0 then greatest(nps - margin, -100) end,
        case when n > 0 then least(nps + margin, 100) end, (margin / 1.959963984540054e0) * (margin / 1.959963984540054e0)
    from {{ ref('kpi_nps') }}
    union all
    select period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        measure || '_time', median_seconds, n, null, null, null
    from {{ ref('kpi_response_times') }}
    where clock = 'calendar' and measure in ('first_reply', 'next_reply', 'first_resolution', 'full_resolution', 'requester_wait')
    union all
    select period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        'sla_' || metric, attainment_pct, met + breached, ci_low_pct, ci_high_pct,
        attainment_pct * (100 - attainment_pct) / nullif(met + breached, 0)
    from {{ ref('kpi_sla_compliance') }}
    union all
    select period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        'tickets_created', created as value, created as n, null, null, null
    from {{ ref('kpi_volume') }}
),

{#- The previous period is the calendar's, not the last row's. #}
previous as (
    select
        *,
        case period_grain
            when 'day' then cast(period_start + interval 1 day as date)
            when 'week' then cast(period_start + interval 7 day as date)
            when 'month' then cast(period_start + interval 1 month as date)
            when 'quarter' then cast(period_start + interval 3 month as date)
        end as next_start
    from kpis
    where period_grain <> 'all'
)

select
    k.kpi,
    k.period_grain,
    k.period_start,
    k.dimension,
    k.member,
    cast(k.value as double) as value,
    cast(k.n as bigint) as n,
    cast(k.ci_low as double) as ci_low,
    cast(k.ci_high as double) as ci_high,
    t.target,
    b.benchmark,
    case
        when k.value is null then 'no_data'
        when t.target is null then 'no_target'
        when k.is_small_n then 'small_n'
        when t.direction = 'lower_is_better' and k.value <= t.target then 'on_target'
        when t.direction = 'lower_is_better' then 'off_target'
        when k.value >= t.target then 'on_target'
        else 'off_target'
    end as status,
    cast(p.value as double) as previous_value,
    {#- Two-sided z test at 95 % on the two variances; null where the KPI has none or a period is small. #}
    case
        when k.is_small_n or p.is_small_n then null
        when k.variance + p.variance > 0 then abs(k.value - p.value) > 1.959963984540054e0 * sqrt(k.variance + p.variance)
        when k.variance + p.variance = 0 then k.value <> p.value
    end as is_significant_change,
    k.is_small_n,
    k.is_partial_period,
    k.definition_version
from kpis as k
left join previous as p
    on k.kpi = p.kpi and k.period_grain = p.period_grain and k.period_start = p.next_start and k.dimension = p.dimension
    and k.member = p.member
left join {{ ref('kpi_targets') }} as t
    on k.kpi = t.kpi and k.dimension = coalesce(t.dimension, 'all') and k.member = coalesce(t.member, 'all')
    and coalesce(k.period_start, {{ business_date(as_of()) }}) >= coalesce(t.valid_from, cast({{ the_beginning() }} as date))
    and coalesce(k.period_start, {{ business_date(as_of()) }}) < coalesce(t.valid_to, cast({{ the_end() }} as date))
left join (
    select kpi, benchmark, row_number() over (partition by kpi order by published desc nulls last, scope, source) as newest_no
    from {{ ref('benchmarks') }}
) as b on case when k.dimension = 'all' then k.kpi end = b.kpi and b.newest_no = 1
