{#- What an account's own counts and clocks say of its tickets' histories. #}
with told as (
    select
        source,
        ticket_id,
        count(case when kind = 'group' then 1 end) as groups,
        count(case when kind = 'assignee' then 1 end) as assignees,
        count(case when kind = 'status' then 1 end) as statuses,
        count(case when kind = 'comment' and is_public then 1 end) as public_comments,
        count(case when kind = 'comment' and is_public and not is_opening and actor_role = 'agent' then 1 end) as replies,
        max(case when kind = 'group' then struct_pack(event_no := event_no, value := value) end).value as group_id,
        max(case when kind = 'assignee' then struct_pack(event_no := event_no, value := value) end).value as assignee_id,
        max(case when kind = 'priority' then struct_pack(event_no := event_no, value := value) end).value as priority
    from {{ ref('int_ticket_events') }}
    where origin = 'events'
    group by source, ticket_id
),

tickets as (
    select
        t.source, t.channel, t.group_id, t.assignee_id, t.source_priority,
        e.groups, e.assignees, e.statuses, e.replies,
        e.group_id as last_group_id, e.assignee_id as last_assignee_id, e.priority as last_priority,
        n.group_hops, n.assignee_hops, n.reopens, n.public_agent_replies as counted_replies
    from {{ ref('int_tickets') }} as t
    inner join told as e on t.source = e.source and t.ticket_id = e.ticket_id
    left join {{ ref('int_vendor_numbers') }} as n on t.source = n.source and t.ticket_id = n.ticket_id and n.is_full_set
    where t.exclusion_reason is null
),

seconds as (select distinct source, ticket_id, event_at from {{ ref('int_ticket_events') }} where origin = 'events'),

{#- Replies: reply clocks that end, but not with a solve, of tickets whose messages are comments. #}
replied as (
    select
        c.source, t.channel, s.ticket_id is not null as has_event
    from {{ ref('int_sla_events') }} as c
    inner join told as e on c.source = e.source and c.ticket_id = e.ticket_id
    inner join {{ ref('int_tickets') }} as t on c.source = t.source and c.ticket_id = t.ticket_id
    left join seconds as s on c.source = s.source and c.ticket_id = s.ticket_id and c.event_at = s.event_at
    where c.metric in ('first_reply', 'next_reply') and c.event_type = 'fulfill' and e.public_comments > 0 and t.exclusion_reason is null
      and not exists (
          select 1 from {{ ref('int_sla_events') }} as o
          where o.source = c.source and o.ticket_id = c.ticket_id and o.event_at = c.event_at and o.event_type = 'fulfill'
            and o.metric not in ('first_reply', 'next_reply')
      )
),

clocks as (
    select
        source, ticket_id, metric, instance,
        max(target_seconds) as target_seconds,
        coalesce(bool_or(is_business_hours), false) as is_business_hours,
        count(case when event_type = 'apply' then 1 end) as applied,
        count(case when event_type = 'apply' and target_seconds is not null then 1 end) as targeted,
        count(case when event_type = 'pause' then 1 end) as pauses,
        count(case when event_type = 'breach' then 1 end) as breaches,
        min(case when event_type = 'activate' then event_at end) as began_at,
        min(case when event_type = 'fulfill' then event_at end) as ended_at
    from {{ ref('int_sla_events') }}
    group by source, ticket_id, metric, instance
),

ran as (
    select
        t.source, t.channel, t.status, c.metric, c.applied, c.targeted, c.breaches, c.ended_at,
        not c.is_business_hours and c.pauses = 0 and c.target_seconds < {{ seconds(micros_between('c.began_at', 'c.ended_at')) }} as is_late
    from clocks as c
    inner join {{ ref('int_tickets') }} as t on c.source = t.source and c.ticket_id = t.ticket_id
    where t.exclusion_reason is null
)

{%- set of_tickets = {
    'groups_are_those_of_events': ('last_group_id is not null', 'group_id is not null'),
    'assignees_are_those_of_events': ('last_assignee_id is not null', 'assignee_id is not null'),
    'priorities_are_those_of_events': ('last_priority is not null', 'source_priority is not null'),
    'moved_tickets_change_group': ('group_hops > 0', 'groups > 1'),
    'moved_tickets_change_assignee': ('assignee_hops > 0', 'assignees > 1'),
    'reopened_tickets_change_status': ('reopens > 0', 'statuses > 2'),
    'told_replies_are_counted': ('replies > 0 and counted_replies is not null', 'replies <= counted_replies')
} %}
{%- set of_clocks = {
    'targets_have_policies': ('applied > 0', 'targeted > 0'),
    'solved_tickets_end_clocks': ("status in ('solved', 'closed') and metric in ('agent_work', 'requester_wait', 'total_resolution')", 'ended_at is not null'),
    'late_ends_are_breaches': ('is_late', 'breaches > 0')
} %}
{%- set of_replies = {'ended_reply_clocks_have_events': ('true', 'has_event')} %}

{% for rows, checks in {'tickets': of_tickets, 'ran': of_clocks, 'replied': of_replies}.items() %}
{% set is_last_rows = loop.last %}
{% for name, (expected, found) in checks.items() %}
select source, channel, '{{ name }}' as rule, count(*) as expected, count(case when {{ found }} then 1 end) as found
from {{ rows }}
where {{ expected }}
group by source, channel
{{ 'union all' if not (is_last_rows and loop.last) }}
{% endfor %}
{% endfor %}
