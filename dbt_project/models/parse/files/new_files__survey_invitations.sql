{%- set texts = ['invitation_id', 'ticket_id', 'customer_id', 'organization_id', 'segment', 'product', 'service_area', 'complexity',
    'channel', 'priority', 'group_id', 'agent_id', 'delivery'] -%}
{%- set values = {'sent_at': 'VARCHAR', 'answered_at': 'VARCHAR'} -%}
{%- for t in texts %}{% do values.update({t: 'VARCHAR'}) %}{% endfor -%}
{%- set shape = {'values': values, 'errors': ['JSON'], 'reject': 'VARCHAR', 'mapping': {'survey': 'VARCHAR'}} -%}
with landed as ({{ landed('files', 'survey_invitations', shape) }})

select
    {{ envelope() }},
    {% for t in texts %}
    p.values.{{ t }} as {{ t }},
    {% endfor %}
    {{ to_utc('p.values.sent_at') }} as sent_at,
    {{ to_utc('p.values.answered_at') }} as answered_at,
    p.mapping.survey as survey,
    coalesce(len(p.errors), 0) as unusable_fields,
    {{ reject_reason(['p.reject']) }}
from landed
