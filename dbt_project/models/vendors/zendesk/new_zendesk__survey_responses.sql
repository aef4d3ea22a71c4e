{%- set shape = {
    'responder_id': 'VARCHAR', 'expires_at': 'VARCHAR', 'subjects': [{'id': 'VARCHAR', 'type': 'VARCHAR'}],
    'survey': {'id': 'VARCHAR', 'version': 'BIGINT'},
    'answers': [{
        'type': 'VARCHAR', 'rating': 'DOUBLE', 'rating_category': 'VARCHAR', 'created_at': 'VARCHAR', 'updated_at': 'VARCHAR',
        'question': {'id': 'VARCHAR', 'type': 'VARCHAR', 'sub_type': 'VARCHAR'},
        'selections': [{'option_id': 'VARCHAR', 'type': 'VARCHAR'}]
    }]
} -%}
{%- set values = [] -%}
{%- for time in ['created_at', 'updated_at'] -%}
{%- set is_none = '(' ~ time_fault('a.' ~ time) ~ ') is not null' -%}
{%- do values.append(list_value('answers.' ~ time, 'p.answers', 'a', is_none, 'a.' ~ time, 'is no time that can be')) -%}
{%- endfor -%}
with landed as ({{ landed('zendesk', 'survey_responses', shape) }})

select
    {{ envelope() }},
    {{ ulid_time('record_id') }} as sent_at,
    p.responder_id as responder_id,
    p.survey.id as survey_id,
    p.survey.version as survey_version,
    p.subjects as subjects,
    p.answers as answers,
    {{ rejected_values(values) }},
    {{ reject_reason([missing('p.survey.id', 'survey.id')]) }}
from landed
