select
    e.source,
    e.ticket_id,
    e.record_id as event_id,
    e.event_at,
    try_cast(e.record_id as bigint) as sequence_no,
    1 as child_no,
    1 as kind_no,
    false as can_repeat,
    case when e.status is null then 'comment' else 'status' end as kind,
    e.status as value,
    e.actor_id,
    e.actor_role,
    e.status is null and e.is_public as is_public,
    false as is_automatic,
    true as is_dated,
    'events' as origin
from {{ ref('stg_helpbox__events') }} as e
where e.event_at <= {{ as_of() }} and not e.deleted and {{ is_touched('e') }}
