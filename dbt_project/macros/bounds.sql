{#- Open ends of validity: before any ticket, after any due time. #}
{% macro the_beginning() %}timestamp '1900-01-01 00:00:00'{% endmacro %}
{% macro the_end() %}timestamp '9999-12-31 00:00:00'{% endmacro %}
{#- Where calendar time is counted from. #}
{% macro the_epoch() %}timestamp '1970-01-01 00:00:00'{% endmacro %}
