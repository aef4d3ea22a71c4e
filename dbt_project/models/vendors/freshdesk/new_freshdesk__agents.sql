{%- set shape = {'deactivated': 'BOOLEAN', 'created_at': 'VARCHAR', 'group_ids': ['VARCHAR']} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
with landed as ({{ landed('freshdesk', 'agents', shape) }})

select
    {{ envelope() }},
    not deleted and not coalesce(p.deactivated, false) as is_active,
    p.group_ids as group_ids,
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason(['null']) }}
from landed
