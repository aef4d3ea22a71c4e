{#- How answers differ by what happened on the ticket: those who experienced it against all others of whom it is known. An association, not
    a cause: hard tickets wait longer and please less. #}
{%- set values = {'value': ('points', 1), 'mean_score_pct': ('score_pct', 1000)} -%}
with answers as (select * from {{ ref('experience') }}),

facts as (
    {% for told in card().members %}
    select
        '{{ told.constants.time_span }}' as time_span, kind, '{{ told.constants.factor }}' as factor, {{ told.key.exposure }} as exposure,
        points, score_pct
    from answers
    where {{ told_sql(told.where) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- Sums of integers, so that no order of rows changes a digit. #}
exposed as (
    select
        f.time_span, f.kind, f.factor, f.exposure,
        {% for name, (column, units) in values.items() %}
        count(f.{{ column }}) as {{ name }}_n,
        sum(cast(round({{ units }} * f.{{ column }}) as bigint)) as {{ name }}_sum,
        sum(cast(round({{ units }} * f.{{ column }}) as bigint) * cast(round({{ units }} * f.{{ column }}) as bigint)) as {{ name }}_squares
        {{- ',' if not loop.last }}
        {% endfor %}
    from facts as f
    group by f.time_span, f.kind, f.factor, f.exposure
),

sums as (
    select
        *,
        {% for name in values %}
        {% for part in ['n', 'sum', 'squares'] %}
        sum({{ name }}_{{ part }}) over (partition by time_span, kind, factor) - {{ name }}_{{ part }} as others_{{ name }}_{{ part }}
        {{- ',' if not loop.last }}
        {% endfor %}
        {{- ',' if not loop.last }}
        {% endfor %}
    from exposed
),

{#- Mean and variance of either side; the difference's variance is the sum of both, each by its count. #}
compared as (
    select
        time_span, kind, factor, exposure, value_n as n, others_value_n as others_n, value_sum, others_value_sum, value_squares, others_value_squares,
        {% for name, (_, units) in values.items() %}
        {% for side in ['', 'others_'] %}
        {% set n = 'nullif(' ~ side ~ name ~ '_n, 0)' %}
        cast({{ side }}{{ name }}_sum as double) / {{ units }} / {{ n }} as {{ side }}{{ name }},
        greatest(0e0, cast({{ side }}{{ name }}_squares as double) / {{ n }}
            - (cast({{ side }}{{ name }}_sum as double) / {{ n }}) * (cast({{ side }}{{ name }}_sum as double) / {{ n }}))
            / {{ units * units }} / {{ n }} as {{ side }}{{ name }}_variance
        {{- ',' if not loop.last }}
        {% endfor %}
        {{- ',' if not loop.last }}
        {% endfor %}
    from sums
),

tested as (
    select
        *,
        {% for name in values %}
        {{ name }} - others_{{ name }} as {{ name }}_difference,
        {{ z_95() }} * sqrt({{ name }}_variance + others_{{ name }}_variance) as {{ name }}_margin
        {{- ',' if not loop.last }}
        {% endfor %}
    from compared
),

{#- Intervals that do not shrink to nothing where all answers agree: of shares Newcombe's, of NPS the same from its own bounds. #}
bounded as (
    select
        *,
        {% for bound, sign in {'ci_low': '-', 'ci_high': '+'}.items() %}
        case
            when kind = 'nps' then {{ difference_bound(
                'value', nps_bound('(value_sum / 100)', '(value_squares / 10000)', 'n', '-'),
                nps_bound('(value_sum / 100)', '(value_squares / 10000)', 'n', '+'), 'others_value',
                nps_bound('(others_value_sum / 100)', '(others_value_squares / 10000)', 'others_n', '-'),
                nps_bound('(others_value_sum / 100)', '(others_value_squares / 10000)', 'others_n', '+'), sign
            ) }}
            else {{ newcombe_pct('(value_sum / 100)', 'n', '(others_value_sum / 100)', 'others_n', sign) }}
        end as {{ bound }}{{ ',' if not loop.last }}
        {% endfor %}
    from tested
)

select
    c.time_span,
    c.kind,
    c.factor,
    c.exposure,
    cast(c.n as bigint) as n,
    cast(c.others_n as bigint) as others_n,
    cast(c.value as double) as value,
    cast(c.others_value as double) as others_value,
    cast(c.value_difference as double) as difference,
    cast(c.ci_low as double) as ci_low,
    cast(c.ci_high as double) as ci_high,
    cast(c.mean_score_pct as double) as mean_score_pct,
    cast(c.others_mean_score_pct as double) as others_mean_score_pct,
    cast(c.mean_score_pct_difference as double) as mean_difference,
    cast(c.mean_score_pct_difference - c.mean_score_pct_margin as double) as mean_ci_low,
    cast(c.mean_score_pct_difference + c.mean_score_pct_margin as double) as mean_ci_high,
    case when least(c.n, c.others_n) >= coalesce(d.small_n, 30) then c.ci_low > 0 or c.ci_high < 0 end as is_significant,
    {{ is_small_n('least(c.n, c.others_n)') }} as is_small_n,
    d.definition_version
from bounded as c
{{ join_definition() }}
