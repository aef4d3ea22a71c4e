{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{%- set columns = [
    'source', 'ticket_id', 'event_id', 'event_at', 'sequence_no', 'child_no', 'kind_no', 'kind', 'can_repeat', 'value', 'actor_id', 'actor_role',
    'is_public', 'is_automatic', 'is_dated', 'origin'
] -%}
{%- set fields = ['status', 'priority', 'group', 'assignee'] -%}
{%- set tells_all = 't.logs_assignment and ' ~ begins_with_ticket('e.known_from', 't.created_at') -%}
with events as ({{ united('ticket_events', columns) }}),

former_agents as ({{ united('former_agents', ['source', 'user_id', 'is_active']) }}),

dated as (
    select
        {{ star_except(['event_at', 'is_dated'], 'e') }},
        e.event_at as told_at,
        greatest(e.event_at, t.created_at) as event_at,
        e.is_dated and not {{ is_misdated('e.event_at', 't.created_at') }} as is_time_known,
        t.created_at,
        t.customer_id,
        t.collaborator_ids
    from events as e
    inner join {{ ref('int_tickets') }} as t on e.source = t.source and e.ticket_id = t.ticket_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by source, ticket_id
            order by event_at, sequence_no nulls first, is_time_known desc, told_at, event_id, child_no, kind_no
        ) as event_no
    from dated
),

repeating as (
    select *, lag(coalesce(value, '')) over (partition by source, ticket_id, kind order by event_no) as previous_value
    from numbered
    where can_repeat
),

changes as (
    select * from numbered where not can_repeat
    union all
    select {{ star_except(['previous_value']) }} from repeating where previous_value is null or previous_value <> coalesce(value, '')
),

{#- Only comments need their author's role. #}
authored as (select *, case when kind = 'comment' then actor_id end as author_id from changes),

{#- A history begins with the ticket, or is none of what it does not mention. #}
left_by_events as (
    select
        source,
        ticket_id,
        max(event_at) as last_event_at,
        max(event_no) as last_event_no,
        min(case when kind in ('{{ fields | join("', '") }}') then event_at end) as known_from
        {% for kind in fields %}
        , max_by(coalesce(value, ''), case when kind = '{{ kind }}' then event_no end) as last_{{ kind }}
        {% endfor %}
    from changes
    group by source, ticket_id
),

newer_versions as (
    select
        t.source,
        t.ticket_id,
        t.version_at,
        e.last_event_at,
        e.last_event_no,
        t.logs_assignment,
        t.status as now_status,
        coalesce(t.priority, '') as now_priority,
        coalesce(t.group_id, '') as now_group,
        coalesce(t.assignee_id, '') as now_assignee,
        e.last_status,
        case
            when {{ priority_rank('e.last_priority') }} is not null then e.last_priority
            when e.last_priority is not null or {{ tells_all }} then ''
        end as last_priority
        {% for kind in ['group', 'assignee'] %}
        , coalesce(e.last_{{ kind }}, case when {{ tells_all }} then '' end) as last_{{ kind }}
        {% endfor %}
        {% for time in ['last_solved', 'status', 'assignee'] %}
        , case when t.told_{{ time }}_at >= e.last_event_at then t.told_{{ time }}_at end as {{ time }}_at
        {% endfor %}
    from left_by_events as e
    inner join {{ ref('int_tickets') }} as t on e.source = t.source and e.ticket_id = t.ticket_id
    where t.version_at >= e.last_event_at and t.exclusion_reason is distinct from 'deleted'
),

{#- A close that nobody saw may have come after a solve that nobody saw: one has the time of the solve, the other that of the status. #}
last_words as (
    select *, 'status' as kind, 0 as kind_no, 'solved' as value, last_solved_at as told_at
    from newer_versions
    where now_status = 'closed' and last_status not in ('solved', 'closed') and last_solved_at < status_at
    union all
    select
        *, 'status', 1, now_status,
        case
            when now_status not in ('solved', 'closed') or last_status in ('solved', 'closed') then status_at
            when now_status = 'closed' and last_solved_at < status_at then status_at
            else coalesce(last_solved_at, case when now_status = 'solved' then status_at end)
        end
    from newer_versions
    where now_status <> last_status
    {% for kind, told_at in [('priority', 'cast(null as timestamp)'), ('group', 'cast(null as timestamp)'), ('assignee', 'assignee_at')] %}
    union all
    select *, '{{ kind }}', {{ loop.index + 1 }}, now_{{ kind }}, {{ told_at }}
    from newer_versions
    where now_{{ kind }} <> last_{{ kind }} and (now_{{ kind }} <> '' or logs_assignment)
    {% endfor %}
)

select
    e.source,
    e.ticket_id,
    e.event_id,
    e.event_at,
    e.is_time_known,
    e.event_no,
    e.kind,
    nullif(e.value, '') as value,
    e.actor_id,
    case
        when e.kind <> 'comment' then e.actor_role
        when e.is_automatic or b.user_id is not null then 'system'
        when e.actor_role is not null then e.actor_role
        when e.actor_id = e.customer_id then 'end_user'
        when f.is_active then 'agent'
        when u.is_active or u.role = 'agent' then u.role
        when f.user_id is not null then 'agent'
        when u.user_id is not null then 'end_user'
        when list_contains(e.collaborator_ids, e.actor_id) then 'end_user'
        else 'agent'
    end as actor_role,
    {#- By no version of its user: one who worked as an agent, or is unknown and neither asked nor is copied. #}
    coalesce(
        e.kind = 'comment' and not e.is_automatic and b.user_id is null and e.actor_role is null
        and e.actor_id is distinct from e.customer_id and not coalesce((u.is_active and not coalesce(f.is_active, false)) or u.role = 'agent', false)
        and (f.user_id is not null or (u.user_id is null and not coalesce(list_contains(e.collaborator_ids, e.actor_id), false))), false
    ) as is_role_assumed,
    coalesce(
        not e.is_automatic and b.user_id is null and e.actor_role is null and e.actor_id is distinct from e.customer_id
        and (not u.is_active or f.is_active) and u.role <> 'agent', false
    ) as is_role_judged,
    e.is_public,
    e.kind = 'comment' and e.event_at <= e.created_at as is_opening,
    e.origin
from authored as e
left join {{ ref('int_users') }} as u
    on e.source = u.source and e.author_id = u.user_id
    and e.event_at >= u.valid_from and e.event_at < u.valid_to
left join former_agents as f on e.source = f.source and e.author_id = f.user_id
left join {{ ref('bots') }} as b on e.source = b.source and e.actor_id = b.user_id and coalesce(b.is_bot, true)
union all
select
    source,
    ticket_id,
    'version' || coalesce(' ' || cast(told_at as varchar), '') as event_id,
    coalesce(told_at, greatest(version_at, last_solved_at)) as event_at,
    told_at is not null as is_time_known,
    last_event_no + row_number() over (
        partition by source, ticket_id order by coalesce(told_at, greatest(version_at, last_solved_at)), kind_no
    ) as event_no,
    kind,
    nullif(value, '') as value,
    null as actor_id,
    null as actor_role,
    false as is_role_assumed,
    false as is_role_judged,
    false as is_public,
    false as is_opening,
    'vendor' as origin
from last_words
