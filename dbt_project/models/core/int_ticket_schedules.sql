{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with tickets as (
    select t.source, t.ticket_id from {{ ref('int_tickets') }} as t where {{ is_touched('t') }}
),

settings as (
    select t.source, t.ticket_id, d.schedule_key, {{ the_beginning() }} as valid_from, 0 as setting_no
    from tickets as t
    inner join {{ ref('int_default_schedules') }} as d on t.source = d.source
    union all
    select e.source, e.ticket_id, e.source || '/' || e.value, e.event_at, e.event_no
    from {{ ref('int_ticket_events') }} as e
    where e.kind = 'schedule' and e.value is not null and {{ is_touched('e') }}
),

spans as (
    select
        *,
        coalesce(
            lead(valid_from) over (partition by source, ticket_id order by valid_from, setting_no), {{ the_end() }}
        ) as valid_to,
        row_number() over (partition by source, ticket_id order by valid_from desc, setting_no desc) = 1 as is_last
    from settings
),

{#- Where each span's own clock stands at the switches. #}
switches as (
    select
        s.*,
        s.schedule_key in (select k.schedule_key from {{ ref('int_business_calendar') }} as k) as is_known,
        {{ open_micros('a', 's.valid_from') }} as position_from,
        {{ open_micros('b', 's.valid_to') }} as position_to
    from spans as s
    left join {{ ref('int_business_calendar') }} as a
        on a.schedule_key = s.schedule_key and a.utc_date = cast(s.valid_from as date)
        and s.valid_from >= a.starts_at and s.valid_from < a.ends_at
    left join {{ ref('int_business_calendar') }} as b
        on b.schedule_key = s.schedule_key and b.utc_date = cast(s.valid_to as date)
        and s.valid_to >= b.starts_at and s.valid_to < b.ends_at
    where s.valid_from < s.valid_to
),

chained as (
    select
        *,
        cast(
            coalesce(sum(coalesce(position_to, 0) - coalesce(position_from, 0)) over (
                partition by source, ticket_id order by valid_from rows between unbounded preceding and 1 preceding
            ), 0) - coalesce(position_from, 0) as bigint
        ) as position_offset
    from switches
)

select
    source,
    ticket_id,
    schedule_key,
    valid_from,
    valid_to,
    is_last,
    count(*) over (partition by source, ticket_id) > 1 as has_switched,
    position_offset,
    {#- The ticket's own clock at the switches, for the way back from a position to a time; null on a schedule that nobody knows. #}
    case when is_known then coalesce(position_from + position_offset, -9000000000000000) end as clock_from,
    case when is_known then coalesce(position_to + position_offset, 9000000000000000) end as clock_to
from chained
