{%- set shape = {'name': 'VARCHAR', 'is_deleted': 'BOOLEAN', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'brands', shape) }})

select
    {{ envelope() }},
    p.name as brand_name,
    deleted or coalesce(p.is_deleted, false) as is_deleted,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
