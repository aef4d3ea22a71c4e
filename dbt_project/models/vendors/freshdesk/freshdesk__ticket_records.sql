select
    source, record_id as ticket_id, requester_id as customer_id, created_at, created_at is not null as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('freshdesk__ticket_versions') }}
{% for stream in ['conversations', 'time_entries'] %}
union all
select
    source, ticket_id, cast(null as varchar) as customer_id, cast(null as timestamp) as created_at, false as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('stg_freshdesk__' ~ stream) }}
where ticket_id is not null
{% endfor %}
