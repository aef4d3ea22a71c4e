{%- set texts = ['response_id', 'ticket_id', 'customer_id', 'organization_id', 'segment', 'product', 'service_area', 'complexity',
    'channel', 'priority', 'group_id', 'agent_id', 'source_score', 'customer_email_hash'] -%}
{%- set values = {'answered_at': 'VARCHAR', 'answered_until': 'VARCHAR', 'sent_at': 'VARCHAR', 'score': 'DOUBLE'} -%}
{%- for t in texts %}{% do values.update({t: 'VARCHAR'}) %}{% endfor -%}
{%- for name in own_dimensions() %}{% do values.update({'dimension_' ~ name: 'VARCHAR'}) %}{% endfor -%}
{%- set shape = {
    'values': values, 'errors': file_errors(), 'reject': 'VARCHAR',
    'mapping': {'question': {
        'kind': 'VARCHAR', 'id': 'VARCHAR', 'text': 'VARCHAR', 'survey': 'VARCHAR', 'scale_min': 'DOUBLE', 'scale_max': 'DOUBLE',
        'positive_from': 'DOUBLE', 'direction': 'VARCHAR'
    }}
} -%}
{%- set times = [time_value('sent_at', 'p.values.sent_at')] -%}
with landed as ({{ landed('files', 'survey_answers', shape) }})

select
    {{ envelope() }},
    {% for t in texts %}
    p.values.{{ t }} as {{ t }},
    {% endfor %}
    {{ to_utc('p.values.answered_at') }} as answered_at,
    coalesce({{ to_utc('p.values.answered_until') }}, {{ to_utc('p.values.answered_at') }}) as answered_until,
    {{ usable(times) }}
    p.values.score as score,
    {{ stated_dimensions('p.values.dimension_') }} as dimensions,
    p.mapping.question as question,
    batch_id || '/' || lpad(cast(row_no as varchar), 12, '0') as row_order,
    {{ file_faults(times) }} as rejected_values,
    {{ reject_reason(['p.reject', bad_time('p.values.answered_at', 'answered_at')]) }}
from landed
