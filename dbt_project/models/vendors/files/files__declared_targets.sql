with targets as (
    select source, ticket_id, created_at, fetched_at, unusable, unnest(sla) as s from {{ ref('files__tickets') }}
)

select
    source,
    ticket_id,
    s.metric as metric,
    created_at as applied_at,
    {{ usable_time('s.due_at', due_days()) }} as due_at,
    {{ usable_time('s.ended_at') }} as ended_at,
    s.verdict as verdict,
    list_contains(unusable, s.metric || '_ended_at') as is_end_unusable
from targets
where s.due_at is not null or s.verdict is not null
