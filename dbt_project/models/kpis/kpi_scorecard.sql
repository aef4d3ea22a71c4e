{#- The headline KPIs side by side, each with its target, benchmark, own history, previous period and control chart. #}
{#- KPIs that are a share: which, where, in percent, of how many, how many, whether answers are still awaited, and which rows. -#}
{%- set shares = [
    ("'csat'", 'kpi_csat', 'csat_pct', 'n', 'positive', 'false', 'true'),
    ("'ces'", 'kpi_ces', 'ces_pct', 'n', 'easy', 'false', 'true'),
    ("'survey_response'", 'kpi_survey_response', 'response_rate_sent_pct', 'sent', 'answered', 'is_provisional', 'true'),
    ("'sla_' || metric", 'kpi_sla_compliance', 'attainment_pct', 'met + breached', 'met', 'false', 'true'),
    (
        "convention || '_rate'", 'kpi_first_contact', 'rate_pct', 'denominator', 'numerator', 'false',
        "convention in ('first_contact_resolution', 'one_touch')"
    ),
    (
        "case measure when 'reopens' then 'reopen_rate' when 'transfers' then 'transfer_rate' else 'escalation_rate' end",
        'kpi_effort', 'affected_pct', 'n', 'affected', 'false', "measure in ('reopens', 'transfers', 'escalations')"
    )
] -%}
{%- set key = 'period_grain, period_start, dimension, member' -%}
{%- set cell = key ~ ', is_partial_period, definition_version, is_small_n' -%}
with kpis as (
    {#- The sum and the sum of squares of the answers that the value averages: 1 and 0, for NPS also -1. #}
    {% for kpi, mart, value, n, yes, is_open, rows in shares %}
    select
        {{ cell }}, {{ kpi }} as kpi, 'p' as chart, {{ value }} as value, {{ n }} as n, {{ yes }} as total, {{ yes }} as squares,
        ci_low_pct as ci_low, ci_high_pct as ci_high, {{ is_open }} as is_provisional
    from {{ ref(mart) }}
    where {{ rows }}
    union all
    {% endfor %}
    select
        {{ cell }}, 'nps', 'nps', nps, n, promoters - detractors, promoters + detractors,
        case when n > 0 then greatest(nps - margin, -100) end, case when n > 0 then least(nps + margin, 100) end, false
    from {{ ref('kpi_nps') }}
    union all
    select {{ cell }}, measure || '_time', 'xmr', median_seconds, n, null, null, null, null, false
    from {{ ref('kpi_response_times') }}
    where clock = 'calendar' and measure in ('first_reply', 'next_reply', 'first_resolution', 'full_resolution', 'requester_wait')
    union all
    select {{ cell }}, 'tickets_created', 'xmr', created as value, created as n, null, null, null, null, false from {{ ref('kpi_volume') }}
    union all
    {#- What is open one week was mostly open the week before: no chart of independent values. #}
    select {{ cell }}, 'backlog', null, open_at_end as value, open_at_end as n, null, null, null, null, false
    from {{ ref('kpi_backlog') }}
    where age_bucket = 'all'
),

cells as (
    select
        k.*,
        {{ row_hash(['k.kpi', 'k.period_grain', 'k.dimension', 'k.member']) }} as series,
        d.unit,
        d.better,
        d.settles_after_days,
        10000e0 * (k.squares * 1e0 / nullif(k.n, 0) - (k.total * 1e0 / nullif(k.n, 0)) * (k.total * 1e0 / nullif(k.n, 0))) / nullif(k.n, 0)
            as variance,
        case k.period_grain
            when 'day' then cast(k.period_start + interval 1 day as date)
            when 'week' then cast(k.period_start + interval 7 day as date)
            when 'month' then cast(k.period_start + interval 1 month as date)
            when 'quarter' then cast(k.period_start + interval 3 month as date)
        end as next_start
    from kpis as k
    {{ join_definition('k.kpi') }}
    {#- A day of one member is mostly too small to steer by; it stands in the KPI's own table. #}
    where k.period_grain <> 'day' or k.dimension = 'all'
),

{{ control_charts('cells') }},

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
    cast(k.value as double) as value,
    cast(k.n as bigint) as n,
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
    {#- Two-sided z test at 95 % on the two variances; null where the KPI has none or a period is small. #}
    case
        when k.is_small_n or p.is_small_n then null
        when k.variance + p.variance > 0 then abs(k.value - p.value) > 1.959963984540054e0 * sqrt(k.variance + p.variance)
        when k.variance + p.variance = 0 then k.value <> p.value
    end as is_significant_change,
    c.chart,
    c.center,
    c.lower_limit,
    c.upper_limit,
    c.signal,
    c.shift,
    k.is_small_n,
    k.is_partial_period,
    k.definition_version
from cells as k
left join cells as p on k.series = p.series and k.period_start = p.next_start
left join charts as c on k.series = c.series and k.period_start = c.period_start
left join {{ ref('kpi_targets') }} as t
    on k.kpi = t.kpi and k.dimension = coalesce(t.dimension, 'all') and k.member = coalesce(t.member, 'all')
    and {{ is_valid_in_period('t', 'k') }}
left join newest_benchmarks as b
    on case when k.dimension = 'all' then k.kpi end = b.kpi and k.period_grain = b.period_grain
    and k.period_start is not distinct from b.period_start and b.newest_no = 1
