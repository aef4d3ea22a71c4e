{#- KPI tables: facts grouped by period and dimension. #}

{% macro period_grains() %}{{ return(['day', 'week', 'month', 'quarter', 'all']) }}{% endmacro %}

{#- The first local day of the period that holds `day`; weeks begin on Monday; null for all. #}
{% macro period_start(grain, day) -%}
{%- if grain == 'all' -%}cast(null as date)
{%- elif grain == 'day' -%}{{ day }}
{%- else -%}cast(date_trunc('{{ grain }}', {{ day }}) as date)
{%- endif -%}
{%- endmacro %}

{#- Groups `facts` (a CTE with `day`, the dimensions' columns and the keys) by every grain and dimension. Gives CTE bodies:
    one row per period_grain, period_start, dimension, member and keys with the `aggregates`.
    dimensions: {name: column}; member is the column's text, '(none)' for null. #}
{% macro group_by_period_and_dimension(facts, dimensions, keys, aggregates) %}
{% for grain in period_grains() %}
select
    '{{ grain }}' as period_grain,
    {{ period_start(grain, 'period_day') }} as period_start,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then '{{ name }}' {% endfor %}
        else 'all'
    end as dimension,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then d_{{ name }} {% endfor %}
        else 'all'
    end as member,
    {% for key in keys %}{{ key }}, {% endfor %}
    {{ aggregates }}
from (
    select
        {% for name, column in dimensions.items() %}coalesce({{ column }}, '(none)') as d_{{ name }}, {% endfor %}
        {{ period_start(grain, 'day') if grain != 'all' else "cast(null as date)" }} as period_day,
        *
    from {{ facts }}
    {% if grain != 'all' %}where day is not null{% endif %}
) as f
group by grouping sets (
    (period_day{% for key in keys %}, {{ key }}{% endfor %})
    {% for name in dimensions %}, (period_day, d_{{ name }}{% for key in keys %}, {{ key }}{% endfor %}){% endfor %}
)
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}

{#- Every period from the first fact to the as-of time, with the keys of `key_rows` (a CTE) where given. #}
{% macro period_spine(facts, keys, key_rows) %}
{% for grain in period_grains() %}
select distinct
    '{{ grain }}' as period_grain, {{ period_start(grain, 'd.day') }} as period_start, 'all' as dimension, 'all' as member
    {% for key in keys %}, k.{{ key }}{% endfor %}
from (
    {{ day_series('coalesce((select min(day) from ' ~ facts ~ '), ' ~ business_date(as_of()) ~ ')', business_date(as_of()), 'day') }}
) as d
{% if keys %}cross join {{ key_rows }} as k{% endif %}
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}

{#- The whole way from facts to cells: CTEs `grouped`, `spine` and `cells`. One row per period, dimension, member and key;
    `counts` are 0 and `values` null where nothing was counted. counts, values: {column: aggregate}. #}
{% macro kpi_cells(dimensions, counts, values={}, keys=[], key_rows=none, days='facts') %}
{% set aggregates = [] %}
{% for name, aggregate in counts.items() %}{% do aggregates.append(aggregate ~ ' as ' ~ name) %}{% endfor %}
{% for name, aggregate in values.items() %}{% do aggregates.append(aggregate ~ ' as ' ~ name) %}{% endfor %}
grouped as ({{ group_by_period_and_dimension('facts', dimensions, keys, aggregates | join(', ')) }}),

spine as ({{ period_spine(days, keys, key_rows) }}),

cells as (
    select
        {% for name in ['period_grain', 'period_start', 'dimension', 'member'] + keys %}
        coalesce(g.{{ name }}, s.{{ name }}) as {{ name }},
        {% endfor %}
        {% for name in counts %}
        cast(coalesce(g.{{ name }}, 0) as bigint) as {{ name }}{{ ',' if not loop.last or values }}
        {% endfor %}
        {% for name in values %}
        cast(g.{{ name }} as double) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from grouped as g
    full outer join spine as s
        on g.period_grain = s.period_grain and g.period_start is not distinct from s.period_start
        and g.dimension = s.dimension and g.member = s.member
        {% for key in keys %} and g.{{ key }} = s.{{ key }}{% endfor %}
)
{% endmacro %}

{#- True while the period holds the as-of time. #}
{% macro is_partial_period() -%}
case period_grain
    when 'all' then false
    when 'day' then period_start = {{ business_date(as_of()) }}
    else period_start = cast(date_trunc(period_grain, {{ business_date(as_of()) }}) as date)
end
{%- endmacro %}

{#- A KPI's definition, joined as `d`. #}
{% macro join_definition(kpi) %}left join {{ ref('kpi_definitions') }} as d on d.kpi = {{ kpi }}{% endmacro %}
{% macro is_small_n(n) -%}coalesce({{ n }} < coalesce(d.small_n, 30), true){%- endmacro %}

{#- Bounds of the 95 % Wilson interval of k successes in n, in percent. #}
{% macro wilson_pct(k, n, sign) -%}
case when {{ n }} > 0 then
    100e0 * {{ 'greatest(0e0, ' if sign == '-' else 'least(1e0, ' }}
        (({{ k }} * 1e0 / {{ n }}) + 1.959963984540054e0 * 1.959963984540054e0 / (2 * {{ n }})
        {{ sign }} 1.959963984540054e0 * sqrt(
            ({{ k }} * 1e0 / {{ n }}) * (1 - {{ k }} * 1e0 / {{ n }}) / {{ n }}
            + 1.959963984540054e0 * 1.959963984540054e0 / (4e0 * {{ n }} * {{ n }})
        )) / (1 + 1.959963984540054e0 * 1.959963984540054e0 / {{ n }})
    )
end
{%- endmacro %}
