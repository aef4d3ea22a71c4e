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
        case when {{ is_known('c.status', zendesk_statuses()) }} then c.status end as status,
        c.priority, c.group_id, c.assignee_id, c.new_schedule_id, {#- Without the side-load a comment is but marked. -#}
        coalesce(c.public, c.comment_public) as is_public,
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
        case when c.field_name = 'status' and {{ is_known('c.value', zendesk_statuses()) }} then c.value end as status,
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

{#- Written ones, calls (of partners' telephony too) and social media's: whatever its kind, a comment's type ends so. #}
{%- set kinds = [
    ('status', "a.status is not null", 'a.status'),
    ('priority', "a.priority is not null or a.has_priority", 'a.priority'),
    ('group', "a.group_id is not null or a.has_group", 'a.group_id'),
    ('assignee', "a.assignee_id is not null or a.has_assignee", 'a.assignee_id'),
    ('schedule', "a.child_type = 'ScheduleAssignment'", 'a.new_schedule_id'),
    ('comment', "a.child_type like '%Comment'", 'null'),
    ('share', "a.child_type = 'TicketSharingEvent'", 'null')
] %}
kind_names as (
    {% for kind, _, _ in kinds %}
    select {{ loop.index }} as kind_no, '{{ kind }}' as kind {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- One pass over the children, however many kinds each of them is. #}
kinds as (
    select
        a.source, a.ticket_id, a.record_id, a.event_at, a.child_no, n.kind_no, n.kind,
        case n.kind
            {% for kind, _, value in kinds %}
            when '{{ kind }}' then {{ value }}
            {% endfor %}
        end as value,
        a.actor_id,
        n.kind = 'comment' and coalesce(a.is_public, true) as is_public,
        a.via_channel,
        a.via_rel
    from all_children as a
    cross join kind_names as n
    where case n.kind
        {% for kind, condition, _ in kinds %}
        when '{{ kind }}' then {{ condition }}
        {% endfor %}
    end
)

select
    k.source,
    k.ticket_id,
    k.record_id as event_id,
    k.event_at,
    try_cast(k.record_id as bigint) as sequence_no,
    k.child_no,
    k.kind_no,
    false as can_repeat,
    k.kind,
    k.value,
    k.actor_id,
    cast(null as varchar) as actor_role,
    k.is_public,
    k.actor_id = '-1'
        or coalesce(k.via_channel in ('rule', 'trigger', 'automation', 'system'), false)
        or coalesce(k.via_rel in ('trigger', 'automation', 'rule'), false) as is_automatic,
    true as is_dated,
    'events' as origin
from kinds as k
