{#- Periods of KPI tables. #}

{% macro period_grains() %}{{ return(['day', 'week', 'month', 'quarter', 'all']) }}{% endmacro %}

{% macro period_start(grain, day) -%}
{%- if grain == 'all' -%}cast(null as date)
{%- elif grain == 'day' -%}{{ day }}
{%- else -%}cast(date_trunc('{{ grain }}', {{ day }}) as date)
{%- endif -%}
{%- endmacro %}

{% macro local_parts(at, prefix) -%}
{{ business_date(at) }} as {{ prefix }}_date,
    cast(extract(isodow from {{ local_time(at, business_zone()) }}) as smallint) as {{ prefix }}_weekday,
    cast(extract(hour from {{ local_time(at, business_zone()) }}) as smallint) as {{ prefix }}_hour
{%- endmacro %}

{% macro hours_of_week() %}{{ return(range(168) | list) }}{% endmacro %}

{% macro hour_of_week(at) -%}
cast((extract(isodow from {{ local_time(at, business_zone()) }}) - 1) * 24 + extract(hour from {{ local_time(at, business_zone()) }}) as smallint)
{%- endmacro %}

{% macro grain_name(grain_no) -%}
case {{ grain_no }} {% for grain in period_grains() %}when {{ loop.index }} then '{{ grain }}' {% endfor %}end
{%- endmacro %}

{% macro is_partial_period(alias='c') -%}
case {{ alias }}.period_grain
    when 'all' then false
    when 'day' then {{ alias }}.period_start = {{ business_date(as_of()) }}
    else {{ alias }}.period_start = cast(date_trunc({{ alias }}.period_grain, {{ business_date(as_of()) }}) as date)
end
{%- endmacro %}

{% macro is_small_n(n) -%}coalesce({{ n }} < coalesce(d.small_n, 30), true){%- endmacro %}

{% macro is_valid_in_period(rule, cell) -%}
coalesce({{ cell }}.period_start, {{ business_date(as_of()) }}) >= coalesce({{ rule }}.valid_from, cast({{ the_beginning() }} as date))
and coalesce({{ cell }}.period_start, {{ business_date(as_of()) }}) < coalesce({{ rule }}.valid_to, cast({{ the_end() }} as date))
{%- endmacro %}
