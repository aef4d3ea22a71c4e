{% macro the_beginning() %}timestamp '1900-01-01 00:00:00'{% endmacro %}
{% macro the_end() %}timestamp '9999-12-31 00:00:00'{% endmacro %}
{% macro the_epoch() %}timestamp '1970-01-01 00:00:00'{% endmacro %}
