{% macro unsolved_statuses() %}'new', 'open', 'pending', 'hold'{% endmacro %}

{% macro is_by_human(ticket) -%}({{ ticket }}.support_type is distinct from 'ai_agent'){%- endmacro %}

{% macro exclusion_marks(rule) -%}
min(case when coalesce({{ rule }}.scope, 'all') = 'all' then {{ rule }}.reason end) as reason,
        bool_or({{ rule }}.scope = 'times') as is_untimed
{%- endmacro %}

{% macro priority_rank(priority) -%}
case {{ priority }} when 'low' then 1 when 'normal' then 2 when 'high' then 3 when 'urgent' then 4 end
{%- endmacro %}

{% macro topic(ticket, rule) -%}
case {{ rule }}.topic
        when 'service_area' then coalesce({{ ticket }}.service_area, '')
        when 'product' then coalesce({{ ticket }}.product, '')
        when 'product_and_service_area' then coalesce({{ ticket }}.product, '') || '/' || coalesce({{ ticket }}.service_area, '')
        when 'any' then ''
    end
{%- endmacro %}

{% macro newest_values(conditions) -%}
nullif(concat_ws(', '{% for column, is_newest in conditions.items() %}, case when {{ is_newest }} then '{{ column }}' end{% endfor %}), '')
{%- endmacro %}
