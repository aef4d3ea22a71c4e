{% macro last_known_before(expression, partition, order) %}{{ return(adapter.dispatch('last_known_before')(expression, partition, order)) }}{% endmacro %}
{% macro default__last_known_before(expression, partition, order) %}last_value({{ expression }} ignore nulls) over (
            partition by {{ partition }} order by {{ order }} rows between unbounded preceding and 1 preceding
        ){% endmacro %}
