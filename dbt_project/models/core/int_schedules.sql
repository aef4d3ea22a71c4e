{{ config(meta={'next_at': 'horizon'}) }}
with versions as ({{ united('schedules', [
    'source', 'schedule_id', 'time_zone', 'intervals', 'holidays', 'is_deleted', 'created_at', 'changed_at'
]) }}),

numbered as (
    select *, row_number() over (partition by source, schedule_id order by changed_at) as version_no from versions
),

kept as (select * from numbered where version_no = 1 or changed_at <= {{ as_of() }})

select
    source,
    source || '/' || schedule_id as schedule_key,
    schedule_id,
    time_zone,
    is_deleted,
    created_at,
    min(changed_at) over (partition by source, schedule_id) as known_from,
    case when version_no = 1 then {{ the_beginning() }} else changed_at end as valid_from,
    coalesce(lead(changed_at) over (partition by source, schedule_id order by changed_at), {{ the_end() }}) as valid_to,
    intervals,
    holidays
from kept
