{%- set shape = {'name': 'VARCHAR', 'is_deleted': 'BOOLEAN', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('zendesk', 'brands', shape) }})

select
    {{ envelope() }},
    p.name as brand_name,
    deleted or coalesce(p.is_deleted, false) as is_deleted,
    {{ reject_reason([bad_time('p.created_at', 'created_at')]) }}
from landed
