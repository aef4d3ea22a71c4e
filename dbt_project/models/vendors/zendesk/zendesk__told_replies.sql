{#- The vendor's clock of later replies: from the customer's message to the reply, or to a solve without one. #}
with events as (
    select e.source, e.ticket_id, e.metric, e.instance_id, e.event_type, e.event_at, e.vendor_business_minutes
    from {{ ref('stg_zendesk__ticket_metric_events') }} as e
    where e.event_at <= {{ as_of() }} and not e.is_withdrawn and not e.deleted and {{ is_touched('e') }}
),

clocks as (
    select
        source, ticket_id, instance_id,
        min(case when event_type = 'activate' then event_at end) as waits_from,
        max(case when event_type = 'fulfill' then event_at end) as replied_at,
        max(vendor_business_minutes) as business_minutes
    from events
    where metric = 'reply_time' and instance_id > 1
    group by source, ticket_id, instance_id
),

solves as (select distinct source, ticket_id, event_at from events where metric = 'resolution_time' and event_type = 'fulfill')

select
    c.source,
    c.ticket_id,
    cast(c.instance_id as bigint) as instance,
    c.waits_from,
    c.replied_at,
    cast(round(c.business_minutes * 6e7) as bigint) as business_micros,
    s.source is not null as ends_at_solve
from clocks as c
left join solves as s on c.source = s.source and c.ticket_id = s.ticket_id and c.replied_at = s.event_at
where c.waits_from <= c.replied_at
