{%- set shape = {'title': 'VARCHAR', 'type': 'VARCHAR', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'ticket_fields', shape) }})

select
    {{ envelope() }},
    p.title as field_title,
    p.type as field_type,
    {{ reject_reason([bad_time('p.created_at', 'created_at')]) }}
from landed
