{#- Audits fill what the event export cannot give; an audit has the id of the event that it stands for. #}
{%- set shape = {
    'ticket_id': 'VARCHAR', 'created_at': 'VARCHAR', 'author_id': 'VARCHAR',
    'events': [{
        'id': 'VARCHAR', 'type': 'VARCHAR', 'field_name': 'VARCHAR', 'value': 'VARCHAR', 'previous_value': 'VARCHAR', 'author_id': 'VARCHAR',
        'public': 'BOOLEAN', 'new_schedule_id': 'VARCHAR', 'via': {'channel': 'VARCHAR', 'source': {'rel': 'VARCHAR'}}
    }]
} -%}
with landed as ({{ landed('zendesk', 'ticket_audits', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    {{ to_utc('p.created_at') }} as event_at,
    p.author_id as actor_id,
    p.events as children,
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at')
    ]) }}
from landed
