{#- Quantile with linear interpolation (type 7), null when there is no value. #}
{% macro quantile(expression, share) %}{{ return(adapter.dispatch('quantile')(expression, share)) }}{% endmacro %}
{% macro default__quantile(expression, share) %}quantile_cont({{ expression }}, {{ share }}){% endmacro %}

{#- Rows of an array column: `explode('t', 'items', 'item')` gives one row per element, with its position from 1. #}
{% macro explode(relation, column, element, position) %}{{ return(adapter.dispatch('explode')(relation, column, element, position)) }}{% endmacro %}
{% macro default__explode(relation, column, element, position) %}
select r.*, unnest({{ column }}) as {{ element }}, generate_subscripts({{ column }}, 1) as {{ position }}
from {{ relation }} as r
{% endmacro %}
