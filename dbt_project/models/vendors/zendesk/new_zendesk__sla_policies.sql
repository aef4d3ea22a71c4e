{%- set shape = {'title': 'VARCHAR', 'position': 'BIGINT', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'sla_policies', shape) }})

select
    {{ envelope() }},
    p.title as policy,
    p.position as policy_position,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
