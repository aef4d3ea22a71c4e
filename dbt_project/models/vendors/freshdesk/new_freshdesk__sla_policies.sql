{%- set shape = {'name': 'VARCHAR', 'position': 'VARCHAR', 'created_at': 'VARCHAR'} -%}
{%- set values = [number_value('policy_position', 'p.position')] -%}
with landed as ({{ landed('freshdesk', 'sla_policies', shape) }})

select
    {{ envelope() }},
    p.name as policy,
    {{ usable(values) }}
    {{ rejected_values(values + [time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
