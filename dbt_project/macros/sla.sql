{% macro on_same_target(one, other) -%}
{{ one }}.source = {{ other }}.source and {{ one }}.ticket_id = {{ other }}.ticket_id and {{ one }}.metric = {{ other }}.metric
    and {{ one }}.instance = {{ other }}.instance and {{ one }}.applied_at = {{ other }}.applied_at
{%- endmacro %}
