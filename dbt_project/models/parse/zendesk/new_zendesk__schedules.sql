{#- Intervals are minutes from Sunday 00:00 local; holidays are local dates, last day included; the zone is a Rails name. #}
{%- set shape = {
    'schedule': {
        'name': 'VARCHAR', 'time_zone': 'VARCHAR', 'created_at': 'VARCHAR',
        'intervals': [{'start_time': 'BIGINT', 'end_time': 'BIGINT'}]
    },
    'holidays': [{'start_date': 'VARCHAR', 'end_date': 'VARCHAR'}]
} -%}
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
    {{ to_utc('p.schedule.created_at') }} as created_at,
    p.schedule.intervals as intervals,
    p.holidays as holidays,
    {{ reject_reason([
        bad_time('p.schedule.created_at', 'created_at'),
        missing('p.schedule.time_zone', 'time_zone'),
        "case when z.name is null then 'time_zone ' || p.schedule.time_zone || ' is unknown: add it to zone_names.csv' end"
    ]) }}
from landed
left join zones as z on landed.p.schedule.time_zone = z.name
