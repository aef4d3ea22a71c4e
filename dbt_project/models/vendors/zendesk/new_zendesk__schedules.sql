{%- set shape = {
    'schedule': {
        'name': 'VARCHAR', 'time_zone': 'VARCHAR', 'created_at': 'VARCHAR',
        'intervals': [{'start_time': 'BIGINT', 'end_time': 'BIGINT'}]
    },
    'holidays': [{'start_date': 'VARCHAR', 'end_date': 'VARCHAR'}]
} -%}
{%- set is_interval = 'coalesce(i.start_time between 0 and 10079 and i.end_time between i.start_time and i.start_time + 10080, false)' -%}
{#- A longer closure is a fault of the data. #}
{%- set is_holiday -%}
coalesce(
    try_cast(h.start_date as date) <= try_cast(h.end_date as date) and try_cast(h.end_date as date) - try_cast(h.start_date as date) < 366, false
)
{%- endset -%}
{%- set values = [
    time_value('created_at', 'p.schedule.created_at'),
    list_value('intervals', 'p.schedule.intervals', 'i', 'not ' ~ is_interval, "concat(i.start_time, '-', i.end_time)", 'is no interval of a week'),
    list_value('holidays', 'p.holidays', 'h', 'not ' ~ is_holiday, "concat(h.start_date, '/', h.end_date)", 'is no period of days')
] -%}
with landed as ({{ landed('zendesk', 'schedules', shape) }}),

zones as (
    select name from {{ ref('zone_names') }}
    union
    {{ known_time_zones() }}
)

select
    {{ envelope() }},
    p.schedule.name as schedule_name,
    p.schedule.time_zone as time_zone,
    {{ usable(values) }}
    {{ elements_where('p.schedule.intervals', 'i', is_interval) }} as intervals,
    {{ elements_where('p.holidays', 'h', is_holiday) }} as holidays,
    {{ rejected_values(values) }},
    {{ reject_reason([
        missing('p.schedule.time_zone', 'time_zone'),
        "case when z.name is null then 'time_zone ' || p.schedule.time_zone || ' is unknown: add it to zone_names.csv' end"
    ]) }}
from landed
left join zones as z on landed.p.schedule.time_zone = z.name
