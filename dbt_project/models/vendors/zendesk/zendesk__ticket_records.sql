select source, record_id as ticket_id, requester_id as customer_id, created_at, true as is_ticket, batch_id, changed_at
from {{ ref('stg_zendesk__tickets') }}
{% for stream in ['ticket_events', 'ticket_audits', 'ticket_metric_events'] %}
union all
select
    source, ticket_id, cast(null as varchar) as customer_id, cast(null as timestamp) as created_at, false as is_ticket, batch_id, changed_at
from {{ ref('stg_zendesk__' ~ stream) }}
{% endfor %}
