{{ config(materialized='ephemeral') }}
{#- The event spine of touched tickets: one row per change of status, priority, group, assignee or schedule, and per comment. #}
with events as (
    select source, record_id, ticket_id, event_at, actor_id, children, child_keys
    from {{ ref('stg_zendesk__ticket_events') }} as e
    where e.event_at <= {{ as_of() }} and {{ is_touched('e') }}
),

event_children as (
    select
        source, record_id, ticket_id, event_at, actor_id,
        unnest(children) as c,
        generate_subscripts(children, 1) as child_no,
        child_keys
    from events
),

children as (
    select
        source, record_id, ticket_id, event_at, child_no,
        coalesce(c.author_id, actor_id) as actor_id,
        c.event_type as child_type,
        c.status, c.priority, c.group_id, c.assignee_id, c.new_schedule_id, c.public as is_public,
        c.via.channel as via_channel,
        c.via.source.rel as via_rel,
        coalesce(c.event_type = 'Change' and list_contains(child_keys[child_no], 'priority'), false) as has_priority,
        coalesce(c.event_type = 'Change' and list_contains(child_keys[child_no], 'group_id'), false) as has_group,
        coalesce(c.event_type = 'Change' and list_contains(child_keys[child_no], 'assignee_id'), false) as has_assignee
    from event_children
),

audits as (
    select source, record_id, ticket_id, event_at, actor_id, children
    from {{ ref('stg_zendesk__ticket_audits') }} as a
    where a.event_at <= {{ as_of() }} and {{ is_touched('a') }}
      and not exists (
          select 1 from {{ ref('stg_zendesk__ticket_events') }} as e where e.source = a.source and e.record_id = a.record_id
      )
),

audit_children as (
    select
        source, record_id, ticket_id, event_at, actor_id,
        unnest(children) as c,
        generate_subscripts(children, 1) as child_no
    from audits
),

all_children as (
    select * from children
    union all
    select
        source, record_id, ticket_id, event_at, child_no,
        coalesce(c.author_id, actor_id) as actor_id,
        c.type as child_type,
        case when c.field_name = 'status' then c.value end as status,
        case when c.field_name = 'priority' then c.value end as priority,
        case when c.field_name = 'group_id' then c.value end as group_id,
        case when c.field_name = 'assignee_id' then c.value end as assignee_id,
        c.new_schedule_id,
        c.public as is_public,
        c.via.channel as via_channel,
        c.via.source.rel as via_rel,
        coalesce(c.type = 'Change' and c.field_name = 'priority', false) as has_priority,
        coalesce(c.type = 'Change' and c.field_name = 'group_id', false) as has_group,
        coalesce(c.type = 'Change' and c.field_name = 'assignee_id', false) as has_assignee
    from audit_children
),

kinds as (
    {% for kind, no, condition, value in [
        ('status', 1, "status is not null", 'status'),
        ('priority', 2, "priority is not null or has_priority", 'priority'),
        ('group', 3, "group_id is not null or has_group", 'group_id'),
        ('assignee', 4, "assignee_id is not null or has_assignee", 'assignee_id'),
        ('schedule', 5, "child_type = 'ScheduleAssignment'", 'new_schedule_id'),
        ('comment', 6, "child_type = 'Comment'", 'cast(null as varchar)')
    ] %}
    select
        source, ticket_id, record_id, event_at, child_no, {{ no }} as kind_no, '{{ kind }}' as kind,
        {{ value }} as value, actor_id, {{ "coalesce(is_public, true)" if kind == 'comment' else 'false' }} as is_public,
        via_channel, via_rel
    from all_children
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    k.source,
    k.ticket_id,
    k.record_id as event_id,
    k.event_at,
    row_number() over (
        partition by k.source, k.ticket_id
        order by k.event_at, try_cast(k.record_id as bigint), k.record_id, k.child_no, k.kind_no
    ) as event_no,
    k.kind,
    k.value,
    k.actor_id,
    cast(null as varchar) as actor_role,
    k.is_public,
    k.actor_id = '-1'
        or coalesce(k.via_channel in ('rule', 'trigger', 'automation', 'system'), false)
        or coalesce(k.via_rel in ('trigger', 'automation', 'rule'), false) as is_automatic
from kinds as k
