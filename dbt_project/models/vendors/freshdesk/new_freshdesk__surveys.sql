{%- set shape = {
    'title': 'VARCHAR', 'questions': [{'id': 'VARCHAR', 'label': 'VARCHAR', 'default': 'BOOLEAN', 'accepted_ratings': ['VARCHAR']}]
} -%}
with landed as ({{ landed('freshdesk', 'surveys', shape) }})

select
    {{ envelope() }},
    p.title as survey_title,
    p.questions as questions,
    {{ rejected_values() }},
    {{ reject_reason(['null']) }}
from landed
