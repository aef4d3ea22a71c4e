select source, record_id as ticket_id, customer_id, created_at, true as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('stg_helpbox__tickets') }}
union all
select
    source, ticket_id, cast(null as varchar) as customer_id, cast(null as timestamp) as created_at, false as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('stg_helpbox__events') }}
