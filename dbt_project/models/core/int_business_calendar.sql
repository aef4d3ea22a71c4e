{{ config(meta={'next_at': 'midnight'}) }}
with schedule_versions as (
    select source, schedule_key, schedule_id, time_zone, valid_from, valid_to, intervals, holidays
    from {{ ref('int_schedules') }}
    where valid_from < valid_to
),

weekly as (
    select
        schedule_key, time_zone, valid_from, valid_to, interval_.start_time as opens, interval_.end_time as closes,
        cast(null as date) as first_day, cast(null as date) as end_day
    from (select schedule_key, time_zone, valid_from, valid_to, unnest(intervals) as interval_ from schedule_versions) as i
    union all
    select
        {{ rule_schedule_key('r') }},
        time_zone,
        {{ the_beginning() }},
        {{ the_end() }},
        weekday * 1440 + cast(split_part(opens, ':', 1) as integer) * 60 + cast(split_part(opens, ':', 2) as integer),
        weekday * 1440 + cast(split_part(closes, ':', 1) as integer) * 60 + cast(split_part(closes, ':', 2) as integer),
        valid_from,
        valid_to
    from {{ ref('schedules') }} as r
),

{#- A closed local day holds for the schedule version that lists it. #}
closed_days as (
    select schedule_key, valid_from, cast(h.start_date as date) as first_day, cast(h.end_date as date) as last_day
    from (select schedule_key, valid_from, unnest(holidays) as h from schedule_versions) as v
    union all
    select {{ rule_schedule_key('r') }}, null, first_day, last_day from {{ ref('holidays') }} as r
),

bounds as (
    select
        {#- Local openings of the week before reach into the year. #}
        {{ add_days("cast(date_trunc('year', least(coalesce(min(created_at), " ~ as_of() ~ "), " ~ as_of() ~ ")) as date)", -9) }} as first_day,
        {{ add_days("cast(date_trunc('year', " ~ as_of() ~ ") as date)", 1461) }} as last_day
    from {{ ref('int_tickets') }}
),

utc_days as ({{ day_series('(select first_day from bounds)', '(select last_day from bounds)', 'utc_date') }}),

zones as (select distinct time_zone from weekly),

{#- UTC offsets by zone: looked at once a day, by the hour on the days on which they change, and to the minute in those hours. #}
daily_offsets as (
    select
        z.time_zone,
        cast(d.utc_date as timestamp) as utc_at,
        {{ offset_micros('cast(d.utc_date as timestamp)', 'z.time_zone') }} as offset_micros
    from zones as z
    cross join utc_days as d
),

offset_days as (
    select
        *,
        lead(offset_micros) over (partition by time_zone order by utc_at) as next_offset_micros,
        row_number() over (partition by time_zone order by utc_at) as day_no
    from daily_offsets
),

change_hours as (
    select time_zone, hour_at
    from (
        select time_zone, {{ time_series('utc_at', add_micros('utc_at', 23 * 3600000000), 'hour', 'hour_at') }}
        from offset_days
        where offset_micros <> next_offset_micros
    ) as h
    where {{ offset_micros('hour_at', 'time_zone') }} <> {{ offset_micros(add_micros('hour_at', 3600000000), 'time_zone') }}
),

change_minutes as (
    select time_zone, minute_at, {{ offset_micros('minute_at', 'time_zone') }} as offset_micros
    from (
        select time_zone, {{ time_series('hour_at', add_micros('hour_at', 3600000000), 'minute', 'minute_at') }} from change_hours
    ) as m
),

transitions as (
    select time_zone, minute_at as changes_at, offset_micros
    from (
        select *, lag(offset_micros) over (partition by time_zone order by minute_at) as previous_micros from change_minutes
    ) as c
    where offset_micros <> previous_micros
    union all
    select time_zone, {{ the_beginning() }}, offset_micros from offset_days where day_no = 1
),

offsets as (
    select
        time_zone,
        offset_micros,
        changes_at as valid_from,
        coalesce(lead(changes_at) over (partition by time_zone order by changes_at), {{ the_end() }}) as valid_to
    from transitions
),

local_openings as (
    select
        w.schedule_key,
        w.time_zone,
        w.valid_from,
        w.valid_to,
        {{ add_micros('cast(d.utc_date as timestamp)', '(w.opens % 1440) * 60000000') }} as wall_from,
        {{ add_micros('cast(d.utc_date as timestamp)', '((w.opens % 1440) + w.closes - w.opens) * 60000000') }} as wall_to
    from weekly as w
    inner join utc_days as d on (d.utc_date - date '1970-01-04') % 7 = (w.opens // 1440) % 7
    where (w.first_day is null or d.utc_date >= w.first_day) and (w.end_day is null or d.utc_date < w.end_day)
      and not exists (
        select 1 from closed_days as c
        where c.schedule_key = w.schedule_key and d.utc_date between c.first_day and c.last_day
          and (c.valid_from is null or c.valid_from = w.valid_from)
    )
),

openings as (
    select
        l.schedule_key,
        greatest({{ add_micros('l.wall_from', '-o.offset_micros') }}, o.valid_from, l.valid_from) as opens_at,
        least({{ add_micros('l.wall_to', '-o.offset_micros') }}, o.valid_to, l.valid_to) as closes_at
    from local_openings as l
    inner join offsets as o
        on l.time_zone = o.time_zone
        and {{ add_micros('l.wall_from', '-o.offset_micros') }} < o.valid_to
        and {{ add_micros('l.wall_to', '-o.offset_micros') }} > o.valid_from
),

{#- Cut at UTC midnight; an opening is a week long at most, and reaches into eight following days. #}
daily_openings as (
    select
        o.schedule_key,
        cast({{ add_days('cast(cast(o.opens_at as date) as timestamp)', 'n.n') }} as date) as utc_date,
        greatest(o.opens_at, {{ add_days('cast(cast(o.opens_at as date) as timestamp)', 'n.n') }}) as opens_at,
        least(o.closes_at, {{ add_days('cast(cast(o.opens_at as date) as timestamp)', '(n.n + 1)') }}) as closes_at
    from openings as o
    cross join (
        select 0 as n
        {% for n in range(1, 9) %}
        union all
        select {{ n }}
        {% endfor %}
    ) as n
    where o.opens_at < o.closes_at
      and {{ add_days('cast(cast(o.opens_at as date) as timestamp)', 'n.n') }} < o.closes_at
),

{#- Overlapping and touching openings become one. #}
marked as (
    select
        *,
        case
            when opens_at <= max(closes_at) over (
                partition by schedule_key, utc_date order by opens_at, closes_at rows between unbounded preceding and 1 preceding
            ) then 0 else 1
        end as starts_island
    from daily_openings
),

islands as (
    select
        *,
        sum(starts_island) over (
            partition by schedule_key, utc_date order by opens_at, closes_at rows between unbounded preceding and current row
        ) as island
    from marked
),

open_segments as (
    select schedule_key, utc_date, min(opens_at) as starts_at, max(closes_at) as ends_at
    from islands
    group by schedule_key, utc_date, island
),

{#- One without an interval is never open. #}
schedules as (select schedule_key from weekly union select schedule_key from schedule_versions),

edges as (
    select schedule_key, utc_date, starts_at, ends_at from open_segments
    union all
    select
        s.schedule_key, d.utc_date, cast(d.utc_date as timestamp), cast(d.utc_date as timestamp)
    from schedules as s
    cross join utc_days as d
),

segments as (
    select schedule_key, utc_date, starts_at, ends_at, true as is_open from open_segments
    union all
    select
        schedule_key,
        utc_date,
        ends_at as starts_at,
        coalesce(
            lead(starts_at) over (partition by schedule_key, utc_date order by starts_at, ends_at),
            {{ add_days('cast(utc_date as timestamp)', 1) }}
        ) as ends_at,
        false as is_open
    from edges
)

select
    schedule_key,
    utc_date,
    starts_at,
    ends_at,
    is_open,
    cast(coalesce(
        sum(case when is_open then {{ micros_between('starts_at', 'ends_at') }} else 0 end) over (
            partition by schedule_key order by starts_at, ends_at rows between unbounded preceding and 1 preceding
        ), 0
    ) as bigint) as open_micros_before
from segments
where starts_at < ends_at
