{%- set sla = {
    'target': 'VARCHAR', 'target_in_seconds': 'VARCHAR', 'business_hours': 'BOOLEAN', 'policy': {'id': 'VARCHAR', 'title': 'VARCHAR'}
} -%}
{%- set shape = {
    'ticket_id': 'VARCHAR', 'metric': 'VARCHAR', 'instance_id': 'VARCHAR', 'type': 'VARCHAR', 'time': 'VARCHAR',
    'deleted': 'BOOLEAN', 'sla': sla, 'group_sla': sla, 'status': {'calendar': 'VARCHAR', 'business': 'VARCHAR'}
} -%}
{%- set values = [
    word_value('metric', 'p.metric', zendesk_sla_metrics()),
    word_value('event_type', 'p.type', zendesk_sla_events()),
    number_value('vendor_calendar_minutes', 'p.status.calendar', 'double'),
    number_value('vendor_business_minutes', 'p.status.business', 'double')
] -%}
{%- set target -%}
coalesce(
        try_cast(p.sla.target_in_seconds as double), try_cast(p.sla.target as double) * 60,
        try_cast(p.group_sla.target_in_seconds as double), try_cast(p.group_sla.target as double) * 60
    )
{%- endset -%}
{%- set told = 'coalesce(p.sla.target_in_seconds, p.sla.target, p.group_sla.target_in_seconds, p.group_sla.target)' -%}
with landed as ({{ landed('zendesk', 'ticket_metric_events', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    try_cast(p.instance_id as integer) as instance_id,
    {{ usable(values) }}
    {{ to_utc('p.time') }} as event_at,
    coalesce(p.deleted, false) as is_withdrawn,
    {{ target }} as target_seconds,
    coalesce(p.sla.business_hours, p.group_sla.business_hours, false) as is_business_hours,
    coalesce(p.sla.policy.title, p.group_sla.policy.title) as policy,
    {{ rejected_values(values) }},
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.metric', 'metric'),
        missing('p.type', 'type'),
        missing('p.time', 'time'),
        bad_time('p.time', 'time'),
        "case when try_cast(p.instance_id as integer) is null then 'instance_id is no number' end",
        "case when " ~ told ~ " is not null and coalesce(" ~ target ~ " not between 0 and 3.2e9, true) then 'target is no time that can be' end"
    ]) }}
from landed
