{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with tickets as (
    select t.source, t.ticket_id, t.created_at
    from {{ ref('int_tickets') }} as t
    where t.exclusion_reason is null and {{ is_touched('t') }}
),

comments as (
    select
        e.*,
        e.is_public and e.actor_role = 'agent' and not e.is_opening as is_reply
    from {{ ref('int_ticket_events') }} as e
    where e.kind = 'comment' and {{ is_touched('e') }}
),

numbered as (
    select
        *,
        1 + coalesce(sum(case when is_reply then 1 else 0 end) over (
            partition by source, ticket_id order by event_at, event_no rows between unbounded preceding and 1 preceding
        ), 0) as reply_no
    from comments
),

stretches as (
    select
        source,
        ticket_id,
        reply_no,
        min(case when is_public and actor_role = 'end_user' then event_at end) as asked_at,
        min(case when is_reply then event_at end) as replied_at,
        min(case when is_reply then actor_id end) as agent_id,
        bool_or(is_reply and is_role_assumed) as is_role_assumed
    from numbered
    group by source, ticket_id, reply_no
)

select
    s.source,
    s.ticket_id,
    cast(s.reply_no as integer) as reply_no,
    s.reply_no = 1 as is_first_reply,
    case when s.reply_no = 1 then t.created_at else s.asked_at end as waits_from,
    s.replied_at,
    s.agent_id,
    s.is_role_assumed
from stretches as s
inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
where s.reply_no = 1 or s.asked_at is not null or s.replied_at is not null
