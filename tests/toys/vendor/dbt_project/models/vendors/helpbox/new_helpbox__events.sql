{%- set shape = {
    'ticket': 'VARCHAR', 'at': 'VARCHAR', 'state': 'VARCHAR', 'actor': 'VARCHAR', 'role': 'VARCHAR', 'public': 'BOOLEAN'
} -%}
with landed as ({{ landed('helpbox', 'events', shape) }})

select
    {{ envelope() }},
    p.ticket as ticket_id,
    {{ to_utc('p.at') }} as event_at,
    p.state as status,
    p.actor as actor_id,
    p.role as actor_role,
    coalesce(p.public, false) as is_public,
    {{ rejected_values() }},
    {{ reject_reason([
        missing('p.ticket', 'ticket'),
        missing('p.at', 'at'),
        bad_time('p.at', 'at'),
        unknown_value('p.state', 'state', ['open', 'solved']),
        unknown_value('p.role', 'role', ['agent', 'end_user'])
    ]) }}
from landed
