{#- When counted tickets come and are solved, by local hour of the week, beside the opening hours of the schedules that they were under. #}
{%- set grains = period_grains() | select('in', card().grains) | list -%}
with placed as (
    select t.created_date as day, {{ card().members[0].key.hour_of_week }} as hour_of_week, 1 as created, 0 as solved
    from {{ ref('tickets') }} as t
    where {{ card().members[0].where }}
    union all
    select t.last_solved_date, {{ card().members[1].key.hour_of_week }}, 0, 1
    from {{ ref('tickets') }} as t
    where {{ card().members[1].where }}
),

bounds as (select min(day) as first_day, {{ business_date(as_of()) }} as last_day from placed),

open_spans as (
    select c.schedule_key, c.starts_at, c.ends_at
    from {{ ref('int_business_calendar') }} as c
    cross join bounds as b
    where c.is_open and c.schedule_key in (select s.schedule_key from {{ ref('int_ticket_schedules') }} as s)
      and c.utc_date between {{ add_days('b.first_day', -1) }} and {{ add_days('b.last_day', 1) }}
),

{#- Over all schedules a moment is open where any is: touching spans become one. #}
marked as (
    select
        starts_at, ends_at,
        case
            when starts_at <= max(ends_at) over (order by starts_at, ends_at rows between unbounded preceding and 1 preceding) then 0 else 1
        end as begins
    from open_spans
),

islands as (select *, sum(begins) over (order by starts_at, ends_at rows between unbounded preceding and current row) as island from marked),

spans as (
    select 'schedule' as dimension, schedule_key as member, starts_at, ends_at from open_spans
    union all
    select 'all', 'all', min(starts_at), max(ends_at) from islands group by island
),

{#- Cut at the full hours of the business zone. #}
span_hours as (
    select
        dimension, member, starts_at, ends_at,
        {{ time_series(add_micros('starts_at', '-' ~ micros_between("date_trunc('hour', " ~ local_time('starts_at', business_zone()) ~ ')',
            local_time('starts_at', business_zone()))), 'ends_at', 'hour', 'hour_at') }}
    from spans
),

open_hours as (
    select
        dimension, member, {{ business_date('hour_at') }} as day, {{ hour_of_week('hour_at') }} as hour_of_week,
        {{ micros_between('greatest(hour_at, starts_at)', 'least(ends_at, ' ~ add_micros('hour_at', 3600000000) ~ ')') }} as open_micros
    from span_hours
    where greatest(hour_at, starts_at) < least(ends_at, {{ add_micros('hour_at', 3600000000) }})
),

facts as (
    select 'all' as dimension, 'all' as member, day, hour_of_week, created, solved, 0 as open_micros from placed
    union all
    select o.dimension, o.member, o.day, o.hour_of_week, 0, 0, o.open_micros
    from open_hours as o
    cross join bounds as b
    where o.day between b.first_day and b.last_day
),

cells as (
    {% for grain in grains %}
    select
        '{{ grain }}' as period_grain, {{ period_start(grain, 'day') }} as period_start, dimension, member, hour_of_week,
        sum(created) as created, sum(solved) as solved, sum(open_micros) as open_micros
    from facts
    group by {{ '' if grain == 'all' else period_start(grain, 'day') ~ ', ' }}dimension, member, hour_of_week
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- Every hour of the week has a row. #}
hours as (
    select k.period_grain, k.period_start, k.dimension, k.member, h.hour_of_week
    from (select distinct period_grain, period_start, dimension, member from cells) as k
    cross join ({% for hour in hours_of_week() %}select {{ hour }} as hour_of_week{{ ' union all ' if not loop.last }}{% endfor %}) as h
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    cast(c.hour_of_week as smallint) as hour_of_week,
    {#- A ticket is under several schedules in its life. #}
    cast(case when c.dimension = 'all' then coalesce(n.created, 0) end as bigint) as created,
    cast(case when c.dimension = 'all' then coalesce(n.solved, 0) end as bigint) as solved,
    cast(coalesce(n.open_micros, 0) / 36e8 as double) as open_hours,
    {{ is_small_n('coalesce(n.created, 0)') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from hours as c
left join cells as n
    on c.period_grain = n.period_grain and c.period_start is not distinct from n.period_start
    and c.dimension = n.dimension and c.member = n.member and c.hour_of_week = n.hour_of_week
{{ join_definition() }}
