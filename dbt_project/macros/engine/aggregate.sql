{% macro median_and_p90(expression) %}{{ return(adapter.dispatch('median_and_p90')(expression)) }}{% endmacro %}
{% macro default__median_and_p90(expression) %}quantile_cont({{ expression }}, [0.5, 0.9]){% endmacro %}

{% macro listed(text, order_by, separator=', ') %}{{ return(adapter.dispatch('listed')(text, order_by, separator)) }}{% endmacro %}
{% macro default__listed(text, order_by, separator) %}string_agg({{ text }}, '{{ separator }}' order by {{ order_by }}){% endmacro %}

{% macro element(array, position) %}{{ return(adapter.dispatch('element')(array, position)) }}{% endmacro %}
{% macro default__element(array, position) %}{{ array }}[{{ position }}]{% endmacro %}

{% macro row_hash(columns) %}{{ return(adapter.dispatch('row_hash')(columns)) }}{% endmacro %}
{% macro default__row_hash(columns) %}hash({{ columns | join(', ') }}){% endmacro %}

{% macro whole_row_hash(alias) %}{{ return(adapter.dispatch('whole_row_hash')(alias)) }}{% endmacro %}
{% macro default__whole_row_hash(alias) %}hash({{ alias }}){% endmacro %}

{% macro content_sums(relation, columns, running) %}{{ return(adapter.dispatch('content_sums')(relation, columns, running)) }}{% endmacro %}
{% macro default__content_sums(relation, columns, running) -%}
{%- set k = 'k' if running else 'h' -%}
select
    count(*) as rows, coalesce(sum(h::hugeint), 0) as sum_1, coalesce(sum(hash(h)::hugeint), 0) as sum_2,
    coalesce(sum({{ k }}::hugeint), 0) as counted_1, coalesce(sum(hash({{ k }})::hugeint), 0) as counted_2
from (
    select
        hash({{ columns | join(', ') if columns else '*columns(*)' }}) as h
        {%- if running %},
        hash({% for column in columns %}{{ column }}{{ ' is null' if column in running }}{{ ', ' if not loop.last }}{% endfor %}) as k
        {%- endif %}
    from {{ relation }}
) as r
{%- endmacro %}

{% macro scalar_function(name, value) %}{{ return(adapter.dispatch('scalar_function')(name, value)) }}{% endmacro %}
{% macro default__scalar_function(name, value) %}create or replace macro {{ name }}() as {{ value }}{% endmacro %}

{% macro parquet_file(path) %}{{ return(adapter.dispatch('parquet_file')(path)) }}{% endmacro %}
{% macro default__parquet_file(path) %}read_parquet('{{ path | replace("'", "''") }}'){% endmacro %}

{% macro star_with_nullness(columns, without) %}{{ return(adapter.dispatch('star_with_nullness')(columns, without)) }}{% endmacro %}
{% macro default__star_with_nullness(columns, without) -%}
*{% if without %} exclude ({{ without | join(', ') }}){% endif %}{% if columns %} replace ({% for column in columns %}{{ column }} is null as {{ column }}{{ ', ' if not loop.last }}{% endfor %}){% endif %}
{%- endmacro %}
