{%- set shape = {'title': 'VARCHAR', 'type': 'VARCHAR', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'ticket_fields', shape) }})

select
    {{ envelope() }},
    p.title as field_title,
    p.type as field_type,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
