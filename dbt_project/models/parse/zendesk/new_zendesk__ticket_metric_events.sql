{%- set sla = {
    'target': 'DOUBLE', 'target_in_seconds': 'DOUBLE', 'business_hours': 'BOOLEAN', 'policy': {'id': 'VARCHAR', 'title': 'VARCHAR'}
} -%}
{%- set shape = {
    'ticket_id': 'VARCHAR', 'metric': 'VARCHAR', 'instance_id': 'VARCHAR', 'type': 'VARCHAR', 'time': 'VARCHAR',
    'deleted': 'BOOLEAN', 'sla': sla, 'group_sla': sla, 'status': {'calendar': 'DOUBLE', 'business': 'DOUBLE'}
} -%}
with landed as ({{ landed('zendesk', 'ticket_metric_events', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    p.metric as metric,
    try_cast(p.instance_id as integer) as instance_id,
    p.type as event_type,
    {{ to_utc('p.time') }} as event_at,
    coalesce(p.deleted, false) as is_withdrawn,
    coalesce(
        p.sla.target_in_seconds, p.sla.target * 60, p.group_sla.target_in_seconds, p.group_sla.target * 60
    ) as target_seconds,
    coalesce(p.sla.business_hours, p.group_sla.business_hours, false) as is_business_hours,
    coalesce(p.sla.policy.title, p.group_sla.policy.title) as policy,
    p.status.calendar as vendor_calendar_minutes,
    p.status.business as vendor_business_minutes,
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.metric', 'metric'),
        missing('p.type', 'type'),
        missing('p.time', 'time'),
        bad_time('p.time', 'time')
    ]) }}
from landed
