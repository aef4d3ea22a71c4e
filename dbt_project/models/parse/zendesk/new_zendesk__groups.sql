{%- set shape = {'name': 'VARCHAR', 'deleted': 'BOOLEAN', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'groups', shape) }})

select
    {{ envelope() }},
    p.name as group_name,
    deleted or coalesce(p.deleted, false) as is_deleted,
    {{ reject_reason([bad_time('p.created_at', 'created_at')]) }}
from landed
