{%- set shape = {'name': 'VARCHAR', 'label': 'VARCHAR', 'type': 'VARCHAR', 'created_at': 'VARCHAR', 'choices': 'JSON'} -%}
{%- set listed = {'id': 'VARCHAR', 'value': 'VARCHAR', 'label': 'VARCHAR', 'stop_sla_timer': 'BOOLEAN'} -%}
with landed as ({{ landed('freshdesk', 'ticket_fields', shape) }})

select
    {{ envelope() }},
    p.name as field_name,
    p.label as field_title,
    p.type as field_type,
    {#- Choices by code (with their labels), or a list of them: both are documented. #}
    case when p.name = 'status' then {{ json_pairs('p.choices') }} end as status_labels,
    case when p.name = 'status' then {{ parse_json('p.choices', [listed]) }} end as status_choices,
    {{ rejected_values([time_value('created_at', 'p.created_at')]) }},
    {{ reject_reason(['null']) }}
from landed
