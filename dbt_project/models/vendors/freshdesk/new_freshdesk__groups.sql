{%- set shape = {'name': 'VARCHAR', 'business_hour_id': 'VARCHAR', 'agent_ids': ['VARCHAR'], 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('freshdesk', 'groups', shape) }})

select
    {{ envelope() }},
    p.name as group_name,
    nullif(p.business_hour_id, '') as schedule_id,
    p.agent_ids as agent_ids,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
