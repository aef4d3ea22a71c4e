select
    e.source,
    e.ticket_id,
    e.record_id,
    {{ zendesk_sla_metric('e') }} as metric,
    cast(e.instance_id as bigint) as instance,
    case when e.event_type in ('apply_sla', 'apply_group_sla') then 'apply' else e.event_type end as event_type,
    e.event_at,
    coalesce(try_cast(e.record_id as bigint), 0) as event_order,
    e.policy,
    e.target_seconds,
    e.is_business_hours
from {{ ref('stg_zendesk__ticket_metric_events') }} as e
where e.event_at <= {{ as_of() }}
  and not e.is_withdrawn and not e.deleted and e.metric is not null
  and e.event_type in ('activate', 'pause', 'fulfill', 'breach', 'apply_sla', 'apply_group_sla')
  and {{ is_touched('e') }}
