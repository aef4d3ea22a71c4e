with landed as ({{ landed('files', 'ticket_events', file_ticket_shape()) }})

select
    {{ envelope() }},
    {{ file_ticket_columns(['created_at', 'first_reply_at', 'resolved_at', 'closed_at']) }}
    coalesce(p.mapping.ticket, false) as carries_ticket,
    {{ to_utc('p.values.event_at') }} as event_at,
    coalesce(p.values.kind, 'change') as kind,
    p.values.sequence as sequence_no,
    p.values.actor_id as actor_id,
    p.values.actor_role as actor_role,
    coalesce(p.values.is_public, true) as is_public,
    {{ reject_reason(['p.reject', bad_time('p.values.event_at', 'event_at')]) }}
from landed
