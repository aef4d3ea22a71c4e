with landed as ({{ landed('files', 'tickets', file_ticket_shape()) }})

select
    {{ envelope() }},
    {{ file_ticket_columns() }}
    {{ reject_reason(['p.reject']) }}
from landed
