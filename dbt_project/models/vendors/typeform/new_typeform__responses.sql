{%- set hidden = {
    'ticket_id': 'VARCHAR', 'customer_id': 'VARCHAR', 'sent_at': 'VARCHAR', 'segment': 'VARCHAR', 'product': 'VARCHAR',
    'service_area': 'VARCHAR', 'complexity': 'VARCHAR'
} -%}
{%- for name in own_dimensions() %}{% do hidden.update({name: 'VARCHAR'}) %}{% endfor -%}
{%- set shape = {
    'response_id': 'VARCHAR', 'response_type': 'VARCHAR', 'token': 'VARCHAR', 'landed_at': 'VARCHAR', 'submitted_at': 'VARCHAR',
    'hidden': hidden,
    'answers': [{
        'field': {'id': 'VARCHAR', 'ref': 'VARCHAR', 'type': 'VARCHAR'}, 'type': 'VARCHAR', 'number': 'DOUBLE', 'boolean': 'BOOLEAN',
        'choice': {'id': 'VARCHAR', 'ref': 'VARCHAR', 'label': 'VARCHAR'}
    }]
} -%}
{%- set values = [
    time_value('sent_at', 'p.hidden.sent_at'),
    list_value('answers.number', 'p.answers', 'a', "a.type = 'number' and a.number is null", "''", 'is no number')
] -%}
with landed as ({{ landed('typeform', 'responses', shape) }})

select
    {{ envelope() }},
    split_part(record_id, '/', 1) as form_id,
    coalesce(p.response_id, p.token) as response_id,
    coalesce(p.response_type, 'completed') as response_type,
    {{ to_utc('p.submitted_at') }} as submitted_at,
    nullif(p.hidden.ticket_id, '') as ticket_id,
    nullif(p.hidden.customer_id, '') as customer_id,
    {{ usable(values) }}
    nullif(p.hidden.segment, '') as segment,
    nullif(p.hidden.product, '') as product,
    nullif(p.hidden.service_area, '') as service_area,
    nullif(p.hidden.complexity, '') as complexity,
    {{ stated_dimensions('p.hidden.') }} as dimensions,
    p.answers as answers,
    {{ rejected_values(values) }},
    {#- A response that is not completed was not submitted. #}
    {{ reject_reason([
        missing('coalesce(p.response_id, p.token)', 'response_id'),
        "case when coalesce(p.response_type, 'completed') = 'completed' then coalesce("
        ~ missing('p.submitted_at', 'submitted_at') ~ ', ' ~ bad_time('p.submitted_at', 'submitted_at') ~ ') end'
    ]) }}
from landed
