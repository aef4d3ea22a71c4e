{#- Control charts of KPI cells, and their own history: Laney's p' of means of answers, XmR of all else. #}

{% macro control_charts(cells) %}
{%- set history, limits_from, limits_need, run = 12, 24, 12, 8 -%}
{%- set series = 'partition by series order by period_start' -%}
{%- set before = series ~ ' rows between ' ~ history ~ ' preceding and 1 preceding' -%}
{%- set limits = series ~ ' rows between ' ~ (run + limits_from - 1) ~ ' preceding and ' ~ run ~ ' preceding' -%}
{%- set last_run = series ~ ' rows between ' ~ (run - 1) ~ ' preceding and current row' -%}
{#- Steps between two periods that are both among those of the limits. -#}
{%- set steps = range(run, run + limits_from - 1) -%}
{%- set limits_steps = series ~ ' rows between ' ~ steps | last ~ ' preceding and ' ~ run ~ ' preceding' -%}
points as (
    select
        *,
        case when is_usable then n end as pooled_n,
        {#- Medians are pooled by their counts, in thousandths. #}
        case when is_usable then case when total is null and unit = 'tickets' then 1 else n end end as weight,
        case when is_usable and total is null then cast(round(value * 1e3) as bigint) end as thousandths,
        case when is_usable and total is not null then sqrt(n) end as root_n,
        case when is_usable then total / nullif(sqrt(n), 0) end as scaled
    from (
        select
            *,
            value is not null and not is_provisional and not is_fragment
            and {{ add_days('next_start', 'coalesce(settles_after_days, 0)') }} <= {{ business_date(as_of()) }} as is_usable
        from {{ cells }}
        where period_grain in ('week', 'month', 'quarter')
    ) as s
),

{#- From one period to the next: of answers scaled by the root of their count, so that each step is as wide as another. #}
spreads as (
    select
        *,
        case when is_usable then coalesce(total, thousandths * weight) end as point_total,
        case when is_usable then squares end as point_squares,
        abs(thousandths - lag(thousandths) over ({{ series }})) as step,
        scaled - lag(scaled) over ({{ series }}) as scaled_step,
        root_n - lag(root_n) over ({{ series }}) as root_step
    from points
),

sums as (
    select
        *,
        sum(point_total) over ({{ before }}) as before_total,
        sum(weight) over ({{ before }}) as before_weight,
        sum(pooled_n) over ({{ before }}) as before_n,
        count(weight) over ({{ before }}) as baseline_periods,
        sum(point_total) over ({{ limits }}) as limits_total,
        sum(point_squares) over ({{ limits }}) as limits_squares,
        sum(weight) over ({{ limits }}) as limits_weight,
        sum(pooled_n) over ({{ limits }}) as limits_n,
        count(weight) over ({{ limits }}) as limits_periods,
        sum(step) over ({{ limits_steps }}) as limits_step,
        {% for i in steps %}
        lag(scaled_step, {{ i }}) over ({{ series }}) as scaled_step_{{ i }},
        lag(root_step, {{ i }}) over ({{ series }}) as root_step_{{ i }},
        {% endfor %}
        count(coalesce(step, scaled_step)) over ({{ limits_steps }}) as limits_steps
    from spreads
),

{#- Of answers at least one in the period is taken to differ: where all were alike so far, one that is not is no signal. #}
known as (
    select
        *,
        limits_total * 1e0 / limits_weight as mean,
        sqrt(greatest(
            limits_squares * 1e0 / limits_weight - (limits_total * 1e0 / limits_weight) * (limits_total * 1e0 / limits_weight),
            (n - 1e0) / nullif(1e0 * n * n, 0)
        )) as deviation,
        (
            {% for i in steps %}
            coalesce(abs(scaled_step_{{ i }} - limits_total * 1e0 / limits_weight * root_step_{{ i }}), 0){{ ' +' if not loop.last }}
            {% endfor %}
        ) / nullif(limits_steps, 0) as mean_step
    from sums
),

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
            case when total is null then 1e-3 else 100e0 end * mean as center,
            case when total is not null then greatest(1e0, coalesce(mean_step, 0e0) / 1.128e0 / nullif(deviation, 0)) end as sigma_z,
            case
                when total is null then 2.66e0 * nullif(limits_step, 0) / limits_steps / 1e3
                else 300e0 * greatest(deviation, coalesce(mean_step, 0e0) / 1.128e0) / nullif(sqrt(n), 0)
            end as width
        from known
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
            chart is not null and period_grain <> 'quarter' and is_usable and not is_small_n and width is not null
            and limits_periods >= {{ limits_need }} and limits_n >= small_n
            and (total is not null or dimension = 'all' or unit <> 'tickets' or low_limit > 0) as is_judged
        from limits
    ) as j
),

{#- How often each rule signals by chance, by the periods that the limits are of: tests/integration/dbt/test_control_charts.py measures it. #}
signals as (
    select
        *,
        case
            when is_beyond then 'beyond_limits'
            when abs(sum(side) over ({{ last_run }})) = {{ run }} then 'run'
            when is_judged then 'none'
        end as signal,
        case
            when is_judged then case when total is null then 0.23e0 / limits_periods else 0.0023e0 end
                + case
                    when count(case when is_judged then 1 end) over ({{ last_run }}) = {{ run }}
                        {#- Where one answer is a wide step, fewer stand on a side. #}
                        then (0.0056e0 + 0.2e0 / limits_periods) * exp(-13.5e0 * half_a_case / nullif(width, 0))
                    else 0
                end
        end as false_signal_rate
    from sides
),

charts as (
    select
        series,
        period_start,
        cast(case when before_n >= small_n then case when total is null then 1e-3 else 100e0 end * before_total / before_weight end as double) as baseline,
        cast(baseline_periods as bigint) as baseline_periods,
        case when is_judged then chart end as chart,
        cast(case when is_judged then center end as double) as center,
        cast(case when is_judged then greatest(low_limit, case when chart = 'nps' then -100 else 0 end) end as double) as lower_limit,
        cast(case when is_judged then case when total is null then high_limit else least(high_limit, 100) end end as double) as upper_limit,
        cast(case when is_judged then sigma_z end as double) as sigma_z,
        signal,
        case
            when signal = 'none' then null
            when better = 'higher' and side > 0 or better = 'lower' and side < 0 then 'better'
            when better is not null and side <> 0 then 'worse'
            when side > 0 then 'higher'
            when side < 0 then 'lower'
        end as shift,
        cast(false_signal_rate as double) as false_signal_rate,
        {#- In integers, so that no order of rows changes a digit. #}
        cast(case when is_judged then
            sum(cast(round(false_signal_rate * 1e9) as bigint)) over (partition by kpi, dimension, period_grain) / 1e9
        end as double) as expected_false_signals
    from signals
)
{% endmacro %}
