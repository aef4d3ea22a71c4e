{#- Who stayed and who came back, by what they had experienced. An association, not a cause. #}
with customers as (select * from {{ ref('retention') }}),

counted as (
    {% for told in card().members %}
    select
        window_days, unit, '{{ told.constants.outcome }}' as outcome, '{{ told.constants.factor }}' as factor,
        {{ told.key.exposure }} as exposure, count(*) as n, count(case when {{ told.numerator }} then 1 end) as retained
    from customers
    where {{ told.where }}
    group by window_days, unit, {{ told.key.exposure }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

compared as (
    select
        *,
        sum(n) over (partition by window_days, unit, outcome, factor) - n as others_n,
        sum(retained) over (partition by window_days, unit, outcome, factor) - retained as others_retained
    from counted
),

tested as (
    select
        *,
        100e0 * retained / n as retention_pct,
        100e0 * others_retained / nullif(others_n, 0) as others_retention_pct
    from compared
),

intervals as (
    select
        *,
        {{ newcombe_pct('retained', 'n', 'others_retained', 'others_n', '-') }} as ci_low,
        {{ newcombe_pct('retained', 'n', 'others_retained', 'others_n', '+') }} as ci_high
    from tested
)

select
    c.window_days,
    c.unit,
    c.outcome,
    c.factor,
    c.exposure,
    c.n,
    c.retained,
    cast(c.retention_pct as double) as retention_pct,
    cast({{ wilson_pct('c.retained', 'c.n', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.retained', 'c.n', '+') }} as double) as ci_high_pct,
    cast(c.others_n as bigint) as others_n,
    cast(c.others_retained as bigint) as others_retained,
    cast(c.others_retention_pct as double) as others_retention_pct,
    cast(c.retention_pct - c.others_retention_pct as double) as difference,
    cast(c.ci_low as double) as difference_ci_low,
    cast(c.ci_high as double) as difference_ci_high,
    case when least(c.n, c.others_n) >= coalesce(d.small_n, 30) then c.ci_low > 0 or c.ci_high < 0 end as is_significant,
    {{ is_small_n('least(c.n, c.others_n)') }} as is_small_n,
    d.definition_version
from intervals as c
{{ join_definition() }}
