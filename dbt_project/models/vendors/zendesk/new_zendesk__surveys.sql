{%- set shape = {
    'version': 'BIGINT',
    'questions': [{
        'id': 'VARCHAR', 'type': 'VARCHAR', 'headline': {'value': 'VARCHAR'},
        'options': [{'id': 'VARCHAR', 'label': {'value': 'VARCHAR'}, 'rating': 'DOUBLE'}]
    }]
} -%}
with landed as ({{ landed('zendesk', 'surveys', shape) }})

select
    {{ envelope() }},
    p.version as survey_version,
    p.questions as questions,
    {{ rejected_values() }},
    {{ reject_reason(['null']) }}
from landed
