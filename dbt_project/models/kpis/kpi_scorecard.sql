{#- The headline KPIs side by side, each with its target, benchmark, own history, previous period and control chart. #}
with kpis as (
    {#- Of answers also the sum, and the sum of squares, of what each counts: 1 and 0, for NPS also -1. #}
    {% for table in kpis_with_headlines() %}
    {% set is_last_table = loop.last %}
    {% for headline in cards()[table].headlines %}
    select
        period_grain, period_start, dimension, member, is_partial_period, definition_version, is_small_n,
        {{ filled_template(headline.kpi, cards()[table].key) }} as kpi,
        cast({{ "'" ~ headline.chart ~ "'" if headline.chart else 'null' }} as varchar) as chart,
        {{ headline.value }} as value,
        {{ headline.n }} as n,
        cast({{ headline.total or 'null' }} as bigint) as total,
        cast({{ headline.squares or headline.total or 'null' }} as bigint) as squares,
        cast({{ headline.low or 'null' }} as double) as ci_low,
        cast({{ headline.high or 'null' }} as double) as ci_high,
        {{ headline.is_provisional or 'false' }} as is_provisional,
        cast({{ headline.by_vendor or 'null' }} as bigint) as n_vendor
    from {{ ref(table) }}
    where true{% for column, value in (headline.where or {}).items() %} and {{ column }} = '{{ value }}'{% endfor %}
    {{ 'union all' if not (is_last_table and loop.last) }}
    {% endfor %}
    {% endfor %}
),

{#- Where a history begins within a period, that one is a fragment; the history of a member without days with that of all. #}
beginnings as (
    select kpi, dimension, member, min(period_start) as first_day
    from kpis
    where period_grain = 'day' and n > 0
    group by kpi, dimension, member
),

cells as (
    select
        k.*,
        coalesce(k.period_start < coalesce(b.first_day, a.first_day), false) as is_fragment,
        {{ row_hash(['k.kpi', 'k.period_grain', 'k.dimension', 'k.member']) }} as series,
        d.unit,
        d.better,
        d.settles_after_days,
        coalesce(d.small_n, 30) as small_n,
        case k.period_grain
            when 'day' then cast(k.period_start + interval 1 day as date)
            when 'week' then cast(k.period_start + interval 7 day as date)
            when 'month' then cast(k.period_start + interval 1 month as date)
            when 'quarter' then cast(k.period_start + interval 3 month as date)
        end as next_start
    from kpis as k
    {{ join_definition('k.kpi') }}
    left join beginnings as b on k.kpi = b.kpi and k.dimension = b.dimension and k.member = b.member
    left join beginnings as a on k.kpi = a.kpi and a.dimension = 'all'
    {#- A day of one member is mostly too small to steer by; it stands in the KPI's own table. #}
    where (k.period_grain <> 'day' or k.dimension = 'all')
    {% for name, rule in dimensions().items() if not rule.is_in_scorecard %}
        and k.dimension <> '{{ name }}'
    {% endfor %}
),

{{ control_charts('cells') }},

changes as (
    select
        *,
        {{ two_sided_p('z') }} as p_value
    from (
        select
            k.series, k.period_start, k.kpi, k.dimension, k.period_grain,
            {{ z_of_difference('k.value', 'k.ci_low', 'k.ci_high', 'k.n', 'p.value', 'p.ci_low', 'p.ci_high', 'p.n') }} as z
        from cells as k
        inner join cells as p on k.series = p.series and k.period_start = p.next_start
        where not k.is_small_n and not p.is_small_n
    ) as c
    where z is not null
),

{#- A family reads no row of another period, so that it stays what it is once its periods do. #}
corrected as ({{ false_discovery_rates('changes', 'partition by kpi, dimension, period_grain, period_start') }}),

newest_benchmarks as (
    select
        p.period_grain, p.period_start, b.kpi, b.benchmark, b.scope, b.source, b.published,
        row_number() over (
            partition by p.period_grain, p.period_start, b.kpi order by b.published desc nulls last, b.scope, b.source
        ) as newest_no
    from (select distinct period_grain, period_start from cells) as p
    inner join {{ ref('benchmarks') }} as b on {{ is_valid_in_period('b', 'p') }}
)

select
    k.kpi,
    k.period_grain,
    k.period_start,
    k.dimension,
    k.member,
    l.member_label,
    cast(k.value as double) as value,
    cast(k.n as bigint) as n,
    k.n_vendor,
    cast(k.ci_low as double) as ci_low,
    cast(k.ci_high as double) as ci_high,
    t.target,
    cast(k.value - t.target as double) as target_gap,
    case when not k.is_small_n then t.target < k.ci_low or t.target > k.ci_high end as is_significant_gap,
    t.source as target_source,
    case
        when k.value is null then 'no_data'
        when t.target is null then 'no_target'
        when k.is_small_n then 'small_n'
        when coalesce(t.direction, k.better || '_is_better') = 'lower_is_better' and k.value <= t.target then 'on_target'
        when coalesce(t.direction, k.better || '_is_better') = 'lower_is_better' then 'off_target'
        when k.value >= t.target then 'on_target'
        else 'off_target'
    end as status,
    b.benchmark,
    cast(k.value - b.benchmark as double) as benchmark_gap,
    b.scope as benchmark_scope,
    b.source as benchmark_source,
    b.published as benchmark_published_date,
    c.baseline,
    coalesce(c.baseline_periods, 0) as baseline_periods,
    cast(p.value as double) as previous_value,
    cast(f.p_value as double) as p_value,
    f.p_value <= 0.05e0 as is_significant_change,
    f.false_discovery_rate <= 0.05e0 as is_significant_corrected,
    c.chart,
    c.center,
    c.lower_limit,
    c.upper_limit,
    c.sigma_z,
    c.signal,
    c.shift,
    c.false_signal_rate,
    c.expected_false_signals,
    k.is_small_n,
    k.is_partial_period,
    k.definition_version
from cells as k
{{ join_member_label('k') }}
left join cells as p on k.series = p.series and k.period_start = p.next_start
left join corrected as f on k.series = f.series and k.period_start = f.period_start
left join charts as c on k.series = c.series and k.period_start = c.period_start
left join {{ ref('kpi_targets') }} as t
    on k.kpi = t.kpi and k.dimension = coalesce(t.dimension, 'all') and k.member = coalesce(t.member, 'all')
    and {{ is_valid_in_period('t', 'k') }}
left join newest_benchmarks as b
    on case when k.dimension = 'all' then k.kpi end = b.kpi and k.period_grain = b.period_grain
    and k.period_start is not distinct from b.period_start and b.newest_no = 1
