{%- set shape = {'name': 'VARCHAR', 'deleted': 'BOOLEAN', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'groups', shape) }})

select
    {{ envelope() }},
    p.name as group_name,
    deleted or coalesce(p.deleted, false) as is_deleted,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
