{#- Shewhart control charts of KPI cells, and their own history. #}

{% macro control_charts(cells) %}
{%- set history, limits_from, limits_need, run = 12, 24, 12, 8 -%}
{%- set series = 'partition by series order by period_start' -%}
{%- set before = series ~ ' rows between ' ~ history ~ ' preceding and 1 preceding' -%}
{%- set limits = series ~ ' rows between ' ~ (run + limits_from - 1) ~ ' preceding and ' ~ run ~ ' preceding' -%}
{%- set last_run = series ~ ' rows between ' ~ (run - 1) ~ ' preceding and current row' -%}
points as (
    select
        *,
        case when is_usable then coalesce(total, cast(round(value * 1e6) as bigint)) end as point_total,
        case when is_usable then case when total is null then 1 else n end end as weight
    from (
        select
            *,
            value is not null and not is_small_n and not is_provisional and not is_fragment
            and {{ add_days('next_start', 'coalesce(settles_after_days, 0)') }} <= {{ business_date(as_of()) }} as is_usable
        from {{ cells }}
        where period_grain in ('week', 'month', 'quarter')
    ) as s
),

{#- How far the values spread: squares of answers, or the step from the period before. #}
spreads as (
    select
        *,
        case
            when not is_usable then null
            when total is null then abs(point_total - lag(point_total) over ({{ series }}))
            else squares
        end as spread
    from points
),

sums as (
    select
        *,
        sum(point_total) over ({{ before }}) as before_total,
        sum(weight) over ({{ before }}) as before_weight,
        count(weight) over ({{ before }}) as baseline_periods,
        sum(point_total) over ({{ limits }}) as limits_total,
        sum(weight) over ({{ limits }}) as limits_weight,
        sum(spread) over ({{ limits }}) as limits_spread,
        count(spread) over ({{ limits }}) as limits_spreads,
        count(weight) over ({{ limits }}) as limits_periods
    from spreads
),

{#- Of answers at least one in the period is taken to differ: where all were alike so far, one that is not is no signal. #}
limits as (
    select
        *,
        center - width as low_limit,
        center + width as high_limit,
        {#- One answer more or less is no side and no signal. #}
        case when total is null then 0 else 50e0 / nullif(n, 0) end as half_a_case
    from (
        select
            *,
            case when total is null then 1e-6 else 100e0 end * limits_total / limits_weight as center,
            case
                when total is null then 2.66e0 * nullif(limits_spread, 0) / limits_spreads / 1e6
                else 300e0 * sqrt(greatest(
                    limits_spread * 1e0 / limits_weight - (limits_total * 1e0 / limits_weight) * (limits_total * 1e0 / limits_weight),
                    (n - 1e0) / nullif(1e0 * n * n, 0)
                ) / nullif(n, 0))
            end as width
        from sums
    ) as w
),

sides as (
    select
        *,
        is_judged and (value > high_limit + half_a_case or value < low_limit - half_a_case) as is_beyond,
        case
            when not is_judged then null
            when value > center + half_a_case then 1
            when value < center - half_a_case then -1
        end as side
    from (
        select
            *,
            {#- Where a count may well be 0, there are periods without a row, and the others' mean is too high. #}
            chart is not null and period_grain <> 'quarter' and is_usable and width is not null
            and limits_periods >= {{ limits_need }}
            and (total is not null or dimension = 'all' or unit <> 'tickets' or low_limit > 0) as is_judged
        from limits
    ) as j
),

signals as (
    select
        *,
        case
            when is_beyond then 'beyond_limits'
            when abs(sum(side) over ({{ last_run }})) = {{ run }} then 'run'
            when is_judged then 'none'
        end as signal
    from sides
),

charts as (
    select
        series,
        period_start,
        cast(case when total is null then 1e-6 else 100e0 end * before_total / before_weight as double) as baseline,
        cast(baseline_periods as bigint) as baseline_periods,
        case when is_judged then chart end as chart,
        cast(case when is_judged then center end as double) as center,
        cast(case when is_judged then greatest(low_limit, case when chart = 'nps' then -100 else 0 end) end as double) as lower_limit,
        cast(case when is_judged then case when total is null then high_limit else least(high_limit, 100) end end as double) as upper_limit,
        signal,
        case
            when signal = 'none' then null
            when better = 'higher' and side > 0 or better = 'lower' and side < 0 then 'better'
            when better is not null and side <> 0 then 'worse'
            when side > 0 then 'higher'
            when side < 0 then 'lower'
        end as shift
    from signals
)
{% endmacro %}
