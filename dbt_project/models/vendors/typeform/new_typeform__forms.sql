{#- Groups may stand in groups. -#}
{%- set question = {'id': 'VARCHAR', 'ref': 'VARCHAR', 'title': 'VARCHAR', 'type': 'VARCHAR'} -%}
{%- set properties = {
    'steps': 'INTEGER', 'start_at_one': 'BOOLEAN', 'choices': [{'id': 'VARCHAR', 'ref': 'VARCHAR', 'label': 'VARCHAR'}]
} -%}
{%- set innermost = dict(question, properties=properties) -%}
{%- set inner = dict(question, properties=dict(properties, fields=[innermost])) -%}
{%- set shape = {'title': 'VARCHAR', 'hidden': ['VARCHAR'], 'fields': [dict(question, properties=dict(properties, fields=[inner]))]} -%}
with landed as ({{ landed('typeform', 'forms', shape) }})

select
    {{ envelope() }},
    p.title as form_title,
    p.fields as fields,
    p.hidden as hidden_fields,
    {{ rejected_values() }},
    {{ reject_reason(['null']) }}
from landed
