{#- What rows of exported files say about a ticket; see the payload in docs/architecture.md. #}
{% macro file_ticket_shape() %}
{% set texts = ['ticket_id', 'status', 'priority', 'source_priority', 'complexity', 'channel', 'type', 'customer_id', 'organization_id',
    'group_id', 'assignee_id', 'segment', 'product', 'service_area', 'exclusion', 'created_at', 'first_reply_at', 'resolved_at',
    'closed_at', 'kind', 'actor_id', 'actor_role', 'event_at'] %}
{% set values = {'reopens': 'BIGINT', 'public_agent_replies': 'BIGINT', 'handle_seconds': 'BIGINT', 'sequence': 'BIGINT', 'is_public': 'BOOLEAN',
    'sla': [{'metric': 'VARCHAR', 'due_at': 'VARCHAR', 'ended_at': 'VARCHAR', 'verdict': 'VARCHAR'}]} %}
{% for t in texts %}{% do values.update({t: 'VARCHAR'}) %}{% endfor %}
{{ return({'values': values, 'errors': [{'column': 'VARCHAR', 'value': 'VARCHAR', 'reason': 'VARCHAR'}], 'reject': 'VARCHAR', 'mapping': {'ticket': 'BOOLEAN', 'declares': ['VARCHAR']}}) }}
{% endmacro %}

{% macro file_ticket_columns() %}
    p.values.ticket_id as ticket_id,
    {{ to_utc('p.values.created_at') }} as created_at,
    {{ to_utc('p.values.first_reply_at') }} as first_reply_at,
    {{ to_utc('p.values.resolved_at') }} as resolved_at,
    {{ to_utc('p.values.closed_at') }} as closed_at,
    {% for column in ['status', 'priority', 'source_priority', 'complexity', 'channel', 'customer_id', 'organization_id', 'group_id',
        'assignee_id', 'segment', 'product', 'service_area', 'exclusion', 'reopens', 'public_agent_replies', 'handle_seconds'] %}
    p.values.{{ column }} as {{ column }},
    {% endfor %}
    p.values.sla as sla,
    coalesce(p.mapping.declares, []) as declares,
    coalesce({{ each_element('p.errors', 'e', 'e.column') }}, []) as unusable,
{% endmacro %}
