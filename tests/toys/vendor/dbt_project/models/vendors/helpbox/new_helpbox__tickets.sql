{%- set shape = {
    'created_at': 'VARCHAR', 'state': 'VARCHAR', 'channel': 'VARCHAR', 'customer': 'VARCHAR', 'agent': 'VARCHAR'
} -%}
with landed as ({{ landed('helpbox', 'tickets', shape) }})

select
    {{ envelope() }},
    {{ to_utc('p.created_at') }} as created_at,
    p.state as status,
    p.channel as channel,
    p.customer as customer_id,
    p.agent as assignee_id,
    {{ rejected_values() }},
    {{ reject_reason([
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at'),
        missing('p.state', 'state'),
        unknown_value('p.state', 'state', ['open', 'solved'])
    ]) }}
from landed
