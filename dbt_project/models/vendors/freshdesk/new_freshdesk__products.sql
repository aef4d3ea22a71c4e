{%- set shape = {'name': 'VARCHAR', 'created_at': 'VARCHAR'} -%}
with landed as ({{ landed('freshdesk', 'products', shape) }})

select
    {{ envelope() }},
    p.name as product_name,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
