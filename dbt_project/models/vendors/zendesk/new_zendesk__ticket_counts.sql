{%- set values = [number_value('counted', 'p.value')] -%}
with landed as ({{ landed('zendesk', 'ticket_counts', {'value': 'VARCHAR'}) }})

select
    {{ envelope() }},
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason(['null']) }}
from landed
