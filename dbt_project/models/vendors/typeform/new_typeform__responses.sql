{%- set fields = hidden_fields() -%}
{%- set shape = {
    'response_id': 'VARCHAR', 'response_type': 'VARCHAR', 'token': 'VARCHAR', 'landed_at': 'VARCHAR', 'submitted_at': 'VARCHAR',
    'hidden': 'JSON',
    'answers': [{
        'field': {'id': 'VARCHAR', 'ref': 'VARCHAR', 'type': 'VARCHAR'}, 'type': 'VARCHAR', 'number': 'DOUBLE', 'boolean': 'BOOLEAN',
        'choice': {'id': 'VARCHAR', 'ref': 'VARCHAR', 'label': 'VARCHAR'}
    }]
} -%}
{%- set values = [
    time_value('sent_at', 'hidden_sent_at'),
    list_value('answers.number', 'p.answers', 'a', "a.type = 'number' and a.number is null", "''", 'is no number')
] -%}
with landed as ({{ landed('typeform', 'responses', shape) }}),

given as (
    select
        *,
        {% for attribute in hidden_attributes() %}
        {{ hidden_value(attribute, fields, "split_part(record_id, '/', 1)") }} as hidden_{{ attribute }},
        {% endfor %}
        {#- An address that the answers leave. #}
        case when contains(payload, '"email"') then
            {{ joined_texts(parse_json('payload', {'answers': [{'type': 'VARCHAR', 'email': 'VARCHAR'}]}) ~ '.answers', 'a', "a.type = 'email'", 'a.email') }}
        end as email
    from landed
)

select
    {{ envelope() }},
    split_part(record_id, '/', 1) as form_id,
    coalesce(p.response_id, p.token) as response_id,
    coalesce(p.response_type, 'completed') as response_type,
    {{ to_utc('p.submitted_at') }} as submitted_at,
    hidden_ticket_id as ticket_id,
    hidden_customer_id as customer_id,
    {{ address_hash("coalesce(case when hidden_customer_email like '%@%' then hidden_customer_email end, case when email like '%@%' then email end)") }}
        as customer_email_hash,
    {{ usable(values) }}
    hidden_segment as segment,
    hidden_product as product,
    hidden_service_area as service_area,
    hidden_complexity as complexity,
    {{ stated_dimensions('hidden_') }} as dimensions,
    p.answers as answers,
    {{ rejected_values(values) }},
    {#- A response that is not completed was not submitted. #}
    {{ reject_reason([
        missing('coalesce(p.response_id, p.token)', 'response_id'),
        "case when coalesce(p.response_type, 'completed') = 'completed' then coalesce("
        ~ missing('p.submitted_at', 'submitted_at') ~ ', ' ~ bad_time('p.submitted_at', 'submitted_at') ~ ') end'
    ]) }}
from given
