{#- Words about a ticket's life that several models share. #}
{% macro unsolved_statuses() %}'new', 'open', 'pending', 'hold'{% endmacro %}

{#- 1 low to 4 urgent; null for no priority or another word. #}
{% macro priority_rank(priority) -%}
case {{ priority }} when 'low' then 1 when 'normal' then 2 when 'high' then 3 when 'urgent' then 4 end
{%- endmacro %}

{#- What counts as one topic when a customer comes back, by the rule file `repeat_contacts`. No topic is a topic of its own. #}
{% macro topic(ticket, rule) -%}
case {{ rule }}.topic
        when 'service_area' then coalesce({{ ticket }}.service_area, '')
        when 'product' then coalesce({{ ticket }}.product, '')
        when 'product_and_service_area' then coalesce({{ ticket }}.product, '') || '/' || coalesce({{ ticket }}.service_area, '')
        when 'any' then ''
    end
{%- endmacro %}
