{% macro zendesk_statuses() %}{{ return(['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']) }}{% endmacro %}
{% macro zendesk_priorities() %}{{ return(['low', 'normal', 'high', 'urgent']) }}{% endmacro %}
{% macro zendesk_support_types() %}{{ return(['agent', 'ai_agent']) }}{% endmacro %}
{% macro zendesk_sla_metrics() %}
{{ return([
    'reply_time', 'agent_work_time', 'requester_wait_time', 'periodic_update_time', 'pausable_update_time', 'resolution_time',
    'group_ownership_time'
]) }}
{% endmacro %}
{% macro zendesk_sla_events() %}
{{ return(['activate', 'pause', 'fulfill', 'apply_sla', 'apply_group_sla', 'breach', 'update_status', 'measure']) }}
{% endmacro %}

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
