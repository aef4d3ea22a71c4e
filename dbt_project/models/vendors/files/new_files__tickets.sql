with landed as ({{ landed('files', 'tickets', file_ticket_shape()) }})

select
    {{ envelope() }},
    {{ to_utc('p.values.created_at') }} as created_at,
    {{ file_ticket_columns(['first_reply_at', 'resolved_at', 'closed_at']) }}
    {{ reject_reason(['p.reject', bad_time('p.values.created_at', 'created_at')]) }}
from landed
