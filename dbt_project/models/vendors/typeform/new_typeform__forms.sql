{%- set properties = {'steps': 'INTEGER', 'start_at_one': 'BOOLEAN'} -%}
{%- set shape = {
    'title': 'VARCHAR', 'hidden': ['VARCHAR'],
    'fields': [{
        'id': 'VARCHAR', 'ref': 'VARCHAR', 'title': 'VARCHAR', 'type': 'VARCHAR',
        'properties': {
            'steps': 'INTEGER', 'start_at_one': 'BOOLEAN',
            'fields': [{'id': 'VARCHAR', 'ref': 'VARCHAR', 'title': 'VARCHAR', 'type': 'VARCHAR', 'properties': properties}]
        }
    }]
} -%}
with landed as ({{ landed('typeform', 'forms', shape) }})

select
    {{ envelope() }},
    p.title as form_title,
    p.fields as fields,
    p.hidden as hidden_fields,
    {{ rejected_values() }},
    {{ reject_reason(['null']) }}
from landed
