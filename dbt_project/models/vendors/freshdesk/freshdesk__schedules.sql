select
    s.source,
    s.record_id as schedule_id,
    coalesce(z.time_zone, s.time_zone) as time_zone,
    s.intervals,
    s.holidays,
    s.deleted as is_deleted,
    s.created_at,
    s.batch_id,
    s.changed_at
from {{ ref('stg_freshdesk__business_hours') }} as s
left join {{ ref('zone_names') }} as z on s.time_zone = z.name
