{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with events as ({{ united('sla_events', [
    'source', 'ticket_id', 'record_id', 'metric', 'instance', 'event_type', 'event_at', 'event_order', 'policy', 'target_seconds',
    'is_business_hours'
]) }})

select
    e.source,
    e.ticket_id,
    e.record_id,
    e.metric,
    e.instance,
    e.event_type,
    greatest(e.event_at, t.created_at) as event_at,
    not {{ is_misdated('e.event_at', 't.created_at') }} as is_time_known,
    e.event_order,
    e.policy,
    e.target_seconds,
    e.is_business_hours
from events as e
inner join {{ ref('int_tickets') }} as t on e.source = t.source and e.ticket_id = t.ticket_id
