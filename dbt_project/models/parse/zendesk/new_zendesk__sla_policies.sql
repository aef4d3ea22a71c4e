{%- set shape = {'title': 'VARCHAR', 'position': 'BIGINT', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'sla_policies', shape) }})

select
    {{ envelope() }},
    p.title as policy,
    p.position as policy_position,
    {{ reject_reason([bad_time('p.created_at', 'created_at')]) }}
from landed
