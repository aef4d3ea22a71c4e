select source, record_id as ticket_id, customer_id, created_at, true as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('stg_files__tickets') }}
union all
select source, ticket_id, customer_id, coalesce(created_at, event_at) as created_at, carries_ticket as is_ticket, batch_id, changed_at, null
from {{ ref('stg_files__ticket_events') }}
