{#- Zendesk's SLA metric in the core's words; the first reply clock is the first instance of the reply clock. #}
{% macro zendesk_sla_metric(alias) -%}
case
        when {{ alias }}.metric = 'reply_time' and {{ alias }}.instance_id = 1 then 'first_reply'
        when {{ alias }}.metric = 'reply_time' then 'next_reply'
        when {{ alias }}.metric = 'agent_work_time' then 'agent_work'
        when {{ alias }}.metric = 'requester_wait_time' then 'requester_wait'
        when {{ alias }}.metric = 'periodic_update_time' then 'periodic_update'
        when {{ alias }}.metric = 'pausable_update_time' then 'pausable_update'
        when {{ alias }}.metric = 'resolution_time' then 'total_resolution'
        when {{ alias }}.metric = 'group_ownership_time' then 'group_ownership'
    end
{%- endmacro %}
