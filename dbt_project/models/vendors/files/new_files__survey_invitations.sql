{%- set texts = ['invitation_id', 'ticket_id', 'customer_id', 'organization_id', 'segment', 'product', 'service_area', 'complexity',
    'channel', 'priority', 'group_id', 'agent_id', 'delivery', 'customer_email_hash'] -%}
{%- set values = {'sent_at': 'VARCHAR', 'answered_at': 'VARCHAR'} -%}
{%- for t in texts %}{% do values.update({t: 'VARCHAR'}) %}{% endfor -%}
{%- set shape = {'values': values, 'errors': file_errors(), 'reject': 'VARCHAR', 'mapping': {'survey': 'VARCHAR'}} -%}
{%- set times = [time_value('answered_at', 'p.values.answered_at')] -%}
with landed as ({{ landed('files', 'survey_invitations', shape) }})

select
    {{ envelope() }},
    {% for t in texts %}
    p.values.{{ t }} as {{ t }},
    {% endfor %}
    {{ to_utc('p.values.sent_at') }} as sent_at,
    {{ usable(times) }}
    p.mapping.survey as survey,
    {{ file_faults(times) }} as rejected_values,
    {{ reject_reason(['p.reject', bad_time('p.values.sent_at', 'sent_at')]) }}
from landed
