{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- One spine of everything that happened to a ticket up to the as-of time, with the author's role at that time. #}
{%- set columns = [
    'source', 'ticket_id', 'event_id', 'event_at', 'event_no', 'kind', 'value', 'actor_id', 'actor_role', 'is_public', 'is_automatic'
] -%}
with events as (
    select {{ columns | join(', ') }} from {{ ref('zendesk__ticket_events') }}
    union all
    select {{ columns | join(', ') }} from {{ ref('files__ticket_events') }}
),

{#- Only comments need their author's role. #}
authored as (select *, case when kind = 'comment' then actor_id end as author_id from events)

select
    e.source,
    e.ticket_id,
    e.event_id,
    e.event_at,
    e.event_no,
    e.kind,
    e.value,
    e.actor_id,
    case
        when e.kind <> 'comment' then e.actor_role
        when e.is_automatic or b.user_id is not null then 'system'
        when e.actor_role is not null then e.actor_role
        when e.actor_id = t.customer_id then 'end_user'
        when u.is_active or u.role = 'agent' then u.role
        when list_contains(t.collaborator_ids, e.actor_id) then 'end_user'
        else 'agent'
    end as actor_role,
    {#- The last resort above: an unknown or deleted author who neither asked nor is copied. #}
    coalesce(
        e.kind = 'comment' and not e.is_automatic and b.user_id is null and e.actor_role is null
        and e.actor_id is distinct from t.customer_id and not coalesce(u.is_active or u.role = 'agent', false)
        and not coalesce(list_contains(t.collaborator_ids, e.actor_id), false), false
    ) as is_role_assumed,
    e.is_public,
    e.kind = 'comment' and e.event_at <= t.created_at as is_opening
from authored as e
inner join {{ ref('int_tickets') }} as t on e.source = t.source and e.ticket_id = t.ticket_id
left join {{ ref('int_users') }} as u
    on e.source = u.source and e.author_id = u.user_id
    and e.event_at >= u.valid_from and e.event_at < u.valid_to
left join {{ ref('bots') }} as b on e.source = b.source and e.actor_id = b.user_id
