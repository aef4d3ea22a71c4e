{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with events as (
    select e.source, e.ticket_id, e.kind, e.value, e.event_at, e.is_time_known, e.origin, e.event_no
    from {{ ref('int_ticket_events') }} as e
    where e.kind in ('status', 'priority', 'group', 'assignee') and {{ is_touched('e') }}
),

ordered as (
    select
        *,
        lag(value) over (partition by source, ticket_id, kind order by event_at, event_no) as previous_value,
        row_number() over (partition by source, ticket_id, kind order by event_at, event_no) as value_no
    from events
),

changes as (select * from ordered where value_no = 1 or value is distinct from previous_value)

select
    source,
    ticket_id,
    kind,
    value,
    previous_value,
    event_at as started_at,
    is_time_known,
    is_time_known or origin = 'events' as is_dated,
    lead(event_at) over (partition by source, ticket_id, kind order by event_at, event_no) as ended_at,
    coalesce(lead(event_at) over (partition by source, ticket_id, kind order by event_at, event_no), {{ the_end() }}) as held_until,
    row_number() over (partition by source, ticket_id, kind order by event_at, event_no) as span_no
from changes
