{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with tickets as (
    select t.source, t.ticket_id from {{ ref('int_tickets') }} as t where {{ is_touched('t') }}
),

{#- '' where none was set. #}
settings as (
    select source, ticket_id, '' as set_key, {{ the_beginning() }} as valid_from, 0 as setting_no from tickets
    union all
    select e.source, e.ticket_id, e.source || '/' || e.value, e.event_at, e.event_no
    from {{ ref('int_ticket_events') }} as e
    where e.kind = 'schedule' and e.value is not null and {{ is_touched('e') }}
),

set_spans as (
    select
        *,
        coalesce(
            lead(valid_from) over (partition by source, ticket_id order by valid_from, setting_no), {{ the_end() }}
        ) as valid_to
    from settings
),

{#- What a setting means: the schedule, once that is deleted the default. Null where there is none. #}
meanings as (
    select source, '' as set_key, schedule_key as held_key, valid_from, valid_to from {{ ref('int_default_schedules') }}
    union all
    select source, schedule_key, schedule_key as held_key, valid_from, valid_to from {{ ref('int_schedules') }} where not is_deleted
    union all
    select s.source, s.schedule_key, d.schedule_key as held_key, greatest(s.valid_from, d.valid_from), least(s.valid_to, d.valid_to)
    from {{ ref('int_schedules') }} as s
    inner join {{ ref('int_default_schedules') }} as d
        on s.source = d.source and s.valid_from < d.valid_to and s.valid_to > d.valid_from
    where s.is_deleted
),

meant as (
    select
        s.source,
        s.ticket_id,
        {#- A schedule that nobody knows stands for itself. #}
        case when m.source is null then nullif(s.set_key, '') else m.held_key end as schedule_key,
        greatest(s.valid_from, m.valid_from) as valid_from
    from set_spans as s
    left join meanings as m
        on s.source = m.source and s.set_key = m.set_key and s.valid_from < m.valid_to and s.valid_to > m.valid_from
    where s.valid_from < s.valid_to
),

followed as (
    select *, lag(schedule_key) over (partition by source, ticket_id order by valid_from) as previous_key from meant
),

spans as (
    select
        source, ticket_id, schedule_key, valid_from,
        coalesce(lead(valid_from) over (partition by source, ticket_id order by valid_from), {{ the_end() }}) as valid_to
    from followed
    where schedule_key is distinct from previous_key
),

{#- Until when there was something to do on a ticket: what changed after that did not reach it. #}
lives as (
    select
        t.source,
        t.ticket_id,
        t.created_at,
        case
            when t.status in ('solved', 'closed')
                then greatest(max(e.event_at), t.created_at, t.told_last_solved_at, t.declared_resolved_at)
            else {{ the_end() }}
        end as until_at
    from {{ ref('int_tickets') }} as t
    left join {{ ref('int_ticket_events') }} as e
        on t.source = e.source and t.ticket_id = e.ticket_id and not (e.kind = 'status' and coalesce(e.value = 'closed', false))
    where (t.source, t.ticket_id) in (select s.source, s.ticket_id from spans as s where s.valid_to < {{ the_end() }})
    group by t.source, t.ticket_id, t.created_at, t.status, t.told_last_solved_at, t.declared_resolved_at
),

reached as (
    select
        s.*,
        coalesce(s.valid_from <= l.until_at, true) as is_reached,
        coalesce(s.valid_from <= l.until_at and s.valid_to > l.created_at, true) as is_lived
    from spans as s
    left join lives as l on s.source = l.source and s.ticket_id = l.ticket_id
),

{#- Where each span's own clock stands at the switches. #}
switches as (
    select
        s.*,
        s.schedule_key in (select k.schedule_key from {{ ref('int_business_calendar') }} as k) as is_known,
        {{ open_micros('a', 's.valid_from') }} as position_from,
        {{ open_micros('b', 's.valid_to') }} as position_to
    from reached as s
    left join {{ ref('int_business_calendar') }} as a
        on a.schedule_key = s.schedule_key and a.utc_date = cast(s.valid_from as date)
        and s.valid_from >= a.starts_at and s.valid_from < a.ends_at
    left join {{ ref('int_business_calendar') }} as b
        on b.schedule_key = s.schedule_key and b.utc_date = cast(s.valid_to as date)
        and s.valid_to >= b.starts_at and s.valid_to < b.ends_at
),

chained as (
    select
        *,
        cast(
            coalesce(sum(coalesce(position_to, 0) - coalesce(position_from, 0)) over (
                partition by source, ticket_id order by valid_from rows between unbounded preceding and 1 preceding
            ), 0) - coalesce(position_from, 0) as bigint
        ) as position_offset,
        row_number() over (partition by source, ticket_id order by is_reached desc, valid_from desc) = 1 as is_last,
        count(case when is_lived then 1 end) over (partition by source, ticket_id) > 1 as has_switched
    from switches
)

select
    source,
    ticket_id,
    schedule_key,
    valid_from,
    valid_to,
    is_last,
    has_switched,
    position_offset,
    {#- The ticket's own clock at the switches, for the way back from a position to a time; null on a schedule that nobody knows. #}
    case when is_known then coalesce(position_from + position_offset, -9000000000000000) end as clock_from,
    case when is_known then coalesce(position_to + position_offset, 9000000000000000) end as clock_to
from chained
where schedule_key is not null
