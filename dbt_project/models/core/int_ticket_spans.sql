{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- What status, priority, group and assignee a ticket had, and when. ended_at is null for the value still held at the as-of time. #}
with events as (
    select e.source, e.ticket_id, e.kind, e.value, e.event_at, e.event_no
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

changes as (select * from ordered where value_no = 1 or value is distinct from previous_value),

spans as (
    select
        source,
        ticket_id,
        kind,
        value,
        previous_value,
        event_at as started_at,
        lead(event_at) over (partition by source, ticket_id, kind order by event_at, event_no) as ended_at,
        row_number() over (partition by source, ticket_id, kind order by event_at, event_no) as span_no
    from changes
),

read_at as (select *, coalesce(ended_at, {{ as_of() }}) as until_at from spans)

select
    s.source,
    s.ticket_id,
    s.kind,
    s.value,
    s.previous_value,
    s.started_at,
    s.ended_at,
    coalesce(s.ended_at, {{ the_end() }}) as held_until,
    s.span_no,
    {{ micros_between('s.started_at', 's.until_at') }} as calendar_micros,
    {{ business_micros('b', 's.started_at', 's.until_at') }} as business_micros,
    {{ business_micros_last_schedule('b', 's.started_at', 's.until_at') }} as business_micros_last_schedule
from read_at as s
{{ join_business_span('b', 's', 's.started_at', 's.until_at') }}
