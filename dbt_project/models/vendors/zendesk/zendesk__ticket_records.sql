select source, record_id as ticket_id, requester_id as customer_id, created_at, true as is_ticket, batch_id, changed_at,
    case when origin_relation = 'follow_up' then origin_ticket_id end as follows_ticket_id
from {{ ref('stg_zendesk__tickets') }}
{% for stream in ['ticket_events', 'ticket_audits', 'ticket_metric_events'] %}
union all
select
    source, ticket_id, cast(null as varchar) as customer_id, cast(null as timestamp) as created_at, false as is_ticket, batch_id, changed_at,
    cast(null as varchar) as follows_ticket_id
from {{ ref('stg_zendesk__' ~ stream) }}
{% endfor %}
