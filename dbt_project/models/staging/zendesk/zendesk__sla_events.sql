{{ config(materialized='ephemeral') }}
{#- The vendor's own SLA clock events of touched tickets, by metric in the core's words. #}
select
    e.source,
    e.ticket_id,
    {{ zendesk_sla_metric('e') }} as metric,
    e.instance_id as instance,
    case when e.event_type = 'apply_group_sla' then 'apply_sla' else e.event_type end as event_type,
    e.event_at,
    coalesce(try_cast(e.record_id as bigint), 0) as event_order,
    e.target_seconds,
    e.is_business_hours,
    e.policy
from {{ ref('stg_zendesk__ticket_metric_events') }} as e
where e.event_at <= {{ as_of() }}
  and not e.is_withdrawn and not e.deleted
  and e.event_type in ('activate', 'pause', 'fulfill', 'apply_sla', 'apply_group_sla', 'breach')
  and {{ is_touched('e') }}
