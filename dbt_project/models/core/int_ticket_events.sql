{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- One spine of everything that happened to a ticket up to the as-of time, with the author's role at that time. What is dated before the
    ticket's creation stands at it and says that its time is not known. Time orders it; what has one time the source's own order, and what
    has none comes after what is known to be of that time. can_repeat: a value that is there already is no change. #}
{%- set columns = [
    'source', 'ticket_id', 'event_id', 'event_at', 'sequence_no', 'child_no', 'kind_no', 'kind', 'can_repeat', 'value', 'actor_id', 'actor_role',
    'is_public', 'is_automatic'
] -%}
with events as ({{ united('ticket_events', columns) }}),

dated as (
    select
        {{ star_except(['event_at'], 'e') }},
        e.event_at as told_at,
        greatest(e.event_at, t.created_at) as event_at,
        not {{ is_misdated('e.event_at', 't.created_at') }} as is_time_known,
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
authored as (select *, case when kind = 'comment' then actor_id end as author_id from changes)

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
        when u.is_active or u.role = 'agent' then u.role
        when list_contains(e.collaborator_ids, e.actor_id) then 'end_user'
        else 'agent'
    end as actor_role,
    {#- The last resort above: an unknown or deleted author who neither asked nor is copied. #}
    coalesce(
        e.kind = 'comment' and not e.is_automatic and b.user_id is null and e.actor_role is null
        and e.actor_id is distinct from e.customer_id and not coalesce(u.is_active or u.role = 'agent', false)
        and not coalesce(list_contains(e.collaborator_ids, e.actor_id), false), false
    ) as is_role_assumed,
    e.is_public,
    e.kind = 'comment' and e.event_at <= e.created_at as is_opening
from authored as e
left join {{ ref('int_users') }} as u
    on e.source = u.source and e.author_id = u.user_id
    and e.event_at >= u.valid_from and e.event_at < u.valid_to
left join {{ ref('bots') }} as b on e.source = b.source and e.actor_id = b.user_id
