{% macro median_and_p90(expression) %}{{ return(adapter.dispatch('median_and_p90')(expression)) }}{% endmacro %}
{% macro default__median_and_p90(expression) %}quantile_cont({{ expression }}, [0.5, 0.9]){% endmacro %}

{% macro listed(text, order_by, separator=', ') %}{{ return(adapter.dispatch('listed')(text, order_by, separator)) }}{% endmacro %}
{% macro default__listed(text, order_by, separator) %}string_agg({{ text }}, '{{ separator }}' order by {{ order_by }}){% endmacro %}

{% macro element(array, position) %}{{ return(adapter.dispatch('element')(array, position)) }}{% endmacro %}
{% macro default__element(array, position) %}{{ array }}[{{ position }}]{% endmacro %}

{% macro row_hash(columns) %}{{ return(adapter.dispatch('row_hash')(columns)) }}{% endmacro %}
{% macro default__row_hash(columns) %}hash({{ columns | join(', ') }}){% endmacro %}

{% macro parquet_file(path) %}{{ return(adapter.dispatch('parquet_file')(path)) }}{% endmacro %}
{% macro default__parquet_file(path) %}read_parquet('{{ path | replace("'", "''") }}'){% endmacro %}

{% macro star_with_nullness(columns) %}{{ return(adapter.dispatch('star_with_nullness')(columns)) }}{% endmacro %}
{% macro default__star_with_nullness(columns) -%}
*{% if columns %} replace ({% for column in columns %}{{ column }} is null as {{ column }}{{ ', ' if not loop.last }}{% endfor %}){% endif %}
{%- endmacro %}
